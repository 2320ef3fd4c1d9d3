"""Long answers, worked on in turns: a slice of time each, and between two slices everybody else is served.

A service that may take long is a generator: it yields wherever it may be interrupted, and returns its answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Final, TypeAlias

import structlog

log = structlog.get_logger(__name__)

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


class Backlog:
    """Work that nobody waits for, in order, a slice of time a round of the event loop."""

    def __init__(self) -> None:
        self._works: deque[Work] = deque()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._works)

    def add(self, work: Work) -> None:
        """Work after all that was added before; where there is none, the first slice is done at once."""
        self._works.append(work)
        self._idle.clear()
        if len(self._works) == 1:
            self._go_on()

    async def idle(self) -> None:
        """Return when nothing is left to do."""
        await self._idle.wait()

    def finish(self) -> None:
        """Do at once what is left."""
        while self._works:
            self._slice()

    def _slice(self) -> bool:
        """A slice of the first work; whether that is done. Work that fails is given up, the others go on."""
        try:
            advance(self._works[0])
        except Finished:
            pass
        except Exception:
            log.exception("work in the background failed")
        else:
            return False
        self._works.popleft()
        if not self._works:
            self._idle.set()
        return True

    def _go_on(self) -> None:
        end = time.monotonic() + SLICE
        while self._works and self._slice() and time.monotonic() < end:
            pass
        if self._works:
            asyncio.get_running_loop().call_soon(self._go_on)
