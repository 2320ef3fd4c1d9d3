"""The live stream of a browser while the part of the fleet that it asks for is not there yet."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import QueryParams
from starlette.websockets import WebSocketDisconnect

from hmi import api
from hmi.api import Api
from hmi.channel import Channel


class Browser:
    """A websocket whose reader leaves when told to."""

    query_params = QueryParams("key=lives")

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.left = asyncio.Event()

    async def accept(self) -> None:
        pass

    async def send_text(self, text: str) -> None:
        if self.left.is_set():
            raise WebSocketDisconnect
        self.told.put_nowait(text)

    async def receive(self) -> None:
        await self.left.wait()


@pytest.fixture
def lives() -> Channel:
    shown: Any = SimpleNamespace(changes=lambda: {"v": 1})
    return Channel("lives", shown)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    monkeypatch.setattr(api, "TICK", 0.01)
    return asyncio.Event()


def serving(lives: Channel, opened: asyncio.Event) -> Api:
    async def get(key: str) -> Channel:
        await opened.wait()
        return lives

    live: Any = SimpleNamespace(status=lambda: "state", channels=SimpleNamespace(get=get))
    accounts: Any = None
    return Api(live, accounts)


async def test_a_browser_hears_that_the_hmi_is_there_while_a_large_channel_opens(
    lives: Channel, opened: asyncio.Event
) -> None:
    browser: Any = Browser()
    async with asyncio.timeout(5):
        stream = asyncio.create_task(serving(lives, opened).stream(browser))
        assert [await browser.told.get() for _ in range(2)] == ["state"] * 2
        assert not lives.viewers
        opened.set()
        while (message := await browser.told.get()) == "state":
            lives.tick()
        assert message == '{"k":"lives","n":1,"v":1}'
        browser.left.set()
        lives.tick()
        await stream
    assert not lives.viewers


async def test_who_leaves_before_it_is_open_is_no_viewer(lives: Channel, opened: asyncio.Event) -> None:
    browser: Any = Browser()
    async with asyncio.timeout(5):
        stream = asyncio.create_task(serving(lives, opened).stream(browser))
        await browser.told.get()
        browser.left.set()
        opened.set()
        await stream
    assert not lives.viewers
