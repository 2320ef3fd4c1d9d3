"""What a learnt model says of the jars; pure."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.parameters import Array


@dataclass(frozen=True)
class Learnt:
    """Remaining useful life by a learnt model, arrays of shape (jars,); NaN where it has nothing to say."""

    days: Array  # d, median
    lower: Array  # d, calibrated 90 % interval
    upper: Array  # d
    confidence: Array  # 0 to 1: how much it trusts itself on this jar
