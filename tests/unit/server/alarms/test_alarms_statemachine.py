"""Whatever the plant and its operators do, in whatever order: what must hold of every condition and event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
from alarmplant import HUMIDITY, START, TEMPERATURE, AlarmPlant
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nodeset import status as st
from server.alarms.branches import MOST_BRANCHES
from server.alarms.definition import MICROSECONDS
from server.alarms.errors import AlarmError
from server.alarms.state import AlarmState, Change, Shelving, Transitions
from server.alarms.table import AlarmTable

# Damp in the room explains what is hot; to be confirmed, and to be shelved for a minute at most.
HOT = replace(
    TEMPERATURE,
    confirm=True,
    suppressed_by=("HumidityHigh",),
    linger=2 * MICROSECONDS,
    shelve_max=60 * MICROSECONDS,
    off_delay=MICROSECONDS,
)
WARM = replace(TEMPERATURE, name="TemperatureWarm", limits=(10.0, 15.0, 30.0, 40.0), severities=(4, 3, 2, 1))
ROWS, USERS = some.integers(0, 9), some.sampled_from(("ann", "bob"))
COMMENTS = some.sampled_from((None, "", "seen", "fan is broken"))
VALUES = some.sampled_from((5.0, 12.0, 20.0, 33.0, 37.0, 43.0, 50.0))

Event = tuple[int, int, int]  # row, branch, number


class Alarms(RuleBasedStateMachine):
    """A table of conditions, and what a client knows of it that has all its events."""

    def __init__(self) -> None:
        super().__init__()
        self.plant = AlarmPlant(HOT, WARM, HUMIDITY)
        self.table = self.plant.table
        self.second = 0.0
        self.last = 0  # number of an event
        self.known: dict[tuple[int, int], AlarmState] = {}  # by row and branch, what was last told
        self.told: list[Event] = []
        self.branches: dict[int, set[int]] = defaultdict(set)

    # -- what happens

    @rule(
        temperatures=some.lists(VALUES, min_size=4, max_size=4), seconds=some.sampled_from((0.5, 1.0, 70.0))
    )
    def scan(self, temperatures: list[float], seconds: float) -> None:
        self.second += seconds
        for asset, value in enumerate(temperatures):
            self.plant.set(HOT, value, asset=asset)
        told = self.plant.step(self.second)
        assert not (np.bincount(told.rows[told.state.branch == 0], minlength=10) > 1).any(), "one a scan"
        self.hear(told)

    @rule(damp=some.sampled_from((50.0, 90.0)), site=some.integers(0, 1))
    def room(self, damp: float, site: int) -> None:
        self.plant.set(HUMIDITY, damp, asset=site)

    @rule(asset=some.integers(0, 3))
    def loses_an_input(self, asset: int) -> None:
        self.second += 1
        self.plant.set(HOT, 20.0, st.BAD_NO_COMMUNICATION, asset=asset)
        self.hear(self.plant.step(self.second))

    @precondition(lambda self: self.told)
    @rule(data=some.data(), comment=COMMENTS, user=USERS)
    def acts_on_an_event(self, data: some.DataObject, comment: str | None, user: str) -> None:
        row, branch, number = data.draw(some.sampled_from(self.told[-12:]))
        call = data.draw(
            some.sampled_from((self.table.acknowledge, self.table.confirm, self.table.add_comment))
        )
        event_id = self.table.event_id_of(self.plant.index.identifier(row), number, branch)
        told = self.call(call, row, event_id, comment, user)
        if told is not None:
            assert told.change[0] in (Change.ACKNOWLEDGED, Change.CONFIRMED, Change.COMMENTED)
            assert told.state.user[0] == user

    @rule(row=ROWS, data=some.data(), comment=COMMENTS, user=USERS)
    def hides(self, row: int, data: some.DataObject, comment: str | None, user: str) -> None:
        table = self.table
        calls = (
            table.one_shot_shelve,
            table.unshelve,
            table.suppress,
            table.unsuppress,
            table.remove_from_service,
            table.place_in_service,
        )
        self.call(data.draw(some.sampled_from(calls)), row, comment, user)

    @rule(row=ROWS, seconds=some.integers(0, 70), user=USERS)
    def shelves(self, row: int, seconds: int, user: str) -> None:
        self.call(self.table.timed_shelve, row, seconds * MICROSECONDS, None, user)

    @rule(row=ROWS, user=USERS)
    def enables_or_disables(self, row: int, user: str) -> None:
        table = self.table
        self.call(table.disable if table.state.enabled[row] else table.enable, row, user)

    @rule()
    def restarts(self) -> None:
        saved, values = self.table.save(), self.plant.frame
        self.plant = AlarmPlant(HOT, WARM, HUMIDITY)
        self.plant.frame = values
        self.table = self.plant.table
        self.table.restore(saved)

    def call(self, act: Callable[..., Transitions], row: int, *arguments: object) -> Transitions | None:
        """A call that may be refused, and then changes nothing."""
        before, branches = self.table.state.copy(), self.table.branches.state.copy()
        try:
            told = act(row, *arguments, START + round(self.second * MICROSECONDS))
        except AlarmError:
            assert same(before, self.table.state)
            assert same(branches, self.table.branches.state)
            return None
        self.hear(told)
        return told

    def hear(self, told: Transitions) -> None:
        """What a client learns; every event is new."""
        for i in range(len(told)):
            state = told.state.take(slice(i, i + 1))
            row, branch, number = int(told.rows[i]), int(state.branch[0]), int(state.event[0])
            assert number > self.last, "numbers rise"
            self.last = number
            self.told.append((row, branch, number))
            self.known[row, branch] = state
            if branch and told.change[i] & Change.BRANCHED:
                assert branch == number, "a branch is named by the event that it began with"
            elif branch:
                assert branch in self.branches[row], "nothing is told of a branch that has ended"
            (self.branches[row].add if branch and state.retain[0] else self.branches[row].discard)(branch)

    # -- what must hold

    @invariant()
    def what_is_retained_is_what_a_client_heard_last(self) -> None:
        heard = {key: state for key, state in self.known.items() if state.retain[0]}
        again = self.table.retained()
        keys = list(zip(again.rows.tolist(), again.state.branch.tolist(), strict=True))
        assert set(keys) == set(heard)
        assert len(keys) == len(set(keys))
        for i, key in enumerate(keys):
            for name in ("event", "acked", "confirmed", "level", "shelved", "comment", "user"):
                assert getattr(again.state, name)[i] == getattr(heard[key], name)[0], (key, name)
            assert bool(again.state.suppressed[i]) == bool(heard[key].suppressed[0]), key

    @invariant()
    def branches_are_few_and_wait_for_somebody(self) -> None:
        branches, state = self.table.branches, self.table.state
        assert (np.bincount(branches.rows, minlength=10) == state.branches).all()
        assert (state.branches <= MOST_BRANCHES).all()
        assert branches.state.retain.all()
        assert (branches.state.level == 0).all()
        assert (~(branches.state.acked & branches.state.confirmed)).all()
        assert {row: set(branches.state.branch[branches.rows == row].tolist()) for row in range(10)} == {
            row: self.branches[row] for row in range(10)
        }

    @invariant()
    def states_are_those_of_part_9(self) -> None:
        for state in (self.table.state, self.table.branches.state):
            assert (state.acked | state.confirmed).all(), "acknowledged first, then confirmed"
            assert (state.ack_from <= state.event).all()
        state = self.table.state
        off = ~state.enabled
        assert not (
            off & (state.active | state.unacknowledged | ~state.confirmed | (state.shelved != 0))
        ).any()
        assert ((state.shelved == Shelving.UNSHELVED) == (state.shelved_until == 0)).all()
        assert state.confirmed[4:].all(), "of those that ask for it"
        assert (state.severity[state.active] > 0).all()
        assert not (state.lifted & (state.suppressed & 2 != 0)).any()

    @invariant()
    def every_event_of_what_is_retained_can_be_commented(self) -> None:
        identifier = self.plant.index.identifier
        for (row, branch), state in self.known.items():
            if state.retain[0]:
                event_id = self.table.event_id_of(identifier(row), int(state.event[0]), branch)
                found, at, _ = self.table._told_by(row, event_id)
                assert int(found.branch[at]) == branch


def same(one: AlarmState, other: AlarmState) -> bool:
    """Whether two states are the same, NaN being the same as NaN."""
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name), equal_nan=f.name == "value")
        for f in fields(AlarmState)
    )


Alarms.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
test_whatever_happens = Alarms.TestCase


def test_a_ledger_of_all_transitions_gives_the_same_states() -> None:
    """Put back in their order, transitions make of an old save what is there now."""
    plant, log = AlarmPlant(HOT, WARM, HUMIDITY), []
    saved = plant.table.save()
    rng = np.random.default_rng(9)
    for second in range(200):
        plant.set(HOT, float(rng.choice((20.0, 33.0, 50.0))), asset=int(rng.integers(4)))
        log.append(plant.step(second))
        act = (plant.table.acknowledge, plant.table.confirm)[int(rng.integers(2))]
        row = int(rng.integers(8))
        try:
            log.append(act(row, plant.event_id(row), None, "ann", START + second * MICROSECONDS))
        except AlarmError:
            continue
    assert len(plant.table.branches) > 0
    after = AlarmTable(plant.index, START)
    after.restore(saved)
    for told in log:
        after.replay(told.rows, told.state)
    mine, theirs = plant.table.retained(), after.retained()
    assert sorted(mine.state.event.tolist()) == sorted(theirs.state.event.tolist())
    assert after.state.acked.tolist() == plant.table.state.acked.tolist()
    assert after.state.branches.tolist() == plant.table.state.branches.tolist()
    again = after.disable(0, "ann", START)
    assert int(again.state.event[0]) > max(plant.table.state.event.tolist())
