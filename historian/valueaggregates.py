"""Aggregates that are made of stored values alone (Part 13, 5.4.3): counts, averages, extremes, ends."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from historian.bounds import CALCULATED, MULTIPLE_VALUES
from historian.intervals import Finish, Intervals, Mask, Measured, Processed, by_share, doubted
from historian.measures import (
    CHANGES,
    ENDS,
    GOOD_ENDS,
    HIGH,
    HIGH_DOUBTFUL,
    LOW,
    LOW_DOUBTFUL,
    SUMS,
    WORST,
    Measure,
)
from nodeset.frame import Statuses, Values
from nodeset.status import BAD, BAD_NO_DATA, GOOD, UNCERTAIN

Codes = NDArray[np.integer[Any]]
CODE: Final = np.uint32(0xFFFF_0000)  # of a StatusCode, without its info bits


def count(measured: Measured, intervals: Intervals) -> Processed:
    """How many values are Good (5.4.3.21)."""
    return _counted(measured[SUMS]["good"].astype(np.float64), measured, intervals)


def number_of_transitions(measured: Measured, intervals: Intervals) -> Processed:
    """How often the value changed (5.4.3.24)."""
    return _counted(measured[CHANGES]["count"].astype(np.float64), measured, intervals)


def _counted(value: Values, measured: Measured, intervals: Intervals) -> Processed:
    status = _of_values(measured, intervals)
    status = np.where(status >= BAD, status, status | CALCULATED)
    return Processed(value, status, intervals.begin)


def _of_values(measured: Measured, intervals: Intervals) -> Statuses:
    """Status by the share of values; Good where there is none."""
    sums = measured[SUMS]
    status = by_share(sums["good"], sums["unusable"], sums["count"], intervals.configuration)
    return np.where(sums["count"] == 0, GOOD, status).astype(np.uint32)


def average(measured: Measured, intervals: Intervals) -> Processed:
    """Mean of the Good values (5.4.3.5)."""
    sums = measured[SUMS]
    mean = intervals.reference + sums["sum"] / np.maximum(sums["good"], 1)
    status = _of_values(measured, intervals) | CALCULATED
    return _where(sums["good"] > 0, mean, status, intervals)


def _where(some: Mask, value: Values, status: Codes, intervals: Intervals) -> Processed:
    """A value where there is some, BadNoData elsewhere."""
    return Processed(
        np.where(some, value, np.nan), np.where(some, status, BAD_NO_DATA).astype(np.uint32), intervals.begin
    )


def variance(ddof: int) -> Finish:
    """Mean square deviation of the Good values from their mean (5.4.3.38 and 5.4.3.40)."""

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        sums = measured[SUMS]
        n = np.maximum(sums["good"], 1)
        deviation = np.maximum(sums["squares"] - sums["sum"] ** 2 / n, 0.0)
        value = np.where(n > 1, deviation / np.maximum(n - ddof, 1), 0.0)
        status = doubted(sums["count"] > sums["good"]) | CALCULATED
        return _where(sums["good"] > 0, value, status, intervals)

    return finish


def standard_deviation(ddof: int) -> Finish:
    """Root of the variance (5.4.3.37 and 5.4.3.39)."""
    squared = variance(ddof)

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        found = squared(measured, intervals)
        return Processed(np.sqrt(found.value), found.status, found.time)

    return finish


def minimum(measured: Measured, intervals: Intervals) -> Processed:
    """The least Good value (5.4.3.10)."""
    return _extreme(measured, intervals, LOW, LOW_DOUBTFUL, 1)


def maximum(measured: Measured, intervals: Intervals) -> Processed:
    """The greatest Good value (5.4.3.11)."""
    return _extreme(measured, intervals, HIGH, HIGH_DOUBTFUL, -1)


def _extreme(
    measured: Measured, intervals: Intervals, extreme: Measure, doubtful: Measure, sign: int
) -> Processed:
    found = _timed_extreme(measured, intervals, extreme, doubtful, sign)
    elsewhere = (found.time != intervals.begin) & (found.status < BAD)
    status = np.where(elsewhere, found.status | CALCULATED, found.status).astype(np.uint32)
    return Processed(found.value, status, intervals.begin)


def minimum_actual_time(measured: Measured, intervals: Intervals) -> Processed:
    """The least Good value, at its own time (5.4.3.12)."""
    return _timed_extreme(measured, intervals, LOW, LOW_DOUBTFUL, 1)


def maximum_actual_time(measured: Measured, intervals: Intervals) -> Processed:
    """The greatest Good value, at its own time (5.4.3.13)."""
    return _timed_extreme(measured, intervals, HIGH, HIGH_DOUBTFUL, -1)


def _timed_extreme(
    measured: Measured, intervals: Intervals, extreme: Measure, doubtful: Measure, sign: int
) -> Processed:
    rows = measured[extreme]
    doubt = (measured[SUMS]["unusable"] > 0) | (measured[doubtful]["value"] < rows["value"])
    status = doubted(doubt) | np.where(rows["ties"] > 1, MULTIPLE_VALUES, 0)
    found = _where(rows["ties"] > 0, sign * rows["value"], status, intervals)
    return Processed(found.value, found.status, np.where(rows["ties"] > 0, rows["time"], intervals.begin))


def value_range(measured: Measured, intervals: Intervals) -> Processed:
    """From the least to the greatest Good value (5.4.3.14)."""
    low, high = minimum_actual_time(measured, intervals), maximum_actual_time(measured, intervals)
    status = doubted((low.status >= UNCERTAIN) | (high.status >= UNCERTAIN)) | CALCULATED
    return _where(measured[LOW]["ties"] > 0, high.value - low.value, status, intervals)


def end_of(chronological: str, reverse: str) -> Finish:
    """The first or the last value as time flows, whatever it is (5.4.3.25 and 5.4.3.26)."""

    def finish(measured: Measured, intervals: Intervals) -> Processed:
        rows, end = measured[ENDS], reverse if intervals.backward else chronological
        some = measured[SUMS]["count"] > 0
        found = _where(some, rows[f"{end}_value"], rows[f"{end}_status"], intervals)
        return Processed(found.value, found.status, np.where(some, rows[f"{end}_time"], intervals.begin))

    return finish


def delta(measured: Measured, intervals: Intervals) -> Processed:
    """From the earliest to the latest Good value (5.4.3.27)."""
    ends, good = measured[ENDS], measured[GOOD_ENDS]
    skipped = (ends["first_time"] != good["first_time"]) | (ends["last_time"] != good["last_time"])
    value = good["last_value"] - good["first_value"]
    return _where(measured[SUMS]["good"] > 0, value, doubted(skipped) | CALCULATED, intervals)


def worst_quality(measured: Measured, intervals: Intervals) -> Processed:
    """The worst status (5.4.3.35)."""
    rows = measured[WORST]
    several = (rows["ties"] > 1) & (rows["severity"] > 0)
    status = np.where(several, CALCULATED | MULTIPLE_VALUES, CALCULATED).astype(np.uint32)
    return _where(rows["ties"] > 0, (rows["status"] & CODE).astype(np.float64), status, intervals)
