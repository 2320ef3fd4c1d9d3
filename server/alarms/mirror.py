"""Conditions of what is simulated beside real devices, at `Shadow/<path>#<Name>` (S6).

They are a fork of the plant's alarm table, shown where a simulation touches a condition's input. The plant's
own conditions know nothing of them. What no simulation touches has no condition there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nodeset.fleet import Index
from nodeset.frame import Frame
from nodeset.index import MIRROR, TagIndex
from server.alarms.management.management import Management
from server.alarms.overlay import Overlay
from server.alarms.state import Flags, Transitions
from server.alarms.table import AlarmTable

# Tells transitions of a table, with what stands before the paths of their sources.
Tell = Callable[[AlarmTable, Transitions, str], None]


class ConditionMirror:
    """The mirror's conditions; rows are those of the plant's."""

    def __init__(
        self, plant: AlarmTable, tell: Tell, clock: Callable[[], int], management: Management
    ) -> None:
        self._plant = plant
        self._tell = tell
        self._clock = clock
        self._management = management
        self._overlay: Overlay | None = None  # while simulations run

    def touch(self, touched: Flags, index: TagIndex) -> None:
        """From now on there are conditions of these live variables, and of no others."""
        rows = self._plant.index.of_inputs(touched, index)
        overlay = self._overlay or Overlay(self._plant)
        self._management.begin_simulation()
        for transitions in overlay.show_apart(rows, self._clock()):
            self._tell(overlay.simulated, transitions, MIRROR)
        self._overlay = overlay if touched.any() else None
        if self._overlay is None:
            self._management.end_simulation(self._clock())
        else:
            self._management.keep_simulated(self._overlay, self._clock())

    def simulate(self, frame: Frame) -> None:
        """Evaluate a simulated scan, tell what changed, and count alarms into the frame."""
        assert self._overlay is not None
        transitions = self._overlay.step(frame)
        self._management.simulate(frame, self._overlay, transitions)
        self._tell(self._overlay.simulated, transitions, MIRROR)

    def configured(self, rows: Index, user: str) -> None:
        """Limits of some conditions were set, which simulated ones share."""
        overlay = self._overlay
        if overlay is not None:
            shown = rows[overlay.shown[rows]]
            self._tell(overlay.simulated, overlay.simulated.configured(shown, user, self._clock()), MIRROR)

    def table(self, row: int) -> AlarmTable | None:
        """The table of a condition; None where there is none."""
        overlay = self._overlay
        return overlay.simulated if overlay is not None and overlay.shown[row] else None

    def retained(self) -> tuple[AlarmTable, Index]:
        """Rows of all conditions that are of interest to a client, and their table."""
        overlay = self._overlay
        if overlay is None:
            return self._plant, np.empty(0, np.intp)
        return overlay.simulated, np.flatnonzero(overlay.shown & overlay.simulated.state.retain)
