"""The loop of each string: its current, and whether its jars' voltages add up to the bus (Kirchhoff); pure.

A jar's voltage steps with the current, by its resistance. Whatever a jar does, the others and the charger
make up for it: where the jars still add up to the bus the jump is the jar's, where not it is the sensor's.
"""

from __future__ import annotations

from copy import copy
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.index import TagIndex
from server.scanning.physics import HOLE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

JAR, STRING, SYSTEM = AssetType.JAR, AssetType.STRING, AssetType.SYSTEM
# Of the baseline: a jar far past its end, its ohmic value doubled and slow polarisation on top of it.
WORST_RESISTANCE: Final = 10.0
OPEN_SHARE: Final = 0.25  # of a jump, by which jars and bus may come to differ, and the jump be the jar's
_MICROSECONDS: Final = 1e6


class Loops:
    """What is remembered of every string: current [A], its last great step [A] and when [µs], and bus less
    jars [V]. `opened` [V] is how far bus and jars parted in this scan, NaN where that is not known."""

    def __init__(self, index: TagIndex) -> None:
        fleet = index.fleet
        strings = len(fleet.strings)
        self._worst = WORST_RESISTANCE / 1000.0 * np.array([jar.baseline_resistance for jar in fleet.jars])
        self._current_rows = np.arange(index.size)[index.slice(STRING, "Current")]
        self._current = np.full(strings, np.nan)
        self._swing = np.zeros(strings)
        self._swung = np.zeros(strings, np.int64)
        self._rest = np.full(strings, np.nan)
        self.opened = np.full(strings, np.nan)

    def step(self, frame: Frame, fresh: Flags) -> None:
        """Take up a scan; `fresh` are the rows, of all, that arrived in it."""
        self._step_current(frame, fresh)
        self._step_rest(frame, fresh)

    def drop(self, string: NDArray[np.intp]) -> Floats:
        """Voltage [V] by which the jars, of these strings, can have changed with the current."""
        change: Floats = self._swing[string] * self._worst
        return change

    def fork(self) -> Loops:
        """One of its own that remembers the same."""
        other = copy(self)
        for name in ("_current", "_swing", "_swung", "_rest", "opened"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def adopt(self, other: Loops, rows: Flags) -> None:
        """Take what is remembered of strings whose current is among some rows, of all."""
        strings = rows[self._current_rows]
        for name in ("_current", "_swing", "_swung", "_rest", "opened"):
            np.copyto(getattr(self, name), getattr(other, name), where=strings)

    def _step_current(self, frame: Frame, fresh: Flags) -> None:
        rows = self._current_rows
        known = fresh[rows] & st.is_good(frame.status[rows])
        current = np.where(known, frame.value[rows], self._current)
        change = np.nan_to_num(np.abs(current - self._current))
        old = frame.time - self._swung > HOLE * _MICROSECONDS
        greater = old | (change >= self._swing)
        self._swing = np.where(greater, change, self._swing)
        self._swung = np.where(greater, frame.time, self._swung)
        self._current = current

    def _step_rest(self, frame: Frame, fresh: Flags) -> None:
        index = frame.index
        first, system = index.fleet.first_jar_of_string, index.fleet.system_of_string
        jars = _usable(frame, fresh, JAR, "Voltage")
        bus = _usable(frame, fresh, SYSTEM, "BusVoltage")
        known = np.logical_and.reduceat(jars, first) & bus[system]
        total = np.add.reduceat(np.where(jars, frame.column(JAR, "Voltage"), 0.0), first)
        rest = np.where(known, frame.column(SYSTEM, "BusVoltage")[system] - total, np.nan)
        self.opened = np.abs(rest - self._rest)
        self._rest = np.where(known, rest, self._rest)


def _usable(frame: Frame, fresh: Flags, asset: AssetType, name: str) -> Flags:
    value = frame.column(asset, name)
    here = frame.index.column(fresh, asset, name)
    return here & st.is_good(frame.column_status(asset, name)) & np.isfinite(value)
