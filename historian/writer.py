"""Between the scan and the database: a buffer in memory, then the spill on disk, written in order.

`offer` never waits. One task writes the oldest scan first; while the database is away it tries again
from time to time and moves what the buffer has too much of to disk. Scans on disk are older than those
in memory, always, so the order holds. What cannot be kept is dropped, counted and said once.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from historian.assets import AssetIds
from historian.errors import HistorianError
from historian.packing import pack, unpack
from historian.rows import Scan, scan_of
from historian.spill import Spill
from historian.store import Store
from nodeset.frame import Frame

WRITE_TIMEOUT: Final = 60.0  # s for one scan
RETRY: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # s between attempts, the last one for good
CLOSE_TIMEOUT: Final = 10.0

SPARE: Final = 100  # scans in memory beyond the buffer, while the task waits for a slow database or disk

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
    lag_s: float = 0.0
    last_error: str = ""


class Writer:
    """Takes frames from the scan and writes them, each once and in order."""

    def __init__(self, store: Store, spill: Spill, ids: AssetIds, buffer_scans: int) -> None:
        self._store = store
        self._spill = spill
        self._ids = ids
        self._limit = buffer_scans
        self._buffer: deque[Frame] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._rows = self._scans = self._dropped = 0
        self._offered_time = self._written_time = 0
        self._error = ""
        self._task = asyncio.create_task(self._run(), name="historian writer")

    def offer(self, frame: Frame) -> None:
        """Take a frozen frame for writing."""
        if len(self._buffer) >= self._limit + SPARE:
            self._buffer.popleft()
            self._drop("the disk does not keep up")
        self._buffer.append(frame)
        self._offered_time = max(self._offered_time, frame.time)  # frames of the past may come between
        self._written_time = self._written_time or frame.time
        self._wake.set()

    @property
    def stats(self) -> Stats:
        """A snapshot."""
        waiting = bool(self._buffer or self._spill.count)
        return Stats(
            healthy=self._failures == 0,
            rows_written=self._rows,
            scans_written=self._scans,
            scans_buffered=len(self._buffer),
            scans_spilled=self._spill.count,
            scans_dropped=self._dropped,
            lag_s=(self._offered_time - self._written_time) / 1e6 if waiting else 0.0,
            last_error=self._error,
        )

    async def close(self) -> None:
        """Write what waits; what the database does not take in time stays on disk."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._store.close()
        self._spill.close()

    async def _run(self) -> None:
        while not self._closing:
            await self._pause()
            await self._spill_beyond(self._limit)
            if time.monotonic() >= self._retry_at:
                await self._drain()
        if self._failures == 0 and self._spill.count == 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._drain()
        await self._spill_beyond(0)

    async def _pause(self) -> None:
        """Until a frame is offered, we are closed, or it is time to try the database again."""
        waiting = self._buffer or self._spill.count
        timeout = max(0.0, self._retry_at - time.monotonic()) if waiting else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        self._wake.clear()

    async def _drain(self) -> None:
        """Write all that waits, oldest first, until something fails."""
        while self._buffer or self._spill.count:
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await (self._replay_first() if self._spill.count else self._write_first())
            except _AWAY as error:
                await self._lost(error)
                return
            self._recovered()
            await self._spill_beyond(self._limit)

    async def _write_first(self) -> None:
        frame = self._buffer[0]
        await self._write(lambda: scan_of(frame, self._ids))
        if self._buffer and self._buffer[0] is frame:  # unless `offer` has dropped it meanwhile
            self._buffer.popleft()

    async def _replay_first(self) -> None:
        number, blob = await asyncio.to_thread(self._spill.first)
        await self._write(lambda: unpack(blob))
        await asyncio.to_thread(self._spill.delete, number)

    async def _write(self, make: Callable[[], Scan]) -> None:
        """Write what `make` makes; a scan that can never be written is dropped, lest it block the others."""
        try:
            scan = await asyncio.to_thread(make)
            self._rows += await self._store.write(scan)
        except Exception as error:
            if isinstance(error, _AWAY) and not isinstance(error, _SCANS_FAULT):
                raise
            await self._store.close()
            self._drop(f"a scan cannot be written: {error}")
            return
        self._scans += 1
        self._written_time = max(self._written_time, scan.time)

    async def _spill_beyond(self, limit: int) -> None:
        """Move the oldest frames to disk until `limit` are left in memory."""
        while len(self._buffer) > limit:
            try:
                kept = await asyncio.to_thread(self._keep, self._buffer.popleft())
            except Exception as error:
                self._drop(f"a scan cannot be kept on disk: {error}")
            else:
                if not kept:
                    self._drop("historian.spill_gb is used up")

    def _keep(self, frame: Frame) -> bool:
        return self._spill.append(pack(scan_of(frame, self._ids)))

    async def _lost(self, error: BaseException) -> None:
        self._error = str(error).strip() or type(error).__name__
        if self._failures == 0:
            _log.error("the historian's database is away; scans are kept until it is back", error=self._error)
        self._retry_at = time.monotonic() + RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        await self._store.close()

    def _recovered(self) -> None:
        if self._failures:
            _log.info("the historian's database is back", waiting=len(self._buffer) + self._spill.count)
        self._failures = 0
        self._retry_at = 0.0

    def _drop(self, reason: str) -> None:
        if self._dropped == 0 or reason != self._error:
            _log.error("scans are dropped", reason=reason)
        self._error = reason
        self._dropped += 1
