"""Simulated conditions over the plant's: who is shown, what is told again, and that nothing is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, AlarmPlant
from asyncua import ua

from nodeset.frame import Frame
from server.alarms.conditions import notifiers
from server.alarms.definition import MICROSECONDS, AlarmType
from server.alarms.errors import UnknownEventError
from server.alarms.events import condition_events
from server.alarms.fields import FIELDS
from server.alarms.management.management import Management
from server.alarms.messages import message
from server.alarms.mirror import ConditionMirror
from server.alarms.overlay import Overlay
from server.alarms.state import Change, Transitions
from server.alarms.table import AlarmTable
from server.protocol.stack import variant_to_binary
from server.services.monitoreditem import SERVER_NOTIFIER


class Simulated:
    """A plant of four jars whose first two are simulated from 10 s on."""

    def __init__(self) -> None:
        self.plant = AlarmPlant(TEMPERATURE)
        self.plant.step(1)
        self.overlay = Overlay(self.plant.table)
        self.show(0, 1)

    def show(self, *rows: int) -> list[list[Transitions]]:
        shown = np.isin(np.arange(4), rows)
        return [[told for told in [each[1]] if len(told)] for each in self.overlay.show(shown, at(50))]

    def simulate(self, seconds: float, **jars: float) -> Transitions:
        """A simulated scan that differs from the plant's in the temperatures of some jars (`j0=47.0`)."""
        frame = self.frame(seconds)
        for name, value in jars.items():
            frame.column(TEMPERATURE.tag.asset, TEMPERATURE.tag.name)[int(name[1:])] = value
        return self.overlay.step(frame)

    def frame(self, seconds: float) -> Frame:
        frame = self.plant.frame
        return replace(frame, time=at(seconds), value=frame.value.copy(), status=frame.status.copy())


def at(seconds: float) -> int:
    return START + round(seconds * MICROSECONDS)


def last_id(table: AlarmTable, row: int) -> bytes:
    return table.event_id(row, int(table.state.event[row]))


def test_what_is_simulated_is_told_and_the_plants_own_is_not() -> None:
    made = Simulated()
    before = made.plant.table.save()
    assert made.simulate(11, j0=47.0, j3=47.0).rows.tolist() == [0]
    after = made.plant.table.save()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    made.plant.set(TEMPERATURE, 47.0, asset=1)
    made.plant.set(TEMPERATURE, 47.0, asset=2)
    transitions = made.plant.step(12)
    assert transitions.rows.tolist() == [1, 2]
    assert made.overlay.of_plant(transitions).rows.tolist() == [2]
    assert made.overlay.table(1) is made.overlay.simulated
    assert made.overlay.table(2) is made.plant.table


def test_simulated_alarms_close_and_the_plants_stay_as_they_were() -> None:
    made = Simulated()
    made.simulate(11, j0=47.0, j1=47.0)
    made.overlay.simulated.acknowledge(1, last_id(made.overlay.simulated, 1), None, "kim", at(12))
    (closed,), again = made.show()
    assert again == []
    assert closed.rows.tolist() == [0, 1]
    assert not closed.state.retain.any()
    assert not closed.state.active.any()
    assert made.plant.table.save()["identifier"].size == 0


def test_closed_alarms_are_closed_once() -> None:
    made = Simulated()
    made.simulate(11, j0=47.0)
    made.overlay.simulated.acknowledge(0, last_id(made.overlay.simulated, 0), None, "kim", at(12))
    made.simulate(13)
    assert made.show() == [[], []]


def test_an_alarm_of_the_plant_is_told_again_after_the_simulated_one() -> None:
    made = Simulated()
    made.plant.set(TEMPERATURE, 37.0, asset=0)
    made.plant.step(10)  # nobody is told: the simulated one is shown
    made.simulate(11, j0=47.0)
    number = last_id(made.overlay.simulated, 0)
    (closed,), (again,) = made.show()
    assert closed.rows.tolist() == again.rows.tolist() == [0]
    assert again.state.retain.all()
    assert again.state.severity.tolist() == [500]
    real = made.plant.table
    with pytest.raises(UnknownEventError):
        real.acknowledge(0, number, None, "kim", at(60))
    with pytest.raises(UnknownEventError):
        real.acknowledge(
            0, made.overlay.simulated.event_id(0, int(closed.state.event[0])), None, "kim", at(60)
        )
    assert len(real.acknowledge(0, last_id(real, 0), None, "kim", at(61))) == 1


def test_an_alarm_of_before_is_known_to_its_simulation_by_the_eventid_that_was_told() -> None:
    plant = AlarmPlant(TEMPERATURE)
    plant.set(TEMPERATURE, 47.0, asset=0)
    plant.step(1)
    told = last_id(plant.table, 0)
    overlay = Overlay(plant.table)
    overlay.show(np.isin(np.arange(4), [0]), at(2))
    assert len(overlay.simulated.acknowledge(0, told, None, "kim", at(3))) == 1
    assert not plant.table.state.acked[0]  # what is done to the simulated one ends with it
    overlay.show(np.zeros(4, np.bool_), at(4))
    assert len(plant.table.acknowledge(0, told, None, "kim", at(5))) == 1


def test_eventids_are_never_those_of_another_simulation() -> None:
    made = Simulated()
    made.simulate(11, j0=47.0)
    first = last_id(made.overlay.simulated, 0)
    other = Overlay(made.plant.table)
    other.show(np.ones(4, np.bool_), at(20))
    frame = made.frame(21)
    frame.column(TEMPERATURE.tag.asset, TEMPERATURE.tag.name)[0] = 47.0
    other.step(frame)
    assert last_id(other.simulated, 0) != first
    with pytest.raises(UnknownEventError):
        other.simulated.acknowledge(0, first, None, "kim", at(22))


def test_one_that_is_still_simulated_goes_on_when_another_ends() -> None:
    made = Simulated()
    made.simulate(11, j0=47.0, j1=47.0)
    (closed,), _ = made.show(1)
    assert closed.rows.tolist() == [0]
    assert len(made.simulate(12, j1=47.0)) == 0
    assert made.overlay.retained().tolist() == [1]


def test_a_condition_enters_as_the_plant_has_it_by_then() -> None:
    made = Simulated()
    made.show(1)
    made.plant.set(TEMPERATURE, 47.0, asset=0)
    made.plant.step(20)
    real = made.plant.table
    real.acknowledge(0, last_id(real, 0), "seen", "kim", at(21))
    made.show(0, 1)
    assert made.overlay.simulated.state.acked[0]
    assert made.overlay.simulated.state.comment[0] == "seen"


def test_events_say_that_they_are_simulated() -> None:
    made = Simulated()
    (event,) = condition_events(made.overlay.simulated, made.simulate(11, j0=47.0), 2)
    assert message(event).startswith("SIMULATION: Jar temperature is high: 47.00")
    assert event.value(("ConditionSubClassId",)).Value[0].Identifier == 17221
    assert [text.Text for text in event.value(("ConditionSubClassName",)).Value] == [
        "TestingConditionClassType"
    ]
    made.plant.set(TEMPERATURE, 47.0, asset=2)
    (event,) = condition_events(made.plant.table, made.plant.step(12), 2)
    assert "SIMULATION" not in message(event)
    assert event.value(("ConditionSubClassId",)).Value is None
    plain = event.encoded(("ConditionSubClassId",))
    assert plain == variant_to_binary(ua.Variant())


@pytest.mark.parametrize("path", FIELDS[AlarmType.LEVEL])
def test_their_fields_are_encoded_as_asyncua_does(path: tuple[str, ...]) -> None:
    made = Simulated()
    (event,) = condition_events(made.overlay.simulated, made.simulate(11, j0=47.0), 2)
    assert event.encoded(path) == variant_to_binary(event.value(path))


# -- in a mirror


class Mirrored:
    """A plant of four jars, one of them hot, with a mirror beside it."""

    def __init__(self) -> None:
        self.plant = AlarmPlant(TEMPERATURE)
        self.plant.set(TEMPERATURE, 47.0, asset=1)
        self.plant.step(1)
        self.told: list[tuple[str, int]] = []
        self.mirror = ConditionMirror(
            self.plant.table, self.tell, lambda: at(50), Management(self.plant.table)
        )

    def tell(self, table: AlarmTable, transitions: Transitions, where: str) -> None:
        assert table is not self.plant.table
        assert where == "Shadow/"
        self.told += zip(transitions.rows.tolist(), transitions.state.level.tolist(), strict=True)

    def touch(self, *rows: int) -> list[tuple[int, int]]:
        """What is told when simulations are of these jars."""
        frame = self.plant.frame
        touched = np.zeros(frame.index.size, np.bool_)
        frame.index.column(touched, TEMPERATURE.tag.asset, TEMPERATURE.tag.name)[list(rows)] = True
        self.told = []
        self.mirror.touch(touched, frame.index)
        return self.told

    def simulate(self, **jars: float) -> list[tuple[int, int]]:
        """What a simulated scan tells."""
        frame = self.plant.frame
        frame = replace(frame, time=at(11), value=frame.value.copy(), status=frame.status.copy())
        for name, value in jars.items():
            frame.column(TEMPERATURE.tag.asset, TEMPERATURE.tag.name)[int(name[1:])] = value
        self.told = []
        self.mirror.simulate(frame)
        return self.told


def test_a_mirror_tells_what_is_simulated_and_leaves_the_plants_table_alone() -> None:
    made = Mirrored()
    before = made.plant.table.save()
    assert made.touch(0, 1) == [(1, 2)]  # it was hot before, and nobody was told there
    assert made.simulate(j0=47.0, j3=47.0) == [(0, 2)]
    assert made.touch(0) == [(1, 0)]
    assert made.touch() == [(0, 0)]
    after = made.plant.table.save()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_mirror_has_conditions_of_what_is_simulated_alone() -> None:
    made = Mirrored()
    assert made.mirror.table(0) is None
    assert not len(made.mirror.retained()[1])
    made.touch(0, 1)
    made.simulate(j0=47.0, j3=47.0)
    table = made.mirror.table(0)
    assert table is not None
    assert table.simulated
    assert made.mirror.table(3) is None
    assert made.mirror.retained()[1].tolist() == [0, 1]
    made.touch()
    assert made.mirror.table(0) is None


def test_events_of_a_mirror_name_it_and_are_told_there() -> None:
    made = Mirrored()
    made.touch(0)
    table = made.mirror.table(0)
    assert table is not None
    (event,) = condition_events(table, table.tell_again(np.array([0]), at(51)), 3, "Shadow/")
    path = made.plant.frame.index.path(made.plant.frame.index.slice(TEMPERATURE.tag.asset, "Voltage").start)
    assert event.value(("SourceName",)).Value == f"Shadow/{path}"
    assert event.value(("SourceNode",)).Value == ua.NodeId(f"Shadow/{path}", 3)
    assert event.condition == ua.NodeId(f"Shadow/{path}#{TEMPERATURE.name}", 3)
    assert event.value(("InputNode",)).Value.Identifier.startswith(f"Shadow/{path}.")
    site, system, string, _ = path.split("/")
    assert notifiers(event.source) == {
        f"Shadow/{site}",
        f"Shadow/{site}/{system}",
        f"Shadow/{site}/{system}/{string}",
        "Shadow/Fleet",
        "Simulation",
        "Fleet",
        SERVER_NOTIFIER,
    }
    assert not any(each.startswith(site) for each in notifiers(event.source))


# -- what operators hide


def test_what_is_shelved_is_shelved_in_its_simulation_and_stays_so_beneath() -> None:
    made = Simulated()
    made.plant.table.timed_shelve(1, 3600 * MICROSECONDS, "noisy", "kim", at(9))
    made.show(0)
    made.show(0, 1)
    assert made.simulate(11, j0=47.0, j1=47.0).state.shelved.tolist() == [0, 2]
    simulated = made.overlay.simulated
    simulated.unshelve(1, None, "ann", at(12))
    simulated.suppress(0, None, "ann", at(12))
    simulated.remove_from_service(0, None, "ann", at(12))
    (closed,), again = made.show()
    assert again == [], "nobody was told anything else of the plant's"
    assert closed.state.shelved.tolist() == [0, 2], "as the plant has them"
    state = made.plant.table.state
    assert state.shelved.tolist() == [0, 2, 0, 0]
    assert not state.suppressed.any()
    assert not state.out_of_service.any()


def test_a_simulated_cause_explains_what_is_simulated_and_nothing_of_the_plant() -> None:
    explained = replace(TEMPERATURE, suppressed_by=("HumidityHigh",))
    plant = AlarmPlant(explained, HUMIDITY)
    plant.set(explained, 47.0, asset=1)
    plant.step(1)
    overlay = Overlay(plant.table)
    overlay.show(np.isin(np.arange(6), [0, 1, 4]), at(2))  # the first site
    frame = replace(plant.frame, time=at(3), value=plant.frame.value.copy())
    frame.column(HUMIDITY.tag.asset, HUMIDITY.tag.name)[:] = 90.0
    frame.column(explained.tag.asset, explained.tag.name)[0] = 47.0
    told = overlay.step(frame)
    assert dict(zip(told.rows.tolist(), told.change.tolist(), strict=True)) == {
        0: Change.ACTIVATED | Change.SUPPRESSED,
        1: Change.SUPPRESSED,
        4: Change.ACTIVATED,
    }
    assert len(plant.step(4)) == 0
    (_, closed), (_, again) = overlay.show(np.zeros(6, np.bool_), at(5))
    assert closed.state.suppressed.tolist() == [0, 0, 0]
    assert (again.rows.tolist(), again.state.suppressed.tolist()) == ([1], [0])


def test_a_limit_that_is_changed_counts_for_plant_and_simulation() -> None:
    simulated = Simulated()
    assert simulated.simulate(10, j0=40.0).change.tolist() == [Change.ACTIVATED]
    rows = np.array([0], np.intp)
    limits = simulated.plant.table.limits.take(rows)
    limits.signed[:, 2] = 42.0
    simulated.plant.table.limits.put(rows, limits)
    told = simulated.overlay.simulated.configured(rows, "somsri", at(11))
    assert told.change.tolist() == [Change.CONFIGURED]
    assert not len(simulated.plant.table.configured(rows, "somsri", at(11))), "the plant's is not retained"
    assert simulated.simulate(12, j0=40.0).change.tolist() == [Change.CLEARED]
    simulated.plant.set(TEMPERATURE, 41.0, asset=0)
    assert not len(simulated.plant.step(13))
