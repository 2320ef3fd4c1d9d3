"""Simulated readings beside the plant's: shown while their scenario runs, and gone when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.columns import TABLES
from historian.embedded import Embedded
from historian.historian import Historian
from historian.reader import BAD_BOUND_NOT_FOUND
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Touched = NDArray[np.bool_]

START = 1_767_225_600_000_000
SECOND = 1_000_000
STRING = "Bangrak/UPS-1/S01"
JAR, OTHER = f"{STRING}/J01", "Bangrak/UPS-1/S02/J01"
PLANT, SCENARIO = 13.5, 11.25
PURGED_WITHIN = 5.0  # s (S5)


class Scans:
    """A plant's frames and, beside them, the same with a scenario's voltages."""

    def __init__(self, historian: Historian, index: TagIndex) -> None:
        self._historian = historian
        self._frame = first_frame(index, START)
        self._index = index

    def touched(self, *paths: str) -> Touched:
        """Rows of the jars' voltage at `paths`, and of what counts jars above them."""
        touched = np.zeros(self._index.size, np.bool_)
        touched[[self._index.row(path, "Voltage") for path in paths]] = True
        touched[self._index.slice(AssetType.FLEET, "HealthyJars")] = True
        return touched

    def next(self, touched: Touched | None = None) -> Frame:
        """Scan once more, one second later; the second frame of a scan with scenarios."""
        self._frame = self._frame.next(self._frame.time + SECOND)
        self._frame.put(AssetType.JAR, "Voltage", PLANT)
        self._historian.offer(self._frame.freeze())
        second = self._frame.next(self._frame.time)
        if touched is not None:
            second.value[touched] = SCENARIO
            second.status[touched] = st.UNCERTAIN_SIMULATED_VALUE
            self._historian.offer_simulated(second.freeze(), touched)
        return self._frame


@pytest.fixture
async def historian(home: Path, database: str, small_index: TagIndex) -> AsyncIterator[Historian]:
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    yield historian
    await historian.close()


@pytest.fixture
def scans(historian: Historian, small_index: TagIndex) -> Scans:
    return Scans(historian, small_index)


@pytest.fixture
async def story(historian: Historian, scans: Scans, until: Until) -> Scans:
    """Ten scans of the plant, one a second from second 1; in the scans 4, 5, 6 a scenario works on a jar."""
    touched = scans.touched(JAR)
    for second in range(1, 11):
        scans.next(touched if 4 <= second <= 6 else None)
    await until(lambda: historian.stats.scans_written == 10)
    await until(lambda: historian.simulated_stats.rows_written == 6)
    return scans


def count(database: str) -> dict[str, int]:
    """Simulated rows by table, empty ones left out."""
    with psycopg.connect(database) as connection:
        found = {}
        for table in TABLES.values():
            row = connection.execute(f"SELECT count(*) FROM {table.simulated}".encode()).fetchone()
            found[table.simulated] = row[0] if row else 0
    return {name: rows for name, rows in found.items() if rows}


def at(second: float) -> int:
    return START + round(second * SECOND)


async def told(
    historian: Historian, row: int, start: float, end: float, limit: int = 0, bounds: bool = False
) -> list[tuple[float, float, int]]:
    """Second, value and status of a variable's history; -1 where there is no value."""
    found = await historian.read_raw(row, at(start), at(end), limit, bounds)
    seconds = ((found.time - START) / SECOND).tolist()
    values = np.nan_to_num(found.value, nan=-1.0).tolist()
    return list(zip(seconds, values, found.status.tolist(), strict=True))


def plant(second: int) -> tuple[float, float, int]:
    return float(second), PLANT, st.GOOD


def scenario(second: int) -> tuple[float, float, int]:
    return float(second), SCENARIO, st.UNCERTAIN_SIMULATED_VALUE


@pytest.fixture
def voltage(small_index: TagIndex) -> int:
    row = small_index.row(JAR, "Voltage")
    assert row is not None
    return row


@pytest.mark.usefixtures("story")
async def test_simulated_rows_cover_the_plants_while_a_scenario_runs(
    historian: Historian, voltage: int
) -> None:
    whole = [plant(1), plant(2), plant(3), scenario(4), scenario(5), scenario(6), *map(plant, range(7, 11))]
    assert await told(historian, voltage, 0, 20) == whole
    assert await told(historian, voltage, 20, 0) == whole[::-1]
    assert await told(historian, voltage, 5, 6) == [scenario(5)]


@pytest.mark.usefixtures("story")
async def test_bounds_are_simulated_where_the_scenario_was(historian: Historian, voltage: int) -> None:
    assert await told(historian, voltage, 4.5, 5.5, bounds=True) == [scenario(4), scenario(5), scenario(6)]
    assert await told(historian, voltage, 3.5, 4.5, bounds=True) == [plant(3), scenario(4), scenario(5)]
    assert await told(historian, voltage, 7.5, 5.5, bounds=True) == [
        plant(8),
        plant(7),
        scenario(6),
        scenario(5),
    ]
    assert await told(historian, voltage, 6.5, 20, bounds=True) == [
        scenario(6),
        *map(plant, range(7, 11)),
        (20.0, -1.0, BAD_BOUND_NOT_FOUND),
    ]


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(("start", "end"), [(0, 20), (20, 0), (4, 7), (6.5, 2.5)])
@pytest.mark.parametrize("bounds", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pieces_make_the_whole(
    historian: Historian, voltage: int, start: float, end: float, bounds: bool, limit: int
) -> None:
    whole = await historian.read_raw(voltage, at(start), at(end), 0, bounds)
    times: list[int] = []
    values: list[float] = []
    more = True
    while more:
        after = times[-1] if times else None
        piece = await historian.read_raw(voltage, at(start), at(end), limit, bounds, after)
        times += piece.time.tolist()
        values += piece.value.tolist()
        more = piece.more
    assert times == whole.time.tolist()
    np.testing.assert_array_equal(values, whole.value)


@pytest.mark.usefixtures("story")
async def test_other_assets_and_the_plants_own_rows_are_as_they_were(
    historian: Historian, small_index: TagIndex, database: str
) -> None:
    other = small_index.row(OTHER, "Voltage")
    assert other is not None
    assert await told(historian, other, 0, 20) == [plant(second) for second in range(1, 11)]
    assert count(database) == {"jar_simulated": 3, "fleet_simulated": 3}
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*), min(voltage), max(voltage) FROM jar_reading").fetchone()
    assert row == (60, 13500, 13500)
    latest = await historian.latest()
    assert PLANT in latest.value
    assert SCENARIO not in latest.value


@pytest.mark.usefixtures("story")
async def test_a_purge_is_seen_at_once_and_done_soon(
    historian: Historian, scans: Scans, voltage: int, database: str
) -> None:
    async with asyncio.timeout(PURGED_WITHIN):
        historian.purge(scans.touched(JAR))
        assert historian.simulated_stats.purging
        assert await told(historian, voltage, 0, 20) == [plant(second) for second in range(1, 11)]
        await historian.purged()
    assert not historian.simulated_stats.purging
    assert count(database) == {}


async def test_what_waits_when_the_purge_comes_is_never_written(
    historian: Historian, scans: Scans, database: str, until: Until
) -> None:
    gone, stays = scans.touched(JAR), scans.touched(OTHER)
    for _ in range(3):
        scans.next(gone | stays)
    historian.purge(gone)
    scans.next(stays)
    await until(lambda: historian.simulated_stats.scans_waiting == 0)
    await historian.purged()
    await until(lambda: historian.simulated_stats.rows_written >= 5)
    assert count(database) == {"jar_simulated": 4, "fleet_simulated": 1}


async def test_two_jars_of_a_string_go_one_by_one(
    historian: Historian, scans: Scans, database: str, until: Until, small_index: TagIndex
) -> None:
    second_jar = f"{STRING}/J02"
    both = scans.touched(JAR, second_jar)
    for _ in range(2):
        scans.next(both)
    await until(lambda: historian.simulated_stats.rows_written == 6)
    historian.purge(scans.touched(JAR))
    await historian.purged()
    assert count(database) == {"jar_simulated": 2}
    kept = small_index.row(second_jar, "Voltage")
    assert kept is not None
    assert await told(historian, kept, 0, 20) == [scenario(1), scenario(2)]
    historian.purge(scans.touched(second_jar))
    await historian.purged()
    assert count(database) == {}


async def test_a_scenario_after_another_shows_its_own_rows_only(
    historian: Historian, scans: Scans, voltage: int, until: Until
) -> None:
    touched = scans.touched(JAR)
    scans.next(touched)
    historian.purge(touched)
    scans.next()
    scans.next(touched)
    await until(lambda: historian.stats.scans_written == 3)
    await historian.purged()
    await until(lambda: historian.simulated_stats.rows_written in (2, 4))
    assert await told(historian, voltage, 0, 20) == [plant(1), plant(2), scenario(3)]


async def test_a_time_that_comes_twice_is_no_outage(
    historian: Historian, scans: Scans, small_index: TagIndex, voltage: int, until: Until
) -> None:
    touched = scans.touched(JAR)
    frame = first_frame(small_index, at(1))
    for value in (SCENARIO, PLANT, SCENARIO):
        frame = frame.next(at(1) if value == PLANT else frame.time + SECOND)
        frame.put(AssetType.JAR, "Voltage", value, st.UNCERTAIN_SIMULATED_VALUE)
        historian.offer_simulated(frame.freeze(), touched)
    await until(lambda: historian.simulated_stats.rows_written >= 2)
    await until(lambda: historian.simulated_stats.scans_waiting == 0)
    assert historian.simulated_stats.healthy
    assert {second for second, _, _ in await told(historian, voltage, 0, 20)} <= {1.0, 2.0, 3.0}


async def test_what_a_killed_server_left_is_gone_after_a_start(
    home: Path, database: str, small_index: TagIndex, voltage: int, until: Until
) -> None:
    settings = Settings(url=SecretStr(database))
    killed = await Historian.start(settings, home, small_index, lambda text: None)
    scans = Scans(killed, small_index)
    scans.next(scans.touched(JAR))
    await until(lambda: killed.simulated_stats.rows_written == 2 and killed.stats.scans_written == 1)
    assert count(database) == {"jar_simulated": 1, "fleet_simulated": 1}
    (home / "second").mkdir()
    started = await Historian.start(settings, home / "second", small_index, lambda text: None)
    assert count(database) == {}
    assert await told(started, voltage, 0, 20) == [plant(1)]
    await started.close()
    await killed.close()


async def test_an_ordinary_stop_leaves_nothing(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> None:
    historian = await Historian.start(Settings(url=SecretStr(database)), home, small_index, lambda text: None)
    scans = Scans(historian, small_index)
    scans.next(scans.touched(JAR))
    await until(lambda: historian.simulated_stats.rows_written == 2)
    await historian.close()
    assert count(database) == {}


async def test_an_outage_loses_simulated_rows_only_and_the_purge_comes_after_it(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex, voltage: int, until: Until
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo), buffer_scans=3)
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    scans = Scans(historian, small_index)
    touched = scans.touched(JAR)
    scans.next(touched)
    await until(lambda: historian.simulated_stats.rows_written == 2)
    await server.stop()
    for _ in range(8):
        scans.next(touched)
        await asyncio.sleep(0.02)
    await until(lambda: not historian.simulated_stats.healthy)
    assert historian.simulated_stats.scans_waiting <= 1
    assert historian.stats.scans_dropped == 0
    historian.purge(touched)
    scans.next()
    await server.start()
    await until(lambda: historian.stats.scans_written == 10)
    assert await told(historian, voltage, 0, 20) == [plant(second) for second in range(1, 11)]
    await historian.purged()
    assert count(server.conninfo) == {}
    assert historian.simulated_stats.healthy
    await historian.close()
    await server.stop()


async def test_a_slow_database_does_not_delay_the_purge(
    historian: Historian, scans: Scans, database: str, until: Until
) -> None:
    """A lock holds up the rows of one scan: the purge does not wait for ever behind them."""
    touched = scans.touched(JAR)
    scans.next(touched)
    await until(lambda: historian.simulated_stats.rows_written == 2)
    async with await psycopg.AsyncConnection.connect(database) as blocking:
        await blocking.execute("LOCK TABLE jar_simulated IN ACCESS EXCLUSIVE MODE")
        scans.next(touched)
        await until(lambda: historian.simulated_stats.scans_waiting == 0)
        async with asyncio.timeout(PURGED_WITHIN):
            historian.purge(touched)
            await asyncio.sleep(1.0)  # the lock's, not ours
            await blocking.rollback()
            await historian.purged()
    assert count(database) == {}


async def test_simulated_rows_have_a_limit_of_their_own(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> None:
    settings = Settings(url=SecretStr(database), simulated_gb=1e-9)
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    scans = Scans(historian, small_index)
    scans.next(scans.touched(JAR))
    await until(lambda: historian.simulated_stats.rows_written == 2)
    historian.purge(scans.touched(OTHER))  # of another scenario: it looks at the size again
    for _ in range(3):
        scans.next(scans.touched(JAR))
    await until(lambda: historian.simulated_stats.scans_dropped == 3)
    assert historian.stats.scans_dropped == 0
    await historian.close()
