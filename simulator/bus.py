"""Strings in parallel on the DC bus of their system: who carries what current at which voltage.

A string is the sum of its jars' linear forms, so bus voltage and string currents are found in closed
form; the jars' curves are followed by a few Newton steps. Jars of a string always share its current, and
their voltages always sum to the bus.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet
from simulator.ageing import Wear
from simulator.chance import Floats
from simulator.jars import JarState, Linear, Plates, branch_voltage, charging, discharging
from simulator.parameters import ELECTRICAL, REFERENCE_TEMPERATURE

_ITERATIONS = 12
_CLOSE = 1e-4  # V
_STRIDE = 0.3  # V, longest Newton step of a jar


@dataclass(frozen=True)
class Demand:
    """What each system wants of its strings: power drawn from the batteries [W], or 0 where none is;
    and where there is mains to charge from."""

    power: Floats
    mains: NDArray[np.bool_]


@dataclass(frozen=True)
class Bus:
    """Voltage [V] of each system's bus, current [A] of each string, and where power was not to be had."""

    voltage: Floats
    current: Floats
    collapsed: NDArray[np.bool_]


def solve(fleet: Fleet, plates: Plates, wear: Wear, state: JarState, demand: Demand) -> tuple[Bus, JarState]:
    """Bus voltages and currents now, and the jars with their current, terminal and branch voltage."""
    on_mains = demand.mains[fleet.system_of_jar]
    set_point = float_voltage(fleet, plates, state.temperature)
    for _ in range(_ITERATIONS):
        out = discharging(plates, wear, state, state.current)
        into = charging(plates, wear, state, state.branch)
        jars = Linear(
            np.where(on_mains, into.source, out.source), np.where(on_mains, into.resistance, out.resistance)
        )
        bus = _share(fleet, plates, jars, demand, set_point)
        current = bus.current[fleet.string_of_jar]
        voltage = jars.source - jars.resistance * current
        behind = branch_voltage(wear, state, voltage, current)
        change = np.clip(behind - state.branch, -_STRIDE, _STRIDE)
        state = replace(state, branch=state.branch + change, current=current, voltage=voltage)
        if np.abs(change).max() < _CLOSE:
            break
    return bus, state


def float_voltage(fleet: Fleet, plates: Plates, temperature: Floats) -> Floats:
    """Float set-point of each system's bus [V]: that of its first string, compensated for its jars'
    mean temperature."""
    warmth = np.clip(temperature - REFERENCE_TEMPERATURE, -25.0, 25.0)
    per_jar = plates.float_voltage + plates.compensation * warmth
    strings = np.add.reduceat(per_jar, fleet.first_jar_of_string)
    mean: Floats = np.add.reduceat(strings, fleet.first_string_of_system) / _strings_of(fleet)
    return mean


def cutoff_voltage(fleet: Fleet, plates: Plates) -> Floats:
    """Bus voltage of each system at which its discharge ends [V]."""
    strings = np.add.reduceat(plates.cutoff, fleet.first_jar_of_string)
    mean: Floats = np.add.reduceat(strings, fleet.first_string_of_system) / _strings_of(fleet)
    return mean


def charge_limit(fleet: Fleet, plates: Plates) -> Floats:
    """Charge current that each system's rectifier can give its strings [A]."""
    strings = plates.rated[fleet.first_jar_of_string] * ELECTRICAL.charge_limit
    total: Floats = np.add.reduceat(strings, fleet.first_string_of_system)
    return total


def _strings_of(fleet: Fleet) -> Floats:
    return np.array([system.strings.stop - system.strings.start for system in fleet.systems], np.float64)


def _share(fleet: Fleet, plates: Plates, jars: Linear, demand: Demand, set_point: Floats) -> Bus:
    """Strings with source E and resistance R in parallel: sum((E - V) / R) is the bus's current.

    On charge V is the set-point, or lower where the rectifier is at its limit; on discharge that current
    times V is the power, a quadratic whose upper root is stable.
    """
    source = np.add.reduceat(jars.source, fleet.first_jar_of_string)
    conductance = 1.0 / np.add.reduceat(jars.resistance, fleet.first_jar_of_string)
    total = np.add.reduceat(conductance, fleet.first_string_of_system)
    short = np.add.reduceat(conductance * source, fleet.first_string_of_system)
    limited = (charge_limit(fleet, plates) + short) / total
    root = short**2 - 4.0 * total * demand.power
    drawn = (short + np.sqrt(np.maximum(root, 0.0))) / (2.0 * total)
    voltage = np.where(demand.mains, np.minimum(set_point, limited), drawn)
    current = (source - voltage[fleet.system_of_string]) * conductance
    return Bus(voltage, current, ~demand.mains & (root < 0.0))
