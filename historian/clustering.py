"""Closed days on plain PostgreSQL, rewritten so that the rows of one asset lie together.

As they were written, the rows of an asset lie a scan apart, each on a page of its own. A copy in the order of
the key is made beside the readers and the writer, without a lock; then it takes the partition's place in a
transaction of some milliseconds, unless readings of that time have changed meanwhile: they would be noted as
due (`historian.due`), and nobody takes such notes away while the roll-ups' lock is held. A copy that a crash
has left is dropped by the next run.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.carelock import may_rearrange
from historian.partitions import day_of
from historian.parts import Part, parts_of
from historian.periods import Period, bounds, midnight
from historian.retention import HOURLY, READINGS
from historian.rollups import LOCK

_COPY: Final = "_sorted"
_LEFT: Final = rf"SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '_\d{{8}}{_COPY}$'"
_CLUSTERED: Final = "SELECT name FROM clustered_partition"
_DUE: Final = "SELECT EXISTS (SELECT FROM rollup_due WHERE hour >= {low} AND hour < {high})"
_FILL: Final = (
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL maintenance_work_mem = '64MB'",
    # Emptied in the same transaction: with a wal_level of minimal, nothing of the copy is logged.
    "TRUNCATE {copy}",
    "INSERT INTO {copy} ({columns}) SELECT {columns} FROM {part} ORDER BY {key}",
    "ALTER TABLE {copy} ADD CONSTRAINT {pkey} PRIMARY KEY ({key})",
    "ALTER TABLE {copy} ADD CONSTRAINT within CHECK (ts >= {low} AND ts < {high})",
    "ANALYZE {copy}",
)
_SWAP: Final = (
    "ALTER TABLE {table} DETACH PARTITION {part}",
    "DROP TABLE {part}",
    "ALTER TABLE {copy} RENAME TO {part}",
    "ALTER INDEX {pkey} RENAME TO {old_pkey}",
    "ALTER TABLE {table} ATTACH PARTITION {part} {bounds}",
    "ALTER TABLE {part} DROP CONSTRAINT within",
    "INSERT INTO clustered_partition VALUES ({name}) ON CONFLICT DO NOTHING",
)


class Clustering:
    """Rewrites partitions of readings and of hourly roll-ups, one a call."""

    async def run(self, connection: psycopg.AsyncConnection[Any], now: int) -> int:
        """Rewrite the newest partition that is closed at `now` [µs] and rolled up; 0 if there was none."""
        if not await _alone(connection):
            return 0
        try:
            await _drop_leftovers(connection)
            for part in await _candidates(connection, day_of(now)):
                if not await _is_due(connection, part):
                    return int(await _rewrite(connection, part))
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
        return 0


async def _alone(connection: psycopg.AsyncConnection[Any]) -> bool:
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))).fetchone()
    return row == (True,)


async def _drop_leftovers(connection: psycopg.AsyncConnection[Any]) -> None:
    for (name,) in await (await connection.execute(_LEFT.encode())).fetchall():
        await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


async def _candidates(connection: psycopg.AsyncConnection[Any], today: dt.date) -> list[Part]:
    """What is closed and not clustered, the newest first."""
    done = {name for (name,) in await (await connection.execute(_CLUSTERED)).fetchall()}
    found = [
        part
        for tables, period in ((READINGS, Period.DAY), (HOURLY, Period.MONTH))
        for table in tables
        for part in await parts_of(connection, False, table, period)
    ]
    return sorted((part for part in found if part.end <= today and part.name not in done), reverse=True)


async def _is_due(connection: psycopg.AsyncConnection[Any], part: Part) -> bool:
    query = sql.SQL(_DUE).format(low=midnight(part.start), high=midnight(part.end))
    return await (await connection.execute(query)).fetchone() == (True,)


async def _rewrite(connection: psycopg.AsyncConnection[Any], part: Part) -> bool:
    """Whether the partition was rewritten, and not changed meanwhile or read by somebody who takes long."""
    names = await _names(connection, part)
    # Committed before it is filled: of a table that its own transaction has made, a crash leaves the file.
    await connection.execute(sql.SQL("CREATE TABLE {copy} (LIKE {table})").format(**names))
    async with connection.transaction():
        for statement in (*_FILL, *await _further_indexes(connection, part)):
            await connection.execute(sql.SQL(statement).format(**names))
    swapped = False
    try:
        async with connection.transaction():
            if await may_rearrange(connection):
                await connection.execute(sql.SQL(_SWAP[0]).format(**names))
                if await _is_due(connection, part):
                    raise psycopg.Rollback
                for statement in _SWAP[1:]:
                    await connection.execute(sql.SQL(statement).format(**names))
                swapped = True
    except psycopg.errors.LockNotAvailable:
        swapped = False
    if not swapped:
        await _drop_leftovers(connection)
    return swapped


async def _further_indexes(connection: psycopg.AsyncConnection[Any], part: Part) -> list[str]:
    """Indexes of roll-ups beside the key; attached, they become part of the table's."""
    return ["CREATE INDEX ON {copy} (ts)"] if part.table in HOURLY else []


async def _names(connection: psycopg.AsyncConnection[Any], part: Part) -> dict[str, sql.Composable]:
    query = sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(part.table))
    described = (await connection.execute(query)).description
    assert described is not None
    key = ("asset_id", "ts", "quality") if part.table in HOURLY else ("asset_id", "ts")
    return {
        "table": sql.Identifier(part.table),
        "part": sql.Identifier(part.name),
        "copy": sql.Identifier(part.name + _COPY),
        "pkey": sql.Identifier(f"{part.name}{_COPY}_pkey"),
        "old_pkey": sql.Identifier(f"{part.name}_pkey"),
        "name": sql.Literal(part.name),
        "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in described),
        "key": sql.SQL(", ").join(map(sql.Identifier, key)),
        "low": midnight(part.start),
        "high": midnight(part.end),
        "bounds": bounds(part.start, part.end),
    }
