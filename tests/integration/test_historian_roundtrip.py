"""What goes in comes out: values to the step, statuses to the bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr
from storedframes import any_frame

from config.settings import Historian as Settings
from historian.columns import TABLES
from historian.copyformat import encode
from historian.historian import Historian
from historian.rows import Rows
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Statuses
from nodeset.index import TagIndex

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Write = Callable[..., Awaitable[None]]
TIME = 1_767_225_599_999_999  # the last microsecond of 2025
DAY = 86_400_000_000
SILENT = "Bangrak/UPS-1/S01/J02"
CODES = (st.GOOD, st.GOOD, st.UNCERTAIN_LAST_USABLE_VALUE, st.BAD_NO_COMMUNICATION, st.BAD_SENSOR_FAILURE)
scanned = partial(any_frame, codes=CODES, missing=0.2)


@pytest.fixture
async def historian(home: Path, database: str, small_index: TagIndex) -> AsyncIterator[Historian]:
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    yield historian
    await historian.close()


def kept_status(frame: Frame) -> Statuses:
    """Statuses as they are stored: what is no number is never Good."""
    return np.where(np.isnan(frame.value) & (frame.status == st.GOOD), st.BAD_NO_DATA, frame.status)


async def test_every_variable_comes_back_exactly(
    historian: Historian, small_index: TagIndex, write: Write
) -> None:
    frame = scanned(small_index, TIME)
    await write(frame)
    for row in range(small_index.size):
        history = await historian.read_raw(row, TIME, TIME + 1, 0, False)
        scale = small_index.locate(row)[0].scale
        stored = frame.value[row]
        expected = stored if np.isnan(stored) else round(stored * scale) / scale
        np.testing.assert_array_equal(history.value, [expected], err_msg=small_index.identifier(row))
        assert history.status.tolist() == [kept_status(frame)[row]]
        assert history.time.tolist() == [TIME]


async def test_latest_is_the_last_scan_however_they_come(
    historian: Historian, small_index: TagIndex, write: Write
) -> None:
    late, early = scanned(small_index, TIME + 7), scanned(small_index, TIME)
    await write(late, early)
    latest = await historian.latest()
    assert sorted(latest.rows.tolist()) == list(range(small_index.size))
    assert set(latest.time.tolist()) == {TIME + 7}
    np.testing.assert_array_equal(latest.status, kept_status(late)[latest.rows])
    scale = np.array([small_index.locate(row)[0].scale for row in latest.rows])
    np.testing.assert_array_equal(latest.value, np.rint(late.value[latest.rows] * scale) / scale)


async def test_an_asset_that_has_not_been_heard_of_for_days_keeps_its_latest_values(
    historian: Historian, small_index: TagIndex, write: Write, database: str
) -> None:
    early, late = scanned(small_index, TIME), scanned(small_index, TIME + 3 * DAY)
    await write(early, late)
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "DELETE FROM jar_reading USING asset WHERE asset.id = asset_id AND ts > %s AND path = %s",
            (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), SILENT),
        )
    latest = await historian.latest()
    assert sorted(latest.rows.tolist()) == list(range(small_index.size))
    silent = [small_index.identifier(row).startswith(f"{SILENT}.") for row in latest.rows.tolist()]
    assert sum(silent) == len([tag for tag in small_index.tags if tag.asset is AssetType.JAR])
    assert latest.time.tolist() == [TIME if alone else TIME + 3 * DAY for alone in silent]
    old = latest.rows[silent]
    np.testing.assert_array_equal(latest.status[silent], kept_status(early)[old])


async def test_nothing_stored_yet(historian: Historian) -> None:
    assert len((await historian.latest()).rows) == 0
    history = await historian.read_raw(0, 0, TIME, 0, False)
    assert (len(history.time), history.more) == (0, False)


async def test_history_crosses_midnight(historian: Historian, small_index: TagIndex, write: Write) -> None:
    await write(*(scanned(small_index, TIME + i) for i in range(-1, 3)))
    history = await historian.read_raw(0, TIME - 1, TIME + 3, 0, False)
    assert history.time.tolist() == [TIME - 1, TIME, TIME + 1, TIME + 2]


@pytest.mark.parametrize("missing", [False, True])
async def test_our_copy_stream_is_postgresqls(database: str, missing: bool) -> None:
    """A table filled by our stream, copied out by PostgreSQL, gives the same bytes."""
    table = TABLES[AssetType.JAR]
    names = [column.name for column in table.columns]
    shape = (len(names), 5)
    value = np.arange(shape[0] * 5, dtype=np.int32).reshape(shape) * 137 - 3000
    if missing:
        value[::2, 1] = value[names.index("voltage"), 2] = value[5, :] = -(2**31)
    rows = Rows(table, np.arange(10, 15, dtype=np.int32), value, np.zeros(shape, np.uint32))
    stream = encode(rows, TIME, np.arange(5, dtype=np.int32))
    columns = ", ".join(table.names)
    async with await psycopg.AsyncConnection.connect(database) as connection:
        cursor = connection.cursor()
        await cursor.execute("CREATE TEMPORARY TABLE rows (LIKE jar_reading)")
        async with cursor.copy(f"COPY rows ({columns}) FROM STDIN (FORMAT binary)".encode()) as copy:
            await copy.write(stream)
        async with cursor.copy(f"COPY rows ({columns}) TO STDOUT (FORMAT binary)".encode()) as copy:
            back = b"".join([bytes(part) async for part in copy])
        await cursor.execute(
            "SELECT min(ts) = %s, count(voltage) FROM rows", ("2025-12-31 23:59:59.999999Z",)
        )
        assert await cursor.fetchone() == (True, 4 if missing else 5)
    assert back == stream
