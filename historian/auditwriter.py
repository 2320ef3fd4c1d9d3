"""Between the server and the table `audit`: entries in memory, then on disk, written in order and once.

`offer` never waits. One task writes what has gathered, in batches; while the database is away entries
wait on disk, and those on disk are older than those in memory, always. A batch that was committed though
nobody heard of it is known by its entries' ids when it is written again. What cannot be kept is counted,
and the count is an entry of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog

from historian.audit import AuditRow, append, packed, unpacked
from historian.connections import Connect
from historian.errors import HistorianError
from historian.spill import Spill

AUDIT_EVENT_TYPE: Final = 2052
BATCH: Final = 500
MOST_WAITING: Final = 20_000  # entries in memory, while neither database nor disk takes them
GATHER: Final = 0.02  # s
WRITE_TIMEOUT: Final = 30.0  # s
RETRY: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # s between attempts, the last one for good
CLOSE_TIMEOUT: Final = 10.0  # s

_AWAY = (psycopg.Error, sqlite3.Error, OSError, HistorianError)  # TimeoutError is an OSError
_ENTRYS_FAULT = (psycopg.DataError, psycopg.IntegrityError)

_log = structlog.get_logger("audit")


class AuditWriter:
    """Takes entries from the server and writes them."""

    def __init__(self, connect: Connect, spill: Spill) -> None:
        self._connect = connect
        self._spill = spill
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting: deque[AuditRow] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._lost = 0
        self.dropped = 0
        self.written = 0
        self._task = asyncio.create_task(self._run(), name="audit writer")

    def offer(self, row: AuditRow) -> None:
        """Take an entry for writing; returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            self._drop(1, "neither database nor disk takes them")
        else:
            self._waiting.append(row)
        self._wake.set()

    @property
    def idle(self) -> bool:
        """Whether everything that was offered is in the database."""
        return not (self._waiting or self._spill.count or self._lost)

    @property
    def healthy(self) -> bool:
        """Whether the database takes entries."""
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
                _log.info("the audit trail is written again", waiting=len(self._waiting))
            self._failures, self._retry_at = 0, 0.0

    async def _replay(self) -> None:
        number, data = await asyncio.to_thread(self._spill.first)
        try:
            rows = unpacked(data)
        except (ValueError, TypeError):
            self._drop(1, "what is on disk cannot be read")
        else:
            await self._write(rows)
        await asyncio.to_thread(self._spill.delete, number)

    async def _write_next(self) -> None:
        if self._lost:
            self._waiting.appendleft(_loss(self._lost))
            self._lost = 0
        batch = [self._waiting[i] for i in range(min(len(self._waiting), BATCH))]
        await self._write(batch)
        for _ in batch:
            self._waiting.popleft()

    async def _write(self, batch: Sequence[AuditRow]) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        try:
            self.written += await append(self._connection, batch)
        except _ENTRYS_FAULT as error:  # it can never be written: it must not block the others
            await self._let_go()
            self._drop(len(batch), str(error).strip())

    async def _failed(self, error: BaseException) -> None:
        if self._failures == 0:
            _log.error("the audit trail cannot be written; it waits on disk", error=str(error).strip())
        self._retry_at = time.monotonic() + RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        await self._let_go()
        await self._keep_on_disk()

    async def _keep_on_disk(self) -> None:
        """Move everything from memory to disk."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
            try:
                kept = await asyncio.to_thread(self._spill.append, packed(batch))
            except (sqlite3.Error, OSError) as error:
                self._drop(len(batch), f"the disk does not take them: {error}")
            else:
                if not kept:
                    self._drop(len(batch), "the space for them is used up")

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _drop(self, count: int, reason: str) -> None:
        if self._lost == 0:
            _log.error("audit entries are lost", reason=reason)
        self._lost += count
        self.dropped += count


def _loss(count: int) -> AuditRow:
    """The entry that says how many are missing."""
    now = time.time_ns() // 1000
    return AuditRow(now, AUDIT_EVENT_TYPE, "lose entries", status=0x80B0_0000, repeats=count)
