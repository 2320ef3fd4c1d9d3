"""What became of jars: rows of features, each with the days that the jar lived on; pure.

A row is a jar on a day. `lived` counts the days from there to its failure, as a log book tells it; where
nobody has seen it fail, to the last day that it was known to live (a censored row).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from analytics.parameters import Array, Mask, Single


class Ending(IntEnum):
    """How a jar's service ended, as a log book tells it."""

    NONE = 0  # nobody has seen it end
    WORN = 1  # less capacity than the end of life allows
    OPEN = 2  # open cell
    SHORTED = 3  # shorted cell
    OTHER = 4  # failed, and nobody wrote down how


@dataclass(frozen=True)
class Outcomes:
    """Rows, arrays of shape (rows,); `features` of shape (rows, len(FEATURES))."""

    features: Single
    lived: Array  # d
    failed: Mask  # whether that is to a failure; else the row is censored
    unit: NDArray[np.int64]  # which jar: unique over seeds, places and generations
    string: NDArray[np.int64]  # which string, unique over seeds
    site: NDArray[np.intp]  # number of the site in the fleet
    seed: NDArray[np.int64]  # of the plant it was simulated with
    day: NDArray[np.int64]  # since 1970
    ending: NDArray[np.int8]  # an `Ending`

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.lived)

    def take(self, rows: NDArray[np.intp] | Mask) -> Outcomes:
        """Some of the rows."""
        return Outcomes(
            self.features[rows],
            self.lived[rows],
            self.failed[rows],
            self.unit[rows],
            self.string[rows],
            self.site[rows],
            self.seed[rows],
            self.day[rows],
            self.ending[rows],
        )
