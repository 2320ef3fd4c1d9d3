"""Sends what waits for one channel, batch by batch, and tries again what could not be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from server.notify import backoff
from server.notify.delivery import Channel, Delivery, Fate, Result
from server.notify.store import Store

_log = structlog.get_logger("notify")

BATCH: Final = 50
_LONGEST_SLEEP: Final = 60.0  # s, in case the clock is set


@dataclass
class Figures:
    """How a channel does; counts are since the start, times in s since 1970."""

    sent: int = 0
    attempts_failed: int = 0
    given_up: int = 0
    last_sent: float = 0.0
    failing_since: float | None = None  # nothing has got through since
    last_error: str = ""


class Sender:
    """One channel at work; a channel that hangs keeps no other waiting."""

    def __init__(
        self, channel: Channel, store: Store, clock: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self.channel = channel
        self.figures = Figures()
        self.wake = asyncio.Event()
        self._store = store
        self._clock = clock
        self._random = random

    async def run(self) -> None:
        """Send until cancelled.

        A channel may lose a cancellation: `asyncio.wait_for` does, before Python 3.12, when an answer comes
        in the same moment. So the task is asked, too.
        """
        task = asyncio.current_task()
        while task is None or not task.cancelling():
            self.wake.clear()
            if not await self.send_due():
                await self._wait()

    async def send_due(self) -> int:
        """Try one batch; how many deliveries were due."""
        now = self._clock()
        outbox = self._store.outbox
        due = await self._store.call(outbox.due, self.channel.name, now, BATCH)
        if not due:
            return 0
        results = await self._try(due)
        later: dict[int, float] = {}
        done: list[int] = []
        for delivery, result in zip(due, results, strict=True):
            again = self._again(delivery, result)
            if again is None:
                done.append(delivery.number)
            else:
                later[delivery.number] = again
        self._judge(results)
        await self._store.call(outbox.settle, done, later)
        return len(due)

    async def _try(self, due: list[Delivery]) -> list[Result]:
        try:
            return await self.channel.send(due)
        except Exception as error:
            _log.exception("a channel has failed", channel=self.channel.name)
            return [Result(Fate.LATER, str(error))] * len(due)

    def _again(self, delivery: Delivery, result: Result) -> float | None:
        """When a delivery is tried again [s since 1970]; None: it has come to its end."""
        if result.fate is Fate.SENT:
            self.figures.sent += 1
            return None
        if result.fate is Fate.LATER:
            self.figures.attempts_failed += 1
            again = self._clock() + backoff.pause(delivery.tries + 1, self._random, result.wait)
            if again < delivery.created + backoff.GIVE_UP:
                return again
        self.figures.given_up += 1
        _log.error(
            "a message was given up",
            channel=self.channel.name,
            to=delivery.target,
            message=delivery.message,
            reason=result.reason,
        )
        return None

    def _judge(self, results: list[Result]) -> None:
        """Note whether the channel works, and tell when that changes."""
        figures, now = self.figures, self._clock()
        bad = next((result for result in results if result.fate is not Fate.SENT), None)
        if any(result.fate is Fate.SENT for result in results):
            figures.last_sent = now
        if bad is None:
            if figures.failing_since is not None:
                _log.info("notification works again", channel=self.channel.name)
            figures.failing_since, figures.last_error = None, ""
            return
        if figures.failing_since is None:
            _log.error("notification fails and is tried again", channel=self.channel.name, reason=bad.reason)
            figures.failing_since = now
        figures.last_error = bad.reason

    async def _wait(self) -> None:
        due = await self._store.call(self._store.outbox.next_due, self.channel.name)
        seconds = _LONGEST_SLEEP if due is None else min(max(due - self._clock(), 0.1), _LONGEST_SLEEP)
        try:
            async with asyncio.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            pass
