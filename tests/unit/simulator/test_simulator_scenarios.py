"""Scenarios: what is refused and why, and what each does to its target and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from plantreadings import column, later

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Hvac
from simulator.effects import JAR_QUANTITIES
from simulator.plant import Plant
from simulator.scenariokinds import KINDS
from simulator.scenarios import (
    MOST,
    BadParameter,
    ScenarioError,
    TooManyScenarios,
    UnknownScenario,
    UnknownSimulation,
    UnknownTarget,
)

JAR = "Bangrak/UPS-1/S02/J03"
NUMBER = 14  # of that jar in the fleet


@pytest.mark.parametrize(
    ("scenario", "target", "duration", "parameters", "error", "text"),
    [
        ("Earthquake", "Bangrak", 0, {}, UnknownScenario, r"no scenario 'Earthquake' \(known: PowerOu"),
        ("PowerOutage", "Bangkok", 0, {}, UnknownTarget, "no 'Bangkok' in the fleet"),
        ("HvacFailure", JAR, 0, {}, UnknownTarget, "HvacFailure applies to a site; .* is a jar"),
        ("ThermalRunaway", "Bangrak", 0, {}, UnknownTarget, "applies to a jar; 'Bangrak' is a site"),
        ("PowerOutage", "Fleet", 0, {}, UnknownTarget, "is a fleet"),
        ("PowerOutage", "Bangrak", -1, {}, BadParameter, "Duration must be 0"),
        ("PowerOutage", "Bangrak", float("nan"), {}, BadParameter, "Duration"),
        ("PowerOutage", "Bangrak", 0, {"DepthVoltage": 9.0}, BadParameter, "must be 10.5 to 12 V, not 9"),
        ("PowerOutage", "Bangrak", 0, {"LoadFactor": float("nan")}, BadParameter, "not nan"),
        ("PowerOutage", "Bangrak", 0, {"Depth": 11.0}, BadParameter, r"no parameter 'Depth' \(known: Dep"),
        ("SensorFault", JAR, 0, {"Fault": 1.5}, BadParameter, "a whole number from 0 to 2, not 1.5"),
        ("CommunicationLoss", "Bangrak", 0, {"X": 1.0}, BadParameter, "it has none"),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(
    plant: Plant,
    scenario: str,
    target: str,
    duration: float,
    parameters: dict[str, float],
    error: type[ScenarioError],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        plant.start(scenario, target, duration, parameters)
    assert plant.running() == ()


def test_the_sixth_is_refused(plant: Plant) -> None:
    ids = [plant.start("CommunicationLoss", "Phuket", 0, {}) for _ in range(MOST)]
    assert len(set(ids)) == MOST == 5
    with pytest.raises(TooManyScenarios, match="5 simulations run already"):
        plant.start("CommunicationLoss", "Phuket", 0, {})
    plant.stop(ids[2])
    plant.start("CommunicationLoss", "Phuket", 0, {})


def test_only_what_runs_can_be_stopped_or_adjusted(plant: Plant) -> None:
    number = plant.start("TemperatureSpike", JAR, 0, {})
    with pytest.raises(BadParameter):
        plant.adjust(number, {"Rise": 99.0})
    plant.stop(number)
    for call in (lambda: plant.stop(number), lambda: plant.adjust(number, {})):
        with pytest.raises(UnknownSimulation, match=number):
            call()


def test_every_default_lies_in_its_range() -> None:
    for kind in KINDS.values():
        for parameter in kind.parameters:
            assert parameter.low <= parameter.default <= parameter.high, (kind.name, parameter.name)


def test_a_duration_ends_the_scenario_on_its_second(plant: Plant) -> None:
    plant.start("TemperatureSpike", JAR, 12.0, {})
    later(plant, 11)
    assert [(s.scenario, s.target) for s in plant.running()] == [("TemperatureSpike", JAR)]
    later(plant, 1)
    assert plant.running() == ()


def test_hvac_failure_warms_the_room_by_2_degrees_an_hour_and_jars_lag_15_minutes(
    two_sites: TagIndex, plant: Plant
) -> None:
    def room_and_jars() -> tuple[float, float]:
        readings = later(plant, 5)
        jars = column(two_sites, readings, "Jar", "Temperature")[:24]
        return column(two_sites, readings, "Site", "AmbientTemperature")[0], np.nanmean(jars)

    room, jars = room_and_jars()
    number = plant.start("HvacFailure", "Bangrak", 0, {})
    later(plant, 2 * 3600)
    warm_room, warm_jars = room_and_jars()
    assert abs(warm_room - room - 4.0) < 0.3
    assert abs(warm_jars - jars - 3.5) < 0.3  # 15 min at 2 K/h behind
    states = column(two_sites, later(plant, 5), "Site", "HvacState")
    assert states.tolist() == [Hvac.FAULT, Hvac.ON]
    later(plant, 8 * 3600)
    assert abs(room_and_jars()[0] - 38.0) < 0.2
    plant.stop(number)
    cooled_room, cooled_jars = room_and_jars()
    assert abs(cooled_room - room) < 1.5
    assert abs(cooled_jars - jars) < 1.5


@pytest.mark.parametrize(("target", "hit"), [(JAR, 1), ("Bangrak/UPS-1/S02", 12), ("Bangrak", 24)])
def test_temperature_spike_is_there_at_once_on_its_target_alone(
    two_sites: TagIndex, plant: Plant, target: str, hit: int
) -> None:
    before = column(two_sites, later(plant, 5), "Jar", "Temperature")
    number = plant.start("TemperatureSpike", target, 0, {"Rise": 12.0})
    after = column(two_sites, later(plant, 5), "Jar", "Temperature")
    rise = after - before
    assert (np.abs(rise - 12.0) < 0.8).sum() == hit
    assert (np.abs(rise) < 0.8).sum() == 36 - hit
    plant.stop(number)
    assert np.abs(column(two_sites, later(plant, 5), "Jar", "Temperature") - before).max() < 0.8


def test_thermal_runaway_takes_one_jar_to_60_degrees(two_sites: TagIndex, plant: Plant) -> None:
    before = column(two_sites, later(plant, 5), "Jar", "Temperature")
    number = plant.start("ThermalRunaway", JAR, 0, {})
    path = [column(two_sites, later(plant, 60), "Jar", "Temperature") for _ in range(30)]
    steps = np.diff([values[NUMBER] for values in path])
    assert steps.max() < 3.0
    assert abs(path[-1][NUMBER] - 60.0) < 0.8
    assert np.abs(np.delete(path[-1] - before, NUMBER)).max() < 1.0
    plant.stop(number)
    assert abs(column(two_sites, later(plant, 5), "Jar", "Temperature")[NUMBER] - before[NUMBER]) < 1.5


def test_a_hot_jar_sags_on_float_and_its_string_takes_more_current(two_sites: TagIndex, plant: Plant) -> None:
    before = later(plant, 5)
    plant.start("ThermalRunaway", JAR, 0, {"Rate": 60.0})
    after = later(plant, 300)
    voltage = [column(two_sites, r, "Jar", "Voltage")[NUMBER] for r in (before, after)]
    assert voltage[1] < voltage[0] - 0.2
    assert plant._bus.current[1] < plant._bus.current[0] < 0.0


def test_accelerated_ageing_ramps_the_resistance_and_takes_the_capacity(
    two_sites: TagIndex, plant: Plant
) -> None:
    name = "InternalResistance"
    before = column(two_sites, later(plant, 5), "Jar", name)
    runs = {"ResistanceRise": 100.0, "CapacityLoss": 50.0, "Ramp": 20.0}
    number = plant.start("AcceleratedAgeing", "Bangrak/UPS-1/S02", 0, runs)
    half = column(two_sites, later(plant, 600), "Jar", name) / before
    full = column(two_sites, later(plant, 900), "Jar", name) / before
    assert np.abs(half[12:24] - 1.5).max() < 0.06
    assert np.abs(full[12:24] - 2.0).max() < 0.08
    assert np.abs(np.delete(full, slice(12, 24)) - 1.0).max() < 0.05
    plant.start("PowerOutage", "Bangrak", 0, {})
    current = column(two_sites, later(plant, 1200), "String", "Current")
    assert current[1] < 0.75 * current[0]
    plant.stop(number)
    assert np.abs(column(two_sites, later(plant, 5), "Jar", name)[12:24] / before[12:24] - 1.0).max() < 0.08


@pytest.mark.parametrize(("quantity", "name"), list(enumerate(JAR_QUANTITIES)))
def test_a_biased_sensor_is_off_by_its_bias(
    two_sites: TagIndex, plant: Plant, quantity: int, name: str
) -> None:
    before = column(two_sites, later(plant, 5), "Jar", name)
    plant.start("SensorFault", JAR, 0, {"Fault": 1, "Quantity": quantity, "Bias": 2.0})
    error = column(two_sites, later(plant, 5), "Jar", name) - before
    assert abs(error[NUMBER] - 2.0) < 0.3
    assert np.abs(np.delete(error, NUMBER)).max() < 0.3


def test_a_stuck_sensor_repeats_itself(two_sites: TagIndex, plant: Plant) -> None:
    last = column(two_sites, later(plant, 5), "Jar", "Voltage")[NUMBER]
    plant.start("SensorFault", JAR, 0, {"Fault": 0})
    plant.start("PowerOutage", "Bangrak", 0, {})
    readings = [column(two_sites, later(plant, 60), "Jar", "Voltage") for _ in range(5)]
    assert {values[NUMBER] for values in readings} == {last}
    assert len({values[NUMBER - 1] for values in readings}) > 1


def test_a_dead_sensor_is_bad_and_its_neighbours_are_good(two_sites: TagIndex, plant: Plant) -> None:
    plant.start("SensorFault", JAR, 0, {"Fault": 2, "Quantity": 1})
    readings = later(plant, 5)
    bad = readings.rows[st.is_bad(readings.status)]
    assert bad.tolist() == [two_sites.row(JAR, "Temperature")]
    assert readings.status[readings.rows == bad[0]] == st.BAD_SENSOR_FAILURE


@pytest.mark.parametrize(
    ("target", "rows"),
    [
        (JAR, 3),
        ("Bangrak/UPS-1/S02", 12 * 3 + 1),
        ("Bangrak/UPS-1", 24 * 3 + 2 + 5),
        ("Phuket", 36 + 1 + 5 + 4),
    ],
)
def test_communication_loss_takes_the_targets_rows_and_no_others(
    two_sites: TagIndex, plant: Plant, target: str, rows: int
) -> None:
    everything = set(later(plant, 5).rows.tolist())
    assert len(everything) == two_sites.measured().size
    number = plant.start("CommunicationLoss", target, 0, {})
    lost = everything - set(later(plant, 5).rows.tolist())
    assert len(lost) == rows
    assert all(two_sites.path(row).startswith(target) for row in lost)
    plant.stop(number)
    assert set(later(plant, 5).rows.tolist()) == everything


def test_two_scenarios_on_one_target_both_count_and_end_one_by_one(two_sites: TagIndex, plant: Plant) -> None:
    before = column(two_sites, later(plant, 5), "Jar", "Temperature")[NUMBER]
    first = plant.start("TemperatureSpike", JAR, 0, {"Rise": 10.0})
    second = plant.start("TemperatureSpike", "Bangrak/UPS-1", 0, {"Rise": 5.0})
    heights = []
    for stop in (first, second):
        heights.append(column(two_sites, later(plant, 5), "Jar", "Temperature")[NUMBER] - before)
        plant.stop(stop)
    heights.append(column(two_sites, later(plant, 5), "Jar", "Temperature")[NUMBER] - before)
    assert np.allclose(heights, [15.0, 5.0, 0.0], atol=0.6)


def test_a_scenario_leaves_other_sites_as_they_were(two_sites: TagIndex, quiet: int) -> None:
    touched, calm = Plant(two_sites, 1, quiet), Plant(two_sites, 1, quiet)
    touched.start("PowerOutage", "Bangrak", 0, {})
    for plant in (touched, calm):
        for k in range(1, 61):
            plant.advance(quiet + k * 5_000_000)
    rows = slice(two_sites.slice(AssetType.JAR, "Voltage").start + 24, None)
    one, two = (np.sort(p.readings().value[rows][:12]) for p in (touched, calm))
    assert np.abs(one - two).max() < 0.002
