"""What fails and comes back by chance: when, where and how long, as a pure function of seed, key and time.

Time is cut into blocks. A block of a key holds at most one interruption, which lies wholly in it and whose
chance follows the yearly rate and the season, so that their mean number is the rate. The plant steps from
change to change, so it asks when the next one is.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from simulator.calendar import DAY, SECOND, YEAR, seasons, yearly_mean
from simulator.chance import Floats, Stream, normal, uniform

NEVER = int(np.iinfo(np.int64).max)
_MOST_CHANCE = 0.98  # of an interruption in a block
_KNOWN_BLOCKS = 64

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """What the draws are for: whether, when in its block, and how long."""

    whether: Stream
    start: Stream
    length: Stream


@dataclass(frozen=True)
class Pattern:
    """How often by season (hot, rainy, cool, against each other), in blocks of how many days, and how long:
    median [s], standard deviation of the logarithm, least and most [s]."""

    season: tuple[float, float, float]
    days: float
    median: float
    spread: float
    shortest: float
    longest: float


@dataclass(frozen=True)
class Interruptions:
    """Interruptions of each key at a yearly rate."""

    seed: int
    streams: Streams
    pattern: Pattern
    key: Index
    rate: Floats
    _known: dict[int, tuple[Times, Times]] = field(default_factory=dict)
    _edges: dict[int, list[int]] = field(default_factory=dict)

    def active(self, time: int) -> NDArray[np.bool_]:
        """Which keys are interrupted at `time` [µs]."""
        start, end = self.block(time // self._block)
        active: NDArray[np.bool_] = (start <= time) & (time < end)
        return active

    def next_change(self, time: int) -> int:
        """When something next begins or ends anywhere after `time`, or the end of the next block [µs]."""
        block = time // self._block
        for candidate in (block, block + 1):
            edges = self._edges_of(candidate)
            found = bisect_right(edges, time)
            if found < len(edges):
                return edges[found]
        return int((block + 2) * self._block)

    def busy_since(self, time: int, memory: int) -> int | None:
        """When the first of the interruptions began that `time` [µs] still knows of: those under way, and
        those that ended less than `memory` [µs] before it."""
        blocks = range((time - memory) // self._block - 1, time // self._block + 1)
        spans = [self.block(block) for block in blocks]
        starts = np.concatenate([start for start, _ in spans])
        ends = np.concatenate([end for _, end in spans])
        known = (starts <= time) & (ends > time - memory)
        return int(starts[known].min()) if known.any() else None

    def between(self, begin: int, end: int) -> list[tuple[int, int, int]]:
        """Those under way at some time from `begin` to before `end` [µs], by their start: number of the key,
        start and end [µs]."""
        found: list[tuple[int, int, int]] = []
        for block in range(begin // self._block, (end - 1) // self._block + 1):
            starts, ends = self.block(block)
            keys = np.flatnonzero((starts < end) & (ends > begin)).tolist()
            found.extend((key, int(starts[key]), int(ends[key])) for key in keys)
        return sorted(found, key=lambda each: each[1])

    def block(self, number: int) -> tuple[Times, Times]:
        """Start and end [µs] of each key's interruption in a block; `NEVER` where there is none."""
        if number not in self._known:
            if len(self._known) >= _KNOWN_BLOCKS:
                self._known.clear()
                self._edges.clear()
            self._known[number] = self._drawn(number)
        return self._known[number]

    def number(self, time: int) -> int:
        """Number of the block that `time` [µs] lies in."""
        return time // self._block

    @property
    def _block(self) -> int:
        return round(self.pattern.days * DAY * SECOND)

    def _edges_of(self, number: int) -> list[int]:
        start, end = self.block(number)
        if number not in self._edges:
            both = np.concatenate([start, end])
            self._edges[number] = np.sort(both[both < NEVER]).tolist()
        return self._edges[number]

    def _drawn(self, number: int) -> tuple[Times, Times]:
        pattern, first = self.pattern, number * self._block
        season = seasons(first + self._block // 2) @ np.array(pattern.season) / yearly_mean(pattern.season)
        chance = np.minimum(self.rate * season * (pattern.days * DAY / YEAR), _MOST_CHANCE)
        spread = np.exp(pattern.spread * normal(self.seed, self.streams.length, self.key, number))
        length = np.clip(pattern.median * spread, pattern.shortest, pattern.longest) * SECOND
        place = uniform(self.seed, self.streams.start, self.key, number)
        start = (first + place * (self._block - length)).astype(np.int64)
        none = uniform(self.seed, self.streams.whether, self.key, number) >= chance
        return np.where(none, NEVER, start), np.where(none, NEVER, start + length.astype(np.int64))
