"""Simple predictions of the life left, beside which a learnt model has to stand; pure.

Each needs no more than some arithmetic. What is learnt for them (how long jars live) is learnt from the same
rows as the model. All take features of shape (rows, len(FEATURES)) and give lives in [d], arrays (rows,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics import rul
from analytics.ageing import OHMIC_ERROR, life_of_discharge, ohmic_health
from analytics.features import NAMES
from analytics.followup import lives, survival
from analytics.outcomes import Outcomes
from analytics.parameters import DAYS_PER_YEAR, Array, Parameters, Single

_QUANTILES: Final = (0.5, rul.LOWER, rul.UPPER)


@dataclass(frozen=True)
class LifeTable:
    """How long jars live, as a table of the share that outlives each time (Kaplan and Meier)."""

    times: Array  # d, ascending
    alive: Array  # after each

    @classmethod
    def of(cls, outcomes: Outcomes) -> LifeTable:
        """That of the jars in these rows; ages count from installation."""
        known = lives(outcomes)
        order = np.lexsort((outcomes.day, outcomes.unit))
        first = order[np.unique(outcomes.unit[order], return_index=True)[1]]
        return cls(
            *survival(known.total + named(outcomes.features, "calendar_age_days")[first], known.failed)
        )

    @property
    def mean(self) -> float:
        """Mean life [d]; to the last failure that was seen."""
        return float((np.diff(self.times, prepend=0.0) * np.append(1.0, self.alive[:-1])).sum())

    def left(self, age: Array) -> rul.Life:
        """Median and 90 % interval of the life left at an age [d], by nothing else."""
        before = np.append(1.0, self.alive)[np.searchsorted(self.times, age, "right")]
        return rul.Life(*(np.maximum(self._outlived_by(before * (1 - q)) - age, 0.0) for q in _QUANTILES))

    def _outlived_by(self, share: Array) -> Array:
        """The first time after which no more than this share lives."""
        at = np.searchsorted(-self.alive, -share, "left")
        return np.asarray(self.times[np.minimum(at, len(self.times) - 1)])


def named(features: Single, name: str) -> Array:
    """One feature of all rows."""
    return features[:, NAMES.index(name)].astype(np.float64)


def age_only(table: LifeTable, features: Single) -> rul.Life:
    """What a life table says for the age."""
    return table.left(named(features, "calendar_age_days"))


def mean_life_minus_age(table: LifeTable, features: Single) -> rul.Life:
    """Mean life less age; with no interval of its own, that of the life table."""
    age = named(features, "calendar_age_days")
    by_age = table.left(age)
    days = np.maximum(table.mean - age, 0.0)
    return rul.Life(days, np.minimum(by_age.lower, days), np.maximum(by_age.upper, days))


def resistance_trend(table: LifeTable, features: Single, limit: float) -> rul.Life:
    """Until the last year's trend of the resistance meets `limit` [% of rise], at most a mean life.

    The interval is open: nothing says how wrong a straight line is.
    """
    trend = named(features, "resistance_slope_365d") / 365.25
    with np.errstate(divide="ignore", invalid="ignore"):
        days = (limit - named(features, "resistance_rise")) / trend
    days = np.where(trend > 0, np.clip(days, 0.0, table.mean), table.mean)
    return rul.Life(days, np.zeros_like(days), np.full_like(days, rul.LONGEST))


def twin(parameters: Parameters, features: Single) -> rul.Life:
    """What the twin says (`rul.remaining`) from age, mean Arrhenius factor and resistance of the features.

    `parameters` are those of each row, or of one jar for all. What discharges showed is not in the features.
    """
    rise, factor = named(features, "resistance_rise") / 100, named(features, "arrhenius_factor")
    resistance = parameters.baseline * (1 + np.nan_to_num(rise))
    depth = np.nan_to_num(named(features, "discharge_depth"))
    each = life_of_discharge(parameters, depth * parameters.capacity)
    cycling = np.nan_to_num(named(features, "cycle_count")) * each / DAYS_PER_YEAR
    evidence = rul.Evidence(
        age=named(features, "calendar_age_days"),
        factor=np.nan_to_num(factor, nan=1.0),
        health=ohmic_health(parameters, resistance),
        health_error=np.full(len(features), OHMIC_ERROR),
        cycled=cycling * named(features, "calendar_age_days"),
        cycling=cycling,
    )
    return rul.remaining(parameters, evidence)
