"""What each UPS or rectifier carries [W]: a pure function of seed, system and time, busiest after noon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Fleet, Index
from simulator.calendar import DAY, local_hour, seconds
from simulator.chance import Floats, Stream, smooth, uniform
from simulator.identity import keys_of
from simulator.parameters import LOAD

_BUSIEST_HOUR = 14.5


@dataclass(frozen=True)
class Loads:
    """Mean load of each system as a share of its rated power [W]."""

    seed: int
    key: Index
    rated: Floats
    share: Floats

    def at(self, time: int) -> Floats:
        """Load of each system at `time` [µs], in W."""
        wave = LOAD.daily * np.cos((local_hour(time) - _BUSIEST_HOUR) * (np.pi / 12.0))
        slow = LOAD.weather * smooth(self.seed, Stream.LOAD_SLOW, self.key, seconds(time) / DAY * 12.0)
        load: Floats = self.rated * np.clip(self.share + wave + slow, 0.05, 1.0)
        return load


def loads_of(fleet: Fleet, seed: int) -> Loads:
    """The loads of a fleet's systems."""
    key = keys_of(fleet.systems)
    share = LOAD.low + (LOAD.high - LOAD.low) * uniform(seed, Stream.LOAD, key)
    return Loads(seed, key, np.array([system.rated_power for system in fleet.systems]) * 1000.0, share)
