"""Whether a reading can be believed, and what becomes of one that stops arriving (V3, V4); pure.

What the parts find becomes the StatusCode of each measured row and the state of each jar's sensors;
docs/quality.md has the table of them.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.frame import Frame, Readings
from nodeset.index import TagIndex
from nodeset.tags import SensorState
from server.scanning.arrivals import Arrivals, Staleness
from server.scanning.coldness import Coldness
from server.scanning.loops import Loops
from server.scanning.physics import MEASUREMENTS, PLAUSIBLE_SCANS, Measurements
from server.scanning.plausibility import Plausibility
from server.scanning.runaway import put_excess
from server.scanning.sensorstate import put_state
from server.scanning.siblings import Siblings
from server.scanning.stuck import Stillness

__all__ = ["Quality", "Staleness"]

JAR, SITE = AssetType.JAR, AssetType.SITE
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Quality:
    """Arrival and plausibility of all measured rows of a fleet."""

    def __init__(self, index: TagIndex, staleness: Staleness) -> None:
        self._jars = jars = len(index.fleet.jars)
        self._siblings = Siblings(index.fleet)
        self._measurements = Measurements.of(index)
        self._arrivals = Arrivals(index, staleness)
        self._loops = Loops(index)
        self._plausibility = Plausibility(self._measurements, self._siblings, jars)
        self._stillness = Stillness(self._siblings, jars)
        self._coldness = Coldness(jars)
        self._of_jars = _span(self._measurements.rows[: len(MEASUREMENTS) * jars])
        self._begun = False

    def assess(self, last: Frame, frame: Frame, readings: Readings) -> None:
        """Set the statuses of the measured rows of `frame`, which holds `readings` already, and the jars'
        SensorState and TemperatureExcess."""
        if not self._begun:
            self._plausibility.resume(last)
            self._begun = True
        with np.errstate(invalid="ignore", over="ignore"):  # a device may say infinity
            fresh = self._arrivals.note(last, frame, readings)
            self._loops.step(frame, fresh)
            self._plausibility.judge(frame, fresh, self._loops)
            median = self._median(frame)
            self._find_stuck(frame, fresh, median)
            cold = self._find_cold(frame, fresh, median)
        self._put_state(frame, cold)
        put_excess(frame, median, self._siblings.string)

    def fork(self) -> Quality:
        """One of its own that remembers the same; limits are shared."""
        other = copy(self)
        other._arrivals, other._loops = self._arrivals.fork(), self._loops.fork()
        other._plausibility = self._plausibility.fork()
        other._stillness, other._coldness = self._stillness.fork(), self._coldness.fork()
        return other

    def adopt(self, other: Quality, rows: Flags) -> None:
        """Take what is remembered of some rows, of all, from another of the fleet."""
        mine = rows[self._measurements.rows]
        of_jars = mine[: len(MEASUREMENTS) * self._jars]
        self._arrivals.adopt(other._arrivals, rows)
        self._loops.adopt(other._loops, rows)
        self._plausibility.memory.adopt(other._plausibility.memory, mine)
        self._stillness.adopt(other._stillness, of_jars)
        self._coldness.adopt(other._coldness, of_jars[self._jars : 2 * self._jars])

    def _median(self, frame: Frame) -> Floats:
        """Median temperature of each string, of the jars whose temperature is believed."""
        good = st.is_good(frame.column_status(JAR, "Temperature"))
        return self._siblings.median(np.where(good, frame.column(JAR, "Temperature"), np.nan))

    def _find_stuck(self, frame: Frame, fresh: Flags, median: Floats) -> None:
        rows = self._of_jars
        value = frame.value[rows]
        good = fresh[rows] & st.is_good(frame.status[rows])
        volts = slice(0, self._jars)
        mean = self._siblings.mean(value[volts], good[volts])
        nothing = np.full(self._jars, np.nan)
        common = np.concatenate((mean[self._siblings.string], median[self._siblings.string], nothing))
        stuck = np.flatnonzero(self._stillness.step(value, good, common, frame.time))
        if stuck.size:
            self._plausibility.memory.suspect(stuck, value[stuck], frame.time, SensorState.STUCK)
            frame.status[self._measurements.rows[stuck]] = st.UNCERTAIN_SENSOR_NOT_ACCURATE

    def _find_cold(self, frame: Frame, fresh: Flags, median: Floats) -> Flags:
        """Jars that read too cold; their temperature is doubted."""
        status = frame.column_status(JAR, "Temperature")
        good = st.is_good(status) & frame.index.column(fresh, JAR, "Temperature")
        known = st.is_good(frame.column_status(SITE, "AmbientTemperature"))
        room = np.where(known, frame.column(SITE, "AmbientTemperature"), np.nan)
        normal = np.minimum(median, room[frame.index.fleet.site_of_string])[self._siblings.string]
        cold = self._coldness.step(frame.column(JAR, "Temperature"), good, normal, frame.time)
        status[cold] = st.UNCERTAIN_SENSOR_NOT_ACCURATE
        return cold

    def _put_state(self, frame: Frame, cold: Flags) -> None:
        memory = self._plausibility.memory
        of_jars = slice(0, len(MEASUREMENTS) * self._jars)
        verdict = memory.verdict[of_jars].reshape(len(MEASUREMENTS), -1).max(axis=0)
        verdict[cold] = np.maximum(verdict[cold], SensorState.SUSPECT)
        refused = memory.refused[of_jars] >= PLAUSIBLE_SCANS
        verdict[refused.reshape(len(MEASUREMENTS), -1).any(axis=0)] = SensorState.FAILED
        put_state(frame, verdict)


def _span(rows: Index) -> Index | slice:
    """Rows that follow each other as a slice: a view is quicker than a copy."""
    return slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] == len(rows) - 1 else rows
