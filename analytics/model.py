"""The learnt model of remaining useful life: three boosters and their calibration; pure.

The boosters tell the *thermal* life left, days at 25 °C against the jar's nominal life: one its median,
monotone where the physics is, two how far below and above it the 90 % interval reaches. Days are that over
the pace of ageing (Arrhenius factor) of the last year, so that warmer air shortens every life exactly by
Arrhenius' law, which no amount of data from rooms at 22 to 28 °C could teach. No feature that follows the
temperature from now on is looked at by a booster. docs/analytics.md, "The learnt model".

CatBoost is imported when a model is first asked, never when this module is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analytics.cases import Cases
from analytics.conformal import Margins, Quantiles, widened
from analytics.drift import Reference
from analytics.features import NAMES
from analytics.learnt import Learnt
from analytics.modelcard import ModelCard
from analytics.novelty import Range, familiarity
from analytics.parameters import Array, Single
from analytics.rul import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

LOWER, MEDIAN, UPPER = 0.05, 0.5, 0.95
REFERENCE_LIFE: Final = 3_000.0  # d, nominal life that lengths of time are brought to
STEEPNESS: Final = 10.0  # of the square root that boosters learn, so that their steps suit it
_NORMAL: Final = 1.6448536269514722  # standard deviations that hold 90 %
# Days and trends a year of a jar that is built to live half as long are half and twice as much.
_TIMES: Final = {
    "calendar_age_days": -1,
    "effective_age_days": -1,
    "resistance_days_to_limit": -1,
    "resistance_slope_30d": 1,
    "resistance_slope_90d": 1,
    "resistance_slope_365d": 1,
    "resistance_slope_at_25c": 1,
    "voltage_deviation_slope": 1,
}
_FACTOR: Final = NAMES.index("arrhenius_factor")
_NOMINAL: Final = NAMES.index("nominal_life_days")


@dataclass(frozen=True)
class RulModel:
    """A trained model. `boosters` are CatBoost's own bytes, lower quantile, median and upper.

    `pace` is the usual Arrhenius factor of the training rows, against which contributions are told.
    """

    card: ModelCard
    boosters: tuple[bytes, bytes, bytes]
    margins: Margins
    range: Range
    pace: float
    cases: Cases
    reference: Reference  # the training rows, for drift

    @property
    def version(self) -> str:
        """The version, unique by content."""
        return self.card.version

    def with_metrics(self, metrics: Mapping[str, float]) -> RulModel:
        """The same model with the figures of a report on its card."""
        return replace(self, card=replace(self.card, metrics=dict(metrics)))

    def predict(self, features: Single) -> Learnt:
        """Remaining life of jars with these features, shape (jars, len(FEATURES))."""
        life = self._calibrated(features)
        days = _per_pace(features)
        lower, median, upper = (lived(z) * days for z in (life.lower, life.median, life.upper))
        half = (lived(life.upper) - lived(life.lower)) / 2
        confidence = np.clip(1 - half, 0.0, 1.0) * familiarity(features, self.range)
        return Learnt(
            days=np.minimum(median, LONGEST),
            lower=np.minimum(lower, LONGEST),
            upper=np.minimum(upper, LONGEST),
            confidence=np.where(np.isnan(median), 0.0, confidence),
        )

    def failure_probability(self, features: Single, days: float) -> Array:
        """Probability (0 to 1) that each jar, which lives now, fails within `days`, shape (jars,).

        Two halves of normal distributions through the calibrated quantiles, in the unit that boosters learn.
        """
        life = self._calibrated(features)
        end = learnt_unit(days / _per_pace(features))
        gone = [_normal((at - life.median) / _deviation(life, at)) for at in (end, np.zeros_like(end))]
        return np.asarray((gone[0] - gone[1]) / np.maximum(1 - gone[1], 1e-9))

    def contributions(self, features: Single) -> Array:
        """What each feature adds to the median against `usual_days` [d], shape (jars, len(FEATURES)).

        Shapley values: TreeSHAP (Lundberg et al., arXiv:1802.03888) of the median's booster, brought from its
        unit to days along the chord, and half each for life left and pace, of which days are the quotient.
        They add up to the median less `usual_days`.
        """
        usual, each = self._shapley(features)
        now = usual + each.sum(axis=1)
        nominal, paces = features[:, _NOMINAL], (1 / features[:, _FACTOR].astype(np.float64), 1 / self.pace)
        chord = _chord(usual, now) * nominal * (paces[0] + paces[1]) / 2
        added = np.zeros(features.shape)
        added[:, self._columns] = each * chord[:, None]
        added[:, _FACTOR] = nominal * (lived(now) + lived(usual)) / 2 * (paces[0] - paces[1])
        return added

    def usual_days(self, features: Single) -> Array:
        """Remaining life [d] that contributions start from: that of training rows, shape (jars,)."""
        usual, _ = self._shapley(features)
        return np.asarray(features[:, _NOMINAL] * lived(usual) / self.pace)

    def to_bytes(self) -> bytes:
        """The artefact, the same bytes for the same model."""
        from analytics.modelfile import packed

        return packed(self)

    @classmethod
    def from_bytes(cls, content: bytes) -> RulModel:
        """The model of an artefact.

        Raises `analytics.modelfile.ArtefactError` when it is none, or of other features than these.
        """
        from analytics.modelfile import unpacked

        return unpacked(content)

    # What boosters see and say

    @cached_property
    def _columns(self) -> list[int]:
        return [NAMES.index(name) for name in self.card.inputs]

    @cached_property
    def _boosters(self) -> tuple[Any, ...]:
        return tuple(loaded(content) for content in self.boosters)

    @property
    def _median_booster(self) -> Any:
        return self._boosters[1]

    def _shapley(self, features: Single) -> tuple[Array, Array]:
        """Of the median's booster, in its unit: what it usually says, and what each input adds to that."""
        from catboost import Pool

        pool = Pool(self._inputs(features))
        shares = self._median_booster.get_feature_importance(pool, type="ShapValues", thread_count=1)
        return shares[:, -1], shares[:, :-1]

    def _inputs(self, features: Single) -> Single:
        return inputs(features)[:, self._columns]

    def _calibrated(self, features: Single) -> Quantiles:
        return widened(quantiles(self._boosters, self._inputs(features)), self.margins)


def inputs(features: Single) -> Single:
    """Features with lengths of time brought to a jar of the nominal life `REFERENCE_LIFE`."""
    scaled = features.copy()
    against = features[:, _NOMINAL] / np.float32(REFERENCE_LIFE)
    for name, power in _TIMES.items():
        scaled[:, NAMES.index(name)] *= against if power > 0 else 1 / against
    return scaled


def thermal_share(features: Single, days: Array) -> Array:
    """Thermal life in `days`, against the nominal life: what boosters learn, before `learnt_unit`."""
    return days / _per_pace(features)


def learnt_unit(share: Array) -> Array:
    """Shares of life in the boosters' unit: a root, in which errors of short and long lives are alike."""
    return np.asarray(STEEPNESS * np.sqrt(np.maximum(share, 0.0)))


def lived(unit: Array) -> Array:
    """The share of life that `learnt_unit` made of it."""
    return np.asarray(np.square(np.maximum(unit, 0.0) / STEEPNESS))


def quantiles(boosters: tuple[Any, ...], seen: Single) -> Quantiles:
    """What three boosters say, in their unit: the outer ones how far from the median the bounds lie."""
    below, median, above = (booster.predict(seen, thread_count=1) for booster in boosters)
    return Quantiles(median + np.minimum(below, 0.0), median, median + np.maximum(above, 0.0))


def loaded(content: bytes) -> Any:
    """A booster of its bytes."""
    from catboost import CatBoost

    booster = CatBoost()
    booster.load_model(blob=content)
    return booster


def _per_pace(features: Single) -> Array:
    """Days that a whole nominal life lasts at the pace of the last year."""
    return np.asarray(features[:, _NOMINAL].astype(np.float64) / features[:, _FACTOR])


def _chord(start: Array, end: Array) -> Array:
    """Mean slope of `lived` between two values."""
    apart = end - start
    near = np.abs(apart) < 1e-9
    slope = (lived(end) - lived(start)) / np.where(near, 1.0, apart)
    return np.where(near, 2 * np.maximum(start, 0.0) / STEEPNESS**2, slope)


def _deviation(life: Quantiles, at: Array) -> Array:
    """Standard deviation on the side of the median where `at` is."""
    side = np.where(at < life.median, life.median - life.lower, life.upper - life.median)
    return np.maximum(side, 1e-6) / _NORMAL


_erf = np.vectorize(math.erf, otypes=[float])


def _normal(deviations: Array) -> Array:
    """Cumulative normal distribution."""
    return np.asarray((1 + _erf(deviations / math.sqrt(2))) / 2)
