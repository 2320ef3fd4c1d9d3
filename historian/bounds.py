"""Values at times where none need be stored: bounding values of Part 13, 3.1.8 and 3.1.9.

Pure functions on arrays: samples ascending by time in, one value and StatusCode a time out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from historian.aggregation import AggregateConfiguration
from nodeset.frame import Statuses, Times, Values
from nodeset.status import BAD_NO_DATA, UNCERTAIN, UNCERTAIN_DATA_SUB_NORMAL

# InfoType DataValue with the historian's bits (Part 11, 6.6.2); a raw value carries none.
CALCULATED: Final = 0x0401
INTERPOLATED: Final = 0x0402
PARTIAL: Final = 0x0404
EXTRA_DATA: Final = 0x0408
MULTIPLE_VALUES: Final = 0x0410


@dataclass(frozen=True)
class Samples:
    """Raw values of one variable, ascending by time [µs]."""

    time: Times
    value: Values
    status: Statuses

    def __len__(self) -> int:
        """How many there are."""
        return len(self.time)

    def of(self, which: NDArray[np.intp] | slice) -> Samples:
        """Some of them."""
        return Samples(self.time[which], self.value[which], self.status[which])

    def usable(self, configuration: AggregateConfiguration) -> NDArray[np.bool_]:
        """Which are non-Bad, as the configuration takes Uncertain ones, and have a value."""
        fine: NDArray[np.bool_] = (self.status < np.uint32(configuration.limit)) & ~np.isnan(self.value)
        return fine


@dataclass(frozen=True)
class Bounds:
    """Values at times; NaN where there is none."""

    value: Values
    status: Statuses


def interpolated(
    samples: Samples, times: Times, stepped: bool, configuration: AggregateConfiguration
) -> Bounds:
    """Interpolated bounding values (Part 13, 3.1.8): from the nearest non-Bad values on both sides."""
    usable = np.flatnonzero(samples.usable(configuration))
    fine = samples.of(usable)
    if not len(fine):
        return _none(len(times))
    before = np.searchsorted(fine.time, times, "right") - 1
    known, first = before >= 0, np.maximum(before, 0)
    value, status = fine.value[first], fine.status[first]
    between = known & (fine.time[first] != times)
    after = np.minimum(first + 1, len(fine) - 1)
    beyond = between & (first == len(fine) - 1)
    # Uncertain where a value was skipped, up to the next usable one or, stepped, to the time itself.
    reach = np.searchsorted(samples.time, times, "right") - 1 if stepped else usable[after] - 1
    doubtful = (reach > usable[first]) | (status >= UNCERTAIN)
    if not stepped:
        doubtful |= fine.status[after] >= UNCERTAIN
        line = between & ~beyond
        value = np.where(line, _line(fine, first, after, times), value)
    if configuration.use_sloped_extrapolation and not stepped and len(fine) > 1:
        value = np.where(beyond, _line(fine, first - 1, first, times), value)
    made = np.where(doubtful | beyond, UNCERTAIN_DATA_SUB_NORMAL | INTERPOLATED, INTERPOLATED)
    status = np.where(between, made, status)
    return Bounds(np.where(known, value, np.nan), np.where(known, status, BAD_NO_DATA).astype(np.uint32))


def simple(samples: Samples, times: Times, stepped: bool, configuration: AggregateConfiguration) -> Bounds:
    """Simple bounding values (Part 13, 3.1.9): from the nearest values, be they Bad; none after the last."""
    if not len(samples):
        return _none(len(times))
    usable = samples.usable(configuration)
    before = np.searchsorted(samples.time, times, "right") - 1
    first = np.maximum(before, 0)
    known = (before >= 0) & usable[first]
    value, status = samples.value[first], samples.status[first]
    between = known & (samples.time[first] != times)
    after = np.minimum(first + 1, len(samples) - 1)
    known &= ~between | (first < len(samples) - 1)
    doubtful = status >= UNCERTAIN
    if not stepped:
        doubtful |= ~usable[after] | (samples.status[after] >= UNCERTAIN)
        line = between & usable[after]
        value = np.where(line, _line(samples, first, after, times), value)
    made = np.where(doubtful, UNCERTAIN_DATA_SUB_NORMAL | INTERPOLATED, INTERPOLATED)
    status = np.where(between, made, status)
    return Bounds(np.where(known, value, np.nan), np.where(known, status, BAD_NO_DATA).astype(np.uint32))


def _line(samples: Samples, first: NDArray[np.intp], second: NDArray[np.intp], times: Times) -> Values:
    """Value at `times` of the lines through two samples each; they may be the same where it is not used."""
    span = np.maximum(samples.time[second] - samples.time[first], 1)
    rise = samples.value[second] - samples.value[first]
    line: Values = samples.value[first] + rise * ((times - samples.time[first]) / span)
    return line


def _none(count: int) -> Bounds:
    return Bounds(np.full(count, np.nan), np.full(count, BAD_NO_DATA, np.uint32))
