"""Conformal calibration of an interval, by jar: how far quantiles must move to cover what they promise; pure.

Conformalised quantile regression (Romano, Patterson and Candès, NeurIPS 2019, arXiv:1905.03222), one side
at a time. Rows of one jar are nearly one observation, so each jar counts once, however many rows it has (Lee,
Barber and Willett, arXiv:2306.06342, hierarchical conformal prediction). Margins are taken in bands of the
median, so that short and long lives both hold, and are joined by straight lines in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.parameters import Array, Mask

BANDS: Final = 6  # of the median, with as many jars each
FEWEST: Final = 60  # jars that a band needs: its twentieth is three jars


@dataclass(frozen=True)
class Margins:
    """What is taken off the lower and added to the upper quantile where the median is at `knots`."""

    knots: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True)
class Quantiles:
    """Predictions of rows, arrays of shape (rows,), of whichever quantity is calibrated."""

    lower: Array
    median: Array
    upper: Array

    def take(self, rows: NDArray[np.intp] | Mask) -> Quantiles:
        """Some of the rows."""
        return Quantiles(self.lower[rows], self.median[rows], self.upper[rows])


def widened(quantiles: Quantiles, margins: Margins) -> Quantiles:
    """The calibrated interval; the median stays, and is never outside."""
    lower = quantiles.lower - np.interp(quantiles.median, margins.knots, margins.lower)
    upper = quantiles.upper + np.interp(quantiles.median, margins.knots, margins.upper)
    median = quantiles.median
    return Quantiles(np.minimum(lower, median), median, np.maximum(upper, median))


def calibrate(
    truth: Array, quantiles: Quantiles, unit: NDArray[np.int64], weight: Array, share: float
) -> Margins:
    """Margins with which the interval covers `share` of jars, half of the rest missing on either side.

    `weight` is what a row stands for (0 for one that nobody has seen the end of); `unit` is its jar.
    Raises ValueError without a row that counts.
    """
    counted = weight > 0
    if not counted.any():
        raise ValueError("no row to calibrate with")
    truth, unit, weight = truth[counted], unit[counted], weight[counted]
    quantiles = quantiles.take(counted)
    band = _bands(quantiles.median, len(np.unique(unit)))
    knots, lower, upper = [], [], []
    for each in range(int(band.max()) + 1):
        rows = band == each
        jars = _by_jar(unit[rows], weight[rows])
        level = (1 + share) / 2
        knots.append(float(np.average(quantiles.median[rows], weights=jars)))
        lower.append(_score((quantiles.lower - truth)[rows], jars, level, len(np.unique(unit[rows]))))
        upper.append(_score((truth - quantiles.upper)[rows], jars, level, len(np.unique(unit[rows]))))
    return Margins(tuple(knots), tuple(lower), tuple(upper))


def _bands(median: Array, jars: int) -> NDArray[np.intp]:
    """Which band each row is in: by the median, with as many rows each."""
    bands = max(min(BANDS, jars // FEWEST), 1)
    edges = np.quantile(median, np.arange(1, bands) / bands)
    return np.searchsorted(edges, median, side="right")


def _by_jar(unit: NDArray[np.int64], weight: Array) -> Array:
    """Weights with which each jar counts as much as its mean row does."""
    _, of_row, rows = np.unique(unit, return_inverse=True, return_counts=True)
    return np.asarray(weight / rows[of_row])


def _score(scores: Array, weight: Array, level: float, jars: int) -> float:
    """The quantile of the scores that holds for a further jar: a little higher than that of those seen."""
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    place = int(np.searchsorted(below, min(level * (1 + 1 / jars), 1.0) - 1e-12))
    return float(scores[order][min(place, len(scores) - 1)])
