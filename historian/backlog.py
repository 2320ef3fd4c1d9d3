"""Scans that wait for the database: the newest in memory, what memory has too much of on disk.

Those on disk are older than those in memory, always, so the order holds. Disk and memory are bounded; what
neither takes is told to `lost`. Frames are kept as they are, by reference; on disk and on their way to the
database they are rows.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from historian.assets import AssetIds
from historian.packing import pack, unpack
from historian.rows import Scan, scan_of
from historian.spill import Spill
from nodeset.frame import Frame

Result = TypeVar("Result")

SPARE: Final = 100  # scans in memory beyond the buffer, while the disk is slow
BUFFER_BYTES: Final = 128_000_000  # of frames in memory, whatever the settings say of their number
SPARE_BYTES: Final = 64_000_000
LEAST: Final = 3  # scans for which there must be memory
TOGETHER: Final = 20  # scans on disk that are written in one transaction
TOGETHER_BYTES: Final = 500_000  # of them, packed


@dataclass(frozen=True)
class Batch:
    """The oldest scans; `number` is that of the last one on disk, `frame` the one in memory."""

    scans: list[Scan]
    number: int | None = None
    frame: Frame | None = None


class Backlog:
    """A queue in memory and on disk; `lost` is told why a scan was dropped, once for each."""

    def __init__(self, spill: Spill, ids: AssetIds, limit: int, lost: Callable[[str], None]) -> None:
        self._spill = spill
        self._ids = ids
        self._wanted = limit
        self._lost = lost
        self._frames: deque[Frame] = deque()
        self._turn = asyncio.Lock()  # of who works on the spill
        self._flying: Frame | None = None  # it may be on its way to the database
        self._damaged = self._saved = 0
        self._landed: int | None = None  # its number, should it have gone to disk meanwhile
        self.limit = limit

    @property
    def in_memory(self) -> int:
        """Scans in memory."""
        return len(self._frames)

    @property
    def on_disk(self) -> int:
        """Scans on disk."""
        return self._spill.count

    @property
    def spill_used(self) -> float:
        """Share of the disk space that they may take."""
        return self._spill.used

    def add(self, frame: Frame) -> None:
        """Take the newest; never waits."""
        size = frame.value.nbytes + frame.status.nbytes + frame.source_time.nbytes
        self.limit = min(self._wanted, max(LEAST, BUFFER_BYTES // size))
        if len(self._frames) >= self.limit + min(SPARE, max(LEAST, SPARE_BYTES // size)):
            self._frames.popleft()
            self._lost("the disk does not keep up")
        self._frames.append(frame)

    async def oldest(self) -> Batch:
        """The oldest scans, of which there must be one; none when they turn out to be unreadable."""
        async with self._turn:
            if self._spill.count:
                return await self._read()
            self._flying, self._landed = self._frames[0], None
            frame = self._flying
        try:
            return Batch([await asyncio.to_thread(scan_of, frame, self._ids)], frame=frame)
        except Exception as error:
            self._lost(f"a scan cannot be written: {error}")
            return Batch([], frame=frame)

    async def forget(self, batch: Batch) -> None:
        """The database has them."""
        async with self._turn:
            number = batch.number
            if batch.frame is not None and batch.frame is self._flying:
                number, self._flying = self._landed, None
            if self._frames and self._frames[0] is batch.frame:
                self._frames.popleft()
            if number is not None:
                self._saved = len(batch.scans)  # should the file turn out to be damaged now
                await self._on_disk(lambda: self._spill.delete(number))
                self._saved = 0

    async def shrink(self, limit: int) -> None:
        """Move the oldest frames to disk until `limit` are left in memory."""
        while len(self._frames) > limit:
            async with self._turn:
                if len(self._frames) > limit:
                    await self._move(self._frames.popleft())

    def close(self) -> None:
        """Close the file."""
        self._spill.close()

    async def _move(self, frame: Frame) -> None:
        try:
            kept = await self._on_disk(lambda: self._keep(frame))
        except Exception as error:
            self._lost(f"a scan cannot be kept on disk: {error}")
            return
        if not kept:
            self._lost("historian.spill_gb is used up")
        elif frame is self._flying:
            self._landed = self._spill.last

    def _keep(self, frame: Frame) -> bool:
        return self._spill.append(pack(scan_of(frame, self._ids)))

    async def _read(self) -> Batch:
        blobs = await self._on_disk(lambda: self._spill.oldest(TOGETHER, TOGETHER_BYTES)) or []
        found = await asyncio.to_thread(lambda: [(number, _unpacked(blob)) for number, blob in blobs])
        if found and found[0][1] is None:
            self._lost("a scan on disk cannot be read")
            await self._on_disk(lambda: self._spill.delete(found[0][0]))
        readable = list(itertools.takewhile(lambda each: each[1] is not None, found))
        scans = [scan for _, scan in readable if scan is not None]
        return Batch(scans, number=readable[-1][0] if readable else None)

    async def _on_disk(self, work: Callable[[], Result]) -> Result | None:
        """What `work` gives; None when the file turned out to be damaged, and what it held is lost."""
        try:
            return await asyncio.to_thread(work)
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:
                raise
            return None
        finally:
            for _ in range(self._spill.damaged - self._damaged - self._saved):
                self._lost("the spill file was damaged")
            self._damaged = self._spill.damaged


def _unpacked(blob: bytes) -> Scan | None:
    try:
        return unpack(blob)
    except Exception:  # whatever a damaged one leads to
        return None
