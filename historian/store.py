"""Writes one scan in one transaction, by COPY straight into the readings.

Whatever fails leaves the database as it was. The same scan can be written again, any number of times:
only when a row turns out to be there already does it go through a temporary stage and an insert that
skips what exists and fills in what that lacks, which takes three times as long and happens after outages
alone.
"""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg
import structlog
from psycopg import sql

from historian.columns import TABLES, Table
from historian.connections import Connect
from historian.copyformat import encode
from historian.due import note
from historian.editlock import take_turn
from historian.mergedrows import fill_in
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.rows import Scan

EXPIRE_PERIOD: Final = 600_000_000  # µs between looks at what is too old or too big
_log = structlog.get_logger("historian")


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
        if scan.time > self._expired_at + EXPIRE_PERIOD:
            self._expired_at = scan.time
            await self._partitions.expire(connection, scan.time)
        qualities = [await self._quality.ids(connection, rows) for rows in scan.rows]
        streams = await asyncio.to_thread(
            lambda: [encode(rows, scan.time, ids) for rows, ids in zip(scan.rows, qualities, strict=True)]
        )
        try:
            async with connection.transaction():
                for rows, stream in zip(scan.rows, streams, strict=True):
                    await _copy(connection, _STATEMENTS[rows.table.readings].copy, stream)
                await note(connection, scan.time)
            return sum(len(rows.assets) for rows in scan.rows)
        except psycopg.errors.UniqueViolation:
            return await self._merge(connection, scan, streams)

    async def _merge(self, connection: psycopg.AsyncConnection, scan: Scan, streams: list[bytes]) -> int:
        """Write a scan of which some or all rows are there already; returns how many were not."""
        new = 0
        async with connection.transaction():
            await take_turn(connection)
            for rows, stream in zip(scan.rows, streams, strict=True):
                statements = _STATEMENTS[rows.table.readings]
                await connection.execute(statements.stage)
                await _copy(connection, statements.copy_to_stage, stream)
                new += (await connection.execute(statements.insert)).rowcount
                await fill_in(connection, rows.table, statements.staged, scan.time, self._quality)
            await note(connection, scan.time)
        repeated = sum(len(rows.assets) for rows in scan.rows) - new
        _log.info("rows of a scan were there already", time=scan.time, rows=repeated)
        return new

    async def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await self._partitions.load(self._connection)
        return self._connection


async def _copy(connection: psycopg.AsyncConnection, statement: sql.Composed, stream: bytes) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(stream)


class _Statements:
    """The SQL of one table, put together once."""

    def __init__(self, table: Table) -> None:
        self.staged = f"{table.readings}_stage"
        names = {
            "readings": sql.Identifier(table.readings),
            "stage": sql.Identifier(self.staged),
            "columns": sql.SQL(", ").join(map(sql.Identifier, table.names)),
        }
        self.copy = sql.SQL("COPY {readings} ({columns}) FROM STDIN (FORMAT binary)").format(**names)
        self.stage = sql.SQL("CREATE TEMPORARY TABLE {stage} (LIKE {readings}) ON COMMIT DROP").format(
            **names
        )
        self.copy_to_stage = sql.SQL("COPY {stage} ({columns}) FROM STDIN (FORMAT binary)").format(**names)
        self.insert = sql.SQL(
            "INSERT INTO {readings} ({columns}) SELECT {columns} FROM {stage} ON CONFLICT DO NOTHING"
        ).format(**names)


_STATEMENTS = {table.readings: _Statements(table) for table in TABLES.values()}
