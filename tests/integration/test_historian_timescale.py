"""The historian on TimescaleDB, where VOLTKEEP_TEST_TIMESCALEDB_URL names a server that has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.columns import TABLES
from historian.historian import Historian
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import first_frame
from nodeset.index import TagIndex

pytestmark = pytest.mark.timescaledb

Until = Callable[[Callable[[], bool]], Awaitable[None]]

DAY = 86_400_000_000
START = 1_767_225_600_000_000
TOUCHED = "Bangrak/UPS-1/S01/J01"


async def test_readings_are_kept_over_restarts_in_chunks_of_a_day(
    timescale: str, home: Path, small_index: TagIndex, until: Until
) -> None:
    row = small_index.row(TOUCHED, "Voltage")
    assert row is not None

    async def live(day: int) -> list[float]:
        historian = await _started(timescale, home, small_index)
        assert historian.engine.startswith("TimescaleDB ")
        frame = first_frame(small_index, START).next(START + day * DAY)
        frame.put(AssetType.JAR, "Voltage", 13.5 + day)
        historian.offer(frame.freeze())
        await until(lambda: historian.stats.scans_written == 1)
        history = await historian.read_raw(row, START, START + 2 * DAY, 0, False)
        await historian.close()
        return [float(value) for value in history.value]

    assert await live(0) == [13.5]
    assert await live(1) == [13.5, 14.5]
    with psycopg.connect(timescale) as connection:
        chunks = connection.execute(
            "SELECT hypertable_name, num_chunks FROM timescaledb_information.hypertables "
            "WHERE hypertable_name LIKE '%reading'"
        ).fetchall()
    assert dict(chunks) == {table.readings: 2 for table in TABLES.values()}


async def test_simulated_readings_come_and_go(
    timescale: str, home: Path, small_index: TagIndex, until: Until
) -> None:
    row = small_index.row(TOUCHED, "Voltage")
    assert row is not None
    historian = await _started(timescale, home, small_index)
    touched = np.zeros(small_index.size, np.bool_)
    touched[row] = True
    frame = first_frame(small_index, START).next(START)
    frame.put(AssetType.JAR, "Voltage", 13.5)
    historian.offer(frame.freeze())
    simulated = frame.next(START)
    simulated.value[row], simulated.status[row] = 11.25, st.UNCERTAIN_SIMULATED_VALUE
    historian.offer_simulated(simulated.freeze(), touched)
    await until(lambda: historian.stats.scans_written == 1)

    async def shown() -> list[float]:
        history = await historian.read_raw(row, START, START + 1, 0, False)
        return [float(value) for value in history.value]

    async with asyncio.timeout(20):
        while await shown() != [11.25]:  # noqa: ASYNC110 (a queue of its own writes it, and tells nobody)
            await asyncio.sleep(0.02)
    historian.purge(touched)
    assert await shown() == [13.5]
    await historian.purged()
    await historian.close()
    with psycopg.connect(timescale) as connection:
        left = connection.execute("SELECT count(*) FROM jar_simulated").fetchone()
    assert left == (0,)


async def _started(url: str, home: Path, index: TagIndex) -> Historian:
    return await Historian.start(Settings(url=SecretStr(url)), home, index, lambda text: None)
