"""Remaining useful life of every jar with its 90 % interval, what may be said of it, and why.

Condition says how much of a jar's life is spent, temperature how fast the rest goes. All functions are pure,
on arrays of shape (jars,); days in [d], health and life spent as fractions. docs/analytics.md derives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import erfc, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from analytics.parameters import LIFE_GRID, Array, Mask, Parameters
from nodeset.tags import Confidence, Health

LONGEST: Final = 9_131.0  # d, 25 years: the range of the tag
LOWER, UPPER = 0.05, 0.95  # the 90 % interval
HEALTH_WARNING, HEALTH_CRITICAL = 0.85, 0.80  # SOH
LIFE_WARNING, LIFE_CRITICAL = 180.0, 90.0  # d
LEAST_SPENT: Final = 0.02  # of life: no jar is known to be newer
TAIL: Final = 6.0  # standard deviations past the end of life beyond which nothing changes any more
CERTAIN: Final = 8.5  # standard deviations before the end of life from which on every jar lives
MARGIN_STEP: Final = 0.005  # of the table of quantiles: two millionths of a standard deviation off
CALENDAR_ERROR: Final = 0.06  # standard deviation of the calendar's share at the least
CALENDAR_MAX: Final = 0.8  # share of life by calendar beyond which condition alone can say more
CALENDAR_DOUBT: Final = 0.6  # share of life by calendar beyond which its doubt no longer grows
UNLIKELY: Final = np.float32(60.0)  # exponent at which a Gaussian ends; single precision has no more
HEALTH_ERROR_MIN: Final = 0.015  # of SOH: the grid resolves no less
BLOCK: Final = 2_048  # jars at once on the grid: what they need stays in the processor's cache
ERROR_MIN: Final = 0.02  # of the share spent: half a step of the grid
PACE_FROM: Final = 0.15  # share of life by calendar from which on a pace can be told
PACE_MAX: Final = 3.0  # times as fast as its age lets expect
SURE, FAIR = 0.35, 0.70  # half width of the interval against nominal life, for high and medium confidence
READINGS_SURE: Final = 100  # resistance readings that make a mean


@dataclass(frozen=True)
class Life:
    """Remaining useful life [d]: median and 90 % interval."""

    days: Array
    lower: Array
    upper: Array


@dataclass(frozen=True)
class Evidence:
    """What is known of a jar, arrays of shape (jars,)."""

    age: Array  # d
    factor: Array  # mean Arrhenius factor
    health: Array  # SOH
    health_error: Array  # its standard deviation
    cycled: Array | float = 0.0  # share of life that discharges have used up
    cycling: Array | float = 0.0  # and how much of it they use [1/d]


def remaining(parameters: Parameters, evidence: Evidence) -> Life:
    """Days to the end of life, given that the jar is still in service."""
    spent, error = life_spent(parameters, evidence)
    left = 1 - spent
    # A jar that aged faster than its years goes on so; one that aged slower gets no credit for it.
    pace = np.clip(spent / np.maximum(_calendar(parameters, evidence), PACE_FROM), 1.0, PACE_MAX)
    spread = np.hypot(error, parameters.life_spread * np.maximum(left, 0.0))
    margin = np.maximum(left / spread, -TAIL)
    # A day takes life by its warmth and, on average, by discharges (T1).
    scale = spread / (np.maximum(evidence.factor, 1e-3) / parameters.life + evidence.cycling) / pace
    days = [np.clip((margin - end) * scale, 0.0, LONGEST) for end in _ends_of_life(margin)]
    return Life(*days)


def _ends_of_life(margin: Array) -> Array:
    """Quantiles of the end of life among the jars that still live at a margin, as one that is asked for does.

    Rows are median, lower and upper bound, in standard deviations from the middle. Interpolated: the normal
    distribution of arrays is in SciPy alone, whose import costs a start 0.2 s and 12 MB.
    """
    table, steps = _quantiles()
    place = np.clip((margin + TAIL) / MARGIN_STEP, 0.0, steps.shape[1])
    with np.errstate(invalid="ignore"):  # NaN stays NaN, wherever it is looked up
        at = np.clip(place.astype(np.intp), 0, steps.shape[1] - 1)
    return np.asarray(table[:, at] + steps[:, at] * (place - at))


@cache
def _quantiles() -> tuple[Array, Array]:
    """The table of `_ends_of_life` from margin -TAIL to CERTAIN, and what is between its columns."""
    alive = [erfc(-margin / sqrt(2)) / 2 for margin in np.arange(-TAIL, CERTAIN, MARGIN_STEP).tolist()]
    end = NormalDist().inv_cdf
    table = np.array([[end((1 - q) * share) for share in alive] for q in (0.5, LOWER, UPPER)])
    return table, np.diff(table)


def life_spent(parameters: Parameters, evidence: Evidence) -> tuple[Array, Array]:
    """Share of life that is spent, by calendar and by condition, and its standard deviation.

    Bayes on the grid `LIFE_GRID`: the calendar is what is known beforehand, SOH the observation. Student's t
    with three degrees of freedom lets a clear SOH overrule the calendar: jars do fail early.
    """
    p = parameters
    grid = LIFE_GRID[:, None]
    calendar = np.minimum(_calendar(p, evidence), CALENDAR_MAX).astype(np.float32)
    sigma = np.hypot(p.life_spread * np.minimum(calendar, CALENDAR_DOUBT), CALENDAR_ERROR).astype(np.float32)
    lost = np.clip(1 - evidence.health, 0.0, p.fade_loss[-1]).astype(np.float32)
    precision = (0.5 / np.square(np.maximum(evidence.health_error, HEALTH_ERROR_MIN))).astype(np.float32)
    calendar, sigma, lost, precision = np.broadcast_arrays(calendar, sigma, lost, precision)
    fade = np.broadcast_to(p.fade_loss, (len(grid), len(calendar)))
    mean, variance = np.empty(calendar.shape, np.float32), np.empty(calendar.shape, np.float32)
    for i in range(0, len(calendar), BLOCK):
        at = slice(i, i + BLOCK)
        by_age = 1 + np.square((grid - calendar[at]) / sigma[at]) / 3
        misfit = np.square(fade[:, at] - lost[at]) * precision[at]
        weight = np.exp(-np.minimum(misfit, UNLIKELY)) / np.square(by_age)
        total = weight.sum(axis=0)
        # No matrix product: on a busy machine the threads of BLAS wait for each other.
        first = grid * weight
        mean[at] = first.sum(axis=0) / total
        variance[at] = (grid * first).sum(axis=0) / total - np.square(mean[at])
    return mean.astype(np.float64), np.sqrt(np.maximum(variance, ERROR_MIN**2)).astype(np.float64)


def _calendar(parameters: Parameters, evidence: Evidence) -> Array:
    """Share of life that a jar of this age has spent at 25 °C and with its discharges."""
    return np.asarray(np.maximum(evidence.age / parameters.life + evidence.cycled, LEAST_SPENT))


def confidence(parameters: Parameters, life: Life, evidence: Evidence, readings: Array) -> Array:
    """Code of `Confidence`: by the width of the interval and by whether the resistance is known."""
    nominal = parameters.life / np.maximum(evidence.factor, 1e-3)
    half = (life.upper - life.lower) / (2 * nominal)
    fair = (readings > 0) & (half < FAIR)
    sure = (readings >= READINGS_SURE) & (half < SURE)
    return np.where(sure, Confidence.HIGH, np.where(fair, Confidence.MEDIUM, Confidence.LOW)).astype(float)


def health_status(health: Array, days: Array, known: Mask) -> Array:
    """Code of `Health`: by SOH and by remaining life, whichever is worse; unknown without readings."""
    critical = (health < HEALTH_CRITICAL) | (days < LIFE_CRITICAL)
    warning = (health < HEALTH_WARNING) | (days < LIFE_WARNING)
    code = np.where(critical, Health.CRITICAL, np.where(warning, Health.WARNING, Health.HEALTHY))
    return np.where(known, code, Health.UNKNOWN).astype(float)
