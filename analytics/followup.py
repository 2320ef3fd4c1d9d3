"""Jars that were watched until nearly all of their age group had failed; pure.

Who counts only jars that failed before the end of a study counts those that fail early: the longer a life,
the less often its end was seen. So errors are taken over jars that were installed so early before the end
that of a hundred such jars 99 had failed by then (Kaplan and Meier, J. Am. Stat. Assoc. 53, 457, 1958).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.outcomes import Outcomes
from analytics.parameters import Array, Mask

SHARE: Final = 0.99  # of an age group that had failed by the end


@dataclass(frozen=True)
class Lives:
    """Jars, each once, arrays of shape (jars,)."""

    unit: NDArray[np.int64]
    since: Array  # d since 1970, when the jar was first seen
    total: Array  # d that it was seen to live
    failed: Mask  # whether that is to its failure


def lives(outcomes: Outcomes) -> Lives:
    """The jars of `outcomes`, each from its first row on."""
    order = np.lexsort((outcomes.day, outcomes.unit))
    unit, at = np.unique(outcomes.unit[order], return_index=True)
    first = order[at]
    return Lives(unit, outcomes.day[first].astype(np.float64), outcomes.lived[first], outcomes.failed[first])


def survival(total: Array, failed: Mask) -> tuple[Array, Array]:
    """Times [d] at which jars failed, ascending, and the share that outlives each (Kaplan and Meier)."""
    times = np.unique(total[failed])
    ended = np.sort(total[failed])
    deaths = np.searchsorted(ended, times, "right") - np.searchsorted(ended, times, "left")
    at_risk = len(total) - np.searchsorted(np.sort(total), times, "left")
    return times, np.asarray(np.cumprod(1 - deaths / at_risk), np.float64)


def followed(outcomes: Outcomes) -> Mask:
    """Rows of the jars that were installed long enough before the end of what is known."""
    known = lives(outcomes)
    times, alive = survival(known.total, known.failed)
    ended = times[alive <= 1 - SHARE]
    longest = ended[0] if len(ended) else times.max(initial=0.0)
    end = float((known.since + known.total).max(initial=-np.inf))
    return np.isin(outcomes.unit, known.unit[known.since + longest <= end])
