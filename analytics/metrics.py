"""How good predictions of remaining life are, against what became of the jars; pure.

In every figure each jar that it is about has the same say, however many of its rows there are. Errors
need a jar that was seen to fail; a censored row counts where it is known to be right or wrong all the
same: for the ranking of failures when the jar outlived the horizon, for the interval when it outlived the
upper bound. Rows without a prediction are left out, and `answered` says how many. Lives in [d].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.outcomes import Outcomes
from analytics.parameters import DAYS_PER_YEAR, Array, Mask

BANDS: Final = ((0.0, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 99.0))  # a, of what was really left
HORIZONS: Final = (90, 180)  # d
COVERED: Final = 0.90  # share of lives that should end inside the interval

_PLAIN: Final = (
    *("rows", "jars", "answered", "censored", "mean", "mae", "rmse", "r2", "bias"),
    *("bias_under_year", "bias_predicted_under_year", "coverage", "coverage_of_rows", "width"),
)


class Prediction(Protocol):
    """Life left with its 90 % interval, arrays of shape (rows,); NaN where nothing is said."""

    @property
    def days(self) -> Array: ...
    @property
    def lower(self) -> Array: ...
    @property
    def upper(self) -> Array: ...


@dataclass(frozen=True)
class Band:
    """Figures of the rows whose jars had from `low` to `high` years left."""

    low: float
    high: float
    jars: int
    mae: float
    bias: float  # mean error against the mean life left
    coverage: float


@dataclass(frozen=True)
class Place:
    """Figures of one site."""

    site: int
    jars: int
    mae: float
    r2: float
    coverage: float


@dataclass(frozen=True)
class Metrics:
    """All figures of one prediction; NaN where there was nothing to tell one by."""

    rows: int
    jars: int
    answered: float  # share of rows with a prediction
    censored: float  # share of rows whose jar nobody saw fail
    mean: float  # d, life left
    mae: float
    rmse: float
    r2: float
    bias: float  # of all, against `mean`
    bias_under_year: float  # where less than a year was left, against the mean that was left
    bias_predicted_under_year: float  # where less than a year was predicted, against the mean that was left
    auroc: tuple[float, ...]  # by `HORIZONS`
    coverage: float
    coverage_of_rows: float  # the same with one say a row: chance of a jar that lives today to end inside
    width: float  # d, mean width of the interval
    bands: tuple[Band, ...]
    places: tuple[Place, ...]

    def flat(self) -> dict[str, float]:
        """Name and figure of all of them, as the registry keeps them; what is not known is left out."""
        named: dict[str, float] = {name: getattr(self, name) for name in _PLAIN}
        named |= {f"auroc_{days}d": value for days, value in zip(HORIZONS, self.auroc, strict=True)}
        for band in self.bands:
            named |= {f"mae_{_years(band)}": band.mae, f"coverage_{_years(band)}": band.coverage}
        named["coverage_worst_site"] = self.worst_site
        return {name: float(value) for name, value in named.items() if np.isfinite(value)}

    @property
    def worst_site(self) -> float:
        """Coverage of the site that the interval serves worst."""
        return min((place.coverage for place in self.places), default=np.nan)


def metrics(prediction: Prediction, outcomes: Outcomes) -> Metrics:
    """The figures of a prediction for each row of `outcomes`."""
    said = np.isfinite(prediction.days) & np.isfinite(prediction.lower) & np.isfinite(prediction.upper)
    judged = _judged(prediction, outcomes, said)
    seen, anything = judged.failed, np.ones_like(judged.failed)
    return Metrics(
        rows=int(said.sum()),
        jars=judged.jars(anything),
        answered=float(said.mean()) if len(said) else np.nan,
        censored=1 - judged.mean(seen.astype(float), anything),
        mean=judged.mean(judged.lived, seen),
        mae=judged.mae(seen),
        rmse=float(np.sqrt(judged.mean(np.square(judged.error), seen))),
        r2=judged.r2(seen),
        bias=judged.bias(seen),
        bias_under_year=judged.bias(seen & (judged.lived < DAYS_PER_YEAR)),
        bias_predicted_under_year=judged.bias(seen & (judged.days < DAYS_PER_YEAR)),
        auroc=tuple(judged.auroc(horizon) for horizon in HORIZONS),
        coverage=judged.coverage(anything),
        coverage_of_rows=_mean_of(judged.inside[judged.known]),
        width=judged.mean(judged.width, anything),
        bands=tuple(judged.band(low, high) for low, high in BANDS),
        places=tuple(judged.place(int(site)) for site in np.unique(judged.site)),
    )


def jar_weights(unit: NDArray[np.int64]) -> Array:
    """Weights of rows by which each jar has the same say; their mean is 1."""
    if not len(unit):
        return np.zeros(0)
    _, jar, rows = np.unique(unit, return_inverse=True, return_counts=True)
    return np.asarray(len(unit) / len(rows) / rows[jar])


def covered(prediction: Prediction, outcomes: Outcomes) -> tuple[Mask, Mask]:
    """Which lives ended inside the interval, and of which rows that is known."""
    above = outcomes.lived > prediction.upper
    inside = outcomes.failed & (outcomes.lived >= prediction.lower) & ~above
    return inside, outcomes.failed | above


def auroc(score: Array, positive: Mask, weight: Array) -> float:
    """Chance that a positive row has the higher score than a negative one, ties counting half (Mann-Whitney).

    NaN where there are none of either.
    """
    _, rank = np.unique(score, return_inverse=True)
    ranks = int(rank.max(initial=-1)) + 1
    of_positive = np.bincount(rank, weight * positive, ranks)
    of_negative = np.bincount(rank, weight * ~positive, ranks)
    pairs = of_positive.sum() * of_negative.sum()
    if pairs <= 0:
        return float("nan")
    below = np.cumsum(of_negative) - of_negative
    return float((of_positive * (below + of_negative / 2)).sum() / pairs)


@dataclass(frozen=True)
class _Judged:
    """Rows with a prediction, and how it did, arrays of shape (rows,)."""

    days: Array
    width: Array
    lived: Array
    failed: Mask
    inside: Mask
    known: Mask  # of `inside`
    unit: NDArray[np.int64]
    site: NDArray[np.intp]

    @property
    def error(self) -> Array:
        return self.days - self.lived

    def mean(self, values: Array, rows: Mask) -> float:
        """Over some rows; each jar that has any of them has the same say."""
        weight = jar_weights(self.unit[rows])
        return float((weight * values[rows]).mean()) if len(weight) else float("nan")

    def mae(self, rows: Mask) -> float:
        return self.mean(np.abs(self.error), rows)

    def bias(self, rows: Mask) -> float:
        """Mean error against the mean life left."""
        mean = self.mean(self.lived, rows)
        return self.mean(self.error, rows) / mean if mean > 0 else float("nan")

    def r2(self, rows: Mask) -> float:
        variance = self.mean(np.square(self.lived - self.mean(self.lived, rows)), rows)
        return 1 - self.mean(np.square(self.error), rows) / variance if variance > 0 else float("nan")

    def coverage(self, rows: Mask) -> float:
        return self.mean(self.inside.astype(np.float64), rows & self.known)

    def auroc(self, horizon: float) -> float:
        """Of failure within `horizon` [d], by the days predicted."""
        later, soon = self.lived > horizon, self.failed & (self.lived <= horizon)
        weight = np.zeros(len(self.days))
        for rows in (later, soon):
            weight[rows] = jar_weights(self.unit[rows])
        known = later | soon
        return auroc(-self.days[known], soon[known], weight[known])

    def jars(self, rows: Mask) -> int:
        return len(np.unique(self.unit[rows]))

    def band(self, low: float, high: float) -> Band:
        years = self.lived / DAYS_PER_YEAR
        rows = self.failed & (years >= low) & (years < high)
        return Band(low, high, self.jars(rows), self.mae(rows), self.bias(rows), self.coverage(rows))

    def place(self, site: int) -> Place:
        here = self.site == site
        seen = here & self.failed
        return Place(site, self.jars(here), self.mae(seen), self.r2(seen), self.coverage(here))


def _judged(prediction: Prediction, outcomes: Outcomes, said: Mask) -> _Judged:
    inside, known = covered(prediction, outcomes)
    return _Judged(
        days=prediction.days[said],
        width=(prediction.upper - prediction.lower)[said],
        lived=outcomes.lived[said],
        failed=outcomes.failed[said],
        inside=inside[said],
        known=known[said],
        unit=outcomes.unit[said],
        site=outcomes.site[said],
    )


def _mean_of(hits: Mask) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _years(band: Band) -> str:
    return f"from_{band.low:g}a" if band.high >= BANDS[-1][1] else f"{band.low:g}_to_{band.high:g}a"
