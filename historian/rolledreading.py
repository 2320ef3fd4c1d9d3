"""Measures of intervals out of roll-ups, where these tell what the raw values would.

An hour or a day that is rolled up and lies in one interval stands for its values in averages, counts and
ranges. Where the least or greatest value was and whether it was alone is looked up in one hour of raw values
an interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from historian.aggregates import DEFINITIONS
from historian.aggregation import Aggregate, Aggregation
from historian.columns import TABLES
from historian.due import HOUR
from historian.measures import (
    HIGH,
    HIGH_DOUBTFUL,
    LEAST,
    LOW,
    LOW_DOUBTFUL,
    SUMS,
    SUMS_ROW,
    Measure,
    Places,
    Rows,
    filled,
)
from historian.rolledup import DAY, Buckets, RolledUp
from nodeset.frame import Times
from nodeset.status import UNCERTAIN
from nodeset.tags import TagDef

A: Final = Aggregate
_EXTREMES: Final = {A.MINIMUM: LOW, A.MINIMUM_ACTUAL_TIME: LOW, A.MAXIMUM: HIGH} | {
    A.MAXIMUM_ACTUAL_TIME: HIGH
}
# What of the values roll-ups must have kept.
_NEEDED: Final = {
    A.AVERAGE: ("sum", "count"),
    A.COUNT: ("count",),
    A.RANGE: ("count", "min", "max"),
} | dict.fromkeys(_EXTREMES, ("count", "min", "max"))

Part = Mapping[Measure, tuple[Rows, Places]]


@dataclass(frozen=True)
class Rolled:
    """Which buckets of `step` [µs] stand for their values, and what is in them."""

    step: int
    starts: Times  # of all that do, also of empty ones
    buckets: Buckets

    def holes(self, low: int, high: int) -> list[tuple[int, int]]:
        """What is left of low to high."""
        ends = np.concatenate(([low], self.starts + self.step))
        begins = np.concatenate((self.starts, [high]))
        return [(int(a), int(b)) for a, b in zip(ends, begins, strict=True) if a < b]


def steps_of(aggregation: Aggregation, edges: Times, tag: TagDef) -> tuple[int, ...]:
    """The buckets that fit between `edges` [µs, ascending] and tell enough, the longest first.

    Where time flows backward, a value at an edge belongs to the interval before it; in a bucket it does not.
    """
    needed = _NEEDED.get(aggregation.aggregate)
    column = next(column for column in TABLES[tag.asset].columns if column.tag is tag)
    if needed is None or not set(needed) <= set(column.rolled) or aggregation.end < aggregation.start:
        return ()
    steps = (HOUR,) if aggregation.aggregate in _EXTREMES else (DAY, HOUR)
    return tuple(step for step in steps if not (edges[1:-1] % step).any())


async def rolled(
    connection: psycopg.AsyncConnection, source: RolledUp, row: int, low: int, high: int, step: int
) -> Rolled:
    """The buckets from `low` to `high` [µs] that can be used."""
    starts = await source.exact(connection, low, high, step)
    starts = starts[(starts >= low) & (starts + step <= high)]
    buckets = await source.read(connection, row, low, high, step)
    return Rolled(step, starts, _some(buckets, np.isin(buckets.start, starts)))


def _some(buckets: Buckets, which: NDArray[np.bool_]) -> Buckets:
    return Buckets(
        buckets.start[which],
        buckets.status[which],
        buckets.rows[which],
        buckets.count[which],
        buckets.sum[which],
        buckets.min[which],
        buckets.max[which],
    )


def part_of(found: Rolled, aggregation: Aggregation, edges: Times, reference: float) -> Part:
    """The measures of buckets, and the intervals that these lie in."""
    buckets, limit = found.buckets, aggregation.configuration.limit
    place = np.searchsorted(edges, buckets.start, "right") - 1
    good = buckets.status < UNCERTAIN
    doubtful = ~good & (buckets.status < limit)
    taken = {
        SUMS: (_sums(buckets, limit, reference), place),
        LOW: _least(buckets, good, buckets.min, place),
        HIGH: _least(buckets, good, -buckets.max, place),
        LOW_DOUBTFUL: _least(buckets, doubtful, buckets.min, place),
        HIGH_DOUBTFUL: _least(buckets, doubtful, -buckets.max, place),
    }
    return {measure: taken[measure] for measure in DEFINITIONS[aggregation.aggregate].measures}


def _sums(buckets: Buckets, limit: int, reference: float) -> Rows:
    rows = np.zeros(len(buckets.start), SUMS_ROW)
    good = buckets.status < UNCERTAIN
    rows["count"], rows["good"] = buckets.rows, np.where(good, buckets.count, 0)
    rows["unusable"] = np.where(buckets.status < limit, buckets.rows - buckets.count, buckets.rows)
    known = good & (buckets.count > 0) & ~np.isnan(buckets.sum)
    rows["sum"] = np.where(known, buckets.sum - buckets.count * reference, 0.0)
    return rows


def _least(
    buckets: Buckets, which: NDArray[np.bool_], value: NDArray[np.float64], place: Places
) -> tuple[Rows, Places]:
    """Where in the bucket the least value was is not known: it is told at the bucket's start, as one."""
    some = which & (buckets.count > 0)
    rows = np.empty(int(some.sum()), LEAST)
    rows["value"], rows["time"], rows["ties"] = value[some], buckets.start[some], 1
    return rows, place[some]


def without(part: Part, measure: Measure, hours: Times) -> Part:
    """The same without what is told of an extreme in some hours."""
    rows, place = part[measure]
    kept = ~np.isin(rows["time"], hours)
    return {**part, measure: (rows[kept], place[kept])}


def telling_hours(part: Part, aggregate: Aggregate, intervals: int) -> tuple[Measure, Times] | None:
    """The first hour in each interval that holds its extreme, for aggregates that tell more of it."""
    measure = _EXTREMES.get(aggregate)
    if measure is None:
        return None
    best = filled(measure, *part[measure], intervals)
    return measure, best["time"][best["ties"] > 0]
