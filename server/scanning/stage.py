"""Where what is simulated is shown: on a simulated plant at the plant's own nodes, marked.

A stage takes the shadow's frames, lets conditions see them, and says what the live table shows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nodeset.frame import Frame
from server.alarms.conditions import Conditions
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


class Backstage:
    """Real devices: what is simulated never shows at their nodes."""

    def touch(self, touched: Flags) -> None:
        """Nobody sees it."""

    def show(self, plant: Frame, simulated: Frame, touched: Flags) -> Frame:
        """The plant's own."""
        return plant

    def commit(self, frame: Frame) -> None:
        """It is there already."""
