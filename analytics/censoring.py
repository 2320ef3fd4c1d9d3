"""What rows stand for when some jars were not seen to fail: inverse probability of censoring; pure.

A row of a jar that still lives says only that its life is longer. Leaving such rows out would leave the long
lives out and make every prediction too short. So each row that ends with a failure stands also for those
like it whose end nobody has seen: it weighs one over the probability that a life as long as its own was
followed to the end, by Kaplan and Meier's estimate of the censoring times (Robins and Rotnitzky, 1992; Graf
et al., Stat. Med. 18, 2529, 1999). Censoring here is the day the data end, and older jars are nearer to it
than young ones; within a band of age it says nothing of a jar's life, so the estimate is taken in each band.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.parameters import Array, Mask

BANDS: Final = 8  # of age, with as many rows each
HEAVIEST: Final = 10.0  # weight of a row; beyond it a few jars would speak for all


def censoring_weights(lived: Array, failed: Mask, age: Array) -> Array:
    """What each row stands for, 0 where it is censored; arrays of shape (rows,), times in [d]."""
    edges = np.quantile(age, np.arange(1, BANDS) / BANDS) if len(age) else np.zeros(0)
    band = np.searchsorted(edges, age, side="right")
    weight = np.zeros(len(lived))
    for each in np.unique(band):
        rows = np.flatnonzero(band == each)
        followed = still_followed(lived[rows], failed[rows])
        weight[rows] = failed[rows] / np.maximum(followed, 1 / HEAVIEST)
    return weight


def still_followed(lived: Array, failed: Mask) -> Array:
    """Kaplan-Meier estimate of the probability that a jar is followed for longer than just before `lived`."""
    order: NDArray[np.intp] = np.lexsort(
        (~failed, lived)
    )  # who fails on the day it ends was followed to then
    at_risk = len(lived) - np.arange(len(lived))
    kept = np.where(failed[order], 1.0, 1 - 1 / at_risk)
    before = np.concatenate([[1.0], np.cumprod(kept)[:-1]])
    # Rows of the same day share the estimate from before that day.
    first = np.searchsorted(lived[order], lived[order], side="left")
    result = np.empty(len(lived))
    result[order] = before[first]
    return result
