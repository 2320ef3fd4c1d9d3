"""Incidents (A6): what belongs together is one, of a declared cause or else of a flood, at one site.

An incident of a cause opens while the cause is active, and takes in the activations of its members from
`look_back` before until `linger` after it; so a grid that comes and goes is one incident. A flood that no
incident explains is one by itself. An incident closes when cause and members are inactive (ISA-18.2: return
to normal) and the time to linger has passed; that its members may still wait for acknowledgement is told. An
activation belongs to one incident only, the one that opened first. What is suppressed by design belongs, too,
and counts apart.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from config.alarmmanagement import FLOOD, Management
from nodeset.fleet import AssetType
from server.alarms.definition import MICROSECONDS, ConditionIndex
from server.alarms.management.annunciation import Activations, Seen, activated
from server.alarms.management.causes import Cause
from server.alarms.management.counts import Counts
from server.alarms.management.figures import PERIOD
from server.alarms.management.incident import Incident
from server.alarms.state import Flags, Transitions

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST_RECENT: Final = 600  # scans with activations that are remembered


class Step(StrEnum):
    """What an incident has done."""

    OPENED = "opened"
    CHANGED = "changed"
    CLOSED = "closed"


def site_paths(index: ConditionIndex) -> tuple[str, ...]:
    """Paths by the numbers that `ConditionIndex.site_of_row` gives: the sites, then the fleet."""
    return *(site.path for site in index.fleet.sites), index.fleet.assets(AssetType.FLEET)[0].path


@dataclass(frozen=True)
class News:
    """What there is to tell of an incident; it goes on meanwhile."""

    step: Step
    incident: Incident


class Incidents:
    """The incidents of the plant, or of what is simulated."""

    def __init__(
        self, index: ConditionIndex, settings: Management, causes: Sequence[Cause], *, simulated: bool
    ) -> None:
        self.open: list[Incident] = []
        self.closed: deque[Incident] = deque(maxlen=settings.incidents_kept)
        self._index = index
        self._settings = settings
        self._causes = {cause.name: cause for cause in causes}
        self._site = index.site_of_row()
        self._paths = site_paths(index)
        self._simulated = simulated
        # Rows that belong to an incident that is open.
        self._owned: Flags = np.zeros(index.size, np.bool_)
        self._recent: deque[Activations] = deque(maxlen=_MOST_RECENT)
        self._remembered = max([PERIOD, *(cause.look_back for cause in causes)])

    def step(self, seen: Seen, transitions: Iterable[Transitions], flood: Flags, time: int) -> list[News]:
        """Take in a scan: what opened, changed and closed; `flood` is of each site, and of the fleet."""
        new = self._take(transitions, time)
        for incident in self.open:
            new = self._offer(incident, new, time)
        opened = self._of_causes(seen, time)
        self.open += opened
        if new is not None:  # or nothing has come that could open one
            floods = self._of_floods(flood, time)
            self.open += floods
            opened += floods
        news = [News(Step.OPENED, each) for each in opened]
        for incident in self.open:
            incident.look(seen)
            self._follow(incident, seen, flood, time)
        return [*news, *self._changes(time, opened), *self._close(time)]

    def end(self, sites: Sequence[int], time: int) -> list[News]:
        """Close the incidents of some sites, whatever they are."""
        ended = [each for each in self.open if each.site in sites]
        return self._closed(ended, time)

    def open_by_site(self) -> Counts:
        """How many are open at each site; in the last column, all of them."""
        counts = np.zeros(len(self._index.fleet.sites) + 1, np.int64)
        for each in self.open:
            if each.site < len(counts) - 1:
                counts[each.site] += 1
        counts[-1] = len(self.open)
        return counts

    # -- members

    def _take(self, transitions: Iterable[Transitions], time: int) -> Activations | None:
        """What became active in this scan; it is remembered for those that open later."""
        recent = self._recent
        while recent and not time - self._remembered < recent[0].time[0] <= time:
            recent.popleft()
        found = [activated(each) for each in transitions if len(each)]
        parts = [each for each in found if len(each.rows)]
        if not parts:
            return None
        new = Activations.joined(parts)
        recent.append(new)
        return new

    def _offer(self, incident: Incident, new: Activations | None, time: int) -> Activations | None:
        """Let an incident take what belongs to it; what is left for others."""
        if new is None:
            return None
        mine = self._belongs(incident, new)
        if incident.ended and time - incident.ended > self._linger(incident):
            mine &= np.isin(new.rows, incident.rows)  # it is waiting for its members only
        if mine.any():
            self._join(incident, new.where(mine))
        return new.where(~mine)

    def _join(self, incident: Incident, activations: Activations) -> None:
        incident.join(activations)
        self._owned[activations.rows] = True

    def _own(self) -> None:
        for each in self.open:
            self._owned[each.rows] = True

    def _belongs(self, incident: Incident, activations: Activations) -> Flags:
        """Which activations are of conditions that an incident may have."""
        here: Flags = self._site[activations.rows] == incident.site
        cause = self._causes.get(incident.cause)
        if cause is None:  # a flood has all that operators are shown
            others = activations.shown if incident.cause == FLOOD else np.False_
            return here & (others | np.isin(activations.rows, incident.rows))
        return here & cause.members[activations.rows]

    def _linger(self, incident: Incident) -> int:
        cause = self._causes.get(incident.cause)
        return 0 if cause is None else cause.linger

    # -- opening

    def _of_causes(self, seen: Seen, time: int) -> list[Incident]:
        """Those whose causes are active and have none yet."""
        opened = []
        for cause in self._causes.values():
            # One that belongs to another incident is explained, and no cause of its own.
            active = cause.rows[(seen.level[cause.rows] != 0) & ~self._owned[cause.rows]]
            if not len(active):
                continue
            for site in np.unique(self._site[active]).tolist():
                if any(each.site == site and each.cause == cause.name for each in self.open):
                    continue
                here = active[self._site[active] == site]
                first = int(here[seen.active_time[here].argmin()])
                opened.append(self._from_cause(cause, site, first, seen, time))
        return opened

    def _from_cause(self, cause: Cause, site: int, row: int, seen: Seen, time: int) -> Incident:
        """An incident of a cause that has become active in `row`, with what came shortly before it."""
        began = int(seen.active_time[row]) or time
        own = Activations(
            np.array([row], np.intp),
            np.array([began], np.int64),
            seen.severity[[row]],
            ~seen.hidden(np.array([row], np.intp)),
        )
        incident = Incident("", site, cause.name, began, self._simulated)
        found = [own]
        for each in self._recent:
            if each.time[0] >= began - cause.look_back:
                fits = self._belongs(incident, each) & (each.rows != row) & ~self._owned[each.rows]
                found.append(each.where(fits))
        self._join(incident, Activations.joined(found))
        incident.lead(row)
        return self._named(incident)

    def _of_floods(self, flood: Flags, time: int) -> list[Incident]:
        """Those of floods that no other incident explains."""
        known = {each.site for each in self.open if each.cause == FLOOD}
        unexplained = set(np.flatnonzero(flood[:-1]).tolist()) - known
        if not unexplained:
            return []
        recent = Activations.joined([*self._recent])
        recent = recent.where(recent.shown & (recent.time > time - PERIOD))
        free = recent.where(~self._owned[recent.rows])
        opened = []
        for site in sorted(unexplained):
            here = free.where(self._site[free.rows] == site)
            if len(here.rows) <= self._settings.flood.begins_above:
                continue
            incident = Incident("", site, FLOOD, int(here.time[0]), self._simulated)
            self._join(incident, here)
            opened.append(self._named(incident))
        return opened

    def _named(self, incident: Incident) -> Incident:
        """With its first-out known, it has its time and its name: the same, whenever it is found."""
        incident.opened = int(incident.first[0])
        moment = _EPOCH + dt.timedelta(microseconds=incident.opened)
        site = self._paths[incident.site]
        mark = ".simulated" if self._simulated else ""
        incident.id = f"{site}.{incident.cause}.{moment:%Y%m%dT%H%M%S}Z{mark}"
        return incident

    # -- going on

    def _follow(self, incident: Incident, seen: Seen, flood: Flags, time: int) -> None:
        """Note whether its cause goes on."""
        cause = self._causes.get(incident.cause)
        if cause is None:
            goes_on = incident.cause == FLOOD and bool(flood[incident.site])
        else:
            goes_on = bool((seen.level[cause.rows[cause.site == incident.site]] != 0).any())
        if goes_on:
            incident.ended = 0
        elif not incident.ended:
            incident.ended = time

    def _changes(self, time: int, opened: Sequence[Incident]) -> list[News]:
        """Those that have grown, not too often."""
        for each in opened:
            each.told, each.grown = time, False
        pause = round(self._settings.change_interval * MICROSECONDS)
        grown = [each for each in self.open if each.grown and not 0 <= time - each.told < pause]
        for each in grown:
            each.told, each.grown = time, False
        return [News(Step.CHANGED, each) for each in grown]

    def _close(self, time: int) -> list[News]:
        over = [
            each
            for each in self.open
            if each.ended and not each.active and time - each.ended >= self._linger(each)
        ]
        return self._closed(over, time)

    def _closed(self, over: Sequence[Incident], time: int) -> list[News]:
        for each in over:
            self._owned[each.rows] = False
            each.close(time)
            self.closed.append(each)
        self.open = [each for each in self.open if each.is_open]
        self._own()
        return [News(Step.CLOSED, each) for each in over]

    # -- over a restart

    def save(self) -> str:
        """All of them as JSON."""
        texts = [each.save(self._index, self._paths) for each in (*self.closed, *self.open)]
        return f"[{','.join(texts)}]"

    def restore(self, text: str) -> None:
        """Take up what `save` gave. LookupError, TypeError or ValueError: not from `save`."""
        found = [Incident.restored(each, self._index, self._paths) for each in json.loads(text)]
        known = [each for each in found if each is not None]
        self.open = [each for each in known if each.is_open]
        self._own()
        self.closed.extend(each for each in known if not each.is_open)
