"""Alarm management as a whole: how the plant's alarms do, and beside it those of simulations.

Nothing of a simulation counts for the plant: it has a monitor of its own, which begins as the plant's is.
"""

from __future__ import annotations

from config import alarmmanagement as config
from nodeset.frame import Frame
from server.alarms.management.annunciation import Seen
from server.alarms.management.counts import put
from server.alarms.management.monitor import Monitor
from server.alarms.overlay import Overlay
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable


class Management:
    """Watches a table of alarms; `settings` are those of the alarm file."""

    def __init__(self, table: AlarmTable, settings: config.Management | None = None) -> None:
        self.settings = settings or config.Management()
        self.index = table.index
        self.plant = Monitor(table.index, self.settings)
        self._table = table
        self._simulated: Monitor | None = None
        self._news: list[Transitions] = []  # of the plant, which a simulation has still to see

    def step(self, frame: Frame, transitions: Transitions) -> None:
        """Take in what a scan of the plant changed, and tell in the frame how its alarms do."""
        put(frame, self.plant.step(Seen.of(self._table.state), (transitions,), frame.time))
        if self._simulated is not None:
            self._news.append(transitions)

    def simulate(self, frame: Frame, overlay: Overlay, transitions: Transitions) -> None:
        """The same of a simulated scan; `transitions` are those that are shown."""
        assert self._simulated is not None
        seen = Seen.laid_over(self._table.state, overlay.simulated.state, overlay.shown)
        others = [overlay.of_plant(each) for each in self._news]
        self._news = []
        put(frame, self._simulated.step(seen, (*others, transitions), frame.time))

    def begin_simulation(self) -> None:
        """From now on something is simulated."""
        self._simulated = self._simulated or self.plant.fork()

    def end_simulation(self) -> None:
        """No simulation runs any more: all of it is forgotten."""
        self._simulated = None
        self._news = []
