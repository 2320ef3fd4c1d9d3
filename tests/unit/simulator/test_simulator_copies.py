"""Copies of a plant, strings that lose mains alone, and the log book."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from plantphysics import settled
from plantreadings import HOUR, SECOND, column, later

from nodeset.index import TagIndex
from nodeset.tags import Mode
from simulator.bus import share_of_load
from simulator.effects import no_effects, parts
from simulator.jars import plates_of, rested
from simulator.mains import outages_of
from simulator.occurrences import OccurrenceKind
from simulator.plant import Plant

WEEK = 7 * 24 * HOUR


def test_a_fork_goes_the_way_of_its_original(two_sites: TagIndex, plant: Plant) -> None:
    later(plant, 60)
    fork = plant.fork()
    one, two = later(plant, 600), later(fork, 600)
    assert np.array_equal(one.value, two.value)
    assert np.array_equal(one.rows, two.rows)


def test_what_is_done_to_a_fork_does_not_touch_the_original(two_sites: TagIndex, quiet: int) -> None:
    touched, calm = Plant(two_sites, 1, quiet), Plant(two_sites, 1, quiet)
    fork = touched.fork()
    fork.disturb(replace(no_effects(two_sites), outage=np.array([True, True, False])))
    row = two_sites.row("Phuket/UPS-1", "FloatVoltageSetpoint")
    assert row is not None
    fork.set_point(row, 2.25)
    later(fork, 600)
    one, two = later(touched, 900), later(calm, 900)
    assert np.array_equal(one.value, two.value)


def test_a_part_restored_from_another_plant_goes_on_as_there(two_sites: TagIndex, plant: Plant) -> None:
    fork, calm = plant.fork(), no_effects(two_sites)
    hot_jar = np.where(np.arange(36) == 24, 20.0, 0.0)
    fork.disturb(replace(calm, outage=np.array([True, True, False]), jar_rise=hot_jar))
    plant.advance(plant.time + HOUR // 6)
    fork.advance(plant.time)
    fork.disturb(replace(calm, jar_rise=hot_jar))
    fork.restore(parts(two_sites.fleet, "Bangrak"), plant)
    one, two = later(plant, 60), later(fork, 60)
    for name in ("Voltage", "Temperature", "InternalResistance"):
        mine, restored = (column(two_sites, r, "Jar", name) for r in (one, two))
        np.testing.assert_allclose(restored[:24], mine[:24], atol=0.003)
    hot = column(two_sites, two, "Jar", "Temperature") - column(two_sites, one, "Jar", "Temperature")
    assert abs(hot[24] - 20.0) < 0.2


def test_a_string_that_loses_mains_alone_carries_its_share(two_sites: TagIndex) -> None:
    """Two equal strings, 20 kW: the one without mains gives 10 kW, the other stays on float."""
    fleet = two_sites.fleet
    plates = plates_of(fleet, 1)
    state = rested(plates, np.full(36, 25.0))
    power = share_of_load(fleet, plates) * np.array([20e3, 20e3, 10e3]) * [1.0, 0.0, 0.0]
    bus, state, _ = settled(two_sites, state, power, np.array([False, True, True]))
    assert abs(bus.string_voltage[0] * bus.current[0] - 10e3) < 10.0
    assert bus.string_voltage[0] < 12 * 12.9
    assert abs(bus.voltage[0] - 163.8) < 0.01
    assert (bus.current[1:] < 0.0).all()
    np.testing.assert_allclose(np.add.reduceat(state.voltage, fleet.first_jar_of_string), bus.string_voltage)


def test_strings_that_all_lose_mains_are_a_system_without_it(two_sites: TagIndex, plant: Plant) -> None:
    calm = no_effects(two_sites)
    both, one = plant.fork(), plant
    both.disturb(replace(calm, outage=np.array([True, True, False])))
    one.disturb(replace(calm, outage=np.array([True, False, False])))
    modes = [column(two_sites, later(p, 30), "System", "OperatingMode").tolist() for p in (both, one)]
    assert modes == [[Mode.DISCHARGE, Mode.FLOAT], [Mode.FLOAT, Mode.FLOAT]]
    volts = both.string_voltages()
    assert volts[0] == volts[1] == both.state.bus.voltage[0]
    assert one.state.bus.voltage[0] > 163.0 > one.string_voltages()[0]


def test_the_log_book_holds_the_outages_of_the_mains(two_sites: TagIndex, quiet: int) -> None:
    mains = outages_of(two_sites.fleet, 1)
    plant = Plant(two_sites, 1, quiet)
    plant.advance(quiet + 30 * WEEK, most_steps=2000)
    found = [o for o in plant.occurrences() if "Outage" in o.kind]
    assert {o.path for o in found} <= {"Bangrak", "Phuket"}
    assert [o.kind for o in found].count(OccurrenceKind.OUTAGE_BEGAN) >= 1
    for occurrence in found:
        site = ["Bangrak", "Phuket"].index(occurrence.path)
        present = occurrence.kind is OccurrenceKind.OUTAGE_ENDED
        assert mains.active(occurrence.time)[site] != present
        assert mains.active(occurrence.time - 1)[site] == present
    assert [o.time for o in found] == sorted(o.time for o in found)
    assert plant.occurrences() == ()
    plant.advance(plant.time + SECOND)
    assert plant.occurrences() == ()
