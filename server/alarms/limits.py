"""Limits, severities, hysteresis and delays of all conditions as arrays, one row a condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from server.alarms.definition import LIMIT_LEVELS, ConditionIndex

# Low limits are exceeded downwards: with the sign of the limit, all are exceeded upwards.
SIGN: Final = np.sign(np.array(LIMIT_LEVELS, np.float64))


@dataclass(frozen=True)
class Limits:
    """Signed limits (rows, 4), their severities (rows, 4), hysteresis (rows, 1) and delays (rows, 1) [µs].

    A limit that a condition does not have is NaN, its severity 0.
    """

    signed: NDArray[np.float64]
    severity: NDArray[np.uint16]
    hysteresis: NDArray[np.float64]
    on_delay: NDArray[np.int64]
    off_delay: NDArray[np.int64]

    @classmethod
    def of(cls, index: ConditionIndex) -> Limits:
        """As the definitions have them."""
        counts = [index.fleet.count(d.asset) for d in index.defs]
        return cls(
            np.repeat([d.limits for d in index.defs], counts, axis=0) * SIGN,
            np.repeat([d.severities for d in index.defs], counts, axis=0).astype(np.uint16),
            np.repeat([d.hysteresis for d in index.defs], counts)[:, None],
            np.repeat([d.on_delay for d in index.defs], counts)[:, None],
            np.repeat([d.off_delay for d in index.defs], counts)[:, None],
        )

    def values(self, row: int) -> tuple[float, float, float, float]:
        """The limits of a condition in the unit of its tag, from the lowest to the highest; NaN: none."""
        low_low, low, high, high_high = (self.signed[row] * SIGN).tolist()
        return low_low, low, high, high_high
