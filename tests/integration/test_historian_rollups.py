"""Roll-ups: what they hold is what the readings say, whenever and however these change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from psycopg import sql
from rollupbench import MINUTE, START, Bench

from historian import rollups
from historian.columns import TABLES
from historian.connections import connect
from historian.due import HOUR, datetime_of, note_all
from historian.rolledup import DAY
from nodeset import status as st
from nodeset.index import TagIndex


@pytest.fixture
async def bench(either: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    async with Bench.open(either, small_index) as bench:
        yield bench


async def test_an_hour_is_rolled_up_when_it_is_over(bench: Bench) -> None:
    for minute in (0, 20, 40):
        await bench.write(START + minute * MINUTE, 13.0 + minute / 100)
    assert await bench.roll(START + HOUR - 1) == (0, 0)
    assert await bench.roll(START + HOUR) == (1, 0)
    async with await connect(bench.conninfo) as connection:
        found = await bench.rolledup.read(connection, bench.row("Voltage"), START, START + DAY, HOUR)
        exact = await bench.rolledup.exact(connection, START, START + 3 * HOUR, HOUR)
    assert found.start.tolist() == [START]
    assert (found.status.tolist(), found.rows.tolist(), found.count.tolist()) == ([st.GOOD], [3], [3])
    assert found.sum == pytest.approx([39.6])
    assert (found.min.tolist(), found.max.tolist()) == ([13.0], [13.4])
    assert exact.tolist() == [START, START + HOUR, START + 2 * HOUR]


async def test_each_status_of_an_hour_is_an_entry(bench: Bench) -> None:
    await bench.write(START, 13.0)
    await bench.write(START + MINUTE, 14.0, st.UNCERTAIN_SIMULATED_VALUE)
    await bench.write(START + 2 * MINUTE, float("nan"), st.BAD_NO_COMMUNICATION)
    await bench.write(START + 3 * MINUTE)
    async with await connect(bench.conninfo) as connection:  # a value is deleted: nothing is stored
        await connection.execute(
            "UPDATE jar_reading SET voltage = NULL WHERE ts = %s", (datetime_of(START + 3 * MINUTE),)
        )
    await bench.roll(START + DAY)
    async with await connect(bench.conninfo) as connection:
        for step in (HOUR, DAY):
            found = await bench.rolledup.read(connection, bench.row("Voltage"), START, START + DAY, step)
            entries = zip(found.status.tolist(), found.rows.tolist(), found.sum.tolist(), strict=True)
            assert {status: (rows, total) for status, rows, total in entries} == {
                st.GOOD: (1, 13.0),
                st.UNCERTAIN_SIMULATED_VALUE: (1, 14.0),
                st.BAD_NO_COMMUNICATION: (1, pytest.approx(float("nan"), nan_ok=True)),
            }
        other = await bench.rolledup.read(connection, bench.row("Temperature"), START, START + DAY, HOUR)
    assert other.status.tolist() == [st.GOOD] * len(other.status)
    assert other.rows.sum() == 4
    assert other.sum.sum() == pytest.approx(4 * -20.0)


async def test_states_have_extremes_and_no_sum(bench: Bench) -> None:
    await bench.write(START)
    await bench.roll(START + HOUR)
    async with await connect(bench.conninfo) as connection:
        found = await bench.rolledup.read(connection, bench.row("HealthStatus"), START, START + HOUR, HOUR)
    assert np.isnan(found.sum).all()
    assert (found.count.tolist(), found.min.tolist(), found.max.tolist()) == ([1], [0.0], [0.0])


async def test_a_late_row_makes_its_hour_and_day_due_again(bench: Bench) -> None:
    await bench.write(START)
    await bench.write(START + DAY)
    assert await bench.roll(START + DAY) == (1, 1)
    await bench.write(START + MINUTE, 14.0)
    async with await connect(bench.conninfo) as connection:
        assert START not in await bench.rolledup.exact(connection, START, START + DAY, HOUR)
        assert (await bench.rolledup.exact(connection, START, START + DAY, DAY)).tolist() == []
    assert await bench.roll(START + DAY) == (1, 1)
    async with await connect(bench.conninfo) as connection:
        assert (await bench.rolledup.exact(connection, START, START + DAY, DAY)).tolist() == [START]
        found = await bench.rolledup.read(connection, bench.row("Voltage"), START, START + DAY, DAY)
    assert (found.count.tolist(), found.max.tolist()) == ([2], [14.0])


async def test_a_day_waits_for_its_hours(bench: Bench) -> None:
    await bench.write(START)
    await bench.write(START + HOUR)
    await bench.roll(START + HOUR)
    async with await connect(bench.conninfo) as connection:
        assert await bench.rollups.days(connection, START + DAY) == 0
        assert await bench.rollups.hours(connection, START + DAY) == 1
        assert await bench.rollups.days(connection, START + DAY) == 1


async def test_a_row_that_commits_behind_a_roll_up_is_not_lost(bench: Bench) -> None:
    """A writer has added rows and not committed while the hour is rolled up without them."""
    await bench.write(START)
    async with await connect(bench.conninfo) as writer, writer.transaction():
        await writer.execute(
            "INSERT INTO jar_reading (ts, asset_id, quality, voltage) SELECT ts + interval '1 second', "
            "asset_id, quality, voltage FROM jar_reading"
        )
        await note_all(writer, [START])
        async with asyncio.timeout(10):
            await bench.roll(START + HOUR)  # neither waits for the other
    await bench.roll(START + HOUR)
    await bench.roll(START + DAY)
    await bench.check()


async def test_a_writer_does_not_wait_for_a_roll_up_under_way(bench: Bench) -> None:
    await bench.write(START)
    async with await connect(bench.conninfo) as holder:
        async with holder.transaction():
            # As far as a roll-up that has not committed: hours made, note not yet taken.
            await holder.execute("LOCK TABLE jar_hourly IN ACCESS EXCLUSIVE MODE")
            rolling = asyncio.create_task(bench.roll(START + HOUR))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(5):
                await bench.write(START + MINUTE)
            assert not rolling.done()
        await rolling
    assert await bench.query("SELECT changes FROM rollup_due") == [(2,)]  # it goes again
    await bench.roll(START + DAY)
    await bench.check()


async def test_many_hours_at_once_and_with_gaps(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "HOURS_AT_ONCE", 20)
    hours = [hour for hour in range(0, 10 * 24, 3) if hour % 50 > 7]
    hours += [hour + 1 for hour in hours if hour % 2]
    for hour in sorted(hours):
        await bench.write(START + hour * HOUR, 12.0 + hour / 1000)
    async with await connect(bench.conninfo) as connection:
        assert await bench.rollups.hours(connection, START + 100 * DAY) == 20
    rolled, days = await bench.roll(START + 100 * DAY)
    assert (rolled, days) == (len(hours) - 20, len({hour // 24 for hour in hours}))
    await bench.check()


_CHANGES = some.lists(
    some.one_of(
        some.tuples(
            some.just("write"),
            some.integers(0, 72 * 4 - 1),
            some.sampled_from([12.0, 13.25, 13.5, float("nan")]),
            some.sampled_from([st.GOOD, st.BAD_NO_COMMUNICATION, st.UNCERTAIN_SIMULATED_VALUE]),
        ),
        some.tuples(some.just("delete"), some.integers(0, 71), some.integers(1, 30)),
        some.tuples(some.just("roll"), some.integers(0, 80)),
    ),
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=_CHANGES)
def test_roll_ups_are_those_of_the_readings(
    changes: list[tuple[Any, ...]], either: str, small_index: TagIndex
) -> None:
    """Scans in any order, again and again as a replay has them, deletions, and looks in between."""
    asyncio.run(_change(changes, either, small_index))


async def _change(changes: list[tuple[Any, ...]], database: str, index: TagIndex) -> None:
    async with Bench.open(database, index) as bench:
        await _delete(bench, START, 72)  # what the last example has left
        for change, *what in changes:
            if change == "write":
                quarter, voltage, status = what
                await bench.write(START + quarter * 15 * MINUTE, voltage, status)
            elif change == "roll":
                await bench.roll(START + what[0] * HOUR)
            else:
                await _delete(bench, START + what[0] * HOUR, what[1])
        await bench.roll(START + 5 * DAY)
        await bench.check()


async def _delete(bench: Bench, first: int, hours: int) -> None:
    async with await connect(bench.conninfo) as connection, connection.transaction():
        for table in TABLES.values():
            await connection.execute(
                sql.SQL("DELETE FROM {} WHERE ts >= %s AND ts < %s").format(sql.Identifier(table.readings)),
                (datetime_of(first), datetime_of(first + hours * HOUR)),
            )
        await note_all(connection, range(first, first + hours * HOUR, HOUR))
