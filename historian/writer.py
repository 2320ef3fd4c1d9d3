"""Between the scan and the database: what waits is written in order, and nobody waits for it.

`offer` never waits. One task writes the oldest scan first, and while the database is away tries again from
time to time; another moves what memory has too much of to disk. Scans on disk are written several at once.
What cannot be kept is dropped, counted and said once.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from historian.assets import AssetIds
from historian.backlog import Backlog
from historian.errors import HistorianError
from historian.rows import Scan
from historian.spill import Spill
from historian.store import Store
from nodeset.frame import Frame

WRITE_TIMEOUT: Final = 60.0  # s for one scan
RETRY: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # s between attempts, the last one for good
CLOSE_TIMEOUT: Final = 10.0

LOSING: Final = 60.0  # s that a lost scan is spoken of

# The database is away, or not itself: the scan is kept and tried again. Anything else is the scan's fault.
_AWAY = (psycopg.Error, sqlite3.Error, OSError, HistorianError)  # TimeoutError is an OSError
_SCANS_FAULT = (psycopg.DataError, psycopg.IntegrityError)

_log = structlog.get_logger("historian")


@dataclass(frozen=True)
class Stats:
    """How the historian does; counts are since the start, `lag_s` is how far it is behind the scan."""

    healthy: bool = True
    rows_written: int = 0
    scans_written: int = 0
    scans_buffered: int = 0
    scans_spilled: int = 0
    scans_dropped: int = 0
    spill_used: float = 0.0  # share of what it may take
    losing: bool = False  # whether scans were dropped in the last minute
    lag_s: float = 0.0
    last_error: str = ""

    @property
    def waiting(self) -> int:
        """Scans in memory and on disk."""
        return self.scans_buffered + self.scans_spilled


class Writer:
    """Takes frames from the scan and writes them, each once and in order."""

    def __init__(self, store: Store, spill: Spill, ids: AssetIds, buffer_scans: int) -> None:
        self._store = store
        self._backlog = Backlog(spill, ids, buffer_scans, self._drop)
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._rows = self._scans = self._dropped = 0
        self._offered_time = self._written_time = 0
        self._losing_until = 0.0
        self._error = self._loss = ""
        self._task = asyncio.create_task(self._run(), name="historian writer")
        self._keeper = asyncio.create_task(self._keep(), name="historian spill")

    def offer(self, frame: Frame) -> None:
        """Take a frozen frame for writing."""
        self._backlog.add(frame)
        self._offered_time = max(self._offered_time, frame.time)  # frames of the past may come between
        self._written_time = self._written_time or frame.time
        self._wake.set()
        if self._backlog.in_memory > self._backlog.limit:
            self._full.set()

    @property
    def stats(self) -> Stats:
        """A snapshot."""
        losing = time.monotonic() < self._losing_until
        return Stats(
            healthy=self._failures == 0,
            rows_written=self._rows,
            scans_written=self._scans,
            scans_buffered=self._backlog.in_memory,
            scans_spilled=self._backlog.on_disk,
            scans_dropped=self._dropped,
            spill_used=self._backlog.spill_used,
            losing=losing,
            lag_s=(self._offered_time - self._written_time) / 1e6 if self._waiting else 0.0,
            last_error=self._loss if losing or not self._error else self._error,
        )

    async def close(self) -> None:
        """Write what waits; what the database does not take in time stays on disk."""
        self._closing = True
        self._wake.set()
        self._full.set()
        await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT)
        self._task.cancel()
        await asyncio.wait([self._task, self._keeper])
        await self._backlog.shrink(0)
        await self._store.close()
        self._backlog.close()

    @property
    def _waiting(self) -> bool:
        return bool(self._backlog.in_memory or self._backlog.on_disk)

    async def _keep(self) -> None:
        """Beside the writing, however long that takes: what memory has too much of goes to disk."""
        while not self._closing:
            await self._full.wait()
            self._full.clear()
            await self._backlog.shrink(self._backlog.limit)

    async def _run(self) -> None:
        while not self._closing:
            await self._pause()
            if time.monotonic() >= self._retry_at:
                await self._drain()
        if self._failures == 0:
            await self._drain()

    async def _pause(self) -> None:
        """Until a frame is offered, we are closed, or it is time to try the database again."""
        timeout = max(0.0, self._retry_at - time.monotonic()) if self._waiting else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        self._wake.clear()

    async def _drain(self) -> None:
        """Write all that waits, oldest first, until something fails; when we close, what is on disk stays."""
        while self._waiting and not (self._closing and self._backlog.on_disk):
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    batch = await self._backlog.oldest()
                    await self._write(batch.scans)
                    await self._backlog.forget(batch)
            except _AWAY as error:
                await self._lost(error)
                return
            if batch.scans:
                self._recovered()

    async def _write(self, scans: Sequence[Scan]) -> None:
        """Write scans together; one that can never be written is dropped, lest it block the others."""
        if not scans:
            return
        try:
            self._rows += await self._store.write(*scans)
        except Exception as error:
            if isinstance(error, _AWAY) and not isinstance(error, _SCANS_FAULT):
                raise
            await self._store.close()
            if len(scans) == 1:
                self._drop(f"a scan cannot be written: {error}")
            else:
                for scan in scans:
                    await self._write([scan])
            return
        self._scans += len(scans)
        self._written_time = max(self._written_time, scans[-1].time)

    async def _lost(self, error: BaseException) -> None:
        self._error = str(error).strip() or type(error).__name__
        if self._failures == 0:
            _log.error("the historian's database is away; scans are kept until it is back", error=self._error)
        self._retry_at = time.monotonic() + RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        await self._store.close()

    def _recovered(self) -> None:
        if self._failures:
            waiting = self._backlog.in_memory + self._backlog.on_disk
            _log.info("the historian's database is back", waiting=waiting)
        self._failures = 0
        self._retry_at = 0.0

    def _drop(self, reason: str) -> None:
        if reason != self._loss:
            _log.error("scans are dropped", reason=reason)
        self._loss = reason
        self._dropped += 1
        self._losing_until = time.monotonic() + LOSING
