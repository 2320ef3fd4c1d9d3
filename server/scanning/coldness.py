"""Temperature sensors that read a jar colder than it can be; pure.

A jar makes heat and never takes any: for hours it can be neither below its room nor far below its string. A
sensor that drifts downwards is found so. One that drifts upwards looks like a jar that grows hot, and is
taken for that, which is the safe side: see docs/quality.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLDER: Final = 5.0  # K below room and string: sensors and places in the rack differ by less (IEEE 1188: 3 K)
LASTING: Final = (
    4 * 3600.0
)  # s: four time constants of a big block, in which a room that warms up is caught up with
_MICROSECONDS: Final = 1e6


class Coldness:
    """Since when [µs] each jar's sensor reads too cold; 0 while it does not."""

    def __init__(self, jars: int) -> None:
        self.since = np.zeros(jars, np.int64)

    def step(self, temperature: Floats, good: Flags, normal: Floats, time: int) -> Flags:
        """Take up a scan; where a sensor has been too cold for too long.

        `normal` is the lower one of the string's median and the room.
        """
        cold = good & (temperature < normal - COLDER)
        self.since = np.where(cold, np.where(self.since > 0, self.since, time), np.where(good, 0, self.since))
        return cold & (time - self.since >= LASTING * _MICROSECONDS)

    def fork(self) -> Coldness:
        """One of its own."""
        other = Coldness(len(self.since))
        other.since = self.since.copy()
        return other

    def adopt(self, other: Coldness, where: Flags) -> None:
        """Take some jars of another of the fleet."""
        np.copyto(self.since, other.since, where=where)
