"""Limits, severities, hysteresis and delays of all conditions as arrays, one row a condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet, Index
from server.alarms.definition import LIMIT_LEVELS, AlarmDef, ConditionIndex

Floats = NDArray[np.float64]

# Low limits are exceeded downwards: with the sign of the limit, all are exceeded upwards.
SIGN: Final = np.sign(np.array(LIMIT_LEVELS, np.float64))


class ConditionLimits(NamedTuple):
    """One row of `Limits` as plain numbers, the limits in the unit of the tag; NaN: none; delays in µs."""

    values: tuple[float, float, float, float]
    severities: tuple[int, int, int, int]
    hysteresis: float
    on_delay: int
    off_delay: int

    @classmethod
    def of(cls, definition: AlarmDef) -> ConditionLimits:
        """As a definition has them."""
        d = definition
        return cls(d.limits, d.severities, d.hysteresis, d.on_delay, d.off_delay)


@dataclass(frozen=True)
class Limits:
    """Signed limits (rows, 4), their severities (rows, 4), hysteresis (rows, 1) and delays (rows, 1) [µs].

    A limit that a condition does not have is NaN, its severity 0.
    """

    signed: Floats
    severity: NDArray[np.uint16]
    hysteresis: Floats
    on_delay: NDArray[np.int64]
    off_delay: NDArray[np.int64]

    @classmethod
    def of(cls, index: ConditionIndex) -> Limits:
        """As the definitions have them."""
        counts = [index.fleet.count(d.asset) for d in index.defs]
        scale = np.concatenate([cell_scale(index.fleet, d) for d in index.defs])[:, None]
        return cls(
            np.repeat([d.limits for d in index.defs], counts, axis=0) * SIGN * scale,
            np.repeat([d.severities for d in index.defs], counts, axis=0).astype(np.uint16),
            np.repeat([d.hysteresis for d in index.defs], counts)[:, None] * scale,
            np.repeat([d.on_delay for d in index.defs], counts)[:, None],
            np.repeat([d.off_delay for d in index.defs], counts)[:, None],
        )

    def values(self, row: int) -> tuple[float, float, float, float]:
        """The limits of a condition in the unit of its input, from the lowest to the highest; NaN: none."""
        low_low, low, high, high_high = (self.signed[row] * SIGN).tolist()
        return low_low, low, high, high_high

    def of_rows(self, rows: Index) -> list[ConditionLimits]:
        """Those of some conditions, in their order."""
        values = map(tuple, (self.signed[rows] * SIGN).tolist())
        severities = map(tuple, self.severity[rows].tolist())
        rest = ((each[rows, 0]).tolist() for each in (self.hysteresis, self.on_delay, self.off_delay))
        return [*map(ConditionLimits._make, zip(values, severities, *rest, strict=True))]

    def take(self, rows: Index) -> Limits:
        """A copy of some rows, in their order."""
        return Limits(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def differ(self, other: Limits) -> NDArray[np.bool_]:
        """Where two limits of the same conditions are not alike, shape (rows,)."""
        found = np.zeros(len(self.signed), np.bool_)
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            found |= ((mine != theirs) & ((mine == mine) | (theirs == theirs))).any(axis=1)
        return found

    @classmethod
    def joined(cls, parts: Sequence[Limits], other: Limits) -> Limits:
        """Limits one after the other; of no conditions, but of the types of `other`, where there are none."""
        parts = parts or [other.take(np.empty(0, np.intp))]
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def put(self, rows: Index, other: Limits) -> None:
        """Set some rows from other limits, whose rows are these in this order."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)


def cell_scale(fleet: Fleet, d: AlarmDef) -> Floats:
    """What each asset's limits are times those of a jar of the definition's number of cells."""
    if not d.cells:
        return np.ones(fleet.count(d.asset))
    return np.array([jar.model.cells / d.cells for jar in fleet.jars])
