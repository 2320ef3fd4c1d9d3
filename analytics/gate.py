"""Physics that a learnt model must obey before it is published (R5); pure.

Ten kelvin more, on all temperature features together, must take 40 to 50 % of the life left from at least
99 % of the jars (Arrhenius' law at 50 kJ/mol: 48 % from 25 to 35 °C), and more of anything that can only
shorten or only lengthen a life must not do the opposite to any jar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from analytics.features import FEATURES, FeatureDef, shifted
from analytics.learnt import Learnt
from analytics.parameters import Array, Mask, Single

KELVIN: Final = 10.0  # K warmer
SHORTER: Final = (0.40, 0.50)  # of the life left
OBEYING: Final = 0.99  # of the jars
ACTIVATION_ENERGY: Final = 50_000.0  # J/mol, of the law the gate asks for (R5)
LEAST: Final = 7.0  # d; of a shorter life no share is told
TOLERANCE: Final = 0.1  # d by which the sign of an effect may be wrong, for rounding
STEPS: Final = (0.1, 0.5, 1.0)  # of the range between the 5 % and 95 % quantiles of a feature


class Predictor(Protocol):
    """What can be published: a model of the life left by features."""

    def predict(self, features: Single) -> Learnt:
        """For rows of shape (jars, len(FEATURES))."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What the gate found; a model with findings is not published."""

    obeying: float  # share of jars whose life shortens as it should
    shorter: float  # median share of life that is lost
    violations: tuple[str, ...]  # names of features with an effect of the wrong sign
    findings: tuple[str, ...]  # in words

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def examine(model: Predictor, features: Single) -> Verdict:
    """The verdict on a model, judged on jars of these features, shape (jars, len(FEATURES))."""
    before = model.predict(features)
    told = np.isfinite(before.days) & (before.days >= LEAST)
    if not told.any():
        return Verdict(0.0, np.nan, (), ("The model says nothing of the jars that it was to be judged on.",))
    loss = _loss(model, features, before.days)[told]
    obeying = float(((loss >= SHORTER[0]) & (loss <= SHORTER[1])).mean())
    shorter = float(np.median(loss))
    violations = tuple(each.name for each in FEATURES if _against(model, features, before.days, each))
    findings = (*_heat(obeying, shorter), *_signs(violations), *_interval(before, told))
    return Verdict(obeying, shorter, violations, findings)


def _loss(model: Predictor, features: Single, days: Array) -> Array:
    warm = model.predict(shifted(features, KELVIN, ACTIVATION_ENERGY)).days
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - warm / days)


def _against(model: Predictor, features: Single, days: Array, feature: FeatureDef) -> bool:
    """Whether more of a feature has the wrong effect on some jar."""
    if feature.monotone == 0:
        return False
    column = FEATURES.index(feature)
    known = features[:, column][np.isfinite(features[:, column])]
    if not len(known):
        return False
    low, high = np.quantile(known, (0.05, 0.95))
    for step in STEPS:
        more = features.copy()
        more[:, column] += np.float32(step * max(high - low, 1e-6))
        effect = (model.predict(more).days - days) * feature.monotone
        if (effect < -TOLERANCE).any():
            return True
    return False


def _heat(obeying: float, shorter: float) -> tuple[str, ...]:
    if obeying >= OBEYING:
        return ()
    return (
        f"{KELVIN:g} K more shorten the life left by {SHORTER[0]:.0%} to {SHORTER[1]:.0%} for only"
        f" {obeying:.1%} of the jars ({OBEYING:.0%} are asked for); the median loss is {shorter:.0%}.",
    )


def _signs(violations: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"More of {name} has an effect of the wrong sign." for name in violations)


def _interval(said: Learnt, told: Mask) -> tuple[str, ...]:
    order = (said.lower <= said.days) & (said.days <= said.upper)
    if order[told].all():
        return ()
    return (f"The interval does not hold the prediction for {(~order[told]).mean():.1%} of the jars.",)
