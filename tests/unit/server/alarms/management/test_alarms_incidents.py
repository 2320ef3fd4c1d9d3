"""Incidents: one of each cause and site, with what came first, its members, and its end."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, VOLTAGE, AlarmPlant

from config.alarmmanagement import Flood, Incident, Management
from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF
from server.alarms.definition import MICROSECONDS, AlarmDef, AlarmType, ConditionClass
from server.alarms.management import management as managed
from server.alarms.management.incidents import Step
from server.alarms.management.report import Report
from server.alarms.overlay import Overlay

NAN = float("nan")
MAINS = AlarmDef(
    "MainsLost",
    TAG_OF[AssetType.SITE, "MainsState"],
    ConditionClass.PROCESS,
    (NAN, 0.5, NAN, NAN),
    (0, 700, 0, 0),
    0.0,
    0,
    0,
    "Mains is lost",
    "Start the generator.",
    type=AlarmType.OFF_NORMAL,
)
LOW = replace(VOLTAGE, suppressed_by=("MainsLost",))
CAUSES = {"MainsLost": Incident(look_back=10, linger=60)}
JARS = 20  # at each of the two sites


class Watched:
    """An alarm plant whose incidents are written down."""

    def __init__(self, incidents: dict[str, Incident] = CAUSES, **settings: object) -> None:
        self.plant = AlarmPlant(TEMPERATURE, LOW, MAINS, HUMIDITY, jars=JARS)
        self.plant.set(MAINS, 1.0)
        self.management = managed.Management(self.plant.table, Management.model_validate(settings), incidents)
        self.told: list[tuple[Step, Report]] = []
        self.management.sinks.append(lambda step, report: self.told.append((step, report)))
        self.step(-1)  # what is active in the first scan is found, not raised

    def step(self, seconds: float) -> list[tuple[Step, Report]]:
        """A scan; what was told of incidents in it."""
        self.told.clear()
        transitions = self.plant.step(seconds)
        self.management.step(self.plant.frame, transitions)
        return [*self.told]

    def low(self, *jars: int) -> None:
        for jar in jars:
            self.plant.set(LOW, 11.0, asset=jar)

    def tag(self, name: str) -> list[float]:
        frame = self.plant.frame
        return [*frame.column("Site", name).tolist(), *frame.column("Fleet", name).tolist()]


def at(seconds: float) -> int:
    return START + round(seconds * MICROSECONDS)


def test_an_outage_is_one_incident_with_its_first_out_and_its_members() -> None:
    made = Watched()
    assert made.step(0) == []
    made.low(3)  # a scan before the mains is known to be lost
    assert made.step(5) == []
    made.plant.set(MAINS, 0.0, asset=0)
    made.low(*range(JARS))
    ((step, report),) = made.step(10)
    assert (step, report.cause, report.site, report.state) == (Step.OPENED, "MainsLost", "A", "Open")
    assert report.first_out == "A/UPS-1/S01/J04#VoltageLevel"
    assert (report.opened, report.members, report.active) == (at(5), JARS + 1, JARS + 1)
    assert report.suppressed == JARS - 1, "all but the mains itself and the jar that came before it"
    assert report.severity == 700
    assert made.tag("OpenIncidents") == [1, 0, 1]
    assert made.tag("ActiveAlarms") == [1, 0, 1], "the mains; jars are suppressed by design, the first too"


def test_without_anything_before_it_the_cause_is_first() -> None:
    made = Watched()
    made.step(0)
    made.plant.set(MAINS, 0.0, asset=1)
    made.low(*range(JARS, 2 * JARS))
    ((_, report),) = made.step(5)
    assert report.first_out == "B#MainsLost"
    members = made.management.members(made.management.incidents.open[0])
    assert [m.condition for m in members[:2]] == ["B#MainsLost", "B/UPS-1/S01/J01#VoltageLevel"]
    assert [m.suppressed for m in members] == [False] + [True] * JARS
    assert not members[0].acknowledged


def test_what_came_long_before_or_from_elsewhere_does_not_belong() -> None:
    made = Watched()
    made.low(0)
    made.plant.set(TEMPERATURE, 50, asset=1)  # no member
    made.step(0)
    made.low(JARS)  # of the other site
    made.plant.set(MAINS, 0.0, asset=0)
    ((_, report),) = made.step(11)
    assert (report.first_out, report.members) == ("A#MainsLost", 1)


def test_a_cause_that_another_incident_explains_has_none_of_its_own() -> None:
    causes = {"MainsLost": Incident(members=("HumidityHigh",), linger=0), "HumidityHigh": Incident(linger=0)}
    made = Watched(causes)
    made.plant.set(MAINS, 0.0, asset=0)
    made.plant.set(HUMIDITY, 90.0)  # at both sites
    found = [report for _, report in made.step(0)]
    assert [(each.cause, each.site, each.members) for each in found] == [
        ("MainsLost", "A", 2),
        ("HumidityHigh", "B", 1),
    ]
    assert made.step(5) == []
    made.plant.set(MAINS, 1.0, asset=0)
    assert made.step(10) == [], "what it explained goes on"
    assert made.tag("OpenIncidents") == [1, 1, 2]
    made.plant.set(HUMIDITY, 20.0)
    assert [step for step, _ in made.step(15)] == [Step.CLOSED, Step.CLOSED]


def test_it_closes_when_all_is_normal_and_the_time_to_linger_is_over() -> None:
    made = Watched()
    made.plant.set(MAINS, 0.0, asset=0)
    made.step(0)
    made.plant.set(MAINS, 1.0, asset=0)
    assert made.step(10) == []
    made.plant.set(MAINS, 0.0, asset=0)  # it comes and goes: still the same
    assert made.step(20) == []
    made.plant.set(MAINS, 1.0, asset=0)
    made.step(30)
    made.low(7)
    made.step(80)  # within the time to linger: a member
    made.plant.set(LOW, 13.0)
    assert made.step(89) == []
    ((step, report),) = made.step(90)
    assert (step, report.state, report.closed) == (Step.CLOSED, "Closed", at(90))
    assert (report.members, report.active, report.peak) == (2, 0, 1)
    assert report.unacknowledged == 2, "that does not keep it open, but is told"
    assert made.tag("OpenIncidents") == [0, 0, 0]
    assert [each.id for each in made.management.reports()] == [report.id]


def test_members_that_stay_active_keep_it_open() -> None:
    made = Watched()
    made.plant.set(MAINS, 0.0, asset=0)
    made.low(4)
    made.step(0)
    made.plant.set(MAINS, 1.0, asset=0)
    made.step(10)
    made.step(200)
    made.low(5)  # by now that has other reasons
    made.step(210)
    assert made.management.incidents.open[0].size == 2
    made.plant.set(LOW, 13.0)
    ((step, _),) = made.step(220)
    assert step is Step.CLOSED


def test_growth_is_told_now_and_then() -> None:
    made = Watched(change_interval=30)
    made.plant.set(MAINS, 0.0, asset=0)
    made.step(0)
    told = []
    for second in range(1, 61):
        made.low(second % JARS)
        told += [(second, step, report.members) for step, report in made.step(second)]
    assert told == [(30, Step.CHANGED, JARS + 1)]


def test_a_flood_without_a_known_cause_is_an_incident() -> None:
    made = Watched(incidents={})
    made.plant.set(TEMPERATURE, 40, asset=5)
    made.step(0)
    for jar in range(10):
        made.plant.set(TEMPERATURE, 40, asset=10 + jar)
    ((step, report),) = made.step(60)
    assert (step, report.cause, report.first_out) == (
        Step.OPENED,
        "AlarmFlood",
        "A/UPS-1/S01/J06#TemperatureHigh",
    )
    assert (report.members, report.suppressed, report.unacknowledged) == (11, 0, 11)
    assert made.tag("AlarmFlood") == [1, 0, 1]
    made.plant.set(TEMPERATURE, 20)
    assert made.step(61) == []
    ((step, _),) = made.step(661)  # fewer than 5 in 10 min
    assert step is Step.CLOSED
    assert made.tag("AlarmFlood") == [0, 0, 0]


def test_a_flood_that_an_incident_explains_is_none_of_its_own() -> None:
    made = Watched(incidents={"MainsLost": Incident(members=("TemperatureHigh",))})
    made.plant.set(MAINS, 0.0, asset=0)
    for jar in range(15):
        made.plant.set(TEMPERATURE, 40, asset=jar)
    ((_, report),) = made.step(0)
    assert made.tag("AlarmFlood") == [1, 0, 1]
    assert (report.cause, report.members) == ("MainsLost", 16)
    assert made.step(5) == []


def test_more_than_the_flood_s_limit_must_be_unexplained() -> None:
    made = Watched(incidents={}, flood={"begins_above": 3, "ends_below": 1})
    assert made.management.settings.flood == Flood(begins_above=3, ends_below=1)
    for jar in range(3):
        made.plant.set(TEMPERATURE, 40, asset=jar)
    assert made.step(0) == []
    made.plant.set(TEMPERATURE, 40, asset=3)
    ((_, report),) = made.step(1)
    assert report.members == 4


def test_incidents_outlive_a_restart() -> None:
    made = Watched()
    made.plant.set(MAINS, 0.0, asset=0)
    made.low(*range(JARS))
    made.step(0)
    again = Watched()
    again.plant.table.restore(made.plant.table.save())
    again.management.incidents.restore(made.management.incidents.save())
    again.plant.set(MAINS, 0.0, asset=0)
    again.low(*range(JARS))
    assert again.step(5) == [], "it is known, and nothing is told again"
    (report,) = again.management.reports()
    (before,) = made.management.reports()
    assert replace(report, time=0) == replace(before, time=0)
    again.plant.set(MAINS, 1.0)
    again.plant.set(LOW, 13.0)
    again.step(10)
    ((step, closed),) = again.step(70)
    assert (step, closed.id, closed.first_out) == (Step.CLOSED, before.id, "A#MainsLost")
    third = Watched()
    third.management.incidents.restore(again.management.incidents.save())
    assert third.management.incidents.open == []
    assert [each.state for each in third.management.reports()] == ["Closed"]


def test_an_incident_that_was_not_saved_is_found_again_under_its_id() -> None:
    made = Watched()
    made.plant.set(MAINS, 0.0, asset=0)
    ((_, before),) = made.step(0)
    again = Watched()
    again.plant.table.restore(made.plant.table.save())
    again.plant.set(MAINS, 0.0, asset=0)
    ((step, found),) = again.step(9)
    assert (step, found.id, found.opened) == (Step.OPENED, before.id, before.opened)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"site": "A"}]', '[{"site": "A", "members": ["x"]}]'])
def test_what_was_not_saved_is_refused_or_left_out(text: str) -> None:
    made = Watched()
    with suppress(LookupError, TypeError, ValueError):
        made.management.incidents.restore(text)
    assert made.management.reports() == []


def test_only_so_many_that_are_closed_are_remembered() -> None:
    made = Watched({"MainsLost": Incident(linger=0)}, incidents_kept=3)
    for minute in range(5):
        made.plant.set(MAINS, 0.0, asset=0)
        made.step(60 * minute)
        made.plant.set(MAINS, 1.0, asset=0)
        made.step(60 * minute + 30)
    reports = made.management.reports()
    assert [each.opened for each in reports] == [at(240), at(180), at(120)]


def test_a_simulation_s_incident_is_marked_and_ends_with_it() -> None:
    made = Watched()
    made.step(0)
    overlay = Overlay(made.plant.table)
    shown = made.plant.index.site_of_row() == 0
    made.management.begin_simulation()
    overlay.show(shown, at(1))
    simulated = made.plant.frame.next(at(5))
    simulated.column(AssetType.SITE, "MainsState")[0] = 0.0
    simulated.column(AssetType.JAR, "Voltage")[:JARS] = 11.0
    made.told.clear()
    made.management.simulate(simulated, overlay, overlay.step(simulated))
    ((step, report),) = made.told
    assert (step, report.simulated, report.cause, report.members) == (
        Step.OPENED,
        True,
        "MainsLost",
        JARS + 1,
    )
    assert simulated.column("Site", "OpenIncidents").tolist() == [1, 0]
    assert made.management.incidents.open == []
    made.step(6)
    assert made.tag("OpenIncidents") == made.tag("AlarmRate") == [0, 0, 0]
    made.management.keep_simulated(overlay, at(7))
    assert made.told == []
    overlay.show(np.zeros_like(shown), at(8))
    made.management.end_simulation(at(8))
    ((step, report),) = made.told
    assert (step, report.simulated, report.closed, report.unacknowledged) == (Step.CLOSED, True, at(8), 0)
    assert [each.id for each in made.management.reports()] == [report.id]
    assert made.management.incidents.save() == "[]", "it outlives no restart"


def test_all_that_waits_in_a_condition_is_known_by_its_event_ids() -> None:
    plant = Watched().plant
    for second, volts in enumerate((11.0, 13.0, 11.0, 13.0, 11.0)):
        plant.set(LOW, volts, asset=2)
        plant.step(second)
    table = plant.table
    row = table.index.row("A/UPS-1/S01/J03", "VoltageLevel")
    assert row is not None
    waiting = table.waiting(row)
    assert len(waiting) == 3, "two branches and the condition itself"
    for event_id in waiting:
        table.acknowledge(row, event_id, "seen", "ann", at(9))
    assert table.waiting(row) == []
    assert not table.unacknowledged[row]
    assert table.waiting(0) == []
