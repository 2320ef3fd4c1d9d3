"""Broken cells and thermal runaway in strings; who fails when, and is replaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from plantphysics import Floats, new_wear, settled
from plantreadings import HOUR, column, later

from nodeset.index import TagIndex
from simulator.ageing import Wear, broken
from simulator.bus import Demand, Supply, solve
from simulator.climate import climate_of
from simulator.effects import no_effects
from simulator.interruptions import NEVER
from simulator.jars import circuit_at, moved, plates_of, rested
from simulator.load import loads_of
from simulator.logbook import history_of_jars
from simulator.occurrences import OccurrenceKind
from simulator.parameters import FAILURES
from simulator.plant import Plant
from simulator.room import rooms_of
from simulator.tenure import Ending, Tenures, tenures_of

DAY = 24 * HOUR
YEAR = round(365.25 * DAY)
ALL = np.ones(3, bool)
SICK = 3  # a jar of the first string
ONE = np.where(np.arange(36) == SICK, 1.0, 0.0)


def with_cell(index: TagIndex, shorted: Floats, opened: Floats) -> Wear:
    return broken(new_wear(plates_of(index.fleet, 1)), shorted, opened)


def test_a_shorted_cell_takes_two_volts_and_its_siblings_float_higher(two_sites: TagIndex) -> None:
    """A sixth of 13.65 V is missing; eleven siblings share it, and pass more float current."""
    state = rested(plates_of(two_sites.fleet, 1), np.full(36, 25.0))
    sound, before, _ = settled(two_sites, state, np.zeros(3), ALL)
    wear = with_cell(two_sites, ONE, 0.0 * ONE)
    bus, after, _ = settled(two_sites, state, np.zeros(3), ALL, wear)
    change = after.voltage - before.voltage
    assert -2.3 < change[SICK] < -1.9
    siblings = np.delete(change[:12], SICK)
    assert np.allclose(siblings, -change[SICK] / 11.0, atol=0.03)
    assert 1.5 < bus.current[0] / sound.current[0] < 2.5
    assert np.allclose(change[12:], 0.0, atol=1e-3)


def test_a_shorted_cell_is_two_volts_less_under_load_too(two_sites: TagIndex) -> None:
    state = rested(plates_of(two_sites.fleet, 1), np.full(36, 25.0))
    power = np.array([5e3, 5e3, 5e3])
    _, jars, _ = settled(two_sites, state, power, ~ALL, with_cell(two_sites, ONE, 0.0 * ONE))
    assert -2.3 < jars.voltage[SICK] - np.delete(jars.voltage[:12], SICK).mean() < -1.9


def test_an_open_cell_interrupts_its_strings_current_and_the_other_string_takes_the_load(
    two_sites: TagIndex,
) -> None:
    state = rested(plates_of(two_sites.fleet, 1), np.full(36, 25.0))
    wear = with_cell(two_sites, 0.0 * ONE, ONE)
    power = np.array([3e3, 3e3, 3e3])
    bus, _, _ = settled(two_sites, state, power, ~ALL, wear)
    assert abs(bus.current[0]) < 0.1
    assert abs(bus.current[1] * bus.voltage[0] - 6e3) < 20.0
    bus, jars, _ = settled(two_sites, state, np.zeros(3), ALL, wear)
    assert abs(bus.current[0]) < 0.01
    assert jars.voltage[SICK] > 15.0  # what the others lack of the rectifier's voltage lies across it
    assert (np.abs(np.delete(jars.voltage[:12], SICK) - 12.9) < 0.3).all()


def float_in(index: TagIndex, wear: Wear, room: float, days: int) -> tuple[Floats, Floats]:
    """Heat of each jar's plates above its case [K], and currents [A], after days at 13.65 V a jar."""
    fleet, plates = index.fleet, plates_of(index.fleet, 1)
    supply = Supply(np.full(2, 163.8), np.array([24.0, 12.0]))  # no compensation for temperature
    state = rested(plates, np.full(36, room))
    for _ in range(days * 24):
        circuit = circuit_at(plates, wear, state)
        bus, state, main = solve(fleet, plates, circuit, state, Demand(np.zeros(3), ALL), supply)
        state = moved(plates, wear, state, main, np.full(36, room), 0.0, 3600.0)
    return state.rise, bus.current


def test_a_healthy_string_settles_a_degree_above_its_room_even_when_that_is_hot(two_sites: TagIndex) -> None:
    rise, current = float_in(two_sites, new_wear(plates_of(two_sites.fleet, 1)), 45.0, 10)
    assert (rise > 0.0).all()
    assert (rise < 3.0).all()
    assert (current > -0.5).all()


def test_a_dried_out_string_settles_in_a_cool_room_and_runs_away_in_a_hot_one(two_sites: TagIndex) -> None:
    """13.65 V x 0.048 A x 14 is 9 W at 25 °C; from 13 W (h 14.4 K / e) there is no balance."""
    healthy = new_wear(plates_of(two_sites.fleet, 1))
    dry = replace(healthy, gassing=np.where(np.arange(36) < 12, 14.0, 1.0))
    cool, _ = float_in(two_sites, dry, 22.0, 10)
    assert cool[:12].max() < 10.0
    hot, current = float_in(two_sites, dry, 38.0, 10)
    assert hot[:12].min() > 25.0
    assert current[0] < -5.0  # as much as the rectifier gives
    assert (hot[:12] < 80.0).all()  # 110 °C: the acid boils
    assert hot[24:].max() < 3.0


def test_a_runaway_climbs_ever_faster_up_to_its_peak(two_sites: TagIndex, plant: Plant) -> None:
    peak = np.where(np.arange(36) == SICK, 60.0, np.nan)
    plant.disturb(replace(no_effects(two_sites), runaway_peak=peak, runaway_rate=ONE * 2.0 / 60.0))
    path = [plant.state.jars.temperature[SICK]]
    for _ in range(40):
        plant.advance(plant.time + 60_000_000)
        path.append(plant.state.jars.temperature[SICK])
    steps = np.diff(path)
    assert 0.8 < steps[1] < 1.4
    assert 1.4 < steps[8:12].mean() < 2.05
    assert (np.diff(steps[1:8]) > 0.0).all()
    assert max(path) <= 60.0
    assert abs(path[-1] - 60.0) < 0.5
    others = np.delete(plant.state.jars.temperature, SICK)
    assert (others < 30.0).all()
    assert plant.state.jars.soc[SICK] < 0.95  # the heat is its own charge, in part


def tenures(index: TagIndex, seed: int = 1) -> Tenures:
    fleet = index.fleet
    climate, rooms, loads = climate_of(fleet, seed), rooms_of(fleet, seed), loads_of(fleet, seed)
    return tenures_of(fleet, seed, climate, rooms, loads, plates_of(fleet, seed).place)


def test_who_stands_in_a_place_does_not_depend_on_when_one_first_looked(
    thailand: TagIndex, quiet: int
) -> None:
    places = tenures(thailand)
    early = places.at(quiet - 10 * YEAR)
    walked = early
    for _ in range(80):
        walked = places.after(walked, quiet - 10 * YEAR + round((_ + 1) * YEAR / 4))
    direct = places.at(quiet + 10 * YEAR)
    assert np.array_equal(walked.generation, direct.generation)
    assert np.array_equal(walked.fails, direct.fails)
    assert (direct.generation > 0).any()


def test_two_years_of_the_fleet_hold_failures_of_every_kind_and_replacements(
    thailand: TagIndex, quiet: int
) -> None:
    kinds = dict.fromkeys(Ending, 0)
    replaced = 0
    for seed in range(10):
        places = tenures(thailand, seed)
        before = places.at(quiet)
        failing = (before.fails > quiet) & (before.fails <= quiet + 2 * YEAR)
        for kind in Ending:
            kinds[kind] += int((failing & (before.ending == kind)).sum())
        replaced += int((places.at(quiet + 2 * YEAR).generation > before.generation).sum())
    sudden = kinds[Ending.OPEN] + kinds[Ending.SHORTED]
    expected = 10 * 2 * 1944 * FAILURES.sudden
    assert abs(sudden - expected) < 4.0 * np.sqrt(expected)
    assert abs(kinds[Ending.OPEN] / sudden - FAILURES.open_share) < 0.2
    assert kinds[Ending.WORN] > 200
    assert replaced > 200


def test_what_has_failed_is_replaced_within_weeks_and_what_is_worn_within_a_year_or_so(
    thailand: TagIndex, quiet: int
) -> None:
    now = tenures(thailand).at(quiet)
    days = (now.replaced - now.fails) / DAY
    for worn, (low, high) in ((True, FAILURES.worn_delay), (False, FAILURES.sudden_delay)):
        mine = days[(now.ending == Ending.WORN) == worn]
        assert low <= mine.min() <= mine.max() <= high
    assert (now.fails < NEVER).all()


@pytest.fixture
def first_failure(two_sites: TagIndex, quiet: int) -> tuple[Plant, int, Ending]:
    """A plant shortly before a jar of it fails at once, and that jar."""
    for seed in range(1, 400):
        now = tenures(two_sites, seed).at(quiet)
        sudden = (now.ending != Ending.WORN) & (now.fails > quiet) & (now.fails < quiet + 3 * YEAR)
        if sudden.any():
            jar = int(np.flatnonzero(sudden)[0])
            moment = int(now.fails[jar])
            return Plant(two_sites, seed, moment - HOUR), jar, Ending(int(now.ending[jar]))
    raise AssertionError("no jar fails")


def test_a_jar_fails_on_its_second_is_in_the_log_book_and_is_new_after_its_replacement(
    two_sites: TagIndex, first_failure: tuple[Plant, int, Ending]
) -> None:
    plant, jar, ending = first_failure
    path = two_sites.fleet.jars[jar].path
    tenure = plant._tenure
    assert not [o for o in plant.occurrences() if o.path == path]
    before = column(two_sites, later(plant, 1800), "Jar", "Voltage")[jar]
    after = column(two_sites, later(plant, 3600), "Jar", "Voltage")[jar]
    assert abs(after - before) > 1.5
    failed = [o for o in plant.occurrences() if o.path == path]
    assert [(o.kind, o.time) for o in failed] == [(OccurrenceKind.JAR_FAILED, int(tenure.fails[jar]))]
    assert ending.name.lower() in failed[0].detail
    plant.advance(int(tenure.replaced[jar]) + HOUR, most_steps=300)
    renewed = [o for o in plant.occurrences() if o.path == path]
    assert [(o.kind, o.time) for o in renewed] == [(OccurrenceKind.JAR_REPLACED, int(tenure.replaced[jar]))]
    assert plant.state.years.floated[jar] < 0.001
    assert 13.3 < plant.state.jars.voltage[jar] < 14.0


def test_jars_do_not_age_before_they_are_installed(two_sites: TagIndex) -> None:
    installed = int(tenures(two_sites).at(0).since[0])
    plant = Plant(two_sites, 1, installed - 200 * DAY)
    plant.advance(installed, most_steps=200)
    assert plant.state.years.floated[0] < 0.01
    plant.advance(installed + 100 * DAY, most_steps=100)
    assert 0.2 < plant.state.years.floated[0] < 0.4


def test_the_history_of_jars_leads_to_those_that_stand_there(two_sites: TagIndex) -> None:
    """A hundred years of a fleet: as many replacements as generations, each after a failure, in order."""
    places, until = tenures(two_sites), round(100 * YEAR)
    now = places.at(until)
    told = history_of_jars(two_sites.fleet, places, until)
    assert [each.time for each in told] == sorted(each.time for each in told)
    for jar, place in enumerate(two_sites.fleet.jars):
        own = [each for each in told if each.path == place.path]
        replaced = [each.time for each in own if each.kind is OccurrenceKind.JAR_REPLACED]
        failed = [each.time for each in own if each.kind is OccurrenceKind.JAR_FAILED]
        assert len(replaced) == now.generation[jar] > 0
        assert replaced[-1] == now.since[jar]
        assert len(failed) == len(replaced) + int(now.fails[jar] <= until)
        assert [each.kind for each in own[:2]] == [OccurrenceKind.JAR_FAILED, OccurrenceKind.JAR_REPLACED]
