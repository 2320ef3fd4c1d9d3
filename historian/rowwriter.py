"""Between the server and what it keeps row by row: rows in memory, then on disk, written in order and once.

`offer` never waits. One task writes what has gathered, in batches; while the database is away rows wait on
disk, and those on disk are older than those in memory, always. A batch that was committed though nobody
heard of it goes again, and its ledger knows its rows. What cannot be kept is counted, and the count is a
row of its own. A row that the database can never take costs nothing but itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

import psycopg
import structlog

from historian.connections import Connect
from historian.errors import HistorianError
from historian.spill import Spill

BATCH: Final = 500
MOST_WAITING: Final = 20_000  # rows in memory, while neither database nor disk takes them
GATHER: Final = 0.02  # s
WRITE_TIMEOUT: Final = 30.0  # s
RETRY: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # s between attempts, the last one for good
CLOSE_TIMEOUT: Final = 10.0  # s

_AWAY = (psycopg.Error, sqlite3.Error, OSError, HistorianError)  # TimeoutError is an OSError
_ROWS_FAULT = (psycopg.DataError, psycopg.IntegrityError)

_log = structlog.get_logger("historian")

Row = TypeVar("Row")


class Ledger(Protocol[Row]):
    """What rows are written to; `name` is for people. The same bytes wait on disk or go to the database."""

    @property
    def name(self) -> str:
        """Whose rows they are: `the audit trail`."""

    def packed(self, rows: Sequence[Row]) -> bytes:
        """Rows as bytes; called in a thread."""

    def parts(self, data: bytes) -> list[bytes]:
        """Each row by itself; ValueError where it is not what `packed` made."""

    async def append(self, connection: psycopg.AsyncConnection, data: bytes) -> int:
        """Write packed rows in one transaction, without those that are there; how many were new.

        ValueError where it is not what `packed` made.
        """

    def loss(self, count: int) -> Row:
        """The row that says how many are missing."""


class RowWriter(Generic[Row]):
    """Takes rows from the server and writes them to a ledger."""

    def __init__(self, connect: Connect, spill: Spill, ledger: Ledger[Row]) -> None:
        self._connect = connect
        self._spill = spill
        self._ledger = ledger
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting: deque[Row] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._lost = 0
        self.offered = 0  # rows that were taken
        self.dropped = 0
        self.written = 0
        self._task = asyncio.create_task(self._run(), name=f"writer of {ledger.name}")

    def offer(self, row: Row) -> None:
        """Take a row for writing; returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            self._drop(1, "neither database nor disk takes them")
        else:
            self._waiting.append(row)
            self.offered += 1
        self._wake.set()

    @property
    def settled(self) -> int:
        """How many of the rows that were taken, oldest first, are in the database, on disk or given up."""
        return self.offered - len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether everything that was offered is in the database."""
        return not (self._waiting or self._spill.count or self._lost)

    @property
    def healthy(self) -> bool:
        """Whether the database takes rows."""
        return self._failures == 0

    async def close(self) -> None:
        """Write what waits; what the database does not take in time stays on disk."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._let_go()
        self._spill.close()

    async def _run(self) -> None:
        while not self._closing:
            await self._pause()
            if time.monotonic() >= self._retry_at:
                await self._drain()
            else:
                await self._keep_on_disk()
        if self._failures == 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._drain()
        await self._keep_on_disk()

    async def _pause(self) -> None:
        """Until there is something to do; a little longer, so that a batch gathers."""
        timeout = None if self.idle else max(0.0, self._retry_at - time.monotonic())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        self._wake.clear()
        if not self._closing:
            await asyncio.sleep(GATHER)

    async def _drain(self) -> None:
        """Write all that waits, oldest first, until something fails."""
        while not self.idle:
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await (self._replay() if self._spill.count else self._write_next())
            except _AWAY as error:
                await self._failed(error)
                return
            if self._failures:
                _log.info(f"{self._ledger.name} is written again", waiting=len(self._waiting))
            self._failures, self._retry_at = 0, 0.0

    async def _replay(self) -> None:
        number, data = await asyncio.to_thread(self._spill.first)
        await self._write(data)
        await asyncio.to_thread(self._spill.delete, number)

    async def _write_next(self) -> None:
        if self._lost:
            self._waiting.appendleft(self._ledger.loss(self._lost))
            self._lost = 0
        batch = [self._waiting[i] for i in range(min(len(self._waiting), BATCH))]
        await self._write(await asyncio.to_thread(self._ledger.packed, batch))
        for _ in batch:
            self._waiting.popleft()

    async def _write(self, data: bytes) -> None:
        """Write packed rows; where one of them can never be written the others are written without it."""
        try:
            await self._append(data)
        except ValueError:
            self._drop(1, "what is on disk cannot be read")
        except _ROWS_FAULT as error:
            await self._let_go()
            parts = await asyncio.to_thread(self._parts, data)
            if len(parts) <= 1:
                self._drop(1, str(error).strip())
                return
            for part in parts:
                await self._write(part)

    def _parts(self, data: bytes) -> list[bytes]:
        try:
            return self._ledger.parts(data)
        except ValueError:
            return []

    async def _append(self, data: bytes) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        self.written += await self._ledger.append(self._connection, data)

    async def _failed(self, error: BaseException) -> None:
        if self._failures == 0:
            reason = str(error).strip()
            _log.error(f"{self._ledger.name} cannot be written; it waits on disk", error=reason)
        self._retry_at = time.monotonic() + RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        await self._let_go()
        await self._keep_on_disk()

    async def _keep_on_disk(self) -> None:
        """Move everything from memory to disk."""
        while self._waiting:
            batch = [self._waiting[i] for i in range(min(len(self._waiting), BATCH))]
            try:
                kept = await asyncio.to_thread(self._keep, batch)
            except (sqlite3.Error, OSError) as error:
                self._drop(len(batch), f"the disk does not take them: {error}")
            else:
                if not kept:
                    self._drop(len(batch), "the space for them is used up")
            for _ in batch:
                self._waiting.popleft()

    def _keep(self, batch: Sequence[Row]) -> bool:
        return self._spill.append(self._ledger.packed(batch))

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _drop(self, count: int, reason: str) -> None:
        if self._lost == 0:
            _log.error(f"rows of {self._ledger.name} are lost", reason=reason)
        self._lost += count
        self.dropped += count
