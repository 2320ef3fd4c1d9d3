"""Jars beside each other: the median over the jars of each string, whatever the strings' lengths; pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet

Floats = NDArray[np.float64]


class Siblings:
    """The jars of each string as one padded matrix."""

    def __init__(self, fleet: Fleet) -> None:
        jars = len(fleet.jars)
        self.string = fleet.string_of_jar
        longest = max(string.jars.stop - string.jars.start for string in fleet.strings)
        self._places = np.full((len(fleet.strings), longest), jars, np.intp)
        for i, string in enumerate(fleet.strings):
            self._places[i, : string.jars.stop - string.jars.start] = np.arange(jars)[string.jars]

    def median(self, values: Floats) -> Floats:
        """Lower median of each string, shape (strings,), of values of shape (jars,).

        NaN are left out; a string that has nothing else is NaN. The lower one, so that of two jars the
        colder is the measure.
        """
        ordered = np.sort(np.append(values, np.nan)[self._places], axis=1)  # NaN come last
        known = np.count_nonzero(ordered == ordered, axis=1)
        middle: Floats = ordered[np.arange(len(ordered)), np.maximum(known - 1, 0) // 2]
        return middle
