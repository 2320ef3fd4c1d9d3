"""Jars beside each other: what the jars of a string do in common, whatever the strings' lengths; pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Siblings:
    """The jars of each string, as one padded matrix and as spans; `string` is the string of each jar."""

    def __init__(self, fleet: Fleet) -> None:
        jars = len(fleet.jars)
        self.string = fleet.string_of_jar
        self.first = fleet.first_jar_of_string
        lengths = np.diff(np.append(self.first, jars))
        places = np.arange(lengths.max())
        self._places = np.where(places < lengths[:, None], self.first[:, None] + places, jars)

    def median(self, values: Floats, least: int = 1) -> Floats:
        """Lower median of each string, shape (strings,), of values of shape (jars,).

        NaN are left out; a string that has fewer others than `least` is NaN. The lower one, so that of two
        jars the colder is the measure.
        """
        ordered = np.sort(np.append(values, np.nan)[self._places], axis=1)  # NaN come last
        known = np.count_nonzero(ordered == ordered, axis=1)
        middle = ordered[np.arange(len(ordered)), np.maximum(known - 1, 0) // 2]
        return np.where(known >= least, middle, np.nan)

    def mean(self, values: Floats, where: Flags) -> Floats:
        """Mean of each string, shape (strings,), of those values that are meant; NaN where none is."""
        total = np.add.reduceat(np.where(where, values, 0.0), self.first)
        count = np.add.reduceat(where.astype(np.float64), self.first)
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
