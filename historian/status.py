"""How a historian is, read from its database and its home, with or without a running server.

Sizes and rows of tables are the database's own estimates; nothing here reads a table whole.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from historian import homefiles, tableparts
from historian.engine import engine_of
from historian.errors import HistorianError
from historian.migrate import version

_PARTITIONED: Final = """
WITH RECURSIVE parts AS (
    SELECT oid FROM pg_class WHERE oid = to_regclass(%s)
    UNION ALL SELECT inhrelid FROM pg_inherits JOIN parts ON inhparent = parts.oid
)
SELECT coalesce(sum(
        CASE WHEN reltuples < 0 THEN pg_stat_get_live_tuples(pg_class.oid) ELSE reltuples END), 0),
    coalesce(sum(pg_total_relation_size(pg_class.oid)), 0),
    count(*) FILTER (WHERE relispartition)
FROM parts JOIN pg_class USING (oid) WHERE relkind = 'r'
"""
_HYPERTABLE: Final = """
SELECT approximate_row_count(name), hypertable_size(name), (SELECT count(*) FROM show_chunks(name))
FROM (SELECT to_regclass(%s) AS name) AS one
"""
_CLUSTERED: Final = "SELECT count(*) FROM clustered_partition WHERE name LIKE 'jar_reading_%'"
_COMPRESSED: Final = """
SELECT count(*) FROM timescaledb_information.chunks
WHERE hypertable_name = 'jar_reading' AND hypertable_schema = current_schema() AND is_compressed
"""
_ENDS: Final = """
SELECT min(first), max(last) FROM asset CROSS JOIN LATERAL (
    SELECT min(ts) AS first, max(ts) AS last FROM fleet_reading WHERE asset_id = asset.id
) AS ends WHERE type = 'Fleet'
"""
_ROLLED_UP: Final = """
SELECT (SELECT count(*) FROM rollup_due), (SELECT min(hour) FROM rollup_due),
    (SELECT max(ts) FROM fleet_hourly), (SELECT max(ts) FROM fleet_daily)
"""


@dataclass(frozen=True)
class TableStatus:
    """A table: rows are estimated; `parts` are its partitions or chunks."""

    name: str
    rows: int
    bytes: int
    parts: int


@dataclass(frozen=True)
class RollUps:
    """`due` hours are still to be rolled up, the first of them `due_since`."""

    due: int
    due_since: dt.datetime | None
    newest_hour: dt.datetime | None
    newest_day: dt.datetime | None


@dataclass(frozen=True)
class Waiting:
    """What waits on disk in a file of home."""

    file: str
    entries: int
    bytes: int


@dataclass(frozen=True)
class Backup:
    """The last backup that was made of this home."""

    file: str
    created_at: dt.datetime
    bytes: int


@dataclass(frozen=True)
class Status:
    """How a historian is; `packed_days` are compressed or clustered ones of the jars' readings."""

    engine: str
    schema: str
    bytes: int
    oldest: dt.datetime | None
    newest: dt.datetime | None
    days: int
    packed_days: int
    packing: str
    tables: tuple[TableStatus, ...]
    roll_ups: RollUps
    waiting: tuple[Waiting, ...]
    backup: Backup | None


def status_of(conninfo: str, home: Path) -> Status:
    """Ask a database, and look at the files of its home."""
    with psycopg.connect(conninfo, autocommit=True, application_name="voltkeep status") as connection:
        schema = version(connection)
        if schema is None:
            raise HistorianError("The database has no history yet: no server has used it.")
        engine = engine_of(connection)
        timescale = engine.timescale is not None
        tables = tuple(_table(connection, name, timescale) for name in tableparts.tables(connection))
        oldest, newest = _row(connection, _ENDS)
        return Status(
            engine=engine.name,
            schema=schema,
            bytes=_row(connection, "SELECT pg_database_size(current_database())")[0],
            oldest=oldest,
            newest=newest,
            days=next((table.parts for table in tables if table.name == "jar_reading"), 0),
            packed_days=_known(connection, _COMPRESSED if timescale else _CLUSTERED, (0,))[0],
            packing="compressed" if timescale else "clustered",
            tables=tables,
            roll_ups=RollUps(*_known(connection, _ROLLED_UP, (0, None, None, None))),
            waiting=tuple(_waiting(path) for path in homefiles.waiting(home)),
            backup=_backup(home),
        )


def _table(connection: psycopg.Connection[Any], name: str, timescale: bool) -> TableStatus:
    hypertable = timescale and tableparts.hypertable(connection, name)
    rows, size, parts = _row(connection, _HYPERTABLE if hypertable else _PARTITIONED, (name,))
    return TableStatus(name, int(rows), int(size), int(parts))


def _row(connection: psycopg.Connection[Any], query: str, values: tuple[object, ...] = ()) -> Any:
    return connection.execute(query.encode(), values or None).fetchone()


def _known(connection: psycopg.Connection[Any], query: str, otherwise: tuple[object, ...]) -> Any:
    """A row of tables that a database of an older Voltkeep need not have."""
    try:
        return _row(connection, query)
    except psycopg.errors.UndefinedTable:
        return otherwise


def _waiting(path: Path) -> Waiting:
    """Count what waits, without changing the file that a server may be writing to."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
        row = file.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM scan").fetchone()
    return Waiting(path.name, *row)


def _backup(home: Path) -> Backup | None:
    try:
        found = json.loads((home / homefiles.NOTE).read_text())
        return Backup(found["file"], dt.datetime.fromisoformat(found["created_at"]), found["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
