"""The table `prediction`: what a model said of a jar, when, and how sure it was (R4). It is only added to.

The database refuses every change, its owner's too: a prediction that came true or not can be looked up as it
was. One that is added again is not added twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from historian.assets import Ids
from historian.moments import microseconds, moment
from nodeset.frame import Values

_COLUMNS: Final = "model_version, asset_id, issued_at, horizon, value, lower, upper, confidence, factors"
_INSERT: Final = (
    f"INSERT INTO prediction ({_COLUMNS}) VALUES "
    "(%s, (SELECT id FROM asset WHERE path = %s), %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_INSERT_FLEET: Final = (
    f"INSERT INTO prediction ({_COLUMNS}) "
    "SELECT %s, jar, %s, 0, value, lower, upper, confidence, factors FROM unnest(%s::integer[], "
    "%s::float8[], %s::float8[], %s::float8[], %s::text[], %s::jsonb[]) "
    "AS new (jar, value, lower, upper, confidence, factors) ON CONFLICT DO NOTHING"
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


@dataclass(frozen=True)
class FleetPredictions:
    """What a model said of many jars at once, issued at a time [µs] without a horizon.

    `jars` are ids of the database; days with interval are finite; `factors` as of a `Prediction`.
    """

    model_version: str
    issued_at: int
    jars: Ids
    value: Values
    lower: Values
    upper: Values
    confidence: Sequence[str]
    factors: Sequence[Sequence[Factor]]


async def add_fleet_predictions(connection: psycopg.AsyncConnection, new: FleetPredictions) -> int:
    """Add them in one statement; how many were new. Raises as `add_predictions` does."""
    factors = [json.dumps([[each.name, each.share] for each in of]) for of in new.factors]
    numbers = (new.jars.tolist(), *(column.tolist() for column in (new.value, new.lower, new.upper)))
    values = (new.model_version, moment(new.issued_at), *numbers, list(new.confidence), factors)
    return (await connection.execute(_INSERT_FLEET.encode(), values)).rowcount


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
