"""The aggregates of Part 13, 5.4.3, as pure functions on arrays: raw values in, one value an interval out.

What each is made of, and by what: `historian/measures.py` and `historian/regions.py` measure,
`historian/valueaggregates.py` and `historian/timeaggregates.py` make values and statuses of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from historian import timeaggregates as by_time
from historian import valueaggregates as by_value
from historian.aggregation import Aggregate, Aggregation
from historian.bounds import CALCULATED, PARTIAL, Samples
from historian.intervals import Finish, Intervals, Measured, Processed
from historian.measures import (
    CHANGES,
    ENDS,
    GOOD_ENDS,
    HIGH,
    HIGH_DOUBTFUL,
    HIGH_INTERIOR,
    LOW,
    LOW_DOUBTFUL,
    LOW_INTERIOR,
    NEVER,
    SUMS,
    WORST,
    WORST_INTERIOR,
    Measure,
    Piece,
    filled,
    measured,
)
from historian.regions import BOUNDS, INTERPOLATED_BOUNDS, QUALITY_BOUNDS, REGIONS, SLOPED, STATES
from nodeset.frame import Times
from nodeset.status import BAD, BAD_NO_DATA

NO_DATA: Final = (NEVER, -NEVER)  # first and last time where nothing is stored


@dataclass(frozen=True)
class Definition:
    """An aggregate: what it is made of, and how."""

    finish: Finish
    measures: tuple[Measure, ...]


A: Final = Aggregate
_LEFT: Final[Literal["left"]] = "left"
_RIGHT: Final[Literal["right"]] = "right"
_LOW: Final = (SUMS, LOW, LOW_DOUBTFUL)
_HIGH: Final = (SUMS, HIGH, HIGH_DOUBTFUL)
_LOW_2: Final = (BOUNDS, REGIONS, LOW_INTERIOR)
_HIGH_2: Final = (BOUNDS, REGIONS, HIGH_INTERIOR)
DEFINITIONS: Final[Mapping[Aggregate, Definition]] = {
    A.INTERPOLATIVE: Definition(by_time.interpolative, (INTERPOLATED_BOUNDS,)),
    A.AVERAGE: Definition(by_value.average, (SUMS,)),
    A.TIME_AVERAGE: Definition(by_time.time_average, (SLOPED,)),
    A.TIME_AVERAGE_2: Definition(by_time.time_average_2, (REGIONS,)),
    A.TOTAL: Definition(by_time.total, (SLOPED,)),
    A.TOTAL_2: Definition(by_time.total_2, (REGIONS,)),
    A.MINIMUM: Definition(by_value.minimum, _LOW),
    A.MAXIMUM: Definition(by_value.maximum, _HIGH),
    A.MINIMUM_ACTUAL_TIME: Definition(by_value.minimum_actual_time, _LOW),
    A.MAXIMUM_ACTUAL_TIME: Definition(by_value.maximum_actual_time, _HIGH),
    A.RANGE: Definition(by_value.value_range, (*_LOW, *_HIGH[1:])),
    A.MINIMUM_2: Definition(by_time.minimum_2, _LOW_2),
    A.MAXIMUM_2: Definition(by_time.maximum_2, _HIGH_2),
    A.MINIMUM_ACTUAL_TIME_2: Definition(by_time.minimum_actual_time_2, _LOW_2),
    A.MAXIMUM_ACTUAL_TIME_2: Definition(by_time.maximum_actual_time_2, _HIGH_2),
    A.RANGE_2: Definition(by_time.range_2, (*_LOW_2, HIGH_INTERIOR)),
    A.COUNT: Definition(by_value.count, (SUMS,)),
    A.DURATION_IN_STATE_ZERO: Definition(by_time.duration_in_state("zero"), (STATES,)),
    A.DURATION_IN_STATE_NON_ZERO: Definition(by_time.duration_in_state("non_zero"), (STATES,)),
    A.NUMBER_OF_TRANSITIONS: Definition(by_value.number_of_transitions, (SUMS, CHANGES)),
    A.START: Definition(by_value.end_of("first", "last"), (SUMS, ENDS)),
    A.END: Definition(by_value.end_of("last", "first"), (SUMS, ENDS)),
    A.DELTA: Definition(by_value.delta, (SUMS, ENDS, GOOD_ENDS)),
    A.START_BOUND: Definition(by_time.start_bound, (BOUNDS,)),
    A.END_BOUND: Definition(by_time.end_bound, (BOUNDS,)),
    A.DELTA_BOUNDS: Definition(by_time.delta_bounds, (BOUNDS,)),
    A.DURATION_GOOD: Definition(by_time.duration("good"), (STATES,)),
    A.DURATION_BAD: Definition(by_time.duration("bad"), (STATES,)),
    A.PERCENT_GOOD: Definition(by_time.percent("good"), (STATES,)),
    A.PERCENT_BAD: Definition(by_time.percent("bad"), (STATES,)),
    A.WORST_QUALITY: Definition(by_value.worst_quality, (WORST,)),
    A.WORST_QUALITY_2: Definition(by_time.worst_quality_2, (QUALITY_BOUNDS, WORST_INTERIOR)),
    A.STANDARD_DEVIATION_SAMPLE: Definition(by_value.standard_deviation(1), (SUMS,)),
    A.STANDARD_DEVIATION_POPULATION: Definition(by_value.standard_deviation(0), (SUMS,)),
    A.VARIANCE_SAMPLE: Definition(by_value.variance(1), (SUMS,)),
    A.VARIANCE_POPULATION: Definition(by_value.variance(0), (SUMS,)),
}


def compute(samples: Samples, aggregation: Aggregation, stepped: bool) -> Processed:
    """An aggregate over all its intervals, as time flows; samples reach to the next usable ones outside."""
    edges = aggregation.edges(0, aggregation.count)
    ascending = np.sort(edges)
    backward = aggregation.end < aggregation.start
    reference = reference_of(samples)
    piece = Piece(samples, ascending, backward, stepped, aggregation.configuration, reference)
    rows = {
        measure: filled(measure, *measured(measure, piece), piece.cells)
        for measure in DEFINITIONS[aggregation.aggregate].measures
    }
    first, last = (int(samples.time[0]), int(samples.time[-1])) if len(samples) else NO_DATA
    intervals = intervals_of(aggregation, ascending, stepped, first, last, reference)
    return finished(aggregation.aggregate, rows, intervals)


def reference_of(samples: Samples) -> float:
    """A number near the values."""
    known = samples.value[~np.isnan(samples.value)]
    return float(known[0]) if len(known) else 0.0


def intervals_of(
    aggregation: Aggregation, edges: Times, stepped: bool, first: int, last: int, reference: float
) -> Intervals:
    """The intervals between `edges` [µs, ascending], which the data from `first` to `last` fills."""
    low, high = edges[:-1], edges[1:]
    cut = (high - low < aggregation.interval) if aggregation.interval else np.zeros(len(low), np.bool_)
    backward = aggregation.end < aggregation.start
    return Intervals(low, high, backward, stepped, aggregation.configuration, first, last, cut, reference)


def finished(aggregate: Aggregate, rows: Measured, intervals: Intervals) -> Processed:
    """What the measures of intervals amount to, as time flows."""
    found = DEFINITIONS[aggregate].finish(rows, intervals)
    if aggregate is not Aggregate.INTERPOLATIVE:  # which is told of all times, and never partial
        found = _confined(found, intervals, may_be_partial=aggregate is not Aggregate.AVERAGE)
    return _flowing(found, intervals.backward)


def _confined(found: Processed, intervals: Intervals, *, may_be_partial: bool) -> Processed:
    """BadNoData outside of all data; no value where it is Bad."""
    outside, partial = intervals.outside, intervals.partial & may_be_partial
    status = np.where(outside, BAD_NO_DATA, found.status | np.where(partial, PARTIAL, 0)).astype(np.uint32)
    value = np.where(status >= BAD, np.nan, found.value)
    return Processed(value, status, np.where(outside, intervals.begin, found.time))


def annotation_count(times: Times, intervals: Intervals) -> Processed:
    """How many annotations there are (5.4.3.20); `times` [µs] of all."""
    ascending, side = np.sort(times), _RIGHT if intervals.backward else _LEFT
    low, high = (np.searchsorted(ascending, edges, side) for edges in (intervals.low, intervals.high))
    status = np.full(len(low), CALCULATED, np.uint32)
    found = Processed((high - low).astype(np.float64), status, intervals.begin)
    return _flowing(_confined(found, intervals, may_be_partial=True), intervals.backward)


def _flowing(found: Processed, backward: bool) -> Processed:
    """Values in the order of time as it flows."""
    if not backward:
        return found
    return Processed(found.value[::-1], found.status[::-1], found.time[::-1])
