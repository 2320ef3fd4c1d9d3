"""What a request for processed history asks for: which aggregate, over which intervals, by which rules.

Aggregates are those of Part 13, 5.4.3, named and numbered as the standard does; times in µs since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import Final

import numpy as np

from nodeset.frame import Times
from nodeset.status import BAD, UNCERTAIN

MILLISECOND: Final = 1_000  # µs


@unique
class Aggregate(IntEnum):
    """The standard's aggregates; the number is that of the AggregateFunction object in namespace 0."""

    INTERPOLATIVE = 2341
    AVERAGE = 2342
    TIME_AVERAGE = 2343
    TOTAL = 2344
    MINIMUM = 2346
    MAXIMUM = 2347
    MINIMUM_ACTUAL_TIME = 2348
    MAXIMUM_ACTUAL_TIME = 2349
    RANGE = 2350
    ANNOTATION_COUNT = 2351
    COUNT = 2352
    NUMBER_OF_TRANSITIONS = 2355
    START = 2357
    END = 2358
    DELTA = 2359
    DURATION_GOOD = 2360
    DURATION_BAD = 2361
    PERCENT_GOOD = 2362
    PERCENT_BAD = 2363
    WORST_QUALITY = 2364
    TIME_AVERAGE_2 = 11285
    MINIMUM_2 = 11286
    MAXIMUM_2 = 11287
    RANGE_2 = 11288
    WORST_QUALITY_2 = 11292
    TOTAL_2 = 11304
    MINIMUM_ACTUAL_TIME_2 = 11305
    MAXIMUM_ACTUAL_TIME_2 = 11306
    DURATION_IN_STATE_ZERO = 11307
    DURATION_IN_STATE_NON_ZERO = 11308
    STANDARD_DEVIATION_SAMPLE = 11426
    STANDARD_DEVIATION_POPULATION = 11427
    VARIANCE_SAMPLE = 11428
    VARIANCE_POPULATION = 11429
    START_BOUND = 11505
    END_BOUND = 11506
    DELTA_BOUNDS = 11507


class Result(Enum):
    """What an aggregate's number is on the wire (Part 13, 5.4.3, "Data Type")."""

    SOURCE = "as the variable"
    DOUBLE = "Double"  # a number, or a Duration [ms]
    INT32 = "Int32"
    STATUS_CODE = "StatusCode"


A: Final = Aggregate
_AS_SOURCE: Final = frozenset(
    {A.INTERPOLATIVE, A.MINIMUM, A.MAXIMUM, A.MINIMUM_ACTUAL_TIME, A.MAXIMUM_ACTUAL_TIME, A.MINIMUM_2}
    | {A.MAXIMUM_2, A.MINIMUM_ACTUAL_TIME_2, A.MAXIMUM_ACTUAL_TIME_2, A.START, A.END, A.START_BOUND}
    | {A.END_BOUND, A.RANGE, A.RANGE_2}
)
_COUNTS: Final = frozenset({A.ANNOTATION_COUNT, A.COUNT, A.NUMBER_OF_TRANSITIONS})


def result_of(aggregate: Aggregate) -> Result:
    """What the values of an aggregate are."""
    if aggregate in _AS_SOURCE:
        return Result.SOURCE
    if aggregate in _COUNTS:
        return Result.INT32
    if aggregate in (A.WORST_QUALITY, A.WORST_QUALITY_2):
        return Result.STATUS_CODE
    return Result.DOUBLE


@dataclass(frozen=True)
class AggregateConfiguration:
    """How values that are not Good, and the end of data, are dealt with (Part 13, 4.2.1.2).

    The defaults are the server's own, which it shows in the address space.
    """

    treat_uncertain_as_bad: bool = True
    percent_data_bad: int = 100  # [%]
    percent_data_good: int = 100  # [%]
    use_sloped_extrapolation: bool = False

    @property
    def limit(self) -> int:
        """The lowest StatusCode that counts as Bad."""
        return UNCERTAIN if self.treat_uncertain_as_bad else BAD

    @property
    def is_valid(self) -> bool:
        """Whether it is none that Part 13 forbids: percentages to 100, that can not both apply to nothing."""
        good, bad = self.percent_data_good, self.percent_data_bad
        return 0 <= good <= 100 and 0 <= bad <= 100 and good >= 100 - bad


SERVER_DEFAULTS: Final = AggregateConfiguration()


@dataclass(frozen=True)
class Aggregation:
    """One aggregate over the intervals from `start` towards `end` (Part 13, 5.4.2.2); times in µs.

    An `end` before the `start` makes time flow backwards. `interval` [µs] 0 is one interval over all; the
    last interval may be a partial one.
    """

    aggregate: Aggregate
    start: int
    end: int
    interval: int
    configuration: AggregateConfiguration = SERVER_DEFAULTS

    def __post_init__(self) -> None:
        """Times must differ and the interval must not be negative: BadInvalidArgument, Part 11, 6.5.4.2."""
        if self.start == self.end:
            raise ValueError("an aggregation needs a start and an end that differ")
        if self.interval < 0:
            raise ValueError("an interval is not negative")

    @property
    def count(self) -> int:
        """How many intervals there are."""
        length = abs(self.end - self.start)
        return 1 if self.interval == 0 else -(-length // self.interval)

    def edges(self, first: int, limit: int) -> Times:
        """Starts of intervals `first` to `first + limit`, as far as there are any, and the last one's end."""
        last = min(first + limit, self.count)
        steps = np.arange(first, last + 1, dtype=np.int64) * (self.interval or abs(self.end - self.start))
        if self.end < self.start:
            return np.maximum(self.start - steps, self.end)
        return np.minimum(self.start + steps, self.end)
