"""Days of readings: made ahead on plain PostgreSQL, and dropped when too old or too big.

A day is a partition of every reading table on plain PostgreSQL and a chunk on TimescaleDB, which makes
its own. All times are the plant's clock: a simulator that runs fast makes and drops days as fast.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import psycopg
import structlog
from psycopg import sql

from historian.carelock import may_rearrange
from historian.columns import TABLES
from historian.engine import Engine
from historian.periods import Period, make, partition
from historian.simulatedtables import size_of

DAY: Final = 86_400_000_000  # µs
_EPOCH: Final = dt.date(1970, 1, 1)

_log = structlog.get_logger("historian")
_PARTITIONS = """
SELECT DISTINCT right(child.relname, 8) FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE parent.relname = ANY(%s)
"""


class Partitions:
    """The days that the database has; `max_gb` is None where its size is not ours to limit."""

    def __init__(self, engine: Engine, raw_days: int, max_gb: float | None) -> None:
        self._timescale = engine.timescale is not None
        self._raw_days = raw_days
        self._max_bytes = None if max_gb is None else max_gb * 1e9
        self._days: set[dt.date] = set()

    async def load(self, connection: psycopg.AsyncConnection) -> None:
        """Find out which days are there; TimescaleDB's chunks are its own business."""
        if self._timescale:
            return
        parents = [table.readings for table in TABLES.values()]
        cursor = await connection.execute(_PARTITIONS, (parents,))
        self._days = {dt.datetime.strptime(name, "%Y%m%d").date() for (name,) in await cursor.fetchall()}

    async def ensure(self, connection: psycopg.AsyncConnection, time: int) -> bool:
        """Have the day of `time` [µs] and the next; True if there was one to make."""
        wanted = {day_of(time), day_of(time + DAY)}
        if self._timescale or wanted <= self._days:
            return False
        for new in sorted(wanted - self._days):
            async with connection.transaction():
                for table in TABLES.values():
                    await connection.execute(make(table.readings, Period.DAY, new))
            self._days.add(new)
        return True

    def first_kept(self, now: int) -> int:
        """The first time [µs] whose day is not too old at `now`."""
        return (now // DAY - self._raw_days) * DAY

    async def have(self, connection: psycopg.AsyncConnection, time: int) -> None:
        """Have the day of `time` [µs] within the caller's transaction, which may still fail."""
        day = day_of(time)
        if self._timescale or day in self._days:
            return
        for table in TABLES.values():
            await connection.execute(make(table.readings, Period.DAY, day))

    async def expire(self, connection: psycopg.AsyncConnection, time: int) -> None:
        """Drop days that are too old at `time` [µs], and the oldest ones of a database that is too big."""
        limit = day_of(time) - dt.timedelta(days=self._raw_days)
        if self._timescale:
            await _drop_chunks(connection, limit)
            return
        await self.load(connection)  # another process may have loaded older days
        for day in sorted(day for day in self._days if day < limit):
            await self._drop(connection, day)
        while self._days and self._max_bytes is not None and await _size(connection) > self._max_bytes:
            oldest = min(self._days)
            if oldest >= day_of(time) or not await self._drop(connection, oldest):
                break
            _log.warning("oldest day dropped: the database has reached historian.max_gb", day=str(oldest))

    async def _drop(self, connection: psycopg.AsyncConnection, day: dt.date) -> bool:
        """Drop a day; False when that must wait, because a backup reads the past."""
        async with connection.transaction():
            if not await may_rearrange(connection):
                return False
            await connection.execute("SET LOCAL lock_timeout = '5s'")
            for table in TABLES.values():
                name = sql.Identifier(partition(table.readings, day))
                await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
        self._days.discard(day)
        return True


def day_of(time: int) -> dt.date:
    """The UTC day of a time [µs since 1970]."""
    return _EPOCH + dt.timedelta(days=time // DAY)


async def _drop_chunks(connection: psycopg.AsyncConnection, limit: dt.date) -> None:
    async with connection.transaction():
        if not await may_rearrange(connection):
            return
        for table in TABLES.values():
            await connection.execute(
                "SELECT drop_chunks(%s, older_than => %s::timestamptz)",
                (table.readings, f"{limit} 00:00:00+00"),
            )


async def _size(connection: psycopg.AsyncConnection) -> int:
    """Bytes of the database; scenarios, which have a limit of their own, must not cost the plant its past."""
    async with connection.transaction():
        row = await (await connection.execute("SELECT pg_database_size(current_database())")).fetchone()
    assert row is not None
    return int(row[0]) - await size_of(connection)
