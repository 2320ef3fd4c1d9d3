"""The table `prediction`: what a model said of a jar, when, and how sure it was (R4). It is only added to.

The database refuses every change, its owner's too: a prediction that came true or not can be looked up as it
was. One that is added again is not added twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from historian.moments import microseconds, moment

_COLUMNS: Final = "model_version, asset_id, issued_at, horizon, value, lower, upper, confidence, factors"
_INSERT: Final = (
    f"INSERT INTO prediction ({_COLUMNS}) VALUES "
    "(%s, (SELECT id FROM asset WHERE path = %s), %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_READ: Final = (
    f"SELECT {_COLUMNS.replace('asset_id', 'path')} FROM prediction JOIN asset ON asset.id = asset_id "
    "WHERE path = %s AND issued_at >= %s AND issued_at < %s "
    "ORDER BY issued_at, model_version, horizon LIMIT %s"
)


@dataclass(frozen=True)
class Factor:
    """What a prediction rests on, and its share [%]."""

    name: str
    share: float


@dataclass(frozen=True)
class Prediction:
    """A prediction for a jar, issued at a time [µs] for a horizon [d], 0 where it has none.

    `value` lies in the interval from `lower` to `upper`.
    """

    model_version: str
    jar: str
    issued_at: int
    horizon: int
    value: float
    lower: float
    upper: float
    confidence: str
    factors: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        """ValueError for what is no number: to PostgreSQL NaN is greater than all others."""
        if not all(map(math.isfinite, (self.value, self.lower, self.upper))):
            raise ValueError(f"The prediction for {self.jar} is not finite")


async def add_predictions(connection: psycopg.AsyncConnection, predictions: Sequence[Prediction]) -> int:
    """Add predictions in one transaction; how many were new.

    `psycopg.IntegrityError` where model or jar are unknown, or a value is not in its interval.
    """
    rows = [
        (
            each.model_version,
            each.jar,
            moment(each.issued_at),
            each.horizon,
            each.value,
            each.lower,
            each.upper,
            each.confidence,
            Jsonb([[factor.name, factor.share] for factor in each.factors]),
        )
        for each in predictions
    ]
    if not rows:
        return 0
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(_INSERT, rows)
        return cursor.rowcount


async def read_predictions(
    connection: psycopg.AsyncConnection, jar: str, low: int, high: int, most: int
) -> list[Prediction]:
    """Up to `most` predictions for a jar that were issued from `low` up to `high` [µs], the oldest first."""
    cursor = await connection.execute(_READ.encode(), (jar, moment(low), moment(high), most))
    return [_prediction(*columns) for columns in await cursor.fetchall()]


def _prediction(version: str, jar: str, issued_at: Any, *columns: Any) -> Prediction:
    *numbers, confidence, factors = columns
    horizon, value, lower, upper = numbers
    of = tuple(Factor(*each) for each in factors)
    return Prediction(version, jar, microseconds(issued_at), horizon, value, lower, upper, confidence, of)
