"""What twin and learnt model say together of the life that is left (R3); pure.

The twin has 60 % of the say, a model that is sure of itself 40 %. Its share shrinks with its confidence, in a
straight line to nothing at 50 %, so that a confidence that wavers there moves no prediction; below, and where
the model has nothing to say or said it too long ago, the twin stands alone. Where both take part and the
model differs by more than 30 % of the twin's days, they are in conflict: a person has to look ("manual review
required").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.learnt import Learnt
from analytics.parameters import Array, Mask
from analytics.rul import LONGEST, Life
from nodeset.tags import Confidence

MODEL_SHARE: Final = 0.40  # of a model that is sure of itself
CONFIDENCE_LEAST: Final = 0.50  # at which a model has no share left
DISAGREEMENT: Final = 0.30  # of the twin's days
WHOLE_DAY: Final = 1.0  # d; less is no disagreement
LASTS: Final = 7.0  # d after which what a model said is not counted on any more
REVIEW: Final = "manual review required"

# How much a twin of low, medium and high confidence trusts itself; and from where on confidence is medium and
# high.
_OF_TWIN: Final = np.array([0.25, 0.60, 0.90])
_FROM: Final = np.array([0.50, 0.75])


@dataclass(frozen=True)
class Fused:
    """Life left by both, arrays of shape (jars,)."""

    days: Array  # d, between what the two say
    lower: Array  # d, 90 % interval
    upper: Array  # d
    weight: Array  # share of the model, 0 to `MODEL_SHARE`
    conflict: Mask


def fuse(twin: Life, learnt: Learnt, age: Array | float = 0.0) -> Fused:
    """The twin's life left and what a model said of it `age` [d] ago, arrays of shape (jars,).

    The interval is that of a mixture of the two: their squared half widths by their shares, and how far they
    are apart (Genest and Zidek, Statist. Sci. 1, 114, 1986: the linear pool). So a disagreement widens it.
    """
    passed = np.maximum(age, 0.0)
    said = np.maximum(learnt.days - passed, 0.0)
    weight = np.where((said >= 0) & (passed <= LASTS), share(learnt.confidence), 0.0)
    heard = weight > 0
    model = np.where(heard, said, twin.days)
    # Half widths of the model's interval; of what it does not know it has none.
    below = np.where(heard & (learnt.lower >= 0), said - np.maximum(learnt.lower - passed, 0.0), 0.0)
    above = np.where(heard & (learnt.upper >= 0), learnt.upper - passed - said, 0.0)
    apart = model - twin.days
    days = twin.days + weight * apart
    between = weight * (1 - weight) * np.square(apart)

    def half_width(of_twin: Array, of_model: Array) -> Array:
        mixed = (1 - weight) * np.square(of_twin) + weight * np.square(np.maximum(of_model, 0.0))
        return np.asarray(np.sqrt(mixed + between))

    distance = np.abs(apart)
    return Fused(
        days=days,
        lower=np.maximum(days - half_width(twin.days - twin.lower, below), 0.0),
        upper=np.minimum(days + half_width(twin.upper - twin.days, above), LONGEST),
        weight=weight,
        conflict=(distance > DISAGREEMENT * twin.days) & (distance > WHOLE_DAY),
    )


def share(confidence: Array) -> Array:
    """The model's share by its confidence [0..1]: `MODEL_SHARE` at 1, none from `CONFIDENCE_LEAST` down."""
    sure = (confidence - CONFIDENCE_LEAST) / (1 - CONFIDENCE_LEAST)
    return np.where(sure > 0, MODEL_SHARE * np.minimum(sure, 1.0), 0.0)


def confidence(of_twin: Array, learnt: Learnt, fused: Fused) -> Array:
    """Code of `Confidence` of the fused life, by the twin's code and the model's share; low in a conflict."""
    twin = _OF_TWIN[of_twin.astype(np.intp)]
    both = np.where(fused.weight > 0, twin + fused.weight * (learnt.confidence - twin), twin)
    return np.where(fused.conflict, Confidence.LOW, confidence_of(both))


def confidence_of(trust: Array) -> Array:
    """Code of `Confidence` of a confidence from 0 to 1."""
    return np.searchsorted(_FROM, trust, "right").astype(float)
