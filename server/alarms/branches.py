"""Branches (Part 9, 5.5.2 and B.1.3): earlier activations that an operator has still to deal with.

When a condition that waits for acknowledgement or confirmation becomes active again, what it was goes on as
a branch, and the condition itself starts anew. A branch is a row of `AlarmState` that only an operator
changes; it ends when it is acknowledged and, where asked for, confirmed. Few conditions have any, so they
are kept apart, the oldest first.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final

import numpy as np

from nodeset.fleet import Index
from server.alarms.state import AlarmState, first_state

# Of a condition; after that an activation goes on in the condition itself, and the oldest are kept.
MOST_BRANCHES: Final = 4
# An operator shelves and suppresses a condition with all its branches.
_SHARED: Final = tuple(
    f.name
    for f in fields(AlarmState)
    if f.name.startswith(("shelved", "suppressed", "service", "out_of_service", "lifted"))
)


class Branches:
    """The branches of all conditions: `rows` says whose each row of `state` is."""

    def __init__(self) -> None:
        self.rows: Index = np.empty(0, np.intp)
        self.state: AlarmState = first_state(np.empty(0, np.uint16), 0)

    def __len__(self) -> int:
        return len(self.rows)

    def copy(self) -> Branches:
        """All of them, for somebody else to change."""
        other = Branches()
        other.rows, other.state = self.rows, self.state.copy()
        return other

    def add(self, rows: Index, state: AlarmState) -> None:
        """Begin branches of conditions; `state` is copied."""
        self.rows = np.concatenate((self.rows, rows))
        self.state = self.state.followed_by(state)

    def remove(self, places: Index) -> None:
        """End those at these places."""
        kept = np.delete(np.arange(len(self)), places)
        self.rows, self.state = self.rows[kept], self.state.take(kept)

    def replace(self, rows: Index, other: Branches) -> None:
        """Take those of some conditions from another table of the fleet."""
        if len(self):
            self.remove(self.of(rows))
        if len(other):
            places = other.of(rows)
            self.add(other.rows[places], other.state.take(places))

    def of(self, rows: Index) -> Index:
        """Places of all branches of some conditions."""
        return np.flatnonzero(np.isin(self.rows, rows))

    def of_row(self, row: int) -> list[int]:
        """Places of a condition's branches."""
        found: list[int] = np.flatnonzero(self.rows == row).tolist()
        return found

    def of_event(self, row: int, number: int) -> int | None:
        """Place of the branch that a condition's own event of before belongs to; None: of none."""
        state = self.state
        told_then = (self.rows == row) & (state.ack_from <= number) & (number < state.branch)
        places = np.flatnonzero(told_then)
        return int(places[0]) if len(places) else None

    def replay(self, rows: Index, state: AlarmState) -> None:
        """Take up branches in the order of telling: the last of each counts, and may have ended."""
        rows, state = np.concatenate((self.rows, rows)), self.state.followed_by(state)
        order = np.lexsort((np.arange(len(rows)), rows, state.branch))
        number, of = state.branch[order], rows[order]
        is_last = np.ones(len(order), np.bool_)
        is_last[:-1] = (number[1:] != number[:-1]) | (of[1:] != of[:-1])
        kept = order[is_last]
        kept = kept[state.retain[kept]]
        self.rows, self.state = rows[kept], state.take(kept)

    def follow(self, state: AlarmState, places: Index) -> None:
        """Let some take over what an operator did to the conditions themselves, whose state this is."""
        rows = self.rows[places]
        for name in _SHARED:
            getattr(self.state, name)[places] = getattr(state, name)[rows]
