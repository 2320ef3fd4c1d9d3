"""The scan: one short list of calls that turns readings into values, alarms, notifications and history."""

from __future__ import annotations

import asyncio
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from drivers.source import Source
from historian.historian import Historian
from nodeset.frame import Frame, Readings, first_frame
from nodeset.index import TagIndex
from server.alarms.conditions import Conditions
from server.livetable import LiveTable
from server.scanning import storing
from server.scanning.evaluation import Evaluation
from server.services.subscription import SubscriptionService

log = structlog.get_logger(__name__)

MICROSECONDS: Final = 1_000_000
# What clients see of a scan: its frame, or what simulations make of it.
Show = Callable[[Frame, Readings], Frame]


@dataclass
class ScanStats:
    """How the scan does; durations in seconds."""

    scans: int = 0
    overruns: int = 0
    failures: int = 0
    read_s: float = 0.0
    work_s: float = 0.0
    last: float = 0.0  # monotonic


class Scan:
    """Scans a source every `period` [s]."""

    def __init__(
        self,
        index: TagIndex,
        source: Source,
        show: Show,
        evaluation: Evaluation,
        conditions: Conditions,
        table: LiveTable,
        subscriptions: SubscriptionService,
        historian: Historian,
        period: float,
        now: Callable[[], int],
    ) -> None:
        self._source = source
        self._show = show
        self._evaluation = evaluation
        self._conditions = conditions
        self._table = table
        self._subscriptions = subscriptions
        self._historian = historian
        self._period = period
        self._now = now
        self.frame = first_frame(index, now()).freeze()
        self.stats = ScanStats()

    def resume(self, readings: Readings) -> None:
        """Start from values that were known before."""
        frame = self.frame.next(self.frame.time)
        frame.take(readings)
        self.frame = frame.freeze()

    async def run(self) -> None:
        """Scan until cancelled; a period that was missed is skipped."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            try:
                await self.once()
            except Exception:  # a scan that fails must not be the last one
                self.stats.failures += 1
                log.exception("scan failed", scan=self.frame.number)
            due += self._period
            wait = due - loop.time()
            if wait < 0:
                self.stats.overruns += 1
                due = loop.time()
            await asyncio.sleep(max(wait, 0))

    async def once(self) -> Frame:
        """One scan."""
        time = self._now()
        began = clock.perf_counter()
        readings = await self._source.read(time)
        self.stats.read_s = clock.perf_counter() - began
        began = clock.perf_counter()
        frame = self._evaluate(readings, time)
        self._table.commit(self._show(frame, readings))
        self._subscriptions.on_commit()
        self._historian.offer(frame)
        self.frame = frame
        self.stats.work_s = clock.perf_counter() - began
        self.stats.scans += 1
        self.stats.last = clock.monotonic()
        return frame

    def _evaluate(self, readings: Readings, time: int) -> Frame:
        """The frame of this scan; every stage sees the same values."""
        frame = self._evaluation.step(self.frame, readings, time)
        storing.tell(frame, self._historian.stats)
        self._conditions.step(frame)
        frame.value[:] = self._table.quantised(frame.value)
        return frame.freeze()
