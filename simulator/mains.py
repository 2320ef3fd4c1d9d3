"""Mains supply of each site: outages by region and season as a pure function of seed, site and time."""

from __future__ import annotations

import numpy as np

from nodeset.fleet import Fleet
from simulator.chance import Stream
from simulator.identity import keys_of
from simulator.interruptions import Interruptions, Pattern, Streams
from simulator.parameters import (
    CLIMATE,
    OUTAGE_LONGEST,
    OUTAGE_MEDIAN,
    OUTAGE_SEASON,
    OUTAGE_SHORTEST,
    OUTAGE_SPREAD,
)

_STREAMS = Streams(Stream.OUTAGE, Stream.OUTAGE_START, Stream.OUTAGE_LENGTH)
_PATTERN = Pattern(OUTAGE_SEASON, 7.0, OUTAGE_MEDIAN, OUTAGE_SPREAD, OUTAGE_SHORTEST, OUTAGE_LONGEST)


def outages_of(fleet: Fleet, seed: int) -> Interruptions:
    """The outages of the mains of a fleet's sites."""
    rate = np.array([CLIMATE[site.region].outages for site in fleet.sites])
    return Interruptions(seed, _STREAMS, _PATTERN, keys_of(fleet.sites), rate)


def log_of_outages(fleet: Fleet, seed: int, begin: int, end: int) -> list[tuple[str, int, int]]:
    """The outages that were under way between two times [µs], oldest first: site, begin and end [µs]."""
    found = outages_of(fleet, seed).between(begin, end)
    return [(fleet.sites[site].path, began, ended) for site, began, ended in found]
