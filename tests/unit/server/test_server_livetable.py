"""The live table and its items, against asyncua's decoder and a model in plain Python."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from alarmplant import small_fleet
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from hypothesis import given, settings
from hypothesis import strategies as some

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Kind, quarter_text
from server.livetable import LiveTable
from server.subscriptions.liveitems import DISABLED, NO_DEADBAND, REPORTING, SAMPLING, LiveItems

INDEX = TagIndex(small_fleet(2))
TIME = 1_700_000_000_000_000
numbers = some.one_of(some.floats(-1e6, 1e6), some.sampled_from((math.nan, math.inf, -math.inf, 0.0)))


def one_of_each() -> list[int]:
    """A row of every kind of tag."""
    found = {tag.kind: INDEX.slice(tag.asset, tag.name).start for tag in INDEX.tags}
    assert set(found) == set(Kind)
    return list(found.values())


def frame(values: dict[int, float], status: int = st.GOOD, number: int = 0) -> Frame:
    made = first_frame(INDEX, TIME + number)
    made.status[:] = status
    for row, value in values.items():
        made.value[row] = value
    return made.freeze()


def expected(row: int, value: float) -> object:
    tag, _ = INDEX.locate(row)
    if tag.kind is Kind.STATE:
        return int(value)
    if tag.kind is Kind.QUARTER:
        return quarter_text(value) if math.isfinite(value) else ""
    if tag.kind is Kind.JAR:
        jars = INDEX.fleet.jars
        return jars[int(value)].path if 0 <= value < len(jars) else ""
    return value


@given(
    some.lists(
        some.tuples(some.sampled_from(one_of_each()), some.integers(0, 3), some.integers(0, 0xFFFF_FFFF)),
        min_size=1,
        max_size=12,
    ),
    some.integers(0, 3),
    numbers,
    some.booleans(),
)
def test_every_mix_is_what_a_client_decodes(
    wanted: list[tuple[int, int, int]], code: int, number: float, with_handles: bool
) -> None:
    table = LiveTable(INDEX)
    values = {}
    for row in one_of_each():
        kind = INDEX.locate(row)[0].kind
        values[row] = number if kind in (Kind.ANALOG, Kind.COUNT) else float(code)
    table.commit(frame(values, 0x40900000))
    rows = np.array([row for row, _, _ in wanted], np.intp)
    timestamps = np.array([choice for _, choice, _ in wanted])
    handles = np.array([handle for _, _, handle in wanted], np.uint32) if with_handles else None
    data = Buffer(table.encode(rows, timestamps, handles))
    for row, choice, handle in wanted:
        if with_handles:
            assert struct.unpack("<I", data.read(4))[0] == handle
        found = struct_from_binary(ua.DataValue, data)
        want = expected(row, values[row])
        assert found.Value.Value == want or (found.Value.Value != found.Value.Value and want != want)
        assert found.StatusCode.value == 0x40900000
        assert (found.SourceTimestamp is not None) == (choice in (0, 2))
        assert (found.ServerTimestamp is not None) == (choice in (1, 2))
        if found.SourceTimestamp is not None:
            assert (ua.datetime_to_win_epoch(found.SourceTimestamp) - 116_444_736_000_000_000) == TIME * 10
    assert len(data) == 0


@pytest.mark.parametrize("timestamps", range(4))
@pytest.mark.parametrize("count", [1, 128, 129, 1000])
def test_many_rows_are_the_same_bytes_as_each_of_them(timestamps: int, count: int) -> None:
    table = LiveTable(INDEX)
    values = {row: float(8000 + i) for i, row in enumerate(one_of_each())}
    values[INDEX.slice(AssetType.STRING, "WeakestJar").start] = 1.0
    table.commit(frame(values))
    rows = np.resize(np.array(one_of_each(), np.intp), count)
    one_by_one = [table.encode(rows[i : i + 1], timestamps) for i in range(count)]
    assert table.encode(rows, timestamps) == b"".join(one_by_one)
    assert table.encode(rows, np.full(count, timestamps)) == b"".join(one_by_one)


def test_quantised_values_are_those_of_history() -> None:
    table = LiveTable(INDEX)
    row = INDEX.slice(AssetType.JAR, "Voltage").start  # mV
    values = np.zeros(INDEX.size)
    values[row], values[row + 1] = 13.65049, math.nan
    found = table.quantised(values)
    assert found[row] == 13.65
    assert math.isnan(found[row + 1])


def test_a_commit_counts_what_changed_and_nothing_else() -> None:
    table = LiveTable(INDEX)
    row = one_of_each()[0]
    table.commit(frame({row: 1.0}))
    assert table.commit(frame({row: 1.0}, number=5)) == 0
    assert table.commit(frame({row: math.nan})) == 1
    assert table.commit(frame({row: math.nan})) == 0
    assert table.commit(frame({row: math.nan}, st.UNCERTAIN_INITIAL_VALUE)) == INDEX.size
    assert table.rows["source"][row] == TIME * 10 + 116_444_736_000_000_000


@pytest.mark.parametrize("number", [math.nan, math.inf, -5.0, 1e9])
def test_a_number_that_is_no_jar_or_quarter_is_an_empty_text(number: float) -> None:
    table = LiveTable(INDEX)
    row = INDEX.slice(AssetType.STRING, "WeakestJar").start
    table.commit(frame({row: number}))
    assert table.text(row) == ""


# -- items, against a model


class Model:
    """One item with a queue of one, as Part 4 says it; each step is a publishing interval."""

    def __init__(self, mode: int, deadband: float) -> None:
        self.mode, self.deadband = mode, deadband
        self.reported: float | None = None
        self.due = mode != DISABLED

    def see(self, old: float, new: float) -> None:
        """A committed value."""
        if self.mode == DISABLED or old == new or self.due:
            return
        assert self.reported is not None
        self.due = self.deadband < 0 or abs(new - self.reported) > self.deadband

    def publish(self, now: float) -> float | None:
        """What is reported now."""
        if self.mode != REPORTING or not self.due:
            return None
        self.due, self.reported = False, now
        return now


steps = some.lists(
    some.tuples(
        some.sampled_from((1.0, 1.25, 1.5, 2.0, 4.0)), some.sampled_from((None, None, None, 0, 1, 2))
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(
    steps, some.sampled_from((DISABLED, SAMPLING, REPORTING)), some.sampled_from((NO_DEADBAND, 0.0, 0.5, 1.0))
)
def test_an_item_reports_what_the_model_does(
    story: list[tuple[float, int | None]], mode: int, deadband: float
) -> None:
    table = LiveTable(INDEX)
    row = INDEX.slice(AssetType.JAR, "Voltage").start
    table.commit(frame({row: 1.0}))
    items = LiveItems(table)
    one = np.array([7], np.uint32)
    items.add(np.array([row]), one, one, np.array([mode], np.uint8), 2, np.array([deadband]))
    model, old = Model(mode, deadband), 1.0
    for value, change in story:
        table.commit(frame({row: value}))
        model.see(old, value)
        old = value
        if change is not None:
            items.waiting()
            items.set_mode(7, change)
            if change == DISABLED:
                model.due = False
            elif model.mode == DISABLED:
                model.due = True
            model.mode = change
        want = model.publish(value)
        assert items.waiting() == (want is not None)
        count, data = items.take(10)
        assert count == (want is not None)
        if count:
            assert struct_from_binary(ua.DataValue, Buffer(data[4:])).Value.Value == want


def test_items_are_removed_once_and_others_stay() -> None:
    items = LiveItems(LiveTable(INDEX))
    ids = np.array([1, 2, 3], np.uint32)
    modes = np.full(3, REPORTING, np.uint8)
    items.add(np.zeros(3, np.intp), ids, ids, modes, 2, np.full(3, NO_DEADBAND))
    assert items.remove_all([2, 9, 2]).tolist() == [True, False, False]
    assert len(items) == 2
    assert 2 not in items
    assert items.waiting() == 2
    assert items.row_of(2) is None
    assert items.row_of(3) == 0


def test_no_more_are_taken_than_there_is_room() -> None:
    items = LiveItems(LiveTable(INDEX))
    ids = np.arange(5, dtype=np.uint32)
    items.add(np.arange(5), ids, ids, np.full(5, REPORTING, np.uint8), 2, np.full(5, NO_DEADBAND))
    assert [items.take(2)[0] for _ in range(4)] == [2, 2, 1, 0]


def decoded(table: LiveTable, row: int) -> ua.DataValue:
    return struct_from_binary(ua.DataValue, Buffer(table.encode(np.array([row]))))


def test_a_mirror_shows_what_it_is_given_and_the_plant_does_not() -> None:
    n = INDEX.size
    table, rows = LiveTable(INDEX.mirrored()), one_of_each()
    table.commit(frame(dict.fromkeys(rows, 3.0)))
    assert all(decoded(table, n + row).StatusCode.value == st.BAD_NO_DATA for row in rows)
    tick = table.tick
    shown = np.zeros(n, np.bool_)
    shown[rows] = True
    hidden = next(row for row in range(n) if row not in rows)
    simulated = frame(dict.fromkeys([*rows, hidden], 2.0), st.UNCERTAIN_SIMULATED_VALUE, 5)
    assert table.mirror(simulated, shown) == len(rows)
    for row in rows:
        plant, mirror = decoded(table, row), decoded(table, n + row)
        assert plant.Value.Value == expected(row, 3.0)
        assert mirror.Value.Value == expected(row, 2.0)
        assert (plant.StatusCode.value, mirror.StatusCode.value) == (0, st.UNCERTAIN_SIMULATED_VALUE)
        assert mirror.SourceTimestamp > plant.SourceTimestamp
    assert decoded(table, n + hidden).StatusCode.value == st.BAD_NO_DATA
    assert np.flatnonzero(table.changed > tick).tolist() == sorted(n + row for row in rows)
    assert table.frame is not simulated
    table.mirror(simulated, np.zeros(n, np.bool_))
    assert all(decoded(table, n + row).StatusCode.value == st.BAD_NO_DATA for row in rows)


def test_a_frame_of_the_plant_leaves_the_mirror_alone() -> None:
    n, row = INDEX.size, one_of_each()[0]
    table = LiveTable(INDEX.mirrored())
    table.mirror(frame({row: 2.0}), np.ones(n, np.bool_))
    tick, before = table.tick, table.rows[n:].tobytes()
    table.commit(frame({row: 4.0}))
    assert table.rows[n:].tobytes() == before
    assert not (table.changed[n:] > tick).any()
