"""The parts of a table by time: partitions on plain PostgreSQL, chunks on TimescaleDB."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.periods import Period

_PARTITIONS: Final = """
SELECT child.relname FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = to_regclass(%s) AND child.relkind = 'r' ORDER BY 1
"""
_CHUNKS: Final = """
SELECT range_start, range_end, format('%%I.%%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks
WHERE hypertable_name = %s AND hypertable_schema = current_schema() ORDER BY 1
"""


@dataclass(frozen=True, order=True)
class Part:
    """Rows of a table from the day `start` to before the day `end`; `name` as SQL has it."""

    start: dt.date
    end: dt.date
    table: str
    name: str


async def parts_of(
    connection: psycopg.AsyncConnection[Any], timescale: bool, table: str, period: Period
) -> list[Part]:
    """All parts that a table has, in the order of time; `period` is that of its partitions."""
    rows = await (await connection.execute(_CHUNKS if timescale else _PARTITIONS, (table,))).fetchall()
    if timescale:
        return [Part(low.date(), high.date(), table, name) for low, high, name in rows]
    starts = [(dt.datetime.strptime(name[-8:], "%Y%m%d").date(), name) for (name,) in rows]
    return [Part(start, period.after(start), table, name) for start, name in starts]


async def drop(connection: psycopg.AsyncConnection[Any], timescale: bool, part: Part) -> None:
    """Drop a part, within the caller's transaction."""
    if timescale:
        query = "SELECT drop_chunks(%s, newer_than => %s::timestamptz, older_than => %s::timestamptz)"
        await connection.execute(query, (part.table, _midnight(part.start), _midnight(part.end)))
    else:
        await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(part.name)))


def _midnight(day: dt.date) -> str:
    return f"{day} 00:00:00+00"
