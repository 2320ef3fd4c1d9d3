"""Between the scan and the database: a buffer in memory, then the spill on disk, written in order.

`offer` never waits. One task writes the oldest scan first; while the database is away it tries again
from time to time and moves what the buffer has too much of to disk. Scans on disk are older than those
in memory, always, so the order holds. What cannot be kept is dropped, counted and said once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import psycopg
import structlog

from historian.assets import AssetIds
from historian.errors import HistorianError
from historian.rows import Scan, scan_of
from historian.spill import Spill, unpack
from historian.store import Store
from nodeset.frame import Frame

WRITE_TIMEOUT: Final = 60.0  # s for one scan
RETRY: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # s between attempts, the last one for good
CLOSE_TIMEOUT: Final = 10.0

# The database is away, or not itself: the scan is kept and tried again. Anything else is the scan's fault.
_AWAY = (psycopg.Error, OSError, TimeoutError, HistorianError)
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
        if len(self._buffer) >= 2 * self._limit + 1:  # even the disk does not keep up
            self._buffer.popleft()
            self._drop("the disk does not keep up")
        self._buffer.append(frame)
        self._offered_time = frame.time
        self._written_time = self._written_time or frame.time
        self._wake.set()

    @property
    def stats(self) -> Stats:
        """A snapshot."""
        waiting = bool(self._buffer or self._spill.count)
        return Stats(
            healthy=self._failures == 0 and self._dropped == 0,
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
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                if self._failures == 0:
                    await self._drain()
        except TimeoutError:
            pass
        await self._spill_beyond(0)

    async def _pause(self) -> None:
        """Until a frame is offered, we are closed, or it is time to try the database again."""
        waiting = self._buffer or self._spill.count
        timeout = max(0.0, self._retry_at - time.monotonic()) if waiting else None
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass
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
        await self._write(await asyncio.to_thread(scan_of, frame, self._ids))
        if self._buffer and self._buffer[0] is frame:
            self._buffer.popleft()

    async def _replay_first(self) -> None:
        number, blob = await asyncio.to_thread(self._spill.first)
        try:
            scan = await asyncio.to_thread(unpack, blob)
        except Exception as error:
            self._drop(f"a scan on disk is damaged: {error}")
        else:
            await self._write(scan)
        await asyncio.to_thread(self._spill.delete, number)

    async def _write(self, scan: Scan) -> None:
        try:
            self._rows += await self._store.write(scan)
        except _SCANS_FAULT as error:
            await self._store.close()
            self._drop(f"the database refuses a scan: {error}")
            return
        self._scans += 1
        self._written_time = scan.time

    async def _spill_beyond(self, limit: int) -> None:
        """Move the oldest frames to disk until `limit` are left in memory."""
        while len(self._buffer) > limit:
            frame = self._buffer.popleft()
            scan = await asyncio.to_thread(scan_of, frame, self._ids)
            if not await asyncio.to_thread(self._spill.append, scan):
                self._drop("historian.spill_gb is used up")

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
