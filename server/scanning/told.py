"""What the twin is told of single jars, beside readings: replacements and capacity tests; pure.

Each is felt once, with the first scan after its time, also when it is told late, and over a restart: `felt`
is saved with the state that has felt it.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Renewal:
    """Jar number `jar` was replaced at `time` [µs] by one of this resistance as new [mΩ at 25 °C]."""

    jar: int
    time: int
    baseline: float


@dataclass(frozen=True, slots=True)
class CapacityFound:
    """A test that ended at `time` [µs] found this capacity [Ah, 10 h rate at 25 °C] in jar number `jar`."""

    jar: int
    time: int
    capacity: float


Item = TypeVar("Item", bound=Renewal | CapacityFound)


class Told(Generic[Item]):
    """All that was told of the jars of a fleet; `felt` [µs], shape (jars,), is what each has felt last."""

    def __init__(self, jars: int) -> None:
        self.felt: NDArray[np.int64] = np.zeros(jars, np.int64)
        self._all: list[Item] = []
        self._due: list[Item] = []

    def tell(self, items: Iterable[Item]) -> None:
        """Further ones, in any order."""
        self._all = sorted([*self._all, *items], key=lambda each: each.time)
        self.resume(self.felt)

    def resume(self, felt: NDArray[np.int64]) -> None:
        """Go on with a state that has felt this."""
        self.felt = felt
        self._due = [each for each in self._all if each.time > felt[each.jar]]

    def past(self) -> list[Item]:
        """Those that are felt, oldest first."""
        return [each for each in self._all if each.time <= self.felt[each.jar]]

    def take(self, time: int) -> list[Item]:
        """Those to be felt now, oldest first."""
        if not self._due or self._due[0].time > time:
            return []
        found = [each for each in self._due if each.time <= time]
        felt = self.felt.copy()
        for each in found:
            felt[each.jar] = each.time
        self.felt, self._due = felt, [each for each in self._due if each.time > time]
        return found

    def fork(self) -> Told[Item]:
        """One of its own that was told the same."""
        return copy(self)
