"""Alarms that come and go too often to be of use: chattering ones, and fleeting ones (ISA-18.2, 16.5.5)."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from config import alarmmanagement as config
from nodeset.fleet import Index
from server.alarms.definition import MICROSECONDS
from server.alarms.state import Flags, Times


class Chattering:
    """Which of all conditions chatter, since when, and how often each has been raised since."""

    def __init__(self, size: int, settings: config.Chattering) -> None:
        self._within = round(settings.within * MICROSECONDS)
        self._quiet = round(settings.quiet * MICROSECONDS)
        # The last times at which each was raised, the latest last; 0 is never.
        self._raised: Times = np.zeros((size, settings.activations), np.int64)
        self._rows: Index = np.empty(0, np.intp)
        self.since: Times = np.zeros(size, np.int64)  # 0: it does not chatter
        self.count: NDArray[np.uint32] = np.zeros(size, np.uint32)

    @property
    def rows(self) -> Index:
        """Those that chatter."""
        return self._rows

    def raise_(self, rows: Index, time: int) -> None:
        """Alarms were raised, each once."""
        last = self._raised[rows]
        last[:, :-1] = last[:, 1:]
        last[:, -1] = time
        self._raised[rows] = last
        first = last[:, 0]
        self.count[rows] += 1
        begins = (self.since[rows] == 0) & (first > 0) & (time - first <= self._within)
        if begins.any():
            new = rows[begins]
            self.since[new], self.count[new] = first[begins], last.shape[1]
            self._rows = np.concatenate([self._rows, new])

    def settle(self, time: int) -> None:
        """Those that have been quiet for long enough chatter no more."""
        if not len(self._rows):
            return
        over = time - self._raised[self._rows, -1] >= self._quiet
        self.since[self._rows[over]] = 0
        self._rows = self._rows[~over]

    def fleeting(self, rows: Index, time: int, shortest: int) -> Flags:
        """Which of the conditions that have just become inactive had been raised for less [µs]."""
        last = self._raised[rows, -1]
        fleeting: Flags = (last > 0) & (time - last < shortest)
        return fleeting

    def copy(self) -> Chattering:
        """Another that goes on from here."""
        other = copy(self)
        other._raised, other._rows = self._raised.copy(), self._rows.copy()
        other.since, other.count = self.since.copy(), self.count.copy()
        return other
