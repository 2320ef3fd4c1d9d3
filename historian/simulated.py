"""Simulated readings on their way to the database, and out of it again when their scenario ends.

They take a short queue and a connection of their own: the plant's scans do not wait for them. They are worth
nothing once the scenario has ended, so they never go to disk, the oldest go when the database does not keep
up, and while it is away only the newest waits; what goes is no loss of the plant's data and not counted as
such.

`purge` is done before anything else that waits, and again after an outage until it has worked. From the
moment it is called nothing older is shown (`shown_since`) or written.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray

from historian.assets import AssetIds
from historian.rows import scan_of
from historian.simulatedtables import Assets, SimulatedTables, no_assets
from historian.span import LAST
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Times
from nodeset.index import TagIndex

WAITING: Final = 10  # scans
WRITE_TIMEOUT: Final = 2.0  # s for one scan; a purge may wait for it, and has 5 s (S5)
PURGE_TIMEOUT: Final = 60.0
CLOSE_TIMEOUT: Final = 5.0
RETRY: Final = (0.2, 0.5, 1.0, 2.0)  # s between attempts, the last one for good
SIZE_PERIOD: Final = 30.0  # s between looks at the size

_AWAY = (psycopg.Error, OSError)  # TimeoutError is an OSError

_log = structlog.get_logger("historian")


@dataclass(frozen=True)
class SimulatedStats:
    """How simulated readings do; counts are since the start, `purging` says that rows have still to go."""

    healthy: bool = True
    purging: bool = False
    rows_written: int = 0
    scans_waiting: int = 0
    scans_dropped: int = 0
    last_error: str = ""


class Simulated:
    """Takes frames of simulated readings, and forgets them on demand."""

    def __init__(self, index: TagIndex, ids: AssetIds, tables: SimulatedTables, max_bytes: float) -> None:
        self._index = index
        self._ids = ids
        self._tables = tables
        self._max_bytes = max_bytes
        self._look_at = 0.0
        self._full = False
        self._since: dict[AssetType, Times] = {
            asset: np.full(len(some), LAST, np.int64) for asset, some in no_assets(index.fleet).items()
        }
        self._purge = no_assets(index.fleet)
        self._purging = False
        self._waiting: deque[tuple[Frame, Assets]] = deque(maxlen=WAITING)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing = False
        self._failures = 0
        self._retry_at = 0.0
        self._rows = self._dropped = 0
        self._error = ""
        self._task = asyncio.create_task(self._run(), name="historian of simulated readings")

    def offer(self, frame: Frame, touched: NDArray[np.bool_]) -> None:
        """Take the rows of all assets that have a touched row; `touched` is over the rows of the index."""
        chosen = self._assets(touched)
        for asset, some in chosen.items():
            since = self._since[asset]
            np.copyto(since, frame.time, where=some & (since == LAST))
        if self._failures:
            self._drop_all()
        elif len(self._waiting) == WAITING:
            self._dropped += 1
        self._waiting.append((frame, chosen))
        self._wake.set()

    def purge(self, touched: NDArray[np.bool_]) -> None:
        """Forget what is simulated of all assets that have a touched row; returns at once."""
        for asset, some in self._assets(touched).items():
            self._since[asset][some] = LAST
            self._purge[asset] |= some
        self._purging = True
        self._idle.clear()
        self._wake.set()

    async def purged(self) -> None:
        """Until nothing is left that has to go."""
        while self._purging:
            await self._idle.wait()

    def shown_since(self, asset: AssetType, i: int) -> int | None:
        """Time [µs] of the oldest simulated row of an asset that may be shown, None where there is none."""
        since = int(self._since[asset][i])
        return None if since == LAST else since

    @property
    def stats(self) -> SimulatedStats:
        """A snapshot."""
        return SimulatedStats(
            healthy=self._failures == 0,
            purging=self._purging,
            rows_written=self._rows,
            scans_waiting=len(self._waiting),
            scans_dropped=self._dropped,
            last_error=self._error,
        )

    async def close(self) -> None:
        """Remove all that is simulated, if the database is there; if not, the next start does."""
        self._closing = True
        self._wake.set()
        await self._task
        with contextlib.suppress(*_AWAY):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._tables.clear()
        await self._tables.close()

    def _assets(self, touched: NDArray[np.bool_]) -> Assets:
        chosen = no_assets(self._index.fleet)
        for tag in self._index.tags:
            chosen[tag.asset] |= self._index.column(touched, tag.asset, tag.name)
        return chosen

    async def _run(self) -> None:
        while not self._closing:
            await self._pause()
            if time.monotonic() >= self._retry_at:
                await self._work()

    async def _pause(self) -> None:
        """Until there is something to do, we are closed, or it is time to try the database again."""
        busy = self._purging or self._waiting or self._tables.to_free
        timeout = max(0.0, self._retry_at - time.monotonic()) if busy else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        self._wake.clear()

    async def _work(self) -> None:
        """Purge, then write, until nothing waits or something fails."""
        while (self._purging or self._waiting or self._tables.to_free) and not self._closing:
            try:
                async with asyncio.timeout(
                    PURGE_TIMEOUT if self._purging or not self._waiting else WRITE_TIMEOUT
                ):
                    await self._next()
            except _AWAY as error:
                await self._lost(error)
                return
            self._failures, self._retry_at = 0, 0.0

    async def _next(self) -> None:
        if self._purging:
            await self._remove()
        elif self._waiting:
            await self._write_first()
        else:
            await self._tables.free()

    async def _remove(self) -> None:
        asked, self._purge = self._purge, no_assets(self._index.fleet)
        try:
            await self._tables.remove(asked)
        except BaseException:
            for asset, some in asked.items():
                self._purge[asset] |= some
            raise
        self._look_at = 0.0
        self._purging = any(some.any() for some in self._purge.values())
        if not self._purging:
            self._idle.set()

    async def _write_first(self) -> None:
        frame, chosen = self._waiting.popleft()
        chosen = {asset: some & (self._since[asset] <= frame.time) for asset, some in chosen.items()}
        if not any(some.any() for some in chosen.values()):
            return
        if await self._no_room():
            self._dropped += 1
            return
        scan = await asyncio.to_thread(scan_of, frame, self._ids)
        self._rows += await self._tables.write(scan, chosen)

    async def _no_room(self) -> bool:
        """Whether simulated rows take all that they may; seen a little late."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + SIZE_PERIOD
            full = await self._tables.size() > self._max_bytes
            if full and not self._full:
                _log.warning("simulated readings are no longer kept: historian.simulated_gb is used up")
            self._full = full
        return self._full

    async def _lost(self, error: BaseException) -> None:
        self._error = str(error).strip() or type(error).__name__
        if self._failures == 0:
            _log.warning("simulated readings cannot be written or removed for now", reason=self._error)
        self._drop_all()
        self._retry_at = time.monotonic() + RETRY[min(self._failures, len(RETRY) - 1)]
        self._failures += 1
        await self._tables.close()

    def _drop_all(self) -> None:
        self._dropped += len(self._waiting)
        self._waiting.clear()
