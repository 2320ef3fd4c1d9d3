"""Plant years: what the monitors of a simulated fleet would have told, day by day, and its log book; no I/O.

The fleet is simulated with readings every two hours instead of every minute, so whole lives of thousands of
jars take minutes. What is learnt from is what a historian would hold: means, least and greatest of readings
that are possible, and what a site's log tells. The plant's truth (wear, births) is never looked at.
Each group of sites is a plant by itself, as in an offline run (`simulator.offline.groups`), so the same years
give the same bytes however many processes simulate them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.discharges import Outages, discharges
from analytics.history import Days
from analytics.parameters import Parameters, Single
from config.fleetfile import FleetFile
from nodeset import status as st
from nodeset.fleet import AssetType, Fleet, build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.ageing import spread_by
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.offline.groups import Group, groups_of
from simulator.plant import MOST_STEPS, Plant

DAY: Final = 86_400_000_000  # µs
STEP: Final = DAY // 12  # µs between readings
FIRST_SEED: Final = 100  # live plants have smaller ones: what is learnt must not be of their jars
_UNREST: Final = 12 * 3_600_000_000  # µs after an outage in which a battery is recharged
_OUTAGES: Final = (OccurrenceKind.OUTAGE_BEGAN, OccurrenceKind.OUTAGE_ENDED)

Tell = Callable[[int], None]  # hears how many days are done


@dataclass(frozen=True)
class PlantYears:
    """Days `first` to before `after` (since 1970) of a fleet with a seed; `spread` says how much its jars
    differ from each other, against those of the plant (1)."""

    file: FleetFile
    seed: int
    first: int
    after: int
    spread: float = 1.0

    def __post_init__(self) -> None:
        if self.seed < FIRST_SEED:
            raise ValueError(f"seed {self.seed}: seeds below {FIRST_SEED} are those of live plants")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The parts that are simulated each by itself."""
        return groups_of(self.file)


@dataclass(frozen=True)
class Record:
    """What is on record of a part of the fleet: its days, and its log book, oldest first."""

    fleet: Fleet
    days: Days
    log: tuple[Occurrence, ...]


def record_of(years: PlantYears, group: Group, tell: Tell = lambda days: None) -> Record:
    """Simulate a group of sites; what `tell` raises ends it."""
    index = TagIndex(build_fleet(group.file))
    plant = Plant(index, years.seed, years.first * DAY, spread_by(years.spread))
    columns, log = _Columns(index, years.after - years.first), list[Occurrence]()
    for number in range(years.after - years.first):
        day = _Day(index)
        for sample in range(DAY // STEP):
            time = (years.first + number) * DAY + sample * STEP + STEP // 2
            plant.advance(time, _steps(plant, time, log))
            log += plant.occurrences()
            day.take(plant.readings())
        columns.put(number, day)
        tell(number + 1)
    return Record(index.fleet, columns.days(index.fleet, years.first, log), tuple(log))


def outages_of(fleet: Fleet, log: list[Occurrence]) -> Outages:
    """The outages of a log that have begun and ended."""
    number = {site.path: i for i, site in enumerate(fleet.sites)}
    open_since: dict[int, int] = {}
    found: list[tuple[int, int, int]] = []
    for entry in (entry for entry in log if entry.kind in _OUTAGES):
        site = number[entry.path]
        if entry.kind is OccurrenceKind.OUTAGE_BEGAN:
            open_since[site] = entry.time
        elif site in open_since:
            found.append((site, open_since.pop(site), entry.time))
    site_of, began, ended = np.array(found, np.int64).reshape(-1, 3).T
    return Outages(site_of.astype(np.intp), began, ended)


def _steps(plant: Plant, time: int, log: list[Occurrence]) -> int:
    """One step to `time` [µs] while all float; many where an outage comes or has been."""
    if plant.makeup.outages.next_change(plant.time) <= time:
        return MOST_STEPS
    for entry in reversed(log):
        if entry.time < plant.time - _UNREST:
            break
        if entry.kind in _OUTAGES:
            return MOST_STEPS
    return 1


class _Day:
    """Sums up a day's readings of every row of the index."""

    def __init__(self, index: TagIndex) -> None:
        self.sum, self.count = np.zeros(index.size), np.zeros(index.size, np.int64)
        self.least, self.greatest = np.full(index.size, np.inf), np.full(index.size, -np.inf)

    def take(self, readings: Readings) -> None:
        """Take in what is good."""
        good = st.is_good(readings.status)
        rows, value = readings.rows[good], readings.value[good]
        self.sum[rows] += value
        self.count[rows] += 1
        self.least[rows] = np.minimum(self.least[rows], value)
        self.greatest[rows] = np.maximum(self.greatest[rows], value)

    def mean(self, rows: slice) -> NDArray[np.float64]:
        """Means of some rows; NaN where nothing was good."""
        count = self.count[rows]
        mean: NDArray[np.float64] = np.full(len(count), np.nan)
        return np.divide(self.sum[rows], count, out=mean, where=count > 0)


class _Columns:
    """The days as they fill up; what no jar of its model can be (V4) is left out, as the live server does."""

    def __init__(self, index: TagIndex, days: int) -> None:
        jars, systems = len(index.fleet.jars), len(index.fleet.systems)
        names = ("Voltage", "Temperature", "InternalResistance")
        self._of_jars = {name: index.slice(AssetType.JAR, name) for name in names}
        self._loads = index.slice(AssetType.SYSTEM, "Load")
        self._known = {name: np.full((days, jars), np.nan, np.float32) for name in (*names, "Min", "Max")}
        self._load = np.full((days, systems), np.nan, np.float32)
        limits = [jar.model.limits for jar in index.fleet.jars]
        self._voltage = np.array([(one.voltage.low, one.voltage.high) for one in limits]).T
        self._temperature = np.array([(one.temperature.low, one.temperature.high) for one in limits]).T

    def put(self, number: int, day: _Day) -> None:
        """The readings of a day."""
        known, rows = self._known, self._of_jars
        voltage, temperature = day.mean(rows["Voltage"]), day.mean(rows["Temperature"])
        least, greatest = day.least[rows["Temperature"]], day.greatest[rows["Temperature"]]
        possible = _within(least, self._temperature) & _within(greatest, self._temperature)
        known["Voltage"][number] = np.where(_within(voltage, self._voltage), voltage, np.nan)
        for name, value in (("Temperature", temperature), ("Min", least), ("Max", greatest)):
            known[name][number] = np.where(possible, value, np.nan)
        known["InternalResistance"][number] = day.mean(rows["InternalResistance"])
        self._load[number] = day.mean(self._loads)

    def days(self, fleet: Fleet, first: int, log: list[Occurrence]) -> Days:
        """All days, with the discharges of a log."""
        known = self._known
        read = ~np.isnan(known["Temperature"])
        outages, site = outages_of(fleet, log), fleet.site_of_jar
        discharged: tuple[Single, Single] = discharges(
            outages, self._load, first, Parameters.of(fleet), site, read
        )
        return Days(
            first,
            known["Voltage"],
            known["Temperature"],
            known["Min"],
            known["Max"],
            known["InternalResistance"],
            *discharged,
        )


def _within(value: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.bool_]:
    low, high = limits
    return np.asarray((value >= low) & (value <= high), np.bool_)
