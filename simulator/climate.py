"""Weather at each site: temperature and humidity outdoors as a pure function of seed, site and time.

Regional normals by season, the daily wave, the site's own offset, and weather of days and of hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Fleet, Index
from simulator.calendar import DAY, local_hour, seasons, seconds
from simulator.chance import Floats, Stream, smooth
from simulator.identity import keys_of
from simulator.parameters import CLIMATE

_HOTTEST_HOUR = 14.5
_DAYS = 1.4  # K, weather of a few days
_HOURS = 0.5  # K, clouds and showers
_DRYING = 2.0  # % of humidity per K


@dataclass(frozen=True)
class Climate:
    """Normals of each site, shape (sites, 3 seasons)."""

    seed: int
    key: Index
    temperature: Floats
    amplitude: Floats
    humidity: Floats

    def outdoors(self, time: int) -> tuple[Floats, Floats]:
        """Temperature [°C] and relative humidity [%] of each site at `time` [µs]."""
        weight = seasons(time)
        wave = np.cos((local_hour(time) - _HOTTEST_HOUR) * (np.pi / 12.0))
        day = seconds(time) / DAY
        change = (
            self.amplitude @ weight * wave
            + _DAYS * smooth(self.seed, Stream.WEATHER_DAYS, self.key, day / 3.0)
            + _HOURS * smooth(self.seed, Stream.WEATHER_HOURS, self.key, day * 8.0)
        )
        humidity = np.clip(self.humidity @ weight - _DRYING * change, 20.0, 100.0)
        return self.temperature @ weight + change, humidity


def climate_of(fleet: Fleet, seed: int) -> Climate:
    """The climate of a fleet's sites."""
    normals = [CLIMATE[site.region] for site in fleet.sites]
    offset = np.array([[site.temperature_offset] for site in fleet.sites])
    return Climate(
        seed,
        keys_of(fleet.sites),
        np.array([normal.temperature for normal in normals]) + offset,
        np.array([normal.amplitude for normal in normals], np.float64),
        np.array([normal.humidity for normal in normals], np.float64),
    )
