"""The tables `maintenance` and `capacity_test`: what was done to the plant, and what tests showed (R9)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import psycopg

from historian.moments import microseconds, moment

_ASSET: Final = "(SELECT id FROM asset WHERE path = %s)"
_ADD_WORK: Final = (
    "INSERT INTO maintenance (asset_id, kind, began, ended, done_by, note, recorded, recorded_by) "
    f"VALUES ({_ASSET}, %s, %s, %s, %s, %s, %s, %s)"
)
_WORKS: Final = (
    "SELECT path, kind, began, ended, done_by, note, recorded, recorded_by FROM maintenance "
    "JOIN asset ON asset.id = asset_id WHERE (path = %(path)s OR starts_with(path, %(path)s || '/')) "
    "AND began >= %(low)s AND began < %(high)s ORDER BY began, maintenance.id LIMIT %(most)s"
)
_TEST: Final = "discharge_current, end_voltage, temperature, capacity, rated_capacity, done_by, note"
_ADD_TEST: Final = (
    f"INSERT INTO capacity_test (asset_id, began, ended, {_TEST}) VALUES ({_ASSET}, {', '.join(['%s'] * 9)})"
)
_TESTS: Final = (
    f"SELECT path, began, ended, {_TEST} FROM capacity_test "
    "JOIN asset ON asset.id = asset_id WHERE (path = %(path)s OR starts_with(path, %(path)s || '/')) "
    "AND began >= %(low)s AND began < %(high)s ORDER BY began, path LIMIT %(most)s"
)


class Work(StrEnum):
    """What maintenance did; a replacement begins a jar's life anew."""

    INSPECTION = "Inspection"
    CLEANING = "Cleaning"
    TIGHTENING = "Tightening"
    EQUALISATION = "Equalisation"
    REPAIR = "Repair"
    REPLACEMENT = "Replacement"


@dataclass(frozen=True)
class Maintenance:
    """Maintenance of an asset; `ended` is None while it lasts. Times in µs."""

    asset: str
    kind: Work
    began: int
    ended: int | None
    done_by: str
    note: str
    recorded: int
    recorded_by: str


@dataclass(frozen=True)
class CapacityTest:
    """A discharge of an asset to its end voltage [V a jar]; currents in A, capacities in Ah, times in µs."""

    asset: str
    began: int
    ended: int
    discharge_current: float
    end_voltage: float
    temperature: float
    capacity: float
    rated_capacity: float
    done_by: str
    note: str


async def add_maintenance(connection: psycopg.AsyncConnection, work: Maintenance) -> None:
    """Record maintenance; `psycopg.IntegrityError` where the asset is unknown or the end before the start."""
    ended = None if work.ended is None else moment(work.ended)
    times = (moment(work.began), ended)
    record = (work.done_by, work.note, moment(work.recorded), work.recorded_by)
    await connection.execute(_ADD_WORK, (work.asset, work.kind, *times, *record))


async def read_maintenance(
    connection: psycopg.AsyncConnection, asset: str, low: int, high: int, most: int
) -> list[Maintenance]:
    """Maintenance of an asset, and of all below it, that began from `low` up to `high` [µs]."""
    cursor = await connection.execute(_WORKS, _given(asset, low, high, most))
    return [_work(*columns) for columns in await cursor.fetchall()]


async def add_capacity_test(connection: psycopg.AsyncConnection, test: CapacityTest) -> None:
    """Record a test; `psycopg.IntegrityError` where it is there already, or makes no sense."""
    times = (moment(test.began), moment(test.ended))
    measured = (test.discharge_current, test.end_voltage, test.temperature)
    capacities = (test.capacity, test.rated_capacity)
    await connection.execute(
        _ADD_TEST.encode(), (test.asset, *times, *measured, *capacities, test.done_by, test.note)
    )


async def read_capacity_tests(
    connection: psycopg.AsyncConnection, asset: str, low: int, high: int, most: int
) -> list[CapacityTest]:
    """Tests of an asset, and of all below it, that began from `low` up to `high` [µs]."""
    cursor = await connection.execute(_TESTS, _given(asset, low, high, most))
    return [
        CapacityTest(path, microseconds(began), microseconds(ended), *rest)
        for path, began, ended, *rest in await cursor.fetchall()
    ]


def _given(asset: str, low: int, high: int, most: int) -> dict[str, Any]:
    return {"path": asset, "low": moment(low), "high": moment(high), "most": most}


def _work(
    asset: str, kind: str, began: Any, ended: Any, done_by: str, note: str, *record: Any
) -> Maintenance:
    recorded, recorded_by = record
    end = None if ended is None else microseconds(ended)
    return Maintenance(
        asset, Work(kind), microseconds(began), end, done_by, note, microseconds(recorded), recorded_by
    )
