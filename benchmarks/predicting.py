"""Remaining life of the whole fleet, from a year of roll-ups to the next scan's variables; and what the scan
sees of it. `python -m benchmarks.predicting` measures this alone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from benchmarks import servers
from benchmarks.fleet import index_of, large_file, shipped_file
from benchmarks.scanning import Parts
from config.settings import Historian as HistorianSettings
from historian.historian import Historian
from historian.periods import Period, make
from nodeset.index import TagIndex
from server.learning.learning import MODULE
from server.learning.process import WorkerProcess
from server.learning.serving import DAY, Forecasts, Place
from server.scanning.prognosis import Verdict

ARTEFACT: Final = Path(__file__).parents[1] / "analytics" / "default" / "rul-model.zip"
NOW: Final = 1_790_000_000_000_000 // DAY * DAY + DAY // 2  # µs
LIMIT: Final = 600.0  # s
PREDICTIONS: Final = 5
QUESTIONS: Final = 20
PERIOD: Final = 0.25  # s between scans
SCANS: Final = 80
_BUSY: Final = (
    "import os, numpy, catboost; os.nice(10); random = numpy.random.default_rng(1);"
    "known, lived = random.normal(size=(50_000, 30)), random.normal(size=50_000);"
    "catboost.CatBoostRegressor(iterations=100_000, thread_count=2, verbose=False,"
    "allow_writing_files=False).fit(known, lived)"
)
# A year of two channels a day, as roll-ups keep it: sums of 1,440 readings in the steps of the tags.
_FILL: Final = (
    "INSERT INTO jar_daily (ts, asset_id, quality, rows, voltage_sum, voltage_count, temperature_sum, "
    "temperature_count, temperature_min, temperature_max, internal_resistance_sum, "
    "internal_resistance_count) "
    "SELECT ts, id, 0, 1440, 1440 * (13640 + (20 * random())::bigint), 1440, "
    "1440 * (2500 + (300 * random())::bigint), 1440, 2400, 2900, "
    "1440 * (3400 + (200 * random())::bigint), 1440 "
    "FROM asset, generate_series(to_timestamp(%s), to_timestamp(%s), '1 day') AS ts WHERE type = 'Jar'",
    "INSERT INTO system_daily (ts, asset_id, quality, rows, load_sum, load_count) "
    "SELECT ts, id, 0, 1440, 1440 * 5000, 1440 "
    "FROM asset, generate_series(to_timestamp(%s), to_timestamp(%s), '1 day') AS ts WHERE type = 'System'",
    "ANALYZE jar_daily",
    "ANALYZE system_daily",
)


def measure(index: TagIndex, file: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Figures of a fleet, times in s and MB."""
    with servers.home() as home:
        return asyncio.run(_measured(index, file, home, say))


async def _measured(index: TagIndex, file: Path, home: Path, say: Callable[[str], None]) -> dict[str, float]:
    historian = await Historian.start(HistorianSettings(), home, index, lambda _text: None)
    try:
        say(f"predicting: a year of {len(index.fleet.jars):,} jars")
        await asyncio.to_thread(_fill, historian.conninfo)
        async with _process(Place(file, historian.conninfo)) as process:
            say("predicting")
            return await _timed(index, process)
    finally:
        await historian.close()


def _fill(conninfo: str) -> None:
    bounds = (NOW / 1e6 - 366 * 86_400) // 86_400 * 86_400, (NOW / 1e6 - 86_400) // 86_400 * 86_400
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table in ("jar_daily", "system_daily"):
            for day in (dt.datetime.fromtimestamp(bound, dt.UTC).date() for bound in bounds):
                connection.execute(make(table, Period.YEAR, day))
        for statement in _FILL:
            connection.execute(statement.encode(), bounds if "%s" in statement else None)


@asynccontextmanager
async def _process(place: Place) -> AsyncIterator[WorkerProcess]:
    process = WorkerProcess(MODULE)
    task = asyncio.create_task(process.run(lambda: (place, ARTEFACT, None)))
    try:
        yield process
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _timed(index: TagIndex, process: WorkerProcess) -> dict[str, float]:
    parts = Parts.of(index)
    scan = parts.plain_scan(index)
    await scan.once()

    async def predict(day: int) -> None:
        said: Forecasts = await process.ask("predict", NOW + day * DAY, limit=LIMIT)
        assert said.published is not None
        forecast = said.published
        parts.prognosis.hear(Verdict(forecast.version, forecast.issued, forecast.learnt))
        await scan.once()

    began = await _seconds(lambda: predict(0))
    took = [await _seconds(lambda: predict(0)) for _ in range(PREDICTIONS)]
    asked = [await _asked(process, jar) for jar in range(QUESTIONS)]
    quiet = await _lateness(scan.once)
    busy = asyncio.create_task(_again_and_again(lambda: predict(0)))
    predicting = await _lateness(scan.once)
    asked_beside = [await _asked(process, jar) for jar in range(QUESTIONS)]
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    with _training():
        await asyncio.sleep(5)  # it has begun
        training = await _lateness(scan.once)
    return {
        "predict_first": began,
        "predict": statistics.median(took),
        "what_if": max(asked),
        "what_if_beside": max(asked_beside),
        "predict_memory": process.memory / 1e6,
        "late_quiet": quiet,
        "late_predicting": predicting,
        "late_training": training,
    }


async def _asked(process: WorkerProcess, jar: int) -> float:
    return await _seconds(lambda: process.ask("what_if", jar, 10.0, 1.2, NOW, limit=LIMIT))


async def _again_and_again(act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()


async def _lateness(scan: Callable[[], Awaitable[Any]]) -> float:
    """Of scans in their period, how late they end [ms], p99."""
    loop = asyncio.get_running_loop()
    due, late = loop.time(), []
    for _ in range(SCANS):
        due += PERIOD
        await asyncio.sleep(max(due - loop.time(), 0))
        await scan()
        late.append(loop.time() - due)
    return float(1000 * np.percentile(late, 99))


@contextmanager
def _training() -> Iterator[None]:
    """A training that keeps both cores busy at low priority."""
    child = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield
    finally:
        child.kill()
        child.wait()


async def _seconds(act: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def main() -> None:
    """The shipped fleet, and with `large` the large one."""
    with servers.home() as home:
        file = large_file(home / "large.yaml") if "large" in sys.argv[1:] else shipped_file()
        for name, value in measure(index_of(file), file, lambda text: print(text, file=sys.stderr)).items():
            print(f"{name:20} {value:10.3f}")


if __name__ == "__main__":
    main()
