"""Which conditions operators are shown as alarms, and which transitions raise one (ISA-18.2, 3.1 and 5.4).

A condition that is suppressed, shelved or out of service is hidden. An alarm is raised when a condition that
is not hidden becomes active, or is active and unacknowledged when it ceases to be hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.state import AlarmState, Change, Flags, Times, Transitions
from server.alarms.table import AlarmTable

_ACTIVATED, _CLEARED = int(Change.ACTIVATED), int(Change.CLEARED | Change.DISABLED)
_UNHIDDEN: Final = int(Change.UNSUPPRESSED | Change.UNSHELVED | Change.PLACED_IN_SERVICE)


@dataclass(frozen=True)
class Seen:
    """What decides about all conditions what operators see; their branches may be unacknowledged, too."""

    level: NDArray[np.int8]
    acked: Flags
    unacknowledged: Flags
    severity: NDArray[np.uint16]
    active_time: Times
    suppressed: NDArray[np.uint8]
    shelved: NDArray[np.int8]
    out_of_service: Flags

    @classmethod
    def of(cls, table: AlarmTable) -> Self:
        """A view of a table's state."""
        columns = {name: getattr(table.state, name) for name in cls.__dataclass_fields__}
        return cls(**columns | {"unacknowledged": table.unacknowledged})

    @classmethod
    def laid_over(cls, plant: AlarmTable, simulated: AlarmTable, shown: Flags) -> Self:
        """The plant's, and in rows that are `shown` the simulated."""
        one, other = cls.of(plant), cls.of(simulated)
        names = cls.__dataclass_fields__
        return cls(**{n: np.where(shown, getattr(other, n), getattr(one, n)) for n in names})

    def of_interest(self) -> Index:
        """Rows that count for anything: active, unacknowledged, shelved or out of service."""
        return np.flatnonzero(
            (self.level != 0) | self.unacknowledged | (self.shelved != 0) | self.out_of_service
        )

    def hidden(self, rows: Index) -> Flags:
        """Which of some rows operators are not shown."""
        hidden: Flags = (self.suppressed[rows] != 0) | (self.shelved[rows] != 0) | self.out_of_service[rows]
        return hidden


@dataclass(frozen=True)
class Activations:
    """Conditions that became active: row, time [µs], severity, and whether operators were shown it."""

    rows: Index
    time: Times
    severity: NDArray[np.uint16]
    shown: Flags

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All of them, in their order."""
        names = cls.__dataclass_fields__
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})

    def where(self, some: Flags | Index) -> Activations:
        """Some of them."""
        return Activations(self.rows[some], self.time[some], self.severity[some], self.shown[some])


def hidden(state: AlarmState) -> Flags:
    """Which conditions operators are not shown."""
    hides: Flags = (state.suppressed != 0) | (state.shelved != 0) | state.out_of_service
    return hides


def activated(transitions: Transitions) -> Activations:
    """The conditions that became active, hidden or not; not their branches, which are of the past."""
    became = (transitions.change & _ACTIVATED != 0) & (transitions.state.branch == 0)
    return _activations(transitions, became)


def raised(transitions: Transitions) -> Activations:
    """Those that raise an alarm for operators."""
    change, state = transitions.change, transitions.state
    unhidden = (change & _UNHIDDEN != 0) & (state.level != 0) & ~state.acked
    shown = ((change & _ACTIVATED != 0) | unhidden) & ~hidden(state) & (state.branch == 0)
    return _activations(transitions, shown)


def cleared(transitions: Transitions) -> Index:
    """Rows of the conditions that became inactive."""
    became = (transitions.change & _CLEARED != 0) & (transitions.state.branch == 0)
    rows: Index = transitions.rows[became]
    return rows


def _activations(transitions: Transitions, some: Flags) -> Activations:
    rows = transitions.rows[some]
    time = np.full(len(rows), transitions.time, np.int64)
    return Activations(rows, time, transitions.state.severity[some], ~hidden(transitions.state)[some])
