"""Values at times and aggregates of what a database stores, against the same of all raw values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.aggregates import compute
from historian.aggregation import Aggregate, AggregateConfiguration, Aggregation
from historian.annotations import Annotation
from historian.bounds import CALCULATED, Samples, interpolated
from historian.changes import Change
from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from nodeset.status import BAD_TIMEOUT, GOOD, UNCERTAIN_LAST_USABLE_VALUE

Until = Callable[[Callable[[], bool]], Awaitable[None]]
START = 1_767_225_600_000_000  # 2026-01-01 [µs]
SECOND = 1_000_000
DAY = 86_400 * SECOND
SCANS = 60
SIMULATED = range(40, 50)  # scans that a scenario covers
END = START + SCANS * SECOND
LENIENT = AggregateConfiguration(treat_uncertain_as_bad=False)
CODES = [GOOD, GOOD, GOOD, UNCERTAIN_LAST_USABLE_VALUE, BAD_TIMEOUT]


@pytest.fixture
async def historian(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> AsyncIterator[Historian]:
    """A minute of scans every second or so; each voltage walks, and is now and then Uncertain or Bad."""
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    random = np.random.default_rng(5)
    frame, skipped = first_frame(small_index, START - SECOND), (7, 20, 21)
    for i in range(SCANS):
        if i in skipped:
            continue
        frame = frame.next(START + i * SECOND)
        code = CODES[random.integers(len(CODES))]
        value = np.nan if code == BAD_TIMEOUT else 13.0 + round(float(random.normal()), 2)
        frame.put(AssetType.JAR, "Voltage", value, code)
        historian.offer(frame.freeze())
    await until(lambda: historian.stats.scans_written == SCANS - len(skipped))
    yield historian
    await historian.close()


def voltage(index: TagIndex) -> int:
    return index.slice(AssetType.JAR, "Voltage").start + 2


async def raw(historian: Historian, row: int) -> Samples:
    found = await historian.read_raw(row, START - SECOND, END, 0, False)
    return Samples(found.time, found.value, found.status)


@pytest.mark.parametrize("aggregate", [each for each in Aggregate if each is not Aggregate.ANNOTATION_COUNT])
async def test_an_aggregate_is_that_of_the_raw_values(
    historian: Historian, small_index: TagIndex, aggregate: Aggregate
) -> None:
    row = voltage(small_index)
    samples = await raw(historian, row)
    for start, end in ((START - 5 * SECOND, END + 12 * SECOND), (END, START + 3 * SECOND)):
        for interval in (7 * SECOND, 0):
            aggregation = Aggregation(aggregate, start, end, interval, LENIENT)
            wanted = compute(samples, aggregation, stepped=False)
            found = await historian.read_processed(row, aggregation, 0, 1000)
            np.testing.assert_array_equal(found.time, wanted.time)
            np.testing.assert_array_equal(found.status, wanted.status)
            np.testing.assert_allclose(found.value, wanted.value, atol=1e-9)


async def test_intervals_are_read_in_pages(historian: Historian, small_index: TagIndex) -> None:
    aggregation = Aggregation(Aggregate.TIME_AVERAGE_2, START, END, 7 * SECOND, LENIENT)
    whole = await historian.read_processed(voltage(small_index), aggregation, 0, 100)
    assert not whole.more
    values: list[float] = []
    for first in range(0, 9, 2):
        page = await historian.read_processed(voltage(small_index), aggregation, first, 2)
        assert page.more == (first < 8)
        values += page.value.tolist()
    np.testing.assert_array_equal(values, whole.value)


async def test_annotations_are_counted(historian: Historian, small_index: TagIndex) -> None:
    """Wherever they stand, also where no value does."""
    row = voltage(small_index)
    notes = [Annotation(START + i * SECOND, START + DAY, "ann", "seen") for i in (3, 7, 7, 20, 58)]
    notes[2] = Annotation(START + 7 * SECOND, START + DAY, "bob", "seen, too")
    await historian.annotations.change(row, Change.INSERT, notes)
    count = Aggregation(Aggregate.ANNOTATION_COUNT, START, START + 60 * SECOND, 10 * SECOND)
    found = await historian.read_processed(row, count, 0, 100)
    assert found.value.tolist() == [3, 0, 1, 0, 0, 1]
    assert found.status[:5].tolist() == [CALCULATED] * 5
    page = await historian.read_processed(row, count, 2, 2)
    assert page.value.tolist() == [1, 0]


async def test_values_at_times_are_those_between_the_raw_ones(
    historian: Historian, small_index: TagIndex
) -> None:
    row = voltage(small_index)
    times = START + np.arange(-3, 140, dtype=np.int64) * SECOND // 2
    found = await historian.read_at_time(row, times, False)
    wanted = interpolated(await raw(historian, row), times, False, LENIENT)
    np.testing.assert_array_equal(found.status, wanted.status)
    np.testing.assert_allclose(found.value, wanted.value, atol=1e-9)


async def test_simulated_rows_cover_the_plants(
    historian: Historian, small_index: TagIndex, until: Until
) -> None:
    """While a scenario runs, values at times and aggregates are of what it shows."""
    row = voltage(small_index)
    touched = np.zeros(small_index.size, np.bool_)
    touched[row] = True
    frame = first_frame(small_index, START + (SIMULATED[0] - 1) * SECOND)
    for i in SIMULATED:
        frame = frame.next(START + i * SECOND)
        frame.put(AssetType.JAR, "Voltage", 10.0)
        historian.offer_simulated(frame.freeze(), touched)
        await until(lambda count=i: historian.simulated_stats.scans_waiting == 0)
    await until(lambda: historian.simulated_stats.rows_written == len(SIMULATED))
    samples = await raw(historian, row)
    times = START + np.arange(70, 110, dtype=np.int64) * SECOND // 2
    found = await historian.read_at_time(row, times, False)
    np.testing.assert_allclose(found.value, interpolated(samples, times, False, LENIENT).value)
    average = Aggregation(Aggregate.AVERAGE, START, END, 10 * SECOND, LENIENT)
    processed = await historian.read_processed(row, average, 0, 100)
    assert processed.value[4] == 10.0
    assert abs(processed.value[3] - 10.0) > 1.0
