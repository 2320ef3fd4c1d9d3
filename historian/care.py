"""What the database needs beside the writing: roll-ups, days made ahead, days rearranged and dropped.

One thing at a time, on a connection of its own that waits a second for a lock and no longer, so that nobody
waits longer behind it. All by the plant's clock. Each step does a bounded part of what there is to do and
says how much that was; what it does not come to is done the next time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from historian.clustering import Clustering
from historian.compression import Compression
from historian.connections import Connect
from historian.engine import Engine
from historian.events import drop_event_chunks, expire_events
from historian.partitions import DAY, Partitions
from historian.plantclock import Believed
from historian.retention import Kept, Retention
from historian.rollups import RollUps

BUDGET: Final = 60.0  # s after which a step begins nothing more
NICE: Final = 10
_SESSION: Final = (
    "SET application_name = 'voltkeep care'",
    "SET lock_timeout = '1s'",
    "SET statement_timeout = '1h'",
    "SET idle_in_transaction_session_timeout = '1min'",
)
_Step = Callable[[psycopg.AsyncConnection[Any], int], Awaitable[int]]


class Care:
    """Looks after the database.

    `clock` tells the time of the last scan [µs], 0 before the first; `newest` is what was stored before it.
    """

    def __init__(
        self,
        connect: Connect,
        embedded: bool,
        engine: Engine,
        partitions: Partitions,
        kept: Kept,
        compress_days: int,
        clock: Callable[[], int],
        newest: int | None,
    ) -> None:
        self.timescale = engine.timescale is not None
        self._connect = connect
        self._embedded = embedded
        self._partitions = partitions
        self._clock = clock
        self._believed = Believed(newest)
        self._rollups = RollUps(self.timescale)
        self._event_days = kept.event_days
        self._retention = Retention(self.timescale, partitions, kept)
        self._clustering = Clustering()
        self._compression = Compression(compress_days)
        self._turn = asyncio.Lock()

    async def roll_up(self) -> int:
        """Roll up hours that are due and over, then days; tells how many."""
        return await self._repeat(self._rollups.hours) + await self._repeat(self._rollups.days)

    async def make_ahead(self) -> int:
        """Have the days that the writer comes to next; tells whether there was one to make."""

        async def ahead(connection: psycopg.AsyncConnection[Any], now: int) -> int:
            return int(await self._partitions.ensure(connection, now + DAY))

        return await self._once(ahead)

    async def expire(self) -> int:
        """Drop what is kept no longer; tells how many days, months, years and events."""
        return await self._once(self._retention.run) + await self._repeat(self._expire_events)

    async def rearrange(self) -> int:
        """Compress or cluster what is closed; tells how many chunks or partitions."""
        return await self._repeat((self._compression if self.timescale else self._clustering).run)

    async def _expire_events(self, connection: psycopg.AsyncConnection[Any], now: int) -> int:
        before = now - self._event_days * DAY
        await drop_event_chunks(connection, before)
        return await expire_events(connection, before)

    async def _repeat(self, step: _Step) -> int:
        began, done = time.monotonic(), 0
        while time.monotonic() - began < BUDGET:
            more = await self._once(step)
            done += more
            if not more:
                break
        return done

    async def _once(self, step: _Step) -> int:
        """Do a step; nothing before there is a scan."""
        async with self._turn, self._connection() as connection:
            clock = self._clock()
            return await step(connection, self._believed(clock)) if clock else 0

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with await self._connect() as connection:
            for statement in _SESSION:
                await connection.execute(statement)
            if self._embedded:
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, connection.info.backend_pid, NICE)
            yield connection
