"""The process image: value, status and source time of every live variable, taken by one scan.

While a scan runs its stages fill the frame's columns; `freeze` ends that, and from then on every
reader sees the same values. Times are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex

Values = NDArray[np.float64]
Statuses = NDArray[np.uint32]
Times = NDArray[np.int64]


@dataclass(frozen=True)
class Readings:
    """What a source read: rows of the tag index with their values, statuses and source times [µs]."""

    rows: Index
    value: Values
    status: Statuses
    time: Times

    @classmethod
    def joined(cls, parts: Sequence[Readings]) -> Readings:
        """All readings of `parts`, which have no row in common."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.status for part in parts]),
            np.concatenate([part.time for part in parts]),
        )


@dataclass(frozen=True)
class Frame:
    """One scan. `number` counts scans; `time` [µs] is when it was taken."""

    index: TagIndex
    number: int
    time: int
    value: Values
    status: Statuses
    source_time: Times

    def column(self, asset: AssetType, name: str) -> Values:
        """Values of a tag."""
        return self.index.column(self.value, asset, name)

    def column_status(self, asset: AssetType, name: str) -> Statuses:
        """Statuses of a tag."""
        return self.index.column(self.status, asset, name)

    def put(
        self, asset: AssetType, name: str, value: Values | float, status: Statuses | int = st.GOOD
    ) -> None:
        """Set a calculated tag for this scan."""
        rows = self.index.slice(asset, name)
        self.value[rows] = value
        self.status[rows] = status
        self.source_time[rows] = self.time

    def take(self, readings: Readings) -> None:
        """Set measured tags."""
        self.value[readings.rows] = readings.value
        self.status[readings.rows] = readings.status
        self.source_time[readings.rows] = readings.time

    def next(self, time: int) -> Frame:
        """A frame for the scan at `time` that starts from this one's values."""
        return Frame(
            self.index,
            self.number + 1,
            time,
            self.value.copy(),
            self.status.copy(),
            self.source_time.copy(),
        )

    def freeze(self) -> Frame:
        """Make the arrays read-only."""
        for array in (self.value, self.status, self.source_time):
            array.setflags(write=False)
        return self


def first_frame(index: TagIndex, time: int) -> Frame:
    """A frame before the first scan: nothing has arrived yet."""
    n = index.size
    return Frame(
        index,
        0,
        time,
        np.zeros(n),
        np.full(n, st.BAD_WAITING_FOR_INITIAL_DATA, np.uint32),
        np.full(n, time, np.int64),
    )
