"""NULL with a quality that is Good means that nothing is stored: no read tells of it (decision 0002)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from nodeset.status import BAD_TIMEOUT

Until = Callable[[Callable[[], bool]], Awaitable[None]]
START = 1_767_225_600_000_000  # 2026-01-01 [µs]
SECOND = 1_000_000
SCANS = 12
ABSENT = (0, 3, 4, 5, 11)  # scans whose voltages are taken away
BAD = (2, 7)  # scans whose voltages are no number, and said to be Bad
PRESENT = tuple(START + i * SECOND for i in range(SCANS) if i not in ABSENT)


@pytest.fixture
async def historian(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> AsyncIterator[Historian]:
    """A historian of a dozen scans, from some of which the voltage of each jar was taken."""
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    frame = first_frame(small_index, START - SECOND)
    for i in range(SCANS):
        frame = frame.next(START + i * SECOND)
        frame.put(AssetType.JAR, "Voltage", np.nan if i in BAD else 13.0, BAD_TIMEOUT if i in BAD else 0)
        frame.put(AssetType.JAR, "Current", 0.5 * i)
        historian.offer(frame.freeze())
    await until(lambda: historian.stats.scans_written == SCANS)
    with psycopg.connect(database, autocommit=True) as connection:
        for i in ABSENT:
            connection.execute(
                "UPDATE jar_reading SET voltage = NULL "
                "WHERE ts = timestamptz '2026-01-01 00:00:00+00' + make_interval(secs => %s)",
                (i,),
            )
    yield historian
    await historian.close()


def voltage(index: TagIndex) -> int:
    return index.slice(AssetType.JAR, "Voltage").start + 2


async def test_what_is_not_stored_is_not_read(historian: Historian, small_index: TagIndex) -> None:
    """A value that is no number but has a status that says so is stored, and read."""
    found = await historian.read_raw(voltage(small_index), START, START + 60 * SECOND, 0, False)
    assert tuple(found.time.tolist()) == PRESENT
    missing = [START + i * SECOND for i in BAD]
    assert found.time[np.isnan(found.value)].tolist() == missing
    assert found.time[found.status == BAD_TIMEOUT].tolist() == missing
    assert not found.status[~np.isnan(found.value)].any()


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_limits_and_continuation_count_what_is_stored(
    historian: Historian, small_index: TagIndex, forward: bool, limit: int
) -> None:
    span = (START, START + 60 * SECOND) if forward else (START + 60 * SECOND, START - SECOND)
    times: list[int] = []
    for _ in range(len(PRESENT)):
        after = times[-1] if times else None
        found = await historian.read_raw(voltage(small_index), *span, limit, False, after)
        times += found.time.tolist()
        assert len(found.time) == limit or not found.more
        assert found.more == (len(times) < len(PRESENT))
        if not found.more:
            break
    assert tuple(times) == (PRESENT if forward else PRESENT[::-1])


async def test_bounds_are_values_that_are_stored(historian: Historian, small_index: TagIndex) -> None:
    start, end = START + 4 * SECOND, START + 5 * SECOND
    found = await historian.read_raw(voltage(small_index), start, end, 0, True)
    assert found.time.tolist() == [START + 2 * SECOND, START + 6 * SECOND]


async def test_other_values_of_the_row_stay(historian: Historian, small_index: TagIndex) -> None:
    row = small_index.slice(AssetType.JAR, "Current").start + 2
    found = await historian.read_raw(row, START, START + 60 * SECOND, 0, False)
    assert found.value.tolist() == [0.5 * i for i in range(SCANS)]


async def test_latest_is_the_last_that_is_stored(
    historian: Historian, small_index: TagIndex, database: str
) -> None:
    span = small_index.slice(AssetType.JAR, "Voltage")
    latest = await historian.latest()
    assert sorted(latest.rows.tolist()) == list(range(small_index.size))
    of_voltage = np.isin(latest.rows, range(span.start, span.stop))
    assert set(latest.time[of_voltage].tolist()) == {PRESENT[-1]}
    assert set(latest.value[of_voltage].tolist()) == {13.0}
    assert set(latest.time[~of_voltage].tolist()) == {START + (SCANS - 1) * SECOND}
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE jar_reading SET voltage = NULL, quality = 0")
    latest = await historian.latest()
    assert set(latest.rows.tolist()) == set(range(small_index.size)) - set(range(span.start, span.stop))
