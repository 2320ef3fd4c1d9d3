"""What has been raised in the last day by the minute, and in the last week by the day: what figures need.

Slots form rings; a slot is emptied when its time comes round again. Columns are as in `counts`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.management.counts import Counts
from server.alarms.state import Flags

MINUTE: Final = 60_000_000
DAY: Final = 86_400_000_000
MINUTES: Final = 1440
DAYS: Final = 7
_NAMES: Final = ("raised", "peak", "flood", "fleeting", "priorities")

Slots = NDArray[np.uint32]


class Record:
    """Slots by minute of alarms raised, highest rate, flood, fleeting; by day, of priorities and rows.

    `since` is when the record began [µs]; 0: not yet.
    """

    def __init__(self, columns: int, size: int, priorities: int) -> None:
        self.raised: Slots = np.zeros((MINUTES, columns), np.uint32)
        self.peak: Slots = np.zeros((MINUTES, columns), np.uint32)
        self.flood: Slots = np.zeros((MINUTES, columns), np.uint32)
        self.fleeting: Slots = np.zeros((MINUTES, columns), np.uint32)
        self.priorities: Slots = np.zeros((DAYS, columns, priorities), np.uint32)
        self.by_row: Slots = np.zeros((DAYS, size), np.uint32)
        self.since = 0
        self._minute = 0
        self._day = 0

    def advance(self, time: int) -> None:
        """Empty the slots that have come round since; a time before the latest changes nothing."""
        minute, day = time // MINUTE, time // DAY
        if not self.since:
            self.since, self._minute, self._day = time, minute, day
        for slot in range(max(self._minute + 1, minute - MINUTES + 1), minute + 1):
            for each in (self.raised, self.peak, self.flood, self.fleeting):
                each[slot % MINUTES] = 0
        for slot in range(max(self._day + 1, day - DAYS + 1), day + 1):
            self.priorities[slot % DAYS] = 0
            self.by_row[slot % DAYS] = 0
        self._minute, self._day = max(minute, self._minute), max(day, self._day)

    def rate(self, rate: Counts, flood: Flags) -> None:
        """Note the rates of a scan, and where it is in a flood."""
        slot = self._minute % MINUTES
        np.maximum(self.peak[slot], rate, out=self.peak[slot], casting="unsafe")
        np.maximum(self.flood[slot], flood, out=self.flood[slot], casting="unsafe")

    def raise_(self, counts: Counts, rows: Index, site: Index, priority: NDArray[np.intp]) -> None:
        """Note alarms: how many at each site; the row, site and priority of each."""
        self.raised[self._minute % MINUTES] += counts.astype(np.uint32)
        slot = self._day % DAYS
        self.by_row[slot, rows] += 1
        split = self.priorities[slot]
        np.add.at(split, (site, priority), 1)
        # Those of the fleet's own conditions stand in its column already.
        split[-1] += np.bincount(priority[site < len(split) - 1], minlength=split.shape[1]).astype(np.uint32)

    def fleet_in(self, counts: Counts) -> None:
        """Note alarms that were over before anybody could look."""
        self.fleeting[self._minute % MINUTES] += counts.astype(np.uint32)

    def oldest_first(self, slots: Slots) -> Slots:
        """A day's slots by minute, from the oldest to the present one."""
        return np.roll(slots, -(self._minute % MINUTES) - 1, axis=0)

    def copy(self) -> Record:
        """Another that goes on from here."""
        return deepcopy(self)

    def save(self) -> dict[str, NDArray[np.generic]]:
        """All but `by_row` as arrays: which row is whose may be another by then."""
        times = np.array([self.since, self._minute, self._day], np.int64)
        return {"record_times": times, **{f"record_{name}": getattr(self, name).copy() for name in _NAMES}}

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> bool:
        """Take up what `save` gave of as many sites; whether it was."""
        found = {name: saved.get(f"record_{name}") for name in _NAMES}
        if any(each is None or each.shape != getattr(self, name).shape for name, each in found.items()):
            return False
        for name, each in found.items():
            setattr(self, name, each)
        self.since, self._minute, self._day = saved["record_times"].tolist()
        return True
