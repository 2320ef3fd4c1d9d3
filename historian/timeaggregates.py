"""Aggregates that are made of regions of time and of bounding values (Part 13, 5.4.3)."""

from __future__ import annotations

from typing import Final

import numpy as np

from historian.bounds import CALCULATED, INTERPOLATED, MULTIPLE_VALUES
from historian.intervals import Counts, Finish, Intervals, Measured, Processed, by_share, doubted
from historian.measures import HIGH_INTERIOR, LOW_INTERIOR, WORST_INTERIOR, Measure, Rows, severity
from historian.regions import BOUNDS, INTERPOLATED_BOUNDS, QUALITY_BOUNDS, REGIONS, SLOPED, STATES
from historian.valueaggregates import CODE
from nodeset.frame import Statuses, Values
from nodeset.status import BAD, BAD_NO_DATA

MILLISECOND: Final = 1_000  # µs
_SECOND: Final = 1e6  # µs


def interpolative(measured: Measured, intervals: Intervals) -> Processed:
    """The interpolated bounding value where the interval begins (5.4.3.4)."""
    value, status = _edge(measured[INTERPOLATED_BOUNDS], intervals, begin=True)
    return Processed(value, status, intervals.begin)


def _edge(rows: Rows, intervals: Intervals, *, begin: bool) -> tuple[Values, Statuses]:
    name = "start" if begin is not intervals.backward else "end"
    return rows[f"{name}_value"], rows[f"{name}_status"]


def total(measured: Measured, intervals: Intervals) -> Processed:
    """Time integral along the lines between values that are not Bad [value x s] (5.4.3.8)."""
    rows = measured[SLOPED]
    status = doubted((rows["missing"] > 0) | (rows["doubtful"] > 0)) | CALCULATED
    some = rows["known"] > 0
    value, status = np.where(some, rows["integral"], np.nan), np.where(some, status, BAD_NO_DATA)
    return Processed(value, status.astype(np.uint32), intervals.begin)


def time_average(measured: Measured, intervals: Intervals) -> Processed:
    """Mean by time along the same lines (5.4.3.6)."""
    found = total(measured, intervals)
    seconds = np.maximum(measured[SLOPED]["known"], 1) / _SECOND
    return Processed(found.value / seconds, found.status, found.time)


def total_2(measured: Measured, intervals: Intervals) -> Processed:
    """Time integral over the regions that are not Bad [value x s] (5.4.3.9)."""
    rows = measured[REGIONS]
    status = _of_time(rows, intervals) | CALCULATED
    some = rows["good"] + rows["uncertain"] > 0
    value, status = np.where(some, rows["integral"], np.nan), np.where(some, status, BAD_NO_DATA)
    return Processed(value, status.astype(np.uint32), intervals.begin)


def time_average_2(measured: Measured, intervals: Intervals) -> Processed:
    """Mean by time over the regions that are not Bad (5.4.3.7)."""
    found, rows = total_2(measured, intervals), measured[REGIONS]
    seconds = np.maximum(rows["good"] + rows["uncertain"], 1) / _SECOND
    return Processed(found.value / seconds, found.status, found.time)


def _of_time(rows: Rows, intervals: Intervals) -> Statuses:
    """Status by the share of time; Uncertain regions are as TreatUncertainAsBad says."""
    whole = rows["good"] + rows["uncertain"] + rows["bad"]
    if intervals.configuration.treat_uncertain_as_bad:
        return by_share(rows["good"], rows["bad"] + rows["uncertain"], whole, intervals.configuration)
    return by_share(rows["good"] + rows["uncertain"], rows["bad"], whole, intervals.configuration)


def duration_in_state(state: str) -> Finish:
    """How long the value was zero, or was not, as far as it is Good [ms] (5.4.3.22 and 5.4.3.23)."""

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        rows = measured[STATES]
        return Processed(
            rows[state] / MILLISECOND, _of_time(rows, intervals) | np.uint32(CALCULATED), intervals.begin
        )

    return finish


def duration(kind: str) -> Finish:
    """How long the value was Good, or Bad [ms] (5.4.3.31 and 5.4.3.32)."""

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        return _surely(measured[STATES][kind] / MILLISECOND, intervals)

    return finish


def percent(kind: str) -> Finish:
    """For which part of the interval the value was Good, or Bad [%] (5.4.3.33 and 5.4.3.34)."""

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        rows = measured[STATES]
        whole = rows["good"] + rows["uncertain"] + rows["bad"]
        return _surely(100.0 * rows[kind] / np.maximum(whole, 1), intervals)

    return finish


def _surely(value: Values, intervals: Intervals) -> Processed:
    return Processed(value, np.full(len(value), CALCULATED, np.uint32), intervals.begin)


def start_bound(measured: Measured, intervals: Intervals) -> Processed:
    """The simple bounding value where the interval begins (5.4.3.28)."""
    value, status = _edge(measured[BOUNDS], intervals, begin=True)
    return Processed(value, status, intervals.begin)


def end_bound(measured: Measured, intervals: Intervals) -> Processed:
    """The simple bounding value where the interval ends (5.4.3.29)."""
    value, status = _edge(measured[BOUNDS], intervals, begin=False)
    calculated = np.where(status >= BAD, status, status & CODE | CALCULATED)
    return Processed(value, calculated.astype(np.uint32), intervals.begin)


def delta_bounds(measured: Measured, intervals: Intervals) -> Processed:
    """From the one bounding value to the other (5.4.3.30)."""
    start, end = start_bound(measured, intervals), end_bound(measured, intervals)
    worst = np.maximum(severity(start.status), severity(end.status))
    status = np.where(worst == 2, BAD_NO_DATA, doubted(worst == 1) | CALCULATED)
    return Processed(end.value - start.value, status.astype(np.uint32), intervals.begin)


def worst_quality_2(measured: Measured, intervals: Intervals) -> Processed:
    """The worst status of values and bounding values (5.4.3.36)."""
    bounds, rows = measured[QUALITY_BOUNDS], measured[WORST_INTERIOR]
    codes = np.stack([bounds["start_status"] & CODE, rows["status"] & CODE, bounds["end_status"] & CODE])
    ranks = np.stack([severity(codes[0]), rows["severity"], severity(codes[2])])
    worst = ranks.max(0)
    first = (ranks == worst).argmax(0)
    counts = np.stack([np.ones(len(rows), np.int64), rows["ties"], np.ones(len(rows), np.int64)])
    several = (np.where(ranks == worst, counts, 0).sum(0) > 1) & (worst > 0)
    status = np.where(several, CALCULATED | MULTIPLE_VALUES, CALCULATED).astype(np.uint32)
    value = codes[first, np.arange(len(rows))].astype(np.float64)
    return Processed(value, status, intervals.begin)


def minimum_2(measured: Measured, intervals: Intervals) -> Processed:
    """The least value that is not Bad, bounding values included (5.4.3.15)."""
    return _extreme(measured, intervals, LOW_INTERIOR, 1)[0]


def maximum_2(measured: Measured, intervals: Intervals) -> Processed:
    """The greatest value that is not Bad, bounding values included (5.4.3.16)."""
    return _extreme(measured, intervals, HIGH_INTERIOR, -1)[0]


def minimum_actual_time_2(measured: Measured, intervals: Intervals) -> Processed:
    """The same, at its own time (5.4.3.17)."""
    return _extreme(measured, intervals, LOW_INTERIOR, 1)[1]


def maximum_actual_time_2(measured: Measured, intervals: Intervals) -> Processed:
    """The same, at its own time (5.4.3.18)."""
    return _extreme(measured, intervals, HIGH_INTERIOR, -1)[1]


def range_2(measured: Measured, intervals: Intervals) -> Processed:
    """From the least to the greatest value that is not Bad, bounding values included (5.4.3.19)."""
    low, high = minimum_2(measured, intervals), maximum_2(measured, intervals)
    status = np.where(low.status >= BAD, low.status, low.status & CODE | CALCULATED)
    return Processed(high.value - low.value, status.astype(np.uint32), intervals.begin)


def _extreme(
    measured: Measured, intervals: Intervals, interior: Measure, sign: int
) -> tuple[Processed, Processed]:
    """The extreme at the beginning of its interval, and at its own time."""
    bounds, rows = measured[BOUNDS], measured[interior]
    # Where values step, the value that the interval ends on is not in it.
    end = np.full(len(rows), np.nan) if intervals.stepped else bounds["end_value"]
    values = np.stack([sign * bounds["start_value"], rows["value"], sign * end])
    values[np.isnan(values)] = np.inf
    best = values.min(0)
    which = (values == best).argmax(0)
    ties = np.where(values == best, np.stack([_ones(rows), rows["ties"], _ones(rows)]), 0).sum(0)
    times = np.stack([intervals.low, rows["time"], intervals.high])
    origin = np.stack([bounds["start_status"], np.zeros(len(rows), np.uint32), bounds["end_status"]])
    here = np.arange(len(rows))
    value, time = sign * best, times[which, here]
    drawn = (origin[which, here] & np.uint32(INTERPOLATED)) == INTERPOLATED
    status = _of_time(measured[REGIONS], intervals) | np.where(ties > 1, MULTIPLE_VALUES, 0)
    none = np.isinf(best)
    late = which == (0 if intervals.backward else 2)  # the bound that is not in the interval
    plain = np.where(drawn, INTERPOLATED, np.where(time == intervals.begin, 0, CALCULATED))
    timed = np.where(drawn | late, INTERPOLATED, 0)
    inward = MILLISECOND if intervals.backward else -MILLISECOND  # EffectiveEndTime (3.1.3)
    own = np.where(none, intervals.begin, np.where(late, time + inward, time))
    return (
        Processed(value, np.where(none, BAD_NO_DATA, status | plain).astype(np.uint32), intervals.begin),
        Processed(value, np.where(none, BAD_NO_DATA, status | timed).astype(np.uint32), own),
    )


def _ones(rows: Rows) -> Counts:
    return np.ones(len(rows), np.int64)
