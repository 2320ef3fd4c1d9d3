"""Shelving, suppression and service: what operators hide, and for how long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, VOLTAGE, AlarmPlant

from server.alarms.definition import MICROSECONDS
from server.alarms.errors import (
    AlreadyShelvedError,
    ConditionDisabledError,
    NotShelvedError,
    ShelvingTimeError,
)
from server.alarms.state import Change, Shelving, Suppression

HOUR = 3600 * MICROSECONDS
SHORT = replace(TEMPERATURE, shelve_max=HOUR)
# Room is damp: that explains the temperature of each of the site's jars, until 10 s after it.
EXPLAINED = replace(TEMPERATURE, suppressed_by=("HumidityHigh",), linger=10 * MICROSECONDS)
UP, DOWN = Change.ACTIVATED, Change.CLEARED


def at(seconds: float) -> int:
    return START + round(seconds * MICROSECONDS)


def test_timed_shelving_ends_when_its_time_is_over_however_often_it_was_active() -> None:
    plant = AlarmPlant(TEMPERATURE)
    told = plant.table.timed_shelve(0, 5 * MICROSECONDS, "noisy", "ann", at(0))
    assert told.change.tolist() == [Change.SHELVED]
    state = told.state
    assert (state.shelved[0], state.shelved_until[0], state.comment[0]) == (Shelving.TIMED, at(5), "noisy")
    seen = []
    for second, value in ((1, 50), (2, 20), (4.9, 20), (5, 20)):
        plant.set(TEMPERATURE, value, asset=0)
        seen.append(plant.step(second).change.tolist())
    assert seen == [[UP], [DOWN], [], [Change.UNSHELVED]]
    assert plant.table.state.shelved_time[0] == at(5)
    assert plant.table.state.shelved_until[0] == 0


def test_one_shot_ends_when_the_condition_becomes_inactive() -> None:
    plant = AlarmPlant(TEMPERATURE)
    told = plant.table.one_shot_shelve(0, None, "ann", at(0))
    assert told.state.shelved.tolist() == [Shelving.ONE_SHOT]
    seen = []
    for second, value in ((1, 20), (2, 50), (3, 36), (4, 20)):
        plant.set(TEMPERATURE, value, asset=0)
        seen.append(plant.step(second).change.tolist())
    assert seen == [[], [UP], [Change.LEVEL], [DOWN | Change.UNSHELVED]]


def test_one_shot_ends_at_the_latest_when_shelving_may_last_no_longer() -> None:
    plant = AlarmPlant(SHORT)
    plant.set(SHORT, 50, asset=0)
    plant.step(0)
    plant.table.one_shot_shelve(0, None, "ann", at(0))
    assert [len(plant.step(second)) for second in (3599, 3600)] == [0, 1]


@pytest.mark.parametrize("duration", [0, -1, HOUR + 1])
def test_a_time_that_is_out_of_range(duration: int) -> None:
    plant = AlarmPlant(SHORT)
    with pytest.raises(ShelvingTimeError):
        plant.table.timed_shelve(0, duration, None, "ann", at(0))
    assert not plant.table.state.shelved[0]
    assert len(plant.table.timed_shelve(0, HOUR, None, "ann", at(0))) == 1


def test_transitions_of_the_state_machine() -> None:
    table = AlarmPlant(TEMPERATURE).table
    with pytest.raises(NotShelvedError):
        table.unshelve(0, None, "ann", at(0))
    table.timed_shelve(0, HOUR, None, "ann", at(1))
    with pytest.raises(AlreadyShelvedError):
        table.timed_shelve(0, HOUR, None, "ann", at(2))
    assert table.state.shelved_until[0] == at(1) + HOUR
    table.one_shot_shelve(0, None, "ann", at(3))
    with pytest.raises(AlreadyShelvedError):
        table.one_shot_shelve(0, None, "ann", at(4))
    table.timed_shelve(0, HOUR, None, "bob", at(5))
    told = table.unshelve(0, "well again", "bob", at(6))
    assert told.change.tolist() == [Change.UNSHELVED | Change.BY_USER]
    assert (told.state.shelved[0], told.state.comment[0], told.state.user[0]) == (0, "well again", "bob")


def test_a_clock_that_was_set_back_shelves_nothing_for_ever() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.table.timed_shelve(0, 5 * MICROSECONDS, None, "ann", at(7200))
    assert [len(plant.step(second)) for second in (0, 4.9, 5)] == [0, 0, 1]


def test_what_is_disabled_is_neither_shelved_nor_suppressed_nor_served() -> None:
    plant = AlarmPlant(TEMPERATURE)
    table = plant.table
    table.timed_shelve(0, 5 * MICROSECONDS, None, "ann", at(0))
    told = table.disable(0, "ann", at(1))
    assert told.state.shelved.tolist() == [0]
    for call in (
        table.one_shot_shelve,
        table.unshelve,
        table.suppress,
        table.unsuppress,
        table.remove_from_service,
        table.place_in_service,
    ):
        with pytest.raises(ConditionDisabledError):
            call(0, None, "ann", at(2))
    with pytest.raises(ConditionDisabledError):
        table.timed_shelve(0, HOUR, None, "ann", at(2))
    assert len(plant.step(6)) == 0


def test_an_operator_suppresses_once() -> None:
    table = AlarmPlant(TEMPERATURE).table
    told = table.suppress(0, None, "ann", at(1))
    assert told.change.tolist() == [Change.SUPPRESSED | Change.BY_USER]
    assert told.state.suppressed.tolist() == [Suppression.BY_OPERATOR]
    assert len(table.suppress(0, None, "ann", at(2))) == 0
    assert table.suppress(0, "still", "bob", at(3)).change.tolist() == [Change.COMMENTED]
    assert table.state.suppressed_time[0] == at(1)
    ended = table.unsuppress(0, None, "ann", at(4))
    assert ended.change.tolist() == [Change.UNSUPPRESSED | Change.BY_USER]
    assert len(table.unsuppress(0, None, "ann", at(5))) == 0


def test_out_of_service_and_back() -> None:
    table = AlarmPlant(TEMPERATURE).table
    assert len(table.place_in_service(0, None, "ann", at(0))) == 0
    told = table.remove_from_service(0, "sensor is out", "ann", at(1))
    assert told.change.tolist() == [Change.REMOVED_FROM_SERVICE | Change.BY_USER]
    assert (told.state.out_of_service[0], told.state.service_time[0]) == (True, at(1))
    assert len(table.remove_from_service(0, None, "ann", at(2))) == 0
    back = table.place_in_service(0, None, "ann", at(3))
    assert back.change.tolist() == [Change.PLACED_IN_SERVICE | Change.BY_USER]


def test_by_design_what_a_cause_explains_is_suppressed_in_the_same_scan() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(EXPLAINED, 50)
    plant.set(HUMIDITY, 90, asset=1)
    told = plant.step(0)
    assert told.rows.tolist() == [0, 1, 2, 3, 5]
    assert told.change.tolist() == [UP, UP, UP | Change.SUPPRESSED, UP | Change.SUPPRESSED, UP]
    assert told.state.suppressed.tolist() == [0, 0, Suppression.BY_DESIGN, Suppression.BY_DESIGN, 0]


def test_by_design_it_ends_some_time_after_its_cause() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(EXPLAINED, 50, asset=2)
    plant.set(HUMIDITY, 90, asset=1)
    plant.step(0)
    plant.set(HUMIDITY, 20, asset=1)
    assert plant.step(20).rows.tolist() == [5]
    assert len(plant.step(29.9)) == 0
    told = plant.step(30)
    assert (told.rows.tolist(), told.change.tolist()) == ([2], [Change.UNSUPPRESSED])
    assert plant.table.state.suppressed.tolist() == [0] * 6, "of the other jar nobody was told"


def test_by_design_nobody_is_told_of_conditions_without_interest() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(HUMIDITY, 90, asset=1)
    assert plant.step(0).rows.tolist() == [5]
    assert plant.table.state.suppressed.tolist() == [0, 0, 2, 2, 0, 0]
    plant.set(EXPLAINED, 50, asset=2)
    told = plant.step(1)
    assert (told.change.tolist(), told.state.suppressed.tolist()) == ([UP], [Suppression.BY_DESIGN])


def test_an_operator_lifts_it_until_the_cause_has_come_again() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(EXPLAINED, 50, asset=2)
    plant.set(HUMIDITY, 90, asset=1)
    plant.step(0)
    assert plant.table.unsuppress(2, None, "ann", at(1)).state.suppressed.tolist() == [0]
    assert len(plant.step(2)) == 0
    other = AlarmPlant(EXPLAINED, HUMIDITY)
    other.table.restore(plant.table.save())
    other.set(EXPLAINED, 50, asset=2)
    other.set(HUMIDITY, 90, asset=1)
    assert len(other.step(3)) == 0, "also after a restart"
    plant.set(HUMIDITY, 20, asset=1)
    plant.step(4)
    plant.step(20)
    plant.set(HUMIDITY, 90, asset=1)
    told = plant.step(21)
    assert dict(zip(told.rows.tolist(), told.change.tolist(), strict=True)) == {2: Change.SUPPRESSED, 5: UP}


def test_what_an_operator_suppressed_stays_so_when_the_cause_ends() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(EXPLAINED, 50, asset=2)
    plant.step(0)
    plant.table.suppress(2, None, "ann", at(0))
    plant.set(HUMIDITY, 90, asset=1)
    assert plant.step(1).rows.tolist() == [5], "it was suppressed already"
    plant.set(HUMIDITY, 20, asset=1)
    plant.step(2)
    assert len(plant.step(60)) == 0
    assert plant.table.state.suppressed[2] == Suppression.BY_OPERATOR


def test_a_cause_of_the_same_asset() -> None:
    low = replace(VOLTAGE, suppressed_by=("TemperatureHigh",))
    plant = AlarmPlant(TEMPERATURE, low)
    plant.set(TEMPERATURE, 50, asset=1)
    plant.set(low, 11)
    plant.step(0)
    assert np.flatnonzero(plant.table.state.suppressed).tolist() == [4 + 1]


def test_a_cause_that_is_disabled_explains_nothing() -> None:
    plant = AlarmPlant(EXPLAINED, HUMIDITY)
    plant.set(EXPLAINED, 50, asset=2)
    plant.set(HUMIDITY, 90, asset=1)
    plant.step(0)
    plant.table.disable(5, "ann", at(1))
    assert plant.step(2).change.tolist() == [Change.UNSUPPRESSED]


def test_a_cause_of_a_part() -> None:
    plant = AlarmPlant(TEMPERATURE, replace(HUMIDITY, suppressed_by=("TemperatureHigh",)))
    plant.set(TEMPERATURE, 50, asset=2)
    plant.step(0)
    assert np.flatnonzero(plant.table.state.suppressed).tolist() == [4 + 1]


def test_all_of_it_survives_a_restart() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.table.timed_shelve(0, HOUR, "noisy", "ann", at(0))
    plant.table.suppress(1, None, "ann", at(0))
    plant.table.remove_from_service(2, None, "ann", at(0))
    after = AlarmPlant(TEMPERATURE)
    assert after.table.restore(plant.table.save()) == 3
    state = after.table.state
    assert state.shelved.tolist() == [Shelving.TIMED, 0, 0, 0]
    assert state.suppressed.tolist() == [0, 1, 0, 0]
    assert state.out_of_service.tolist() == [False, False, True, False]
    assert (state.shelved_until[0], state.comment[0]) == (at(0) + HOUR, "noisy")
    assert after.step(3600).change.tolist() == [Change.UNSHELVED]


def test_a_file_of_an_older_version_has_first_states_of_what_it_did_not_know() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 50, asset=0)
    plant.step(0)
    saved = plant.table.save()
    old = {name: column for name, column in saved.items() if not name.startswith(("shelv", "branch", "conf"))}
    after = AlarmPlant(TEMPERATURE)
    assert after.table.restore(old) == 1
    assert after.table.state.confirmed.all()
    assert after.table.retained().rows.tolist() == [0]
