"""Sensors that stand still while what they measure moves (V4), in one step a scan; pure.

Two signs, neither of which a coarse resolution or a quiet night can give:
- a reading that used to change at nearly every scan, for its noise is greater than its resolution, repeats
  exactly for many scans, while its string's other jars go on (or for long, where a whole monitor froze);
- the string has moved, by far more than the resolution, since the reading changed last.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.scanning.siblings import Siblings

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Changes a reading below which its noise may be smaller than its resolution: rounding a normal error with a
# standard deviation of one step gives 0.72, of half a step 0.53, whatever the value.
LIVELY: Final = 0.75
HISTORY: Final = 50  # readings until that share is known
MEMORY: Final = 200.0  # readings that it is averaged over
REPEATS: Final = 30  # equal readings: of a lively one by chance once in 10^18
FROZEN: Final = 600.0  # s until it counts though all jars of the string stand still
FOLLOWS: Final = 3  # equal readings at least, when the string has moved: monitors read jar by jar
MOVED: Final = (0.3, 1.0)  # V and K that the string has moved
STEPS: Final = 5.0  # resolutions, too
_MICROSECONDS: Final = 1e6


@dataclass
class _Runs:
    """What is remembered of every reading of a jar: the last one; equal ones since, and since when [µs]; the
    share that changed, now and before the run; how many there were; the smallest change, as the resolution;
    where the string stood when the reading changed last (voltage and temperature)."""

    last: Floats
    count: NDArray[np.int32]
    since: NDArray[np.int64]
    activity: Floats
    before: Floats
    readings: NDArray[np.int32]
    resolution: Floats
    anchor: Floats


class Stillness:
    """Runs of equal readings of all jars: voltages, temperatures, ohmic values; shape (3 * jars,)."""

    def __init__(self, siblings: Siblings, jars: int) -> None:
        self._siblings, self._jars = siblings, jars
        size, nothing = 3 * jars, np.full(3 * jars, np.nan)
        count = np.zeros(size, np.int32)
        self._runs = _Runs(
            nothing,
            count,
            np.zeros(size, np.int64),
            np.zeros(size),
            np.zeros(size),
            count.copy(),
            np.full(size, np.inf),
            nothing.copy(),
        )
        self._moved = np.repeat((*MOVED, np.inf), jars)

    def step(self, value: Floats, good: Flags, common: Floats, time: int) -> Flags:
        """Take up a scan at `time` [µs]; where a sensor is stuck.

        `good` readings are there; `common` is where each one's string stands now, NaN where that is unknown.
        """
        runs = self._runs
        same = good & (value == runs.last)
        moved = good & ~same
        runs.since[moved] = time
        runs.count = np.where(same, runs.count + 1, np.where(moved, 0, runs.count))
        self._learn(value, good, moved, common)
        return self._silent(good, time) | self._left_behind(good, common)

    def fork(self) -> Stillness:
        """One of its own that remembers the same."""
        other = Stillness(self._siblings, self._jars)
        other._runs = _Runs(*(getattr(self._runs, field.name).copy() for field in fields(_Runs)))
        return other

    def adopt(self, other: Stillness, where: Flags) -> None:
        """Take some readings of another of the fleet."""
        for field in fields(_Runs):
            np.copyto(getattr(self._runs, field.name), getattr(other._runs, field.name), where=where)

    def _learn(self, value: Floats, good: Flags, moved: Flags, common: Floats) -> None:
        runs = self._runs
        change = np.abs(value - runs.last)
        runs.resolution = np.fmin(runs.resolution, np.where(moved, change, np.inf))
        another = good & ~np.isnan(runs.last)
        runs.readings += another
        weight = another / np.clip(runs.readings, 1.0, MEMORY)
        runs.activity += (moved - runs.activity) * weight
        np.copyto(runs.before, runs.activity, where=moved & (runs.readings >= HISTORY))
        np.copyto(runs.anchor, common, where=moved)
        np.copyto(runs.last, value, where=good)

    def _silent(self, good: Flags, time: int) -> Flags:
        runs = self._runs
        silent = good & (runs.count >= REPEATS) & (runs.before >= LIVELY)
        if not silent.any():
            return silent
        others = runs.count.reshape(3, -1) < REPEATS / 2
        first, string = self._siblings.first, self._siblings.string
        share = np.add.reduceat(others.astype(np.float64), first, axis=1)
        share /= np.add.reduceat(np.ones(self._jars), first)
        alone = share[:, string].reshape(-1) >= 0.5
        return silent & (alone | (time - runs.since >= FROZEN * _MICROSECONDS))

    def _left_behind(self, good: Flags, common: Floats) -> Flags:
        runs = self._runs
        away = np.abs(common - runs.anchor)
        left = good & (runs.count >= FOLLOWS) & (away >= self._moved)
        if not left.any():
            return left
        return left & (away >= STEPS * self._resolution_beside())

    def _resolution_beside(self) -> Floats:
        """Resolution of each reading: the finest change seen in its string, infinity where there was none."""
        first, string = self._siblings.first, self._siblings.string
        finest = np.minimum.reduceat(self._runs.resolution.reshape(3, -1), first, axis=1)
        beside: Floats = finest[:, string].reshape(-1)
        return beside
