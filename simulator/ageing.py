"""How worn each jar is: true capacity and ohmic resistance from what it has lived through, in closed form.

A jar's life is used up by time on float, weighted by Arrhenius' law (corrosion and dry-out; a jar that was
always at 35 °C is about twice as old as one at 25 °C), by charge that was drawn, the more the emptier the
jar was (cycling), and by standing undercharged (sulphation). How long a jar lives is drawn when it is
made: Weibull spread plus a share of early failures. None of this ever leaves the simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet, Index
from simulator.calendar import YEAR
from simulator.chance import Floats, Stream, normal, uniform
from simulator.identity import keys_of_jars
from simulator.parameters import (
    AGEING,
    ELECTRICAL,
    GAS_CONSTANT,
    KELVIN,
    REFERENCE_TEMPERATURE,
    Ageing,
)

_GENERATION = 1 << 33  # between the keys of a place's jars, one after the other


@dataclass(frozen=True)
class Births:
    """What each jar was made with: rated capacity [Ah] and its own share of it, resistance [Ω] and scatter of
    its rise, life [a at 25 °C on float], cells."""

    rated: Floats
    capacity: Floats
    resistance: Floats
    rise: Floats
    life: Floats
    cells: Floats


@dataclass(frozen=True)
class Wear:
    """True condition of each jar: capacity [Ah] at the 10 h rate, ohmic resistance [Ω] at 25 °C, overcharge
    current as a multiple of a new jar's, cells that work, and resistance of an open cell [Ω]."""

    capacity: Floats
    resistance: Floats
    gassing: Floats
    cells: Floats
    open: Floats


@dataclass(frozen=True)
class Years:
    """What each jar has lived through: time on float [a at 25 °C], and the lives that cycling and undercharge
    have used up."""

    floated: Floats
    cycled: Floats
    sulphated: Floats

    def later(self, soc: Floats, drawn: Floats, temperature: Floats, dt: float) -> Years:
        """After `dt` [s] at a state of charge and a temperature [°C]; `drawn` is in rated capacities."""
        pace = arrhenius(temperature) * (dt / YEAR)
        a, b = AGEING.depth_weight
        empty = 1.0 - soc
        return Years(
            self.floated + pace,
            self.cycled + drawn * ((a + b * empty) / AGEING.full_cycles),
            self.sulphated + pace * empty * AGEING.sulphation,
        )

    def renewed(self, new: NDArray[np.bool_]) -> Years:
        """With jars that are `new` at their beginning."""
        kept = (~new).astype(np.float64)
        return Years(self.floated * kept, self.cycled * kept, self.sulphated * kept)


def spread_by(factor: float) -> Ageing:
    """Figures of jars whose lives, capacities and resistances differ `factor` times as much as today's."""
    return replace(
        AGEING,
        shape=AGEING.shape / factor,
        early_share=AGEING.early_share * factor,
        initial_scatter=AGEING.initial_scatter * factor,
        resistance_scatter=AGEING.resistance_scatter * factor,
    )


def births_of(fleet: Fleet, seed: int, generation: Index, figures: Ageing = AGEING) -> Births:
    """Draws the jars of a fleet; `generation` counts those that stood in a place before, `figures` says how
    they differ."""
    key = life_keys(fleet, generation)
    design = np.array([jar.model.design_life for jar in fleet.jars])
    life = figures.scale * (-np.log(uniform(seed, Stream.JAR_LIFE, key))) ** (1.0 / figures.shape)
    early = uniform(seed, Stream.JAR_EARLY, key)
    low, high = figures.early_life
    life = np.where(early < figures.early_share, low + (high - low) * early / figures.early_share, life)
    return Births(
        rated=np.array([jar.model.capacity for jar in fleet.jars], np.float64),
        capacity=1.0 + figures.initial_scatter * normal(seed, Stream.JAR_CAPACITY, key),
        resistance=np.array([jar.baseline_resistance for jar in fleet.jars]) / 1000.0,
        rise=np.exp(figures.resistance_scatter * normal(seed, Stream.JAR_RESISTANCE, key)),
        life=design * np.maximum(life, figures.shortest),
        cells=np.array([jar.model.cells for jar in fleet.jars], np.float64),
    )


def life_keys(fleet: Fleet, generation: Index) -> Index:
    """A key for each jar that ever stood in a place of the fleet."""
    keys: Index = keys_of_jars(fleet.jars) + generation * _GENERATION
    return keys


def wear(births: Births, years: Years) -> Wear:
    """Condition of jars born as `births` after what they have lived through."""
    spent = np.clip(years.floated / births.life + years.cycled + years.sulphated, 0.0, AGEING.longest)
    loss = AGEING.end_of_life_loss * spent**AGEING.loss_exponent
    rise = AGEING.end_of_life_resistance * births.rise * spent**AGEING.resistance_exponent
    zero = np.zeros_like(spent)
    return Wear(
        capacity=births.rated * births.capacity * (1.0 - loss),
        resistance=births.resistance * (1.0 + rise),
        gassing=10.0 ** (AGEING.end_of_life_float * spent),
        cells=births.cells,
        open=zero,
    )


def broken(worn: Wear, shorted: Floats, opened: Floats) -> Wear:
    """With a cell less where one is shorted, and an interruption where one is open (1 there, else 0)."""
    left = worn.cells - shorted
    return replace(
        worn,
        cells=left,
        resistance=worn.resistance * (left / worn.cells),
        open=opened * ELECTRICAL.open_resistance,
    )


def arrhenius(temperature: Floats) -> Floats:
    """How many times faster than at 25 °C a jar ages at `temperature` [°C]."""
    reference = 1.0 / (REFERENCE_TEMPERATURE + KELVIN)
    rate: Floats = np.exp(
        AGEING.activation_energy / GAS_CONSTANT * (reference - 1.0 / (temperature + KELVIN))
    )
    return rate
