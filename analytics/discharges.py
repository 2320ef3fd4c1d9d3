"""Which discharges each jar went through, from the outages of its site and what its system carried; pure.

Currents are not asked: at a scan a minute a short discharge may be missed, and its sign is lost in the noise
of a float current. An outage counts on the day of UTC on which it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.parameters import Array, Mask, Parameters, Single
from analytics.runtime import INVERTER_EFFICIENCY

SHORTEST: Final = 60.0  # s: what scans of a real site, once a minute, would miss is left out everywhere
CELL_VOLTAGE: Final = 2.0  # V, nominal, at which the load's power is taken from the rated energy
_DAY: Final = 86_400_000_000  # µs


@dataclass(frozen=True)
class Outages:
    """When sites had no mains, arrays of shape (outages,); times in µs since 1970."""

    site: NDArray[np.intp]
    began: NDArray[np.int64]
    ended: NDArray[np.int64]


def discharges(
    outages: Outages, load: Single, first: int, parameters: Parameters, site: NDArray[np.intp], read: Mask
) -> tuple[Single, Single]:
    """Number of outages by day and jar, and the charge [Ah] that they drew, as `Days` has them.

    `load` [kW] has the shape (days, systems), of the days from `first` (since 1970) on; where it is not
    known, the system's mean stands for it. `site` is each jar's, `read` (days, jars) says what was read at
    all: where nothing was, nobody knows of outages.
    """
    count, drawn = (np.where(read, np.float32(0), np.float32(np.nan)) for _ in range(2))
    share = _hourly_share(load, parameters)
    system_of_jar, capacity = parameters.system_of_jar, parameters.capacity
    for place, began, ended in zip(outages.site, outages.began, outages.ended, strict=True):
        day, hours = int(began // _DAY) - first, (ended - began) / 3.6e9
        if not 0 <= day < len(load) or hours * 3600 < SHORTEST:
            continue
        jars = np.flatnonzero(site == place)
        depth = np.minimum(share[day, system_of_jar[jars]] * hours, 1.0)
        count[day, jars] = np.nan_to_num(count[day, jars]) + 1
        drawn[day, jars] = np.nan_to_num(drawn[day, jars]) + (depth * capacity[jars]).astype(np.float32)
    return count, drawn


def _hourly_share(load: Single, parameters: Parameters) -> Array:
    """Share of its batteries' rated energy that a system's load takes in an hour, shape (days, systems)."""
    rated = np.bincount(
        parameters.system_of_jar, parameters.capacity * parameters.cells * CELL_VOLTAGE, parameters.systems
    )
    known = ~np.isnan(load)
    total = np.where(known, load, 0).sum(axis=0, dtype=np.float64)
    usual = total / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.where(known, load, usual) * 1000 / INVERTER_EFFICIENCY / np.maximum(rated, 1e-9))
