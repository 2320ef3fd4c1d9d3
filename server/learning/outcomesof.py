"""What became of the jars of plant years: rows of features with the days that each jar lived on; no I/O.

A row is a jar in service on a day, every 30 days. Its label is what the log tells, whichever way the jar
failed; a jar whose failure the years do not see is censored at their end. Between its failure and its
replacement a place has no rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.features import features
from analytics.history import Days, Units
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Array, Mask, Parameters, Single
from nodeset.fleet import Fleet, build_fleet
from server.learning.plantyears import DAY, PlantYears, Record
from simulator.occurrences import Occurrence, OccurrenceKind

EVERY: Final = 30  # d between the rows of a jar
BRIEF: Final = (30, 60, 90, 120, 180, 270)  # d of history that some rows are cut to
_GENERATIONS: Final = 100  # that a place may see
_PLACES: Final = 1_000_000  # that a fleet may have
_ENDINGS: Final = {"worn": Ending.WORN, "open": Ending.OPEN, "shorted": Ending.SHORTED}  # as the log begins


@dataclass(frozen=True)
class Tenancies:
    """Jars one after the other in their places, arrays of shape (jars that ever were,).

    From when, until when they lived [d since 1970; infinite where no failure is on record], what ended them,
    an `Ending`, and when another took their place [infinite while none has].
    """

    place: NDArray[np.intp]
    generation: NDArray[np.int64]
    since: Array
    fails: Array
    ending: NDArray[np.int8]
    left: Array

    def living(self, day: int) -> NDArray[np.intp]:
        """Those that live in their places on a morning, at most one a place."""
        return np.flatnonzero((self.since < day) & (np.minimum(self.fails, self.left) > day))

    def installed(self, day: int, places: int) -> Array:
        """Since when what stands in each place, alive or not, stands there; `day` where nothing does."""
        there = np.flatnonzero(self.since < day)
        found = np.full(places, -np.inf)
        np.maximum.at(found, self.place[there], self.since[there])
        return np.where(np.isfinite(found), found, day)


def outcomes_of(years: PlantYears, record: Record, brief: float) -> Outcomes:
    """Rows of a part of the fleet; a share `brief` of them with only a short history, as there is after the
    first start of an installation. Numbers of units, strings and sites are those of the whole fleet."""
    whole, fleet = build_fleet(years.file), record.fleet
    tenancies, units = tenancies_of(fleet, record.log), Units.of(fleet, Parameters.of(fleet))
    parts = []
    for day in range(years.first + EVERY, years.after, EVERY):
        units = replace(units, installed=tenancies.installed(day, len(fleet.jars)))
        living = tenancies.living(day)
        known = _known(record.days, units, day, years.seed, brief)[tenancies.place[living]]
        parts.append(_rows(years, (whole, fleet), tenancies, living, day, known))
    return joined(parts)


def tenancies_of(fleet: Fleet, log: tuple[Occurrence, ...]) -> Tenancies:
    """The jars of each place by the log; the first ones are those of the nameplates."""
    number = {jar.path: i for i, jar in enumerate(fleet.jars)}
    installed = Parameters.of(fleet).installed
    rows = [[place, 0, since, np.inf, Ending.NONE, np.inf] for place, since in enumerate(installed.tolist())]
    last = list(range(len(rows)))
    for entry in sorted(log, key=lambda entry: entry.time):
        place = number.get(entry.path)
        if place is None:
            continue
        if entry.kind is OccurrenceKind.JAR_FAILED:
            rows[last[place]][3:5] = entry.time / DAY, _ending(entry)
        elif entry.kind is OccurrenceKind.JAR_REPLACED:
            rows[last[place]][5] = entry.time / DAY
            rows.append([place, rows[last[place]][1] + 1, entry.time / DAY, np.inf, Ending.NONE, np.inf])
            last[place] = len(rows) - 1
    column = np.array(rows, np.float64).reshape(-1, 6).T
    return Tenancies(
        place=column[0].astype(np.intp),
        generation=column[1].astype(np.int64),
        since=column[2],
        fails=column[3],
        ending=column[4].astype(np.int8),
        left=column[5],
    )


def unit_numbers(seed: int, place: NDArray[np.intp], generation: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of jars, unique over seeds, places and generations."""
    return ((seed * _PLACES + place) * _GENERATIONS + generation).astype(np.int64)


def place_and_generation(unit: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The place in the fleet of jars with these numbers, and how many stood there before."""
    return (unit // _GENERATIONS % _PLACES).astype(np.intp), unit % _GENERATIONS


def joined(parts: list[Outcomes]) -> Outcomes:
    """All rows, one part after the other."""
    return Outcomes(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.lived for part in parts]),
        np.concatenate([part.failed for part in parts]),
        np.concatenate([part.unit for part in parts]),
        np.concatenate([part.string for part in parts]),
        np.concatenate([part.site for part in parts]),
        np.concatenate([part.seed for part in parts]),
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.ending for part in parts]),
    )


def _ending(entry: Occurrence) -> Ending:
    return _ENDINGS.get(entry.detail.partition(" ")[0], Ending.OTHER)


def _known(days: Days, units: Units, day: int, seed: int, brief: float) -> Single:
    """Features on a day, of some jars with a history that begins shortly before it."""
    whole = features(days, units, day)
    if brief <= 0:
        return whole
    chance = np.random.default_rng((seed, day))
    cut: Mask = chance.random(len(whole)) < brief
    begin = max(day - int(chance.choice(BRIEF)) - days.first, 0)
    part = Days(
        days.first + begin,
        days.voltage[begin:],
        days.temperature[begin:],
        days.temperature_min[begin:],
        days.temperature_max[begin:],
        days.resistance[begin:],
        days.discharges[begin:],
        days.drawn[begin:],
    )
    return np.where(cut[:, None], features(part, units, day), whole)


def _rows(
    years: PlantYears,
    fleets: tuple[Fleet, Fleet],
    tenancies: Tenancies,
    living: NDArray[np.intp],
    day: int,
    known: Single,
) -> Outcomes:
    whole, fleet = fleets
    first = fleet.sites[0].path
    site_offset = next(i for i, site in enumerate(whole.sites) if site.path == first)
    string_offset = whole.systems[whole.sites[site_offset].systems.start].strings.start
    jar_offset = whole.strings[string_offset].jars.start
    place, fails = tenancies.place[living], tenancies.fails[living]
    end = np.minimum(
        tenancies.left[living], years.after
    )  # a jar taken out before it failed was seen until then
    failed = fails < end
    unit = unit_numbers(years.seed, place + jar_offset, tenancies.generation[living])
    return Outcomes(
        features=known,
        lived=np.where(failed, fails, end) - day,
        failed=failed,
        unit=unit,
        string=(years.seed * _PLACES + fleet.string_of_jar[place] + string_offset).astype(np.int64),
        site=(fleet.site_of_jar[place] + site_offset).astype(np.intp),
        seed=np.full(len(place), years.seed, np.int64),
        day=np.full(len(place), day, np.int64),
        ending=np.where(failed, tenancies.ending[living], Ending.NONE).astype(np.int8),
    )
