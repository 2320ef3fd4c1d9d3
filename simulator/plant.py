"""The plant: weather, rooms, mains, loads, strings and monitors of the whole fleet, stepped together.

`Plant` is the one object with state (state.py); what never changes is its `Makeup`. `advance` carries it to a
time in steps that are short while a battery works, long while all float, and cut at every change of mains
and air conditioning and at every failure and replacement of a jar, so any speed is stable. Everything
that is random is a function of (seed, asset, time); a new plant runs through the last hours before its
start, so two plants with the same seed agree from then on, whichever started earlier: in all that is random
and in what happens to the microsecond, in temperatures and charge within the noise of their sensors, and in
wear within some per mille of the capacity (tenure.py says why).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator import bus as dc
from simulator import jars as cells
from simulator import logbook
from simulator.ageing import Wear, Years, broken, wear
from simulator.calendar import SECOND
from simulator.chance import Floats
from simulator.effects import Effects, Flags, Parts, no_effects, rows_of
from simulator.interruptions import NEVER
from simulator.makeup import Makeup, makeup_of
from simulator.occurrences import Occurrence
from simulator.parameters import AGEING, LOAD, Ageing
from simulator.runaway import runaway
from simulator.state import State, chosen, taken
from simulator.tenure import Ending
from simulator.truth import Scene, truth

_WORKING_STEP = 5.0  # s, while a battery discharges
_FLOATING_STEP = 60.0  # s
MOST_STEPS = 24  # in one call of `advance`, however far behind, but for what cuts steps
_LAST_HOURS = 6 * 3600 * SECOND  # µs before its start that a new plant runs through in short steps,
_STEP_BEFORE = 300 * SECOND  # µs each,
_STEPS_BEFORE = 48  # and what is before them in that many
_WEAR_EVERY = 3600 * SECOND  # µs
_RESTED = 48 * 3600.0  # s of float after which a jar is at rest
_SETTLING = 2 * 3600 * SECOND  # µs that a new plant runs before its start
# Column of `dc.Rectifiers`, and its unit in that of the tag.
_SET_POINTS = {"FloatVoltageSetpoint": ("float_voltage", 1.0), "ChargeCurrentLimit": ("charge_limit", 0.01)}
_RECHARGE = 30 * 3600 * SECOND  # µs after which an outage is forgotten
_LONGEST_BEFORE = 72 * 3600 * SECOND  # µs
_COOLING = 4 * 3600 * SECOND  # µs after which a repaired room is as if it had never been warm


class Plant:
    """The simulated plant of a fleet at `time` [µs]; the same seed gives the same plant. `figures` says how
    its jars differ when new."""

    def __init__(self, index: TagIndex, seed: int, time: int, figures: Ageing = AGEING) -> None:
        self._makeup = makeup_of(index, seed, figures)
        self.index, self.fleet, self.seed = index, index.fleet, seed
        self._effects = no_effects(index)
        self._book = logbook.LogBook(self.fleet)
        self.time = self._start_of_run(time)
        self._tenure = self._makeup.tenures.at(self.time)
        self._next_of_jars = self._tenure.next_change(self.time)
        self._complete = int(self._tenure.since.max())  # when the last of the first jars is installed
        self._out = self._makeup.outages.active(self.time)
        self._hot = self._makeup.hvac.active(self.time)
        self._aged_at = self.time
        self.state = self._begun()
        for _ in range(4):  # until the heat of float is at balance
            self._solve()
            self.state = replace(self.state, jars=self._jars_later(_RESTED))
        self.advance(time - _LAST_HOURS, _STEPS_BEFORE)
        self.advance(time, (time - self.time) // _STEP_BEFORE)
        self._book.taken()
        self._held = np.zeros(index.size)
        self._held[self._makeup.sensors.rows] = self._truth()

    # Copies

    def fork(self) -> Plant:
        """A plant of its own at the same time and in the same state, with an empty log book; what does not
        change is shared."""
        other = copy.copy(self)
        other._held, other._book = self._held.copy(), logbook.LogBook(self.fleet)
        return other

    def restore(self, part: Parts, other: Plant) -> None:
        """Take the state of some assets from another plant of the same fleet and time; the rest goes on."""
        self.state = taken(self.state, other.state, part)
        rows = rows_of(self.index, part)
        self._held[rows] = other._held[rows]
        self._solve()

    @property
    def makeup(self) -> Makeup:
        """What never changes, unless the plant becomes another."""
        return self._makeup

    def become(self, makeup: Makeup, state: State, held: Mapping[int, float]) -> None:
        """Go on from another state with another makeup, and with jars that stand for ever; `held` is what
        some rows are taken to have read last."""
        never = np.full(len(self.fleet.jars), NEVER)
        self._makeup, self.state = makeup, state
        self._tenure, self._next_of_jars = replace(self._tenure, fails=never, replaced=never), NEVER
        self._out, self._hot = makeup.outages.active(self.time), makeup.hvac.active(self.time)
        self._held[list(held)] = list(held.values())
        self.state = replace(state, worn=self._worn(state.years))
        self._solve()

    def occurrences(self) -> tuple[Occurrence, ...]:
        """What has happened since this was last asked, oldest first; the oldest are forgotten in the end."""
        return self._book.taken()

    # Time

    def advance(self, time: int, most_steps: int = MOST_STEPS) -> None:
        """Carry the plant to `time` [µs] in about `most_steps` at most; a time passed changes nothing."""
        steps = 0
        while self.time < time:
            self._step(self._next_stop(time, max(most_steps - steps, 1)))
            steps += 1

    def readings(self) -> Readings:
        """What the monitors read now."""
        sensors = self._makeup.sensors
        readings = sensors.read(self._truth(), self._held[sensors.rows], self._effects, self.time)
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
        column = getattr(self.state.rectifiers, name).copy()
        column[system] = value * scale
        self.state = replace(self.state, rectifiers=replace(self.state.rectifiers, **{name: column}))

    # Disturbances

    def disturb(self, effects: Effects) -> None:
        """Feel these effects, and no others, from now on."""
        self._effects = effects
        self._solve()

    def read_rows(self) -> Flags:
        """Which rows of the index the monitors read."""
        rows = np.zeros(self.index.size, np.bool_)
        rows[self._makeup.sensors.rows] = True
        return rows

    def surroundings(self) -> Floats:
        """Temperature [°C] that each jar stands in."""
        room = self.state.room.temperature[self.fleet.site_of_jar]
        return np.where(np.isnan(self._effects.surroundings), room, self._effects.surroundings)

    def string_voltages(self) -> Floats:
        """True voltage [V] of each string."""
        return self.state.bus.string_voltage

    def dropped_strings(self) -> Flags:
        """Strings without mains that have reached their cut-off."""
        return self.state.offline

    # Beginning

    def _start_of_run(self, time: int) -> int:
        """Before all that is still felt at `time`, or long before it where there is always something."""
        start, earliest = time - _SETTLING, time - _LONGEST_BEFORE
        while start > earliest:
            outage = self._makeup.outages.busy_since(start, _RECHARGE)
            hot = self._makeup.hvac.busy_since(start, _COOLING)
            began = min((when for when in (outage, hot) if when is not None), default=None)
            if began is None:
                return start
            start = began - SECOND
        return earliest

    def _begun(self) -> State:
        """At rest on float, as old as the calendar says."""
        makeup = self._makeup
        room = makeup.rooms.settled(makeup.climate.outdoors(self.time), self.time)
        jars = cells.rested(makeup.plates, room.temperature[self.fleet.site_of_jar] + makeup.plates.place)
        years = self._tenure.begun(makeup.tenures.paces, self.time)
        strings, systems = len(self.fleet.strings), len(self.fleet.systems)
        nothing = dc.Bus(np.zeros(systems), np.zeros(strings), np.zeros(strings), np.zeros(strings, np.bool_))
        worn = self._worn(years)
        main = np.zeros(len(self.fleet.jars))
        return State(room, jars, main, years, worn, np.zeros(strings, np.bool_), makeup.rectifiers, nothing)

    # Steps

    def _next_stop(self, time: int, left: int) -> int:
        """Where the next step ends, with `left` steps to go to `time`."""
        busy = not self._supplied().all()
        usual = (_WORKING_STEP if busy else _FLOATING_STEP) * SECOND
        end = self.time + max(round(usual), -(-(time - self.time) // left))
        changes = self._makeup.outages.next_change(self.time), self._makeup.hvac.next_change(self.time)
        return max(min(end, time, *changes, self._next_of_jars), self.time + 1)

    def _step(self, time: int) -> None:
        dt, since = (time - self.time) / SECOND, self.time
        state, makeup = self.state, self._makeup
        room = makeup.rooms.step(state.room, makeup.climate.outdoors(time), self._hvac_runs(), time, dt)
        held = self._effects.room
        room = replace(room, temperature=np.where(np.isnan(held), room.temperature, held))
        self.state = replace(state, room=room, jars=self._jars_later(dt), years=self._years_later(dt))
        self.time = time
        self._note_interruptions()
        if time >= self._next_of_jars:
            self._replace_jars(since)
        if time - self._aged_at >= _WEAR_EVERY:
            self.state, self._aged_at = replace(self.state, worn=self._worn(self.state.years)), time
        self._solve()

    def _jars_later(self, dt: float) -> cells.JarState:
        state, plates, around = self.state, self._makeup.plates, self.surroundings()
        hot = runaway(plates, state.jars, self._effects)
        heat = 0.0 if hot is None else hot.heat
        later = cells.moved(plates, self._wear(), state.jars, state.main, around, heat, dt)
        if hot is None:
            return later
        peak = np.maximum(hot.peak, state.jars.temperature)
        return replace(later, rise=np.minimum(later.rise, peak - later.case))

    def _years_later(self, dt: float) -> Years:
        state = self.state
        drawn = np.maximum(-state.main, 0.0) * (dt / 3600.0) / self._makeup.plates.rated
        later = state.years.later(state.jars.soc, drawn, state.jars.temperature, dt)
        if self.time >= self._complete:
            return later
        return later.renewed(self._tenure.since > self.time)  # nothing ages before it is installed

    def _note_interruptions(self) -> None:
        out, hot = self._makeup.outages.active(self.time), self._makeup.hvac.active(self.time)
        self._book.sites(self.time, logbook.OUTAGES, self._out, out)
        self._book.sites(self.time, logbook.HVAC, self._hot, hot)
        self._out, self._hot = out, hot

    def _replace_jars(self, since: int) -> None:
        """Let jars fail whose time has come since `since` [µs], and new ones take their places."""
        before, places = self._tenure, self._makeup.plates
        self._tenure = self._makeup.tenures.after(before, self.time)
        self._next_of_jars = self._tenure.next_change(self.time)
        self._book.jars(since, self.time, before, self._tenure)
        new = self._tenure.generation != before.generation
        state, fresh = self.state, cells.rested(places, self.surroundings() + places.place)
        years = state.years.renewed(new)
        self.state = replace(state, jars=chosen(state.jars, fresh, new), years=years, worn=self._worn(years))

    def _solve(self) -> None:
        """Find voltages and currents now; at its cut-off a string without mains drops its load."""
        lost = ~self._supplied()
        self.state = replace(self.state, offline=self.state.offline & lost)
        self._share(lost)
        if not lost.any():
            return
        state, cutoff = self.state, self._makeup.cutoff[self.fleet.system_of_string]
        below = lost & ~state.offline & ((state.bus.string_voltage <= cutoff) | state.bus.collapsed)
        if below.any():
            self.state = replace(state, offline=state.offline | below)
            self._share(lost)

    def _share(self, lost: Flags) -> None:
        state, fleet, plates = self.state, self.fleet, self._makeup.plates
        power = np.where(lost & ~state.offline, self._string_loads() / LOAD.efficiency, 0.0)
        warmer = self._effects.jar_rise
        hot = runaway(plates, state.jars, self._effects)
        leak = 0.0 if hot is None else hot.leak
        circuit = cells.circuit_at(plates, self._wear(), state.jars, warmer, leak)
        supply = dc.supply(fleet, plates, state.rectifiers, state.jars.temperature + warmer)
        bus, jars, main = dc.solve(fleet, plates, circuit, state.jars, dc.Demand(power, ~lost), supply)
        self.state = replace(state, bus=bus, jars=jars, main=main)

    # What follows from the state

    def _worn(self, years: Years) -> Wear:
        shorted, opened = (self._tenure.broken(self.time, end) for end in (Ending.SHORTED, Ending.OPEN))
        return broken(wear(self._tenure.births, years), shorted, opened)

    def _wear(self) -> Wear:
        worn = self.state.worn
        return replace(
            worn,
            capacity=worn.capacity * self._effects.capacity,
            resistance=worn.resistance * self._effects.resistance,
        )

    def _mains_at_sites(self) -> Flags:
        return ~(self._out | self._effects.site_outage)

    def _supplied(self) -> Flags:
        """Strings that have mains."""
        on: Flags = ~(self._out[self.fleet.site_of_string] | self._effects.outage)
        return on

    def _hvac_failed(self) -> Flags:
        return self._hot | self._effects.hvac_failed

    def _hvac_runs(self) -> Flags:
        return self._mains_at_sites() & ~self._hvac_failed()

    def _string_loads(self) -> Floats:
        whole = self._makeup.loads.at(self.time)[self.fleet.system_of_string]
        load: Floats = whole * self._makeup.share_of_load * self._effects.load
        return load

    def _truth(self) -> Floats:
        """True values of the measured rows, tag by tag."""
        return truth(self._scene(), self._makeup.sensors.tags)

    def _scene(self) -> Scene:
        first = self.fleet.first_string_of_system
        dropped = np.logical_and.reduceat(self.state.offline, first)
        return Scene(
            fleet=self.fleet,
            rated=self._makeup.plates.rated,
            state=self.state,
            wear=self._wear(),
            effects=self._effects,
            mains=self._mains_at_sites(),
            supplied=np.logical_or.reduceat(self._supplied(), first),
            dropped=dropped,
            load=np.where(dropped, 0.0, np.add.reduceat(self._string_loads(), first)),
            hvac_failed=self._hvac_failed(),
        )
