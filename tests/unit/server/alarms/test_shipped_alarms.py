"""The shipped conditions on a simulated plant: health raises none, each scenario those that it should."""

from __future__ import annotations

import datetime as dt

import pytest
from shippedalarms import ShippedAlarms
from smallfleets import index_of

from nodeset.index import TagIndex

QUIET = int(dt.datetime(2026, 11, 10, 5, tzinfo=dt.UTC).timestamp() * 1e6)  # far from any outage
SITE, STRING, JAR = "Bangrak", "Bangrak/UPS-1/S01", "Bangrak/UPS-1/S01/J03"


@pytest.fixture(scope="module")
def index() -> TagIndex:
    return index_of({SITE: {"UPS-1": (20, {"S01": 8, "S02": 8})}, "Phuket": {"UPS-1": (10, {"S01": 8})}})


@pytest.fixture
def alarms(index: TagIndex) -> ShippedAlarms:
    """A plant that has been seen for half an hour, and raised nothing."""
    alarms = ShippedAlarms(index, QUIET)
    alarms.run(1800, 30)
    assert not alarms.told
    return alarms


def test_a_healthy_plant_raises_nothing(index: TagIndex) -> None:
    alarms = ShippedAlarms(index, QUIET)
    alarms.run(3 * 86_400, 120)
    assert not alarms.told


@pytest.mark.parametrize(
    ("scenario", "target", "seconds", "parameters", "raised"),
    [
        ("NormalOperation", SITE, 3600, {}, {}),
        # 2 K an hour is nothing that a rate would tell: jars do, when they are warm.
        ("HvacFailure", SITE, 8 * 3600, {}, {"TemperatureHigh": 500}),
        ("HvacFailure", SITE, 3 * 3600, {"Rate": 15.0}, {"HvacDegradation": 450, "TemperatureHigh": 500}),
        (
            "TemperatureSpike",
            SITE,
            3600,
            {},
            {"TemperatureHigh": 500, "HvacDegradation": 450, "RoomTemperatureRise": 750},
        ),
        (
            "TemperatureSpike",  # of a jar: no physics does that, and when it stays it is heat
            JAR,
            3600,
            {},
            {"SensorFault": 300, "TemperatureHigh": 500, "ThermalRunawaySuspected": 800},
        ),
        (
            "AcceleratedAgeing",
            STRING,
            8 * 3600,
            {"ResistanceRise": 200.0, "CapacityLoss": 50.0},
            {
                "OhmicDeviation": 600,
                "StateOfHealthLow": 600,
                "RemainingUsefulLifeLow": 450,
                "ReplacementUrgent": 550,
                "RemainingUsefulLifeDropped": 300,
            },
        ),
        ("SensorFault", JAR, 3600, {"Fault": 0.0, "Quantity": 1.0}, {"SensorFault": 300}),  # stuck
        ("SensorFault", JAR, 3600, {"Fault": 2.0, "Quantity": 0.0}, {"SensorFault": 500}),  # dead
        ("CommunicationLoss", JAR, 3600, {}, {"CommunicationLoss": 350}),
        ("CommunicationLoss", STRING, 2 * 3600, {}, {"CommunicationLoss": 550, "ReadingsMissing": 450}),
    ],
)
def test_a_scenario_raises_what_it_should(
    alarms: ShippedAlarms,
    scenario: str,
    target: str,
    seconds: float,
    parameters: dict[str, float],
    raised: dict[str, int],
) -> None:
    alarms.begin(scenario, target, **parameters)
    alarms.run(seconds, 120 if seconds > 10_000 else 30)
    assert alarms.raised() == raised
    assert all(f"{source}/".startswith(f"{SITE}/") or source == "Fleet" for source, _, _ in alarms.told)


def test_thermal_runaway_is_told_whatever_is_thought_of_the_sensor(alarms: ShippedAlarms) -> None:
    alarms.begin("ThermalRunaway", JAR)
    alarms.run(600, 10)
    found = alarms.raised()
    assert (found["ThermalRunawaySuspected"], found["TemperatureHigh"]) == (800, 500)
    alarms.run(6600, 10)
    found = alarms.raised()
    assert (found["ThermalRunawaySuspected"], found["TemperatureHigh"]) == (950, 800)
    assert {"FloatVoltage", "StringImbalance"} <= set(found), "it draws its neighbours' voltage"


def test_an_outage_is_one_cause_and_what_it_explains_is_suppressed(alarms: ShippedAlarms) -> None:
    alarms.begin("PowerOutage", SITE, DepthVoltage=10.8, LoadFactor=2.0)
    alarms.run(5400, 20)
    found = alarms.raised()
    assert found["MainsLost"] == 700
    assert {name for _, name in alarms.hidden} == {"VoltageLevel"}
    assert all((source, name) in alarms.hidden for source, name, _ in alarms.told if name == "VoltageLevel")
    assert not {"FloatVoltage", "StringImbalance", "OhmicDeviation", "TwinDisagrees"} & set(found)


def test_a_line_that_comes_back_ends_its_alarms_and_raises_none(alarms: ShippedAlarms) -> None:
    lost = alarms.begin("CommunicationLoss", SITE)
    alarms.run(7200, 30)
    assert alarms.active() == {"CommunicationLoss", "ReadingsMissing"}
    alarms.end(lost)
    alarms.run(900, 30)
    assert alarms.active() == set()
    assert set(alarms.raised()) == {"CommunicationLoss", "ReadingsMissing"}


def test_a_silence_holds_what_was_active_and_says_so(alarms: ShippedAlarms) -> None:
    alarms.begin("TemperatureSpike", STRING, Rise=15.0)
    alarms.run(1800, 30)
    assert "TemperatureHigh" in alarms.active()
    alarms.begin("CommunicationLoss", STRING)
    alarms.run(900, 30)
    assert {"TemperatureHigh", "CommunicationLoss"} <= alarms.active()
    row = alarms.table.index.row(JAR, "TemperatureHigh")
    assert row is not None
    assert alarms.table.state.quality[row] >> 30 == 2, "Bad"
