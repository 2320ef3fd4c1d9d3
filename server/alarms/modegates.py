"""The operating modes in which conditions apply; pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.twin import TAIL_CURRENT
from nodeset import status as st
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Frame, Statuses
from nodeset.tags import Mode
from server.alarms.definition import ConditionIndex
from server.alarms.measures import worst

Flags = NDArray[np.bool_]

SYSTEM, STRING, JAR = AssetType.SYSTEM, AssetType.STRING, AssetType.JAR


class Gate:
    """The operating modes of some conditions.

    On float is a string whose system floats and that carries next to no current: one string may be in test.
    """

    def __init__(self, fleet: Fleet, modes: tuple[Mode, ...]) -> None:
        self._modes = np.array(modes, np.float64)
        self._fleet = fleet
        capacity = np.array([string.model.capacity for string in fleet.strings])
        self._tail = np.where(modes == (Mode.FLOAT,), TAIL_CURRENT * capacity, np.inf)
        self._rows: list[tuple[slice, AssetType]] = []

    def add(self, span: slice, asset: AssetType) -> None:
        """A definition with these modes."""
        self._rows.append((span, asset))

    def close(self, frame: Frame, status: Statuses, applies: Flags) -> None:
        """Set where its conditions do not apply; where the mode is not known, nobody knows."""
        fleet = self._fleet
        mode_status = frame.column_status(SYSTEM, "OperatingMode")
        systems = np.isin(frame.column(SYSTEM, "OperatingMode"), self._modes)
        known = ~st.is_bad(frame.column_status(STRING, "Current"))
        busy = known & (np.abs(frame.column(STRING, "Current")) > self._tail)
        strings = systems[fleet.system_of_string] & ~busy
        for span, asset in self._rows:
            of_mode, of_span = mode_status, systems
            if asset is STRING:
                of_mode, of_span = mode_status[fleet.system_of_string], strings
            elif asset is JAR:
                of_mode, of_span = mode_status[fleet.system_of_jar], strings[fleet.string_of_jar]
            status[span] = worst(status[span], of_mode)
            applies[span] = of_span


def gates_of(index: ConditionIndex) -> list[Gate]:
    """One for each set of modes."""
    gates: dict[tuple[Mode, ...], Gate] = {}
    for d, span in index.spans():
        if d.modes:
            gates.setdefault(d.modes, Gate(index.fleet, d.modes)).add(span, d.asset)
    return list(gates.values())
