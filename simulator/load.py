"""What each UPS or rectifier carries [W]: a pure function of seed, system and time.

Its mean share of the rated power, the hour of a working day or of the weekend, and a slow random part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Fleet
from simulator.calendar import SECOND, is_weekend, local_hour
from simulator.chance import Floats, Stream, Wander, uniform
from simulator.identity import keys_of
from simulator.parameters import LOAD

_HOUR = 3600 * SECOND


@dataclass(frozen=True)
class Loads:
    """Mean load of each system as a share of its rated power [W]."""

    rated: Floats
    share: Floats
    wander: Wander

    def at(self, time: int) -> Floats:
        """Load of each system at `time` [µs], in W."""
        slow = LOAD.wander * self.wander.at(time)
        return self.rated * np.clip(self.share + profile(time) + slow, LOAD.least, LOAD.most)


def profile(time: int) -> float:
    """Share of the rated power that the hour adds at `time` [µs], between the figures of full hours."""
    hour = local_hour(time)
    ahead = hour - int(hour)
    return (1.0 - ahead) * _at_hour(time) + ahead * _at_hour(time + _HOUR)


def _at_hour(time: int) -> float:
    table = LOAD.weekend if is_weekend(time) else LOAD.workday
    return table[int(local_hour(time)) % 24]


def loads_of(fleet: Fleet, seed: int) -> Loads:
    """The loads of a fleet's systems."""
    key = keys_of(fleet.systems)
    share = LOAD.low + (LOAD.high - LOAD.low) * uniform(seed, Stream.LOAD, key)
    rated = np.array([system.rated_power for system in fleet.systems]) * 1000.0
    return Loads(rated, share, Wander(seed, Stream.LOAD_SLOW, key, LOAD.wander_time))
