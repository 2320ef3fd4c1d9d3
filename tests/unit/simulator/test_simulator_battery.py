"""Jars, strings and the bus: float, discharge, cut-off and recharge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from plantphysics import settled
from plantreadings import SECOND, Stage, column, later

from nodeset.index import TagIndex
from nodeset.tags import Mains as MainsState
from nodeset.tags import Mode
from simulator.bus import float_voltage, rectifiers_of
from simulator.effects import no_effects
from simulator.jars import open_circuit, plates_of, rested
from simulator.plant import Plant


def test_float_voltage_is_the_set_point_with_its_compensation(two_sites: TagIndex) -> None:
    """13.65 V a jar at 25 °C, less 3 mV a cell and K: twelve jars at 35 °C float at 161.64 V."""
    plates = plates_of(two_sites.fleet, 1)
    rectifiers = rectifiers_of(two_sites.fleet, plates)
    assert np.allclose(float_voltage(two_sites.fleet, plates, rectifiers, np.full(36, 25.0)), 163.8)
    assert np.allclose(float_voltage(two_sites.fleet, plates, rectifiers, np.full(36, 35.0)), 161.64)


def test_float_voltage_follows_the_set_point_of_its_own_rectifier(plant: Plant, two_sites: TagIndex) -> None:
    """2.25 V a cell: twelve jars of six cells float at 162 V instead of 163.8 V, less the compensation."""
    before = later(plant, 60)
    row = two_sites.row("Bangrak/UPS-1", "FloatVoltageSetpoint")
    assert row is not None
    assert np.allclose(column(two_sites, before, "System", "FloatVoltageSetpoint"), 2.275)
    plant.set_point(row, 2.25)
    after = later(plant, 1)
    assert column(two_sites, after, "System", "FloatVoltageSetpoint").tolist() == [2.25, 2.275]
    change = [column(two_sites, each, "System", "BusVoltage") for each in (before, after)]
    assert np.allclose(change[1] - change[0], [-1.8, 0.0], atol=0.15)
    jars = [column(two_sites, each, "Jar", "Voltage").reshape(3, 12).sum(axis=1) for each in (before, after)]
    assert np.allclose(jars[1] - jars[0], [-1.8, -1.8, 0.0], atol=0.15)


def test_a_rectifier_recharges_with_no_more_than_its_limit(stage: Stage, two_sites: TagIndex) -> None:
    row = two_sites.row("Bangrak/UPS-1", "ChargeCurrentLimit")
    assert row is not None
    stage.plant.set_point(row, 4.0)
    stage.start("PowerOutage", "Bangrak", 0, {"DepthVoltage": 11.5})
    for _ in range(200):
        readings = later(stage, 60)
        if column(two_sites, readings, "System", "OperatingMode")[0] == Mode.RECHARGE:
            break
    charge = -column(two_sites, readings, "String", "Current")[:2].sum()
    assert abs(charge - 2 * 120 * 0.04) < 0.2


def test_on_float_jars_share_a_small_current_and_their_voltages_scatter_about_a_fixed_total(
    two_sites: TagIndex,
) -> None:
    fleet = two_sites.fleet
    state = rested(plates_of(fleet, 1), np.full(36, 25.0))
    bus, state, _ = settled(two_sites, state, np.zeros(3), np.ones(3, bool))
    assert np.allclose(np.add.reduceat(state.voltage, fleet.first_jar_of_string), 163.8)
    assert np.allclose(state.current, bus.current[fleet.string_of_jar])
    milliamperes_per_ah = -1000.0 * bus.current / 120.0
    assert ((milliamperes_per_ah > 0.1) & (milliamperes_per_ah < 2.0)).all()
    assert 0.005 < state.voltage.std() < 0.06


def test_a_hotter_string_takes_more_float_current(two_sites: TagIndex) -> None:
    fleet = two_sites.fleet
    plates = plates_of(fleet, 1)
    warm = np.where(fleet.string_of_jar == 0, 35.0, 25.0)
    state = rested(plates, warm)
    bus, *_ = settled(two_sites, state, np.zeros(3), np.ones(3, bool))
    assert 1.7 < bus.current[0] / bus.current[1] < 2.4


def test_a_full_jar_rests_at_13_volts_and_an_empty_one_well_below_12(two_sites: TagIndex) -> None:
    cells = np.array([6.0])
    assert abs(open_circuit(cells, np.ones(1))[0] - 12.99) < 0.02
    assert abs(open_circuit(cells, np.full(1, 0.1))[0] - 11.40) < 0.03


def test_more_power_than_there_is_collapses_without_a_nan(two_sites: TagIndex) -> None:
    state = rested(plates_of(two_sites.fleet, 1), np.full(36, 25.0))
    bus, state, _ = settled(two_sites, state, np.full(3, 1e7), np.zeros(3, bool))
    assert bus.collapsed.all()
    assert np.isfinite(state.voltage).all()


def test_outage_discharges_until_the_depth_and_then_recharges(two_sites: TagIndex, stage: Stage) -> None:
    before = later(stage, 5)
    assert column(two_sites, before, "System", "OperatingMode").tolist() == [Mode.FLOAT, Mode.FLOAT]
    stage.start("PowerOutage", "Bangrak", 0, {"DepthVoltage": 11.5})
    during = later(stage, 60)
    assert column(two_sites, during, "Site", "MainsState").tolist() == [MainsState.LOST, MainsState.PRESENT]
    assert column(two_sites, during, "System", "OperatingMode").tolist() == [Mode.DISCHARGE, Mode.FLOAT]
    bus, load = (column(two_sites, during, "System", name) for name in ("BusVoltage", "Load"))
    assert bus[0] < 12 * 12.9
    current = column(two_sites, during, "String", "Current")
    assert (current[:2] > 5.0).all()
    assert abs(current[:2].sum() * bus[0] - load[0] * 1000 / 0.95) < 0.03 * load[0] * 1000
    lowest = bus[0]
    for _ in range(200):
        readings = later(stage, 60)
        bus = column(two_sites, readings, "System", "BusVoltage")
        lowest = min(lowest, bus[0])
        if column(two_sites, readings, "System", "OperatingMode")[0] == Mode.RECHARGE:
            break
    assert 12 * 11.3 < lowest < 12 * 11.6
    assert bus[0] > lowest + 6.0
    assert -12.6 * 2 < column(two_sites, readings, "String", "Current")[:2].sum() < -20.0
    after = later(stage, 40 * 3600)
    assert column(two_sites, after, "System", "OperatingMode")[0] == Mode.FLOAT
    assert abs(column(two_sites, after, "System", "BusVoltage")[0] - 163.8) < 1.0


def test_jar_voltages_sum_to_the_bus_and_strings_share_the_load(two_sites: TagIndex, stage: Stage) -> None:
    stage.start("PowerOutage", "Bangrak", 0, {})
    for seconds in (5, 600, 1200):
        readings = later(stage, seconds)
        jars = column(two_sites, readings, "Jar", "Voltage").reshape(3, 12)
        bus = column(two_sites, readings, "System", "BusVoltage")
        assert np.abs(jars.sum(axis=1) - bus[[0, 0, 1]]).max() < 0.2
    current = column(two_sites, readings, "String", "Current")
    assert abs(current[0] / current[1] - 1.0) < 0.1


def test_at_cut_off_the_system_drops_its_load_until_mains_return(two_sites: TagIndex, plant: Plant) -> None:
    calm = no_effects(two_sites)
    plant.disturb(replace(calm, outage=np.ones(3, bool)))
    for _ in range(60):
        plant.advance(plant.time + 300 * SECOND, most_steps=10)
        readings = plant.readings()
        mode = column(two_sites, readings, "System", "OperatingMode")
        if (mode == Mode.OFFLINE).all():
            break
    assert (mode == Mode.OFFLINE).all()
    assert column(two_sites, readings, "System", "Load").tolist() == [0.0, 0.0]
    assert np.abs(column(two_sites, readings, "String", "Current")).max() < 0.5
    assert (column(two_sites, later(plant, 3600), "System", "OperatingMode") == Mode.OFFLINE).all()
    plant.disturb(calm)
    mode = column(two_sites, later(plant, 60), "System", "OperatingMode")
    assert (mode == Mode.RECHARGE).all()
