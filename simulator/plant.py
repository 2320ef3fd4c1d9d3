"""The plant: weather, rooms, mains, loads, strings and monitors of the whole fleet, stepped together.

`Plant` is the one object with state. `advance` carries it to a time in steps that are short while a
battery works, long while all float, and cut at every change of mains, so any speed is stable. Everything
that is random is a function of (seed, asset, time); a new plant runs through the last hours before its
start, so two plants with the same seed agree from then on, whichever started earlier.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Hvac, Mains, Mode, Origin
from simulator import bus as dc
from simulator import jars as cells
from simulator.ageing import Wear, age_at, ageing_of, arrhenius
from simulator.calendar import SECOND, YEAR
from simulator.chance import Floats
from simulator.climate import climate_of
from simulator.effects import Effects, Flags, Parts, no_effects, rows_of
from simulator.load import loads_of
from simulator.mains import mains_of
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.parameters import ELECTRICAL, LOAD
from simulator.room import RoomState, rooms_of
from simulator.sensors import sensors_of

_WORKING_STEP = 5.0  # s, while a battery discharges
_FLOATING_STEP = 60.0  # s
_REMEMBERED = 10_000  # occurrences
MOST_STEPS = 24  # in one call of `advance`, however far behind, but for changes of mains
_WEAR_EVERY = 3600.0  # s
_SETTLING = 2 * 3600 * SECOND  # µs that a new plant runs before its start
# Column of `dc.Rectifiers`, and its unit in that of the tag.
_SET_POINTS = {"FloatVoltageSetpoint": ("float_voltage", 1.0), "ChargeCurrentLimit": ("charge_limit", 0.01)}
_RECHARGE = 30 * 3600 * SECOND  # µs after which an outage is forgotten

Arrays = TypeVar("Arrays", cells.JarState, Wear, dc.Rectifiers, RoomState)  # dataclasses of aligned arrays


class Plant:
    """The simulated plant of a fleet at `time` [µs]; the same seed gives the same plant."""

    def __init__(self, index: TagIndex, seed: int, time: int) -> None:
        fleet = index.fleet
        self.index, self.fleet, self.seed = index, fleet, seed
        self._climate, self._mains = climate_of(fleet, seed), mains_of(fleet, seed)
        self._rooms, self._loads = rooms_of(fleet, seed), loads_of(fleet, seed)
        self._plates, self._ageing = cells.plates_of(fleet, seed), ageing_of(fleet, seed)
        self._sensors = sensors_of(index, seed)
        self._rectifiers = dc.rectifiers_of(fleet, self._plates)
        self._cutoff = dc.cutoff_voltage(fleet, self._plates)
        self._share_of_load = dc.share_of_load(fleet, self._plates)
        self._effects = no_effects(index)
        self._offline = np.zeros(len(fleet.strings), np.bool_)
        self._happened: deque[Occurrence] = deque(maxlen=_REMEMBERED)
        self.time = self._start_of_run(time)
        self._lit = self._mains.present(self.time)
        self._age = age_at(fleet, self._climate, self._rooms, self._plates.place, self.time)
        self._aged_at = self.time
        self._worn = self._ageing.wear(self._age)
        self._room = self._rooms.settled(self._climate.outdoors(self.time), self.time)
        self._jars = cells.rested(
            self._plates, self._room.temperature[fleet.site_of_jar] + self._plates.place
        )
        for _ in range(4):
            self._solve()
        self.advance(time)
        self._happened.clear()
        self._held = np.zeros(index.size)
        self._held[self._sensors.rows] = self._truth()

    # Copies

    def fork(self) -> Plant:
        """A plant of its own at the same time and in the same state; constants are shared."""
        other = copy.copy(self)
        other._held, other._happened = self._held.copy(), self._happened.copy()
        return other

    def restore(self, part: Parts, other: Plant) -> None:
        """Take the state of some assets from another plant of the same fleet and time; the rest goes on."""
        jars, strings, systems = part.jars, part.strings, part.systems
        self._jars, self._worn = _taken(self._jars, other._jars, jars), _taken(self._worn, other._worn, jars)
        self._age = _mixed(self._age, other._age, jars)
        self._offline = _mixed(self._offline, other._offline, strings)
        self._rectifiers = _taken(self._rectifiers, other._rectifiers, systems)
        if part.site is not None:
            self._room = _taken(self._room, other._room, slice(part.site, part.site + 1))
        rows = rows_of(self.index, part)
        self._held[rows] = other._held[rows]
        self._solve()

    def occurrences(self) -> tuple[Occurrence, ...]:
        """What has happened since this was last asked, oldest first; the oldest are forgotten in the end."""
        happened = tuple(self._happened)
        self._happened.clear()
        return happened

    # Time

    def advance(self, time: int, most_steps: int = MOST_STEPS) -> None:
        """Carry the plant to `time` [µs] in about `most_steps` at most; a time passed changes nothing."""
        steps = 0
        while self.time < time:
            self._step(self._next_stop(time, max(most_steps - steps, 1)))
            steps += 1

    def readings(self) -> Readings:
        """What the monitors read now."""
        readings = self._sensors.read(self._truth(), self._held[self._sensors.rows], self._effects, self.time)
        self._held[readings.rows] = readings.value
        return readings

    def set_point(self, row: int, value: float) -> None:
        """Set a rectifier as from now; `row` is that of a set-point, `value` in its unit."""
        self.set_points({row: value})

    def set_points(self, values: Mapping[int, float]) -> None:
        """Set rectifiers as from now; values by the rows of set-points."""
        for row, value in values.items():
            self._set(row, value)
        self._solve()

    def _set(self, row: int, value: float) -> None:
        tag, system = self.index.locate(row)
        name, scale = _SET_POINTS[tag.name]
        column = getattr(self._rectifiers, name).copy()
        column[system] = value * scale
        self._rectifiers = replace(self._rectifiers, **{name: column})

    # Disturbances

    def disturb(self, effects: Effects) -> None:
        """Feel these effects, and no others, from now on."""
        self._effects = effects
        self._solve()

    def read_rows(self) -> Flags:
        """Which rows of the index the monitors read."""
        rows = np.zeros(self.index.size, np.bool_)
        rows[self._sensors.rows] = True
        return rows

    def surroundings(self) -> Floats:
        """Temperature [°C] that each jar stands in."""
        room = self._room.temperature[self.fleet.site_of_jar]
        return np.where(np.isnan(self._effects.surroundings), room, self._effects.surroundings)

    def string_voltages(self) -> Floats:
        """True voltage [V] of each string."""
        return self._bus.string_voltage

    def dropped_strings(self) -> Flags:
        """Strings without mains that have reached their cut-off."""
        return self._offline

    # Steps

    def _start_of_run(self, time: int) -> int:
        outage = self._mains.last_start(time)
        if outage is not None and time - outage < _RECHARGE:
            return min(outage - SECOND, time - _SETTLING)
        return time - _SETTLING

    def _next_stop(self, time: int, left: int) -> int:
        """Where the next step ends, with `left` steps to go to `time`."""
        busy = not self._supplied().all()
        usual = (_WORKING_STEP if busy else _FLOATING_STEP) * SECOND
        end = self.time + max(round(usual), -(-(time - self.time) // left))
        return max(min(end, time, self._mains.next_change(self.time)), self.time + 1)

    def _step(self, time: int) -> None:
        dt = (time - self.time) / SECOND
        weather = self._climate.outdoors(time)
        room = self._rooms.step(self._room, weather, self._hvac_runs(), time, dt)
        held = self._effects.room
        self._room = replace(room, temperature=np.where(np.isnan(held), room.temperature, held))
        self._jars = self._heated(dt)
        self.time = time
        self._note_outages()
        self._grow_older(dt)
        self._solve()

    def _note_outages(self) -> None:
        lit = self._mains.present(self.time)
        for site in np.flatnonzero(lit != self._lit).tolist():
            kind = OccurrenceKind.OUTAGE_ENDED if lit[site] else OccurrenceKind.OUTAGE_BEGAN
            self._happened.append(Occurrence(self.time, kind, self.fleet.sites[site].path))
        self._lit = lit

    def _heated(self, dt: float) -> cells.JarState:
        before = self._jars.temperature
        wear = self._wear()
        after = cells.moved(self._plates, wear, self._jars, self.surroundings(), dt)
        peak = self._effects.runaway_peak
        own = np.minimum(before + self._effects.runaway_rate * dt, np.fmax(peak, before))
        return replace(after, temperature=np.where(np.isnan(peak), after.temperature, own))

    def _grow_older(self, dt: float) -> None:
        self._age = self._age + arrhenius(self._jars.temperature) * (dt / YEAR)
        if (self.time - self._aged_at) / SECOND >= _WEAR_EVERY:
            self._worn, self._aged_at = self._ageing.wear(self._age), self.time

    def _solve(self) -> None:
        """Find voltages and currents now; at its cut-off a string without mains drops its load."""
        lost = ~self._supplied()
        self._offline = self._offline & lost
        self._share()
        cutoff = self._cutoff[self.fleet.system_of_string]
        below = lost & ~self._offline & ((self._bus.string_voltage <= cutoff) | self._bus.collapsed)
        if below.any():
            self._offline = self._offline | below
            self._share()

    def _share(self) -> None:
        supplied = self._supplied()
        power = self._string_loads() / LOAD.efficiency
        own = self._jars.temperature
        felt = replace(self._jars, temperature=own + self._effects.jar_rise)
        demand = dc.Demand(np.where(supplied | self._offline, 0.0, power), supplied)
        self._bus, solved = dc.solve(self.fleet, self._plates, self._wear(), felt, demand, self._rectifiers)
        self._jars = replace(solved, temperature=own)

    # What follows from the state

    def _wear(self) -> Wear:
        return replace(
            self._worn,
            capacity=self._worn.capacity * self._effects.capacity,
            resistance=self._worn.resistance * self._effects.resistance,
        )

    def _mains_at_sites(self) -> Flags:
        return self._mains.present(self.time) & ~self._effects.site_outage

    def _supplied(self) -> Flags:
        """Strings that have mains."""
        on: Flags = self._mains.present(self.time)[self.fleet.site_of_string] & ~self._effects.outage
        return on

    def _on_mains(self) -> Flags:
        """Systems of which a string has mains."""
        return np.logical_or.reduceat(self._supplied(), self.fleet.first_string_of_system)

    def _dropped(self) -> Flags:
        """Systems that have dropped their load."""
        return np.logical_and.reduceat(self._offline, self.fleet.first_string_of_system)

    def _hvac_runs(self) -> Flags:
        return self._mains_at_sites() & ~self._effects.hvac_failed

    def _load(self) -> Floats:
        load = np.add.reduceat(self._string_loads(), self.fleet.first_string_of_system)
        return np.where(self._dropped(), 0.0, load)

    def _string_loads(self) -> Floats:
        whole = self._loads.at(self.time)[self.fleet.system_of_string]
        load: Floats = whole * self._share_of_load * self._effects.load
        return load

    def _mode(self) -> Floats:
        limit = self._plates.rated[self.fleet.first_jar_of_string] * ELECTRICAL.recharge_above
        charging = np.logical_or.reduceat(self._bus.current < -limit, self.fleet.first_string_of_system)
        idle = np.where(charging, Mode.RECHARGE, Mode.FLOAT)
        working = np.where(self._dropped(), Mode.OFFLINE, Mode.DISCHARGE)
        return np.where(self._on_mains(), idle, working).astype(np.float64)

    def _truth(self) -> Floats:
        """True values of the measured rows, tag by tag."""
        mains = self._mains_at_sites()
        hvac = np.where(self._effects.hvac_failed, Hvac.FAULT, np.where(mains, Hvac.ON, Hvac.OFF))
        temperature = self._jars.temperature + self._effects.jar_rise
        values: dict[tuple[AssetType, str], Floats] = {
            (AssetType.JAR, "Voltage"): self._jars.voltage,
            (AssetType.JAR, "Temperature"): temperature,
            (AssetType.JAR, "InternalResistance"): 1000.0 * cells.ohmic(self._wear(), temperature),
            (AssetType.STRING, "Current"): self._bus.current,
            (AssetType.SYSTEM, "BusVoltage"): self._bus.voltage,
            (AssetType.SYSTEM, "Load"): self._load() / 1000.0,
            (AssetType.SYSTEM, "OperatingMode"): self._mode(),
            (AssetType.SYSTEM, "FloatVoltageSetpoint"): self._rectifiers.float_voltage,
            (AssetType.SYSTEM, "ChargeCurrentLimit"): 100.0 * self._rectifiers.charge_limit,
            (AssetType.SITE, "AmbientTemperature"): self._room.temperature + self._effects.room_rise,
            (AssetType.SITE, "Humidity"): np.clip(self._room.humidity, 0.0, 100.0),
            (AssetType.SITE, "HvacState"): hvac.astype(np.float64),
            (AssetType.SITE, "MainsState"): np.where(mains, Mains.PRESENT, Mains.LOST).astype(np.float64),
        }
        tags = [tag for tag in self.index.tags if tag.origin is Origin.MEASURED]
        return np.concatenate([values[tag.key] for tag in tags])


def _taken(mine: Arrays, other: Arrays, chosen: slice) -> Arrays:
    """The arrays of `mine`, with those of `other` at `chosen`."""
    arrays = {f.name: _mixed(getattr(mine, f.name), getattr(other, f.name), chosen) for f in fields(mine)}
    return replace(mine, **arrays)


def _mixed(mine: NDArray[Any], other: NDArray[Any], chosen: slice) -> NDArray[Any]:
    mixed = mine.copy()
    mixed[chosen] = other[chosen]
    return mixed
