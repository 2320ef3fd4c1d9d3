"""The table `model`: every model that was trained, on what, how good it is, and whether it may speak (R6).

A model begins as a Candidate; who approves it is named for good. Of a kind one model is Published at a time:
the one before it retires when the next is published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from historian.moments import microseconds, moment

_COLUMNS: Final = (
    "version, kind, created, trained_from, trained_to, data_hash, metrics, state, approved_by, approved"
)
_INSERT: Final = f"INSERT INTO model ({_COLUMNS}) VALUES ({', '.join(['%s'] * 10)})"
_READ: Final = f"SELECT {_COLUMNS} FROM model ORDER BY created, version"
_APPROVE: Final = "UPDATE model SET approved_by = %s, approved = %s WHERE version = %s AND approved IS NULL"
_RETIRE: Final = (
    "UPDATE model SET state = 'Retired' WHERE state = 'Published' "
    "AND kind = (SELECT kind FROM model WHERE version = %s)"
)
_SET_STATE: Final = "UPDATE model SET state = %s WHERE version = %s"


class ModelState(StrEnum):
    """What a model is for."""

    CANDIDATE = "Candidate"
    SHADOW = "Shadow"  # it predicts beside the published one, and nobody is told
    PUBLISHED = "Published"
    RETIRED = "Retired"


@dataclass(frozen=True)
class Model:
    """A model; times in µs, `data_hash` is that of its training data."""

    version: str
    kind: str
    created: int
    trained_from: int
    trained_to: int
    data_hash: bytes
    metrics: Mapping[str, float] = field(default_factory=dict)
    state: ModelState = ModelState.CANDIDATE
    approved_by: str | None = None
    approved: int | None = None


async def add_model(connection: psycopg.AsyncConnection, model: Model) -> None:
    """Register a model; `psycopg.errors.UniqueViolation` where its version is taken."""
    times = (moment(time) for time in (model.created, model.trained_from, model.trained_to))
    approved = None if model.approved is None else moment(model.approved)
    rest = (model.data_hash, Jsonb(dict(model.metrics)), model.state, model.approved_by, approved)
    await connection.execute(_INSERT, (model.version, model.kind, *times, *rest))


async def approve_model(connection: psycopg.AsyncConnection, version: str, user: str, time: int) -> bool:
    """Say who approves a model; False where it is unknown or approved already."""
    return (await connection.execute(_APPROVE, (user, moment(time), version))).rowcount == 1


async def set_model_state(connection: psycopg.AsyncConnection, version: str, state: ModelState) -> bool:
    """Change what a model is for; False where there is none of that version.

    `psycopg.errors.CheckViolation` where one is to be published that nobody has approved.
    """
    async with connection.transaction():
        if state is ModelState.PUBLISHED:
            await connection.execute(_RETIRE, (version,))
        return (await connection.execute(_SET_STATE, (state, version))).rowcount == 1


async def read_models(connection: psycopg.AsyncConnection) -> list[Model]:
    """All models, the oldest first."""
    return [_model(*columns) for columns in await (await connection.execute(_READ)).fetchall()]


def _model(version: str, kind: str, *columns: Any) -> Model:
    *times, data_hash, metrics, state, approved_by, approved = columns
    created, trained_from, trained_to = map(microseconds, times)
    return Model(
        version,
        kind,
        created,
        trained_from,
        trained_to,
        bytes(data_hash),
        metrics,
        ModelState(state),
        approved_by,
        None if approved is None else microseconds(approved),
    )
