"""The writer against a database that stalls, refuses and comes back."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest

from historian import writer as writer_module
from historian.assets import AssetIds
from historian.backlog import SPARE
from historian.rows import Scan
from historian.spill import Spill
from historian.writer import Writer
from nodeset.fleet import AssetType
from nodeset.frame import first_frame
from nodeset.index import TagIndex

Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Database:
    """Stands in for the store: keeps times, and fails or stalls when told to."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.error: Exception | None = None
        self.refused: set[int] = set()
        self.answers = asyncio.Event()
        self.answers.set()

    async def write(self, *scans: Scan) -> int:
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        if self.refused & {scan.time for scan in scans}:
            raise ZeroDivisionError("a fault of ours")
        self.times += [scan.time for scan in scans]
        return len(scans)

    async def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.02,))


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path / "spill.sqlite", 1e9)


@pytest.fixture
async def writer(database: Database, spill: Spill, small_index: TagIndex) -> AsyncIterator[Writer]:
    ids = AssetIds({a: np.arange(small_index.fleet.count(a), dtype=np.int32) for a in AssetType})
    writer = Writer(database, spill, ids, buffer_scans=2)  # type: ignore[arg-type]
    yield writer
    await writer.close()


@pytest.fixture
def offer(writer: Writer, small_index: TagIndex) -> Callable[[int], None]:
    return lambda t: writer.offer(first_frame(small_index, t).freeze())


async def test_offering_never_waits(
    writer: Writer, database: Database, offer: Callable[[int], None], until: Until
) -> None:
    database.answers.clear()
    begin = time.perf_counter()
    for t in range(SPARE + 5):
        offer(t)
    assert (time.perf_counter() - begin) / SPARE < 0.001
    assert writer.stats.scans_dropped == 3  # memory has its bounds too
    assert writer.stats.lag_s > 0
    database.answers.set()
    await until(lambda: writer.stats.scans_written == SPARE + 2)
    assert database.times == sorted(set(database.times))
    assert database.times[-1] == SPARE + 4


async def test_order_holds_while_scans_arrive_during_the_replay(
    writer: Writer, database: Database, offer: Callable[[int], None], until: Until
) -> None:
    database.error = psycopg.OperationalError("gone")
    for t in range(1, 11):
        offer(t)
    await until(lambda: writer.stats.scans_spilled == 8 and not writer.stats.healthy)
    assert writer.stats.last_error == "gone"
    database.error = None
    for t in range(11, 31):
        offer(t)
        await asyncio.sleep(0.02)
    await until(lambda: writer.stats.scans_written == 30)
    assert database.times == list(range(1, 31))
    assert writer.stats.healthy
    assert writer.stats.scans_dropped == 0


@pytest.mark.parametrize("how", ["ours", "data"])
async def test_a_scan_that_can_never_be_written_does_not_block_the_others(
    writer: Writer, database: Database, offer: Callable[[int], None], until: Until, how: str
) -> None:
    if how == "ours":
        database.refused = {2}
    for t in (1, 2, 3):
        if how == "data":
            database.error = psycopg.DataError("nonsense") if t == 2 else None
        offer(t)
        await until(lambda: writer.stats.scans_buffered == 0)
    assert database.times == [1, 3]
    assert writer.stats.scans_dropped == 1


async def test_a_spill_file_that_cannot_be_written_is_counted_not_fatal(
    writer: Writer,
    database: Database,
    spill: Spill,
    offer: Callable[[int], None],
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(scan: Scan) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(spill, "append", full)
    database.error = psycopg.OperationalError("gone")
    for t in range(1, 6):
        offer(t)
    await until(lambda: writer.stats.scans_dropped == 3)
    database.error = None
    await until(lambda: writer.stats.scans_written == 2)
    assert database.times == [4, 5]


async def test_a_damaged_scan_on_disk_is_dropped(
    writer: Writer, database: Database, spill: Spill, offer: Callable[[int], None], until: Until
) -> None:
    database.error = psycopg.OperationalError("gone")
    for t in (1, 2, 3, 4):
        offer(t)
    await until(lambda: writer.stats.scans_spilled == 2)
    spill._file.execute("UPDATE scan SET data = x'00' WHERE id = 1")
    spill._file.commit()
    await until(lambda: writer.stats.scans_dropped == 1)  # no attempt still has it as it was
    database.error = None
    await until(lambda: writer.stats.scans_written == 3)
    assert database.times == [2, 3, 4]
    assert writer.stats.scans_dropped == 1


async def test_frames_of_the_past_between_live_ones_are_no_lag(
    writer: Writer, database: Database, offer: Callable[[int], None], until: Until
) -> None:
    for t in (10_000_000, 1_000_000):
        offer(t)
        await until(lambda: writer.stats.scans_buffered == 0)
    database.answers.clear()
    offer(2_000_000)
    assert writer.stats.lag_s == 0.0
    offer(13_000_000)
    assert writer.stats.lag_s == 3.0
    database.answers.set()
