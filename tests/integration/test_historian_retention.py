"""What is kept no longer goes: by age, by the size of the database, and never before it is rolled up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
from rollupbench import START, Bench
from structlog.testing import capture_logs

from historian.carelock import keep_as_it_is
from historian.connections import connect
from historian.due import HOUR, datetime_of, time_of
from historian.partitions import Partitions
from historian.retention import Kept, Retention
from historian.rolledup import DAY
from nodeset.index import TagIndex

LONG = 10_000


@pytest.fixture
async def bench(either: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    async with Bench.open(either, small_index) as bench:
        yield bench


async def _expire(bench: Bench, now: int, kept: Kept) -> int:
    retention = Retention(bench.engine.timescale is not None, bench.partitions, kept)
    async with await connect(bench.conninfo) as connection:
        await connection.execute("SET lock_timeout = '1s'")
        return await retention.run(connection, now)


async def _days(bench: Bench, table: str = "jar_reading") -> list[int]:
    """Days of which there are rows, counted from the first."""
    found = await bench.query(f"SELECT DISTINCT date_trunc('day', ts, 'UTC') FROM {table} ORDER BY 1")
    return [(time_of(day) - START) // DAY for (day,) in found]


async def test_days_go_when_they_are_old_and_leave_their_roll_ups(bench: Bench) -> None:
    for day in range(5):
        await bench.write(START + day * DAY, 13.0 + day)
    await bench.roll(START + 4 * DAY)
    assert await _expire(bench, START + 4 * DAY, Kept(2, LONG, LONG, LONG, None)) == 2
    assert await _days(bench) == [2, 3, 4]
    assert await _days(bench, "jar_hourly") == await _days(bench, "jar_daily") == [0, 1, 2, 3]
    assert await bench.query("SELECT day FROM dropped_day ORDER BY 1") == [
        (datetime_of(START + day * DAY),) for day in range(2)
    ]


async def test_a_day_that_is_not_rolled_up_stays_until_it_is(bench: Bench) -> None:
    await bench.write(START)
    await bench.write(START + DAY)
    kept = Kept(1, LONG, LONG, LONG, None)
    await _expire(bench, START + 10 * DAY, kept)
    assert await _days(bench) == [0, 1]
    async with await connect(bench.conninfo) as connection:
        await bench.rollups.hours(connection, START + 10 * DAY)
    await _expire(bench, START + 10 * DAY, kept)
    assert await _days(bench) == [0, 1]  # the days are not
    await bench.roll(START + 10 * DAY)
    await _expire(bench, START + 10 * DAY, kept)
    assert await _days(bench) == []


async def test_a_day_that_was_dropped_takes_late_rows_and_keeps_its_roll_ups(bench: Bench) -> None:
    for minute in range(3):
        await bench.write(START + minute * 60_000_000, 13.0)
    await bench.roll(START + DAY)
    before = await bench.query("SELECT rows, voltage_sum FROM jar_daily ORDER BY asset_id")
    await _expire(bench, START + 10 * DAY, Kept(1, LONG, LONG, LONG, None))
    await bench.write(START + 3 * 60_000_000, 14.0)
    await bench.write(START + HOUR, 14.0)
    await bench.roll(START + 10 * DAY)
    assert await bench.query("SELECT rows, voltage_sum FROM jar_daily ORDER BY asset_id") == before
    assert await bench.query("SELECT hour FROM rollup_due") == []
    assert await bench.query("SELECT DISTINCT rows FROM jar_hourly") == [(3,)]


async def test_the_writer_goes_on_when_another_process_has_dropped_its_day(bench: Bench) -> None:
    await bench.write(START)
    await bench.roll(START + DAY)
    retention = Retention(
        bench.engine.timescale is not None, Partitions(bench.engine, 1), Kept(1, 1, 1, LONG, None)
    )
    async with await connect(bench.conninfo) as connection:
        await retention.run(connection, START + 10 * DAY)
    await bench.write(START + HOUR)
    assert await _days(bench) == [0]


async def test_roll_ups_go_in_their_time(bench: Bench) -> None:
    days = [0, 40, 400, 800]
    for day in days:
        await bench.write(START + day * DAY)
    now = START + 800 * DAY
    await bench.roll(now)
    await _expire(bench, now, Kept(1, 700, 400, LONG, None))
    assert await _days(bench, "jar_hourly") == [400]
    assert await _days(bench, "jar_daily") == [400]


async def test_a_database_too_big_loses_its_oldest_days_then_hours_but_never_today(bench: Bench) -> None:
    for day in (0, 32, 33, 70):
        await bench.write(START + day * DAY)
    now = START + 70 * DAY
    await bench.roll(now)
    with capture_logs() as logs:
        await _expire(bench, now, Kept(LONG, LONG, LONG, LONG, 1.0))
    assert await _days(bench) == [70]
    assert await _days(bench, "jar_hourly") == []
    assert len(await _days(bench, "jar_daily")) == 3
    dropped = [entry["what"] for entry in logs if "max_gb" in entry["event"]]
    assert dropped == sorted(dropped, reverse=True)
    assert set(dropped) == {"readings", "hourly roll-ups"}


async def test_nothing_is_dropped_while_all_of_the_past_is_read(bench: Bench) -> None:
    await bench.write(START)
    await bench.roll(START + DAY)
    kept = Kept(1, LONG, LONG, LONG, 1.0)
    with psycopg.connect(bench.conninfo) as reader:
        keep_as_it_is(reader)
        assert await _expire(bench, START + 10 * DAY, kept) == 0
        assert await _days(bench) == [0]
    await _expire(bench, START + 10 * DAY, kept)
    assert await _days(bench) == []


async def test_a_reader_who_takes_long_keeps_his_day_and_nobody_waiting(bench: Bench) -> None:
    await bench.write(START)
    await bench.roll(START + DAY)
    with psycopg.connect(bench.conninfo) as reader:
        reader.execute("SELECT count(*) FROM jar_reading")  # and its transaction goes on
        assert await _expire(bench, START + 10 * DAY, Kept(1, LONG, LONG, LONG, None)) == 0
        await bench.write(START + HOUR)
    assert await _days(bench) == [0]
