"""Writes scans in one transaction, by COPY straight into the readings.

Whatever fails leaves the database as it was. The same scan can be written again, any number of times:
only when a row turns out to be there already does it go through a temporary stage and an insert that
skips what exists and fills in what that lacks, which takes three times as long and happens after outages
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psycopg
import structlog

from historian import copying
from historian.assets import Ids
from historian.columns import TABLES, Table
from historian.connections import Connect
from historian.copyformat import stream
from historian.due import note_all, noting
from historian.editlock import take_turn
from historian.mergedrows import fill_in
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.rows import Rows, Scan

_log = structlog.get_logger("historian")

_Parts = dict[Table, list[tuple[Rows, int, Ids]]]  # rows, their time and their qualities


class Store:
    """The writing side of the database; `connect` opens a connection to it."""

    def __init__(self, connect: Connect, partitions: Partitions, quality: QualityDictionary) -> None:
        self._connect = connect
        self._partitions = partitions
        self._quality = quality
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, *scans: Scan) -> int:
        """Write scans, all or none; returns how many rows were new."""
        try:
            return await self._write(*scans)
        except psycopg.errors.CheckViolation:  # a day that was there has been dropped by another process
            await self._partitions.load(await self._open())
            return await self._write(*scans)

    async def _write(self, *scans: Scan) -> int:
        connection = await self._open()
        parts: _Parts = {table: [] for table in TABLES.values()}
        for scan in scans:
            await self._partitions.ensure(connection, scan.time)
            for rows in scan.rows:
                ids = await self._quality.ids(connection, rows)
                parts[rows.table].append((rows, scan.time, ids))
        given = sum(len(rows.assets) for scan in scans for rows in scan.rows)
        try:
            statements = [*_COPY, noting(scan.time for scan in scans)]
            *counts, _ = await copying.run(connection, statements, _streams(parts))
            new = sum(counts)
        except psycopg.errors.UniqueViolation:
            new = await self._merge(connection, parts, {scan.time for scan in scans})
        if new != given:
            _log.info("rows were there already", time=scans[0].time, scans=len(scans), rows=given - new)
        return new

    async def _merge(self, connection: psycopg.AsyncConnection, parts: _Parts, times: set[int]) -> int:
        """Write scans of which some or all rows are there already; returns how many were not."""
        new = 0
        async with connection.transaction():
            await take_turn(connection)
            for table, of_table in parts.items():
                counts = await copying.run(connection, _staging(table), [stream(of_table)])
                new += counts[-1]
                for time in times:
                    await fill_in(connection, table, _stage(table), time, self._quality)
            await note_all(connection, times)
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


def _streams(parts: _Parts) -> list[Iterator[bytes]]:
    return [stream(of_table) for of_table in parts.values()]


def _copy(table: Table, into: str) -> str:
    return f"COPY {into} ({', '.join(table.names)}) FROM STDIN (FORMAT binary)"


def _stage(table: Table) -> str:
    return f"{table.readings}_stage"


def _staging(table: Table) -> list[str]:
    """Statements that write a table's rows by way of a stage, but for those that it has."""
    stage, columns = _stage(table), ", ".join(table.names)
    return [
        f"CREATE TEMPORARY TABLE {stage} (LIKE {table.readings}) ON COMMIT DROP",
        _copy(table, stage),
        f"INSERT INTO {table.readings} ({columns}) SELECT {columns} FROM {stage} ON CONFLICT DO NOTHING",
    ]


_COPY: Final = [_copy(table, table.readings) for table in TABLES.values()]
