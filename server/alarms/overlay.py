"""Conditions while simulations run: those that a simulation touches are shown as a fork of the alarm table
has them, all others as the plant's own table has them.

The plant's table goes on undisturbed, and nothing of the fork outlives the overlay: whatever a client did to
a simulated condition ends with it. A condition that is no longer touched is told again where a client could
not know how it is: first the simulated one as inactive, then the plant's own.
"""

from __future__ import annotations

import numpy as np

from nodeset.fleet import Index
from nodeset.frame import Frame
from server.alarms.state import Flags, Transitions
from server.alarms.table import AlarmTable

Told = tuple[AlarmTable, Transitions]


class Overlay:
    """The plant's table, a fork of it made now, and the rows of the fork that are shown."""

    def __init__(self, plant: AlarmTable) -> None:
        self.plant = plant
        self.simulated = plant.fork()
        self.shown: Flags = np.zeros(plant.index.size, np.bool_)
        self._last = plant.state.event.copy()  # what the plant's condition had told when the fork's was shown

    def show(self, rows: Flags, time: int) -> tuple[Told, Told]:
        """Show the fork in these rows only; what is to be told of those that it was shown in before."""
        _, leaves = self._change(rows)
        return self._release(leaves, time)

    def show_apart(self, rows: Flags, time: int) -> tuple[Transitions, Transitions]:
        """The same of a fork that is shown in a place of its own, beside the plant's table.

        Conditions that end, and those that are of interest at once: nobody has been told of them there.
        """
        enters, leaves = self._change(rows)
        state = self.simulated.state
        is_open = self.simulated.told_simulated(leaves) & state.retain[leaves]
        closed = self.simulated.close(leaves[is_open], self.plant, time)
        return closed, self.simulated.tell_again(enters[state.retain[enters]], time)

    def _change(self, rows: Flags) -> tuple[Index, Index]:
        """Show the fork in these rows only: those where it was not shown before, and where it is no more."""
        enters, leaves = np.flatnonzero(rows & ~self.shown), np.flatnonzero(self.shown & ~rows)
        self.simulated.adopt(self.plant, enters)
        self._last[enters] = self.plant.state.event[enters]
        self.shown = rows.copy()
        return enters, leaves

    def _release(self, rows: Index, time: int) -> tuple[Told, Told]:
        simulated, plant = self.simulated.state, self.plant.state
        told = self.simulated.told_simulated(rows)
        is_open = told & simulated.retain[rows]
        news = plant.event[rows] != self._last[rows]
        differs = plant.retain[rows] | (plant.enabled[rows] != simulated.enabled[rows])
        closed = self.simulated.close(rows[is_open], self.plant, time)
        again = self.plant.tell_again(rows[news | told & differs], time)
        return (self.simulated, closed), (self.plant, again)

    def step(self, frame: Frame) -> Transitions:
        """Evaluate a simulated scan; what changed of what is shown."""
        transitions = self.simulated.step(frame)
        return transitions.where(np.flatnonzero(self.shown[transitions.rows]))

    def of_plant(self, transitions: Transitions) -> Transitions:
        """Those of the plant's own transitions that are shown."""
        return transitions.where(np.flatnonzero(~self.shown[transitions.rows]))

    def table(self, row: int) -> AlarmTable:
        """The table that a condition is shown from, and acted on in."""
        return self.simulated if self.shown[row] else self.plant

    def retained(self) -> Index:
        """Rows of all conditions that are of interest to a client."""
        return np.flatnonzero(np.where(self.shown, self.simulated.state.retain, self.plant.state.retain))

    def split(self, rows: Index) -> tuple[tuple[AlarmTable, Index], ...]:
        """Some rows by the table that they are shown from."""
        shown = self.shown[rows]
        return (self.plant, rows[~shown]), (self.simulated, rows[shown])
