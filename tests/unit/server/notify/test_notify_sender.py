"""Trying, and trying again."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from notices import START
from structlog.testing import capture_logs

from server.notify import backoff
from server.notify.delivery import SENT, Delivery, Fate, Result
from server.notify.outbox import Outbox
from server.notify.sender import Sender
from server.notify.store import Store

LATER = Result(Fate.LATER, "HTTP 503")
NEVER = Result(Fate.NEVER, "HTTP 404")


class FakeChannel:
    """Says what the test says."""

    name = "mail"

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.sent: list[str] = []
        self.error: Exception | None = None
        self.called = asyncio.Event()

    async def send(self, deliveries: list[Delivery]) -> list[Result]:
        """Whatever was prepared; sent if nothing was."""
        self.called.set()
        if self.error:
            raise self.error
        results = [self.results.pop(0) if self.results else SENT for _ in deliveries]
        self.sent += [d.message for d, r in zip(deliveries, results, strict=True) if r is SENT]
        return results


class Office:
    """A sender at a time that the test says."""

    def __init__(self, path: Path) -> None:
        self.now = START
        self.channel = FakeChannel()
        self.outbox = Outbox(path / "notify.sqlite", 1000)
        self.outbox.open()
        self.sender = Sender(self.channel, Store(self.outbox), lambda: self.now, lambda: 1.0)

    def add(self, *names: str) -> None:
        """Messages to be sent."""
        self.outbox.add([Delivery("mail", "a", name, 500, self.now, b"") for name in names])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A sender with nothing to do yet."""
    return Office(tmp_path)


async def test_what_was_sent_is_not_sent_again(office: Office) -> None:
    office.add("a", "b")
    assert await office.sender.send_due() == 2
    assert await office.sender.send_due() == 0
    assert office.channel.sent == ["a", "b"]
    assert (office.sender.figures.sent, office.outbox.waiting) == (2, 0)


async def test_it_is_tried_ever_later_for_a_day_and_then_given_up(office: Office) -> None:
    office.add("a")
    office.channel.results = [LATER] * 1000
    pauses = []
    while await office.sender.send_due():
        due = office.outbox.next_due("mail")
        if due is None:
            break
        pauses.append(due - office.now)
        office.now = due
    assert pauses[:8] == [15, 30, 60, 120, 240, 480, 960, 1800]
    assert set(pauses[8:]) == {1800}
    assert 80_000 < sum(pauses) < 86_400
    assert (office.sender.figures.given_up, office.outbox.waiting) == (1, 0)


async def test_when_the_other_side_asks_for_more_time_it_has_it(office: Office) -> None:
    office.add("a")
    office.channel.results = [LATER._replace(wait=600.0)]
    await office.sender.send_due()
    assert office.outbox.next_due("mail") == START + 600


async def test_what_is_refused_for_good_is_given_up_and_said(office: Office) -> None:
    office.add("a", "b")
    office.channel.results = [NEVER]
    with capture_logs() as logs:
        await office.sender.send_due()
    assert office.channel.sent == ["b"]
    assert (office.outbox.waiting, office.sender.figures.given_up) == (0, 1)
    (said,) = [entry for entry in logs if entry["event"] == "a message was given up"]
    assert (said["message"], said["to"], said["reason"]) == ("a", "a", "HTTP 404")


async def test_a_failure_is_told_once_and_so_is_its_end(office: Office) -> None:
    office.channel.results = [LATER] * 3
    with capture_logs() as logs:
        for _ in range(3):
            office.add(str(office.now))
            await office.sender.send_due()
            office.now += 1
        assert office.sender.figures.failing_since == START
        assert office.sender.figures.last_error == "HTTP 503"
        office.now += 100
        await office.sender.send_due()
    assert [entry["log_level"] for entry in logs] == ["error", "info"]
    assert (office.sender.figures.failing_since, office.outbox.waiting) == (None, 0)


async def test_a_channel_with_a_fault_loses_nothing(office: Office) -> None:
    office.add("a")
    office.channel.error = RuntimeError("a fault")
    await office.sender.send_due()
    assert office.outbox.waiting == 1
    office.channel.error = None
    office.now += 60
    await office.sender.send_due()
    assert office.channel.sent == ["a"]


async def test_it_wakes_when_there_is_something_to_send(office: Office) -> None:
    task = asyncio.create_task(office.sender.run())
    async with asyncio.timeout(5):
        for name in "abc":
            office.channel.called.clear()
            office.add(name)
            office.sender.wake.set()
            await office.channel.called.wait()
    task.cancel()
    assert office.channel.sent == ["a", "b", "c"]


def test_a_pause_is_drawn_by_lot_and_never_too_long() -> None:
    assert backoff.pause(1, lambda: 0.0) == 7.5
    assert backoff.pause(1, lambda: 1.0) == 15
    assert backoff.pause(10_000, lambda: 1.0) == backoff.LONGEST
    assert backoff.pause(1, lambda: 1.0, asked=10**9) == backoff.GIVE_UP


class HeedlessChannel(FakeChannel):
    """Takes a cancellation for an answer, as `asyncio.wait_for` can."""

    async def send(self, deliveries: list[Delivery]) -> list[Result]:
        """Waits until it is cancelled."""
        self.called.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return [SENT] * len(deliveries)


async def test_a_cancellation_that_a_channel_loses_ends_it_all_the_same(office: Office) -> None:
    office.sender.channel = channel = HeedlessChannel()
    office.add("a")
    running = asyncio.create_task(office.sender.run())
    async with asyncio.timeout(10):
        await channel.called.wait()
        running.cancel()
        await running
    assert (office.sender.figures.sent, office.outbox.waiting) == (1, 0)
