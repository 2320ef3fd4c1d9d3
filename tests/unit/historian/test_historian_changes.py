"""What corrections come to, value by value (Part 11, 6.9.2, 6.9.6)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from historian import changes
from historian.changes import EXTRA_DATA, Change, Entry, Modification, deleted, entry_of, written
from historian.columns import NO_VALUE, TABLES, Column
from nodeset.fleet import AssetType
from nodeset.status import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE, UNCERTAIN_LAST_USABLE_VALUE

VOLTAGE = next(column for column in TABLES[AssetType.JAR].columns if column.name == "voltage")  # mV, 16 bits
OLD = {1: Entry(1, 13_000, 0), 2: Entry(2, 13_100, 0)}


def test_insert_never_touches_what_is_there() -> None:
    outcome = written(Change.INSERT, [Entry(1, 5, 0), Entry(3, 6, 0)], OLD)
    assert outcome.codes == [changes.BAD_ENTRY_EXISTS, changes.GOOD_ENTRY_INSERTED]
    assert outcome.stored == {3: Entry(3, 6, 0)}
    assert outcome.modifications == [Modification(Change.INSERT, Entry(3, 6, 0))]


def test_replace_never_adds() -> None:
    outcome = written(Change.REPLACE, [Entry(3, 6, 0), Entry(2, 5, 0)], OLD)
    assert outcome.codes == [changes.BAD_NO_ENTRY_EXISTS, changes.GOOD_ENTRY_REPLACED]
    assert outcome.stored == {2: Entry(2, 5, 0)}
    assert outcome.modifications == [Modification(Change.REPLACE, OLD[2])]


def test_update_does_either() -> None:
    outcome = written(Change.UPDATE, [Entry(3, 6, 0), Entry(2, 5, 0)], OLD)
    assert outcome.codes == [changes.GOOD_ENTRY_INSERTED, changes.GOOD_ENTRY_REPLACED]
    assert outcome.modifications == [
        Modification(Change.INSERT, Entry(3, 6, 0)),
        Modification(Change.UPDATE, OLD[2]),
    ]


def test_one_time_twice_is_one_change_after_the_other() -> None:
    outcome = written(Change.UPDATE, [Entry(3, 6, 0), Entry(3, 7, 0)], OLD)
    assert outcome.codes == [changes.GOOD_ENTRY_INSERTED, changes.GOOD_ENTRY_REPLACED]
    assert outcome.stored == {3: Entry(3, 7, 0)}
    assert outcome.modifications[1] == Modification(Change.UPDATE, Entry(3, 6, 0))
    assert written(Change.INSERT, [Entry(3, 6, 0), Entry(3, 7, 0)], {}).codes[1] == changes.BAD_ENTRY_EXISTS


def test_a_refusal_is_passed_on_in_its_place() -> None:
    outcome = written(Change.UPDATE, [BAD_OUT_OF_RANGE, Entry(3, 7, 0)], {})
    assert outcome.codes == [BAD_OUT_OF_RANGE, changes.GOOD_ENTRY_INSERTED]


def test_delete_needs_something_to_delete() -> None:
    outcome = deleted([2, 3, 2], OLD)
    assert outcome.codes == [0, changes.BAD_NO_ENTRY_EXISTS, changes.BAD_NO_ENTRY_EXISTS]
    assert outcome.stored == {2: None}
    assert outcome.modifications == [Modification(Change.DELETE, OLD[2])]


@pytest.mark.parametrize("number", [13.0005, 13.00049, 32.768, -32.768, 1e300, math.inf, -math.inf])
def test_what_a_column_cannot_keep_as_it_is_is_refused(number: float) -> None:
    assert entry_of(5, number, 0, VOLTAGE) == BAD_OUT_OF_RANGE


def test_no_number_must_be_bad() -> None:
    assert entry_of(5, math.nan, 0, VOLTAGE) == BAD_OUT_OF_RANGE
    assert entry_of(5, math.nan, UNCERTAIN_LAST_USABLE_VALUE, VOLTAGE) == BAD_OUT_OF_RANGE
    kept = entry_of(5, math.nan, BAD_SENSOR_FAILURE, VOLTAGE)
    assert kept == Entry(5, NO_VALUE, BAD_SENSOR_FAILURE | EXTRA_DATA)


def test_statuses_keep_their_code_and_limits_and_tell_of_other_values() -> None:
    overflow_and_limits = UNCERTAIN_LAST_USABLE_VALUE | 0x0700 | 0x0080
    kept = entry_of(5, 13.0, overflow_and_limits, VOLTAGE)
    assert kept == Entry(5, 13_000, UNCERTAIN_LAST_USABLE_VALUE | 0x0300 | EXTRA_DATA)


COLUMNS = [column for table in TABLES.values() for column in table.columns]


@given(some.data())
def test_every_step_of_every_column_can_be_entered(data: some.DataObject) -> None:
    column: Column = data.draw(some.sampled_from(COLUMNS))
    step = data.draw(some.integers(-column.limit, column.limit))
    entry = entry_of(1, step / column.tag.scale, 0, column)
    assert isinstance(entry, Entry)
    assert entry.step == step
