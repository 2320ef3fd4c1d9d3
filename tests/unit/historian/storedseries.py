"""A series whose values are an array: what reading is tested on without a database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import psycopg
from hypothesis import strategies as st
from numpy.typing import NDArray

from historian.bounds import Samples
from historian.series import FOUND, Found, Series, Variables
from historian.span import LAST
from nodeset.frame import Times
from nodeset.status import BAD_TIMEOUT, GOOD, UNCERTAIN_LAST_USABLE_VALUE
from nodeset.tags import TagDef

NO_CONNECTION = cast(psycopg.AsyncConnection, None)


@dataclass
class StoredSeries:
    """Stands for a `Series`; `covered_since` says from when on it must be read as one with simulated rows."""

    found: Found
    tag: TagDef
    covered_since: int = LAST

    async def next_to(self, times: Times) -> Found:
        return self._next_to(times, np.ones(len(self.found), np.bool_))

    async def usable_next_to(self, times: Times, limit: int) -> Found:
        return self._next_to(times, (self.found["status"] < limit) & ~np.isnan(self.found["value"]))

    def _next_to(self, times: Times, which: NDArray[np.bool_]) -> Found:
        time = self.found["time"]
        chosen = np.flatnonzero(which & (time >= times[0]) & (time <= times[-1]))
        stretch = np.searchsorted(times, time[chosen], "right")
        ends = np.diff(stretch, append=-1) != 0
        return self.found[chosen[ends | (np.diff(stretch, prepend=-1) != 0)]]

    async def ascending(self, low: int, high: int, limit: int) -> Found:
        time = self.found["time"]
        return self.found[(time >= low) & (time <= high)][:limit]

    async def descending(self, low: int, high: int, limit: int) -> Found:
        time = self.found["time"]
        return self.found[(time >= low) & (time <= high)][::-1][:limit]


@dataclass
class StoredVariables:
    """Stands for `Variables`; each row is the same series."""

    only: StoredSeries

    def series(self, connection: psycopg.AsyncConnection, row: int) -> Series:
        return cast(Series, self.only)


def variables(found: Found, tag: TagDef, covered_since: int = LAST) -> Variables:
    """A fleet of one variable."""
    return cast(Variables, StoredVariables(StoredSeries(found, tag, covered_since)))


def samples_in(found: Found) -> Samples:
    """The same as samples."""
    return Samples(found["time"], found["value"], found["status"])


def stored(time: Times, value: list[float], status: list[int]) -> Found:
    """Values at times [µs]; a Bad one has none."""
    found = np.empty(len(time), FOUND)
    found["time"], found["status"] = time, status
    found["value"] = np.where(np.array(status, np.uint32) >= BAD_TIMEOUT, np.nan, value)
    return found


@st.composite
def histories(draw: st.DrawFn, span: int = 200, most: int = 60) -> Found:
    """Values at whole numbers within `span`, some equal, some Uncertain or Bad."""
    times = draw(st.lists(st.integers(0, span), unique=True, max_size=most).map(sorted))
    count = len(times)
    values = draw(st.lists(st.integers(-2, 3), min_size=count, max_size=count))
    codes = st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN_LAST_USABLE_VALUE, BAD_TIMEOUT])
    status = draw(st.lists(codes, min_size=count, max_size=count))
    return stored(np.array(times, np.int64), [value / 4 for value in values], status)
