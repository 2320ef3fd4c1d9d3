"""What each condition compares with its limits: values, statuses, and where they apply; pure.

A condition that has operating modes does not apply in others, as a float voltage means nothing in a
discharge; what does not apply is inactive at once. Only the window of a rate of change is remembered from
scan to scan. Conditions that follow from others see these as the scan before left them.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Frame, Statuses, Values
from server.alarms.definition import AlarmDef, ConditionIndex, MeasureKind
from server.alarms.measures import is_usable, reader_of, worst
from server.alarms.modegates import gates_of
from server.alarms.windows import Window

Flags = NDArray[np.bool_]
Levels = NDArray[np.int8]
Saved = dict[str, NDArray[np.generic]]

_LOWS: Final = slice(0, 2)
_HIGHS: Final = slice(2, 4)


@dataclass(frozen=True)
class Measured:
    """Inputs of all conditions, each of shape (rows,); where one does not apply its condition is inactive."""

    value: Values
    status: Statuses
    applies: Flags


class Inputs:
    """Inputs of all conditions of a fleet, and the windows of those on a rate of change."""

    def __init__(self, index: ConditionIndex) -> None:
        self._index = index
        # Resistance of each jar as new [mΩ at 25 °C], shared with all forks; another when it is replaced.
        self.baseline = np.array([jar.baseline_resistance for jar in index.fleet.jars])
        self._reads = tuple((span, reader_of(index.fleet, d, self.baseline)) for d, span in index.spans())
        self._changes = _of_kind(index, MeasureKind.CHANGE)
        self._windows = {
            d.name: Window(index.fleet.count(d.asset), d.measure.window) for d, _ in self._changes
        }
        self._unions = tuple((span, _members(index, d)) for d, span in _of_kind(index, MeasureKind.ALL_OF))
        self._gates = tuple(gates_of(index))

    def step(self, frame: Frame, level: Levels) -> Measured:
        """Those of a scan; `level` is what each condition has been since the scan before."""
        n = self._index.size
        value, status = np.empty(n), np.empty(n, np.uint32)
        for span, read in self._reads:
            value[span], status[span] = read(frame)
        for d, span in self._changes:
            value[span] = _change(d, self._windows[d.name], value[span], status[span], frame.time)
        for span, members in self._unions:
            value[span], status[span] = _together(members, level, status)
        applies = np.ones(n, np.bool_)
        for gate in self._gates:
            gate.close(frame, status, applies)
        return Measured(value, status, applies)

    def fork(self) -> Inputs:
        """Inputs of their own that remember the same."""
        other = copy(self)
        other._windows = {name: window.fork() for name, window in self._windows.items()}
        return other

    def adopt(self, other: Inputs, rows: Index) -> None:
        """Take what is remembered of some conditions from other inputs of the fleet."""
        for d, span in self._changes:
            places = rows[(rows >= span.start) & (rows < span.stop)] - span.start
            self._windows[d.name].adopt(other._windows[d.name], places)

    def save(self) -> Saved:
        """What is remembered as arrays, for a file that outlives the process."""
        saved: Saved = {}
        for d, _ in self._changes:
            paths = [asset.path for asset in self._index.fleet.assets(d.asset)]
            saved[f"window.{d.name}.paths"] = np.array(paths, np.str_)
            for name, array in self._windows[d.name].save().items():
                saved[f"window.{d.name}.{name}"] = array
        return saved

    def restore(self, saved: Saved) -> None:
        """Take up what `save` gave. A window of other assets or of another length begins anew."""
        for d, _ in self._changes:
            prefix = f"window.{d.name}."
            parts = {name.removeprefix(prefix): saved[name] for name in saved if name.startswith(prefix)}
            paths = [asset.path for asset in self._index.fleet.assets(d.asset)]
            if parts and parts["paths"].tolist() == paths:
                self._windows[d.name].restore(parts)


def _of_kind(index: ConditionIndex, kind: MeasureKind) -> tuple[tuple[AlarmDef, slice], ...]:
    return tuple((d, span) for d, span in index.spans() if d.measure.kind is kind)


def _change(d: AlarmDef, window: Window, value: Values, status: Statuses, time: int) -> Values:
    """How far values have risen, or fallen where there are low limits; the greater where there are both."""
    usable = is_usable(status) & np.isfinite(value)
    # A value that did not arrive again tells nothing of this moment.
    window.note(value, usable & (status != st.UNCERTAIN_LAST_USABLE_VALUE), time)
    limits = np.isfinite(d.limits)
    if not limits[_LOWS].any():
        return window.rise(value)
    if not limits[_HIGHS].any():
        return window.fall(value)
    rise, fall = window.rise(value), window.fall(value)
    return np.where(rise >= -fall, rise, fall)


def _members(index: ConditionIndex, d: AlarmDef) -> tuple[tuple[slice, int], ...]:
    """Rows of the conditions that have to be active together, and the level that each has to have."""
    spans = {other.name: span for other, span in index.spans()}
    return tuple((spans[name], int(level)) for name, level in d.measure.of)


def _together(
    members: tuple[tuple[slice, int], ...], level: Levels, status: Statuses
) -> tuple[Values, Statuses]:
    """1 where all have reached their level, or passed it."""
    reached = [(level[span] * np.sign(least) >= abs(least)) for span, least in members]
    return np.logical_and.reduce(reached).astype(np.float64), worst(*(status[span] for span, _ in members))
