"""How many alarms were raised in the last minutes, by site, and whether that is a flood (ISA-18.2, 16.5)."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from config.alarmmanagement import Flood
from server.alarms.management.counts import Counts
from server.alarms.state import Flags


class SlidingCounts:
    """Sums over the `period` [µs] before the latest time, one a column; the past is kept by scan."""

    def __init__(self, columns: int, period: int) -> None:
        self.total: Counts = np.zeros(columns, np.int64)
        self._period = period
        self._scans: deque[tuple[int, Counts]] = deque()

    def advance(self, time: int) -> None:
        """Forget what is older than the period at `time`."""
        scans = self._scans
        # What a clock that was set back has left in the future would never grow old.
        while scans and scans[-1][0] > time:
            self.total = self.total - scans.pop()[1]
        while scans and scans[0][0] <= time - self._period:
            self.total = self.total - scans.popleft()[1]

    def add(self, time: int, counts: Counts) -> None:
        """Count what came at `time`, the latest so far."""
        self._scans.append((time, counts))
        self.total = self.total + counts

    def copy(self) -> SlidingCounts:
        """Another that goes on from here."""
        other = SlidingCounts(len(self.total), self._period)
        other.total = self.total.copy()
        other._scans = self._scans.copy()
        return other

    def save(self) -> tuple[Counts, Counts]:
        """Times, and the counts at each."""
        times = np.array([time for time, _ in self._scans], np.int64)
        return times, np.array([counts for _, counts in self._scans], np.int64).reshape(-1, len(self.total))

    def restore(self, times: NDArray[np.generic], counts: NDArray[np.generic]) -> None:
        """Take up what `save` gave."""
        for time, each in zip(times.tolist(), counts, strict=True):
            self.add(int(time), each.astype(np.int64))


def flooded(before: Flags, rate: Counts, limits: Flood) -> Flags:
    """Where a flood begins or goes on: above one rate it begins, below the other it ends."""
    flood: Flags = np.where(before, rate >= limits.ends_below, rate > limits.begins_above)
    return flood
