"""The table `model`: every model that was trained, on what, how good it is, and whether it may speak (R6).

A model begins as a Candidate; who approves it is named for good. Of a kind one model is Published at a time:
the one before it retires when the next is published, and is named there as the one that it replaced, so that
it is known what to roll back to. The artefact itself is a file of home; here is its SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from historian.connections import Connections
from historian.matured import Matured, read_matured
from historian.moments import microseconds, moment

_COLUMNS: Final = (
    "version, kind, created, trained_from, trained_to, data_hash, metrics, state, approved_by, approved, "
    "artefact_hash, published, replaced, findings, comment"
)
_INSERT: Final = f"INSERT INTO model ({_COLUMNS}) VALUES ({', '.join(['%s'] * 15)})"
_READ: Final = f"SELECT {_COLUMNS} FROM model ORDER BY created, version"
_APPROVE: Final = "UPDATE model SET approved_by = %s, approved = %s WHERE version = %s AND approved IS NULL"
_RETIRE: Final = (
    "UPDATE model SET state = 'Retired' WHERE state = 'Published' "
    "AND kind = (SELECT kind FROM model WHERE version = %s) RETURNING version, replaced"
)
_SET_STATE: Final = "UPDATE model SET state = %s WHERE version = %s"
_PUBLISHED: Final = "UPDATE model SET published = %s, replaced = %s WHERE version = %s"
_AGAIN: Final = "UPDATE model SET state = 'Published', published = %s WHERE version = %s"
_SPEAKS: Final = "SELECT version, replaced FROM model WHERE kind = %s AND state = 'Published' FOR UPDATE"
_NOTE: Final = "UPDATE model SET findings = %s WHERE version = %s"
_FAILURES: Final = "SELECT count(*) FROM maintenance WHERE kind = 'Failure'"
_SHADOWS: Final = (
    "UPDATE model SET state = 'Candidate' WHERE state = 'Shadow' AND kind = %s RETURNING version"
)


class ModelState(StrEnum):
    """What a model is for."""

    CANDIDATE = "Candidate"
    SHADOW = "Shadow"  # it predicts beside the published one, and nobody is told
    PUBLISHED = "Published"
    RETIRED = "Retired"


@dataclass(frozen=True)
class Model:
    """A model; times in µs, hashes are SHA-256: `data_hash` of its training data."""

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
    artefact_hash: bytes | None = None
    published: int | None = None  # last
    replaced: str | None = None  # what was published before it
    findings: str = ""  # what its gates said last
    comment: str = ""


async def add_model(connection: psycopg.AsyncConnection, model: Model) -> None:
    """Register a model; `psycopg.errors.UniqueViolation` where its version is taken."""
    times = (moment(time) for time in (model.created, model.trained_from, model.trained_to))
    approved, published = (
        None if time is None else moment(time) for time in (model.approved, model.published)
    )
    approval = (model.data_hash, Jsonb(dict(model.metrics)), model.state, model.approved_by, approved)
    rest = (model.artefact_hash, published, model.replaced, model.findings, model.comment)
    await connection.execute(_INSERT, (model.version, model.kind, *times, *approval, *rest))


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


async def publish_model(
    connection: psycopg.AsyncConnection, version: str, user: str, time: int
) -> str | None:
    """Publish a model in the name of `user`; the version that it replaces, None for none.

    `LookupError` where there is none of that version.
    """
    async with connection.transaction():
        await connection.execute(_APPROVE, (user, moment(time), version))
        before = await (await connection.execute(_RETIRE, (version,))).fetchone()
        # One that is published again remembers what it replaced the first time.
        previous = None if before is None else before[1] if before[0] == version else before[0]
        if (await connection.execute(_SET_STATE, (ModelState.PUBLISHED, version))).rowcount != 1:
            raise LookupError(version)
        await connection.execute(_PUBLISHED, (moment(time), previous, version))
        return None if before is None else str(before[0])


async def roll_back_model(
    connection: psycopg.AsyncConnection, kind: str, time: int
) -> tuple[str, str] | None:
    """Publish again what the published model of a kind replaced; its version and the other's.

    None where none is published, or it replaced none.
    """
    async with connection.transaction():
        found = await (await connection.execute(_SPEAKS, (kind,))).fetchone()
        if found is None or found[1] is None:
            return None
        version, before = found
        await connection.execute(_RETIRE, (version,))
        await connection.execute(_AGAIN, (moment(time), before))
        return before, version


async def set_shadow_model(connection: psycopg.AsyncConnection, kind: str, version: str | None) -> str | None:
    """Have a candidate predict beside the published model, or none; the one that did so before."""
    async with connection.transaction():
        before = await (await connection.execute(_SHADOWS, (kind,))).fetchone()
        if version is not None:
            await connection.execute(_SET_STATE, (ModelState.SHADOW, version))
        return None if before is None else str(before[0])


async def read_models(connection: psycopg.AsyncConnection) -> list[Model]:
    """All models, the oldest first."""
    return [_model(*columns) for columns in await (await connection.execute(_READ)).fetchall()]


def _model(version: str, kind: str, *columns: Any) -> Model:
    *times, data_hash, metrics, state, approved_by, approved = columns[:8]
    artefact, published, replaced, findings, comment = columns[8:]
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
        None if artefact is None else bytes(artefact),
        None if published is None else microseconds(published),
        replaced,
        findings,
        comment,
    )


class Models:
    """The table `model` of a historian; `HistorianError` when the database is away."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def all(self) -> list[Model]:
        """All models, the oldest first."""
        async with self._connections.use() as connection:
            return await read_models(connection)

    async def add(self, model: Model) -> None:
        """As `add_model`."""
        async with self._connections.use() as connection:
            await add_model(connection, model)

    async def publish(self, version: str, user: str, time: int) -> str | None:
        """As `publish_model`."""
        async with self._connections.use() as connection:
            return await publish_model(connection, version, user, time)

    async def roll_back(self, kind: str, time: int) -> tuple[str, str] | None:
        """As `roll_back_model`."""
        async with self._connections.use() as connection:
            return await roll_back_model(connection, kind, time)

    async def set_shadow(self, kind: str, version: str | None) -> str | None:
        """As `set_shadow_model`."""
        async with self._connections.use() as connection:
            return await set_shadow_model(connection, kind, version)

    async def retire(self, version: str) -> bool:
        """Set a model aside; False where there is none of that version."""
        async with self._connections.use() as connection:
            return await set_model_state(connection, version, ModelState.RETIRED)

    async def matured(self, version: str, time: int) -> Matured:
        """As `read_matured`."""
        async with self._connections.use() as connection:
            return await read_matured(connection, version, time)

    async def failures(self) -> int:
        """How many failures of jars are on record."""
        async with self._connections.use() as connection:
            row = await (await connection.execute(_FAILURES)).fetchone()
            return 0 if row is None else int(row[0])

    async def note(self, version: str, findings: str) -> None:
        """Keep what the gates said of a model."""
        async with self._connections.use() as connection:
            await connection.execute(_NOTE, (findings, version))
