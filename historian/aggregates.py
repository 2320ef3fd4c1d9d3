"""The aggregates of Part 13, 5.4.3, as pure functions on arrays: raw values in, one value an interval out."""

from __future__ import annotations

from dataclasses import dataclass

from historian.aggregation import Aggregate, Aggregation
from historian.bounds import Samples, interpolated
from nodeset.frame import Statuses, Times, Values


@dataclass(frozen=True)
class Processed:
    """One value an interval; NaN where there is none."""

    value: Values
    status: Statuses
    time: Times


def compute(samples: Samples, edges: Times, aggregation: Aggregation, stepped: bool) -> Processed:
    """The aggregate over the intervals between `edges` [µs]; the samples reach beyond them on both sides."""
    if aggregation.aggregate is not Aggregate.INTERPOLATIVE:
        raise ValueError(f"no such aggregate yet: {aggregation.aggregate.name}")
    found = interpolated(samples, edges[:-1], stepped, aggregation.configuration)
    return Processed(found.value, found.status, edges[:-1])
