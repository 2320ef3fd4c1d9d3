"""How long each jar stands in its place: when it wears out or fails, and when another takes its place.

A pure function of seed, place and time, so that every plant of a seed has the same jars, failures and
replacements at the same microsecond, whenever it was switched on. A jar is worn out when it has lived its
life at the mean temperature of its place and with the mean outages of its site; before that it may fail at
once, by an open or a shorted cell. Whoever mends it comes later (`FAILURES`). The nameplates of the fleet
file stay as they are: they tell of the first jars.

What a jar has lived through before a plant is switched on (`begun`) is the same sum with means; a plant that
ran all the time differs from it by its real weather and outages, some per mille of the capacity.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet, Index
from simulator.ageing import Births, Years, arrhenius, births_of, life_keys
from simulator.calendar import DAY, SECOND, YEAR
from simulator.chance import Floats, Stream, uniform
from simulator.climate import Climate
from simulator.interruptions import NEVER
from simulator.load import Loads
from simulator.parameters import (
    AGEING,
    CLIMATE,
    FAILURES,
    LOAD,
    OUTAGE_MEDIAN,
    OUTAGE_SPREAD,
    Ageing,
)
from simulator.room import Rooms

Times = NDArray[np.int64]

_SAMPLES = 73  # of a year, five days and some hours apart, so that every hour of the day is met
_NORMAL_YEAR = 1_704_042_000 * SECOND  # µs, 2024 begins in Thailand
_UNDERCHARGED = 4 * 3600.0 / YEAR  # a, for which a jar lacks what an outage took, on average
_FAR = 1e5  # a


class Ending(IntEnum):
    """How a jar's service ends."""

    WORN = 0
    OPEN = 1
    SHORTED = 2


@dataclass(frozen=True)
class Paces:
    """How fast the jars of each place use up their lives on average: years at 25 °C a year on float, and
    lives a year by outages (cycling, and undercharge after it)."""

    floated: Floats
    cycled: Floats
    sulphated: Floats


@dataclass(frozen=True)
class Tenure:
    """The jars that stand in their places at some time: their births, since when [µs], when and how they
    fail, and when they are replaced [µs]."""

    generation: Index
    births: Births
    since: Times
    fails: Times
    ending: NDArray[np.int8]
    replaced: Times

    def broken(self, time: int, ending: Ending) -> Floats:
        """1 for the jars that have failed so at `time`, else 0."""
        broken: Floats = ((self.ending == ending) & (self.fails <= time)).astype(np.float64)
        return broken

    def next_change(self, time: int) -> int:
        """When the next jar fails or is replaced after `time` [µs]."""
        later = [int(at[at > time].min(initial=NEVER)) for at in (self.fails, self.replaced)]
        return min(later)

    def begun(self, paces: Paces, time: int) -> Years:
        """What the jars have lived through at `time` [µs]."""
        years = np.maximum(time - self.since, 0) / (YEAR * SECOND)
        return Years(years * paces.floated, years * paces.cycled, years * paces.sulphated)


@dataclass(frozen=True)
class Tenures:
    """The jars of a fleet's places, one after the other."""

    fleet: Fleet
    seed: int
    paces: Paces
    figures: Ageing

    def at(self, time: int) -> Tenure:
        """The jars at `time` [µs]."""
        return self.after(self.first(), time)

    def first(self) -> Tenure:
        """The jars of the fleet file."""
        installed = [_epoch_day(jar.installed) * round(DAY) * SECOND for jar in self.fleet.jars]
        first = np.zeros(len(self.fleet.jars), np.intp)
        return self._tenure(first, np.array(installed, np.int64))

    def after(self, tenure: Tenure, time: int) -> Tenure:
        """With those replaced whose time has come at `time` [µs]."""
        while (due := tenure.replaced <= time).any():
            tenure = self.next(tenure, due)
        return tenure

    def next(self, tenure: Tenure, due: NDArray[np.bool_]) -> Tenure:
        """With those replaced that are `due`."""
        return self._tenure(tenure.generation + due, np.where(due, tenure.replaced, tenure.since))

    def _tenure(self, generation: Index, since: Times) -> Tenure:
        births = births_of(self.fleet, self.seed, generation, self.figures)
        key = life_keys(self.fleet, generation)
        worn = 1.0 / (self.paces.floated / births.life + self.paces.cycled + self.paces.sulphated)
        sudden = -np.log(uniform(self.seed, Stream.JAR_SUDDEN, key)) / FAILURES.sudden
        fault = uniform(self.seed, Stream.JAR_FAULT, key)
        ending = np.where(
            worn <= sudden, Ending.WORN, np.where(fault < FAILURES.open_share, Ending.OPEN, Ending.SHORTED)
        )
        fails = since + _microseconds(np.minimum(worn, sudden))
        drawn = uniform(self.seed, Stream.JAR_DELAY, key)
        spans = np.where((ending == Ending.WORN)[:, None], FAILURES.worn_delay, FAILURES.sudden_delay)
        days = spans[:, 0] + (spans[:, 1] - spans[:, 0]) * drawn
        replaced = fails + _microseconds(days * DAY / YEAR)
        return Tenure(generation, births, since, fails, ending.astype(np.int8), replaced)


def tenures_of(
    fleet: Fleet,
    seed: int,
    climate: Climate,
    rooms: Rooms,
    loads: Loads,
    place: Floats,
    figures: Ageing = AGEING,
) -> Tenures:
    """The jars of a fleet; `place` [K] is how much warmer than its room each stands, `figures` how they
    differ when new."""
    moments = [round(_NORMAL_YEAR + YEAR * SECOND * (i + 0.5) / _SAMPLES) for i in range(_SAMPLES)]
    room = np.array([rooms.settled(climate.normal(t), t).temperature for t in moments])
    floated = np.mean([arrhenius(row[fleet.site_of_jar] + place) for row in room], axis=0)
    drawn = _drawn_by_outage(fleet, loads)
    outages = np.array([CLIMATE[site.region].outages for site in fleet.sites])[fleet.site_of_jar]
    a, b = AGEING.depth_weight
    cycled = outages * drawn * (a + b * drawn / 2.0) / AGEING.full_cycles
    sulphated = outages * drawn * floated * AGEING.sulphation * _UNDERCHARGED
    return Tenures(fleet, seed, Paces(floated, cycled, sulphated), figures)


def _drawn_by_outage(fleet: Fleet, loads: Loads) -> Floats:
    """Share of its rated capacity that an outage of mean length draws from each jar."""
    length = OUTAGE_MEDIAN * np.exp(OUTAGE_SPREAD**2 / 2.0) / 3600.0  # h, mean of the distribution
    power = loads.rated * loads.share / LOAD.efficiency
    energy = np.array([jar.model.capacity * jar.model.nominal_voltage for jar in fleet.jars])
    strings = np.add.reduceat(energy, fleet.first_jar_of_string)
    held = np.add.reduceat(strings, fleet.first_string_of_system)
    drawn: Floats = np.minimum(power * length / held, 1.0)[fleet.system_of_jar]
    return drawn


def _microseconds(years: Floats) -> Times:
    return (np.minimum(years, _FAR) * (YEAR * SECOND)).astype(np.int64)


def _epoch_day(day: dt.date) -> int:
    return day.toordinal() - dt.date(1970, 1, 1).toordinal()
