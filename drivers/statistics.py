"""How each site's gateway does, as tags of the site: state, round trip, errors, age of the last whole scan.

A source without gateways says so: its sites' tags are BadNotConnected (Part 8, 6.4.3.2).
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import GatewayState

NAMES: Final = ("GatewayState", "GatewayRoundTrip", "GatewayErrors", "GatewayLastScanAge")


@dataclass
class Statistics:
    """What a gateway's driver counts from its start.

    `round_trip` [ms] is the mean of the last scan in which something was answered; `last_scan` (monotonic, s)
    is when everything was answered last.
    """

    state: GatewayState = GatewayState.OFFLINE
    round_trip: float = math.nan
    errors: int = 0
    last_scan: float | None = None

    def answered_in_full(self) -> None:
        """Everything that the map asks for has been answered."""
        self.state = GatewayState.ONLINE
        self.last_scan = clock.monotonic()

    @property
    def age(self) -> float:
        """Time since everything was answered [s]; NaN before the first time."""
        return math.nan if self.last_scan is None else clock.monotonic() - self.last_scan


def readings_of(index: TagIndex, gateways: Sequence[Statistics], time: int) -> Readings:
    """The tags of all sites, whose gateways stand in the fleet's order, at `time` [µs]."""
    state = np.array([gateway.state for gateway in gateways], np.float64)
    trip = np.array([gateway.round_trip for gateway in gateways])
    errors = np.array([gateway.errors for gateway in gateways], np.float64)
    age = np.array([gateway.age for gateway in gateways])
    off = (state == GatewayState.OFFLINE) | np.isnan(trip)
    good = np.full(state.size, st.GOOD, np.uint32)
    status = (
        good,
        np.where(off, np.uint32(st.BAD_NO_COMMUNICATION), good),
        good,
        np.where(np.isnan(age), np.uint32(st.BAD_WAITING_FOR_INITIAL_DATA), good),
    )
    rows = rows_of(index)
    return Readings(
        rows,
        np.concatenate([state, trip, errors, age]),
        np.concatenate(status),
        np.full(rows.size, time, np.int64),
    )


def without_gateways(index: TagIndex, time: int) -> Readings:
    """The same tags where the source has no gateways."""
    rows = rows_of(index)
    return Readings(
        rows,
        np.full(rows.size, np.nan),
        np.full(rows.size, st.BAD_NOT_CONNECTED, np.uint32),
        np.full(rows.size, time, np.int64),
    )


def rows_of(index: TagIndex) -> Index:
    """Rows of the tags, tag by tag in the order of `NAMES`."""
    spans = [index.slice(AssetType.SITE, name) for name in NAMES]
    return np.concatenate([np.arange(span.start, span.stop, dtype=np.intp) for span in spans])
