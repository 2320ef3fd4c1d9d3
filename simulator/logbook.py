"""The plant's log book: what has happened since somebody last looked; the oldest is forgotten in the end."""

from __future__ import annotations

from collections import deque

import numpy as np

from nodeset.fleet import Fleet
from simulator.effects import Flags
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.tenure import Ending, Tenure

_REMEMBERED = 10_000

Kinds = tuple[OccurrenceKind, OccurrenceKind]
OUTAGES: Kinds = (OccurrenceKind.OUTAGE_ENDED, OccurrenceKind.OUTAGE_BEGAN)
HVAC: Kinds = (OccurrenceKind.HVAC_REPAIRED, OccurrenceKind.HVAC_FAILED)
_ENDINGS = {
    Ending.WORN: "worn out, less than 80 % of its capacity",
    Ending.OPEN: "open cell",
    Ending.SHORTED: "shorted cell",
}


class LogBook:
    """Occurrences of a fleet, oldest first."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._entries: deque[Occurrence] = deque(maxlen=_REMEMBERED)

    def taken(self) -> tuple[Occurrence, ...]:
        """All entries, which are forgotten."""
        entries = tuple(self._entries)
        self._entries.clear()
        return entries

    def sites(self, time: int, kinds: Kinds, before: Flags, after: Flags) -> None:
        """Note what came and went at sites; `kinds` are those of its end and of its beginning."""
        for site in np.flatnonzero(before != after).tolist():
            self._entries.append(Occurrence(time, kinds[int(after[site])], self._fleet.sites[site].path))

    def jars(self, since: int, now: int, before: Tenure, after: Tenure) -> None:
        """Note the jars that failed after `since` and until `now` [µs], and those replaced by then."""
        for jar in np.flatnonzero((before.fails > since) & (before.fails <= now)).tolist():
            self._note_failure(before, jar)
        for jar in np.flatnonzero(after.generation != before.generation).tolist():
            path, number = self._fleet.jars[jar].path, int(after.generation[jar])
            detail = f"jar number {number + 1} of its place"
            self._entries.append(Occurrence(int(after.since[jar]), OccurrenceKind.JAR_REPLACED, path, detail))

    def _note_failure(self, tenure: Tenure, jar: int) -> None:
        detail = _ENDINGS[Ending(int(tenure.ending[jar]))]
        path = self._fleet.jars[jar].path
        self._entries.append(Occurrence(int(tenure.fails[jar]), OccurrenceKind.JAR_FAILED, path, detail))
