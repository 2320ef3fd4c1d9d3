"""Weather at each site: temperature and humidity outdoors as a pure function of seed, site and time.

Regional normals by season, the daily wave, the site's own offset, and weather of days and of hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Fleet
from simulator.calendar import local_hour, seasons
from simulator.chance import Floats, Stream, Wander
from simulator.identity import keys_of
from simulator.parameters import CLIMATE, WEATHER


@dataclass(frozen=True)
class Climate:
    """Normals of each site, shape (sites, 3 seasons), and the weather of its days and hours."""

    temperature: Floats
    amplitude: Floats
    humidity: Floats
    days: Wander
    hours: Wander

    def outdoors(self, time: int) -> tuple[Floats, Floats]:
        """Temperature [°C] and relative humidity [%] of each site at `time` [µs]."""
        weather = WEATHER.days * self.days.at(time) + WEATHER.hours * self.hours.at(time)
        return self._on(time, weather)

    def normal(self, time: int) -> tuple[Floats, Floats]:
        """What `outdoors` is on average at this time of the year and hour."""
        return self._on(time, np.zeros(len(self.temperature)))

    def _on(self, time: int, weather: Floats) -> tuple[Floats, Floats]:
        weight = seasons(time)
        wave = math.cos((local_hour(time) - WEATHER.hottest_hour) * (math.pi / 12.0))
        change = self.amplitude @ weight * wave + weather
        humidity = np.clip(self.humidity @ weight - WEATHER.drying * change, 20.0, 100.0)
        return self.temperature @ weight + change, humidity


def climate_of(fleet: Fleet, seed: int) -> Climate:
    """The climate of a fleet's sites."""
    normals = [CLIMATE[site.region] for site in fleet.sites]
    offset = np.array([[site.temperature_offset] for site in fleet.sites])
    key = keys_of(fleet.sites)
    return Climate(
        np.array([normal.temperature for normal in normals]) + offset,
        np.array([normal.amplitude for normal in normals], np.float64),
        np.array([normal.humidity for normal in normals], np.float64),
        Wander(seed, Stream.WEATHER_DAYS, key, WEATHER.days_time),
        Wander(seed, Stream.WEATHER_HOURS, key, WEATHER.hours_time),
    )
