"""Models, predictions, maintenance, capacity tests and schedules: rows in, rows out, and what is refused."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from historian.connections import connect
from historian.maintenance import (
    CapacityTest,
    Maintenance,
    Work,
    add_capacity_test,
    add_maintenance,
    add_works,
    last_capacity_tests,
    last_replacements,
    read_capacity_tests,
    read_kind,
    read_maintenance,
)
from historian.models import Model, ModelState, add_model, approve_model, read_models, set_model_state
from historian.predictions import Factor, Prediction, add_predictions, read_predictions
from historian.schedules import (
    Execution,
    Mode,
    Outcome,
    Schedule,
    Step,
    add_schedule,
    log_execution,
    read_executions,
    read_schedules,
)

START = 1_767_225_600_000_000  # 2026-01-01
HOUR = 3_600_000_000
JAR, STRING, SYSTEM = "Bangrak/UPS-1/S01/J01", "Bangrak/UPS-1/S01", "Bangrak/UPS-1"
MODEL = Model("rul-1", "rul", START, START - 9 * HOUR, START - HOUR, b"\x01" * 32, {"mae": 41.5})
PREDICTION = Prediction("rul-1", JAR, START, 0, 900.5, 700.0, 1100.0, "High", (Factor("Age", 61.5),))
WORK = Maintenance(JAR, Work.REPLACEMENT, START, START + HOUR, "anna", "cracked", START + 2 * HOUR, "bert")
TEST = CapacityTest(STRING, START, START + HOUR, 24.0, 10.5, 25.0, 96.0, 120.0, "anna", "")
SCHEDULE = Schedule(
    SYSTEM, "evening", START, HOUR // 2, (Step(Mode.CHARGE, 5.0), Step(Mode.IDLE, 0.0)), "rule", START, "anna"
)
DONE = Execution(SYSTEM, "evening", 1, START, Mode.CHARGE, 4.5, Outcome.DONE, "")


@pytest.fixture
async def connection(either: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await connect(either) as connection:
        for kind, path in (("System", SYSTEM), ("String", STRING), ("Jar", JAR)):
            await connection.execute("INSERT INTO asset (type, path) VALUES (%s, %s)", (kind, path))
        yield connection


async def test_models_come_back_as_they_were(connection: psycopg.AsyncConnection) -> None:
    shadow = replace(MODEL, version="rul-2", created=START + 1, state=ModelState.SHADOW)
    await add_model(connection, shadow)
    await add_model(connection, MODEL)
    assert await read_models(connection) == [MODEL, shadow]
    with pytest.raises(psycopg.errors.UniqueViolation):
        await add_model(connection, MODEL)


async def test_only_what_somebody_approved_is_published_and_one_of_a_kind(
    connection: psycopg.AsyncConnection,
) -> None:
    second = replace(MODEL, version="rul-2", created=START + 1)
    for model in (MODEL, second, replace(MODEL, version="other", kind="load", created=START + 2)):
        await add_model(connection, model)
    with pytest.raises(psycopg.errors.CheckViolation):
        await set_model_state(connection, "rul-1", ModelState.PUBLISHED)
    for version in ("rul-1", "rul-2", "other"):
        assert await approve_model(connection, version, "anna", START + HOUR)
        assert not await approve_model(connection, version, "bert", START + 2 * HOUR)
        assert await set_model_state(connection, version, ModelState.PUBLISHED)
    states = {model.version: model.state for model in await read_models(connection)}
    assert states == {"rul-1": "Retired", "rul-2": "Published", "other": "Published"}
    assert {model.approved_by for model in await read_models(connection)} == {"anna"}
    assert not await set_model_state(connection, "unknown", ModelState.RETIRED)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await connection.execute("UPDATE model SET state = 'Published' WHERE version = 'rul-1'")


async def test_predictions_come_back_as_they_were_and_once(connection: psycopg.AsyncConnection) -> None:
    await add_model(connection, MODEL)
    later = replace(PREDICTION, issued_at=START + HOUR, horizon=180, factors=())
    assert await add_predictions(connection, [PREDICTION, later]) == 2
    assert await add_predictions(connection, [replace(PREDICTION, value=800.0)]) == 0
    assert await add_predictions(connection, []) == 0
    assert await read_predictions(connection, JAR, START, START + 2 * HOUR, 10) == [PREDICTION, later]
    assert await read_predictions(connection, JAR, START + 1, START + 2 * HOUR, 10) == [later]
    assert await read_predictions(connection, STRING, START, START + 2 * HOUR, 10) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 600.0},
        {"upper": 800.0},
        {"horizon": -1},
        {"jar": "nowhere"},
        {"model_version": "unknown"},
    ],
)
async def test_a_prediction_that_makes_no_sense_is_refused(
    connection: psycopg.AsyncConnection, wrong: dict[str, object]
) -> None:
    await add_model(connection, MODEL)
    with pytest.raises(psycopg.IntegrityError):
        await add_predictions(connection, [PREDICTION, replace(PREDICTION, **wrong)])  # type: ignore[arg-type]
    assert await read_predictions(connection, JAR, 0, 2 * START, 10) == []


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE prediction SET value = 1000",
        "DELETE FROM prediction",
        "DELETE FROM prediction WHERE false",
        "TRUNCATE prediction",
        "TRUNCATE model CASCADE",
    ],
)
async def test_not_even_the_owner_changes_a_prediction(
    connection: psycopg.AsyncConnection, statement: str, role: str
) -> None:
    await add_model(connection, MODEL)
    await add_predictions(connection, [PREDICTION])
    await connection.execute(f"SET session_replication_role = {role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="cannot be changed"):
        await connection.execute(statement.encode())
    assert await read_predictions(connection, JAR, 0, 2 * START, 10) == [PREDICTION]


async def test_an_owner_without_further_rights_has_none_to_change_predictions(
    connection: psycopg.AsyncConnection,
) -> None:
    """The embedded database's superuser is refused by the trigger; any other owner has no right either."""
    rights = "SELECT privilege_type FROM information_schema.table_privileges WHERE table_name = 'prediction'"
    found = {right for (right,) in await (await connection.execute(rights.encode())).fetchall()}
    assert "INSERT" in found
    assert not found & {"UPDATE", "DELETE", "TRUNCATE"}


async def test_maintenance_comes_back_as_it_was(connection: psycopg.AsyncConnection) -> None:
    lasting = replace(WORK, asset=SYSTEM, began=START + HOUR, ended=None, kind=Work.INSPECTION)
    await add_maintenance(connection, lasting)
    await add_maintenance(connection, WORK)
    assert await read_maintenance(connection, SYSTEM, START, START + 9 * HOUR, 10) == [WORK, lasting]
    assert await read_maintenance(connection, STRING, START, START + 9 * HOUR, 10) == [WORK]
    assert await read_maintenance(connection, SYSTEM, START, START + HOUR, 10) == [WORK]
    for wrong in (replace(WORK, ended=START - 1), replace(WORK, asset="nowhere")):
        with pytest.raises(psycopg.IntegrityError):
            await add_maintenance(connection, wrong)
    with pytest.raises(psycopg.IntegrityError):
        await connection.execute("UPDATE maintenance SET kind = 'Wonder'")


async def test_what_a_new_jar_is_is_kept_of_replacements_alone(connection: psycopg.AsyncConnection) -> None:
    new = replace(WORK, serial_number="HX26-1", baseline_resistance=3.31)
    await add_maintenance(connection, new)
    assert await read_maintenance(connection, JAR, START, START + 1, 10) == [new]
    later = replace(new, began=START + HOUR)
    for wrong in (new, replace(later, kind=Work.REPAIR), replace(later, baseline_resistance=0.0)):
        with pytest.raises(psycopg.IntegrityError):
            await add_maintenance(connection, wrong)


async def test_the_last_replacement_and_the_last_test_are_what_counts(
    connection: psycopg.AsyncConnection,
) -> None:
    whole = replace(WORK, asset=STRING, began=START + 3 * HOUR, ended=None)
    failure = replace(WORK, kind=Work.FAILURE, began=START + 5 * HOUR, ended=None)
    works = [WORK, replace(WORK, began=START + HOUR), whole, failure]
    await add_works(connection, works)
    await add_works(connection, works)  # again changes nothing
    assert len(await read_maintenance(connection, SYSTEM, START, START + 9 * HOUR, 10)) == 4
    assert set(await last_replacements(connection, START + 9 * HOUR)) == {works[1], whole}
    assert await last_replacements(connection, START + HOUR) == [WORK]
    assert await read_kind(connection, Work.FAILURE, START + 9 * HOUR) == [failure]
    assert await read_kind(connection, Work.REPLACEMENT, START + 2 * HOUR) == works[:2]
    second = replace(TEST, began=START + HOUR, ended=START + 2 * HOUR)
    for test in (second, TEST):
        await add_capacity_test(connection, test)
    assert await last_capacity_tests(connection, START + 9 * HOUR) == [second]


async def test_capacity_tests_come_back_as_they_were(connection: psycopg.AsyncConnection) -> None:
    await add_capacity_test(connection, TEST)
    assert await read_capacity_tests(connection, SYSTEM, START, START + 1, 10) == [TEST]
    assert await read_capacity_tests(connection, JAR, START, START + 1, 10) == []
    later = replace(TEST, began=START + HOUR, ended=START + 2 * HOUR)
    for wrong in (TEST, replace(later, ended=later.began), replace(later, discharge_current=0.0)):
        with pytest.raises(psycopg.IntegrityError):
            await add_capacity_test(connection, wrong)


async def test_a_schedule_has_versions_and_a_log(connection: psycopg.AsyncConnection) -> None:
    changed = replace(SCHEDULE, plan=(Step(Mode.DISCHARGE, 7.5),), created_by="bert")
    assert await add_schedule(connection, SCHEDULE) == 1
    assert await add_schedule(connection, changed) == 2
    assert await add_schedule(connection, replace(SCHEDULE, name="morning")) == 1
    assert await add_schedule(connection, replace(SCHEDULE, asset="nowhere")) is None
    assert await read_schedules(connection, SYSTEM, "evening") == [
        replace(SCHEDULE, version=1),
        replace(changed, version=2),
    ]
    assert await log_execution(connection, DONE)
    assert not await log_execution(connection, replace(DONE, outcome=Outcome.FAILED))
    assert await read_executions(connection, SYSTEM, START, START + 1, 10) == [DONE]
    with pytest.raises(psycopg.IntegrityError):
        await log_execution(connection, replace(DONE, version=3))
    with pytest.raises(psycopg.IntegrityError):
        await add_schedule(connection, replace(SCHEDULE, step=0))


def test_nan_is_no_prediction() -> None:
    """PostgreSQL sorts NaN above all numbers: an interval with it would pass."""
    with pytest.raises(ValueError, match="finite"):
        replace(PREDICTION, upper=math.nan)
