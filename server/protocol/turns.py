"""Long answers, worked on in turns: a slice of time each, and between two slices everybody else is served.

A service that may take long is a generator: it yields wherever it may be interrupted, and returns its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Final, TypeAlias

SLICE: Final = 0.004  # s

Work: TypeAlias = Generator[None, None, Any]


class Finished(Exception):
    """Work is done; its answer."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


def advance(work: Work, clock: Callable[[], float] = time.monotonic) -> None:
    """Work for one slice of time; raises `Finished`, or whatever the work raises."""
    end = clock() + SLICE
    try:
        next(work)
        while clock() < end:
            next(work)
    except StopIteration as stop:
        raise Finished(stop.value) from None


class Pace:
    """For coroutines: lets others have their turn once a slice of time has been worked."""

    def __init__(self) -> None:
        self._end = time.monotonic() + SLICE

    async def step(self) -> None:
        """A place where the work may be interrupted."""
        if time.monotonic() > self._end:
            await asyncio.sleep(0)
            self._end = time.monotonic() + SLICE


class Turns:
    """Who waits for the next slice; one slice a round of the event loop, whoever it is for."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._running = False

    async def wait(self) -> None:
        """Return when it is the caller's turn."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(turn)
        if not self._running:
            self._running = True
            loop.call_soon(self._next)
        await turn

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # whose client is gone has been cancelled
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._running = False
