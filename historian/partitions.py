"""Days of readings, made ahead on plain PostgreSQL.

A day is a partition of every reading table on plain PostgreSQL and a chunk on TimescaleDB, which makes
its own. All times are the plant's clock: a simulator that runs fast makes days as fast.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import psycopg

from historian.columns import TABLES
from historian.engine import Engine
from historian.periods import Period, make

DAY: Final = 86_400_000_000  # µs
_EPOCH: Final = dt.date(1970, 1, 1)

_PARTITIONS = """
SELECT DISTINCT right(child.relname, 8) FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE parent.relname = ANY(%s)
"""


class Partitions:
    """The days that the database has, of which `raw_days` are kept."""

    def __init__(self, engine: Engine, raw_days: int) -> None:
        self._timescale = engine.timescale is not None
        self._raw_days = raw_days
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

    def forget(self, day: dt.date) -> None:
        """A day was dropped."""
        self._days.discard(day)


def day_of(time: int) -> dt.date:
    """The UTC day of a time [µs since 1970]."""
    return _EPOCH + dt.timedelta(days=time // DAY)
