"""How far a jar is from all that a model has learnt from; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.parameters import Array, Single

EDGE: Final = 0.002  # share of the training rows beyond either end of a feature's range
SPREADS: Final = 3.0  # beyond the range by that many spreads: nothing like it was seen
RARE: Final = 0.005  # share of training rows without a feature, below which lacking it is new


@dataclass(frozen=True)
class Range:
    """Where the training rows were, a figure each feature; `importance` is 1 for the most important."""

    low: Array
    high: Array
    spread: Array
    missing: Array  # share of rows without the feature
    importance: Array


def range_of(features: Single, importance: Array) -> Range:
    """The range of training rows; `importance` as the model tells it, in any unit."""
    known = np.where(np.isnan(features).all(axis=0), np.float32(0), features)  # of a feature that nobody has
    low, middle, high = np.nanquantile(known, [EDGE, 0.5, 1 - EDGE], axis=0).astype(np.float64)
    deviation = np.sqrt(np.nanmean(np.square(known - middle.astype(np.float32)), axis=0, dtype=np.float64))
    return Range(
        low=low,
        high=high,
        spread=np.maximum(deviation, 1e-6),
        missing=np.isnan(features).mean(axis=0),
        importance=importance / max(float(importance.max()), 1e-12),
    )


def familiarity(features: Single, known: Range) -> Array:
    """1 for jars like those learnt from, falling to 0 as features that matter leave their range.

    A feature takes off as much as it matters: the most important one all.
    """
    beyond = np.maximum(known.low - features, features - known.high) / known.spread
    strange = np.clip(beyond / SPREADS, 0.0, 1.0)
    lacking = np.isnan(features) & (known.missing < RARE)
    strange = np.where(np.isnan(features), lacking.astype(np.float64), strange)
    return np.asarray(np.prod(1 - strange * known.importance, axis=1))
