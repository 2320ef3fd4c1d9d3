"""The plant's calendar: local time of Thailand and the weight of its three seasons.

Seasons blend into each other between their centres, so that nothing jumps on the first of a month.
"""

from __future__ import annotations

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


def seasons(time: int) -> Floats:
    """Weights of hot, rainy and cool season at `time` [µs], shape (3,), sum 1."""
    day = (seconds(time) + _ZONE) % YEAR / DAY
    return np.array([np.interp(day, SEASON_CENTRES, one, period=365.25) for one in np.eye(3)])
