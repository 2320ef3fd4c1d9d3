"""Ageing: published figures, and what they make of the fleet that ships."""

from __future__ import annotations

import numpy as np

from nodeset.index import TagIndex
from simulator.ageing import Ageing, age_at, ageing_of, arrhenius
from simulator.climate import climate_of
from simulator.jars import plates_of
from simulator.room import rooms_of


def test_life_halves_per_10_degrees() -> None:
    """50 kJ/mol from 25 to 35 °C takes 48 % of the life (DESIGN; IEEE 1188 says one half)."""
    slow, fast = arrhenius(np.array([25.0, 35.0]))
    assert slow == 1.0
    assert 0.47 < 1.0 - slow / fast < 0.49


def test_a_jar_at_the_end_of_its_life_has_80_percent_capacity_and_half_more_resistance() -> None:
    one = np.ones(1)
    wear = Ageing(120.0 * one, one, 0.0034 * one, 8.0 * one).wear(8.0 * one)
    assert np.allclose(wear.capacity, 96.0)
    assert np.allclose(wear.resistance, 0.0051)


def test_a_new_jar_is_as_its_nameplate_says() -> None:
    one = np.ones(1)
    wear = Ageing(120.0 * one, one, 0.0034 * one, 8.0 * one).wear(-0.1 * one)
    assert wear.capacity[0] == 120.0
    assert wear.resistance[0] == 0.0034


def test_the_default_fleet_is_mostly_healthy(thailand: TagIndex, quiet: int) -> None:
    fleet = thailand.fleet
    rooms, climate, plates = rooms_of(fleet, 1), climate_of(fleet, 1), plates_of(fleet, 1)
    age = age_at(fleet, climate, rooms, plates.place, quiet)
    health = ageing_of(fleet, 1).wear(age).capacity / plates.rated
    assert (health >= 0.85).mean() > 0.93
    assert 10 <= ((health >= 0.80) & (health < 0.85)).sum() <= 120
    assert 5 <= (health < 0.80).sum() <= 60


def test_a_replaced_jar_is_younger_than_its_string(thailand: TagIndex, quiet: int) -> None:
    fleet = thailand.fleet
    rooms, climate, plates = rooms_of(fleet, 1), climate_of(fleet, 1), plates_of(fleet, 1)
    age = age_at(fleet, climate, rooms, plates.place, quiet)
    _, replaced = fleet.index_of["Bangrak/UPS-1/S03/J07"]
    string = fleet.strings[fleet.string_of_jar[replaced]].jars
    assert age[replaced] == age[string].min()


def test_another_seed_gives_other_lives(thailand: TagIndex) -> None:
    one, two = ageing_of(thailand.fleet, 1).life, ageing_of(thailand.fleet, 2).life
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1
    assert abs(np.median(one) - np.median(two)) < 0.3
