"""Never loses, never waits (H2): every scan is accounted for, whatever the database and the disk do."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from countingplant import PERIOD, START, Plant
from databaseproxy import DatabaseProxy, proxy_of
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian import writer as writer_module
from historian.embedded import Embedded
from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

HOUR = 720  # scans
ROWS = 6 + 2 + 1 + 1 + 1  # of a scan
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "RETRY", (0.05,))


@pytest.fixture
def plant(small_index: TagIndex) -> Plant:
    return Plant(small_index)


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[DatabaseProxy]:
    async with proxy_of(database) as proxy:
        yield proxy


@pytest.fixture
async def historian(proxy: DatabaseProxy, home: Path, small_index: TagIndex) -> AsyncIterator[Historian]:
    settings = Settings(url=SecretStr(proxy.conninfo), buffer_scans=5)
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    yield historian
    await historian.close()


def stored(conninfo: str) -> list[float]:
    """The numbers of the scans that are stored, in the order of time; each is whole and there once."""
    query = """
        SELECT ts, count(*), min(remaining_useful_life), max(remaining_useful_life) FROM jar_reading
        GROUP BY ts ORDER BY ts
    """
    tables = [f"{asset.value.lower()}_reading" for asset in AssetType]
    with psycopg.connect(conninfo) as connection:
        scans = connection.execute(query).fetchall()
        counts = [connection.execute(f"SELECT count(*) FROM {t}".encode()).fetchone() for t in tables]
    assert sum(count[0] for count in counts if count) == ROWS * len(scans)
    assert {count for _, count, _, _ in scans} <= {6}
    assert all(low == high for _, _, low, high in scans)
    numbers = [low / 10 for _, _, low, _ in scans]
    assert [ts.timestamp() for ts, *_ in scans] == [(START + n * PERIOD) / 1e6 for n in numbers]
    return numbers


async def test_an_hour_without_a_database(
    historian: Historian, proxy: DatabaseProxy, database: str, plant: Plant, until: Until
) -> None:
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 1)
    await proxy.shut()
    for _ in range(HOUR):
        historian.offer(plant.next())
        await asyncio.sleep(0)
        await until(lambda: historian.stats.scans_buffered <= 60)  # the disk of a test machine has its pace
    await until(lambda: historian.stats.scans_spilled == HOUR - 5)
    assert stored(database) == [1]
    assert historian.stats.lag_s == HOUR * PERIOD / 1e6
    await proxy.open()
    await until(lambda: historian.stats.scans_written == HOUR + 1)
    assert historian.stats.rows_written == ROWS * (HOUR + 1)
    assert historian.stats.waiting == historian.stats.scans_dropped == 0
    assert historian.stats.healthy
    assert stored(database) == list(range(1, HOUR + 2))


async def test_an_answer_to_a_commit_that_never_comes(
    historian: Historian, proxy: DatabaseProxy, database: str, plant: Plant, until: Until
) -> None:
    proxy.cut_after_commit = 2
    for _ in range(3):
        historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 3)
    assert proxy.cut_after_commit == 0
    assert historian.stats.rows_written < 3 * ROWS  # of the first it never learnt that it had written them
    assert stored(database) == [1, 2, 3]


async def test_a_slow_database_takes_everything_in_the_end(
    historian: Historian, proxy: DatabaseProxy, database: str, plant: Plant, until: Until
) -> None:
    proxy.delay = 0.4  # an answer; the scans come much faster
    for _ in range(40):
        historian.offer(plant.next())
        await asyncio.sleep(0.02)
    await until(lambda: historian.stats.scans_buffered <= 5)  # beside a write that takes its time
    assert historian.stats.scans_written < 5
    assert historian.stats.scans_spilled > 25
    proxy.delay = 0.0
    await until(lambda: historian.stats.waiting == 0)
    assert historian.stats.scans_dropped == 0
    assert stored(database) == list(range(1, 41))


async def test_a_commit_that_hangs_ends_and_costs_nothing(
    historian: Historian,
    database: str,
    plant: Plant,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer_module, "WRITE_TIMEOUT", 0.3)
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE string_reading")  # which is written after that of the fleet
        for _ in range(10):
            historian.offer(plant.next())
        await until(lambda: not historian.stats.healthy and historian.stats.scans_spilled == 5)
    await until(lambda: historian.stats.waiting == 0)
    assert stored(database) == list(range(1, 11))


async def test_a_database_that_may_only_be_read(
    historian: Historian, database: str, plant: Plant, until: Until
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 1)
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        for _ in range(9):
            historian.offer(plant.next())
        await until(lambda: historian.stats.scans_spilled >= 4 and "read-only" in historian.stats.last_error)
        other.execute("SET default_transaction_read_only = off")
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await until(lambda: historian.stats.waiting == 0)
    assert stored(database) == list(range(1, 11))


async def test_a_backend_killed_in_the_middle_of_its_copy(
    prepared_home: Path, tmp_path: Path, small_index: TagIndex, plant: Plant, until: Until
) -> None:
    server = Embedded(prepared_home)
    await server.start()
    settings = Settings(url=SecretStr(server.conninfo), buffer_scans=5)
    historian = await Historian.start(settings, tmp_path, small_index, lambda text: None)
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 1)
    other = psycopg.connect(server.conninfo)
    other.execute("LOCK TABLE jar_reading")
    historian.offer(plant.next())
    os.kill(await _copying(server.conninfo), signal.SIGKILL)  # the server ends all others, and recovers
    other.close()
    for _ in range(8):
        historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 10)
    assert stored(server.conninfo) == list(range(1, 11))
    await historian.close()
    await server.stop()


async def test_the_embedded_server_killed_in_the_middle_of_a_copy(
    prepared_home: Path, small_index: TagIndex, plant: Plant, until: Until
) -> None:
    historian = await Historian.start(Settings(buffer_scans=5), prepared_home, small_index, lambda text: None)
    conninfo = historian._database.conninfo
    historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 1)
    other = psycopg.connect(conninfo)
    other.execute("LOCK TABLE jar_reading")
    historian.offer(plant.next())
    await _copying(conninfo)
    first = int((prepared_home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(first, signal.SIGKILL)
    for _ in range(8):
        historian.offer(plant.next())
        await asyncio.sleep(0.02)
    await until(lambda: historian.stats.scans_written == 10)
    other.close()
    assert stored(historian._database.conninfo) == list(range(1, 11))
    assert int((prepared_home / "postgres" / "postmaster.pid").read_text().split()[0]) != first
    await historian.close()


async def _copying(conninfo: str) -> int:
    """Process id of the backend that waits in a COPY for a lock."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY fleet_reading%' AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as other:
        while (found := await (await other.execute(query.encode())).fetchone()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return int(found[0])


async def test_a_disk_that_fills_up_and_a_database_that_comes_back(
    historian: Historian, proxy: DatabaseProxy, database: str, plant: Plant, until: Until
) -> None:
    await proxy.shut()
    spill = historian._writer._backlog._spill
    for _ in range(10):
        historian.offer(plant.next())
    await until(lambda: historian.stats.scans_spilled == 5)
    pages = spill._file.execute("PRAGMA page_count").fetchone()[0]
    spill._file.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to say that the disk is full
    for _ in range(30):
        historian.offer(plant.next())
        await asyncio.sleep(0.02)
    await until(lambda: historian.stats.scans_dropped > 0)
    assert "full" in historian.stats.last_error
    assert historian.stats.losing
    await until(lambda: historian.stats.scans_buffered == 5)
    kept, dropped = historian.stats.scans_spilled, historian.stats.scans_dropped
    assert kept + dropped + 5 == 40
    await proxy.open()
    await until(lambda: historian.stats.waiting == 0)
    numbers = stored(database)
    assert len(numbers) == kept + 5
    assert numbers[:5] + numbers[-5:] == [1, 2, 3, 4, 5, 36, 37, 38, 39, 40]
    assert historian.stats.scans_dropped == dropped


async def test_a_spill_file_that_is_damaged_while_it_is_used(
    historian: Historian, proxy: DatabaseProxy, database: str, home: Path, plant: Plant, until: Until
) -> None:
    await proxy.shut()
    for _ in range(25):
        historian.offer(plant.next())
    await until(lambda: historian.stats.scans_spilled == 20)
    spill = historian._writer._backlog._spill
    spill._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (home / "spill.sqlite").stat().st_size
    with (home / "spill.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    spill._file.execute("PRAGMA shrink_memory")  # what was read of it before is forgotten
    await until(lambda: historian.stats.scans_dropped > 0)  # or the writer still had them in its hands
    await proxy.open()
    await until(lambda: historian.stats.scans_written > 0 and historian.stats.waiting == 0)
    assert historian.stats.scans_dropped == 20
    assert stored(database) == list(range(21, 26))
    assert [name for name in os.listdir(home) if name.startswith("spill.sqlite.damaged-")]
    for _ in range(3):
        historian.offer(plant.next())
    await until(lambda: historian.stats.scans_written == 8)
    assert stored(database) == list(range(21, 29))


PROCESS = """
import asyncio, pickle, sys
from pathlib import Path
from config.settings import Historian as Settings
from historian.historian import Historian
sys.path.insert(0, sys.argv[1])
from test_historian_losses import Plant
async def main(scans):
    with open(sys.argv[2], "rb") as file:
        index, conninfo = pickle.load(file)
    settings = Settings(url=conninfo, buffer_scans=5)
    historian = await Historian.start(settings, Path(sys.argv[2]).parent, index, print)
    print("started", 0, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    plant = Plant(index)
    while True:
        if scans > 0:
            historian.offer(plant.next())
            scans -= 1
        await asyncio.sleep(0.002)
        print("spilled", historian.stats.scans_spilled, flush=True)
        print("written", historian.stats.scans_written, flush=True)
asyncio.run(main(int(sys.argv[3])))
"""


class Killed:
    """A process with a historian, which will be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, terms: Path, scans: int) -> Killed:
        words = (sys.executable, "-c", PROCESS, str(Path(__file__).parent), str(terms), str(scans))
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        killed = cls(await asyncio.create_subprocess_exec(*words, **pipes))  # type: ignore[arg-type]
        await killed.told("started", 0)
        return killed

    async def told(self, name: str, least: int) -> None:
        """Until it has told a number of at least `least`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stdout.readline()).split():
                if line[0] == name.encode() and int(line[1]) >= least:
                    return
        raise AssertionError("it has ended by itself")

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")

    async def kill(self) -> None:
        self.process.kill()
        await self.process.communicate()


async def test_a_server_killed_while_it_spills_and_while_it_replays(
    proxy: DatabaseProxy, database: str, home: Path, small_index: TagIndex, plant: Plant, until: Until
) -> None:
    terms = home / "terms"
    terms.write_bytes(pickle.dumps((small_index, proxy.conninfo)))
    spilling = await Killed.start(terms, 1000)
    await proxy.shut()
    spilling.go()
    await spilling.told("spilled", 150)
    await spilling.kill()
    assert stored(database) == []

    await proxy.open()
    proxy.delay = 0.02
    replaying = await Killed.start(terms, 0)
    replaying.go()
    await replaying.told("written", 20)
    await replaying.kill()
    part = stored(database)
    assert 20 <= len(part) < 150

    proxy.delay = 0.0
    settings = Settings(url=SecretStr(proxy.conninfo), buffer_scans=5)
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    await until(lambda: historian.stats.scans_written > 0 and historian.stats.waiting == 0)
    numbers = stored(database)
    assert numbers[: len(part)] == part
    assert len(numbers) >= 150
    assert numbers == list(range(1, len(numbers) + 1))
    await historian.close()
