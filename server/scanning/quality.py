"""Whether a reading can be believed, and what becomes of one that stops arriving (V3, V4); pure.

A fresh reading beyond the limits of its jar model gets a doubted status unless it climbed there step by
step: a value that runs away is the truth and an alarm, one that jumps is a broken sensor. A reading that
is missing keeps its last value as uncertain, and turns bad when it has been missing for too long.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Frame, Readings
from nodeset.index import TagIndex
from server.scanning.siblings import Siblings

# Largest believable change between two scans, by tag: beyond it the sensor jumped.
_STEP: Final = {"Voltage": 2.0, "Temperature": 5.0}


@dataclass(frozen=True)
class Staleness:
    """Scans without a reading until its value is uncertain, and µs until it is bad."""

    scans: int
    lost_after: int


class Quality:
    """Limits and staleness of all measured rows of a fleet."""

    def __init__(self, index: TagIndex, staleness: Staleness) -> None:
        self.siblings = Siblings(index.fleet)
        self._measured = index.measured()
        self._staleness = staleness
        self._missed = np.zeros(index.size, np.int32)
        self._checked = [
            (index.slice(AssetType.JAR, tag), *_limits(index.fleet, tag), step) for tag, step in _STEP.items()
        ]

    def assess(self, last: Frame, frame: Frame, readings: Readings) -> None:
        """Set the statuses of the measured rows of `frame`, which holds `readings` already."""
        self._missed[self._measured] += 1
        self._missed[readings.rows] = 0
        self._age(frame)
        for rows, low, high, step in self._checked:
            self._doubt(last, frame, rows, low, high, step)

    def fork(self) -> Quality:
        """One of its own that remembers the same; limits are shared."""
        other = copy(self)
        other._missed = self._missed.copy()
        return other

    def adopt(self, other: Quality, rows: NDArray[np.bool_]) -> None:
        """Take what is remembered of some rows from another of the fleet."""
        np.copyto(self._missed, other._missed, where=rows)

    def _age(self, frame: Frame) -> None:
        rows = self._measured
        missed = self._missed[rows]
        stale = rows[(missed >= self._staleness.scans) & st.is_good(frame.status[rows])]
        frame.status[stale] = st.UNCERTAIN_LAST_USABLE_VALUE
        silent = rows[missed > 0]
        lost = silent[frame.time - frame.source_time[silent] >= self._staleness.lost_after]
        frame.status[lost] = st.BAD_NO_COMMUNICATION

    def _doubt(
        self,
        last: Frame,
        frame: Frame,
        rows: slice,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        step: float,
    ) -> None:
        value, status = frame.value[rows], frame.status[rows]
        fresh = (self._missed[rows] == 0) & st.is_good(status)
        outside = fresh & ~((value >= low) & (value <= high))  # NaN is outside, too
        # Believed before and near to what it was: it climbed here.
        with np.errstate(invalid="ignore"):  # a device may say infinity
            climbed = ~st.is_bad(last.status[rows]) & (np.abs(value - last.value[rows]) <= step)
        frame.status[rows] = np.where(outside & ~climbed, st.BAD_SENSOR_FAILURE, status)


def _limits(fleet: Fleet, tag: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ranges = [getattr(jar.model.limits, tag.lower()) for jar in fleet.jars]
    return np.array([r.low for r in ranges]), np.array([r.high for r in ranges])
