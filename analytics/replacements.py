"""How many jars come to the end of their lives in each of the next quarters, and what replacing them costs.

From the distribution of each jar's remaining life, so that a quarter in which nobody's median ends is not
taken for one without work. Each jar is counted once: what replaces it outlasts the forecast.
Jars are taken as independent of each other; what a whole fleet has in common (a model that errs the same way
everywhere, a hot year) makes the true interval wider.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from math import erfc, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics import workcalendar as calendar
from analytics.parameters import Array
from analytics.rul import Life

Z: Final = 1.645  # standard deviations from the median to either bound of a 90 % interval
LEAST_SPREAD: Final = 1.0  # d
_STEPS: Final = 1_601
_TAIL: Final = 8.0


@dataclass(frozen=True)
class Prices:
    """What replacing costs: each jar with its labour, shape (jars,), each opened string, each visit."""

    jar: Array
    string: float
    visit: float

    def pick(self, jars: NDArray[np.intp]) -> Prices:
        """Those of some jars."""
        return Prices(self.jar[jars], self.string, self.visit)


@dataclass(frozen=True)
class Forecast:
    """By quarter: jars and cost, each with the bounds of its 90 % interval; arrays of shape (quarters,)."""

    quarters: NDArray[np.int64]
    jars: Array
    jars_lower: Array
    jars_upper: Array
    cost: Array
    cost_lower: Array
    cost_upper: Array


def forecast(
    life: Life,
    prices: Prices,
    string: NDArray[np.intp],
    site: NDArray[np.intp],
    time: int,
    quarters: int,
    zone: dt.tzinfo,
) -> Forecast:
    """The forecast from `time` [µs] over `quarters` of a time zone, the present one first.

    `life` [d], `prices`, and the `string` and `site` of each jar have shape (jars,). A string is opened and a
    site is visited once in a quarter in which it has a jar to replace.
    """
    present = calendar.quarter_at(time, zone)
    chance = end_in_quarters(life, time, quarters, zone)
    variance = chance * (1 - chance)
    jars, spread = chance.sum(1), np.sqrt(variance.sum(1))
    calls = prices.string * _any(chance, string) + prices.visit * _any(chance, site)
    cost = chance @ prices.jar + calls
    cost_spread = np.sqrt(variance @ prices.jar**2)
    return Forecast(
        present + np.arange(quarters),
        jars,
        np.maximum(jars - Z * spread, 0.0),
        np.minimum(jars + Z * spread, len(life.days)),
        cost,
        np.maximum(cost - Z * cost_spread, 0.0),
        cost + Z * cost_spread,
    )


def end_in_quarters(life: Life, time: int, quarters: int, zone: dt.tzinfo) -> Array:
    """Probability that a jar's life ends in each of the next quarters, shape (quarters, jars).

    Whoever should have ended by now ends in the present one. On either side of its median a life is taken as
    normal, through the bound of its interval.
    """
    present, today = calendar.quarter_at(time, zone), calendar.local_day(time, zone)
    ends = np.array([calendar.first_day(present + i + 1) - today for i in range(quarters)], np.float64)[
        :, None
    ]
    early = np.maximum((life.days - life.lower) / Z, LEAST_SPREAD)
    late = np.maximum((life.upper - life.days) / Z, LEAST_SPREAD)
    away = ends - life.days
    ended = _normal(away / np.where(away < 0, early, late))
    return np.diff(ended, axis=0, prepend=0.0)


def _any(chance: Array, group: NDArray[np.intp]) -> Array:
    """Expected number of groups, of jars by number, with a jar whose life ends; shape (quarters,)."""
    groups = int(group.max(initial=-1)) + 1
    none = np.log1p(-np.minimum(chance, 1 - 1e-12))
    alive = np.array([np.bincount(group, row, groups) for row in none])
    there = np.bincount(group, minlength=groups) > 0
    return np.asarray(((1 - np.exp(alive)) * there).sum(1))


def _normal(z: Array) -> Array:
    """The normal distribution function, from a table: SciPy would cost the start 0.2 s."""
    places, table = _table()
    return np.interp(z, places, table)


@cache
def _table() -> tuple[Array, Array]:
    places = np.linspace(-_TAIL, _TAIL, _STEPS)
    return places, np.array([erfc(-z / sqrt(2)) / 2 for z in places.tolist()])
