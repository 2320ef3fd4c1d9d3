"""What is measured of alarms scan by scan: counts, rates, floods, chattering, and a record of all that.

There is one of the plant, and while simulations run one of what they show; the plant's knows nothing of that.
What is found active when a plant is read for the first time stands already: it counts as active, but not as
raised, so that commissioning is no flood.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy

import numpy as np
from numpy.typing import NDArray

from config.alarmmanagement import Management
from nodeset.fleet import Index
from server.alarms.definition import MICROSECONDS
from server.alarms.management import figures
from server.alarms.management.annunciation import Seen, cleared, raised
from server.alarms.management.chattering import Chattering
from server.alarms.management.counts import Counts, by_site, present, priority_of
from server.alarms.management.rates import SlidingCounts, flooded
from server.alarms.management.record import Record
from server.alarms.state import Flags, Times, Transitions
from server.alarms.table import AlarmTable


class Monitor:
    """Columns are sites, then the fleet."""

    def __init__(self, table: AlarmTable, settings: Management) -> None:
        index = table.index
        self.site: Index = index.site_of_row()
        self.sites = len(index.fleet.sites)
        self.rates = SlidingCounts(self.sites + 1, figures.PERIOD)
        self.flood: Flags = np.zeros(self.sites + 1, np.bool_)
        self.chattering = Chattering(index.size, settings.chattering)
        self.record = Record(self.sites + 1, index.size, len(settings.priorities.lowest()))
        self.seen: Seen | None = None  # by the last step
        self.rows: Index = np.empty(0, np.intp)  # of interest then
        self.time = 0
        self._before = 0  # the time of the step before
        self._began: int | None = None  # when the plant was read for the first time
        self._limits = table.limits
        self._settings = settings
        self._index = index

    def fork(self) -> Monitor:
        """Another that goes on from here."""
        other = copy(self)
        other.rates, other.chattering = self.rates.copy(), self.chattering.copy()
        other.record, other.flood = self.record.copy(), self.flood.copy()
        other._began = 0  # long ago: what a simulation raises is none that was found
        return other

    def step(self, seen: Seen, transitions: Iterable[Transitions], time: int) -> dict[str, Counts]:
        """Take in a scan; the tags that it gives, by name."""
        self._before = self.time
        self.seen, self.rows, self.time = seen, seen.of_interest(), time
        if self._began is None:
            self._began = time
        self.record.advance(time)
        self.rates.advance(time)
        for each in transitions:
            if len(each):
                self._take(each, time)
        self.chattering.settle(time)
        self.flood = flooded(self.flood, self.rates.total, self._settings.flood)
        self.record.rate(self.rates.total, self.flood)
        return self._tags()

    def standing(self) -> tuple[Index, Times]:
        """Alarms that stand, the oldest first, and since when."""
        if self.seen is None:
            return np.empty(0, np.intp), np.empty(0, np.int64)
        rows, seen = self.rows, self.seen
        stand = (seen.level[rows] != 0) & ~seen.hidden(rows) & (seen.active_time[rows] <= self._stood_since)
        found = rows[stand]
        order = np.argsort(seen.active_time[found], kind="stable")
        return found[order], seen.active_time[found[order]]

    def chatters(self) -> Index:
        """Alarms that chatter and are not hidden, the most frequent first."""
        rows = self.chattering.rows
        if self.seen is not None:
            rows = rows[~self.seen.hidden(rows)]
        return rows[np.argsort(-self.chattering.count[rows].astype(np.int64), kind="stable")]

    def bad_actors(self, site: int | None = None) -> tuple[Index, Index, float]:
        """Rows that raise most alarms, how many each, and their share of all [%]; of one site or of all."""
        rows = slice(None) if site is None else np.flatnonzero(self.site == site)
        return figures.worst(self.record, rows, self._settings.bad_actors)

    def figures(self, site: int | None = None) -> list[figures.Figure]:
        """The metrics of a site or of the fleet."""
        column = self.sites if site is None else site
        now: dict[str, float] = {"bad_actors": self.bad_actors(site)[2]}
        if self.seen is not None:
            now |= {tag: float(counts[column]) for tag, counts in self._tags().items()}
        else:
            now |= {"ChatteringAlarms": 0.0, "StandingAlarms": 0.0}
        return figures.figures(self.record, column, self._settings, now, self.time)

    def priority_shares(self) -> list[float]:
        """Share of each priority in the fleet's alarms of 7 days [%]; NaN without alarms."""
        return figures.priority_shares(self.record, self.sites)

    def alarms_per_day(self) -> int:
        """The fleet's alarms of the last 24 h."""
        return int(self.record.raised[:, self.sites].sum())

    def peak_rate(self) -> int:
        """The fleet's highest rate of the last 24 h."""
        return int(self.record.peak[:, self.sites].max())

    def flood_share(self) -> float:
        """Share of the last 24 h in which the fleet was in a flood [%]."""
        return figures.flood_share(self.record, self.sites, self.time)

    def save(self) -> dict[str, NDArray[np.generic]]:
        """What outlives the process, as arrays."""
        times, counts = self.rates.save()
        day, row = np.nonzero(self.record.by_row)
        return {
            **self.record.save(),
            "rate_times": times,
            "rate_counts": counts,
            "actor_day": day,
            "actor": np.array([self._index.identifier(i) for i in row.tolist()], np.str_),
            "actor_count": self.record.by_row[day, row],
        }

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> bool:
        """Take up what `save` gave of as many sites; whether it was."""
        if not self.record.restore(saved):
            return False
        rows = [self._index.row_of_id(str(name)) for name in saved["actor"]]
        for day, row, count in zip(saved["actor_day"], rows, saved["actor_count"], strict=True):
            if row is not None:
                self.record.by_row[int(day), row] = count
        self.rates.restore(saved["rate_times"], saved["rate_counts"])
        self._began = 0  # long ago
        return True

    @property
    def _stood_since(self) -> int:
        return self.time - round(self._settings.standing * MICROSECONDS)

    def _take(self, transitions: Transitions, time: int) -> None:
        """Note which alarms were raised, and which were over at once."""
        over = cleared(transitions)
        if len(over):
            shortest = round(self._settings.fleeting * MICROSECONDS)
            fleeting = over[self.chattering.fleeting(over, time, shortest)]
            self.record.fleet_in(by_site(self.site[fleeting], self.sites))
        alarms = raised(transitions.where(np.flatnonzero(~self._found(transitions))))
        rows = alarms.rows
        if len(rows):
            counts = by_site(self.site[rows], self.sites)
            priority = priority_of(alarms.severity, self._settings.priorities.lowest())
            self.rates.add(time, counts)
            self.record.raise_(counts, rows, self.site[rows], priority)
            self.chattering.raise_(rows, time)

    def _found(self, transitions: Transitions) -> Flags:
        """Which activations were due since their input was first read: they were there before."""
        first_read = transitions.state.quality_time
        delay = self._limits.on_delay[transitions.rows, 0]
        since_start = first_read - (self._began or 0)
        found: Flags = (
            (self._before - first_read < delay)
            & (delay <= self.time - first_read)
            & (since_start >= 0)
            & (since_start <= figures.PERIOD)
        )
        return found

    def _tags(self) -> dict[str, Counts]:
        assert self.seen is not None
        lowest = self._settings.priorities.lowest()
        counts = present(self.seen, self.rows, self.site, self.sites, lowest, self._stood_since)
        return counts | {
            "ChatteringAlarms": by_site(self.site[self.chatters()], self.sites),
            "AlarmRate": self.rates.total,
            "AlarmFlood": self.flood.astype(np.int64),
        }
