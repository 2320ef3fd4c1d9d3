"""Sites against each other: how values are spread, and how health declines from season to season; pure.

Times in µs since 1970. Seasons are Thailand's (Thai Meteorological Department): hot from March to May, rainy
from June to October, cool from November to February.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from config.zone import date_at
from hmi.trend import Point

SEASONS: Final = ("Hot", "Rainy", "Cool")
_SEASON_OF: Final = {
    **dict.fromkeys((3, 4, 5), 0),
    **dict.fromkeys((6, 7, 8, 9, 10), 1),
    **dict.fromkeys((11, 12, 1, 2), 2),
}
_MONTH: Final = 30.4375 * 86_400e6  # µs, mean of a month


@dataclass(frozen=True)
class Spread:
    """Five numbers of a box plot, and of how many values."""

    low: float
    lower: float
    middle: float
    upper: float
    high: float
    count: int


def spread(points: Sequence[Point]) -> Spread | None:
    """How the values of points are spread; None for fewer than two."""
    values = sorted(value for _, value in points if value is not None)
    if len(values) < 2:
        return None
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(values[0], lower, middle, upper, values[-1], len(values))


def declines(points: Sequence[Point], zone: dt.tzinfo) -> list[float | None]:
    """What is lost a month in each of `SEASONS`, in the unit of the values: positive where they fall.

    Each step between two values counts for the season in which it begins in a time zone, by its length.
    """
    lost, months = [0.0] * len(SEASONS), [0.0] * len(SEASONS)
    known = [(time, value) for time, value in points if value is not None]
    for (before, high), (after, low) in pairwise(known):
        season = season_of(before, zone)
        lost[season] += high - low
        months[season] += (after - before) / _MONTH
    return [loss / span if span > 0 else None for loss, span in zip(lost, months, strict=True)]


def season_of(time: int, zone: dt.tzinfo) -> int:
    """Which of `SEASONS` it is in a time zone at a time."""
    return _SEASON_OF[date_at(time, zone).month]
