"""Branches: an earlier activation that waits for the operator goes on beside the condition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alarmplant import START, TEMPERATURE, VOLTAGE, AlarmPlant

from server.alarms.branches import MOST_BRANCHES
from server.alarms.errors import AlreadyAcknowledgedError, AlreadyConfirmedError, UnknownEventError
from server.alarms.overlay import Overlay
from server.alarms.state import Change, Transitions

CONFIRMED = replace(TEMPERATURE, confirm=True)
BRANCHED = Change.BRANCHED


class Jar:
    """The first jar of a plant, heated and cooled scan by scan."""

    def __init__(self, confirm: bool = False) -> None:
        self.d = CONFIRMED if confirm else TEMPERATURE
        self.plant = AlarmPlant(self.d)
        self.table = self.plant.table
        self.second = 0

    def scan(self, value: float) -> Transitions:
        self.second += 1
        self.plant.set(self.d, value, asset=0)
        return self.plant.step(self.second)

    def again(self, times: int = 1) -> Transitions:
        """Hot, then so many times cold and hot again; what the last scan told."""
        told = self.scan(50)
        for _ in range(times):
            self.scan(20)
            told = self.scan(50)
        return told

    def id_of(self, told: Transitions, i: int = 0) -> bytes:
        state = told.state
        identifier = self.plant.index.identifier(int(told.rows[i]))
        return self.table.event_id_of(identifier, int(state.event[i]), int(state.branch[i]))


def rows_of(told: Transitions) -> list[tuple[bool, int, bool, bool, bool]]:
    """(is a branch, change, active, acknowledged, retain) of each event."""
    state = told.state
    return list(
        zip(
            (state.branch != 0).tolist(),
            told.change.tolist(),
            state.active.tolist(),
            state.acked.tolist(),
            state.retain.tolist(),
            strict=True,
        )
    )


def test_a_second_activation_leaves_a_branch_that_is_told_first() -> None:
    jar = Jar()
    told = jar.again()
    assert rows_of(told) == [
        (True, BRANCHED, False, False, True),
        (False, Change.ACTIVATED, True, False, True),
    ]
    assert told.state.event.tolist() == [3, 4]
    assert told.state.branch.tolist() == [3, 0]
    assert told.state.active_time.tolist() == [START + 2_000_000, START + 3_000_000]


def test_what_is_acknowledged_leaves_no_branch() -> None:
    jar = Jar()
    jar.table.acknowledge(0, jar.id_of(jar.scan(50)), None, "ann", START)
    jar.scan(20)
    assert rows_of(jar.scan(50)) == [(False, Change.ACTIVATED, True, False, True)]


def test_what_is_not_confirmed_leaves_a_branch() -> None:
    jar = Jar(confirm=True)
    jar.table.acknowledge(0, jar.id_of(jar.scan(50)), None, "ann", START)
    jar.scan(20)
    told = jar.scan(50)
    assert rows_of(told)[0] == (True, BRANCHED, False, True, True)
    assert told.state.confirmed.tolist() == [False, True]
    ended = jar.table.confirm(0, jar.id_of(told), None, "ann", START)
    assert ended.change.tolist() == [Change.CONFIRMED]
    assert not ended.state.retain[0]
    assert len(jar.table.branches) == 0


def test_a_branch_that_asks_for_it_is_confirmed_after_it_was_acknowledged() -> None:
    jar = Jar(confirm=True)
    told = jar.again()
    with pytest.raises(AlreadyConfirmedError):
        jar.table.confirm(0, jar.id_of(told), None, "ann", START)
    acked = jar.table.acknowledge(0, jar.id_of(told), None, "ann", START)
    assert acked.state.retain.tolist() == [True]
    with pytest.raises(AlreadyAcknowledgedError):
        jar.table.acknowledge(0, jar.id_of(acked), None, "ann", START)
    assert jar.table.confirm(0, jar.id_of(acked), None, "ann", START).state.retain.tolist() == [False]
    assert not jar.table.state.acked[0]
    with pytest.raises(UnknownEventError):
        jar.table.add_comment(0, jar.id_of(told), "late", "ann", START)


def test_the_comment_stays_with_the_activation_that_it_was_made_of() -> None:
    jar = Jar()
    jar.table.add_comment(0, jar.id_of(jar.scan(50)), "fan is broken", "ann", START)
    jar.scan(20)
    told = jar.scan(50)
    assert told.state.comment.tolist() == ["fan is broken", ""]
    assert told.state.user.tolist() == ["ann", ""]
    later = jar.table.add_comment(0, jar.id_of(told), "fan was changed", "bob", START)
    assert later.state.comment.tolist() == ["fan was changed"]
    assert jar.table.state.comment[0] == ""


def test_the_condition_is_retained_as_long_as_it_has_branches() -> None:
    """Part 9, B.1.3: the last events of the example."""
    jar = Jar()
    told = jar.again()
    jar.scan(20)
    trunk = jar.table.acknowledge(0, jar.plant.event_id(0), None, "ann", START)
    assert rows_of(trunk) == [(False, Change.ACKNOWLEDGED, False, True, True)]
    ended = jar.table.acknowledge(0, jar.id_of(told), None, "ann", START)
    assert rows_of(ended) == [
        (True, Change.ACKNOWLEDGED, False, True, False),
        (False, BRANCHED, False, True, False),
    ]
    assert len(jar.table.retained()) == 0


def test_a_refresh_tells_branches_with_the_eventids_that_they_had() -> None:
    jar = Jar()
    told = jar.again(2)
    again = jar.table.retained()
    assert again.rows.tolist() == [0, 0, 0]
    assert again.state.branch.tolist() == [3, 6, 0]
    assert again.state.event.tolist() == [3, 6, 7]
    assert told.state.event.tolist() == [6, 7]
    assert len(jar.table.retained(np.array([1]))) == 0


def test_the_oldest_are_kept_and_a_later_activation_goes_on_in_the_condition() -> None:
    jar = Jar()
    jar.again(MOST_BRANCHES)
    kept = jar.table.branches.state.branch.tolist()
    last = jar.plant.event_id(0)
    jar.scan(20)
    assert rows_of(jar.scan(50)) == [(False, Change.ACTIVATED, True, False, True)]
    assert jar.table.branches.state.branch.tolist() == kept
    with pytest.raises(UnknownEventError):
        jar.table.acknowledge(0, last, None, "ann", START)


def test_eventids_of_branches_are_of_that_branch_alone() -> None:
    jar = Jar()
    first = jar.again()
    second = jar.again()
    others = jar.table.event_id_of(
        jar.plant.index.identifier(1), int(first.state.event[0]), int(first.state.branch[0])
    )
    not_told = jar.table.event_id_of(
        jar.plant.index.identifier(0), int(second.state.event[0]), int(first.state.branch[0])
    )
    as_own = jar.table.event_id(0, int(second.state.event[1]) + 1)
    for wrong in (others, not_told, as_own):
        with pytest.raises(UnknownEventError):
            jar.table.acknowledge(0, wrong, None, "ann", START)
    told = jar.table.acknowledge(0, jar.id_of(second), None, "ann", START)
    assert told.state.branch.tolist() == second.state.branch[:1].tolist()


def test_disabling_ends_branches_and_says_so() -> None:
    jar = Jar()
    jar.again(2)
    told = jar.table.disable(0, "ann", START)
    assert told.change.tolist() == [Change.DISABLED] * 3
    assert told.state.enabled.tolist() == [False] * 3
    assert told.state.retain.tolist() == [False] * 3
    assert told.state.user.tolist() == ["ann"] * 3
    assert told.state.branch.tolist() == [3, 6, 0]
    assert len(jar.table.branches) == 0
    jar.table.enable(0, "ann", START)
    assert rows_of(jar.scan(50)) == [(False, Change.ACTIVATED, True, False, True)]


def test_branches_count_as_unacknowledged() -> None:
    jar = Jar()
    told = jar.again()
    jar.table.acknowledge(0, jar.plant.event_id(0), None, "ann", START)
    assert jar.table.unacknowledged.tolist() == [True, False, False, False]
    jar.table.acknowledge(0, jar.id_of(told), None, "ann", START)
    assert not jar.table.unacknowledged.any()


def test_branches_are_shelved_with_their_condition() -> None:
    jar = Jar()
    jar.again()
    told = jar.table.timed_shelve(0, 60_000_000, None, "ann", START + 3_000_000)
    assert told.change.tolist() == [Change.SHELVED] * 2
    assert told.state.shelved.tolist() == [2, 2]
    told = jar.plant.step(100)
    assert told.change.tolist() == [Change.UNSHELVED] * 2
    assert told.state.shelved.tolist() == [0, 0]
    assert (told.state.branch != 0).tolist() == [True, False]


def test_branches_of_many_conditions_begin_in_one_scan() -> None:
    plant = AlarmPlant(TEMPERATURE, VOLTAGE)
    for second, hot in enumerate((50, 20, 50)):
        plant.set(TEMPERATURE, hot)
        plant.set(VOLTAGE, 13 if hot == 20 else 11)
        told = plant.step(second)
    assert told.rows.tolist() == [*range(8), *range(8)]
    assert told.change.tolist() == [BRANCHED] * 8 + [Change.ACTIVATED] * 8
    assert told.state.event.tolist() == list(range(17, 33))


def test_branches_survive_a_restart() -> None:
    jar = Jar()
    told = jar.again(2)
    saved = jar.table.save()
    after = AlarmPlant(TEMPERATURE, jars=5)
    assert after.table.restore(saved) == 1
    assert after.table.branches.state.branch.tolist() == [3, 6]
    assert after.table.retained().state.event.tolist() == [3, 6, 7]
    again = after.table.acknowledge(0, jar.id_of(told), "seen", "ann", START)
    assert again.state.branch.tolist() == [6]
    assert after.table.state.branches.tolist()[:2] == [1, 0]


def test_what_waited_for_confirmation_alone_is_over_where_none_is_asked_for_any_more() -> None:
    jar = Jar(confirm=True)
    jar.table.acknowledge(0, jar.id_of(jar.scan(50)), None, "ann", START)
    jar.scan(20)
    jar.scan(50)
    jar.scan(20)
    jar.table.acknowledge(0, jar.plant.event_id(0), None, "ann", START)
    assert jar.table.retained().state.confirmed.tolist() == [False, False]
    after = AlarmPlant(TEMPERATURE)
    after.table.restore(jar.table.save())
    assert len(after.table.retained()) == 0
    assert len(after.table.branches) == 0


def test_a_simulation_has_branches_of_its_own_and_leaves_those_of_the_plant() -> None:
    jar = Jar()
    told = jar.again()
    overlay = Overlay(jar.table)
    overlay.show(np.ones(4, np.bool_), START)
    simulated = overlay.simulated
    for value in (20, 50):
        frame = replace(jar.plant.frame, value=jar.plant.frame.value.copy(), time=START + 9_000_000)
        frame.column(TEMPERATURE.tag.asset, TEMPERATURE.tag.name)[0] = value
        overlay.step(frame)
    assert len(simulated.branches) == 2
    simulated.acknowledge(0, jar.id_of(told), "drill", "ann", START)
    assert len(simulated.branches) == 1
    assert jar.table.branches.state.acked.tolist() == [False]
    (_, closed), (_, again) = overlay.show(np.zeros(4, np.bool_), START)
    assert closed.state.retain.tolist() == [False, False]
    assert (closed.state.branch != 0).tolist() == [True, False]
    assert again.state.retain.tolist() == [True, True]
    assert again.state.branch.tolist() == [3, 0]
    jar.table.acknowledge(0, jar.id_of(told), None, "ann", START)
