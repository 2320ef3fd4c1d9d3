"""Rates, floods, chattering and the figures of ISA-18.2 and EEMUA 191, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, VOLTAGE, AlarmPlant

from config.alarmmanagement import Management
from nodeset.frame import Frame
from server.alarms.management import management as managed
from server.alarms.management.monitor import Monitor

DAY = 86_400
JARS = 20


class Watched:
    """An alarm plant whose alarms are managed; each jar's temperature can be raised and lowered."""

    def __init__(self, **settings: object) -> None:
        self.plant = AlarmPlant(TEMPERATURE, VOLTAGE, HUMIDITY, jars=JARS)
        self.management = managed.Management(self.plant.table, Management.model_validate(settings))
        self.monitor = self.management.plant
        self.step(-1)  # what is active in the first scan is found, not raised

    def step(self, seconds: float) -> Frame:
        transitions = self.plant.step(seconds)
        self.management.step(self.plant.frame, transitions)
        return self.plant.frame

    def hot(self, *jars: int) -> None:
        for jar in jars:
            self.plant.set(TEMPERATURE, 40, asset=jar)

    def cool(self) -> None:
        self.plant.set(TEMPERATURE, 20)

    def pulse(self, second: float, jar: int = 0, length: float = 30) -> None:
        """One alarm, which is over after so many seconds."""
        self.hot(jar)
        self.step(second)
        self.cool()
        self.step(second + length)

    def tag(self, name: str) -> list[float]:
        frame = self.plant.frame
        return [*frame.column("Site", name).tolist(), *frame.column("Fleet", name).tolist()]

    def figure(self, name: str, site: int | None = None) -> float:
        return next(each.value for each in self.monitor.figures(site) if each.name.startswith(name))


def test_the_rate_slides() -> None:
    made = Watched()
    for minute in range(6):
        made.hot(minute, JARS + minute)
        made.step(60 * minute)
    assert made.tag("AlarmRate") == [6, 6, 12]
    made.step(599)
    assert made.tag("AlarmRate") == [6, 6, 12]
    made.step(600)
    assert made.tag("AlarmRate") == [5, 5, 10]
    made.step(901)
    assert made.tag("AlarmRate") == [0, 0, 0]


def test_a_clock_that_was_set_back_holds_no_rate_for_ever() -> None:
    made = Watched()
    made.hot(0)
    made.step(5000)
    made.hot(1)
    made.step(10)
    assert made.tag("AlarmRate") == [1, 0, 1]
    made.step(611)
    assert made.tag("AlarmRate") == [0, 0, 0]


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    made = Watched()
    made.hot(*range(6))
    made.step(0)
    made.hot(*range(6, 10))
    made.step(300)
    assert made.tag("AlarmFlood") == [0, 0, 0], "ten are none"
    made.hot(JARS)  # of the other site: a flood of the fleet, and of no site
    made.step(301)
    assert made.tag("AlarmFlood") == [0, 0, 1]
    made.step(600)  # five are left
    assert (made.tag("AlarmRate"), made.tag("AlarmFlood")) == ([4, 1, 5], [0, 0, 1])
    made.step(900)
    assert (made.tag("AlarmRate"), made.tag("AlarmFlood")) == ([0, 1, 1], [0, 0, 0])


def test_three_in_a_minute_chatter_until_it_is_quiet() -> None:
    made = Watched()
    for second in (0, 30):
        made.pulse(second, length=10)
    assert made.tag("ChatteringAlarms") == [0, 0, 0]
    made.pulse(60, length=10)
    assert made.tag("ChatteringAlarms") == [1, 0, 1]
    made.pulse(400, length=10)
    rows, chattering = made.monitor.chatters(), made.monitor.chattering
    assert (rows.tolist(), chattering.count[rows].tolist()) == ([0], [4])
    assert chattering.since[rows].tolist() == [START]
    made.step(999)
    assert made.tag("ChatteringAlarms") == [1, 0, 1]
    made.step(1000)
    assert made.tag("ChatteringAlarms") == [0, 0, 0]


def test_three_in_more_than_a_minute_do_not() -> None:
    made = Watched()
    for second in (0, 30, 61):
        made.pulse(second, length=10)
    assert made.tag("ChatteringAlarms") == [0, 0, 0]


def test_whoever_is_shelved_does_not_chatter_at_operators() -> None:
    made = Watched()
    for second in (0, 20, 40):
        made.pulse(second, length=10)
    made.plant.table.timed_shelve(0, 60_000_000, None, "ann", START + 51_000_000)
    made.step(55)
    assert made.tag("ChatteringAlarms") == [0, 0, 0]


def test_an_alarm_that_ceases_to_be_hidden_is_raised_then() -> None:
    made = Watched()
    state = made.plant.table.state
    state.shelved[0], state.shelved_until[0] = 2, START + 100_000_000
    made.hot(0)
    made.step(0)
    assert made.tag("AlarmRate") == [0, 0, 0]
    made.step(100)
    assert state.shelved[0] == 0
    assert made.tag("AlarmRate") == [1, 0, 1]


def test_figures_of_a_day() -> None:
    made = Watched()
    made.step(0)
    for hour in range(24):
        made.pulse(3600 * hour + 600, jar=hour % JARS)
    for jar in range(12):  # a burst in the last hour, of the other site
        made.hot(JARS + jar)
    made.step(DAY - 300)
    made.step(DAY)
    assert made.figure("Alarms in 24 h") == 36
    assert made.figure("Alarms an hour") == pytest.approx(36 / 24)
    assert made.figure("Alarms in 10 min, on") == pytest.approx(36 / 144)
    assert made.figure("Alarms in 10 min, at") == 12
    assert made.figure("Periods of 10 min") == pytest.approx(100 / 144)
    assert made.figure("Hours of more than 30") == 0
    assert made.figure("Alarms in 24 h", site=0) == 24
    assert made.figure("Alarms in 24 h", site=1) == 12
    assert made.figure("Periods of 10 min", site=0) == 0
    assert (made.monitor.alarms_per_day(), made.monitor.peak_rate()) == (36, 12)
    # Two of 1,440 minutes saw the flood: the step in it, and the one 5 min later.
    assert made.monitor.flood_share() == pytest.approx(100 * 2 / 1440)


def test_what_is_older_than_a_day_counts_no_more() -> None:
    made = Watched()
    made.pulse(0)
    made.pulse(DAY + 120)
    assert made.figure("Alarms in 24 h") == 1
    assert made.figure("Alarms in 10 min, at") == 1
    made.step(9 * DAY)
    assert made.figure("Alarms in 24 h") == 0
    assert all(math.isnan(share) for share in made.monitor.priority_shares())


def test_before_ten_minutes_nothing_is_told_of_averages() -> None:
    made = Watched()
    made.pulse(0)
    made.step(500)
    assert math.isnan(made.figure("Alarms an hour"))
    assert math.isnan(made.figure("Periods of 10 min"))
    made.step(1199)
    assert made.figure("Alarms an hour") == 3
    assert made.figure("Alarms in 24 h") == 1
    assert made.figure("Periods of 10 min") == 0


def test_every_figure_stands_beside_its_target() -> None:
    made = Watched(targets={"alarms_per_day": {"target": 100, "maximum": 200}, "peak_rate": {"target": 7}})
    found = {each.name: (each.target, each.maximum) for each in made.monitor.figures()}
    assert found["Alarms in 24 h"] == (100, 200)
    target, maximum = found["Alarms in 10 min, at most"]
    assert target == 7
    assert math.isnan(maximum)
    assert found["Standing alarms"] == (5, 10)


def test_shares_of_priorities_and_the_worst_conditions() -> None:
    made = Watched()
    for minute in range(6):
        made.pulse(600 * minute, jar=3)  # medium
    made.plant.set(HUMIDITY, 90)  # low, at both sites
    made.plant.set(VOLTAGE, 11, asset=JARS)  # high, at the other site
    made.step(4000)
    assert made.monitor.priority_shares() == pytest.approx([100 * 2 / 9, 100 * 6 / 9, 100 * 1 / 9, 0])
    rows, counts, share = made.monitor.bad_actors()
    assert (made.management.identifiers(rows[:1]), counts.tolist()) == (
        ["A/UPS-1/S01/J04#TemperatureHigh"],
        [6, 1, 1, 1],
    )
    assert share == 100
    rows, counts, share = made.monitor.bad_actors(site=1)
    assert sorted(made.management.identifiers(rows)) == ["B#HumidityHigh", "B/UPS-1/S01/J01#VoltageLevel"]
    limited = Watched(bad_actors=1)
    limited.pulse(0, jar=3)
    limited.pulse(100, jar=3)
    limited.pulse(200, jar=4)
    assert limited.monitor.bad_actors()[2] == pytest.approx(100 * 2 / 3)


def test_fleeting_alarms_are_over_before_anybody_looks() -> None:
    made = Watched(fleeting=10)
    made.pulse(0, length=9)
    made.pulse(100, length=10)
    assert made.figure("Fleeting") == 1
    assert made.figure("Fleeting", site=1) == 0


def test_the_record_outlives_a_restart() -> None:
    made = Watched()
    for second in range(0, 300, 60):
        made.pulse(second, jar=second % 7)
    again = Monitor(made.plant.table, made.management.settings)
    assert again.restore(made.monitor.save())
    assert again.rates.total.tolist() == made.monitor.rates.total.tolist() == [5, 0, 5]
    assert np.array_equal(again.record.by_row, made.monitor.record.by_row)
    assert again.alarms_per_day() == 5
    other = Monitor(AlarmPlant(TEMPERATURE, jars=1).table, made.management.settings)
    assert other.restore(made.monitor.save()), "conditions that are no more are left out"
    assert other.record.by_row.sum() < 5
