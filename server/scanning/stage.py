"""Where what is simulated is shown: on a simulated plant at the plant's own nodes, marked; beside real
devices in the mirror (S6).

A stage takes the shadow's frames, lets conditions see them, and says what the live table shows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nodeset.frame import Frame
from server.alarms.conditions import Conditions
from server.alarms.mirror import ConditionMirror
from server.livetable import LiveTable
from server.scanning.keeping import Keeping
from server.scanning.shadowing import marked, restore
from server.services.subscription import SubscriptionService

Flags = NDArray[np.bool_]


class Stage(Protocol):
    """Shows what is simulated."""

    def touch(self, touched: Flags) -> None:
        """From now on these rows are simulated, and only those."""

    def show(self, plant: Frame, simulated: Frame, touched: Flags) -> Frame:
        """Take a simulated frame, which is not frozen; what the live table is to show."""

    def commit(self, frame: Frame) -> None:
        """Show a frame beside the scan."""


class LiveStage:
    """Simulated values and alarms instead of the plant's, which nobody sees meanwhile."""

    def __init__(
        self,
        conditions: Conditions,
        table: LiveTable,
        subscriptions: SubscriptionService,
        keeping: Keeping,
    ) -> None:
        self._keeping = keeping
        self._conditions = conditions
        self._table = table
        self._subscriptions = subscriptions

    def touch(self, touched: Flags) -> None:
        """Tell again what is no longer simulated, and forget it."""
        self._keeping.touch(touched)
        self._conditions.touch(touched, self._table.index)

    def show(self, plant: Frame, simulated: Frame, touched: Flags) -> Frame:
        """The simulated frame with its alarms."""
        self._conditions.simulate(simulated)
        # Alarms have been counted everywhere, and without a mark.
        restore(simulated, plant, ~touched)
        simulated.status[:] = marked(simulated.status, touched)
        simulated.value[:] = self._table.quantised(simulated.value)
        self._keeping.take(simulated.freeze())
        return simulated

    def commit(self, frame: Frame) -> None:
        """Let subscribers have it, too."""
        self._table.commit(frame)
        self._subscriptions.on_commit()


class MirrorStage:
    """Real devices: what is simulated shows in the mirror, and the plant's nodes know nothing of it."""

    def __init__(
        self,
        conditions: ConditionMirror,
        table: LiveTable,
        subscriptions: SubscriptionService,
        keeping: Keeping,
    ) -> None:
        self._conditions = conditions
        self._table = table
        self._subscriptions = subscriptions
        self._keeping = keeping
        self._last: Frame | None = None

    def touch(self, touched: Flags) -> None:
        """Empty the mirror of what is no longer simulated, and forget it."""
        self._keeping.touch(touched)
        if self._last is not None:
            self._table.mirror(self._last, touched)
        self._conditions.touch(touched, self._table.index)

    def show(self, plant: Frame, simulated: Frame, touched: Flags) -> Frame:
        """The plant's own; the simulated frame with its alarms goes to the mirror."""
        self._conditions.simulate(simulated)
        simulated.status[:] = marked(simulated.status, touched)
        simulated.value[:] = self._table.quantised(simulated.value)
        self._last = simulated.freeze()
        self._table.mirror(simulated, touched)
        self._keeping.take(simulated)
        return plant

    def commit(self, frame: Frame) -> None:
        """Let subscribers have the mirror; the plant's frame is there already."""
        self._subscriptions.on_commit()
