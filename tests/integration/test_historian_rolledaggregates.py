"""Aggregates out of roll-ups are those of the raw values; where these are gone, means of hours stand in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import psycopg
import pytest
from rollupbench import MINUTE, START, Bench

from historian.aggregation import Aggregate, AggregateConfiguration, Aggregation
from historian.attime import AtTimeReader
from historian.bounds import CALCULATED, INTERPOLATED, PARTIAL
from historian.connections import connect
from historian.due import HOUR, datetime_of
from historian.processed import ProcessedReader
from historian.rolledup import DAY
from historian.series import Found, History, Series, Variables
from nodeset import status as st
from nodeset.index import TagIndex

A = Aggregate
ROLLED = [A.AVERAGE, A.COUNT, A.RANGE, A.MINIMUM, A.MAXIMUM, A.MINIMUM_ACTUAL_TIME, A.MAXIMUM_ACTUAL_TIME]
CODES = [st.GOOD, st.GOOD, st.GOOD, st.UNCERTAIN_SENSOR_NOT_ACCURATE, st.BAD_TIMEOUT]
DAYS = 3
NOW = START + DAYS * DAY - 5 * HOUR  # the last hours are not over


@pytest.fixture
async def bench(either: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    """Two and a half days of a scan every ten minutes, some values Uncertain or Bad, and a gap of hours."""
    random = np.random.default_rng(11)
    async with Bench.open(either, small_index) as bench:
        for time in range(START + 30 * MINUTE, START + DAYS * DAY - 8 * HOUR, 10 * MINUTE):
            if START + 30 * HOUR <= time < START + 34 * HOUR:
                continue
            code = CODES[random.integers(len(CODES))]
            value = np.nan if code == st.BAD_TIMEOUT else 13.0 + random.integers(-3, 4) / 100
            await bench.write(time, value, code)
        await bench.roll(NOW)
        # An hour that has changed since is due: its roll-up tells no more what is there.
        await bench.write(START + 40 * HOUR + MINUTE, 15.0)
        yield bench


def variables(bench: Bench) -> Variables:
    return Variables(bench.index, bench.ids, bench.quality, lambda asset, i: None)


def same(found: History, wanted: History) -> None:
    np.testing.assert_array_equal(found.time, wanted.time)
    assert [hex(code) for code in found.status] == [hex(code) for code in wanted.status]
    np.testing.assert_allclose(found.value, wanted.value, rtol=0, atol=1e-9)


async def test_roll_ups_give_the_answer_of_raw_values(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over hours and days, whole and cut, for every configuration; and few raw values are read for it."""
    read: list[int] = []
    ascending = Series.ascending

    async def counted(self: Series, low: int, high: int, limit: int) -> Found:
        found = await ascending(self, low, high, limit)
        read.append(len(found))
        return found

    monkeypatch.setattr(Series, "ascending", counted)
    cases = [
        (START, START + 3 * DAY, DAY),
        (START, START + 3 * DAY, HOUR),
        (START + 17 * MINUTE, START + 2 * DAY + HOUR, 0),
        (START - DAY, START + 4 * DAY, 6 * HOUR),
        (START + HOUR, START + 41 * HOUR + MINUTE, 5 * HOUR),
    ]
    async with await connect(bench.conninfo) as connection:
        for aggregate in ROLLED:
            for i, (start, end, interval) in enumerate(cases):
                lenient = AggregateConfiguration(i % 2 == 0, 100 - 50 * (i % 2), 100 - 50 * (i % 2))
                aggregation = Aggregation(aggregate, start, end, interval, lenient)
                row = bench.row("Voltage")
                raw = ProcessedReader(variables(bench))
                wanted = await raw.read(connection, row, aggregation, 0, 1000)
                of_raw, read[:] = sum(read), []
                reader = ProcessedReader(variables(bench), bench.rolledup)
                same(await reader.read(connection, row, aggregation, 0, 1000), wanted)
                of_rolled, read[:] = sum(read), []
                assert of_rolled < of_raw / 3, (aggregate, i)


async def test_means_of_hours_stand_in_for_values_that_are_gone(bench: Bench) -> None:
    row, reader = bench.row("Voltage"), ProcessedReader(variables(bench), bench.rolledup)
    async with await connect(bench.conninfo) as connection:
        means = await bench.rolledup.read(connection, row, START, START + DAY, HOUR)
        daily = Aggregation(A.AVERAGE, START, START + 2 * DAY, DAY)
        before = await reader.read(connection, row, daily, 0, 10)
        await _drop_day(connection)
        after = await reader.read(connection, row, daily, 0, 10)
        by_time = Aggregation(A.TIME_AVERAGE, START, START + 2 * DAY, 12 * HOUR)
        found = await reader.read(connection, row, by_time, 0, 10)
        raw = await ProcessedReader(variables(bench)).read(connection, row, by_time, 0, 10)
        times = np.array([START + 5 * HOUR + HOUR // 2, START + 36 * HOUR], np.int64)
        at = await AtTimeReader(variables(bench), bench.rolledup).read(connection, row, times, False)
    np.testing.assert_allclose(after.value, before.value)  # sums and counts are kept
    assert raw.status[0] == st.BAD_NO_DATA
    doubted = st.UNCERTAIN_DATA_SUB_NORMAL | CALCULATED
    assert found.status[:2].tolist() == [doubted | PARTIAL, doubted]
    fine = means.status == st.GOOD
    mean = means.sum[fine & (means.start == START + 5 * HOUR)].sum()
    mean /= means.count[fine & (means.start == START + 5 * HOUR)].sum()
    assert at.value[0] == pytest.approx(mean)
    assert at.status[0] == st.UNCERTAIN_DATA_SUB_NORMAL
    assert at.status[1] in (st.GOOD, INTERPOLATED, st.UNCERTAIN_DATA_SUB_NORMAL | INTERPOLATED)
    assert abs(found.value[0] - 13.0) < 0.1


async def _drop_day(connection: psycopg.AsyncConnection) -> None:
    """As retention does it: the readings of the first day go, its roll-ups stay."""
    span = datetime_of(START), datetime_of(START + DAY)
    await connection.execute("DELETE FROM jar_reading WHERE ts >= %s AND ts < %s", span)
    await connection.execute("INSERT INTO dropped_day VALUES (%s)", span[:1])
