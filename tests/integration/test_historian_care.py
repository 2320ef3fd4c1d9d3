"""Care of the database as the server's jobs have it: by the plant's clock, bounded, and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from rollupbench import START
from structlog.testing import capture_logs

from config.settings import Historian as Settings
from historian.due import HOUR
from historian.historian import Historian
from historian.rolledup import DAY
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from server.jobs import Job, Jobs, historian_jobs

Until = Callable[[Callable[[], bool]], Awaitable[None]]
FAR = START + 64 * 366 * DAY


@pytest.fixture
async def historian(either: str, home: Path, small_index: TagIndex) -> AsyncIterator[Historian]:
    settings = Settings(url=SecretStr(either), raw_days=2)
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    yield historian
    await historian.close()


async def _offer(historian: Historian, index: TagIndex, until: Until, *times: int) -> None:
    before = historian.stats.scans_written
    for time in times:
        historian.offer(first_frame(index, START).next(time).freeze())
    await until(lambda: historian.stats.scans_written == before + len(times))


def _count(conninfo: str, table: str) -> int:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


async def test_nothing_happens_before_the_first_scan(historian: Historian) -> None:
    care = historian.care
    assert [await step() for step in (care.roll_up, care.make_ahead, care.expire, care.rearrange)] == [0] * 4


async def test_days_pass(historian: Historian, either: str, small_index: TagIndex, until: Until) -> None:
    await _offer(historian, small_index, until, *(START + n * 8 * HOUR for n in range(3 * 12)))
    care = historian.care
    assert await care.roll_up() == 35 + 11  # hours but for the last, days but for the last
    assert await care.roll_up() == 0
    assert await care.expire() == 9
    assert _count(either, "fleet_reading") == 9
    assert _count(either, "fleet_daily") == 11
    assert (await care.rearrange() > 0) is not care.timescale  # closed days; too young to be compressed
    if not care.timescale:
        assert await care.make_ahead() == 1
        assert await care.make_ahead() == 0


async def test_a_clock_that_jumps_costs_neither_scans_nor_the_past(
    historian: Historian, either: str, small_index: TagIndex, until: Until
) -> None:
    with capture_logs() as logs:
        await _offer(historian, small_index, until, START, START + HOUR, FAR, FAR + HOUR, 0)
        await _offer(historian, small_index, until, START + 3 * HOUR)
    assert [entry["event"] for entry in logs if "clock" in entry["event"]] == [
        "the plant's clock has jumped by years",
        "the plant's clock is believed again",
    ]
    assert historian.scans_moved == 3
    await historian.care.roll_up()
    await historian.care.expire()
    with psycopg.connect(either) as connection:
        stored = connection.execute("SELECT min(ts), max(ts), count(*) FROM fleet_reading").fetchone()
    assert stored is not None
    assert [round(moment.timestamp() * 1e6) for moment in stored[:2]] == [START, START + 3 * HOUR]
    assert stored[2] == 6


async def test_a_restart_with_a_wrong_clock_drops_nothing(
    historian: Historian, either: str, home: Path, small_index: TagIndex, until: Until
) -> None:
    await _offer(historian, small_index, until, START)
    settings = Settings(url=SecretStr(either), raw_days=2)
    again = await Historian.start(settings, home / "again", small_index, lambda text: None)
    await _offer(again, small_index, until, FAR)
    await again.care.roll_up()
    gone = await again.care.expire()
    await again.close()
    assert gone == 0
    assert _count(either, "fleet_reading") == 2


async def test_jobs_tell_how_they_do(historian: Historian, small_index: TagIndex, until: Until) -> None:
    await _offer(historian, small_index, until, START, START + HOUR)
    jobs = Jobs(historian_jobs(historian.care))
    for job in jobs.all:
        job.first = 0.01
    await jobs.start()
    await until(lambda: all(job.runs for job in jobs.all))
    await jobs.close()
    state = jobs.state()
    assert {name: told["status"] for name, told in state.items()} == dict.fromkeys(state, "ok")
    assert state["roll up"]["done"] == 1
    assert all(told["last_run"] > 0 for told in state.values())


async def test_a_job_that_fails_is_told_once_and_tried_again() -> None:
    answers = iter((psycopg.OperationalError("away"), psycopg.OperationalError("away"), 3))

    async def run() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    job = Job("roll up", run, 0, 1)
    with capture_logs() as logs:
        for _ in range(3):
            await job()
    assert [entry["event"] for entry in logs] == ["a job has failed and is tried again", "a job works again"]
    assert (job.runs, job.failures, job.done, job.error) == (3, 2, 3, "")
