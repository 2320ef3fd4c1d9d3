"""The intervals of a reply, and what the status of an aggregate's value is (Part 13, 5.3 and 5.4.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from historian.aggregation import AggregateConfiguration
from historian.measures import Measure, Rows
from historian.regions import RESOLUTION
from nodeset.frame import Statuses, Times, Values
from nodeset.status import BAD, GOOD, UNCERTAIN_DATA_SUB_NORMAL

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """The intervals of a reply and the data that they lie in; one entry an interval, ascending.

    `low` and `high` [µs] enclose an interval; `first` and `last` [µs] are the times of the first and the last
    value that there is at all. `cut` is where the end of the request cuts an interval short. Sums of values
    are told less `reference`.
    """

    low: Times
    high: Times
    backward: bool
    stepped: bool
    configuration: AggregateConfiguration
    first: int
    last: int
    cut: Mask
    reference: float

    @property
    def begin(self) -> Times:
        """Where each interval begins as time flows: the timestamp of its value."""
        return self.high if self.backward else self.low

    @property
    def outside(self) -> Mask:
        """Which lie before or after all data."""
        outside: Mask = (self.high <= self.first) | (self.low > self.last)
        return outside

    @property
    def partial(self) -> Mask:
        """Which are not complete (Part 13, 5.3.3.2)."""
        ends = (self.low < self.first) | (self.high > self.last + RESOLUTION)
        partial: Mask = ~self.outside & (ends | self.cut)
        return partial


@dataclass(frozen=True)
class Processed:
    """One value an interval; NaN where there is none."""

    value: Values
    status: Statuses
    time: Times


Measured = Mapping[Measure, Rows]
Finish = Callable[[Measured, Intervals], Processed]


def by_share(good: Counts, bad: Counts, total: Counts, configuration: AggregateConfiguration) -> Statuses:
    """Status of values that are made of `good` and `bad` parts of a `total` (Part 13, 5.4.3.2.1).

    Where the two percentages meet, that of Good data alone decides (Part 13, 4.2.1.2).
    """
    enough = 100 * good >= configuration.percent_data_good * total
    status = np.where(enough, GOOD, UNCERTAIN_DATA_SUB_NORMAL)
    if configuration.percent_data_good != 100 - configuration.percent_data_bad:
        status = np.where(100 * bad >= configuration.percent_data_bad * total, BAD, status)
    return status.astype(np.uint32)


def doubted(doubtful: Mask) -> Statuses:
    """Good, but where it is doubtful."""
    return np.where(doubtful, UNCERTAIN_DATA_SUB_NORMAL, GOOD).astype(np.uint32)
