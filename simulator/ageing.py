"""How worn each jar is: true capacity and ohmic resistance from its effective age, in closed form.

Effective age is time on float weighted by Arrhenius' law, so a jar that was always at 35 °C is about
twice as old as one at 25 °C. How long a jar lives (in effective years) is drawn once: Weibull spread
plus a share of early failures. None of this ever leaves the simulator.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from nodeset.fleet import Fleet
from simulator.calendar import DAY, SECOND, YEAR, seconds
from simulator.chance import Floats, Stream, normal, uniform
from simulator.climate import Climate
from simulator.identity import keys_of_jars
from simulator.parameters import AGEING, GAS_CONSTANT, KELVIN, REFERENCE_TEMPERATURE
from simulator.room import Rooms

_SAMPLES = 73  # of a year, five days and some hours apart, so that every hour of the day is met


@dataclass(frozen=True)
class Wear:
    """True condition of each jar: capacity [Ah] at the 10 h rate, ohmic resistance [Ω] at 25 °C,
    and how many decades its float current has risen."""

    capacity: Floats
    resistance: Floats
    float_rise: Floats


@dataclass(frozen=True)
class Ageing:
    """What each jar was born with: rated capacity [Ah] and its scatter, resistance [Ω], life [a at 25 °C]."""

    rated: Floats
    birth: Floats
    resistance: Floats
    life: Floats

    def wear(self, age: Floats) -> Wear:
        """Condition at an effective age [a at 25 °C]."""
        spent = np.clip(age / self.life, 0.0, AGEING.longest)
        loss = AGEING.end_of_life_loss * spent**AGEING.loss_exponent
        rise = AGEING.end_of_life_resistance * spent**AGEING.resistance_exponent
        return Wear(
            capacity=self.rated * self.birth * (1.0 - loss),
            resistance=self.resistance * (1.0 + rise),
            float_rise=AGEING.end_of_life_float * spent,
        )


def arrhenius(temperature: Floats) -> Floats:
    """How many times faster than at 25 °C a jar ages at `temperature` [°C]."""
    reference = 1.0 / (REFERENCE_TEMPERATURE + KELVIN)
    rate: Floats = np.exp(
        AGEING.activation_energy / GAS_CONSTANT * (reference - 1.0 / (temperature + KELVIN))
    )
    return rate


def ageing_of(fleet: Fleet, seed: int) -> Ageing:
    """Draws the life of each jar."""
    key = keys_of_jars(fleet.jars)
    rated = np.array([jar.model.capacity for jar in fleet.jars])
    design = np.array([jar.model.design_life for jar in fleet.jars])
    chance = uniform(seed, Stream.JAR_LIFE, key)
    life = AGEING.scale * (-np.log(chance)) ** (1.0 / AGEING.shape)
    early = uniform(seed, Stream.JAR_EARLY, key)
    low, high = AGEING.early_life
    life = np.where(early < AGEING.early_share, low + (high - low) * early / AGEING.early_share, life)
    return Ageing(
        rated=rated,
        birth=1.0 + AGEING.initial_scatter * normal(seed, Stream.JAR_CAPACITY, key),
        resistance=np.array([jar.baseline_resistance for jar in fleet.jars]) / 1000.0,
        life=design * np.maximum(life, 0.2),
    )


def age_at(fleet: Fleet, climate: Climate, rooms: Rooms, place: Floats, time: int) -> Floats:
    """Effective age [a at 25 °C] of each jar at `time` [µs], from its installation and its site's climate.

    `place` [K] is how much warmer than its room a jar stands. Years are taken as alike: one year's mean
    Arrhenius factor of the site, times the years since installation.
    """
    start = seconds(time) - YEAR
    moments = [round((start + YEAR * (i + 0.5) / _SAMPLES) * SECOND) for i in range(_SAMPLES)]
    room = np.array([rooms.settled(climate.outdoors(t), t).temperature for t in moments])
    factor = np.mean([arrhenius(row[fleet.site_of_jar] + place) for row in room], axis=0)
    installed = np.array([_epoch_day(jar.installed) for jar in fleet.jars])
    years = (seconds(time) / DAY - installed) * DAY / YEAR
    age: Floats = years * factor
    return age


def _epoch_day(day: dt.date) -> int:
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()
