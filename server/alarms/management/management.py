"""Alarm management as a whole: how the plant's alarms do, and beside it those of simulations.

Nothing of a simulation counts for the plant: it has a monitor of its own, which begins as the plant's is, and
incidents of its own, which end with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from config import alarmmanagement as config
from nodeset.fleet import Index
from nodeset.frame import Frame
from server.alarms.management.annunciation import Seen
from server.alarms.management.causes import causes_of
from server.alarms.management.counts import Counts, put
from server.alarms.management.incident import Incident
from server.alarms.management.incidents import Incidents, News, Step, site_paths
from server.alarms.management.monitor import Monitor
from server.alarms.management.report import Member, Report, report
from server.alarms.overlay import Overlay
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable

Sink = Callable[[Step, Report], None]


class Management:
    """Watches a table of alarms; `settings` and `incidents` are those of the alarm file.

    Each of `sinks` is told what incidents do, before their members' own events.
    """

    def __init__(
        self,
        table: AlarmTable,
        settings: config.Management | None = None,
        incidents: Mapping[str, config.Incident] | None = None,
    ) -> None:
        self.settings = settings or config.Management()
        self.index = table.index
        self.sites = site_paths(table.index)
        self.sinks: list[Sink] = []
        self.changed = 0  # rises with each change of the plant's incidents
        self.place = ""  # what stands before the paths of what is simulated
        self.plant = Monitor(table, self.settings)
        self._table = table
        self._causes = causes_of(table.index, incidents or {})
        self.incidents = Incidents(table.index, self.settings, self._causes, simulated=False)
        self._simulation: _Simulation | None = None
        self._past: list[Incident] = []  # of simulations

    # -- with each scan

    def step(self, frame: Frame, transitions: Transitions) -> None:
        """Take in what a scan of the plant changed, and tell in the frame how its alarms do."""
        seen = Seen.of(self._table)
        tags = self.plant.step(seen, (transitions,), frame.time)
        news = self.incidents.step(seen, (transitions,), self.plant.flood, frame.time)
        put(frame, tags | {"OpenIncidents": self.incidents.open_by_site()})
        if news or (len(transitions) and self.incidents.open):
            self.changed += 1
        self._tell(news, frame.time, seen)
        if self._simulation is not None:
            self._simulation.news.append(transitions)

    def simulate(self, frame: Frame, overlay: Overlay, transitions: Transitions) -> None:
        """The same of a simulated scan; `transitions` are those that are shown."""
        simulation = self._simulation
        assert simulation is not None
        simulation.overlay = overlay
        seen = Seen.laid_over(self._table, overlay.simulated, overlay.shown)
        others = [overlay.of_plant(each) for each in simulation.news]
        simulation.news = []
        tags = simulation.monitor.step(seen, (*others, transitions), frame.time)
        news = simulation.incidents.step(seen, (transitions,), simulation.monitor.flood, frame.time)
        counts: Counts = self.incidents.open_by_site() + simulation.incidents.open_by_site()
        put(frame, tags | {"OpenIncidents": counts})
        self._tell(news, frame.time, seen)

    def begin_simulation(self) -> None:
        """From now on something is simulated."""
        if self._simulation is None:
            incidents = Incidents(self.index, self.settings, self._causes, simulated=True)
            self._simulation = _Simulation(self.plant.fork(), incidents)

    def keep_simulated(self, overlay: Overlay, time: int) -> None:
        """Simulations go on where the overlay shows them: incidents elsewhere end."""
        if self._simulation is not None:
            still = np.unique(self.plant.site[overlay.shown])
            over = np.setdiff1d(np.arange(len(self.sites)), still).tolist()
            self._tell(self._simulation.incidents.end(over, time), time, None)

    def end_simulation(self, time: int) -> None:
        """No simulation runs any more: its incidents are closed, all else is forgotten."""
        simulation, self._simulation = self._simulation, None
        if simulation is not None:
            self._tell(simulation.incidents.end(range(len(self.sites)), time), time, None)
            self._past = [*self._past, *simulation.incidents.closed][-self.settings.incidents_kept :]

    # -- for clients

    def reports(self) -> list[Report]:
        """All incidents, the latest first."""
        found = [self._report(each, self.plant.time, seen) for each, seen in self._all()]
        return sorted(found, key=lambda each: each.opened, reverse=True)

    def find(self, identifier: str) -> Incident | None:
        """An incident by its id."""
        return next((each for each, _ in self._all() if each.id == identifier), None)

    def members(self, incident: Incident) -> list[Member]:
        """The conditions of an incident, in the order in which they became active."""
        seen = next((seen for each, seen in self._all() if each is incident), None)
        rows = incident.rows
        if seen is None:
            active, acked = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
        else:
            active, acked = seen.level[rows] != 0, seen.acked[rows]
        columns = (incident.first, incident.last, incident.count, incident.severity, active, acked)
        names = [self.identifier(row, incident.simulated) for row in rows.tolist()]
        lists = [column.tolist() for column in (*columns, ~incident.shown)]
        return [Member(*each) for each in zip(names, *lists, strict=True)]

    def of_condition(self, identifier: str) -> Report | None:
        """The open incident of the plant that a condition belongs to."""
        row = self.index.row_of_id(identifier)
        found = (each for each in self.incidents.open if row is not None and row in each.rows)
        incident = next(found, None)
        return None if incident is None else self._report(incident, self.plant.time, Seen.of(self._table))

    def identifiers(self, rows: Index) -> list[str]:
        """Texts of the NodeIds of some conditions."""
        return [self.index.identifier(row) for row in rows.tolist()]

    def identifier(self, row: int, simulated: bool) -> str:
        """The same of one condition, in the place where it is shown."""
        return (self.place if simulated else "") + self.index.identifier(row)

    # -- telling

    def _all(self) -> Iterable[tuple[Incident, Seen | None]]:
        """Each incident, and what there is to see of its conditions."""
        now = Seen.of(self._table)
        for each in (*self.incidents.open, *self.incidents.closed):
            yield each, now
        if self._simulation is not None:
            seen = self._simulation.seen(self._table)
            for each in (*self._simulation.incidents.open, *self._simulation.incidents.closed):
                yield each, seen
        for each in self._past:
            yield each, None

    def _report(self, incident: Incident, time: int, seen: Seen | None) -> Report:
        place = self.place if incident.simulated else ""
        first_out = self.identifier(int(incident.rows[0]), incident.simulated)
        return report(incident, time, place + self.sites[incident.site], first_out, seen)

    def _tell(self, news: Iterable[News], time: int, seen: Seen | None) -> None:
        for each in news:
            told = self._report(each.incident, time, seen)
            for sink in self.sinks:
                sink(each.step, told)


class _Simulation:
    """What is measured while simulations run; `news` of the plant wait to be seen by it."""

    def __init__(self, monitor: Monitor, incidents: Incidents) -> None:
        self.monitor = monitor
        self.incidents = incidents
        self.news: list[Transitions] = []
        self.overlay: Overlay | None = None  # once something has been simulated

    def seen(self, plant: AlarmTable) -> Seen | None:
        """What there is to see now."""
        overlay = self.overlay
        return None if overlay is None else Seen.laid_over(plant, overlay.simulated, overlay.shown)
