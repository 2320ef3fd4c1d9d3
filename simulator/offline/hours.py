"""Hourly mean, least, greatest and number of readings, added up reading by reading; no I/O."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.calendar import SECOND

HOUR: Final = 3600 * SECOND  # µs


class Hour:
    """The hour that `time` [µs] is in, over `rows` readings; hours are those of UTC."""

    def __init__(self, rows: int, time: int) -> None:
        self.start = time - time % HOUR
        self._sum = np.zeros(rows)
        self._least = np.full(rows, np.inf)
        self._greatest = np.full(rows, -np.inf)
        self._count = np.zeros(rows, np.uint16)

    @property
    def end(self) -> int:
        """When it is over [µs]."""
        return self.start + HOUR

    def add(self, value: NDArray[np.float64], good: NDArray[np.bool_]) -> None:
        """Take readings in, where they are good; there are at most 3,600 an hour."""
        np.add(self._sum, value, out=self._sum, where=good)
        np.minimum(self._least, value, out=self._least, where=good)
        np.maximum(self._greatest, value, out=self._greatest, where=good)
        self._count += good

    def planes(self) -> dict[str, NDArray[np.generic]]:
        """What is known of the hour; NaN where there was no good reading."""
        some = self._count > 0
        mean = np.divide(self._sum, self._count, out=np.full(len(some), np.nan), where=some)
        return {
            "Mean": mean,
            "Min": np.where(some, self._least, np.nan),
            "Max": np.where(some, self._greatest, np.nan),
            "Count": self._count,
        }
