"""Open websockets: bounded, and over when their session is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from hmi import sockets
from hmi.sockets import Message, Sockets


class Browser:
    """One websocket of a session, served until `leave`."""

    def __init__(self, guard: Sockets, session: Any) -> None:
        self.sent: list[Message] = []
        self.reached = asyncio.Event()
        self.leave = asyncio.Event()
        scope = {"type": "websocket", "state": {"session": session}}
        self.task = asyncio.create_task(guard.serve(self.app, scope, None, self.receive))

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        self.reached.set()
        await self.leave.wait()
        await send({"type": "websocket.send", "text": "after"})

    async def receive(self, message: Message) -> None:
        self.sent.append(message)

    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]


def session(user: str) -> Any:
    """A web session."""
    return SimpleNamespace(user=user, endings=set())


async def test_a_session_that_ends_closes_its_websockets() -> None:
    mine = session("kanya")
    browser = Browser(Sockets(), mine)
    await browser.reached.wait()
    (ending,) = mine.endings
    await ending()
    assert browser.sent[-1] == {"type": "websocket.close", "code": 4401, "reason": "log in again"}
    browser.leave.set()
    await browser.task
    assert browser.types() == ["websocket.accept", "websocket.close"]  # nothing live after it
    assert not mine.endings


async def test_so_many_and_no_more(monkeypatch: Any) -> None:
    monkeypatch.setattr(sockets, "MAX_OF_USER", 2)
    monkeypatch.setattr(sockets, "MAX_SOCKETS", 3)
    guard, browsers = Sockets(), []

    async def open_one(user: str) -> Browser:
        browser = Browser(guard, session(user))
        browsers.append(browser)
        await asyncio.wait(
            {browser.task, asyncio.ensure_future(browser.reached.wait())}, return_when="FIRST_COMPLETED"
        )
        return browser

    first = await open_one("kanya")
    await open_one("kanya")
    assert (await open_one("kanya")).sent[0]["code"] == 4429
    assert (await open_one("anan")).types() == ["websocket.accept"]
    assert (await open_one("anan")).sent[0]["code"] == 4429  # of all
    first.leave.set()
    await first.task
    assert (await open_one("kanya")).types() == ["websocket.accept"]
    for browser in browsers:
        browser.leave.set()
        await browser.task


async def test_without_a_session_there_is_none() -> None:
    browser = Browser(Sockets(), None)
    await browser.task
    assert browser.sent[0]["code"] == 4401
