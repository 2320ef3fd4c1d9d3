"""What became of jars that failed: features at several times before their end, to be compared with; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.outcomes import Outcomes
from analytics.parameters import Array, Single

MOST: Final = 2_000
BEFORE: Final = (60.0, 180.0, 365.0, 730.0, 1_460.0)  # d before the end


@dataclass(frozen=True)
class Cases:
    """Failed jars, arrays of shape (cases,); `features` of shape (cases, features) as they were, raw.

    Feature less `mean` over `scale` is standardised; `importance` (sum 1) says how much each matters.
    """

    features: Single
    lived: Array  # d that the jar lived on
    ending: NDArray[np.int8]  # an `Ending`
    unit: NDArray[np.int64]  # as in `Outcomes`, anonymous
    seed: NDArray[np.int64]
    mean: Array
    scale: Array
    importance: Array

    @property
    def count(self) -> int:
        """How many."""
        return len(self.lived)


def cases_of(outcomes: Outcomes, importance: Array) -> Cases:
    """At most `MOST` rows of failed jars, at the times `BEFORE` their ends or as near as there is a row.

    Jars are taken evenly from all there are, so that the same rows give the same cases.
    """
    failed = np.flatnonzero(outcomes.failed)
    units = np.unique(outcomes.unit[failed])
    taken = units[np.linspace(0, len(units) - 1, min(len(units), MOST // len(BEFORE))).astype(np.intp)]
    rows = failed[np.isin(outcomes.unit[failed], taken)]
    chosen = np.unique(np.concatenate([_nearest(outcomes, rows, days) for days in BEFORE]))
    some = outcomes.take(chosen)
    everything = outcomes.features.astype(np.float64)
    known = np.where(np.isnan(everything).all(axis=0), 0.0, everything)
    deviation = np.nanstd(known, axis=0)
    return Cases(
        features=some.features,
        lived=some.lived,
        ending=some.ending,
        unit=some.unit,
        seed=some.seed,
        mean=np.nanmean(known, axis=0),
        scale=np.where(deviation > 0, deviation, 1.0),
        importance=importance / max(float(importance.sum()), 1e-12),
    )


def _nearest(outcomes: Outcomes, rows: NDArray[np.intp], days: float) -> NDArray[np.intp]:
    """Of each jar among `rows` the one that is nearest to so many days before its end."""
    order = rows[np.lexsort((np.abs(outcomes.lived[rows] - days), outcomes.unit[rows]))]
    _, first = np.unique(outcomes.unit[order], return_index=True)
    return order[first]
