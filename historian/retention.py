"""Dropping the past: what is older than it is kept, and the oldest when the embedded database is too big.

A day of readings goes only when its hours and the day are rolled up; the roll-ups stay for their own time.
All times are the plant's clock: of a simulator that runs fast, days go as fast.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import psycopg
import structlog

from historian.carelock import may_rearrange
from historian.columns import TABLES
from historian.partitions import Partitions, day_of
from historian.parts import Part, drop, parts_of
from historian.periods import Period
from historian.simulatedtables import size_of

READINGS: Final = tuple(table.readings for table in TABLES.values())
HOURLY: Final = tuple(table.hourly for table in TABLES.values())
DAILY: Final = tuple(table.daily for table in TABLES.values())

_DUE: Final = """
SELECT EXISTS (SELECT FROM rollup_due WHERE hour >= %(low)s AND hour < %(high)s)
OR EXISTS (SELECT FROM rollup_due_day WHERE day >= %(low)s AND day < %(high)s)
"""
_NOTE: Final = "INSERT INTO dropped_day VALUES (%s) ON CONFLICT DO NOTHING"
_log = structlog.get_logger("historian")


@dataclass(frozen=True)
class Kept:
    """How long what is kept [d]; `max_bytes` of the database, None where its size is not ours to limit."""

    raw_days: int
    hourly_days: int
    daily_days: int
    event_days: int
    max_bytes: float | None


class Retention:
    """Drops what is kept no longer; `partitions` are the writer's, who must know."""

    def __init__(self, timescale: bool, partitions: Partitions, kept: Kept) -> None:
        self._timescale = timescale
        self._partitions = partitions
        self._kept = kept

    async def run(self, connection: psycopg.AsyncConnection[Any], now: int) -> int:
        """Drop what is due at `now` [µs]; tells how many days, months and years went."""
        today = day_of(now)
        gone = 0
        for tables, period, days in (
            (READINGS, Period.DAY, self._kept.raw_days),
            (HOURLY, Period.MONTH, self._kept.hourly_days),
            (DAILY, Period.YEAR, self._kept.daily_days),
        ):
            for part in await self._parts(connection, tables, period):
                if part[0].end <= today - dt.timedelta(days=days):
                    gone += await self._drop(connection, part)
        return gone + await self._shrink(connection, today)

    async def _shrink(self, connection: psycopg.AsyncConnection[Any], today: dt.date) -> int:
        """Drop the oldest days of readings, then of hours, until the database is as small as it must be."""
        limit, gone = self._kept.max_bytes, 0
        while limit is not None and await _size(connection) > limit:
            days = await self._parts(connection, READINGS, Period.DAY)
            months = await self._parts(connection, HOURLY, Period.MONTH)
            closed = [part for part in (*days, *months) if part[0].end <= today]
            if not closed or not await self._drop(connection, closed[0]):
                break
            told = _told(closed[0])
            _log.warning("the oldest is dropped: the database has reached historian.max_gb", **told)
            gone += 1
        return gone

    async def _parts(
        self, connection: psycopg.AsyncConnection[Any], tables: tuple[str, ...], period: Period
    ) -> list[list[Part]]:
        """The parts of all these tables, those of the same time together, in the order of time."""
        found = [
            part for table in tables for part in await parts_of(connection, self._timescale, table, period)
        ]
        return [list(each) for _, each in groupby(sorted(found), key=lambda part: part.start)]

    async def _drop(self, connection: psycopg.AsyncConnection[Any], parts: list[Part]) -> bool:
        """Drop parts of the same time; False when that must wait: for a backup, a reader, or a roll-up."""
        readings = parts[0].table in READINGS
        done = False
        try:
            async with connection.transaction():
                if await may_rearrange(connection):
                    for part in parts:
                        await drop(connection, self._timescale, part)
                    # Only now can nobody add to them any more.
                    if readings and await _is_due(connection, parts[0]):
                        raise psycopg.Rollback
                    await _forget(connection, parts, readings)
                    done = True
        except psycopg.errors.LockNotAvailable:
            return False
        if done and readings:
            self._partitions.forget(parts[0].start)
        return done


async def _is_due(connection: psycopg.AsyncConnection[Any], part: Part) -> bool:
    bounds = {"low": _midnight(part.start), "high": _midnight(part.end)}
    return await (await connection.execute(_DUE, bounds)).fetchone() == (True,)


async def _forget(connection: psycopg.AsyncConnection[Any], parts: list[Part], readings: bool) -> None:
    names = [part.name for part in parts]
    await connection.execute("DELETE FROM clustered_partition WHERE name = ANY(%s)", (names,))
    if readings:
        await connection.execute(_NOTE, (_midnight(parts[0].start),))


async def _size(connection: psycopg.AsyncConnection[Any]) -> int:
    """Bytes of the database; scenarios, which have a limit of their own, must not cost the plant its past."""
    row = await (await connection.execute("SELECT pg_database_size(current_database())")).fetchone()
    assert row is not None
    return int(row[0]) - await size_of(connection)


def _told(parts: list[Part]) -> dict[str, str]:
    what = "readings" if parts[0].table in READINGS else "hourly roll-ups"
    return {"what": what, "day": str(parts[0].start)}


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
