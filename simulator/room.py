"""Battery rooms: temperature and humidity of each site's room, with and without air conditioning, and when
that fails and is repaired.

One exact exponential a step, so a step may be of any length. `settled` is where a room ends up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet, Index
from simulator.calendar import SECOND, seconds
from simulator.chance import Floats, Stream, normal, uniform
from simulator.identity import keys_of
from simulator.interruptions import Interruptions, Pattern, Streams
from simulator.parameters import FAILURES, THERMAL

Weather = tuple[Floats, Floats]

_STREAMS = Streams(Stream.HVAC, Stream.HVAC_START, Stream.HVAC_LENGTH)
_PATTERN = Pattern(
    FAILURES.hvac_season,
    28.0,
    FAILURES.hvac_median,
    FAILURES.hvac_spread,
    FAILURES.hvac_shortest,
    FAILURES.hvac_longest,
)


@dataclass(frozen=True)
class RoomState:
    """Temperature [°C] and relative humidity [%] of each room, and how far its thermostat swings [0-1]."""

    temperature: Floats
    humidity: Floats
    swing: Floats


@dataclass(frozen=True)
class Rooms:
    """Set-point [°C] and thermostat phase of each site's room."""

    set_point: Floats
    phase: Floats

    def settled(self, weather: Weather, time: int) -> RoomState:
        """The state that working HVAC holds in this weather."""
        warm = np.maximum(weather[0] - self.set_point, 0.0)
        temperature = self.set_point + THERMAL.droop * warm + self._swing(time)
        humidity = THERMAL.humidity_on + THERMAL.humidity_slope * (weather[1] - 70.0)
        return RoomState(temperature, humidity, np.ones_like(temperature))

    def step(
        self, state: RoomState, weather: Weather, hvac: NDArray[np.bool_], time: int, dt: float
    ) -> RoomState:
        """The rooms `dt` [s] later, at `time`; without HVAC a room warms above the weather."""
        cooled = self.settled(weather, time)
        before, swing = self._swing(time - round(dt * SECOND)), self._swing(time)
        pull = 1.0 - np.exp(-dt / np.where(hvac, THERMAL.lag_on, THERMAL.lag_off))
        goal = np.where(hvac, cooled.temperature - swing, weather[0] + THERMAL.gain_off)
        moist = np.where(hvac, cooled.humidity, weather[1] * THERMAL.humidity_off)
        level = state.temperature - before * state.swing
        swings = state.swing + (hvac - state.swing) * pull
        return RoomState(
            level + (goal - level) * pull + swing * swings,
            state.humidity + (moist - state.humidity) * pull,
            swings,
        )

    def _swing(self, time: int) -> Floats:
        turn = seconds(time) / THERMAL.swing_period + self.phase
        swing: Floats = THERMAL.swing * np.sin(2.0 * np.pi * turn)
        return swing


def rooms_of(fleet: Fleet, seed: int) -> Rooms:
    """The rooms of a fleet's sites."""
    key: Index = keys_of(fleet.sites)
    scatter = THERMAL.set_point_scatter * normal(seed, Stream.SET_POINT, key)
    return Rooms(THERMAL.set_point + scatter, uniform(seed, Stream.SWING, key))


def hvac_failures_of(fleet: Fleet, seed: int) -> Interruptions:
    """When the air conditioning of each site's room fails, and is repaired."""
    rate = np.full(len(fleet.sites), FAILURES.hvac)
    return Interruptions(seed, _STREAMS, _PATTERN, keys_of(fleet.sites), rate)
