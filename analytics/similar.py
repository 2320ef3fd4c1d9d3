"""Past cases that a jar is like: its nearest neighbours among jars that have failed, and what became of them;
pure.

Likeness is the distance of standardised features, each with the weight that it has for the model (nearest
neighbours: Cover and Hart, IEEE Trans. Inf. Theory 13, 21, 1967). An unknown feature counts as average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.cases import Cases
from analytics.parameters import Single

COUNT: Final = 3
_BLOCK: Final = 256  # jars that are compared at once


@dataclass(frozen=True)
class Similar:
    """The most similar cases of each jar, nearest first: arrays of shape (jars, `COUNT` at most)."""

    case: NDArray[np.intp]  # row in the cases
    distance: Single  # 0: the same; 1: as unlike as the spread of what was learnt from


def similar(cases: Cases, features: Single, count: int = COUNT) -> Similar:
    """The `count` failed jars that are most like each row of `features`, shape (jars, features).

    Each failed jar counts once, at the time before its end at which it was most like this one.
    """
    order = np.argsort(cases.unit, kind="stable")
    past, present = _standardised(cases, cases.features[order]), _standardised(cases, features)
    first = np.flatnonzero(np.diff(cases.unit[order], prepend=-1))
    most = min(count, len(first))
    found = [_nearest(past, first, present[i : i + _BLOCK], most) for i in range(0, len(present), _BLOCK)]
    if not found:
        return Similar(np.empty((0, most), np.intp), np.empty((0, most), np.float32))
    rows, squares = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Similar(order[rows], np.sqrt(squares))


def _nearest(
    past: Single, first: NDArray[np.intp], present: Single, most: int
) -> tuple[NDArray[np.intp], Single]:
    """Rows of `past` and their squared distances; a unit's rows go from its `first` to the next one's."""
    sizes = np.square(past).sum(axis=1)
    # Of a difference squared, what does not hang on the case is added last.
    squares = sizes - 2 * present @ past.T
    best = np.minimum.reduceat(squares, first, axis=1)
    units = np.argsort(best, axis=1, kind="stable")[:, :most]
    nearest = np.take_along_axis(best, units, axis=1)
    ends = np.append(first[1:], len(past))
    rows = np.empty(units.shape, np.intp)
    for jar, unit in np.ndindex(units.shape):
        of_unit = slice(first[units[jar, unit]], ends[units[jar, unit]])
        rows[jar, unit] = of_unit.start + squares[jar, of_unit].argmin()
    return rows, np.maximum(nearest + np.square(present).sum(axis=1)[:, None], 0).astype(np.float32)


def _standardised(cases: Cases, features: Single) -> Single:
    """Features such that the square of a distance is the weighted mean of the features' squared distances."""
    weight = np.sqrt(cases.importance)
    return np.nan_to_num((features - cases.mean) / cases.scale * weight).astype(np.float32)
