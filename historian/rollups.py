"""Roll-ups: what the readings of an hour and of a day sum up to, an asset and quality number a row.

A row holds how many readings it is made of and, of the values of each tag that are not NULL, sum, count,
least and greatest (`Column.rolled`). By quality number, so that every value keeps its status. Days are made
of hours. An hour is made anew as a whole whenever its readings have changed (`historian.due`), as long as all
are there: what was made of readings that have been dropped since stays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import psycopg
from psycopg import sql

from historian.columns import TABLES, Table
from historian.due import datetime_of
from historian.periods import Period, make

HOURS_AT_ONCE: Final = 480
SCANS_AT_ONCE: Final = 720  # that many make an hour of 5 s scans
DAYS_AT_ONCE: Final = 40
LOCK: Final = 0x766B_726F  # advisory: one at a time makes roll-ups or rewrites what they are made of

# Rows that come in the order of the key are put into its index in half the time of others. One core only.
_PLAN: Final = {
    "enable_seqscan": "off",
    "enable_hashagg": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "16MB",
}
_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)
_DUE: Final = """
WITH due AS (SELECT hour, changes FROM rollup_due WHERE hour + interval '1 hour' <= %s ORDER BY hour LIMIT %s)
SELECT hour, changes,
    (SELECT count(*) FROM fleet_reading WHERE ts >= hour AND ts < hour + interval '1 hour'),
    EXISTS (SELECT FROM dropped_day WHERE day = date_trunc('day', hour, 'UTC')) AND (
        EXISTS (SELECT FROM fleet_hourly WHERE ts = hour)
        OR EXISTS (SELECT FROM fleet_daily WHERE ts = date_trunc('day', hour, 'UTC')))
FROM due ORDER BY hour
"""
_DONE: Final = """
DELETE FROM rollup_due WHERE hour IN (
    SELECT hour FROM rollup_due JOIN unnest(%s::timestamptz[], %s::integer[]) AS done (hour, changes)
    USING (hour, changes) FOR UPDATE OF rollup_due SKIP LOCKED)
"""
_SCATTERED: Final = """
DELETE FROM clustered_partition WHERE name IN (
    SELECT readings || to_char(hour AT TIME ZONE 'UTC', '_YYYYMMDD')
    FROM unnest(%s::timestamptz[]) AS hour, unnest(%s::text[]) AS readings)
"""
_NOTE_DAYS: Final = """
INSERT INTO rollup_due_day
SELECT DISTINCT date_trunc('day', hour, 'UTC') FROM unnest(%s::timestamptz[]) AS hour ON CONFLICT DO NOTHING
"""
_DUE_DAYS: Final = """
SELECT day FROM rollup_due_day WHERE day + interval '1 day' <= %s AND NOT EXISTS (
    SELECT FROM rollup_due WHERE hour >= day AND hour < day + interval '1 day') ORDER BY day LIMIT %s
"""


@dataclass(frozen=True)
class _Due:
    """An hour whose readings have changed `changes` times; `kept` if its roll-ups must stay as they are."""

    hour: dt.datetime
    changes: int
    scans: int
    kept: bool


class RollUps:
    """Makes roll-ups; `timescale` says that the database makes its own partitions."""

    def __init__(self, timescale: bool) -> None:
        self._timescale = timescale

    async def hours(self, connection: psycopg.AsyncConnection, now: int) -> int:
        """Roll up some of the hours that are due and over at `now` [µs], oldest first; tells how many.

        0 when none is left, or only some that are being written to.
        """
        async with connection.transaction():
            if not await _alone(connection):
                return 0
            cursor = await connection.execute(_DUE, (datetime_of(now), HOURS_AT_ONCE))
            due = _bounded([_Due(*row) for row in await cursor.fetchall()])
            hours = [one.hour for one in due if not one.kept]
            for first, last in _runs(hours, _HOUR):
                await self._replace(connection, Period.MONTH, first, last + _HOUR)
            await connection.execute(_NOTE_DAYS, (hours,))
            await connection.execute(_SCATTERED, (hours, [table.readings for table in TABLES.values()]))
            done = ([one.hour for one in due], [one.changes for one in due])
            return (await connection.execute(_DONE, done)).rowcount

    async def days(self, connection: psycopg.AsyncConnection, now: int) -> int:
        """Roll up some of the days that are due and over at `now` [µs] and all whose hours are rolled up."""
        async with connection.transaction():
            if not await _alone(connection):
                return 0
            cursor = await connection.execute(_DUE_DAYS, (datetime_of(now), DAYS_AT_ONCE))
            days = [day for (day,) in await cursor.fetchall()]
            for first, last in _runs(days, _DAY):
                await self._replace(connection, Period.YEAR, first, last + _DAY)
            await connection.execute("DELETE FROM rollup_due_day WHERE day = ANY(%s)", (days,))
        return len(days)

    async def _replace(
        self, connection: psycopg.AsyncConnection, period: Period, low: dt.datetime, high: dt.datetime
    ) -> None:
        """Make the roll-ups from `low` to before `high` anew, those in partitions of that period."""
        for statements in _STATEMENTS[period]:
            if not self._timescale:
                await _have(connection, statements.target, period, low, high)
            await connection.execute(statements.delete, (low, high))
            await connection.execute(statements.insert, (low, high))


async def _alone(connection: psycopg.AsyncConnection) -> bool:
    """Whether nobody else is at it, until the end of the transaction, which takes one core and no more.

    The index finds an hour's rows, which lie together until their day is clustered, without reading all of
    the day.
    """
    for name, value in _PLAN.items():
        await connection.execute("SELECT set_config(%s, %s, true)", (name, value))
    cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))
    return await cursor.fetchone() == (True,)


async def _have(
    connection: psycopg.AsyncConnection, table: str, period: Period, low: dt.datetime, high: dt.datetime
) -> None:
    day = low.astimezone(dt.UTC).date()
    while day <= (high - dt.timedelta(microseconds=1)).astimezone(dt.UTC).date():
        await connection.execute(make(table, period, day))
        day = period.after(day)


def _bounded(due: list[_Due]) -> list[_Due]:
    """As many as make a moderate transaction, and one at least."""
    scans = 0
    for number, one in enumerate(due):
        scans += 0 if one.kept else one.scans
        if scans > SCANS_AT_ONCE and number:
            return due[:number]
    return due


def _runs(times: Sequence[dt.datetime], step: dt.timedelta) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """First and last of each run of times that follow each other."""
    if not times:
        return
    first = times[0]
    for one, other in pairwise(times):
        if other - one != step:
            yield first, one
            first = other
    yield first, times[-1]


class _Statements:
    """The SQL that makes one table of roll-ups of another table, put together once."""

    def __init__(self, table: Table, target: str, source: str, unit: str, sources: dict[str, str]) -> None:
        self.target = target
        names = {
            "asset": sql.Literal(table.asset.value),
            "target": sql.Identifier(target),
            "source": sql.Identifier(source),
            "unit": sql.Literal(unit),
            "columns": sql.SQL(", ").join(map(sql.Identifier, sources)),
            "sources": sql.SQL(", ").join(map(sql.SQL, sources.values())),
        }
        self.delete = sql.SQL("DELETE FROM {target} WHERE ts >= %s AND ts < %s").format(**names)
        self.insert = sql.SQL(
            "INSERT INTO {target} (asset_id, ts, quality, {columns}) "
            "SELECT asset_id, date_trunc({unit}, ts, 'UTC') AS start, quality, {sources} "
            "FROM {source} WHERE asset_id = ANY (ARRAY(SELECT id FROM asset WHERE type = {asset})) "
            "AND ts >= %s AND ts < %s GROUP BY asset_id, start, quality ORDER BY asset_id, start, quality"
        ).format(**names)


def _hourly(table: Table) -> _Statements:
    sources = {"rows": "count(*)"} | {
        f"{column.name}_{part}": f'{part}("{column.name}")'
        for column in table.columns
        for part in column.rolled
    }
    return _Statements(table, table.hourly, table.readings, "hour", sources)


def _daily(table: Table) -> _Statements:
    sources = {"rows": "sum(rows)"} | {
        f"{column.name}_{part}": f'{_OF_ROLLED[part]}("{column.name}_{part}")'
        for column in table.columns
        for part in column.rolled
    }
    return _Statements(table, table.daily, table.hourly, "day", sources)


_OF_ROLLED: Final = {"sum": "sum", "count": "sum", "min": "min", "max": "max"}
_STATEMENTS: Final = {
    Period.MONTH: [_hourly(table) for table in TABLES.values()],
    Period.YEAR: [_daily(table) for table in TABLES.values()],
}
