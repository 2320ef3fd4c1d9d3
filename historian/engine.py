"""Which database we talk to, and the little DDL in which TimescaleDB and plain PostgreSQL differ."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from historian.errors import HistorianError

OLDEST: Final = 15  # PostgreSQL

# Only its preloaded library knows this setting; creating the extension without that ends the session.
_LOADED = "SELECT current_setting('timescaledb.max_background_workers', true) IS NOT NULL"
_EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"


@dataclass(frozen=True)
class Engine:
    """The database's versions; `timescale` is None on plain PostgreSQL."""

    postgres: str
    timescale: str | None

    @property
    def name(self) -> str:
        """For people: `PostgreSQL 18.6`, `TimescaleDB 2.29.0 on PostgreSQL 17.2`."""
        plain = f"PostgreSQL {self.postgres}"
        return plain if self.timescale is None else f"TimescaleDB {self.timescale} on {plain}"


async def detect(connection: psycopg.AsyncConnection) -> Engine:
    """Look at the server, and switch TimescaleDB on where it is installed and we may."""
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        raise HistorianError(
            f"The historian's database is PostgreSQL {version // 10_000}; it must be {OLDEST} or later."
        )
    cursor = await connection.execute(_LOADED)
    if await cursor.fetchone() == (True,):
        with contextlib.suppress(psycopg.Error):  # not ours to create: plain PostgreSQL, then
            await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    cursor = await connection.execute(_EXTENSION)
    return _engine(version, await cursor.fetchone())


def engine_of(connection: psycopg.Connection[Any]) -> Engine:
    """What the server is, without changing it."""
    return _engine(connection.info.server_version, connection.execute(_EXTENSION).fetchone())


def _engine(version: int, extension: tuple[str] | None) -> Engine:
    return Engine(f"{version // 10_000}.{version % 10_000}", None if extension is None else extension[0])


def table_suffix(timescale: bool) -> str:
    """What follows the columns of a table of readings or roll-ups in CREATE TABLE."""
    return "" if timescale else " PARTITION BY RANGE (ts)"


def after_create(timescale: bool, table: str, chunk: str = "1 day") -> str | None:
    """What makes such a table, just created, a hypertable with chunks of that length."""
    if not timescale:
        return None
    length = f"by_range('ts', INTERVAL '{chunk}')"
    return f"SELECT create_hypertable('{table}', {length}, create_default_indexes => false)"
