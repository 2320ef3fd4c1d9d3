"""An outage of the database: nothing is lost, nothing comes twice, and the order holds."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
from countingplant import START, Plant
from pydantic import SecretStr
from structlog.testing import capture_logs

from config.settings import Historian as Settings
from historian.embedded import Embedded
from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

Until = Callable[[Callable[[], bool]], Awaitable[None]]


async def numbers(historian: Historian, index: TagIndex) -> list[float]:
    row = index.slice(AssetType.JAR, "RemainingUsefulLife").start
    history = await historian.read_raw(row, START, START + 10**12, 0, False)
    return history.value.tolist()  # type: ignore[no-any-return]


async def test_scans_beyond_the_buffer_come_back_in_order(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex, until: Until
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo), buffer_scans=3)
    plant = Plant(small_index)
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    with capture_logs() as logs:
        for _ in range(2):
            historian.offer(plant.next())
        await until(lambda: historian.stats.scans_written == 2)
        await server.stop()
        for _ in range(8):
            historian.offer(plant.next())
            await asyncio.sleep(0.02)
        await until(lambda: historian.stats.scans_spilled == 5)
        away = historian.stats
        assert not away.healthy
        assert away.scans_buffered == 3
        assert away.lag_s == 40.0
        assert away.last_error
        await server.start()
        await until(lambda: historian.stats.scans_written == 10)
    assert await numbers(historian, small_index) == list(range(1, 11))
    assert historian.stats.healthy
    assert historian.stats.scans_spilled == historian.stats.scans_dropped == 0
    assert [entry["log_level"] for entry in logs] == ["error", "info"]  # lost once, back once
    await historian.close()
    await server.stop()


async def test_what_the_database_did_not_take_survives_a_restart(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex, until: Until
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo), buffer_scans=3)
    plant = Plant(small_index)
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    await server.stop()
    for _ in range(2):
        historian.offer(plant.next())
    await until(lambda: not historian.stats.healthy)
    await historian.close()
    waiting = sqlite3.connect(tmp_path / "spill.sqlite")
    assert waiting.execute("SELECT count(*) FROM scan").fetchone() == (2,)
    waiting.close()

    await server.start()
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 3)
    assert await numbers(historian, small_index) == [1, 2, 3]
    await historian.close()
    await server.stop()


async def test_a_scan_written_but_not_forgotten_does_not_come_twice(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> None:
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    frame = Plant(small_index).next()
    for _ in range(2):
        historian.offer(frame)
    await until(lambda: historian.stats.scans_written == 2)
    assert historian.stats.rows_written == len(small_index.fleet.jars) + 2 + 1 + 1 + 1
    assert await numbers(historian, small_index) == [1]
    await historian.close()


async def test_a_killed_embedded_database_is_started_again(
    prepared_home: Path, small_index: TagIndex, until: Until
) -> None:
    plant = Plant(small_index)
    historian = await Historian.start(Settings(), prepared_home, small_index, lambda text: None)
    assert historian.engine.startswith("embedded PostgreSQL 18.")
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 1)
    os.kill(int((prepared_home / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    for _ in range(3):
        historian.offer(plant.next())
        await asyncio.sleep(0.05)
    await until(lambda: historian.stats.scans_written == 4)
    assert await numbers(historian, small_index) == [1, 2, 3, 4]
    await historian.close()


async def test_a_full_disk_budget_drops_and_counts(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex, until: Until
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo), buffer_scans=1, spill_gb=1e-9)
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    await server.stop()
    plant = Plant(small_index)
    for _ in range(3):
        historian.offer(plant.next())
        await asyncio.sleep(0.05)
    await until(lambda: historian.stats.scans_dropped == 2)
    assert "spill_gb" in historian.stats.last_error
    await server.start()
    await until(lambda: historian.stats.scans_written == 1)
    assert await numbers(historian, small_index) == [3]
    await historian.close()
    await server.stop()


async def test_rows_are_there_for_any_sql_client(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> None:
    historian = await Historian.start(Settings(url=SecretStr(database)), home, small_index, lambda text: None)
    historian.offer(Plant(small_index).next())
    await until(lambda: historian.stats.scans_written == 1)
    query = """
        SELECT asset.path, remaining_useful_life, voltage, quality.codes ->> 'voltage'
        FROM jar_reading JOIN asset ON asset.id = asset_id JOIN quality ON quality.id = quality
        ORDER BY path LIMIT 1
    """
    with psycopg.connect(database) as connection:
        row = connection.execute(query).fetchone()
    assert row == ("Bangrak/UPS-1/S01/J01", 10, 0, str(0x80320000))
    await historian.close()
