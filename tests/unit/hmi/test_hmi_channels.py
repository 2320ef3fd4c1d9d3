"""Channels: values are there before they are followed, and what cannot be followed ends the session."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from asyncua import Client

from hmi import channels
from hmi.alarms import AlarmList
from hmi.channel import Viewer
from hmi.channels import FLEET_KEY, Channels
from hmi.image import BAD_NO_COMMUNICATION, GOOD, Image
from hmi.topology import Asset, Topology

CLIENT = cast(Client, object())
SITE = Asset("Hat Yai", "Hat Yai")


class FakeServer:
    """What channels ask of a session; a subscription stands when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.following: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.deleted: list[int] = []
        for name in ("discover", "read_values", "subscribe_values", "unsubscribe", "_declared"):
            monkeypatch.setattr(channels, name, getattr(self, name.removeprefix("_")))

    async def discover(self, _: Client) -> Topology:
        return Topology(2, (SITE,))

    async def declared(self, *_: object) -> dict[str, tuple[str, tuple[str, ...]]]:
        return {}

    async def read_values(self, _: Client, __: Topology, image: Image) -> None:
        for item in range(len(image.values)):
            image.take(item, 7.0, GOOD, 1)

    async def subscribe_values(self, *_: object) -> int:
        return await asyncio.shield(self.following)

    async def unsubscribe(self, _: Client, subscription: int) -> None:
        self.deleted.append(subscription)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """One fake server."""
    return FakeServer(monkeypatch)


@pytest.fixture
async def fed(server: FakeServer) -> Channels:
    """Channels with a session."""
    made = Channels(AlarmList())
    await made.attach(CLIENT)
    return made


async def test_values_stand_before_they_are_followed(server: FakeServer, fed: Channels) -> None:
    content = (await fed.get("site/Hat Yai")).shown.content()
    assert set(content["v"]) == {7}
    assert not content["s"]
    assert not server.following.done()


async def fail(server: FakeServer) -> None:
    """The server does not take the subscriptions that it was asked for."""
    server.following.set_exception(TimeoutError("the server does not answer"))
    for _ in range(3):  # the future's, the shield's and the task's own turn
        await asyncio.sleep(0)


async def test_without_the_fleets_own_subscription_there_is_no_session(
    server: FakeServer, fed: Channels
) -> None:
    await fed.drop_idle()
    await fail(server)
    with pytest.raises(TimeoutError, match="does not answer"):
        await fed.drop_idle()


async def test_who_looks_at_what_could_not_be_subscribed_starts_again(
    server: FakeServer, fed: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "FLEET_KEY", "of no importance here")
    viewer = Viewer()
    (await fed.get("site/Hat Yai")).viewers.add(viewer)
    await fail(server)
    await fed.drop_idle()
    assert viewer.queue.get_nowait() is None
    assert fed.counts() == {"channels": 0, "viewers": 0}


async def test_what_nobody_looks_at_is_let_go_of(
    server: FakeServer, fed: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fed.get("site/Hat Yai")
    server.following.set_result(12)
    await fed.drop_idle()
    assert fed.counts()["channels"] == 2
    monkeypatch.setattr(channels, "LINGER", 0.0)
    await fed.drop_idle()
    assert fed.counts()["channels"] == 1
    assert server.deleted == [12]


async def test_a_lost_session_leaves_values_that_are_not_good(server: FakeServer, fed: Channels) -> None:
    shown = (await fed.get(FLEET_KEY)).shown
    fed.detach()
    assert isinstance(shown, Image)
    assert set(shown.status) == {BAD_NO_COMMUNICATION}
    server.following.set_exception(TimeoutError("too late to matter"))
    await fed.attach(CLIENT)
    assert set(shown.status) == {GOOD}
