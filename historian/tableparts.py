"""What a database holds for a backup: its tables, their columns, and the days that they are made of.

Read from the database, not from this program's schema, so that a database of an older one is read as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.schema import METADATA

_TABLES: Final = r"""
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
AND relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
"""
_COLUMNS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_SEQUENCES: Final = """
SELECT table_class.relname || '.' || attname, coalesce(last_value, 0)
FROM pg_depend
JOIN pg_class sequence_class ON sequence_class.oid = objid AND sequence_class.relkind = 'S'
JOIN pg_class table_class ON table_class.oid = refobjid
JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
JOIN pg_sequences ON sequencename = sequence_class.relname
    AND schemaname = sequence_class.relnamespace::regnamespace::text
WHERE deptype IN ('a', 'i') AND table_class.relname = ANY(%s)
    AND table_class.relnamespace = current_schema()::regnamespace
ORDER BY 1
"""
_PARTITIONS: Final = r"""
SELECT child.relname, bounds[1], bounds[2], pg_relation_size(child.oid)
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid,
regexp_match(pg_get_expr(child.relpartbound, child.oid), $$FROM \('(.*)'\) TO \('(.*)'\)$$) AS bounds
WHERE inhparent = to_regclass(%s) ORDER BY bounds[1] NULLS FIRST, child.relname
"""
_CHUNKS: Final = """
SELECT range_start::text, range_end::text, total_bytes FROM timescaledb_information.chunks
JOIN chunks_detailed_size(%s) USING (chunk_schema, chunk_name)
WHERE hypertable_name = %s AND hypertable_schema = current_schema() ORDER BY range_start
"""


@dataclass(frozen=True)
class Source:
    """Rows of a table: `query` gives them, `low` <= ts < `high` bounds them, `bytes` is about their size."""

    name: str
    query: sql.Composed
    low: str | None
    high: str | None
    bytes: int


def tables(connection: psycopg.Connection[Any]) -> list[str]:
    """Tables to be kept, each after those that it refers to; simulated readings are nobody's past."""
    known = [table.name for table in METADATA.sorted_tables if not table.name.endswith("_simulated")]
    there = {name for (name,) in connection.execute(_TABLES, (known,))}
    return [name for name in known if name in there]


def columns(connection: psycopg.Connection[Any], table: str) -> tuple[str, ...]:
    """The columns that a table stores."""
    return tuple(name for (name,) in connection.execute(_COLUMNS, (table,)))


def sequences(connection: psycopg.Connection[Any], names: list[str]) -> dict[str, int]:
    """The last number given by each sequence, as `table.column`."""
    return dict(connection.execute(_SEQUENCES, (names,)).fetchall())


def sources(connection: psycopg.Connection[Any], table: str, timescale: bool) -> list[Source]:
    """A table by its days where it is made of such, oldest first."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns(connection, table)))
    whole = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT")
    if partitioned(connection, table):
        found = connection.execute(_PARTITIONS, (table,)).fetchall()
        plain = sql.SQL("COPY {} ({}) TO STDOUT")  # locks the table alone, a query its indices too
        return [
            Source((low or name)[:10], plain.format(sql.Identifier(name), names), low, high, size)
            for name, low, high, size in found
        ]
    if timescale and hypertable(connection, table):
        part = sql.SQL("COPY (SELECT {} FROM {} WHERE ts >= {} AND ts < {}) TO STDOUT")
        return [
            Source(
                low[:10],
                part.format(names, sql.Identifier(table), sql.Literal(low), sql.Literal(high)),
                low,
                high,
                size,
            )
            for low, high, size in connection.execute(_CHUNKS, (table, table))
        ]
    size = connection.execute("SELECT pg_relation_size(to_regclass(%s))", (table,)).fetchone()
    assert size is not None
    return [Source("all", whole.format(names, sql.Identifier(table)), None, None, size[0])]


def partitioned(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether rows need a partition to go to."""
    kind = connection.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (table,)).fetchone()
    return kind == ("p",)


def hypertable(connection: psycopg.Connection[Any], table: str) -> bool:
    query = (
        "SELECT 1 FROM timescaledb_information.hypertables "
        "WHERE hypertable_name = %s AND hypertable_schema = current_schema()"
    )
    return connection.execute(query, (table,)).fetchone() is not None
