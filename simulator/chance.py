"""Chance without memory: random numbers that depend on nothing but seed, stream and keys.

The same (seed, stream, keys) gives the same number whenever it is asked for, so the plant needs no
generator state and a restart continues where it was. The hash is SplitMix64 (Steele, Lea and Flood,
OOPSLA 2014, doi:10.1145/2660193.2660195).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
_M1 = np.uint64(0xBF58_476D_1CE4_E5B9)
_M2 = np.uint64(0x94D0_49BB_1331_11EB)
_LOW = np.uint64(0x0000_FFFF_0000_FFFF)
_ALL = 0xFFFF_FFFF_FFFF_FFFF


class Stream(IntEnum):
    """What a random number is for; streams are independent of each other."""

    WEATHER_DAYS = auto()
    WEATHER_HOURS = auto()
    SET_POINT = auto()
    SWING = auto()
    LOAD = auto()
    LOAD_SLOW = auto()
    OUTAGE = auto()
    OUTAGE_START = auto()
    OUTAGE_LENGTH = auto()
    JAR_PLACE = auto()
    JAR_FLOAT = auto()
    JAR_LIFE = auto()
    JAR_EARLY = auto()
    JAR_CAPACITY = auto()
    SENSOR_BIAS = auto()
    SENSOR_NOISE = auto()
    SENSOR_GAP = auto()
    SENSOR_DRIFT = auto()
    HVAC = auto()
    HVAC_START = auto()
    HVAC_LENGTH = auto()
    JAR_SUDDEN = auto()
    JAR_FAULT = auto()
    JAR_DELAY = auto()
    JAR_RESISTANCE = auto()


def uniform(seed: int, stream: Stream, *keys: ArrayLike) -> Floats:
    """Numbers in (0, 1), one for each broadcast combination of whole-numbered keys."""
    return (np.asarray(_bits(seed, stream, keys) >> np.uint64(11), np.float64) + 0.5) * 2.0**-53


def normal(seed: int, stream: Stream, *keys: ArrayLike) -> Floats:
    """Standard normal numbers (Box and Muller), one for each broadcast combination of keys."""
    bits = _bits(seed, stream, keys)
    radius = np.asarray(bits >> np.uint64(32), np.float64)
    angle = np.asarray(bits & np.uint64(0xFFFF_FFFF), np.float64)
    result: Floats = np.sqrt(-2.0 * np.log((radius + 0.5) * 2.0**-32)) * np.cos(angle * (2.0**-31 * np.pi))
    return result


@dataclass(frozen=True)
class Wander:
    """The smooth noise of some keys along time: one independent draw every `span` [s]. It remembers the draws
    about the time that was asked for last."""

    seed: int
    stream: Stream
    key: NDArray[np.intp]
    span: float
    _knots: dict[int, Floats] = field(default_factory=dict)

    def at(self, time: int) -> Floats:
        """The noise at `time` [µs], standard normal, shape as `key`."""
        position = time / (self.span * 1e6)
        knot = int(np.floor(position))
        x = position - knot
        weight = x * x * (3.0 - 2.0 * x)
        a, b = self._knot(knot), self._knot(knot + 1)
        noise: Floats = (a * (1.0 - weight) + b * weight) / np.hypot(1.0 - weight, weight)
        return noise

    def _knot(self, knot: int) -> Floats:
        found = self._knots.get(knot)
        if found is None:
            if len(self._knots) > 3:
                self._knots.clear()
            found = self._knots[knot] = normal(self.seed, self.stream, self.key, knot)
        return found


@dataclass(frozen=True)
class Ripple:
    """Cheap noise of some keys, new at every tick: the sum of four uniform numbers, whose shares beyond
    1, 2 and 3 standard deviations are within 1.5 % of the normal ones, and which ends at 3.5."""

    state: NDArray[np.uint64]

    def at(self, tick: int) -> Floats:
        """Numbers with mean 0 and standard deviation 1, shape as the keys."""
        bits = _mix(self.state + np.uint64(int(tick) * int(_GOLDEN) & _ALL))
        pairs = (bits & _LOW) + ((bits >> np.uint64(16)) & _LOW)
        four = (pairs & np.uint64(0xFFFF_FFFF)) + (pairs >> np.uint64(32))
        noise: Floats = (four.astype(np.float64) - 2.0 * 65_535.0) * (np.sqrt(3.0) / 65_536.0)
        return noise


def ripple_of(seed: int, stream: Stream, key: ArrayLike) -> Ripple:
    """The ripple of some keys."""
    return Ripple(_bits(seed, stream, (key,)))


def _bits(seed: int, stream: Stream, keys: tuple[ArrayLike, ...]) -> NDArray[np.uint64]:
    state = _mix(np.atleast_1d(np.uint64(seed & 0xFFFF_FFFF_FFFF_FFFF)) ^ np.uint64(stream << 48))
    for key in keys:
        state = _mix(state + np.atleast_1d(np.asarray(key, np.int64)).astype(np.uint64) * _GOLDEN)
    return state


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _M1
    x = (x ^ (x >> np.uint64(27))) * _M2
    return x ^ (x >> np.uint64(31))
