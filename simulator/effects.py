"""What running scenarios do to a plant: their sum is worked out anew at each step.

Nothing of a scenario is kept in the plant's own constants: what a plant feels is one `Effects`, and a plant
that feels none is undisturbed. How far a scenario has come is ramps.py's; what it must remember of its
target (`Course`) is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Fleet
from nodeset.index import TagIndex
from simulator.chance import Floats
from simulator.ramps import climbed, level, share
from simulator.scenarios import Step

Flags = NDArray[np.bool_]

JAR_QUANTITIES = ("Voltage", "Temperature", "InternalResistance")


class Fault(IntEnum):
    """How a sensor fails."""

    STUCK = 0
    BIASED = 1
    DEAD = 2


@dataclass(frozen=True)
class Parts:
    """Systems, strings and jars at or below a target, and its site where it is one."""

    site: int | None
    systems: slice
    strings: slice
    jars: slice

    def span(self, asset: AssetType) -> slice:
        """The assets of a type among them."""
        sites = slice(0, 0) if self.site is None else slice(self.site, self.site + 1)
        spans = {
            AssetType.SITE: sites,
            AssetType.SYSTEM: self.systems,
            AssetType.STRING: self.strings,
            AssetType.JAR: self.jars,
        }
        return spans.get(asset, slice(0, 0))


@dataclass(frozen=True)
class Effects:
    """What disturbs the plant, by asset; no disturbance is 0, 1, False or NaN as fits."""

    outage: Flags  # strings without mains
    load: Floats  # strings: factor on their share of the load
    site_outage: Flags  # sites whose mains is lost
    hvac_failed: Flags  # sites
    room: Floats  # sites, °C: what the room is held at; NaN where it goes its own way
    surroundings: Floats  # jars, °C: what they stand in, instead of their room
    room_rise: Floats  # sites, K
    jar_rise: Floats  # jars, K
    runaway_peak: Floats  # jars, °C; NaN where there is none
    runaway_rate: Floats  # jars, K/s
    resistance: Floats  # jars: factor
    capacity: Floats  # jars: factor
    lost: Flags  # rows that do not arrive
    fault: NDArray[np.int8]  # rows: Fault, or -1
    bias: Floats  # rows


@dataclass(frozen=True)
class Course:
    """A step on its way: the room's temperature when it began [°C], and the strings whose supply is back."""

    step: Step
    room: float
    supplied: Flags


def no_effects(index: TagIndex) -> Effects:
    """An undisturbed plant."""
    fleet, rows = index.fleet, index.size
    sites, strings, jars = len(fleet.sites), len(fleet.strings), len(fleet.jars)
    return Effects(
        outage=np.zeros(strings, np.bool_),
        load=np.ones(strings),
        site_outage=np.zeros(sites, np.bool_),
        hvac_failed=np.zeros(sites, np.bool_),
        room=np.full(sites, np.nan),
        surroundings=np.full(jars, np.nan),
        room_rise=np.zeros(sites),
        jar_rise=np.zeros(jars),
        runaway_peak=np.full(jars, np.nan),
        runaway_rate=np.zeros(jars),
        resistance=np.ones(jars),
        capacity=np.ones(jars),
        lost=np.zeros(rows, np.bool_),
        fault=np.full(rows, -1, np.int8),
        bias=np.zeros(rows),
    )


def effects_of(index: TagIndex, base: Effects, courses: Iterable[Course], now: int) -> Effects:
    """All effects of steps that are in force, as far as they have come at `now` [µs], on top of `base`."""
    effects = replace(base, **{each.name: getattr(base, each.name).copy() for each in fields(base)})
    for course in courses:
        _APPLY[course.step.kind](effects, index, course, now)
    return effects


def parts(fleet: Fleet, target: str) -> Parts:
    """What belongs to a target."""
    asset, i = fleet.index_of[target]
    if asset is AssetType.SITE:
        return Parts(i, fleet.sites[i].systems, fleet.strings_of_site(i), fleet.jars_of_site(i))
    if asset is AssetType.SYSTEM:
        return Parts(None, slice(i, i + 1), fleet.systems[i].strings, fleet.jars_of_system(i))
    if asset is AssetType.STRING:
        return Parts(None, slice(0, 0), slice(i, i + 1), fleet.strings[i].jars)
    return Parts(None, slice(0, 0), slice(0, 0), slice(i, i + 1))


def rows_of(index: TagIndex, part: Parts) -> Flags:
    """All rows of the assets of a part, measured and calculated."""
    rows = np.zeros(index.size, np.bool_)
    for tag in index.tags:
        index.column(rows, tag.asset, tag.name)[part.span(tag.asset)] = True
    return rows


def _normal_operation(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    """Nothing is disturbed."""


def _power_outage(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    part = parts(index.fleet, course.step.target)
    dark = ~course.supplied[part.strings]
    effects.outage[part.strings] |= dark
    effects.load[part.strings] *= np.where(dark, level(course.step, "LoadFactor", 1.0, now), 1.0)
    if part.site is not None:
        effects.site_outage[part.site] |= bool(dark.any())


def _hvac_failure(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    part = parts(index.fleet, course.step.target)
    begin = course.step.phases[0].parameters["StartTemperature"] or course.room
    warm = climbed(course.step, "Rate", "Ceiling", begin, now)
    effects.surroundings[part.jars] = np.fmax(effects.surroundings[part.jars], warm)
    if part.site is not None:
        effects.hvac_failed[part.site] = True
        effects.room[part.site] = np.fmax(effects.room[part.site], warm)


def _temperature_spike(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    part = parts(index.fleet, course.step.target)
    rise = level(course.step, "Rise", 0.0, now)
    effects.jar_rise[part.jars] += rise
    if part.site is not None:
        effects.room_rise[part.site] += rise


def _thermal_runaway(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    jars = parts(index.fleet, course.step.target).jars
    effects.runaway_peak[jars] = course.step.phases[-1].parameters["Peak"]
    effects.runaway_rate[jars] = level(course.step, "Rate", 0.0, now) / 60.0


def _accelerated_ageing(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    jars = parts(index.fleet, course.step.target).jars
    effects.resistance[jars] *= 1.0 + level(course.step, "ResistanceRise", 0.0, now) / 100.0
    effects.capacity[jars] *= 1.0 - level(course.step, "CapacityLoss", 0.0, now) / 100.0


def _sensor_fault(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    values = course.step.phases[-1].parameters
    jars = parts(index.fleet, course.step.target).jars
    rows = index.slice(AssetType.JAR, JAR_QUANTITIES[round(values["Quantity"])])
    fault = Fault(round(values["Fault"]))
    struck = jars if fault is Fault.BIASED else _first(jars, share(course.step, now))
    chosen = slice(rows.start + struck.start, rows.start + struck.stop)
    effects.fault[chosen] = fault
    effects.bias[chosen] = level(course.step, "Bias", 0.0, now)


def _communication_loss(effects: Effects, index: TagIndex, course: Course, now: int) -> None:
    part = parts(index.fleet, course.step.target)
    fallen = share(course.step, now)
    if fallen >= 1.0:
        effects.lost[rows_of(index, part)] = True
        return
    silent = _first(part.jars, fallen)
    for tag in index.tags:
        if tag.asset is AssetType.JAR:
            index.column(effects.lost, tag.asset, tag.name)[silent] = True


def _first(jars: slice, part: float) -> slice:
    """The first of some jars, as many as `part` (0 to 1) of them."""
    return slice(jars.start, jars.start + int(part * (jars.stop - jars.start)))


_APPLY: dict[str, Callable[[Effects, TagIndex, Course, int], None]] = {
    "NormalOperation": _normal_operation,
    "PowerOutage": _power_outage,
    "HvacFailure": _hvac_failure,
    "TemperatureSpike": _temperature_spike,
    "ThermalRunaway": _thermal_runaway,
    "AcceleratedAgeing": _accelerated_ageing,
    "SensorFault": _sensor_fault,
    "CommunicationLoss": _communication_loss,
}
