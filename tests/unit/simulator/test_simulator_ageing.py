"""Ageing: published figures, and what they make of the fleet that ships."""

from __future__ import annotations

import numpy as np

from nodeset.index import TagIndex
from simulator.ageing import Births, Years, arrhenius, births_of, broken, wear
from simulator.plant import Plant

ONE = np.ones(1)
DAY = 86_400.0


def born(life: float = 8.0) -> Births:
    """A jar without scatter."""
    return Births(120.0 * ONE, ONE, 0.0034 * ONE, ONE, life * ONE, 6.0 * ONE)


def years(floated: float = 0.0, cycled: float = 0.0, sulphated: float = 0.0) -> Years:
    return Years(floated * ONE, cycled * ONE, sulphated * ONE)


def test_life_halves_per_10_degrees() -> None:
    """50 kJ/mol from 25 to 35 °C takes 48 % of the life (DESIGN; IEEE 1188 says one half)."""
    slow, fast = arrhenius(np.array([25.0, 35.0]))
    assert slow == 1.0
    assert 0.47 < 1.0 - slow / fast < 0.49


def test_a_jar_at_the_end_of_its_life_has_80_percent_capacity_and_half_more_resistance() -> None:
    for end in (years(floated=8.0), years(cycled=1.0), years(sulphated=1.0)):
        worn = wear(born(), end)
        assert np.allclose(worn.capacity, 96.0)
        assert np.allclose(worn.resistance, 0.0051)


def test_a_new_jar_is_as_its_nameplate_says() -> None:
    worn = wear(born(), years(floated=-0.1))
    assert worn.capacity[0] == 120.0
    assert worn.resistance[0] == 0.0034
    assert worn.gassing[0] == 1.0


def test_scalar_and_array_agree_and_nothing_worn_beyond_measure_is_a_nan() -> None:
    ages = np.array([0.0, 3.0, 8.0, 1e6])
    four = Births(*(np.repeat(getattr(born(), name), 4) for name in Births.__dataclass_fields__))
    together = wear(four, Years(ages, np.zeros(4), np.zeros(4)))
    alone = [wear(born(), years(floated=age)).capacity[0] for age in ages]
    assert together.capacity.tolist() == alone
    assert np.isfinite(together.resistance).all()
    assert (together.capacity > 0.0).all()


def test_full_discharges_use_up_a_life_and_shallow_ones_more_slowly() -> None:
    """Data sheets of AGM blocks: some 250 cycles of 100 %, 500 of 50 %, 1,200 of 30 % depth."""

    def cycles(depth: float) -> float:
        used, steps = years(), 100
        for i in range(steps):
            soc = 1.0 - depth * (i + 0.5) / steps
            used = used.later(soc * ONE, depth / steps * ONE, 25.0 * ONE, 1.0)
        return 1.0 / used.cycled[0]

    assert abs(cycles(1.0) - 250.0) < 10.0
    assert 500.0 < cycles(0.5) < 800.0
    assert 1000.0 < cycles(0.3) < 1500.0


def test_a_jar_left_half_empty_for_half_a_year_is_sulphated() -> None:
    used = years().later(0.5 * ONE, 0.0 * ONE, 25.0 * ONE, 182.625 * DAY)
    assert abs(used.sulphated[0] - 0.5) < 0.01
    full = years().later(ONE, 0.0 * ONE, 25.0 * ONE, 182.625 * DAY)
    assert full.sulphated[0] == 0.0
    hot = years().later(0.5 * ONE, 0.0 * ONE, 35.0 * ONE, 182.625 * DAY)
    assert 1.8 < hot.sulphated[0] / used.sulphated[0] < 2.1


def test_a_shorted_cell_leaves_five_and_an_open_one_insulates() -> None:
    worn = wear(born(), years())
    shorted = broken(worn, ONE, 0.0 * ONE)
    assert shorted.cells[0] == 5.0
    assert np.isclose(shorted.resistance[0], 0.0034 * 5 / 6)
    assert broken(worn, 0.0 * ONE, ONE).open[0] >= 1e3


def test_lives_are_weibull_with_two_percent_of_early_failures(thailand: TagIndex) -> None:
    """Shape 8, scale 0.92 of ten years: 10 % by 6.9 years, half by 8.8; early ones at 3.5 to 7.5."""
    fleet = thailand.fleet
    lives = np.concatenate(
        [births_of(fleet, seed, np.zeros(len(fleet.jars), np.intp)).life for seed in range(20)]
    )
    early = lives < 5.0
    assert 0.005 < early.mean() < 0.015
    assert abs(np.mean(lives < 6.94) - 0.10 - 0.02 * 0.9) < 0.01
    assert abs(np.median(lives) - 8.77) < 0.1
    assert lives.min() >= 2.0


def test_the_next_jar_of_a_place_has_a_luck_of_its_own(thailand: TagIndex) -> None:
    fleet = thailand.fleet
    first, second = (births_of(fleet, 1, np.full(len(fleet.jars), g, np.intp)).life for g in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    other = births_of(fleet, 2, np.zeros(len(fleet.jars), np.intp)).life
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1


def test_resistance_rises_with_lost_capacity_but_not_alike_in_all_jars(thailand: TagIndex) -> None:
    births = births_of(thailand.fleet, 1, np.zeros(1944, np.intp))
    worn = wear(births, Years(births.life, np.zeros(1944), np.zeros(1944)))
    rise = worn.resistance / births.resistance - 1.0
    assert abs(np.median(rise) - 0.5) < 0.02
    assert 0.15 < np.log(rise).std() < 0.25
    half = wear(births, Years(births.life / 2.0, np.zeros(1944), np.zeros(1944)))
    assert (half.resistance < worn.resistance).all()


def test_the_default_fleet_is_mostly_healthy(thailand: TagIndex, quiet: int) -> None:
    plant = Plant(thailand, 1, quiet)
    health = plant.state.worn.capacity / 120.0
    assert (health >= 0.85).mean() > 0.93
    assert 10 <= ((health >= 0.80) & (health < 0.85)).sum() <= 120
    assert 5 <= (health < 0.80).sum() <= 60


def test_a_replaced_jar_of_the_fleet_file_is_younger_than_its_string(thailand: TagIndex, quiet: int) -> None:
    fleet = thailand.fleet
    floated = Plant(thailand, 1, quiet).state.years.floated
    _, replaced = fleet.index_of["Bangrak/UPS-1/S03/J07"]
    string = fleet.strings[fleet.string_of_jar[replaced]].jars
    assert floated[replaced] == floated[string].min()


def test_renewal_forgets_the_old_jar_alone() -> None:
    two = Years(np.array([3.0, 4.0]), np.array([0.1, 0.2]), np.array([0.0, 0.3]))
    after = two.renewed(np.array([False, True]))
    assert after.floated.tolist() == [3.0, 0.0]
    assert after.sulphated.tolist() == [0.0, 0.0]
