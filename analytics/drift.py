"""Whether a fleet is still like the one that a model was trained on, feature by feature; pure.

A fleet at one moment is no sample of all lives: it is as old as it is, and it is one season everywhere. So it
is compared with the training rows of jars of the same age in the same season (`Reference` keeps their shares
by stratum), and features that tell only age, season or the place are not compared at all, those that take a
year of history only where there is a year. What is left is measured by the population stability index
(Siddiqi, Credit Risk Scorecards, 2006: 0.10 and 0.25 are its usual limits) and by the Kolmogorov-Smirnov
distance, both over tenths of the training rows. Jars of a site share its climate: what chance alone does to
so few independent jars (`_independent`) is no drift, and a fleet of one site can only leave the range of the
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.features import NAMES
from analytics.parameters import DAYS_PER_YEAR, Array, Mask, Single
from nodeset.tags import ModelDrift

BINS: Final = 10
PSI_WATCH, PSI_DRIFT = 0.10, 0.25
KS_WATCH, KS_DRIFT = 0.10, 0.20
OUTSIDE_WATCH, OUTSIDE_DRIFT = 0.10, 0.30  # share of jars outside all but 0.2 % of the training rows
SHARE_DRIFT: Final = 0.15  # of the model's attention that drifting features have, from which the model drifts
ERROR_WATCH, ERROR_DRIFT = 15.0, 30.0  # %, of matured predictions
LEAST_JARS: Final = 4
WHOLE_YEAR: Final = 330.0  # d of history

# What tells age, season, place or how much is known, but nothing of how the jars do.
_NOT_COMPARED: Final = frozenset(
    {
        "season_sin",
        "season_cos",
        "history_days",
        "site_offset",
        "calendar_age_days",
        "effective_age_days",
        "nominal_life_days",
    }
)
_CYCLIC: Final = frozenset({"season_sin", "season_cos", "history_days"})  # have no outside either
_YEARLY: Final = frozenset(
    {
        "temperature_mean_365d",
        "temperature_max",
        "temperature_deviation",
        "time_above_30c_hours",
        "temperature_cycles_count",
        "arrhenius_factor",
        "cycle_count",
        "ah_throughput",
        "discharge_depth",
        "days_since_discharge",
        "resistance_slope_365d",
        "resistance_slope_at_25c",
        "resistance_days_to_limit",
        "voltage_deviation_slope",
    }
)
_AGES: Final = np.arange(0.5, 12.5, 0.5) * DAYS_PER_YEAR  # between the age bands
_SEASONS: Final = 3  # hot March to May, rainy June to October, cool November to February
STRATA: Final = (len(_AGES) + 1) * _SEASONS
_TAIL: Final = 0.001  # of the training rows, on either side
_FLOOR: Final = 0.001  # share of a bin at the least: what was never seen is rare, not impossible
_Z: Final = 3.09  # chance alone goes further once in a thousand times
_KS_CHANCE: Final = np.sqrt(np.log(2 / 0.001) / 2)


@dataclass(frozen=True)
class Reference:
    """How the features of training rows are distributed; NaN in `shares` where a stratum has no rows."""

    edges: Array  # (features, BINS - 1): between the tenths; inf where there are fewer
    shares: Array  # (STRATA, features, BINS)
    low: Array  # (features,): below it lie 0.1 % of the rows
    high: Array  # (features,)

    def arrays(self) -> dict[str, Array]:
        """As arrays by name, for a file."""
        return {name: getattr(self, name) for name in ("edges", "shares", "low", "high")}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.floating]]) -> Reference:
        """What `arrays` gave; `ValueError` where it is of other features."""
        found = {name: np.asarray(arrays[name], np.float64) for name in ("edges", "shares", "low", "high")}
        if found["shares"].shape != (STRATA, len(NAMES), BINS):
            raise ValueError("the reference is of other features")
        return cls(**found)


@dataclass(frozen=True)
class Judgement:
    """How unlike the reference each feature is, arrays of shape (features,); NaN: it was not compared."""

    psi: Array
    ks: Array
    outside: Array  # share of the jars whose value lies outside the training's range
    level: NDArray[np.intp]  # `ModelDrift` of each
    jars: int

    def order(self) -> NDArray[np.intp]:
        """Features that were compared, the least alike first."""
        known = np.flatnonzero(~np.isnan(self.psi) | (self.outside > 0))
        worst = np.lexsort((-self.outside[known], -np.nan_to_num(self.psi[known]), -self.level[known]))
        return known[worst]


def reference(known: Single) -> Reference:
    """The distribution of training rows, features of shape (rows, features)."""
    count = len(NAMES)
    edges, low, high = np.full((count, BINS - 1), np.inf), np.full(count, -np.inf), np.full(count, np.inf)
    shares = np.full((STRATA, count, BINS), np.nan)
    stratum = _stratum(known)
    for i in range(count):
        there = ~np.isnan(known[:, i])
        values = known[there, i].astype(np.float64)
        if not len(values):
            continue
        # Values that many rows share are one bin, the last of those that begin there.
        tenths = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
        edges[i, : len(tenths)] = tenths
        low[i], high[i] = np.quantile(values, (_TAIL, 1 - _TAIL))
        cells = stratum[there] * BINS + np.searchsorted(edges[i], values, side="right")
        counts = np.bincount(cells, minlength=STRATA * BINS).reshape(STRATA, BINS).astype(np.float64)
        total = counts.sum(axis=1, keepdims=True)
        shares[:, i] = np.where(total > 0, counts / np.maximum(total, 1), np.nan)
    return Reference(edges, shares, low, high)


def judge(of: Reference, known: Single, site: NDArray[np.intp]) -> Judgement:
    """Compare a fleet's features, shape (jars, features), whose jars stand at `site`, shape (jars,)."""
    count = len(NAMES)
    psi, ks, outside = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
    level, stratum = np.zeros(count, np.intp), _stratum(known)
    whole = known[:, NAMES.index("history_days")] >= WHOLE_YEAR
    for i, name in enumerate(NAMES):
        values = known[:, i].astype(np.float64)
        there = ~np.isnan(values) & (whole if name in _YEARLY else True)
        if name in _CYCLIC or there.sum() < LEAST_JARS:
            continue
        values = values[there]
        outside[i] = np.mean((values < of.low[i]) | (values > of.high[i]))
        effective = _independent(values, site[there])
        if name not in _NOT_COMPARED:
            psi[i], ks[i] = _distances(of, i, values, stratum[there])
        level[i] = _level(psi[i], ks[i], outside[i], effective)
    return Judgement(psi, ks, outside, level, len(known))


def drifts(judgement: Judgement, attention: Array, error: float) -> tuple[ModelDrift, str]:
    """What follows for the model, and why.

    `attention` is the share that each feature has in what the model says, shape (features,); `error` [%] is
    that of matured predictions, NaN where none has matured.
    """
    drifting = judgement.level == ModelDrift.DRIFTING
    share = float(attention[drifting].sum() / max(attention.sum(), np.finfo(np.float64).tiny))
    reasons = [_reason(judgement, i) for i in judgement.order() if judgement.level[i] > ModelDrift.NONE]
    if error >= ERROR_WATCH:
        reasons.insert(0, f"predictions of a week ago were wrong by {error:.0f} %")
    if share >= SHARE_DRIFT or error >= ERROR_DRIFT:
        return ModelDrift.DRIFTING, "; ".join(reasons[:3])
    state = ModelDrift.WATCH if reasons else ModelDrift.NONE
    return state, "; ".join(reasons[:3]) or "the fleet is like what the model was trained on"


def error_of(then: Array, now: Array, failed: Mask, passed: Array) -> float:
    """Error [%] of predictions that have matured: days that were foretold `then`, `passed` days ago, against
    what is known since: jars that `failed` lived `passed` days, of others the prediction of `now` is left.

    Arrays of shape (jars,). The sum of the errors against the sum of what was left then, so that jars near
    their end weigh as little as they have left; NaN where there are none.
    """
    lived = np.where(failed, passed, passed + now)
    known = ~np.isnan(then) & ~np.isnan(lived)
    total = float(lived[known].sum())
    return 100 * float(np.abs(then - lived)[known].sum()) / total if total > 0 else float("nan")


def _reason(judgement: Judgement, i: int) -> str:
    if np.isnan(judgement.psi[i]):
        return f"{NAMES[i]}: {judgement.outside[i]:.0%} of the jars lie outside of the training"
    text = f"{NAMES[i]}: PSI {judgement.psi[i]:.2f}, KS {judgement.ks[i]:.2f}"
    return text + (f", {judgement.outside[i]:.0%} outside" if judgement.outside[i] >= OUTSIDE_WATCH else "")


def _level(psi: float, ks: float, outside: float, effective: float) -> ModelDrift:
    chance, far = _chance(BINS - 1) / effective, _KS_CHANCE / np.sqrt(effective)
    if outside >= OUTSIDE_DRIFT or (psi >= max(PSI_DRIFT, chance) and ks >= max(KS_DRIFT, far)):
        return ModelDrift.DRIFTING
    if outside >= OUTSIDE_WATCH or (psi >= max(PSI_WATCH, chance) and ks >= max(KS_WATCH, far)):
        return ModelDrift.WATCH
    return ModelDrift.NONE


def _distances(of: Reference, i: int, values: Array, stratum: NDArray[np.intp]) -> tuple[float, float]:
    """PSI and KS of a feature against the training rows of the same strata; NaN where there are none."""
    weights = np.bincount(stratum, minlength=STRATA).astype(np.float64)
    shares = of.shares[:, i]
    there = (weights > 0) & ~np.isnan(shares[:, 0])
    comparable = there[stratum]
    if comparable.sum() < LEAST_JARS:
        return np.nan, np.nan
    expected = weights[there] @ shares[there] / weights[there].sum()
    bins = np.searchsorted(of.edges[i], values[comparable], side="right")
    found = np.bincount(bins, minlength=BINS) / comparable.sum()
    ks = float(np.abs(np.cumsum(found) - np.cumsum(expected)).max())
    a, b = np.maximum(found, _FLOOR), np.maximum(expected, _FLOOR)
    return float(((a - b) * np.log(a / b)).sum()), ks


def _independent(values: Array, site: NDArray[np.intp]) -> float:
    """How many independent jars so many are worth, by how alike those of a site are (Kish, 1965, 5.4)."""
    _, place = np.unique(site, return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    sites, jars = len(sizes), float(len(values))
    if sites == 1:
        return 1.0
    means = np.bincount(place, values) / sizes
    within = float(np.square(values - means[place]).sum()) / max(jars - sites, 1.0)
    size = (jars - float(np.square(sizes).sum()) / jars) / (sites - 1)
    between = float((sizes * np.square(means - values.mean())).sum()) / (sites - 1)
    extra = max(between - within, 0.0) / max(size, 1.0)
    total = extra + within
    alike = extra / total if total > 0 else 1.0
    return max(jars / (1 + (jars / sites - 1) * alike), 1.0)


def _stratum(known: Single) -> NDArray[np.intp]:
    """Age band and season of each row, as one number."""
    age = np.nan_to_num(known[:, NAMES.index("calendar_age_days")])
    sine, cosine = (known[:, NAMES.index(f"season_{name}")].astype(np.float64) for name in ("sin", "cos"))
    month = np.arctan2(sine, cosine) % (2 * np.pi) / (2 * np.pi) * 12  # 0: the new year
    season = np.where((month >= 2) & (month < 5), 0, np.where((month >= 5) & (month < 10), 1, 2))
    return np.asarray(np.searchsorted(_AGES, age, side="right") * _SEASONS + season, np.intp)


def _chance(freedom: int) -> float:
    """What a chi-square of so many degrees of freedom exceeds once in a thousand times (Wilson and Hilferty,
    PNAS 17, 684, 1931): the PSI of n rows times n, where only chance makes it."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _Z * np.sqrt(part)) ** 3)
