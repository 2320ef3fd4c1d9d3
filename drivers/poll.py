"""A round of questions: everything that a plan asks of one gateway, each part's silence costing itself alone.

A unit that the gateway does not reach, or that is busy or silent, is left alone for the rest of the round.
What is silent costs a time-out each time, so it rests for growing pauses and is asked after all that answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from drivers.backoff import Backoff, Rests
from drivers.codec import Image
from drivers.connection import Connection
from drivers.line import Silence, Unreachable
from drivers.requests import Refusal, RefusedError, Request, registers_in

_BUSY: Final = (0.1, 0.3)  # s before a busy device is asked again

Put = Callable[[int, Image], None]  # number of the request, and its registers


@dataclass
class Round:
    """What one round brought: why requests by number, and whole units, were not answered.

    `lost` says why the gateway is to be looked for.
    """

    missing: dict[int, str] = field(default_factory=dict)
    absent: dict[int, str] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)  # units
    stumbled: set[int] = field(default_factory=set)  # units that were silent once
    lost: str | None = None


class Poll:
    """The questions to one gateway."""

    def __init__(self, requests: Sequence[Request], backoff: Backoff, workers: int) -> None:
        self._requests = requests
        self._units = {request.unit for request in requests}
        self._rests = Rests(backoff)
        self._workers = workers

    async def run(self, connection: Connection, put: Put) -> Round:
        """Ask everything that is due."""
        found = Round()
        queue = self._queue(found)
        if self._workers == 1:
            await self._work(connection, put, queue, found)
        else:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._workers):
                    tasks.create_task(self._work(connection, put, queue, found))
        if found.lost is None and not found.heard and all(unit in self._rests for unit in self._units):
            found.lost = next(iter(found.absent.values()), "no answer")
        return found

    def anew(self) -> None:
        """Ask everything in the next round."""
        self._rests.clear()

    def _queue(self, found: Round) -> deque[int]:
        """Numbers of the requests: those that were answered last, then those whose rest is over."""
        well, doubtful = [], []
        for i, request in enumerate(self._requests):
            if not (self._rests.over(request.unit) and self._rests.over(_part(request, i))):
                found.missing[i] = "silent"
            elif request.unit in self._rests or _part(request, i) in self._rests:
                doubtful.append(i)
            else:
                well.append(i)
        return deque(well + doubtful)

    async def _work(self, connection: Connection, put: Put, queue: deque[int], found: Round) -> None:
        while queue and found.lost is None:
            i = queue.popleft()
            unit = self._requests[i].unit
            if unit in found.absent:
                found.missing[i] = found.absent[unit]
            else:
                await self._ask(connection, put, i, found)

    async def _ask(self, connection: Connection, put: Put, i: int, found: Round) -> None:
        request = self._requests[i]
        try:
            pdu = await _patiently(connection, request)
        except RefusedError as refusal:
            self._hear(request, i, found)
            found.missing[i] = str(refusal)
            if refusal.meaning is not Refusal.REFUSED:
                found.absent[request.unit] = str(refusal)
        except Unreachable as silence:
            found.lost = str(silence)
        except Silence as silence:
            found.missing[i] = str(silence)
            self._rest(request, i, found, str(silence))
        else:
            self._hear(request, i, found)
            put(i, registers_in(pdu))

    def _hear(self, request: Request, i: int, found: Round) -> None:
        found.heard.add(request.unit)
        self._rests.end(request.unit)
        self._rests.end(_part(request, i))

    def _rest(self, request: Request, i: int, found: Round, reason: str) -> None:
        """The request rests, and its unit where it has not answered or is silent for the second time."""
        unit = request.unit
        if unit in found.heard and unit not in found.stumbled:
            found.stumbled.add(unit)
            self._rests.begin(_part(request, i))
            return
        found.absent[unit] = reason
        found.heard.discard(unit)
        self._rests.begin(unit)


def _part(request: Request, i: int) -> tuple[int, int]:
    return request.unit, i


async def _patiently(connection: Connection, request: Request) -> bytes:
    """Ask, and ask again while the device is busy."""
    for pause in _BUSY:
        try:
            return await connection.ask(request)
        except RefusedError as refusal:
            if refusal.meaning is not Refusal.BUSY:
                raise
        await asyncio.sleep(pause)
    return await connection.ask(request)
