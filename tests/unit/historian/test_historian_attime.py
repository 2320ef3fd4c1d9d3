"""Reading at given times: the values next to them tell as much as all values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storedseries import NO_CONNECTION, histories, samples_in, stored, variables

from historian import neighbours
from historian.aggregation import SERVER_DEFAULTS
from historian.attime import AtTimeReader
from historian.bounds import INTERPOLATED, interpolated, simple
from historian.series import Found
from historian.span import FIRST, LAST
from nodeset.fleet import AssetType
from nodeset.status import (
    BAD_NO_DATA,
    BAD_TIMEOUT,
    GOOD,
    UNCERTAIN_DATA_SUB_NORMAL,
    UNCERTAIN_LAST_USABLE_VALUE,
)
from nodeset.tags import TAGS

VOLTAGE = next(tag for tag in TAGS if tag.key == (AssetType.JAR, "Voltage"))
MODE = next(tag for tag in TAGS if tag.key == (AssetType.SYSTEM, "OperatingMode"))
SUB_NORMAL = UNCERTAIN_DATA_SUB_NORMAL | INTERPOLATED
DOUBTED = UNCERTAIN_LAST_USABLE_VALUE

# A Bad value at 30, an Uncertain one at 60.
STORED = stored(
    np.array([10, 20, 30, 40, 60, 80]), [1, 2, 3, 4, 6, 9], [GOOD, GOOD, BAD_TIMEOUT, GOOD, DOUBTED, GOOD]
)


@pytest.mark.parametrize(
    ("time", "sloped", "stepped", "simple_bound"),
    [
        (9, (None, BAD_NO_DATA), (None, BAD_NO_DATA), (None, BAD_NO_DATA)),
        (10, (1, GOOD), (1, GOOD), (1, GOOD)),
        (15, (1.5, INTERPOLATED), (1, INTERPOLATED), (1.5, INTERPOLATED)),
        (25, (2.5, SUB_NORMAL), (2, INTERPOLATED), (2, SUB_NORMAL)),
        (30, (3, SUB_NORMAL), (2, SUB_NORMAL), (None, BAD_NO_DATA)),
        (35, (3.5, SUB_NORMAL), (2, SUB_NORMAL), (None, BAD_NO_DATA)),
        (50, (5, SUB_NORMAL), (4, INTERPOLATED), (5, SUB_NORMAL)),
        (60, (6, DOUBTED), (6, DOUBTED), (6, DOUBTED)),
        (70, (7.5, SUB_NORMAL), (6, SUB_NORMAL), (7.5, SUB_NORMAL)),
        (90, (9, SUB_NORMAL), (9, SUB_NORMAL), (None, BAD_NO_DATA)),
    ],
)
async def test_a_value_at_a_time(
    time: int,
    sloped: tuple[float | None, int],
    stepped: tuple[float | None, int],
    simple_bound: tuple[float | None, int],
) -> None:
    """Part 11, 6.5.5.2 and Part 13, 3.1.8 and 3.1.9; an analogue value slopes, a state steps."""
    for tag, simple_bounds, wanted in (
        (VOLTAGE, False, sloped),
        (MODE, False, stepped),
        (VOLTAGE, True, simple_bound),
    ):
        reader = AtTimeReader(variables(STORED, tag))
        found = await reader.read(NO_CONNECTION, 0, np.array([time]), simple_bounds)
        value = None if np.isnan(found.value[0]) else found.value[0]
        assert (value, hex(found.status[0])) == (wanted[0], hex(wanted[1]))
        assert found.time.tolist() == [time]


async def test_times_are_answered_as_they_were_asked() -> None:
    """In any order, also twice."""
    times = np.array([40, 15, 9, 15])
    found = await AtTimeReader(variables(STORED, VOLTAGE)).read(NO_CONNECTION, 0, times, False)
    np.testing.assert_array_equal(found.time, times)
    np.testing.assert_array_equal(found.value, [4, 1.5, np.nan, 1.5])


async def test_nothing_stored_and_no_times() -> None:
    reader = AtTimeReader(variables(STORED[:0], VOLTAGE))
    found = await reader.read(NO_CONNECTION, 0, np.array([1, 2]), False)
    assert found.status.tolist() == [BAD_NO_DATA, BAD_NO_DATA]
    found = await reader.read(NO_CONNECTION, 0, np.empty(0, np.int64), False)
    assert not len(found.time)


@settings(max_examples=300)
@given(
    found=histories(),
    times=st.lists(st.integers(-5, 210), min_size=1, max_size=20),
    covered=st.sampled_from([FIRST, 50, 100, LAST]),
    simple_bounds=st.booleans(),
    tag=st.sampled_from([VOLTAGE, MODE]),
    page=st.sampled_from([3, 50_000]),
    sparse=st.sampled_from([0, 10, 10_000]),
)
async def test_neighbours_tell_as_much_as_all_values(
    found: Found,
    times: list[int],
    covered: int,
    simple_bounds: bool,
    tag: object,
    page: int,
    sparse: int,
) -> None:
    """Wherever simulated rows begin to cover the plant's."""
    assert tag in (VOLTAGE, MODE)
    which = VOLTAGE if tag is VOLTAGE else MODE
    at = np.array(times, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "PAGES", (2, page))
        patch.setattr(neighbours, "NEAR", page)
        patch.setattr(neighbours, "SPARSE", sparse)
        reader = AtTimeReader(variables(found, which, covered))
        read = await reader.read(NO_CONNECTION, 0, at, simple_bounds)
    bound = simple if simple_bounds else interpolated
    plain = replace(SERVER_DEFAULTS, treat_uncertain_as_bad=False)
    wanted = bound(samples_in(found), at, which.stepped, plain)
    np.testing.assert_array_equal(read.status, wanted.status)
    np.testing.assert_allclose(read.value, wanted.value)
