"""Channels that open: once for all who ask for the same, and none waits for another."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua

from hmi.alarms import AlarmList
from hmi.channel import Channel
from hmi.channels import Channels
from hmi.image import Column, Image, Layout, Table
from hmi.subscription import subscribe_values


async def test_who_opens_a_small_part_does_not_wait_for_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    large = asyncio.Event()

    async def open_slowly(channels: Channels, key: str) -> Channel:
        opened.append(key)
        if key == "lives":
            await large.wait()
        shown: Any = SimpleNamespace()
        channel = channels._channels[key] = Channel(key, shown)
        return channel

    monkeypatch.setattr(Channels, "_open", open_slowly)
    channels = Channels(AlarmList())
    async with asyncio.timeout(5):
        first, second = (asyncio.create_task(channels.get("lives")) for _ in range(2))
        await asyncio.sleep(0)
        assert (await channels.get("alarms/")).key == "alarms/"
        large.set()
        assert await first is await second
    assert opened == ["lives", "alarms/"]


async def test_what_could_not_be_subscribed_leaves_no_subscription() -> None:
    deleted: list[int] = []

    async def create_subscription(*_: Any) -> Any:
        return SimpleNamespace(SubscriptionId=7)

    async def create_monitored_items(_: Any) -> Any:
        raise TimeoutError

    async def delete_subscriptions(ids: list[int]) -> None:
        deleted.extend(ids)

    client: Any = SimpleNamespace(
        uaclient=SimpleNamespace(
            create_subscription=create_subscription,
            create_monitored_items=create_monitored_items,
            delete_subscriptions=delete_subscriptions,
        )
    )
    topology: Any = SimpleNamespace(node=lambda identifier: ua.NodeId(identifier, 2))
    image = Image(Layout((Table("jar", ("A/B/C/D",), (Column("Voltage", "Voltage"),)),)))
    with pytest.raises(TimeoutError):
        await subscribe_values(client, topology, image)
    assert deleted == [7]
