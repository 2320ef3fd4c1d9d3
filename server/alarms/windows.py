"""How far values have risen or fallen within a window of time, for conditions on a rate of change; pure.

A window is kept as the lowest and highest value of each of its parts, so its memory is the same at scans of
1 s and of 60 s. It reaches back its length and at most a part further. A hole in the data empties it as it
grows old; when the clock is set back, what was kept of a time that is still to come is dropped.
"""

from __future__ import annotations

from copy import copy
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PARTS: Final = 30
_SLOTS: Final = PARTS + 1  # the last part is not over yet
_EMPTY: Final = -1


class Window:
    """The last `length` [µs] of `size` values."""

    def __init__(self, size: int, length: int) -> None:
        self._width = max(length // PARTS, 1)
        self._part = np.full(_SLOTS, _EMPTY, np.int64)  # the part of time that each slot is of
        self._low = np.full((_SLOTS, size), np.inf)
        self._high = np.full((_SLOTS, size), -np.inf)

    def note(self, value: Floats, known: Flags, time: int) -> None:
        """Take in the values at `time` [µs] that are `known`, and forget what is too old."""
        part = time // self._width
        gone = (self._part > part) | (self._part <= part - _SLOTS)
        self._low[gone], self._high[gone], self._part[gone] = np.inf, -np.inf, _EMPTY
        slot = part % _SLOTS
        self._part[slot] = part
        np.fmin(self._low[slot], value, out=self._low[slot], where=known)
        np.fmax(self._high[slot], value, out=self._high[slot], where=known)

    def rise(self, value: Floats) -> Floats:
        """How far values are above the lowest that is known, 0 where nothing is."""
        rise: Floats = np.maximum(value - self._low.min(axis=0), 0.0)
        return rise

    def fall(self, value: Floats) -> Floats:
        """How far values are below the highest that is known, as a negative number."""
        fall: Floats = np.minimum(value - self._high.max(axis=0), 0.0)
        return fall

    def fork(self) -> Window:
        """A window of its own that remembers the same."""
        other = copy(self)
        other._part, other._low, other._high = self._part.copy(), self._low.copy(), self._high.copy()
        return other

    def adopt(self, other: Window, places: Index) -> None:
        """Take some values from another window; parts of time that only one of them has seen are dropped."""
        same = (self._part == other._part)[:, None]
        self._low[:, places] = np.where(same, other._low[:, places], np.inf)
        self._high[:, places] = np.where(same, other._high[:, places], -np.inf)

    def save(self) -> dict[str, NDArray[np.generic]]:
        """All that is remembered."""
        return {"part": self._part.copy(), "low": self._low.copy(), "high": self._high.copy()}

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> bool:
        """Take up what `save` gave; False where it is of another size."""
        if saved["low"].shape != self._low.shape or saved["part"].shape != self._part.shape:
            return False
        self._part = saved["part"].astype(np.int64)
        self._low, self._high = saved["low"].astype(np.float64), saved["high"].astype(np.float64)
        return True
