"""Writes one scan in one transaction: COPY into a stage, idempotent insert, and the latest values.

Whatever fails leaves the database as it was; the same scan can be written again, any number of times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from historian.columns import TABLES, Table
from historian.copyformat import encode
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.rows import Rows, Scan

EXPIRE_PERIOD: Final = 600_000_000  # µs between looks at what is too old or too big
_log = structlog.get_logger("historian")

Connect = Callable[[], Awaitable[psycopg.AsyncConnection]]


class Store:
    """The writing side of the database; `connect` opens a connection to it."""

    def __init__(self, connect: Connect, partitions: Partitions, quality: QualityDictionary) -> None:
        self._connect = connect
        self._partitions = partitions
        self._quality = quality
        self._expired_at = 0
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, scan: Scan) -> int:
        """Write a scan; returns how many rows were new."""
        connection = await self._open()
        await self._partitions.ensure(connection, scan.time)
        if abs(scan.time - self._expired_at) > EXPIRE_PERIOD:
            self._expired_at = scan.time
            await self._partitions.expire(connection, scan.time)
        qualities = [await self._quality.ids(connection, rows) for rows in scan.rows]
        streams = await asyncio.to_thread(
            lambda: [encode(rows, scan.time, ids) for rows, ids in zip(scan.rows, qualities, strict=True)]
        )
        async with connection.transaction():
            counts = [
                await _write(connection, rows, stream)
                for rows, stream in zip(scan.rows, streams, strict=True)
            ]
        offered = sum(len(rows.assets) for rows in scan.rows)
        if sum(counts) != offered:
            _log.info("rows of a scan were there already", time=scan.time, rows=offered - sum(counts))
        return sum(counts)

    async def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            for table in TABLES.values():
                await self._connection.execute(_STATEMENTS[table.readings].stage)
            await self._partitions.load(self._connection)
        return self._connection


async def _write(connection: psycopg.AsyncConnection, rows: Rows, stream: bytes) -> int:
    statements = _STATEMENTS[rows.table.readings]
    async with connection.cursor() as cursor:
        async with cursor.copy(statements.copy) as copy:
            await copy.write(stream)
        await cursor.execute(statements.insert)
        count = cursor.rowcount
        await cursor.execute(statements.latest)
    return count


class _Statements:
    """The SQL of one table, put together once."""

    def __init__(self, table: Table) -> None:
        names: dict[str, Any] = {
            "readings": sql.Identifier(table.readings),
            "latest": sql.Identifier(table.latest),
            "stage": sql.Identifier(f"{table.asset.value.lower()}_stage"),
            "columns": sql.SQL(", ").join(map(sql.Identifier, table.names)),
            "excluded": sql.SQL(", ").join(sql.Identifier("excluded", name) for name in table.names),
        }
        self.stage = sql.SQL(
            "CREATE TEMPORARY TABLE {stage} ON COMMIT DELETE ROWS AS SELECT {columns} FROM {latest} LIMIT 0"
        ).format(**names)
        self.copy = sql.SQL("COPY {stage} ({columns}) FROM STDIN (FORMAT binary)").format(**names)
        self.insert = sql.SQL(
            "INSERT INTO {readings} ({columns}) SELECT {columns} FROM {stage} ON CONFLICT DO NOTHING"
        ).format(**names)
        self.latest = sql.SQL(
            "INSERT INTO {latest} AS kept ({columns}) SELECT {columns} FROM {stage} "
            "ON CONFLICT (asset_id) DO UPDATE SET ({columns}) = ROW ({excluded}) WHERE kept.ts < excluded.ts"
        ).format(**names)


_STATEMENTS = {table.readings: _Statements(table) for table in TABLES.values()}
