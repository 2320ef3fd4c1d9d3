"""The tables `schedule` and `execution`: what a system is to do, in versions, and what it did (E2).

A version is never changed: who changes a schedule adds the next. A step that was executed names the version
that it belongs to.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from historian.moments import microseconds, moment

_ASSET: Final = "(SELECT id FROM asset WHERE path = %s)"
_ADD: Final = (
    "INSERT INTO schedule (asset_id, name, version, begins, step, plan, origin, created, created_by) "
    "SELECT asset.id, %(name)s, 1 + coalesce((SELECT max(version) FROM schedule WHERE asset_id = asset.id "
    "AND name = %(name)s), 0), %(begins)s, %(step)s, %(plan)s, %(origin)s, %(created)s, %(user)s "
    "FROM asset WHERE path = %(path)s RETURNING version"
)
_READ: Final = (
    "SELECT path, name, version, begins, step, plan, origin, created, created_by FROM schedule "
    "JOIN asset ON asset.id = asset_id WHERE path = %s AND name = %s ORDER BY version"
)
_LOG: Final = (
    "INSERT INTO execution (asset_id, name, version, ts, mode, rate, outcome, note) "
    f"VALUES ({_ASSET}, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_EXECUTED: Final = (
    "SELECT path, name, version, ts, mode, rate, outcome, note FROM execution "
    "JOIN asset ON asset.id = asset_id WHERE path = %s AND ts >= %s AND ts < %s ORDER BY ts, name LIMIT %s"
)


class Mode(IntEnum):
    """What a system does in a step."""

    IDLE = 0
    DISCHARGE = 1
    CHARGE = 2


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "Done"
    REFUSED = "Refused"  # by what protects the plant
    FAILED = "Failed"
    SKIPPED = "Skipped"


@dataclass(frozen=True)
class Step:
    """One step of a plan; `rate` [kW]."""

    mode: Mode
    rate: float


@dataclass(frozen=True)
class Schedule:
    """A version of a schedule: a plan from `begins` on, a step each `step` µs. Times in µs.

    `version` is 0 until it is added; `origin` says who made it: a person, a rule, a model.
    """

    asset: str
    name: str
    begins: int
    step: int
    plan: tuple[Step, ...]
    origin: str
    created: int
    created_by: str
    version: int = 0


@dataclass(frozen=True)
class Execution:
    """What became of the step of a schedule at `time` [µs]."""

    asset: str
    name: str
    version: int
    time: int
    mode: Mode
    rate: float
    outcome: Outcome
    note: str


async def add_schedule(connection: psycopg.AsyncConnection, schedule: Schedule) -> int | None:
    """Add the next version of a schedule; its number, None where the asset is unknown.

    `psycopg.errors.UniqueViolation` where somebody else has just added that version.
    """
    given = {
        "path": schedule.asset,
        "name": schedule.name,
        "begins": moment(schedule.begins),
        "step": dt.timedelta(microseconds=schedule.step),
        "plan": Jsonb([[int(each.mode), each.rate] for each in schedule.plan]),
        "origin": schedule.origin,
        "created": moment(schedule.created),
        "user": schedule.created_by,
    }
    row = await (await connection.execute(_ADD, given)).fetchone()
    return None if row is None else int(row[0])


async def read_schedules(connection: psycopg.AsyncConnection, asset: str, name: str) -> list[Schedule]:
    """All versions of a schedule, the oldest first."""
    cursor = await connection.execute(_READ, (asset, name))
    return [_schedule(*columns) for columns in await cursor.fetchall()]


async def log_execution(connection: psycopg.AsyncConnection, done: Execution) -> bool:
    """Log a step; False where it is logged already. `psycopg.IntegrityError` for an unknown version."""
    what = (done.mode, done.rate, done.outcome, done.note)
    row = (done.asset, done.name, done.version, moment(done.time), *what)
    return (await connection.execute(_LOG, row)).rowcount == 1


async def read_executions(
    connection: psycopg.AsyncConnection, asset: str, low: int, high: int, most: int
) -> list[Execution]:
    """What became of up to `most` steps of an asset from `low` up to `high` [µs]."""
    cursor = await connection.execute(_EXECUTED, (asset, moment(low), moment(high), most))
    return [
        Execution(path, name, version, microseconds(ts), Mode(mode), rate, Outcome(outcome), note)
        for path, name, version, ts, mode, rate, outcome, note in await cursor.fetchall()
    ]


def _schedule(asset: str, name: str, version: int, begins: Any, step: Any, plan: Any, *made: Any) -> Schedule:
    origin, created, created_by = made
    steps = tuple(Step(Mode(mode), rate) for mode, rate in plan)
    microsteps = step // dt.timedelta(microseconds=1)
    return Schedule(
        asset,
        name,
        microseconds(begins),
        microsteps,
        steps,
        origin,
        microseconds(created),
        created_by,
        version,
    )
