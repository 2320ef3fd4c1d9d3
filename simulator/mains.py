"""Mains supply of each site: outages by region and season as a pure function of seed, site and time.

Every week of a site holds at most one outage, whose chance follows the region's yearly number and the
season; the plant steps from change to change, so it asks when the next one is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet, Index
from simulator.calendar import DAY, SECOND, YEAR, seasons
from simulator.chance import Floats, Stream, normal, uniform
from simulator.identity import keys_of
from simulator.parameters import CLIMATE, OUTAGE_LONGEST, OUTAGE_MEDIAN, OUTAGE_SEASON, OUTAGE_SPREAD

WEEK = round(7 * DAY * SECOND)
_SEASON_YEAR = np.array([2.0, 5.0, 5.0]) @ np.array(OUTAGE_SEASON) / 12.0  # mean over the year
_NEVER = np.iinfo(np.int64).max
_KNOWN_WEEKS = 8

Outages = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Mains:
    """Yearly number of outages of each site."""

    seed: int
    key: Index
    rate: Floats
    _known: dict[int, Outages] = field(default_factory=dict)

    def present(self, time: int) -> NDArray[np.bool_]:
        """Where mains is present at `time` [µs]."""
        start, end = self._outages(time // WEEK)
        return ~((start <= time) & (time < end))

    def next_change(self, time: int) -> int:
        """When mains next changes anywhere after `time`, looking one week ahead [µs]."""
        week = time // WEEK
        edges = np.concatenate([edge for w in (week, week + 1) for edge in self._outages(w)])
        later = edges[edges > time]
        return int(later.min()) if later.size else (week + 1) * WEEK

    def last_start(self, time: int) -> int | None:
        """When the last outage anywhere before `time` began, looking up to a week back [µs]."""
        starts = np.concatenate([self._outages(w)[0] for w in (time // WEEK - 1, time // WEEK)])
        earlier = starts[starts <= time]
        return int(earlier.max()) if earlier.size else None

    def _outages(self, week: int) -> Outages:
        """Start and end of each site's outage in a week; never where there is none."""
        if week not in self._known:
            if len(self._known) >= _KNOWN_WEEKS:
                self._known.clear()
            self._known[week] = self._drawn(week)
        return self._known[week]

    def _drawn(self, week: int) -> Outages:
        first = week * WEEK
        season = seasons(first) @ np.array(OUTAGE_SEASON) / _SEASON_YEAR
        chance = 1.0 - np.exp(-self.rate * season * (7 * DAY / YEAR))
        spread = np.exp(OUTAGE_SPREAD * normal(self.seed, Stream.OUTAGE_LENGTH, self.key, week))
        length = np.clip(OUTAGE_MEDIAN * spread, 5.0, OUTAGE_LONGEST) * SECOND
        place = uniform(self.seed, Stream.OUTAGE_START, self.key, week)
        start = (first + place * (WEEK - length)).astype(np.int64)
        none = uniform(self.seed, Stream.OUTAGE, self.key, week) >= chance
        return np.where(none, _NEVER, start), np.where(none, _NEVER, start + length.astype(np.int64))


def mains_of(fleet: Fleet, seed: int) -> Mains:
    """The mains of a fleet's sites."""
    rate = np.array([CLIMATE[site.region].outages for site in fleet.sites])
    return Mains(seed, keys_of(fleet.sites), rate)
