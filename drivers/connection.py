"""The way to one gateway: requests take turns on one connection, which is made anew when it is gone.

A gateway that closes the connection after each answer, or when idle, is asked once more over a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from config.settings import Link
from drivers.frames import FRAMINGS
from drivers.line import Closed, Line, Silence
from drivers.requests import RefusedError, Request


@dataclass(frozen=True)
class Limits:
    """Time to connect and to answer [s], and requests that may be under way at once."""

    connect: float = 2.0
    answer: float = 2.0
    in_flight: int = 1


class Connection:
    """The connection to a gateway.

    `errors` counts requests without a right answer; `answers` all that were answered, and `took` [s] adds up
    their round trips.
    """

    def __init__(self, link: Link, limits: Limits) -> None:
        self.link, self._limits = link, limits
        self._framing = FRAMINGS[link.framer]
        self._numbers: Iterator[int] = (number & 0xFFFF for number in count(1))
        self._line: Line | None = None
        self._opening = asyncio.Lock()
        # Answers without a number can only be told apart when there is one at a time.
        self._turns = asyncio.Semaphore(limits.in_flight if self._framing.numbered else 1)
        self.errors = 0
        self.answers = 0
        self.took = 0.0

    async def ask(self, request: Request) -> bytes:
        """The checked answer's PDU; `RefusedError` or `Silence`. It may be sent twice."""
        async with self._turns:
            try:
                line = await self._opened()
                try:
                    return await self._asked(line, request)
                except Closed:
                    if line.answers == 0:
                        raise
                return await self._asked(await self._opened(), request)
            except (Silence, RefusedError):
                self.errors += 1
                raise

    async def ask_once(self, request: Request) -> bytes:
        """The same for what must not be sent twice."""
        async with self._turns:
            try:
                return await self._asked(await self._opened(), request)
            except (Silence, RefusedError):
                self.errors += 1
                raise

    def close(self) -> None:
        """Let go of the connection; the next request makes a fresh one."""
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _asked(self, line: Line, request: Request) -> bytes:
        try:
            pdu = await line.ask(request, self._limits.answer)
        except RefusedError:
            self._count(line)
            raise
        except BaseException:  # whoever gave up: what comes late must not be taken for the next answer
            line.close()
            raise
        self._count(line)
        return pdu

    def _count(self, line: Line) -> None:
        self.answers += 1
        self.took += line.took

    async def _opened(self) -> Line:
        async with self._opening:
            if self._line is None or not self._line.is_open:
                self.close()
                link, limits = self.link, self._limits
                self._line = await Line.to(link.host, link.port, self._framing, self._numbers, limits.connect)
            return self._line
