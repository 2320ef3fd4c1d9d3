"""Changes to conditions at run time: precedence, contradictions, what they make of states, and a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from alarmplant import START, TEMPERATURE, VOLTAGE, AlarmPlant

from server.alarms.configuration import Configuration, Plan, UnreadableError
from server.alarms.definition import MICROSECONDS
from server.alarms.events import condition_events
from server.alarms.messages import message
from server.alarms.overrides import Override, OverrideError, Setting, resolve
from server.alarms.state import Change

A, B = "A/UPS-1/S01/J01", "B/UPS-1/S01/J01"
HIGH, HIGH_HIGH, LOW = Setting.HIGH, Setting.HIGH_HIGH, Setting.LOW


class Plant(AlarmPlant):
    """A plant whose conditions are configured."""

    def __init__(self, *base: Override) -> None:
        super().__init__(TEMPERATURE, VOLTAGE)
        self.configuration = Configuration(self.index, base)
        self.table.limits.put(np.arange(self.index.size), resolve(self.index, base))

    def change(self, target: str, values: Mapping[Setting, float], name: str = "TemperatureHigh") -> Plan:
        plan = self.configuration.changed(name, target, values, "somsri", START, self.table.limits)
        self.adopt(plan)
        return plan

    def reset(self, name: str = "", target: str = "") -> Plan:
        plan = self.configuration.reset(name, target, self.table.limits)
        self.adopt(plan)
        return plan

    def adopt(self, plan: Plan) -> None:
        self.configuration.changes = plan.changes
        self.table.limits.put(plan.rows, plan.limits)

    def high(self, path: str) -> float:
        row = self.index.row(path, "TemperatureHigh")
        assert row is not None
        return self.table.limits.values(row)[2]


def test_what_is_more_specific_wins_whenever_it_was_changed() -> None:
    plant = Plant(Override("TemperatureHigh", "B", {HIGH: 38.0}))
    assert len(plant.change(A, {HIGH: 40.0}).rows) == 1
    assert len(plant.change("Fleet", {HIGH: 36.0}).rows) == 1, "one jar of A has its own, and all of B"
    assert [plant.high(p) for p in (A, "A/UPS-1/S01/J02", B)] == [40.0, 36.0, 38.0]
    plant.change("B", {HIGH: 37.0})
    assert plant.high(B) == 37.0, "what was changed counts as later than the file"
    plant.reset(target="B")
    assert plant.high(B) == 38.0
    assert len(plant.reset().rows) == 2
    assert [plant.high(p) for p in (A, "A/UPS-1/S01/J02", B)] == [35.0, 35.0, 38.0]


def test_two_changes_of_the_same_part_are_one() -> None:
    plant = Plant()
    plant.change("A", {HIGH: 36.0})
    plant.change("A", {Setting.ON_DELAY: 5.0})
    (change,) = plant.configuration.changes
    assert change.override.values == {HIGH: 36.0, Setting.ON_DELAY: 5.0}
    row = plant.index.row(A, "TemperatureHigh")
    assert row is not None
    assert plant.table.limits.on_delay[row, 0] == 5 * MICROSECONDS


@pytest.mark.parametrize(
    ("target", "values", "text"),
    [
        ("Fleet", {HIGH: 45.0}, "HighHighLimit must be above HighLimit (45)"),
        ("Fleet", {HIGH_HIGH: 39.0}, f"{A}#TemperatureHigh: HighHighLimit must be above HighLimit (40)"),
        ("Fleet", {Setting.SEVERITY_LOW: 100}, "LowLimit and SeverityLow go together"),
        ("Fleet", {Setting.SEVERITY_HIGH: 1001}, "SeverityHigh must be a whole number from 1 to 1000"),
        ("Nowhere", {HIGH: 36.0}, "'Nowhere' is neither an asset nor a jar model"),
        ("A", {Setting.OFF_DELAY: -1.0}, "OffDelay must not be negative"),
    ],
)
def test_a_contradiction_is_told_and_changes_nothing(
    target: str, values: Mapping[Setting, float], text: str
) -> None:
    plant = Plant()
    plant.change(A, {HIGH: 40.0})
    before = plant.configuration.changes
    with pytest.raises(OverrideError, match=text.replace("(", r"\(").replace(")", r"\)")):
        plant.change(target, values)
    assert plant.configuration.changes == before
    assert plant.high(A) == 40.0


def test_an_unknown_condition_is_told() -> None:
    with pytest.raises(OverrideError, match="there is no condition 'Nonsense'"):
        Plant().change("A", {HIGH: 1.0}, "Nonsense")


def test_what_stays_as_it_was_is_no_difference() -> None:
    plant = Plant()
    assert not len(plant.change("A", {HIGH: 35.0}).rows)
    assert len(plant.configuration.changes) == 1, "it is kept: the definition may change"


def test_an_active_condition_follows_its_limit_with_the_next_scan() -> None:
    plant = Plant()
    plant.set(TEMPERATURE, 40.0, asset=0)
    (row,) = plant.step(0).rows.tolist()
    plan = plant.change("A", {HIGH: 42.0, Setting.SEVERITY_HIGH: 300})
    told = plant.table.configured(plan.rows, "somsri", START + MICROSECONDS)
    assert told.rows.tolist() == [row], "only what is of interest is told"
    assert (told.change[0], told.state.user[0]) == (Change.CONFIGURED, "somsri")
    assert (told.state.severity[0], told.state.last_severity[0]) == (300, 500)
    after = plant.step(2)
    assert (after.rows.tolist(), after.change.tolist()) == ([row], [Change.CLEARED])
    plan = plant.change("A", {HIGH: 30.0})
    assert not len(plant.table.configured(plan.rows[1:], "somsri", START)), "the other jar is not retained"
    assert plant.step(3).change.tolist() == [Change.BRANCHED, Change.ACTIVATED]


def test_a_limit_that_is_taken_away_clears_at_once_whatever_its_delay() -> None:
    plant = Plant()
    plant.change("Fleet", {Setting.OFF_DELAY: 600.0})
    plant.set(TEMPERATURE, 50.0, asset=0)
    (row,) = plant.step(0).rows.tolist()
    plan = plant.change(A, {HIGH_HIGH: float("nan")})
    told = plant.table.configured(plan.rows, "somsri", START + MICROSECONDS)
    assert told.rows.tolist() == [row]
    (event,) = condition_events(plant.table, told, 2)
    assert message(event) == "Jar temperature is high: 50.00 °C, HighHigh, configured anew by somsri"
    assert plant.step(2).state.level.tolist() == [1], "what is left is High"


def test_over_a_restart() -> None:
    plant = Plant()
    plant.change("A", {HIGH: 36.0, HIGH_HIGH: float("nan")})
    plant.change("Fleet", {LOW: 11.0}, "VoltageLevel")
    again = Plant()
    again.configuration.take_up(plant.configuration.dump(plant.configuration.changes))
    assert [each.key for each in again.configuration.changes] == [
        ("TemperatureHigh", "A"),
        ("VoltageLevel", "Fleet"),
    ]
    first, second = again.configuration.changes
    assert np.isnan(first.override.values[HIGH_HIGH])
    assert (first.user, first.time, first.fault, second.override.values) == ("somsri", START, "", {LOW: 11.0})


def test_what_no_longer_fits_is_set_aside_and_comes_back() -> None:
    plant = Plant()
    plant.change("A", {HIGH: 36.0})
    plant.change("Fleet", {LOW: 11.0}, "VoltageLevel")
    text = plant.configuration.dump(plant.configuration.changes)
    other = Plant(Override("TemperatureHigh", A, {HIGH_HIGH: 35.5}))
    other.configuration.take_up(text)
    first, second = other.configuration.changes
    assert first.fault == f"{A}#TemperatureHigh: HighHighLimit must be above HighLimit (36)"
    assert not second.fault
    assert [each.condition for each in other.configuration.overrides] == ["TemperatureHigh", "VoltageLevel"]
    plant.configuration.take_up(other.configuration.dump(other.configuration.changes))
    assert [each.fault for each in plant.configuration.changes] == ["", ""]
    other.change("A", {HIGH: 35.2})
    assert [(c.key, c.fault) for c in other.configuration.changes][-1] == (("TemperatureHigh", "A"), "")


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"changes": [{"condition": "X"}]})])
def test_what_is_no_file_of_changes(text: str) -> None:
    with pytest.raises(UnreadableError):
        Plant().configuration.take_up(text)
