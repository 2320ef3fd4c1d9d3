"""Reading 90 days back, on whichever engines are there: trends, averages, latest values, an export."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks import historyread, past, servers
from benchmarks.past import DAY, Past
from benchmarks.table import HISTORY, Section
from historian.aggregation import Aggregate, Aggregation
from historian.embedded import Embedded
from historian.engine import engine_of
from historian.export.csvfile import write_csv
from historian.export.lines import Lines
from historian.export.request import Format, Request, Step
from historian.historian import Historian
from nodeset.fleet import AssetType

MONTH: Final = 30 * DAY
READS: Final = 10  # of different jars
URLS: Final = ("VOLTKEEP_BENCH_POSTGRES_URL", "VOLTKEEP_TEST_TIMESCALEDB_URL")
_CACHES: Final = Path("/proc/sys/vm/drop_caches")

Say = Callable[[str], None]
Act = Callable[[Historian, Past], Awaitable[dict[str, float]]]


def measure(say: Say) -> Iterator[Section]:
    """A table for the embedded database and for each that the environment names."""
    with servers.home() as home:
        yield _measured(None, home, say)
    for name in URLS:
        if url := os.environ.get(name):
            with servers.home() as home, _database(url) as conninfo:
                yield _measured(conninfo, home, say)


def _measured(url: str | None, home: Path, say: Say) -> Section:
    say("history: a day of the plant")
    made = past.load(url, home)
    with _reached(url, home) as conninfo:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            engine = engine_of(connection)
        name = f"{'embedded ' if url is None else ''}{engine.name}"
        found = Section(f"history: {past.DAYS} days of {made.jars} jars at 60 s, {name}", HISTORY)
        say(f"history: {made.rows:,} rows of jars, {name}")
        found.ours["repeat"] = past.repeat(conninfo, made)
        say("history: roll-ups")
        found.ours["rolled_up"] = made.rows / past.roll_up(conninfo, made)
        found.ours |= past.pack(conninfo, made, engine.timescale is not None)
    if url is None and _cold(home):
        found.ours |= asyncio.run(_with(made, _first_trend))
        say("history: OPC UA")
        with servers.voltkeep(home, made.file) as process:
            found.ours |= historyread.measure(process, made)
    say("history: reads")
    found.ours |= asyncio.run(_with(made, _reads))
    with _reached(url, home) as conninfo:
        found.ours["csv"] = _export(conninfo, made)
    return found


@contextmanager
def _reached(url: str | None, home: Path) -> Iterator[str]:
    if url is not None:
        yield url
        return
    server = Embedded(home)
    asyncio.run(server.start())
    try:
        yield server.conninfo
    finally:
        asyncio.run(server.stop())


@contextmanager
def _database(url: str) -> Iterator[str]:
    """A database of our own on a server, for as long as it is needed."""
    name = sql.Identifier(f"vk_bench_{uuid4().hex[:12]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield make_conninfo(url, dbname=name.as_string().strip('"'))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _cold(home: Path) -> bool:
    """Have the operating system forget what it has read, once the database has ended; only root may."""
    try:
        os.sync()
        _CACHES.write_text("3")
    except OSError:
        return False
    return True


async def _with(made: Past, act: Act) -> dict[str, float]:
    settings = made.settings
    historian = await Historian.start(settings.historian, settings.home, made.index, lambda text: None)
    try:
        return await act(historian, made)
    finally:
        await historian.close()


async def _first_trend(historian: Historian, made: Past) -> dict[str, float]:
    return {"trend_cold": await _seconds(lambda: _trend(historian, made, 0)) * 1000}


async def _reads(historian: Historian, made: Past) -> dict[str, float]:
    """Median times [ms]; of the days of all jars the one time."""
    await _trend(historian, made, 1)
    return {
        "trend": await _median(lambda n: _trend(historian, made, n)),
        "hours": await _median(lambda n: _averages(historian, made, n, DAY // 24)),
        "latest": await _median(lambda n: historian.latest()),
        "fleet_daily": 1000 * await _seconds(lambda: _fleet_daily(historian, made)),
    }


async def _trend(historian: Historian, made: Past, jar: int) -> None:
    """The last 30 days of a jar's voltage, raw, in as many replies as they take."""
    after, count = None, 0
    while True:
        page = await historian.read_raw(_row(made, jar), made.end - MONTH, made.end, 0, False, after)
        count += len(page.value)
        if not page.more:
            break
        after = int(page.time[-1])
    if count != MONTH // round(past.STEP * 1e6):
        raise RuntimeError(f"the trend has {count} values")


async def _averages(historian: Historian, made: Past, jar: int, interval: int) -> None:
    """Averages of a jar's voltage over 30 days."""
    wanted = Aggregation(Aggregate.AVERAGE, made.end - MONTH, made.end, interval)
    found = await historian.read_processed(_row(made, jar), wanted, 0, wanted.count)
    if len(found.value) != wanted.count:
        raise RuntimeError(f"{len(found.value)} averages of {wanted.count}")


async def _fleet_daily(historian: Historian, made: Past) -> None:
    for jar in range(made.jars):
        await _averages(historian, made, jar, DAY)


def _row(made: Past, jar: int) -> int:
    return made.index.slice(AssetType.JAR, "Voltage").start + jar % made.jars


async def _median(act: Callable[[int], Awaitable[object]]) -> float:
    """Median time [ms] of calls with different numbers."""
    return 1000 * statistics.median([await _seconds(lambda n=n: act(n)) for n in range(READS)])  # type: ignore[misc]


async def _seconds(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def _export(conninfo: str, made: Past) -> float:
    """The time [ms] to write 90 days of a jar's measured tags as CSV."""
    jar = made.index.fleet.jars[0].path
    tags = ("Voltage", "Temperature", "InternalResistance")
    request = Request(tuple(f"{jar}.{tag}" for tag in tags), made.start, made.end, Step.RAW, Format.CSV)
    times = []
    for _ in range(3):
        with psycopg.connect(conninfo, autocommit=True) as connection, open(os.devnull, "wb") as file:
            began = time.perf_counter()
            write_csv(Lines(connection, request), file, lambda done: None)
            times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)
