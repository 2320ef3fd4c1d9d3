"""Part 11, 4.6, Table 1: every example of raw reading with and without bounding values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from config.settings import Historian as Settings
from historian.historian import Historian
from historian.reader import BAD_BOUND_NOT_FOUND
from nodeset.fleet import AssetType
from nodeset.frame import first_frame
from nodeset.index import TagIndex
from nodeset.status import GOOD

Until = Callable[[Callable[[], bool]], Awaitable[None]]
MINUTE = 60_000_000
DAY = 1_767_225_600_000_000  # 2026-01-01 [µs]
STORED = ("5:00", "5:02", "5:03", "5:05", "5:06")


def at(text: str) -> int:
    hour, minute = text.split(":")
    return DAY + (int(hour) * 60 + int(minute)) * MINUTE


@pytest.fixture
async def historian(
    home: Path, database: str, small_index: TagIndex, until: Until
) -> AsyncIterator[Historian]:
    """A historian that has stored a voltage at each of the times of the standard's example."""
    settings = Settings(url=SecretStr(database))
    historian = await Historian.start(settings, home, small_index, lambda text: None)
    frame = first_frame(small_index, DAY)
    for i, text in enumerate(STORED):
        frame = frame.next(at(text))
        frame.put(AssetType.JAR, "Voltage", 10.0 + i)
        historian.offer(frame.freeze())
    await until(lambda: historian.stats.scans_written == len(STORED))
    yield historian
    await historian.close()


# start, end, number of values, values with bounds, values without; "first" and "last" are the markers.
EXAMPLES = [
    ("5:00", "5:05", 0, "5:00 5:02 5:03 5:05", "5:00 5:02 5:03"),
    ("5:01", "5:04", 0, "5:00 5:02 5:03 5:05", "5:02 5:03"),
    ("5:05", "5:00", 0, "5:05 5:03 5:02 5:00", "5:05 5:03 5:02"),
    ("5:04", "5:01", 0, "5:05 5:03 5:02 5:00", "5:03 5:02"),
    ("4:59", "5:05", 0, "?4:59 5:00 5:02 5:03 5:05", "5:00 5:02 5:03"),
    ("5:01", "5:07", 0, "5:00 5:02 5:03 5:05 5:06 ?5:07", "5:02 5:03 5:05 5:06"),
    ("5:00", "5:05", 3, "5:00 5:02 5:03 +", "5:00 5:02 5:03"),
    ("5:01", "5:04", 3, "5:00 5:02 5:03 +", "5:02 5:03"),
    ("5:05", "5:00", 3, "5:05 5:03 5:02 +", "5:05 5:03 5:02"),
    ("5:04", "5:01", 3, "5:05 5:03 5:02 +", "5:03 5:02"),
    ("4:59", "5:05", 3, "?4:59 5:00 5:02 +", "5:00 5:02 5:03"),
    ("5:01", "5:07", 3, "5:00 5:02 5:03 +", "5:02 5:03 5:05 +"),
    ("5:00", None, 3, "5:00 5:02 5:03 +", "5:00 5:02 5:03 +"),
    ("5:00", None, 6, "5:00 5:02 5:03 5:05 5:06 ?5:06+1s", "5:00 5:02 5:03 5:05 5:06"),
    ("5:07", None, 6, "5:06 ?5:06+1s", ""),
    (None, "5:06", 3, "5:06 5:05 5:03 +", "5:06 5:05 5:03 +"),
    (None, "5:06", 6, "5:06 5:05 5:03 5:02 5:00 ?5:00-1s", "5:06 5:05 5:03 5:02 5:00"),
    (None, "4:48", 6, "5:00 ?5:00-1s", ""),
    ("4:48", "4:48", 0, "?4:48 5:00", ""),
    ("4:48", "4:48", 1, "?4:48 +", ""),
    ("4:48", "4:48", 2, "?4:48 5:00", ""),
    ("5:00", "5:00", 0, "5:00 5:02", "5:00"),
    ("5:00", "5:00", 1, "5:00 +", "5:00"),
    ("5:01", "5:01", 0, "5:00 5:02", ""),
    ("5:01", "5:01", 1, "5:00 +", ""),
]


def expected(text: str) -> list[tuple[int, float, int]]:
    """Times, values and statuses of an example."""
    rows = []
    for word in text.replace("+1s", "|1").replace("-1s", "|-1").split():
        if word.startswith("?"):
            clock, _, shift = word[1:].partition("|")
            rows.append((at(clock) + int(shift or 0) * 1_000_000, -1.0, BAD_BOUND_NOT_FOUND))
        elif word != "+":
            rows.append((at(word), 10.0 + STORED.index(word), GOOD))
    return rows


async def test_examples_of_the_standard(historian: Historian, small_index: TagIndex) -> None:
    row = small_index.slice(AssetType.JAR, "Voltage").start + 1
    for start, end, limit, with_bounds, without in EXAMPLES:
        begin, stop = start and at(start), end and at(end)
        for bounds, text in ((True, with_bounds), (False, without)):
            history = await historian.read_raw(row, begin, stop, limit, bounds)
            value = np.nan_to_num(history.value, nan=-1.0)
            found = list(zip(history.time.tolist(), value.tolist(), history.status.tolist(), strict=True))
            case = (start, end, limit, bounds)
            assert (case, found) == (case, expected(text))
            assert (case, history.more) == (case, text.endswith("+"))


@pytest.mark.parametrize(("start", "end"), [("4:59", "5:07"), ("5:07", "4:59"), ("5:01", "5:04")])
@pytest.mark.parametrize("bounds", [True, False])
async def test_pieces_make_the_whole(
    historian: Historian, small_index: TagIndex, start: str, end: str, bounds: bool
) -> None:
    row = small_index.slice(AssetType.JAR, "Voltage").start
    whole = await historian.read_raw(row, at(start), at(end), 0, bounds)
    times: list[int] = []
    more = True
    while more:
        after = times[-1] if times else None
        piece = await historian.read_raw(row, at(start), at(end), 1, bounds, after)
        times += piece.time.tolist()
        more = piece.more
    assert times == whole.time.tolist()


async def test_a_request_without_any_time_is_refused(historian: Historian) -> None:
    with pytest.raises(ValueError, match="start, an end, or both"):
        await historian.read_raw(0, None, None, 10, False)


async def test_times_beyond_the_calendar_are_no_error(historian: Historian, small_index: TagIndex) -> None:
    row = small_index.slice(AssetType.JAR, "Voltage").start
    history = await historian.read_raw(row, -(2**62), 2**62, 0, False)
    assert history.time.tolist() == [at(text) for text in STORED]
