"""Scenarios: what is refused and why, and what each does to its target and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from plantreadings import Stage, column, later

from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Hvac, Mains, Mode
from simulator.chance import Floats
from simulator.effects import JAR_QUANTITIES, Effects
from simulator.plant import Plant
from simulator.scenariokinds import KINDS
from simulator.scenarios import (
    MOST,
    BadParameter,
    ScenarioError,
    Scenarios,
    TooManyScenarios,
    UnknownScenario,
    UnknownSimulation,
    UnknownTarget,
)

JAR = "Bangrak/UPS-1/S02/J03"
NUMBER = 14  # of that jar in the fleet
LEFT = 0.498  # of its charge when an outage has brought it to 11.5 V in steps of 5 s


@pytest.mark.parametrize(
    ("scenario", "target", "duration", "parameters", "error", "text"),
    [
        ("Earthquake", "Bangrak", 0, {}, UnknownScenario, r"no scenario 'Earthquake' \(known: NormalOp"),
        ("PowerOutage", "Bangkok", 0, {}, UnknownTarget, "no 'Bangkok' in the fleet"),
        ("PowerOutage", JAR, 0, {}, UnknownTarget, "PowerOutage applies to a site, .* is a jar"),
        ("ThermalRunaway", "Bangrak", 0, {}, UnknownTarget, "applies to a jar; 'Bangrak' is a site"),
        ("PowerOutage", "Fleet", 0, {}, UnknownTarget, "is a fleet"),
        ("PowerOutage", "Bangrak", -1, {}, BadParameter, "Duration must be 0"),
        ("PowerOutage", "Bangrak", float("nan"), {}, BadParameter, "Duration"),
        ("PowerOutage", "Bangrak", 0, {"DepthVoltage": 9.0}, BadParameter, "must be 10.5 to 12 V, not 9"),
        ("PowerOutage", "Bangrak", 0, {"LoadFactor": float("nan")}, BadParameter, "not nan"),
        ("PowerOutage", "Bangrak", 0, {"Depth": 11.0}, BadParameter, r"no parameter 'Depth' \(known: Dep"),
        ("SensorFault", JAR, 0, {"Fault": 1.5}, BadParameter, "a whole number from 0 to 2, not 1.5"),
        ("CommunicationLoss", "Bangrak", 0, {"X": 1.0}, BadParameter, r"no parameter 'X' \(known: Ramp\)"),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(
    stage: Stage,
    scenario: str,
    target: str,
    duration: float,
    parameters: dict[str, float],
    error: type[ScenarioError],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        stage.start(scenario, target, duration, parameters)
    assert stage.running() == ()


def test_the_sixth_is_refused(stage: Stage) -> None:
    ids = [stage.start("CommunicationLoss", "Phuket", 0, {}) for _ in range(MOST)]
    assert len(set(ids)) == MOST == 5
    with pytest.raises(TooManyScenarios, match="5 simulations run already"):
        stage.start("CommunicationLoss", "Phuket", 0, {})
    stage.stop(ids[2])
    stage.start("CommunicationLoss", "Phuket", 0, {})


def test_an_id_tells_the_start_and_is_not_given_again_after_a_restart(small_index: TagIndex) -> None:
    start = 1_800_000_000 * 1_000_000
    before, after = Scenarios(small_index.fleet), Scenarios(small_index.fleet)
    first = before.start("NormalOperation", "Bangrak", 0, {}, start).id
    assert first == "SIM-20270115T080000Z-1"
    assert after.start("NormalOperation", "Bangrak", 0, {}, start + 5_000_000).id != first


def test_only_what_runs_can_be_stopped_or_adjusted(stage: Stage) -> None:
    number = stage.start("TemperatureSpike", JAR, 0, {})
    with pytest.raises(BadParameter):
        stage.adjust(number, {"Rise": 99.0})
    stage.stop(number)
    for call in (lambda: stage.stop(number), lambda: stage.adjust(number, {})):
        with pytest.raises(UnknownSimulation, match=number):
            call()


def test_every_default_lies_in_its_range() -> None:
    for kind in KINDS.values():
        for parameter in kind.parameters:
            assert parameter.low <= parameter.default <= parameter.high, (kind.name, parameter.name)


def test_a_duration_ends_the_scenario_on_its_second(stage: Stage) -> None:
    stage.start("TemperatureSpike", JAR, 12.0, {})
    later(stage, 11)
    assert [(s.scenario, s.target) for s in stage.running()] == [("TemperatureSpike", JAR)]
    later(stage, 1)
    assert stage.running() == ()


def test_hvac_failure_warms_the_room_by_2_degrees_an_hour_and_jars_lag_15_minutes(
    two_sites: TagIndex, stage: Stage
) -> None:
    def room_and_jars() -> tuple[float, float]:
        readings = later(stage, 5)
        jars = column(two_sites, readings, "Jar", "Temperature")[:24]
        return column(two_sites, readings, "Site", "AmbientTemperature")[0], np.nanmean(jars)

    room, jars = room_and_jars()
    number = stage.start("HvacFailure", "Bangrak", 0, {})
    later(stage, 2 * 3600)
    warm_room, warm_jars = room_and_jars()
    assert abs(warm_room - room - 4.0) < 0.3
    assert abs(warm_jars - jars - 3.5) < 0.3  # 15 min at 2 K/h behind
    states = column(two_sites, later(stage, 5), "Site", "HvacState")
    assert states.tolist() == [Hvac.FAULT, Hvac.ON]
    later(stage, 8 * 3600)
    assert abs(room_and_jars()[0] - 38.0) < 0.2
    stage.stop(number)
    cooled_room, cooled_jars = room_and_jars()
    assert abs(cooled_room - room) < 1.5
    assert abs(cooled_jars - jars) < 1.5


@pytest.mark.parametrize(("target", "hit"), [(JAR, 1), ("Bangrak/UPS-1/S02", 12), ("Bangrak", 24)])
def test_temperature_spike_is_there_at_once_on_its_target_alone(
    two_sites: TagIndex, stage: Stage, target: str, hit: int
) -> None:
    before = column(two_sites, later(stage, 5), "Jar", "Temperature")
    number = stage.start("TemperatureSpike", target, 0, {"Rise": 12.0})
    after = column(two_sites, later(stage, 5), "Jar", "Temperature")
    rise = after - before
    assert (np.abs(rise - 12.0) < 0.8).sum() == hit
    assert (np.abs(rise) < 0.8).sum() == 36 - hit
    stage.stop(number)
    assert np.abs(column(two_sites, later(stage, 5), "Jar", "Temperature") - before).max() < 0.8


def test_thermal_runaway_takes_one_jar_to_60_degrees(two_sites: TagIndex, stage: Stage) -> None:
    before = column(two_sites, later(stage, 5), "Jar", "Temperature")
    number = stage.start("ThermalRunaway", JAR, 0, {})
    path = np.array([column(two_sites, later(stage, 60), "Jar", "Temperature") for _ in range(30)])
    assert np.nanmax(np.diff(path[:, NUMBER])) < 3.0
    assert abs(np.nanmax(path[-5:, NUMBER]) - 60.0) < 0.8
    assert np.nanmax(np.abs(np.delete(path[-1] - before, NUMBER))) < 1.0
    stage.stop(number)
    after = [column(two_sites, later(stage, 30), "Jar", "Temperature")[NUMBER] for _ in range(3)]
    assert abs(np.nanmin(after) - 25.0) < 3.0


def test_a_hot_jar_sags_on_float_and_its_string_takes_more_current(two_sites: TagIndex, stage: Stage) -> None:
    before = later(stage, 5)
    stage.start("ThermalRunaway", JAR, 0, {"Rate": 60.0})
    after = later(stage, 300)
    voltage = [column(two_sites, r, "Jar", "Voltage")[NUMBER] for r in (before, after)]
    assert voltage[1] < voltage[0] - 0.2
    assert (
        stage.shadow._branches[JAR].plant.state.bus.current[1]
        < stage.shadow._branches[JAR].plant.state.bus.current[0]
        < 0.0
    )


def test_accelerated_ageing_ramps_the_resistance_and_takes_the_capacity(
    two_sites: TagIndex, stage: Stage
) -> None:
    name = "InternalResistance"
    before = column(two_sites, later(stage, 5), "Jar", name)
    runs = {"ResistanceRise": 100.0, "CapacityLoss": 50.0, "Ramp": 20.0}
    number = stage.start("AcceleratedAgeing", "Bangrak/UPS-1/S02", 0, runs)
    half = column(two_sites, later(stage, 600), "Jar", name) / before
    full = column(two_sites, later(stage, 900), "Jar", name) / before
    assert np.abs(half[12:24] - 1.5).max() < 0.06
    assert np.abs(full[12:24] - 2.0).max() < 0.08
    assert np.abs(np.delete(full, slice(12, 24)) - 1.0).max() < 0.05
    stage.start("PowerOutage", "Bangrak", 0, {})
    current = column(two_sites, later(stage, 1200), "String", "Current")
    assert current[1] < 0.75 * current[0]
    stage.stop(number)
    assert np.abs(column(two_sites, later(stage, 5), "Jar", name)[12:24] / before[12:24] - 1.0).max() < 0.08


@pytest.mark.parametrize(("quantity", "name"), list(enumerate(JAR_QUANTITIES)))
def test_a_biased_sensor_is_off_by_its_bias(
    two_sites: TagIndex, stage: Stage, quantity: int, name: str
) -> None:
    before = column(two_sites, later(stage, 5), "Jar", name)
    stage.start("SensorFault", JAR, 0, {"Fault": 1, "Quantity": quantity, "Bias": 2.0})
    error = column(two_sites, later(stage, 5), "Jar", name) - before
    assert abs(error[NUMBER] - 2.0) < 0.3
    assert np.abs(np.delete(error, NUMBER)).max() < 0.3


def test_a_stuck_sensor_repeats_itself(two_sites: TagIndex, stage: Stage) -> None:
    last = column(two_sites, later(stage, 5), "Jar", "Voltage")[NUMBER]
    stage.start("SensorFault", JAR, 0, {"Fault": 0})
    stage.start("PowerOutage", "Bangrak", 0, {})
    readings = [column(two_sites, later(stage, 60), "Jar", "Voltage") for _ in range(5)]
    assert {values[NUMBER] for values in readings} == {last}
    assert len({values[NUMBER - 1] for values in readings}) > 1


def test_a_dead_sensor_is_bad_and_its_neighbours_are_good(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("SensorFault", JAR, 0, {"Fault": 2, "Quantity": 1})
    readings = later(stage, 5)
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
    two_sites: TagIndex, stage: Stage, target: str, rows: int
) -> None:
    everything = set(later(stage, 5).rows.tolist())
    assert len(everything) == two_sites.measured().size
    number = stage.start("CommunicationLoss", target, 0, {})
    lost = everything - set(later(stage, 5).rows.tolist())
    assert len(lost) == rows
    assert all(two_sites.path(row).startswith(target) for row in lost)
    stage.stop(number)
    assert set(later(stage, 5).rows.tolist()) == everything


def test_two_scenarios_on_one_target_both_count_and_end_one_by_one(two_sites: TagIndex, stage: Stage) -> None:
    before = column(two_sites, later(stage, 5), "Jar", "Temperature")[NUMBER]
    first = stage.start("TemperatureSpike", JAR, 0, {"Rise": 10.0})
    second = stage.start("TemperatureSpike", "Bangrak/UPS-1", 0, {"Rise": 5.0})
    heights = []
    for stop in (first, second):
        heights.append(column(two_sites, later(stage, 5), "Jar", "Temperature")[NUMBER] - before)
        stage.stop(stop)
    heights.append(column(two_sites, later(stage, 5), "Jar", "Temperature")[NUMBER] - before)
    assert np.allclose(heights, [15.0, 5.0, 0.0], atol=0.6)


@pytest.mark.parametrize(
    ("scenario", "target", "parameters"),
    [
        ("PowerOutage", "Bangrak", {}),
        ("PowerOutage", "Bangrak/UPS-1/S02", {}),
        ("HvacFailure", "Bangrak/UPS-1/S02", {"Rate": 60.0}),
        ("ThermalRunaway", JAR, {"Rate": 60.0}),
        ("AcceleratedAgeing", JAR, {"Ramp": 0.0}),
    ],
)
def test_rows_outside_the_target_are_the_plants_to_the_bit(
    two_sites: TagIndex, stage: Stage, scenario: str, target: str, parameters: dict[str, float]
) -> None:
    stage.start(scenario, target, 0, parameters)
    for _ in range(3):
        later(stage.plant, 300)
        undisturbed = stage.plant.readings()
        seen = stage.shadow.step(undisturbed, stage.time)
        assert sorted(seen.rows.tolist()) == sorted(undisturbed.rows.tolist())
        plain, simulated = (_spread(two_sites, readings) for readings in (undisturbed, seen))
        changed = np.flatnonzero(plain != simulated)
        assert changed.size
        assert all(f"{two_sites.path(row)}/".startswith(f"{target}/") for row in changed.tolist())


def test_targets_apart_in_one_string_do_not_feel_each_other(two_sites: TagIndex, quiet: int) -> None:
    neighbour = "Bangrak/UPS-1/S02/J04"
    both, alone = Stage(Plant(two_sites, 1, quiet)), Stage(Plant(two_sites, 1, quiet))
    for stage in (both, alone):
        stage.start("SensorFault", neighbour, 0, {"Fault": 1, "Bias": 1.0})
    both.start("ThermalRunaway", JAR, 0, {"Rate": 60.0})
    both.start("PowerOutage", "Bangrak/UPS-1/S01", 0)
    one, two = (_spread(two_sites, later(stage, 900)) for stage in (both, alone))
    rows = [two_sites.row(neighbour, name) for name in JAR_QUANTITIES]
    assert one[rows].tolist() == two[rows].tolist()


def test_when_the_widest_of_several_ends_the_others_go_on_from_where_they_are(
    two_sites: TagIndex, stage: Stage
) -> None:
    site = stage.start("HvacFailure", "Bangrak", 0, {"Rate": 20.0})
    stage.start("TemperatureSpike", JAR, 0, {"Rise": 5.0})
    later(stage, 3600)
    warm = column(two_sites, later(stage, 5), "Jar", "Temperature")
    stage.stop(site)
    after = column(two_sites, later(stage, 5), "Jar", "Temperature")
    plain = column(two_sites, stage.plant.readings(), "Jar", "Temperature")
    assert abs(after[NUMBER] - warm[NUMBER]) < 0.5
    assert np.array_equal(np.delete(after, NUMBER), np.delete(plain, NUMBER))
    cooled = column(two_sites, later(stage, 3 * 3600), "Jar", "Temperature")
    undisturbed = column(two_sites, stage.plant.readings(), "Jar", "Temperature")
    assert abs(cooled[NUMBER] - undisturbed[NUMBER] - 5.0) < 0.6


def test_a_wider_target_takes_over_what_runs_within_it(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("ThermalRunaway", JAR, 0, {"Rate": 10.0})
    stage.start("AcceleratedAgeing", "Bangrak/UPS-1/S01", 0, {"ResistanceRise": 50.0, "Ramp": 0.0})
    hot = column(two_sites, later(stage, 120), "Jar", "Temperature")
    stage.start("PowerOutage", "Bangrak", 0)
    readings = later(stage, 5)
    assert len(stage.shadow._branches) == 1
    assert abs(column(two_sites, readings, "Jar", "Temperature")[NUMBER] - hot[NUMBER]) < 1.5
    current = column(two_sites, readings, "String", "Current")
    assert 5.0 < current[0] < 0.9 * current[1]


def test_touched_are_the_targets_rows_and_what_is_calculated_above(two_sites: TagIndex, stage: Stage) -> None:
    number = stage.start("NormalOperation", JAR)
    touched = {two_sites.identifier(row) for row in np.flatnonzero(stage.shadow.touched).tolist()}
    assert {f"{JAR}.Voltage", f"{JAR}.StateOfCharge", f"{JAR}.Current"} <= touched
    above = {
        "Bangrak/UPS-1/S02.Voltage",
        "Bangrak/UPS-1.RuntimeRemaining",
        "Bangrak.HealthyJars",
        "Fleet.Jars",
    }
    assert above | {"Fleet.Jars"} <= touched
    assert not touched & {"Bangrak/UPS-1/S02.Current", "Bangrak/UPS-1.Load", "Bangrak.MainsState"}
    assert not any("S01" in name or "Phuket" in name or "J04" in name for name in touched)
    stage.stop(number)
    assert not stage.shadow.touched.any()
    assert not stage.shadow.active


def test_normal_operation_reads_as_the_plant_does(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("NormalOperation", "Bangrak")
    one = _spread(two_sites, later(stage, 60))
    two = _spread(two_sites, stage.plant.readings())
    np.testing.assert_allclose(one, two, atol=0.02)


def test_a_ramp_lets_an_effect_grow(two_sites: TagIndex, stage: Stage) -> None:
    before = column(two_sites, later(stage, 5), "Jar", "Temperature")[NUMBER]
    number = stage.start("TemperatureSpike", JAR, 0, {"Rise": 12.0, "Ramp": 10.0})
    half = column(two_sites, later(stage, 300), "Jar", "Temperature")[NUMBER]
    stage.adjust(number, {"Rise": 18.0})
    grown = [column(two_sites, later(stage, s), "Jar", "Temperature")[NUMBER] for s in (300, 300, 300)]
    assert np.allclose(np.array([half, *grown]) - before, [6.0, 12.0, 18.0, 18.0], atol=0.7)


def test_with_a_ramp_jars_fall_silent_one_by_one(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("CommunicationLoss", "Bangrak/UPS-1/S02", 0, {"Ramp": 12.0})
    silent = [np.isnan(column(two_sites, later(stage, 60), "Jar", "Voltage")).sum() for _ in range(6)]
    assert silent == [1, 2, 3, 4, 5, 6]
    assert not np.isnan(column(two_sites, later(stage, 60), "String", "Current")).any()
    assert np.isnan(column(two_sites, later(stage, 360), "String", "Current")).sum() == 1


def test_what_ended_by_itself_is_told_once(two_sites: TagIndex, stage: Stage) -> None:
    number = stage.start("TemperatureSpike", JAR, 30.0)
    later(stage, 5)
    assert stage.shadow.ended() == ()
    plain = later(stage, 30)
    assert [s.id for s in stage.shadow.ended()] == [number]
    assert stage.shadow.ended() == ()
    assert np.array_equal(_spread(two_sites, plain), _spread(two_sites, stage.plant.readings()))


def test_set_points_of_the_plant_are_set_in_the_copy(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("NormalOperation", "Bangrak")
    row = two_sites.row("Bangrak/UPS-1", "FloatVoltageSetpoint")
    assert row is not None
    stage.plant.set_point(row, 2.25)
    readings = later(stage, 60)
    assert column(two_sites, readings, "System", "FloatVoltageSetpoint")[0] == 2.25
    assert abs(column(two_sites, readings, "System", "BusVoltage")[0] - 12 * 6 * 2.25) < 0.5


@pytest.mark.parametrize("speed", [10, 1000, 100_000])
def test_an_outage_ends_at_its_depth_at_any_speed(two_sites: TagIndex, stage: Stage, speed: int) -> None:
    """Judged by the charge that is left when the supply returns, whenever somebody looks."""
    stage.start("PowerOutage", "Bangrak", 0, {"DepthVoltage": 11.5})
    (branch,) = stage.shadow._branches.values()
    lowest = np.ones(24)
    disturb = branch.plant.disturb

    def watched(effects: Effects) -> None:
        disturb(effects)
        np.minimum(lowest, branch.plant.state.jars.soc[:24], out=lowest)

    branch.plant.disturb = watched  # type: ignore[method-assign]
    for _ in range(max(2, 12_000 // (5 * speed))):
        later(stage, 5 * speed)
    assert abs(lowest.mean() - LEFT) < 0.01
    if speed > 10_000:
        readings = later(stage, 5 * speed)
        assert column(two_sites, readings, "System", "OperatingMode")[0] == Mode.FLOAT
        assert column(two_sites, readings, "Site", "MainsState")[0] == Mains.PRESENT


@pytest.mark.parametrize("speed", [1000, 100_000])
def test_a_failure_goes_no_further_than_its_end_at_any_speed(
    two_sites: TagIndex, stage: Stage, speed: int
) -> None:
    stage.start("HvacFailure", "Bangrak", 0, {"Ceiling": 36.0})
    stage.start("ThermalRunaway", "Phuket/UPS-1/S01/J01")
    seen = []
    for _ in range(12):
        readings = later(stage, 5 * speed)
        room = column(two_sites, readings, "Site", "AmbientTemperature")[0]
        seen.append((room, column(two_sites, readings, "Jar", "Temperature")[24]))
    rooms, hot = np.array(seen).T
    assert rooms.max() < 36.6
    assert rooms[-1] > 35.4
    assert hot.max() < 60.8
    assert hot[-1] > 58.0


def _spread(index: TagIndex, readings: Readings) -> Floats:
    value = np.full(index.size, -1.0)
    value[readings.rows] = readings.value
    return value
