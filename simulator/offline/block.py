"""Readings of some hours, one row a moment, that become a row group: what bounds the memory of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Cells in memory at once: a day at 60 s of 1,100 jars, values and statuses, are not quite as many.
MOST_CELLS: Final = 10_000_000
MOST_MOMENTS: Final = 1440


class Block:
    """Planes (value, status ...) of shape (moments, rows) that fill up moment by moment."""

    def __init__(self, planes: Mapping[str, DTypeLike], rows: int) -> None:
        moments = max(1, min(MOST_MOMENTS, MOST_CELLS // (rows * len(planes))))
        self._time = np.empty(moments, np.int64)
        self._planes = {name: np.empty((moments, rows), kind) for name, kind in planes.items()}
        self._filled = 0

    @property
    def full(self) -> bool:
        """Whether no moment fits any more."""
        return self._filled == len(self._time)

    @property
    def time(self) -> NDArray[np.int64]:
        """The moments [µs] that it holds."""
        return self._time[: self._filled]

    def plane(self, name: str) -> NDArray[np.generic]:
        """A plane of the moments that it holds."""
        return self._planes[name][: self._filled]

    def add(self, time: int, planes: Mapping[str, NDArray[np.generic]]) -> None:
        """One more moment."""
        self._time[self._filled] = time
        for name, value in planes.items():
            self._planes[name][self._filled] = value
        self._filled += 1

    def clear(self) -> None:
        """Forget all."""
        self._filled = 0
