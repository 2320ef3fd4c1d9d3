"""The plant as a whole: repeatable, stable at any speed, any topology, and without a seam to its past."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from plantreadings import HOUR, SECOND, Stage, column, later, outages

from config.fleetfile import FleetFile
from drivers.statistics import rows_of
from nodeset import status as st
from nodeset.fleet import AssetType, build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Hvac, Mains, Mode
from simulator.interruptions import Interruptions
from simulator.occurrences import OccurrenceKind
from simulator.past import Span, past
from simulator.plant import Plant
from simulator.room import hvac_failures_of
from simulator.source import SimulatorSource


def test_a_source_reads_every_measured_tag_within_its_range(thailand: TagIndex, quiet: int) -> None:
    source = SimulatorSource(thailand, 1, quiet)
    readings = asyncio.run(source.read(quiet + 5 * SECOND))
    assert (readings.time == quiet + 5 * SECOND).all()
    bad = readings.status != st.GOOD
    assert set(readings.rows[bad].tolist()) == set(rows_of(thailand).tolist())  # there are no gateways
    assert set(readings.status[bad].tolist()) == {st.BAD_NOT_CONNECTED}
    assert (~bad).sum() >= 0.99 * thailand.measured().size
    assert set(readings.rows[~bad].tolist()) <= set(thailand.measured().tolist())
    jars = column(thailand, readings, "Jar", "Voltage")
    assert 13.3 < np.nanmin(jars) < np.nanmax(jars) < 14.0
    assert abs(np.nanmean(jars) - 13.65) < 0.05
    assert set(column(thailand, readings, "System", "OperatingMode")) == {Mode.FLOAT}
    assert set(column(thailand, readings, "Site", "HvacState")) == {Hvac.ON}
    assert set(column(thailand, readings, "Site", "MainsState")) == {Mains.PRESENT}


def test_the_same_seed_gives_the_same_readings_and_another_seed_others(
    two_sites: TagIndex, quiet: int
) -> None:
    one, same, other = (later(Plant(two_sites, seed, quiet), 60) for seed in (7, 7, 8))
    assert np.array_equal(one.value, same.value)
    assert np.array_equal(one.rows, same.rows)
    assert (one.value != other.value).mean() > 0.8


def test_time_that_has_passed_changes_nothing(plant: Plant) -> None:
    before = later(plant, 5)
    plant.advance(plant.time - HOUR)
    again = plant.readings()
    assert np.array_equal(before.value, again.value)


@pytest.mark.parametrize("speed", [1_000, 100_000])
def test_high_speed_neither_blows_up_nor_empties_a_battery_on_float(
    thailand: TagIndex, quiet: int, speed: int
) -> None:
    plant = Plant(thailand, 1, quiet)
    for _ in range(12):
        plant.advance(plant.time + 5 * speed * SECOND)
        readings = plant.readings()
        assert np.isfinite(readings.value).all()
        voltage = column(thailand, readings, "Jar", "Voltage")
        floats = column(thailand, readings, "System", "OperatingMode")[thailand.fleet.system_of_jar] == 0
        assert ((voltage > 13.2) & (voltage < 14.1))[floats & ~np.isnan(voltage)].all()


def test_one_jump_ends_near_many_small_steps(two_sites: TagIndex, quiet: int) -> None:
    stages = [Stage(Plant(two_sites, 1, quiet)) for _ in range(2)]
    for stage in stages:
        stage.start("PowerOutage", "Phuket", 7200, {"DepthVoltage": 10.5})
        stage.start("CommunicationLoss", "Bangrak")
    for _ in range(720):
        later(stages[0], 5)
    later(stages[1], 3600)
    small, big = (stage.shadow._branches["Phuket"].plant for stage in stages)
    assert np.abs(small.state.jars.soc - big.state.jars.soc).max() < 0.02
    assert np.abs(small.state.bus.voltage - big.state.bus.voltage).max() < 1.5


def test_the_past_ends_where_the_source_begins(two_sites: TagIndex, quiet: int) -> None:
    readings = list(past(two_sites, 1, Span.before(quiet, 2 / 24)))
    assert len(readings) == 120
    assert readings[0].time[0] == quiet - 2 * HOUR
    assert readings[-1].time[0] == quiet - 60 * SECOND
    now = asyncio.run(SimulatorSource(two_sites, 1, quiet).read(quiet + 5 * SECOND))
    _no_seam(two_sites, readings[-1], now)


def test_there_is_no_seam_in_an_outage_and_a_recharge_either(two_sites: TagIndex, quiet: int) -> None:
    start, end, _ = max(outages(two_sites, 1, quiet, 200), key=lambda outage: outage[1] - outage[0])
    for moment in ((start + end) // 2, end + HOUR):
        *_, last = past(two_sites, 1, Span.before(moment, 1 / 24))
        now = Plant(two_sites, 1, moment).readings()
        modes = column(two_sites, now, "System", "OperatingMode")
        assert set(modes) & {Mode.DISCHARGE, Mode.RECHARGE}
        _no_seam(two_sites, last, now)


def _no_seam(index: TagIndex, last: Readings, now: Readings) -> None:
    limits = {"Voltage": 0.08, "Temperature": 1.0, "InternalResistance": 0.15}
    for name, limit in limits.items():
        a, b = (column(index, r, "Jar", name) for r in (last, now))
        assert np.nanmax(np.abs(a - b)) < limit, name


def test_jars_fall_silent_for_a_moment_now_and_then(thailand: TagIndex, quiet: int) -> None:
    plant = Plant(thailand, 1, quiet)
    missing = []
    for _ in range(60):
        plant.advance(plant.time + 60 * SECOND)
        readings = plant.readings()
        gone = np.setdiff1d(thailand.measured(), readings.rows)
        missing.append(gone.size / 3)
        assert all(thailand.locate(int(row))[0].asset is AssetType.JAR for row in gone)
    assert 0.05 < np.mean(missing) < 1.5


def test_one_jar_of_two_volts_is_a_fleet_too(quiet: int) -> None:
    cell = {
        "manufacturer": "X",
        "nominal_voltage": 2,
        "cells": 1,
        "capacity": 1000,
        "cutoff_voltage": 1.8,
        "float_voltage": 2.25,
        "baseline_resistance": 0.3,
    }
    string = {"model": "C", "jars": 1, "installed": "2026-01-01", "first_serial": "C1"}
    system = {"kind": "Rectifier", "rated_power": 0.2, "strings": {"S01": string}}
    site = {"region": "Eastern", "latitude": 13, "longitude": 101, "systems": {"R": system}}
    file = {"name": "One", "models": {"C": cell}, "sites": {"A": site}}
    index = TagIndex(build_fleet(FleetFile.model_validate(file)))
    plant = Plant(index, 1, quiet)
    assert abs(column(index, later(plant, 5), "Jar", "Voltage")[0] - 2.25) < 0.03
    stage = Stage(plant)
    stage.start("PowerOutage", "A")
    readings = later(stage, 60)
    assert 1.8 < column(index, readings, "Jar", "Voltage")[0] < 2.2
    assert column(index, readings, "System", "OperatingMode")[0] == Mode.DISCHARGE


def test_a_plant_that_starts_later_is_the_plant_that_ran_all_the_time(
    two_sites: TagIndex, quiet: int
) -> None:
    """Forty days with outages on the way: the same events, and a state within the sensors' errors."""
    early = Plant(two_sites, 1, quiet - 40 * 24 * HOUR)
    early.advance(quiet, most_steps=3000)
    late = Plant(two_sites, 1, quiet)
    one, two = early.state, late.state
    assert np.abs(one.jars.temperature - two.jars.temperature).max() < 0.15
    assert np.abs(one.jars.voltage - two.jars.voltage).max() < 0.01
    assert np.abs(one.jars.soc - two.jars.soc).max() < 0.002
    assert np.abs(one.room.temperature - two.room.temperature).max() < 0.05
    assert np.abs(one.worn.capacity / two.worn.capacity - 1.0).max() < 0.002
    assert np.abs(one.worn.resistance / two.worn.resistance - 1.0).max() < 0.002


def test_plants_of_any_speed_see_the_same_things_happen(two_sites: TagIndex, quiet: int) -> None:
    books = []
    for steps in (1, 8, 60):
        plant = Plant(two_sites, 3, quiet)
        for week in range(1, 53):
            plant.advance(quiet + week * 7 * 24 * HOUR, most_steps=steps)
        books.append(plant.occurrences())
    assert books[0] == books[1] == books[2]
    assert {o.kind for o in books[0]} >= {OccurrenceKind.OUTAGE_BEGAN, OccurrenceKind.OUTAGE_ENDED}


def test_air_conditioning_that_fails_by_itself_warms_its_room_and_says_so(
    two_sites: TagIndex, quiet: int
) -> None:
    hvac = hvac_failures_of(two_sites.fleet, 1)
    moment = quiet
    while not hvac.active(moment).any():
        moment = hvac.next_change(moment)
    site = int(np.flatnonzero(hvac.active(moment))[0])
    repaired = int(hvac.block(hvac.number(moment))[1][site])
    plant = Plant(two_sites, 1, moment - HOUR)
    before = column(two_sites, later(plant, 60), "Site", "AmbientTemperature")[site]
    plant.advance(repaired - SECOND)
    readings = plant.readings()
    assert column(two_sites, readings, "Site", "HvacState")[site] == Hvac.FAULT
    assert column(two_sites, readings, "Site", "AmbientTemperature")[site] > before + 1.0
    plant.advance(repaired + 4 * HOUR)
    assert column(two_sites, plant.readings(), "Site", "HvacState")[site] == Hvac.ON
    assert abs(column(two_sites, plant.readings(), "Site", "AmbientTemperature")[site] - before) < 1.5
    kinds = [o.kind for o in plant.occurrences() if o.path == two_sites.fleet.sites[site].path]
    wanted = [OccurrenceKind.HVAC_FAILED, OccurrenceKind.HVAC_REPAIRED]
    assert [kind for kind in kinds if kind in wanted] == wanted


def test_a_plant_whose_mains_always_fail_somewhere_starts_all_the_same(
    two_sites: TagIndex, quiet: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interruptions, "busy_since", lambda _self, time, memory: time - memory)
    plant = Plant(two_sites, 1, quiet)
    assert column(two_sites, plant.readings(), "System", "OperatingMode").tolist() == [Mode.FLOAT, Mode.FLOAT]
