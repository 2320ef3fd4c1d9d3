"""The plant's log book: what has happened since somebody last looked; the oldest is forgotten in the end."""

from __future__ import annotations

from collections import deque

import numpy as np

from nodeset.fleet import Fleet
from simulator.effects import Flags
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.tenure import Ending, Tenure, Tenures

_REMEMBERED = 10_000

Kinds = tuple[OccurrenceKind, OccurrenceKind]
OUTAGES: Kinds = (OccurrenceKind.OUTAGE_ENDED, OccurrenceKind.OUTAGE_BEGAN)
HVAC: Kinds = (OccurrenceKind.HVAC_REPAIRED, OccurrenceKind.HVAC_FAILED)
_ENDINGS = {
    Ending.WORN: "worn out, less than 80 % of its capacity",
    Ending.OPEN: "open cell",
    Ending.SHORTED: "shorted cell",
}


def history_of_jars(fleet: Fleet, tenures: Tenures, time: int) -> list[Occurrence]:
    """Every failure and replacement of a jar since the first were installed until `time` [µs], in order."""
    book = LogBook(fleet, None)
    tenure = tenures.first()
    fresh = np.ones(len(fleet.jars), np.bool_)
    while fresh.any():
        for jar in np.flatnonzero(fresh & (tenure.fails <= time)).tolist():
            book.failed(tenure, jar)
        fresh = tenure.replaced <= time
        tenure = tenures.next(tenure, fresh)
        for jar in np.flatnonzero(fresh).tolist():
            book.replaced(tenure, jar)
    return sorted(book.taken(), key=lambda each: each.time)


class LogBook:
    """Occurrences of a fleet, oldest first; `most` are remembered, None: all."""

    def __init__(self, fleet: Fleet, most: int | None = _REMEMBERED) -> None:
        self._fleet = fleet
        self._entries: deque[Occurrence] = deque(maxlen=most)

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
            self.failed(before, jar)
        for jar in np.flatnonzero(after.generation != before.generation).tolist():
            self.replaced(after, jar)

    def replaced(self, tenure: Tenure, jar: int) -> None:
        """Note that a jar has taken its place."""
        path, number = self._fleet.jars[jar].path, int(tenure.generation[jar])
        detail = f"jar number {number + 1} of its place"
        self._entries.append(Occurrence(int(tenure.since[jar]), OccurrenceKind.JAR_REPLACED, path, detail))

    def failed(self, tenure: Tenure, jar: int) -> None:
        """Note that a jar fails."""
        detail = _ENDINGS[Ending(int(tenure.ending[jar]))]
        path = self._fleet.jars[jar].path
        self._entries.append(Occurrence(int(tenure.fails[jar]), OccurrenceKind.JAR_FAILED, path, detail))
