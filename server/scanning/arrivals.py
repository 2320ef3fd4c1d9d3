"""Which readings have arrived, and what becomes of those that stop to (V3); pure.

A reading that is missing keeps its last value, uncertain after some scans and bad after some time. One whose
device repeats its timestamp has stopped, too: what it says is old, however often it says it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Frame, Readings
from nodeset.index import TagIndex

Flags = NDArray[np.bool_]

# µs for which a device may repeat its timestamp: monitors measure their jars one after the other.
STANDING: Final = 90_000_000


@dataclass(frozen=True)
class Staleness:
    """Scans without a reading until its value is uncertain, and µs until it is bad.

    `standing` [µs] is for how long a device may repeat its timestamp.
    """

    scans: int
    lost_after: int
    standing: int = STANDING


class Arrivals:
    """What is remembered of the measured rows: scans missed, and when each was heard of last [µs]."""

    def __init__(self, index: TagIndex, staleness: Staleness) -> None:
        self._measured = index.measured()
        self._staleness = staleness
        self._missed = np.zeros(index.size, np.int32)
        self._heard = np.full(index.size, -1, np.int64)  # before the first scan

    def note(self, last: Frame, frame: Frame, readings: Readings) -> Flags:
        """Age what did not arrive in `frame`, which holds `readings` already; the rows that did, of all."""
        if self._heard[0] < 0:
            self._heard[:] = last.source_time
        arrived = self._arrived(last, frame, readings)
        self._missed[self._measured] += 1
        self._missed[arrived] = 0
        self._age(frame)
        fresh = np.zeros(len(self._missed), np.bool_)
        fresh[arrived] = True
        return fresh

    def fork(self) -> Arrivals:
        """One of its own that remembers the same."""
        other = copy(self)
        other._missed, other._heard = self._missed.copy(), self._heard.copy()
        return other

    def adopt(self, other: Arrivals, rows: Flags) -> None:
        """Take what is remembered of some rows, of all, from another of the fleet."""
        np.copyto(self._missed, other._missed, where=rows)
        np.copyto(self._heard, other._heard, where=rows)

    def _arrived(self, last: Frame, frame: Frame, readings: Readings) -> Index:
        """Rows of the readings but for those whose timestamp has stood for too long."""
        rows = readings.rows
        advanced = readings.time != last.source_time[rows]  # a clock that was set back goes on, too
        if not advanced.all():
            late = ~advanced & (frame.time - self._heard[rows] >= self._staleness.standing)
            self._heard[rows[advanced]] = frame.time
            arrived: Index = rows[~late]
            return arrived
        self._heard[rows] = frame.time
        return rows

    def _age(self, frame: Frame) -> None:
        rows = self._measured
        missed = self._missed[rows]
        silent = rows[missed > 0]
        if not silent.size:
            return
        stale = rows[(missed >= self._staleness.scans) & st.is_good(frame.status[rows])]
        frame.status[stale] = st.UNCERTAIN_LAST_USABLE_VALUE
        lost = silent[frame.time - self._heard[silent] >= self._staleness.lost_after]
        frame.status[lost] = st.BAD_NO_COMMUNICATION
