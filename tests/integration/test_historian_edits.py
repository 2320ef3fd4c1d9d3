"""Corrections of history in a real database: values, what they were before, and scans that come later."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian import changes
from historian.changes import EXTRA_DATA, Change
from historian.edits import EditRefused, Edits, Value
from historian.errors import HistorianError
from historian.historian import Historian
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Kind

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Write = Callable[..., Awaitable[None]]
DAY = 86_400_000_000
START = 1_767_225_600_000_000  # 2026-01-01 [µs]
SECOND = 1_000_000
NOW = START + 3600 * SECOND
WHO = "erika"
REPLACED, INSERTED = changes.GOOD_ENTRY_REPLACED, changes.GOOD_ENTRY_INSERTED


@pytest.fixture
async def historian(home: Path, either: str, small_index: TagIndex) -> AsyncIterator[Historian]:
    settings = Settings(url=SecretStr(either))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    yield historian
    await historian.close()


@pytest.fixture
def edits(historian: Historian) -> Edits:
    return historian.edits


def scan(index: TagIndex, time: int, voltage: float = 13.0) -> Frame:
    frame = first_frame(index, time - 1).next(time)
    frame.put(AssetType.JAR, "Voltage", voltage)
    frame.put(AssetType.JAR, "Current", 0.5)
    return frame.freeze()


@pytest.fixture
def voltage(small_index: TagIndex) -> int:
    return small_index.slice(AssetType.JAR, "Voltage").start + 2


async def stored(historian: Historian, row: int, low: int = START, high: int = NOW) -> list[Value]:
    found = await historian.read_raw(row, low, high + 1, 0, False)
    columns = (found.time.tolist(), found.value.tolist(), found.status.tolist())
    return [Value(*line) for line in zip(*columns, strict=True)]


async def remembered(edits: Edits, row: int) -> list[tuple[int, float, int, str]]:
    found = await edits.read_modified(row, START - DAY, NOW + 1, 0)
    assert set(found.changed_at.tolist()) <= {NOW}
    columns = (found.time.tolist(), found.value.tolist(), found.change.tolist(), found.user)
    return list(zip(*columns, strict=True))


async def test_values_are_replaced_inserted_and_updated(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int
) -> None:
    await write(*(scan(small_index, START + i * SECOND) for i in range(3)))
    half = START + SECOND // 2
    uncertain = st.UNCERTAIN_SENSOR_NOT_ACCURATE
    edited = await edits.write(voltage, Change.REPLACE, [Value(START, 12.5, uncertain)], WHO, NOW)
    assert (edited.codes, edited.old) == ([REPLACED], [Value(START, 13.0, 0)])
    edited = await edits.write(voltage, Change.INSERT, [Value(half, 12.6, 0), Value(START, 9, 0)], WHO, NOW)
    assert (edited.codes, edited.old) == ([INSERTED, changes.BAD_ENTRY_EXISTS], [])
    bad = Value(START + SECOND, math.nan, st.BAD_SENSOR_FAILURE)
    assert (await edits.write(voltage, Change.UPDATE, [bad], WHO, NOW)).codes == [REPLACED]
    assert await stored(historian, voltage) == [
        Value(START, 12.5, uncertain | EXTRA_DATA),
        Value(half, 12.6, EXTRA_DATA),
        Value(START + SECOND, pytest.approx(math.nan, nan_ok=True), st.BAD_SENSOR_FAILURE | EXTRA_DATA),
        Value(START + 2 * SECOND, 13.0, 0),
    ]
    assert await remembered(edits, voltage) == [
        (START, 13.0, Change.REPLACE, WHO),
        (half, 12.6, Change.INSERT, WHO),
        (START + SECOND, 13.0, Change.UPDATE, WHO),
    ]


async def test_other_variables_stay_as_they_were(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int
) -> None:
    frame = first_frame(small_index, START - 1).next(START)
    frame.put(AssetType.JAR, "Voltage", 13.0, st.UNCERTAIN_LAST_USABLE_VALUE)
    frame.put(AssetType.JAR, "Current", 0.5, st.BAD_SENSOR_FAILURE)
    await write(frame.freeze())
    rows = [row for row in range(small_index.size) if row != voltage]
    before = [await stored(historian, row) for row in rows]
    await edits.write(voltage, Change.REPLACE, [Value(START, 12.5, 0)], WHO, NOW)
    await edits.delete_at(voltage, [START], WHO, NOW)
    after = [await stored(historian, row) for row in rows]
    np.testing.assert_array_equal([repr(line) for line in after], [repr(line) for line in before])
    assert await stored(historian, voltage) == []


async def test_a_row_of_one_value_holds_nothing_else_and_goes_with_it(
    historian: Historian, edits: Edits, small_index: TagIndex, voltage: int, either: str
) -> None:
    await edits.write(voltage, Change.INSERT, [Value(START, 12.5, 0)], WHO, NOW)
    for row in range(small_index.size):
        assert len(await stored(historian, row)) == (row == voltage)
    assert (await historian.latest()).rows.tolist() == [voltage]
    assert (await edits.delete_at(voltage, [START, START], WHO, NOW)).codes == [
        0,
        changes.BAD_NO_ENTRY_EXISTS,
    ]
    with psycopg.connect(either) as connection:
        assert connection.execute("SELECT count(*) FROM jar_reading").fetchone() == (0,)
    assert (await remembered(edits, voltage))[0] == (START, 12.5, Change.DELETE, WHO)


async def test_a_range_is_deleted_without_its_end(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int
) -> None:
    await write(*(scan(small_index, START + i * SECOND, 13 + i / 10) for i in range(6)))
    bad = Value(START + 3 * SECOND, math.nan, st.BAD_SENSOR_FAILURE)
    await edits.write(voltage, Change.REPLACE, [bad], WHO, NOW)
    cleared = await edits.delete_range(voltage, START + SECOND, START + 4 * SECOND - 1, WHO, NOW)
    assert cleared.count == 3
    assert [value.time for value in cleared.old] == [START + i * SECOND for i in (1, 2, 3)]
    assert [value.time for value in await stored(historian, voltage)] == [
        START + i * SECOND for i in (0, 4, 5)
    ]
    assert (await edits.delete_range(voltage, START + SECOND, START + 4 * SECOND - 1, WHO, NOW)).count == 0
    changed = [(time - START, change) for time, _, change, _ in await remembered(edits, voltage)]
    assert changed == [
        (SECOND, Change.DELETE),
        (2 * SECOND, Change.DELETE),
        (3 * SECOND, Change.DELETE),  # the last change first
        (3 * SECOND, Change.REPLACE),
    ]
    neighbour = await stored(historian, voltage + 1)
    assert len(neighbour) == 6


async def test_a_day_that_is_not_there_is_made_but_none_too_old_or_to_come(
    historian: Historian, edits: Edits, voltage: int
) -> None:
    days = Settings().raw_days
    first = (NOW // DAY - days) * DAY
    times = (first, NOW, first - 1, NOW + 1, -(2**60), 2**62)
    edited = await edits.write(voltage, Change.INSERT, [Value(time, 12, 0) for time in times], WHO, NOW)
    assert edited.codes == [INSERTED] * 2 + [st.BAD_OUT_OF_RANGE] * 4
    assert [value.time for value in await stored(historian, voltage, first)] == [first, NOW]


async def test_kinds_of_tags(historian: Historian, edits: Edits, small_index: TagIndex) -> None:
    jars = small_index.fleet.count(AssetType.JAR)
    for tag in small_index.tags:
        row = small_index.slice(tag.asset, tag.name).start
        number = {Kind.QUARTER: 8105.0, Kind.JAR: jars - 1.0, Kind.STATE: 1.0}.get(tag.kind, tag.low)
        edited = await edits.write(row, Change.INSERT, [Value(START, number, 0)], WHO, NOW)
        assert edited.codes == [INSERTED], tag.name
        assert await stored(historian, row) == [Value(START, number, EXTRA_DATA)], tag.name
        replaced = await edits.write(row, Change.REPLACE, [Value(START, number, 0)], WHO, NOW)
        assert replaced.old == [Value(START, number, EXTRA_DATA)], tag.name
    weakest = small_index.slice(AssetType.STRING, "WeakestJar").start
    edited = await edits.write(weakest, Change.REPLACE, [Value(START, jars, 0)], WHO, NOW)
    assert edited.codes == [st.BAD_OUT_OF_RANGE]


async def test_modified_values_page_both_ways(edits: Edits, voltage: int) -> None:
    values = [Value(START + i // 2 * SECOND, 12 + i, 0) for i in range(8)]  # each time twice
    await edits.write(voltage, Change.UPDATE, values, WHO, NOW)
    whole = [(time, value) for time, value, _, _ in await remembered(edits, voltage)]
    # The first value of a time was inserted, and superseded by the second one: two changes of one value.
    assert whole == [(START + i * SECOND, 12 + 2 * i) for i in range(4) for _ in range(2)]
    for span in ((START, NOW), (NOW, START - 1)):
        pages, after = [], None
        for _ in range(10):
            page = await edits.read_modified(voltage, *span, 3, after)
            pages += zip(page.time.tolist(), page.change.tolist(), strict=True)
            after = page.rest
            if after is None:
                break
        times = [START + i * SECOND for i in range(4)]
        expected = times if span[0] == START else times[::-1]
        assert pages == [(time, kind) for time in expected for kind in (Change.UPDATE, Change.INSERT)]


async def test_what_was_corrected_cannot_be_covered_up(edits: Edits, voltage: int, either: str) -> None:
    await edits.write(voltage, Change.INSERT, [Value(START, 12.5, 0)], WHO, NOW)
    for statement in ("UPDATE modification SET user_name = 'nobody'", "DELETE FROM modification"):
        with psycopg.connect(either) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.timescaledb
async def test_days_that_are_compressed_are_corrected_too(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int, either: str
) -> None:
    if not historian.engine.startswith("TimescaleDB"):
        pytest.skip("plain PostgreSQL compresses nothing")
    await write(*(scan(small_index, START + i * SECOND, 13 + i / 10) for i in range(6)))
    with psycopg.connect(either, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE jar_reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'asset_id', "
            "timescaledb.compress_orderby = 'ts')"
        )
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('jar_reading') AS chunk")
    half = START + SECOND // 2
    assert (await edits.write(voltage, Change.REPLACE, [Value(START, 12.5, 0)], WHO, NOW)).codes == [REPLACED]
    assert (await edits.write(voltage, Change.INSERT, [Value(half, 12.6, 0)], WHO, NOW)).codes == [INSERTED]
    assert (await edits.delete_at(voltage, [START + SECOND], WHO, NOW)).codes == [0]
    assert (await edits.delete_range(voltage, START + 2 * SECOND, START + 3 * SECOND, WHO, NOW)).count == 2
    assert [(value.time, value.number) for value in await stored(historian, voltage)] == [
        (START, 12.5),
        (half, 12.6),
        (START + 4 * SECOND, 13.4),
        (START + 5 * SECOND, 13.5),
    ]
    assert len(await stored(historian, voltage + 1)) == 6
    assert len(await remembered(edits, voltage)) == 5
    await write(scan(small_index, half))
    assert len(await stored(historian, voltage + 1)) == 7


async def test_a_correction_that_fails_leaves_nothing(
    historian: Historian,
    edits: Edits,
    write: Write,
    small_index: TagIndex,
    voltage: int,
    either: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever fails last: values, modified values and hours to roll up are as they were."""

    def state() -> list[object]:
        tables = ("jar_reading", "modification", "rollup_due")
        with psycopg.connect(either) as connection:
            found = [connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2".encode()) for name in tables]
            return [cursor.fetchall() for cursor in found]

    async def fails(*_: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    await write(scan(small_index, START))
    before = state()
    monkeypatch.setattr("historian.edits.note_all", fails)
    monkeypatch.setattr("historian.edits.note_range", fails)
    values = [Value(START, 12.5, 0), Value(START + SECOND, 12.5, 0)]
    for act in (
        lambda: edits.write(voltage, Change.UPDATE, values, WHO, NOW),
        lambda: edits.delete_at(voltage, [START], WHO, NOW),
        lambda: edits.delete_range(voltage, START, START, WHO, NOW),
    ):
        with pytest.raises(HistorianError):
            await act()
    assert state() == before


async def test_hours_that_were_corrected_are_due(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int, either: str
) -> None:
    hour = 3600 * SECOND

    def due() -> set[int]:
        with psycopg.connect(either, autocommit=True) as connection:
            found = connection.execute("DELETE FROM rollup_due RETURNING extract(epoch FROM hour)").fetchall()
        return {int(each) * SECOND for (each,) in found}

    times = [START - hour, START, START + 1]
    await edits.write(voltage, Change.INSERT, [Value(time, 12.5, 0) for time in times], WHO, NOW)
    assert due() == {START - hour, START}
    await edits.delete_at(voltage, [START], WHO, NOW)
    assert due() == {START}
    await edits.delete_range(voltage, START - hour, NOW, WHO, NOW)
    assert due() == {START - hour, START}


# -- scans that come after a correction of the same instant


async def test_a_later_scan_fills_in_what_a_correction_left(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int
) -> None:
    await edits.write(voltage, Change.INSERT, [Value(START, 12.5, st.UNCERTAIN_INITIAL_VALUE)], WHO, NOW)
    frame = first_frame(small_index, START - 1).next(START)
    frame.put(AssetType.JAR, "Voltage", 13.0)
    frame.put(AssetType.JAR, "Current", 0.5, st.BAD_SENSOR_FAILURE)
    for _ in range(2):  # the second time nothing is left to fill in
        await write(frame.freeze())
        for row in range(small_index.size):
            (value,) = await stored(historian, row)
            if row == voltage:
                assert value == Value(START, 12.5, st.UNCERTAIN_INITIAL_VALUE | EXTRA_DATA)
            else:
                assert value.status == (
                    frame.status[row] or (st.BAD_NO_DATA if value.number != value.number else 0)
                )
        assert [line[1:3] for line in await remembered(edits, voltage)] == [
            (13.0, Change.REPLACE),  # what the scan would have stored
            (12.5, Change.INSERT),
        ]


async def test_a_repeated_scan_brings_nothing_back(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex, voltage: int
) -> None:
    frame = scan(small_index, START)
    await write(frame)
    await edits.delete_at(voltage, [START], WHO, NOW)
    await edits.write(voltage + 1, Change.REPLACE, [Value(START, 12.5, 0)], WHO, NOW)
    await write(frame)
    assert await stored(historian, voltage) == []
    assert await stored(historian, voltage + 1) == [Value(START, 12.5, EXTRA_DATA)]
    assert await stored(historian, voltage + 2) == [Value(START, 13.0, 0)]
    assert [line[1:3] for line in await remembered(edits, voltage + 1)] == [(13.0, Change.REPLACE)]


async def test_corrections_and_scans_at_the_same_time_lose_nothing(
    historian: Historian, edits: Edits, write: Write, small_index: TagIndex
) -> None:
    rows = small_index.slice(AssetType.JAR, "Voltage")
    times = [START + i * SECOND for i in range(10)]
    values = [Value(time, 12.5, 0) for time in times]
    work = [edits.write(row, Change.UPDATE, values, WHO, NOW) for row in range(rows.start, rows.stop)]
    await asyncio.gather(write(*(scan(small_index, time) for time in times)), *work)
    for row in range(rows.start, rows.stop):
        assert await stored(historian, row) == [Value(time, 12.5, EXTRA_DATA) for time in times]
        current = row - rows.start + small_index.slice(AssetType.JAR, "Current").start
        assert [value.number for value in await stored(historian, current)] == [0.5] * 10


# -- what is simulated


async def test_what_a_scenario_shows_cannot_be_corrected(
    historian: Historian, edits: Edits, write: Write, until: Until, small_index: TagIndex, voltage: int
) -> None:
    await write(scan(small_index, START), scan(small_index, START + SECOND))
    touched = np.zeros(small_index.size, np.bool_)
    touched[voltage] = True
    historian.offer_simulated(scan(small_index, START + SECOND, 11.0), touched)
    await until(lambda: historian.simulated_stats.rows_written > 0)
    values = [Value(START, 12.5, 0), Value(START + SECOND, 12.5, 0)]
    edited = await edits.write(voltage, Change.REPLACE, values, WHO, NOW)
    assert edited.codes == [REPLACED, st.BAD_INVALID_STATE]
    with pytest.raises(EditRefused):
        await edits.delete_range(voltage, START, START + SECOND, WHO, NOW)
    with pytest.raises(EditRefused):
        await edits.delete_at(voltage, [START + SECOND], WHO, NOW)
    assert (await edits.delete_range(voltage, START, START, WHO, NOW)).count == 1
