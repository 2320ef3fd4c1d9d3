"""The tables `maintenance` and `capacity_test`: what was done to the plant, and what tests showed (R9)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import psycopg

from historian.moments import iso, microseconds, moment

_ASSET: Final = "(SELECT id FROM asset WHERE path = %s)"
_WORK: Final = "kind, began, ended, done_by, note, recorded, recorded_by, serial_number, baseline_resistance"
_ADD_WORK: Final = f"INSERT INTO maintenance (asset_id, {_WORK}) VALUES ({_ASSET}, {', '.join(['%s'] * 9)})"
_END_WORK: Final = (
    f"UPDATE maintenance SET ended = %s, note = %s WHERE asset_id = {_ASSET} AND kind = %s AND began = %s "
    "AND ended IS NULL"
)
_WORKS: Final = (
    f"SELECT path, {_WORK} FROM maintenance "
    "JOIN asset ON asset.id = asset_id WHERE (path = %(path)s OR starts_with(path, %(path)s || '/')) "
    "AND began >= %(low)s AND began < %(high)s ORDER BY began, maintenance.id LIMIT %(most)s"
)
# Of each asset the last: what is there now.
_LAST_REPLACEMENTS: Final = (
    f"SELECT DISTINCT ON (asset_id) path, {_WORK} FROM maintenance JOIN asset ON asset.id = asset_id "
    "WHERE kind = 'Replacement' AND began < %s ORDER BY asset_id, began DESC"
)
_KIND: Final = (
    f"SELECT path, {_WORK} FROM maintenance JOIN asset ON asset.id = asset_id "
    "WHERE kind = %s AND began < %s ORDER BY began, maintenance.id"
)
# What a plant writes of itself it may write again.
STATEMENTS: Final = {
    "work_done": f"INSERT INTO maintenance (asset_id, {_WORK}) SELECT asset.id, kind, began, ended, done_by, "
    "note, recorded, recorded_by, serial_number, baseline_resistance FROM json_to_recordset(%s::json) AS new "
    "(path text, kind text, began timestamptz, ended timestamptz, done_by text, note text, "
    "recorded timestamptz, recorded_by text, serial_number text, baseline_resistance double precision) "
    "JOIN asset USING (path) ON CONFLICT DO NOTHING",
}
_TEST: Final = "discharge_current, end_voltage, temperature, capacity, rated_capacity, done_by, note"
_ADD_TEST: Final = (
    f"INSERT INTO capacity_test (asset_id, began, ended, {_TEST}) VALUES ({_ASSET}, {', '.join(['%s'] * 9)})"
)
_TESTS: Final = (
    f"SELECT path, began, ended, {_TEST} FROM capacity_test "
    "JOIN asset ON asset.id = asset_id WHERE (path = %(path)s OR starts_with(path, %(path)s || '/')) "
    "AND began >= %(low)s AND began < %(high)s ORDER BY began, path LIMIT %(most)s"
)
_LAST_TESTS: Final = (
    f"SELECT DISTINCT ON (asset_id) path, began, ended, {_TEST} FROM capacity_test "
    "JOIN asset ON asset.id = asset_id WHERE began < %s ORDER BY asset_id, began DESC"
)


class Work(StrEnum):
    """What maintenance did; a failure is what it found, a replacement begins a jar's life anew."""

    INSPECTION = "Inspection"
    CLEANING = "Cleaning"
    TIGHTENING = "Tightening"
    EQUALISATION = "Equalisation"
    REPAIR = "Repair"
    REPLACEMENT = "Replacement"
    FAILURE = "Failure"


@dataclass(frozen=True)
class Maintenance:
    """Maintenance of an asset; `ended` is None while it lasts. Times in µs.

    A replacement may say what the new jar is: its serial number, and its resistance [mΩ at 25 °C] as new.
    """

    asset: str
    kind: Work
    began: int
    ended: int | None
    done_by: str
    note: str
    recorded: int
    recorded_by: str
    serial_number: str | None = None
    baseline_resistance: float | None = None

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written, for the journal; what is there already stays as it is."""
        times = {"began": iso(self.began), "recorded": iso(self.recorded)}
        ended = None if self.ended is None else iso(self.ended)
        yield "work_done", asdict(self) | times | {"path": self.asset, "ended": ended}


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
    """Record maintenance.

    `psycopg.IntegrityError` where the asset is unknown, the end before the start, or the same is there.
    """
    ended = None if work.ended is None else moment(work.ended)
    times = (moment(work.began), ended)
    record = (work.done_by, work.note, moment(work.recorded), work.recorded_by)
    jar = (work.serial_number, work.baseline_resistance)
    await connection.execute(_ADD_WORK.encode(), (work.asset, work.kind, *times, *record, *jar))


async def end_maintenance(connection: psycopg.AsyncConnection, work: Maintenance) -> bool:
    """Give the end and the note of work to the record of it that has no end; False where there is none."""
    given = (moment(work.ended or 0), work.note, work.asset, work.kind, moment(work.began))
    return (await connection.execute(_END_WORK.encode(), given)).rowcount > 0


async def add_works(connection: psycopg.AsyncConnection, works: Iterable[Maintenance]) -> None:
    """Record what is not there already."""
    rows = [columns for work in works for _, columns in work.records()]
    await connection.execute(STATEMENTS["work_done"].encode(), (json.dumps(rows),))


async def read_maintenance(
    connection: psycopg.AsyncConnection, asset: str, low: int, high: int, most: int
) -> list[Maintenance]:
    """Maintenance of an asset, and of all below it, that began from `low` up to `high` [µs]."""
    cursor = await connection.execute(_WORKS.encode(), _given(asset, low, high, most))
    return [_work(*columns) for columns in await cursor.fetchall()]


async def read_kind(connection: psycopg.AsyncConnection, kind: Work, before: int) -> list[Maintenance]:
    """All maintenance of a kind that began before a time [µs], oldest first."""
    cursor = await connection.execute(_KIND.encode(), (kind, moment(before)))
    return [_work(*columns) for columns in await cursor.fetchall()]


async def last_replacements(connection: psycopg.AsyncConnection, before: int) -> list[Maintenance]:
    """The last replacement of each asset that had one before a time [µs]."""
    cursor = await connection.execute(_LAST_REPLACEMENTS.encode(), (moment(before),))
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
    cursor = await connection.execute(_TESTS.encode(), _given(asset, low, high, most))
    return [_test(*columns) for columns in await cursor.fetchall()]


async def last_capacity_tests(connection: psycopg.AsyncConnection, before: int) -> list[CapacityTest]:
    """The last test of each asset that had one before a time [µs]."""
    cursor = await connection.execute(_LAST_TESTS.encode(), (moment(before),))
    return [_test(*columns) for columns in await cursor.fetchall()]


def _given(asset: str, low: int, high: int, most: int) -> dict[str, Any]:
    return {"path": asset, "low": moment(low), "high": moment(high), "most": most}


def _work(
    asset: str, kind: str, began: Any, ended: Any, done_by: str, note: str, *record: Any
) -> Maintenance:
    recorded, *rest = record
    end = None if ended is None else microseconds(ended)
    return Maintenance(
        asset, Work(kind), microseconds(began), end, done_by, note, microseconds(recorded), *rest
    )


def _test(asset: str, began: Any, ended: Any, *rest: Any) -> CapacityTest:
    return CapacityTest(asset, microseconds(began), microseconds(ended), *rest)
