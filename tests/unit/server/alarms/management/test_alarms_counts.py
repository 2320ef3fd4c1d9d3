"""Tags that count alarms: what operators are shown, what is hidden, by site and for the fleet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from alarmplant import HUMIDITY, START, TEMPERATURE, VOLTAGE, AlarmPlant

from nodeset.frame import Frame
from nodeset.status import UNCERTAIN_SIMULATED_VALUE
from server.alarms.definition import MICROSECONDS
from server.alarms.management.management import Management
from server.alarms.overlay import Overlay

DAY = 86_400


def counts(frame: Frame, tag: str) -> list[float]:
    """Of each site, and of the fleet."""
    return [*frame.column("Site", tag).tolist(), *frame.column("Fleet", tag).tolist()]


class Watched:
    """An alarm plant whose alarms are managed."""

    def __init__(self, jars: int = 2) -> None:
        self.plant = AlarmPlant(TEMPERATURE, VOLTAGE, HUMIDITY, jars=jars)
        self.management = Management(self.plant.table)
        self.step(-1)  # what is active in the first scan is found, not raised

    def step(self, seconds: float) -> Frame:
        transitions = self.plant.step(seconds)
        self.management.step(self.plant.frame, transitions)
        return self.plant.frame


def test_active_and_unacknowledged_of_sites_and_fleet() -> None:
    made = Watched()
    plant = made.plant
    plant.set(TEMPERATURE, 50, asset=0)
    plant.set(TEMPERATURE, 50, asset=2)
    plant.set(HUMIDITY, 90, asset=1)
    made.step(0)
    plant.table.acknowledge(0, plant.event_id(0), None, "ann", START)
    frame = made.step(1)
    assert counts(frame, "ActiveAlarms") == [1, 2, 3]
    assert counts(frame, "UnacknowledgedAlarms") == [0, 2, 2]


def test_what_is_found_at_the_first_start_is_active_but_was_not_raised() -> None:
    delayed = replace(TEMPERATURE, on_delay=60 * MICROSECONDS)
    plant = AlarmPlant(delayed, VOLTAGE)
    management = Management(plant.table)

    def step(seconds: float) -> tuple[float, float]:
        transitions = plant.step(seconds)
        management.step(plant.frame, transitions)
        return counts(plant.frame, "ActiveAlarms")[-1], counts(plant.frame, "AlarmRate")[-1]

    plant.set(VOLTAGE, 11, asset=0)
    plant.set(TEMPERATURE, 40, asset=1)
    assert step(0) == (1, 0)
    plant.set(TEMPERATURE, 40, asset=2)
    plant.set(VOLTAGE, 11, asset=3)
    assert step(5) == (2, 1)
    assert step(55) == (2, 1)
    assert step(60) == (3, 1)
    assert step(65) == (4, 2)


def test_what_a_simulation_raises_soon_after_the_first_start_counts_in_it() -> None:
    made = Watched()
    frame = made.step(0)
    overlay = Overlay(made.plant.table)
    shown = np.ones(made.plant.index.size, np.bool_)
    overlay.show(shown, START)
    made.management.begin_simulation()
    simulated = frame.next(frame.time + 1)
    simulated.column("Jar", "Temperature")[:] = 47.0
    simulated.status[:] = UNCERTAIN_SIMULATED_VALUE
    made.management.simulate(simulated, overlay, overlay.step(simulated))
    assert counts(simulated, "AlarmRate") == [2, 2, 4]


def test_each_alarm_is_of_one_priority() -> None:
    made = Watched()
    made.plant.set(TEMPERATURE, 50, asset=0)  # 800
    made.plant.set(TEMPERATURE, 40, asset=1)  # 500
    made.plant.set(VOLTAGE, 11, asset=2)  # 600
    made.plant.set(HUMIDITY, 90)  # 200, at both sites
    frame = made.step(0)
    assert counts(frame, "CriticalAlarms") == [1, 0, 1]
    assert counts(frame, "HighAlarms") == [0, 1, 1]
    assert counts(frame, "MediumAlarms") == [1, 0, 1]
    assert counts(frame, "LowAlarms") == [1, 1, 2]
    assert counts(frame, "ActiveAlarms") == [3, 2, 5]


def test_what_operators_are_not_shown_counts_apart() -> None:
    made = Watched()
    made.plant.set(TEMPERATURE, 50)
    state = made.plant.table.state
    state.suppressed[0], state.shelved[1], state.out_of_service[2] = 1, 1, True
    state.shelved[5] = 2  # one that is not active
    state.shelved_until[:] = START + 3600 * MICROSECONDS
    frame = made.step(0)
    assert counts(frame, "ActiveAlarms") == [0, 1, 1]
    assert counts(frame, "UnacknowledgedAlarms") == [0, 1, 1]
    assert counts(frame, "CriticalAlarms") == [0, 1, 1]
    assert counts(frame, "SuppressedAlarms") == [1, 0, 1]
    assert counts(frame, "ShelvedAlarms") == [2, 0, 2]
    assert counts(frame, "OutOfServiceAlarms") == [0, 1, 1]
    assert counts(frame, "AlarmRate") == [0, 1, 1]


def test_an_alarm_stands_after_a_day() -> None:
    made = Watched()
    made.plant.set(TEMPERATURE, 50, asset=0)
    made.step(0)
    made.plant.set(TEMPERATURE, 50, asset=2)
    assert counts(made.step(DAY - 1), "StandingAlarms") == [0, 0, 0]
    assert counts(made.step(DAY), "StandingAlarms") == [1, 0, 1]
    rows, since = made.management.plant.standing()
    assert (rows.tolist(), since.tolist()) == ([0], [START])


def test_counts_while_a_simulation_runs_are_of_what_is_shown() -> None:
    made = Watched()
    overlay = Overlay(made.plant.table)
    shown = np.zeros(made.plant.index.size, np.bool_)
    shown[:2] = True  # the temperatures of site A
    overlay.show(shown, START)
    made.management.begin_simulation()
    made.plant.set(TEMPERATURE, 47.0, asset=1)  # hidden by its simulated one
    made.plant.set(TEMPERATURE, 47.0, asset=2)
    plant = made.step(10)
    simulated = plant.next(plant.time + 1)
    simulated.column("Jar", "Temperature")[:] = [47.0, 20.0, 47.0, 20.0]
    made.management.simulate(simulated, overlay, overlay.step(simulated))
    assert counts(simulated, "ActiveAlarms") == [1, 1, 2]
    assert counts(simulated, "AlarmRate") == [1, 1, 2]
    assert counts(plant, "ActiveAlarms") == [1, 1, 2]
    made.management.end_simulation(plant.time)
    overlay.show(~shown & False, START)
    assert counts(made.step(11), "AlarmRate") == [1, 1, 2], "nothing simulated counts for the plant"


def test_a_condition_whose_earlier_activation_nobody_has_acknowledged_counts_once() -> None:
    made = Watched()
    for second, value in enumerate((50, 20, 50, 20)):
        made.plant.set(TEMPERATURE, value, asset=0)
        made.step(second)
    table = made.plant.table
    table.acknowledge(0, made.plant.event_id(0), None, "ann", START)
    assert counts(made.step(4), "UnacknowledgedAlarms") == [1, 0, 1]
    branch = int(table.branches.state.branch[0])
    table.acknowledge(
        0, table.event_id_of(made.plant.index.identifier(0), branch, branch), None, "ann", START
    )
    assert counts(made.step(5), "UnacknowledgedAlarms") == [0, 0, 0]
