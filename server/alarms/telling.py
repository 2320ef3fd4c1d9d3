"""Transitions of conditions and branches: their events numbered, and the state that each tells taken out.

A branch is told before its condition, as it was there before. A branch that nobody has to deal with any more
ends when that is told; where its condition was retained for it alone, that is told, too (Part 9, B.1.3).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.branches import Branches
from server.alarms.eventids import EventIds
from server.alarms.state import AlarmState, Change, Transitions, nothing

# What is done to a condition and all its branches at once.
_HIDING: Final = np.uint32(
    Change.SHELVED
    | Change.UNSHELVED
    | Change.SUPPRESSED
    | Change.UNSUPPRESSED
    | Change.REMOVED_FROM_SERVICE
    | Change.PLACED_IN_SERVICE
)
_BY_USER: Final = np.uint32(Change.BY_USER)


class Telling:
    """Tells of the conditions of a table, whose state, branches and EventIds these are."""

    def __init__(self, state: AlarmState, branches: Branches, ids: EventIds) -> None:
        self._state = state
        self._branches = branches
        self._ids = ids

    def one(self, row: int, change: Change, time: int) -> Transitions:
        """What happened to a condition."""
        return self.emit(np.array([row], np.intp), np.array([change], np.uint32), time)

    def emit(self, rows: Index, change: NDArray[np.uint32], time: int) -> Transitions:
        """What happened to some conditions; `rows` rise where any is hidden or shown again."""
        if not len(rows):
            return nothing(time)
        before = self._hidden_with(rows, change, time) if len(self._branches) else nothing(time)
        state = self._state
        state.event[rows] = self._ids.take(len(rows))
        state.time[rows] = time
        return before.followed_by(Transitions(time, rows, change, state.take(rows)))

    def again(self, rows: Index, time: int) -> Transitions:
        """What some conditions and their branches are, as news."""
        places = self._branches.of(rows)
        before = self._emit_branches(places, np.zeros(len(places), np.uint32), time)
        return before.followed_by(self.emit(rows, np.zeros(len(rows), np.uint32), time))

    def branch(self, place: int, change: Change, time: int) -> Transitions:
        """What happened to a branch, which may have ended with it."""
        branches, state = self._branches, self._state
        row, places = int(branches.rows[place]), np.array([place], np.intp)
        told = self._emit_branches(places, np.array([change], np.uint32), time)
        if told.state.retain[0]:
            return told
        branches.remove(places)
        state.branches[row] -= 1
        return told if state.retain[row] else told.followed_by(self.one(row, Change.BRANCHED, time))

    def end_branches(self, rows: Index, change: Change, time: int) -> Transitions:
        """End all branches of some conditions, whatever they wait for."""
        places, of = self._branches.of(rows), self._branches.state
        of.acked[places] = of.confirmed[places] = True
        of.enabled[places] = change is not Change.DISABLED
        told = self._emit_branches(places, np.full(len(places), change, np.uint32), time)
        self._branches.remove(places)
        self._state.branches[rows] = 0
        return told

    def _hidden_with(self, rows: Index, change: NDArray[np.uint32], time: int) -> Transitions:
        """What hides conditions, of their branches."""
        hides = (change & _HIDING) != 0
        rows, change = rows[hides], change[hides] & (_HIDING | _BY_USER)
        places = self._branches.of(rows)
        order = np.searchsorted(rows, self._branches.rows[places])
        return self._emit_branches(places, change[order], time)

    def _emit_branches(self, places: Index, change: NDArray[np.uint32], time: int) -> Transitions:
        if not len(places):
            return nothing(time)
        branches = self._branches
        branches.follow(self._state, places)
        branches.state.event[places] = self._ids.take(len(places))
        branches.state.time[places] = time
        return Transitions(time, branches.rows[places], change, branches.state.take(places))
