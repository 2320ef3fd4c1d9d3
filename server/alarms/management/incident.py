"""One incident: the conditions of one cause at one site, from the first that became active to the last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.definition import ConditionIndex
from server.alarms.management.annunciation import Activations, Seen
from server.alarms.state import Flags, Times

KEPT_MEMBERS: Final = 200  # of an incident that is closed; the first to become active


@dataclass(slots=True)
class Incident:
    """Members in the order in which they became active; times in µs since 1970, 0 is never or not yet.

    `ended` is when its cause was over. Of a closed incident only the first `KEPT_MEMBERS` are kept, `size`
    and `hidden` are of all.
    """

    id: str
    site: int
    cause: str
    opened: int
    simulated: bool
    rows: Index = field(default_factory=lambda: np.empty(0, np.intp))
    first: Times = field(default_factory=lambda: np.empty(0, np.int64))
    last: Times = field(default_factory=lambda: np.empty(0, np.int64))
    count: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    severity: NDArray[np.uint16] = field(default_factory=lambda: np.empty(0, np.uint16))
    shown: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    size: int = 0
    unseen: int = 0
    active: int = 0
    peak: int = 0
    worst: int = 0
    ended: int = 0
    closed: int = 0
    told: int = 0
    grown: bool = False  # since it was last told
    text: str = ""  # what is saved of it, once it changes no more

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed == 0

    def join(self, new: Activations) -> None:
        """Take in activations: of new members, and of those that are there already."""
        order = np.argsort(new.rows, kind="stable")  # of a condition's activations, the oldest first
        rows, begin = np.unique(new.rows[order], return_index=True)
        end = np.append(begin[1:], len(order)) - 1
        first, last = new.time[order][begin], new.time[order][end]
        counts = end - begin + 1
        severity = np.maximum.reduceat(new.severity[order], begin)
        shown = np.logical_or.reduceat(new.shown[order], begin)
        _, mine, theirs = np.intersect1d(self.rows, rows, assume_unique=True, return_indices=True)
        self.last[mine] = last[theirs]
        self.count[mine] += counts[theirs]
        self.severity[mine] = np.maximum(self.severity[mine], severity[theirs])
        self.shown[mine] |= shown[theirs]
        others = np.ones(len(rows), np.bool_)
        others[theirs] = False
        fresh = np.flatnonzero(others)
        # In the order of their coming; those of one scan in that of the table.
        fresh = fresh[np.argsort(first[fresh], kind="stable")]
        self.rows = np.concatenate([self.rows, rows[fresh]])
        self.first = np.concatenate([self.first, first[fresh]])
        self.last = np.concatenate([self.last, last[fresh]])
        self.count = np.concatenate([self.count, counts[fresh]])
        self.severity = np.concatenate([self.severity, severity[fresh]])
        self.shown = np.concatenate([self.shown, shown[fresh]])
        self.grown = self.grown or len(fresh) > 0
        self._sum_up()

    def lead(self, row: int) -> None:
        """Put a member before those that became active in the same scan: it explains them."""
        (at,) = np.flatnonzero(self.rows == row)
        place = int(np.searchsorted(self.first, self.first[at]))
        order = np.arange(len(self.rows))
        order[place : at + 1] = np.roll(order[place : at + 1], 1)
        for name in ("rows", "first", "last", "count", "severity", "shown"):
            setattr(self, name, getattr(self, name)[order])

    def look(self, seen: Seen) -> None:
        """See how its members are."""
        self.active = int(np.count_nonzero(seen.level[self.rows]))
        self.peak = max(self.peak, self.active)

    def unacknowledged(self, seen: Seen) -> int:
        """How many of its members wait for operators; not those that have become active again since."""
        waits = ~seen.acked[self.rows]
        if self.closed:
            waits &= seen.active_time[self.rows] <= self.closed
        return int(np.count_nonzero(waits))

    def close(self, time: int) -> None:
        """All is normal again."""
        self.closed, self.active = time, 0
        for name in ("rows", "first", "last", "count", "severity", "shown"):
            setattr(self, name, getattr(self, name)[:KEPT_MEMBERS].copy())

    def _sum_up(self) -> None:
        self.size = len(self.rows)
        self.unseen = int(np.count_nonzero(~self.shown))
        self.worst = max(self.worst, int(self.severity.max(initial=0)))

    # -- over a restart

    def save(self, index: ConditionIndex, sites: Sequence[str]) -> str:
        """All of it as JSON, with its site and members by their identifiers."""
        if self.text:
            return self.text
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        members = [index.identifier(row) for row in self.rows.tolist()]
        text = json.dumps({"site": sites[self.site], "members": members, **numbers, **columns})
        self.text = text if self.closed else ""
        return text

    @classmethod
    def restored(cls, saved: dict[str, Any], index: ConditionIndex, sites: Sequence[str]) -> Self | None:
        """What `save` gave; None where its site or all of its members are no more."""
        site = sites.index(saved["site"]) if saved["site"] in sites else None
        found = [index.row_of_id(name) for name in saved["members"]]
        kept = [i for i, row in enumerate(found) if row is not None]
        if site is None or not kept:
            return None
        columns: dict[str, Any] = {n: np.array(saved[n], kind)[kept] for n, kind in _COLUMNS.items()}
        rows = np.array([found[i] for i in kept], np.intp)
        return cls(site=site, rows=rows, **{name: saved[name] for name in _NUMBERS}, **columns)


_NUMBERS: Final = (
    "id",
    "cause",
    "opened",
    "simulated",
    "size",
    "unseen",
    "active",
    "peak",
    "worst",
    "ended",
    "closed",
    "told",
    "grown",
)
_COLUMNS: Final = {
    "first": np.int64,
    "last": np.int64,
    "count": np.int64,
    "severity": np.uint16,
    "shown": np.bool_,
}
