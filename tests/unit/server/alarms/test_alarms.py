"""The alarm engine: levels, hysteresis, delays, bad inputs, acknowledgement, and state over a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alarmplant import HUMIDITY, NAN, START, TEMPERATURE, VOLTAGE, AlarmPlant
from hypothesis import given
from hypothesis import strategies as some

from nodeset import status as st
from server.alarms.definition import MICROSECONDS, AlarmDef, Level
from server.alarms.errors import (
    AlarmError,
    AlreadyAcknowledgedError,
    AlreadyConfirmedError,
    AlreadyDisabledError,
    AlreadyEnabledError,
    ConditionDisabledError,
    UnknownEventError,
)
from server.alarms.state import Change
from server.alarms.table import AlarmTable

DOUBTED = st.UNCERTAIN_SENSOR_NOT_ACCURATE
GOOD, BAD, UNCERTAIN = st.GOOD, st.BAD_NO_COMMUNICATION, st.UNCERTAIN_LAST_USABLE_VALUE
SLOW = replace(TEMPERATURE, on_delay=10 * MICROSECONDS, off_delay=20 * MICROSECONDS)
UP, DOWN, MOVED, QUALITY = Change.ACTIVATED, Change.CLEARED, Change.LEVEL, Change.QUALITY
NONE, LOW, HIGH, HIGH_HIGH = Level.NONE, Level.LOW, Level.HIGH, Level.HIGH_HIGH

# (time [s], value, status) -> (level, change), scan by scan.
Golden = list[tuple[float, float, int, Level, int]]
STORIES: dict[str, tuple[AlarmDef, Golden]] = {
    "a limit itself is not exceeded": (
        TEMPERATURE,
        [(0, 35.0, GOOD, NONE, 0), (1, 35.01, GOOD, HIGH, UP)],
    ),
    "hysteresis holds until the value is one kelvin below": (
        TEMPERATURE,
        [(0, 36, GOOD, HIGH, UP), (1, 34.5, GOOD, HIGH, 0), (2, 34.0, GOOD, NONE, DOWN)],
    ),
    "from high to high-high and back": (
        TEMPERATURE,
        [
            (0, 36, GOOD, HIGH, UP),
            (1, 46, GOOD, HIGH_HIGH, MOVED),
            (2, 44.5, GOOD, HIGH_HIGH, 0),
            (3, 43, GOOD, HIGH, MOVED),
            (4, 20, GOOD, NONE, DOWN),
        ],
    ),
    "straight to high-high and straight back": (
        TEMPERATURE,
        [(0, 60, GOOD, HIGH_HIGH, UP), (1, 20, GOOD, NONE, DOWN)],
    ),
    "low limits are exceeded downwards": (
        VOLTAGE,
        [
            (0, 11.5, GOOD, NONE, 0),
            (1, 11.4, GOOD, LOW, UP),
            (2, 11.55, GOOD, LOW, 0),
            (3, 11.6, GOOD, NONE, DOWN),
        ],
    ),
    "from low to high in one scan": (
        VOLTAGE,
        [(0, 11, GOOD, LOW, UP), (1, 15, GOOD, HIGH, MOVED), (2, 13, GOOD, NONE, DOWN)],
    ),
    "from low to high while the off-delay of low still runs": (
        replace(VOLTAGE, off_delay=60 * MICROSECONDS),
        [(0, 11, GOOD, LOW, UP), (1, 15, GOOD, HIGH, MOVED), (70, 15, GOOD, HIGH, 0)],
    ),
    "from high-high to low while the off-delay of high-high still runs": (
        replace(VOLTAGE, off_delay=60 * MICROSECONDS, limits=(NAN, 11.5, NAN, 14.5), severities=(0, 1, 0, 1)),
        [(0, 15, GOOD, HIGH_HIGH, UP), (1, 11, GOOD, LOW, MOVED), (70, 11, GOOD, LOW, 0)],
    ),
    "the on-delay needs ten seconds on end": (
        SLOW,
        [
            (0, 36, GOOD, NONE, 0),
            (9, 36, GOOD, NONE, 0),
            (9.5, 30, GOOD, NONE, 0),
            (10, 36, GOOD, NONE, 0),
            (19.9, 36, GOOD, NONE, 0),
            (20, 36, GOOD, HIGH, UP),
        ],
    ),
    "each limit has its own delay": (
        SLOW,
        [
            (0, 36, GOOD, NONE, 0),
            (5, 50, GOOD, NONE, 0),
            (10, 50, GOOD, HIGH, UP),
            (15, 50, GOOD, HIGH_HIGH, MOVED),
        ],
    ),
    "the off-delay needs twenty seconds on end": (
        SLOW,
        [
            (0, 36, GOOD, NONE, 0),
            (10, 36, GOOD, HIGH, UP),
            (20, 30, GOOD, HIGH, 0),
            (39, 30, GOOD, HIGH, 0),
            (39.5, 36, GOOD, HIGH, 0),
            (40, 30, GOOD, HIGH, 0),
            (60, 30, GOOD, NONE, DOWN),
        ],
    ),
    "a bad input keeps an active condition and tells its quality once": (
        TEMPERATURE,
        [
            (0, 36, GOOD, HIGH, UP),
            (1, 20, BAD, HIGH, QUALITY),
            (2, 20, BAD, HIGH, 0),
            (2.5, 20, st.BAD_SENSOR_FAILURE, HIGH, 0),
            (3, 20, GOOD, NONE, DOWN | QUALITY),
        ],
    ),
    "a bad input activates nothing, and tells nothing of a condition without interest": (
        TEMPERATURE,
        [(0, 90, BAD, NONE, 0), (1, 90, GOOD, HIGH_HIGH, UP)],
    ),
    "an uncertain input is evaluated": (
        TEMPERATURE,
        [(0, 36, UNCERTAIN, HIGH, UP), (1, 20, UNCERTAIN, NONE, DOWN)],
    ),
    "a doubted input changes nothing": (
        TEMPERATURE,
        [(0, 90, DOUBTED, NONE, 0), (1, 36, GOOD, HIGH, UP), (2, 20, DOUBTED, HIGH, QUALITY)],
    ),
    "a bad input starts a delay anew": (
        SLOW,
        [
            (0, 36, GOOD, NONE, 0),
            (5, 36, BAD, NONE, 0),
            (10, 36, GOOD, NONE, 0),
            (15, 36, GOOD, NONE, 0),
            (20, 36, GOOD, HIGH, UP),
        ],
    ),
    "a good value that is no number is no value": (
        TEMPERATURE,
        [(0, 36, GOOD, HIGH, UP), (1, float("nan"), GOOD, HIGH, 0)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    d, story = STORIES[name]
    plant = AlarmPlant(d)
    for second, value, status, level, change in story:
        plant.set(d, value, status, asset=1)
        changes = plant.step(second)
        told = dict(zip(changes.rows.tolist(), changes.change.tolist(), strict=True))
        assert (second, Level(int(plant.table.state.level[1]))) == (second, level)
        assert (second, told) == (second, {1: change} if change else {})


@given(some.lists(some.floats(10, 60), max_size=40))
def test_level_is_what_a_scalar_machine_says(values: list[float]) -> None:
    plant, level = AlarmPlant(TEMPERATURE), 0
    for second, value in enumerate(values):
        plant.set(TEMPERATURE, value)
        plant.step(second)
        if value > 45 or (level == 2 and value > 44):
            level = 2
        elif value > 35 or (level >= 1 and value > 34):
            level = 1
        else:
            level = 0
        assert plant.table.state.level.tolist() == [level] * 4


def test_conditions_of_several_assets_do_not_mix() -> None:
    plant = AlarmPlant(TEMPERATURE, HUMIDITY)
    plant.set(HUMIDITY, 90, asset=1)
    plant.set(TEMPERATURE, 50, asset=2)
    changes = plant.step(0)
    assert [plant.index.identifier(row) for row in changes.rows.tolist()] == [
        "B/UPS-1/S01/J01#TemperatureHigh",
        "B#HumidityHigh",
    ]
    assert changes.state.severity.tolist() == [800, 200]


def test_identifiers_and_rows_are_each_other() -> None:
    index = AlarmPlant(TEMPERATURE, HUMIDITY, VOLTAGE).index
    identifiers = [index.identifier(row) for row in range(index.size)]
    assert [index.row_of_id(text) for text in identifiers] == list(range(4 + 2 + 4))
    assert len(set(identifiers)) == 10
    for wrong in ("A#TemperatureHigh", "A/UPS-1/S01/J01#Nothing", "C#HumidityHigh", "A", ""):
        assert index.row_of_id(wrong) is None
    with pytest.raises(IndexError):
        index.identifier(10)


def test_severity_follows_the_level_and_stays_when_cleared() -> None:
    plant = AlarmPlant(TEMPERATURE)
    state = plant.table.state
    seen = []
    for second, value in enumerate((20, 36, 50, 36, 20)):
        plant.set(TEMPERATURE, value)
        plant.step(second)
        seen.append((int(state.severity[0]), int(state.last_severity[0])))
    assert seen == [(500, 500), (500, 500), (800, 500), (500, 800), (500, 800)]


def test_worse_asks_for_acknowledgement_again_and_easing_does_not() -> None:
    plant = AlarmPlant(TEMPERATURE)
    acked = []
    for second, value in enumerate((36, 50, 36, 20)):
        plant.set(TEMPERATURE, value)
        plant.step(second)
        acked.append(bool(plant.table.state.acked[0]))
        if not acked[-1]:
            plant.table.acknowledge(0, plant.event_id(0), None, "ann", START)
    assert acked == [False, False, True, True]


def test_the_other_side_asks_for_acknowledgement_too() -> None:
    plant = AlarmPlant(VOLTAGE)
    plant.set(VOLTAGE, 11, asset=0)
    plant.step(0)
    plant.table.acknowledge(0, plant.event_id(0), None, "ann", START)
    plant.set(VOLTAGE, 15, asset=0)
    assert plant.step(1).state.acked.tolist() == [False]


def test_transitions_do_not_change_while_the_table_goes_on() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    told = plant.step(0)
    plant.set(TEMPERATURE, 20, asset=0)
    plant.step(1)
    plant.table.acknowledge(0, plant.event_id(0), "seen", "ann", START)
    assert (told.state.level.tolist(), told.state.acked.tolist()) == ([2], [False])
    assert told.state.comment.tolist() == [""]


def test_acknowledge() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    plant.step(0)
    told = plant.table.acknowledge(0, plant.event_id(0), "on my way", "ann", START + 7)
    assert told.change.tolist() == [Change.ACKNOWLEDGED]
    state = told.state
    assert (state.acked[0], state.acked_time[0], state.comment[0]) == (True, START + 7, "on my way")
    assert state.user[0] == "ann"
    assert state.retain[0], "still active"
    plant.set(TEMPERATURE, 20, asset=0)
    assert not plant.step(1).state.retain[0]


def test_cleared_is_retained_until_acknowledged() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    first = plant.step(0).state
    plant.set(TEMPERATURE, 20, asset=0)
    assert plant.step(1).state.retain[0]
    assert plant.table.retained().rows.tolist() == [0]
    raised = plant.table.event_id(0, int(first.event[0]))
    assert not plant.table.acknowledge(0, raised, None, "ann", START).state.retain[0]
    assert len(plant.table.retained()) == 0


def test_no_comment_leaves_the_one_that_is_there() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50)
    plant.step(0)
    plant.table.add_comment(0, plant.event_id(0), "fan is broken", "ann", START + 1)
    told = plant.table.acknowledge(0, plant.event_id(0), None, "bob", START + 2).state
    assert (told.comment[0], told.comment_time[0], told.user[0]) == ("fan is broken", START + 1, "bob")


def refused(plant: AlarmPlant, row: int, event_id: bytes) -> type[AlarmError]:
    with pytest.raises(AlarmError) as error:
        plant.table.acknowledge(row, event_id, None, "ann", START)
    return error.type


def test_acknowledge_refuses() -> None:
    plant = AlarmPlant(TEMPERATURE)
    assert refused(plant, 0, plant.table.event_id(0, 0)) is UnknownEventError
    plant.set(TEMPERATURE, 50)
    plant.step(0)
    mine, others = plant.event_id(0), plant.event_id(1)
    for wrong in (b"", b"\0" * 16, others, mine + b"\0", mine[:15], b"\xff" * 40):
        assert refused(plant, 0, wrong) is UnknownEventError
    assert refused(plant, 1, mine) is UnknownEventError, "older, and not its own"
    plant.table.acknowledge(0, mine, None, "ann", START)
    assert refused(plant, 0, mine) is AlreadyAcknowledgedError
    plant.table.disable(0, "ann", START)
    assert refused(plant, 0, mine) is ConditionDisabledError


def test_an_eventid_acknowledges_the_activation_that_it_told_and_no_other() -> None:
    plant = AlarmPlant(TEMPERATURE)
    ids = []
    for second, value in enumerate((50, 20, 50)):
        plant.set(TEMPERATURE, value, asset=0)
        plant.step(second)
        ids.append(plant.event_id(0))
    told = plant.table.acknowledge(0, ids[0], None, "ann", START)
    assert told.state.branch[0] != 0
    assert not told.state.retain[0]
    assert not plant.table.state.acked[0]
    assert refused(plant, 0, ids[0]) is UnknownEventError
    assert refused(plant, 0, ids[1]) is UnknownEventError
    plant.table.acknowledge(0, ids[2], None, "ann", START)


def test_any_event_since_the_activation_acknowledges() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50)
    plant.step(0)
    raised = plant.event_id(0)
    plant.set(TEMPERATURE, 50, BAD)
    plant.step(1)
    assert plant.event_id(0) != raised
    plant.table.acknowledge(0, raised, None, "ann", START)


def test_confirm() -> None:
    d = replace(TEMPERATURE, confirm=True)
    plant = AlarmPlant(d)
    plant.set(d, 50, asset=0)
    plant.step(0)
    raised = plant.event_id(0)
    with pytest.raises(AlreadyConfirmedError):
        plant.table.confirm(0, raised, None, "ann", START)
    state = plant.table.acknowledge(0, raised, None, "ann", START + 1).state
    assert (state.acked[0], state.confirmed[0], state.confirmed_time[0]) == (True, False, START + 1)
    plant.set(d, 20, asset=0)
    assert plant.step(1).state.retain[0], "still to be confirmed"
    with pytest.raises(UnknownEventError):
        plant.table.confirm(0, plant.event_id(1), None, "ann", START)
    told = plant.table.confirm(0, raised, "fan was changed", "bob", START + 2)
    assert told.change.tolist() == [Change.CONFIRMED]
    state = told.state
    assert (state.confirmed[0], state.confirmed_time[0], state.user[0]) == (True, START + 2, "bob")
    assert state.comment[0] == "fan was changed"
    assert not state.retain[0]
    with pytest.raises(AlreadyConfirmedError):
        plant.table.confirm(0, raised, None, "ann", START)


def test_what_gets_worse_has_to_be_acknowledged_before_it_is_confirmed() -> None:
    d = replace(TEMPERATURE, confirm=True)
    plant = AlarmPlant(d)
    plant.set(d, 36, asset=0)
    plant.step(0)
    raised = plant.event_id(0)
    plant.table.acknowledge(0, raised, None, "ann", START)
    plant.set(d, 50, asset=0)
    state = plant.step(1).state
    assert (state.acked[0], state.confirmed[0]) == (False, True)
    with pytest.raises(AlreadyConfirmedError):
        plant.table.confirm(0, plant.event_id(0), None, "ann", START)
    plant.table.acknowledge(0, plant.event_id(0), None, "ann", START)
    with pytest.raises(UnknownEventError):
        plant.table.confirm(0, raised, None, "ann", START)
    plant.table.confirm(0, plant.event_id(0), None, "ann", START)


def test_what_asks_for_no_confirmation_has_none() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    plant.step(0)
    assert plant.table.acknowledge(0, plant.event_id(0), None, "ann", START).state.confirmed[0]
    with pytest.raises(AlreadyConfirmedError):
        plant.table.confirm(0, plant.event_id(0), None, "ann", START)


def test_an_empty_comment_clears_the_one_that_is_there() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50)
    plant.step(0)
    plant.table.add_comment(0, plant.event_id(0), "fan is broken", "ann", START + 1)
    told = plant.table.add_comment(0, plant.event_id(0), "", "bob", START + 2).state
    assert (told.comment[0], told.comment_time[0], told.user[0]) == ("", START + 2, "bob")


def test_disable_and_enable() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    plant.step(0)
    told = plant.table.disable(0, "ann", START)
    assert told.change.tolist() == [Change.DISABLED]
    assert not told.state.retain[0]
    assert told.state.acked[0], "nothing is left to acknowledge"
    assert len(plant.step(1)) == 0
    with pytest.raises(AlreadyDisabledError):
        plant.table.disable(0, "ann", START)
    assert plant.table.enable(0, "ann", START).change.tolist() == [Change.ENABLED]
    with pytest.raises(AlreadyEnabledError):
        plant.table.enable(0, "ann", START)
    assert plant.step(2).change.tolist() == [Change.ACTIVATED]


def test_event_ids_are_never_given_twice() -> None:
    plant, seen = AlarmPlant(TEMPERATURE, VOLTAGE), set()
    for second in range(6):
        plant.set(TEMPERATURE, 50 if second % 2 else 20)
        plant.set(VOLTAGE, 11 if second % 2 else 13)
        told = plant.step(second)
        ids = [plant.event_id(row) for row in told.rows.tolist()]
        assert all(len(event_id) == 16 for event_id in ids)
        assert not seen.intersection(ids)
        seen.update(ids)
    assert len(seen) == 5 * 8


def test_restart_with_more_jars(tmp_path: Path) -> None:
    before = AlarmPlant(SLOW, VOLTAGE)
    before.set(VOLTAGE, 11, asset=3)
    before.set(VOLTAGE, 15, asset=1)
    before.set(SLOW, 40, asset=2)
    before.step(0)
    event = before.event_id(4 + 3)
    before.table.acknowledge(4 + 1, before.event_id(4 + 1), "charger is set", "ann", START)
    before.table.disable(0, "bob", START)
    np.savez(tmp_path / "alarms.npz", **before.table.save())

    after = AlarmPlant(SLOW, VOLTAGE, jars=5)
    with np.load(tmp_path / "alarms.npz") as file:
        assert after.table.restore(dict(file)) == 4
    state, row = after.table.state, after.index.row_of_id
    assert np.flatnonzero(~state.acked).tolist() == [row("B/UPS-1/S01/J02#VoltageLevel")]
    assert np.flatnonzero(~state.enabled).tolist() == [row("A/UPS-1/S01/J01#TemperatureHigh")]
    charger = row("A/UPS-1/S01/J02#VoltageLevel")
    assert charger is not None
    assert (state.comment[charger], state.level[charger]) == ("charger is set", Level.HIGH)
    after.set(SLOW, 40, asset=5)
    after.set(VOLTAGE, 11, asset=6)
    after.set(VOLTAGE, 15, asset=1)
    told = after.step(10)
    assert told.rows.tolist() == [row("B/UPS-1/S01/J01#TemperatureHigh")], "its delay went on"
    again = row("B/UPS-1/S01/J02#VoltageLevel")
    assert again is not None
    after.table.acknowledge(again, event, None, "ann", START)


def test_a_clock_that_was_set_back_holds_no_alarm_for_ever() -> None:
    plant = AlarmPlant(SLOW)
    plant.set(SLOW, 40, asset=0)
    assert [len(plant.step(second)) for second in (3600, 0, 9, 10)] == [0, 0, 0, 1]


def test_restart_gives_no_event_id_again() -> None:
    before = AlarmPlant(TEMPERATURE)
    saved = before.table.save()
    before.set(TEMPERATURE, 50)
    before.step(0)
    after = AlarmPlant(TEMPERATURE)
    after.table.restore(saved)
    after.set(TEMPERATURE, 50)
    after.step(0)
    assert after.event_id(0)[:8] == before.event_id(0)[:8]
    assert after.event_id(0) != before.event_id(0)


def test_restart_without_the_limit_that_was_active() -> None:
    before = AlarmPlant(TEMPERATURE)
    before.set(TEMPERATURE, 50, asset=0)
    before.set(TEMPERATURE, 36, asset=1)
    before.step(0)
    only_high = replace(TEMPERATURE, limits=(*TEMPERATURE.limits[:3], float("nan")))
    after = AlarmPlant(only_high)
    assert after.table.restore(before.table.save()) == 1
    assert after.table.state.level.tolist() == [0, Level.HIGH, 0, 0]


def test_first_state_tells_nothing() -> None:
    plant = AlarmPlant(TEMPERATURE, VOLTAGE)
    table = AlarmTable(plant.index, START)
    assert len(table.retained()) == 0
    assert table.state.severity.tolist() == [500] * 4 + [550] * 4
    assert len(plant.step(0)) == 0
