"""What running scenarios do to the plant: their sum is worked out anew at each step.

Nothing of a scenario is kept in the plant's own constants, so a scenario that has ended leaves no trace
but the state of its target (temperature, charge), which the plant brings back to rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Fleet
from nodeset.index import TagIndex
from simulator.calendar import SECOND
from simulator.chance import Floats
from simulator.scenarios import Scenario

Flags = NDArray[np.bool_]

JAR_QUANTITIES = ("Voltage", "Temperature", "InternalResistance")
DEPTH_REFERENCE = 12.0  # V, nominal voltage of the jar that DepthVoltage speaks of


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


@dataclass(frozen=True)
class Effects:
    """What disturbs the plant, by asset; no disturbance is 0, 1, False or infinity as fits."""

    outage: Flags  # strings without mains
    depth: Floats  # systems: nominal fraction of the voltage at which an outage ends
    load: Floats  # systems: factor
    site_outage: Flags
    hvac_failed: Flags  # sites
    warming: Floats  # sites, K/s
    ceiling: Floats  # sites, °C
    room_rise: Floats  # sites, K
    jar_rise: Floats  # jars, K
    runaway_peak: Floats  # jars, °C; NaN where there is none
    runaway_rate: Floats  # jars, K/s
    resistance: Floats  # jars: factor
    capacity: Floats  # jars: factor
    lost: Flags  # rows that do not arrive
    fault: NDArray[np.int8]  # rows: Fault, or -1
    bias: Floats  # rows


def no_effects(index: TagIndex) -> Effects:
    """An undisturbed plant."""
    fleet, rows = index.fleet, index.size
    sites, systems, jars = len(fleet.sites), len(fleet.systems), len(fleet.jars)
    return Effects(
        outage=np.zeros(len(fleet.strings), np.bool_),
        depth=np.zeros(systems),
        load=np.ones(systems),
        site_outage=np.zeros(sites, np.bool_),
        hvac_failed=np.zeros(sites, np.bool_),
        warming=np.zeros(sites),
        ceiling=np.full(sites, np.inf),
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


def effects_of(index: TagIndex, scenarios: tuple[Scenario, ...], now: int) -> Effects:
    """All effects of the running scenarios at `now` [µs]."""
    effects = no_effects(index)
    for scenario in scenarios:
        age = (now - scenario.started) / SECOND
        _APPLY[scenario.scenario](effects, index, scenario.target, scenario.parameters, age)
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


Values = Mapping[str, float]


def _power_outage(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    part = parts(index.fleet, target)
    effects.outage[part.strings] = True
    effects.depth[part.systems] = values["DepthVoltage"] / DEPTH_REFERENCE
    effects.load[part.systems] *= values["LoadFactor"]
    if part.site is not None:
        effects.site_outage[part.site] = True


def _hvac_failure(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    site = parts(index.fleet, target).site
    effects.hvac_failed[site] = True
    effects.warming[site] = values["Rate"] / 3600.0
    effects.ceiling[site] = values["Ceiling"]


def _temperature_spike(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    part = parts(index.fleet, target)
    effects.jar_rise[part.jars] += values["Rise"]
    if part.site is not None:
        effects.room_rise[part.site] += values["Rise"]


def _thermal_runaway(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    jars = parts(index.fleet, target).jars
    effects.runaway_peak[jars] = values["Peak"]
    effects.runaway_rate[jars] = values["Rate"] / 60.0


def _accelerated_ageing(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    jars = parts(index.fleet, target).jars
    ramp = values["Ramp"] * 60.0
    reached = min(age / ramp, 1.0) if ramp > 0.0 else 1.0
    effects.resistance[jars] *= 1.0 + values["ResistanceRise"] / 100.0 * reached
    effects.capacity[jars] *= 1.0 - values["CapacityLoss"] / 100.0 * reached


def _sensor_fault(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    jars = parts(index.fleet, target).jars
    quantity = JAR_QUANTITIES[round(values["Quantity"])]
    rows = index.slice(AssetType.JAR, quantity)
    chosen = slice(rows.start + jars.start, rows.start + jars.stop)
    effects.fault[chosen] = round(values["Fault"])
    effects.bias[chosen] = values["Bias"]


def _communication_loss(effects: Effects, index: TagIndex, target: str, values: Values, age: float) -> None:
    part = parts(index.fleet, target)
    sites = slice(0, 0) if part.site is None else slice(part.site, part.site + 1)
    spans = {
        AssetType.SITE: sites,
        AssetType.SYSTEM: part.systems,
        AssetType.STRING: part.strings,
        AssetType.JAR: part.jars,
    }
    for tag in index.tags:
        if tag.asset in spans:
            column = index.column(effects.lost, tag.asset, tag.name)
            column[spans[tag.asset]] = True


_APPLY: dict[str, Callable[[Effects, TagIndex, str, Values, float], None]] = {
    "PowerOutage": _power_outage,
    "HvacFailure": _hvac_failure,
    "TemperatureSpike": _temperature_spike,
    "ThermalRunaway": _thermal_runaway,
    "AcceleratedAgeing": _accelerated_ageing,
    "SensorFault": _sensor_fault,
    "CommunicationLoss": _communication_loss,
}
