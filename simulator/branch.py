"""A branch: a copy of the plant in which the scenarios of one target, and of assets below it, take effect.

It remembers what each step of a scenario must know of its target (`Course`), and carries the copy on in
steps that are cut where a disturbance begins or ends, and short while an outage empties a battery.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from nodeset import status as st
from nodeset.fleet import Fleet
from nodeset.frame import Readings
from simulator.calendar import SECOND
from simulator.chance import Floats
from simulator.effects import Course, Effects, Flags, effects_of, parts, rows_of
from simulator.plant import MOST_STEPS, Plant
from simulator.scenarios import Scenario, Step

DEPTH_REFERENCE: Final = 12.0  # V, nominal voltage of the jar that DepthVoltage speaks of
_USUAL: Final = 5 * SECOND  # µs
# While an outage empties a battery: µs, and V a jar above the depth for which that is short enough; farther
# off, steps are longer in proportion, so that the depth is met within some 10 mV.
_DISCHARGING: Final = 15 * SECOND
_NEAR: Final = 0.15
_FAR: Final = 8  # times as long at most
# While a jar in runaway climbs, and before anybody looks at it: µs, and how long before.
_CLIMBING: Final = 60 * SECOND
_SETTLING: Final = 3600 * SECOND
_LONGEST_CLIMB: Final = 6 * 3600 * SECOND
_AT_PEAK: Final = 2.0  # K

Key = tuple[str, int, str]  # simulation, number of the step, its target


class Branch:
    """A plant of its own for `target` and all below it, which without scenarios feels `base`; `rows` are the
    measured rows it speaks for."""

    def __init__(self, plant: Plant, base: Effects, target: str) -> None:
        self.plant, self.target, self._base = plant, target, base
        part = parts(plant.fleet, target)
        self.rows: Flags = rows_of(plant.index, part) & plant.read_rows()
        self._set_points = {int(row): float("nan") for row in plant.index.writable() if self.rows[row]}
        self._courses: dict[Key, Course] = {}
        self._nominal = _nominal(plant.fleet)

    def split(self, target: str) -> Branch:
        """A branch for an asset below, which goes on from where this one is."""
        other = Branch(self.plant.fork(), self._base, target)
        other._courses = dict(self._courses)
        return other

    def absorb(self, other: Branch) -> None:
        """Take over the assets of a branch below at the same time, and what it remembers."""
        self.plant.restore(parts(self.plant.fleet, other.target), other.plant)
        self._courses |= other._courses

    def advance(self, scenarios: Iterable[Scenario], time: int) -> None:
        """Carry the copy to `time` [µs] under the disturbances of some scenarios."""
        steps = {(s.id, step.number, step.target): step for s in scenarios for step in s.steps}
        self._courses = {key: course for key, course in self._courses.items() if key in steps}
        left = MOST_STEPS
        while self.plant.time < time:
            courses = self._in_force(steps)
            stop = self._next_stop(steps, courses, time, left)
            self.plant.disturb(self._effects(courses, stop))
            self.plant.advance(stop, most_steps=1)
            self._note_depth(courses)
            left = max(left - 1, 1)
        self.plant.disturb(self._effects(self._in_force(steps), time))

    def follow(self, readings: Readings) -> None:
        """Set the copy's rectifiers as the plant's are."""
        here = np.isin(readings.rows, list(self._set_points)) & st.is_good(readings.status)
        now = dict(zip(readings.rows[here].tolist(), readings.value[here].tolist(), strict=True))
        changed = {row: value for row, value in now.items() if value != self._set_points[row]}
        if changed:
            self._set_points |= changed
            self.plant.set_points(changed)

    def readings(self) -> Readings:
        """What the monitors of the target read now."""
        found = self.plant.readings()
        mine = self.rows[found.rows]
        return Readings(found.rows[mine], found.value[mine], found.status[mine], found.time[mine])

    def _effects(self, courses: list[Key], time: int) -> Effects:
        found = [self._courses[key] for key in courses]
        return effects_of(self.plant.index, self._base, found, time)

    def _in_force(self, steps: dict[Key, Step]) -> list[Key]:
        """The steps that are in force now; one that begins looks about itself."""
        found = [key for key, step in steps.items() if step.holds(self.plant.time)]
        for key in found:
            course = self._courses.get(key)
            if course is None:
                self._courses[key] = self._begun(steps[key])
            elif course.step != steps[key]:  # adjusted: an outage that was over begins again
                self._courses[key] = replace(course, step=steps[key], supplied=self._none_supplied())
        return found

    def _begun(self, step: Step) -> Course:
        jars = parts(self.plant.fleet, step.target).jars
        return Course(step, float(self.plant.surroundings()[jars].mean()), self._none_supplied())

    def _none_supplied(self) -> Flags:
        return np.zeros(len(self.plant.fleet.strings), np.bool_)

    def _next_stop(self, steps: dict[Key, Step], courses: list[Key], time: int, left: int) -> int:
        now = self.plant.time
        span = max(_USUAL, -(-(time - now) // left))
        span = min([span, *(self._patience(key, time - now) for key in courses)])
        edges = [edge for step in steps.values() for edge in (step.begin, step.end) if edge is not None]
        return min([now + span, time, *(edge for edge in edges if edge > now)])

    def _discharges(self, key: Key) -> bool:
        step = self._courses[key].step
        strings = parts(self.plant.fleet, step.target).strings
        return step.kind == "PowerOutage" and not self._courses[key].supplied[strings].all()

    def _patience(self, key: Key, left: int) -> int:
        """How long a step may be for one of the disturbances, `left` [µs] before somebody looks."""
        if self._discharges(key):
            return self._until_depth(key)
        if self._courses[key].step.kind != "ThermalRunaway":
            return left
        return _CLIMBING if left <= _SETTLING or self._climbs(key) else left - _SETTLING

    def _climbs(self, key: Key) -> bool:
        step, plant = self._courses[key].step, self.plant
        hottest = plant.state.jars.temperature[parts(plant.fleet, step.target).jars].max()
        begun = plant.time - step.begin
        return begun < _LONGEST_CLIMB and hottest < step.phases[-1].parameters["Peak"] - _AT_PEAK

    def _until_depth(self, key: Key) -> int:
        """A time [µs] in which no string of an outage comes near to its depth."""
        strings = parts(self.plant.fleet, self._courses[key].step.target).strings
        above = (self.plant.string_voltages() / self._nominal - self._depth(key))[strings] * DEPTH_REFERENCE
        left = above[~self._courses[key].supplied[strings]]
        return round(_DISCHARGING * min(max(float(left.min()) / _NEAR, 1.0), _FAR))

    def _depth(self, key: Key) -> float:
        """Share of the nominal voltage at which an outage ends."""
        return self._courses[key].step.phases[-1].parameters["DepthVoltage"] / DEPTH_REFERENCE

    def _note_depth(self, courses: list[Key]) -> None:
        """The supply of a string returns when its jars have reached the depth, or it has dropped its load."""
        volts, dropped = self.plant.string_voltages(), self.plant.dropped_strings()
        for key in filter(self._discharges, courses):
            course = self._courses[key]
            deep = (volts <= self._depth(key) * self._nominal) | dropped
            self._courses[key] = replace(course, supplied=course.supplied | deep)


def _nominal(fleet: Fleet) -> Floats:
    """Nominal voltage of each string [V]."""
    nominal: Floats = np.add.reduceat(
        [jar.model.nominal_voltage for jar in fleet.jars], fleet.first_jar_of_string
    )
    return nominal
