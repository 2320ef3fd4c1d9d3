"""The plant's calendar: local time of Thailand, its weekends, and the weight of its three seasons.

Seasons blend into each other between their centres, so that nothing jumps on the first of a month.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulator.chance import Floats
from simulator.parameters import SEASON_CENTRES

SECOND = 1_000_000  # µs
DAY = 86_400.0  # s
YEAR = 365.25 * DAY  # s
_ZONE = 7 * 3600.0  # UTC+7, no daylight saving


def seconds(time: int) -> float:
    """Seconds since 1970 of a time in µs."""
    return time / SECOND


def local_hour(time: int) -> float:
    """Hour of the day in Thailand, 0 to 24, at `time` [µs]."""
    return (seconds(time) + _ZONE) % DAY / 3600.0


def is_weekend(time: int) -> bool:
    """Whether it is Saturday or Sunday in Thailand at `time` [µs]."""
    day = int((seconds(time) + _ZONE) // DAY)
    return (day + 3) % 7 >= 5  # 1970 began on a Thursday


def seasons(time: int) -> Floats:
    """Weights of hot, rainy and cool season at `time` [µs], shape (3,), sum 1."""
    day = (seconds(time) + _ZONE) % YEAR / DAY
    hot, rainy, cool = SEASON_CENTRES
    for centre, following, after in ((hot, rainy, 1), (rainy, cool, 2), (cool, hot + 365.25, 0)):
        if centre <= day < following or centre <= day + 365.25 < following:
            along = ((day - centre) % 365.25) / (following - centre)
            weights = np.zeros(3)
            weights[after - 1], weights[after] = 1.0 - along, along
            return weights
    raise AssertionError("the seasons cover the year")


@lru_cache
def yearly_mean(weights: tuple[float, float, float]) -> float:
    """Mean over the year of a figure given for hot, rainy and cool season."""
    days = range(365)
    return float(np.mean([seasons(round(day * DAY * SECOND)) @ np.array(weights) for day in days]))
