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
from simulator.chance import Floats
from simulator.jars import Circuit, JarState, Linear, Plates, approached, linear, reactions, transfer
from simulator.parameters import ELECTRICAL, REFERENCE_TEMPERATURE

_ITERATIONS = 24
_CLOSE = 1e-3  # V, of a jar; what is left goes into the next step
_SAME = 1e-4  # A per Ah


@dataclass(frozen=True)
class Demand:
    """What is wanted of each string: power drawn from it [W], or 0 where none is; and where there is mains to
    charge from. A string without mains in a system that has it is an island on its own power; a system none
    of whose strings has it shares the sum."""

    power: Floats
    mains: NDArray[np.bool_]


@dataclass(frozen=True)
class Rectifiers:
    """Set-points of each system's rectifier: float voltage of a cell at 25 °C [V], and the charge current
    that it gives a string at most [A per Ah]."""

    float_voltage: Floats
    charge_limit: Floats


@dataclass(frozen=True)
class Supply:
    """What each system's rectifier does now: voltage it holds [V], and current it gives at most [A]."""

    voltage: Floats
    limit: Floats


@dataclass(frozen=True)
class Bus:
    """Voltage [V] of each system's bus; of each string current [A], voltage [V] (the bus's, but for islands),
    and where power was not to be had."""

    voltage: Floats
    current: Floats
    string_voltage: Floats
    collapsed: NDArray[np.bool_]


def rectifiers_of(fleet: Fleet, plates: Plates) -> Rectifiers:
    """Rectifiers as commissioned: float voltage by their jars' data sheets, usual charge current."""
    per_cell = _by_system(fleet, plates.float_voltage) / _by_system(fleet, plates.cells)
    return Rectifiers(per_cell, np.full(len(fleet.systems), ELECTRICAL.charge_limit))


def solve(
    fleet: Fleet, plates: Plates, circuit: Circuit, state: JarState, demand: Demand, supply: Supply
) -> tuple[Bus, JarState, Floats]:
    """Bus voltages and currents now; the jars with their current, terminal voltage and voltage of the
    reactions; and the main current of each jar [A, charge positive]."""
    first, of_jar = fleet.first_jar_of_string, fleet.string_of_jar
    rated = plates.rated[first]
    branch, current = state.branch, state.current[first]
    for _ in range(_ITERATIONS):
        multiple = transfer(rated, current)[of_jar]
        jars = linear(circuit, multiple, branch)
        bus = _share(fleet, jars, demand, supply)
        through = bus.current[of_jar]
        voltage = jars.source - jars.resistance * through
        change = voltage + circuit.series * through - branch
        branch = approached(circuit, branch, branch + change)
        change_of_current, current = np.abs(bus.current - current), bus.current
        if np.abs(change).max() < _CLOSE and (change_of_current < _SAME * rated).all():
            break
    main, _, _ = reactions(circuit, multiple, branch)
    return bus, replace(state, branch=branch, current=through, voltage=voltage), main


def supply(fleet: Fleet, plates: Plates, rectifiers: Rectifiers, temperature: Floats) -> Supply:
    """What the rectifiers do for jars at `temperature` [°C]."""
    return Supply(
        float_voltage(fleet, plates, rectifiers, temperature), charge_limit(fleet, plates, rectifiers)
    )


def float_voltage(fleet: Fleet, plates: Plates, rectifiers: Rectifiers, temperature: Floats) -> Floats:
    """Voltage at which each system's bus floats [V]: the set-point for the cells of a string, compensated for
    its jars' mean temperature."""
    warmth = np.clip(temperature - REFERENCE_TEMPERATURE, -25.0, 25.0)
    per_jar = rectifiers.float_voltage[fleet.system_of_jar] * plates.cells + plates.compensation * warmth
    mean: Floats = _by_system(fleet, per_jar) / _strings_of(fleet)
    return mean


def cutoff_voltage(fleet: Fleet, plates: Plates) -> Floats:
    """Bus voltage of each system at which its discharge ends [V]."""
    mean: Floats = _by_system(fleet, plates.cutoff) / _strings_of(fleet)
    return mean


def charge_limit(fleet: Fleet, plates: Plates, rectifiers: Rectifiers) -> Floats:
    """Charge current that each system's rectifier gives its strings at most [A]."""
    strings = plates.rated[fleet.first_jar_of_string]
    total: Floats = np.add.reduceat(strings, fleet.first_string_of_system) * rectifiers.charge_limit
    return total


def share_of_load(fleet: Fleet, plates: Plates) -> Floats:
    """Share of its system's load that each string carries alone: by capacity."""
    capacity = plates.rated[fleet.first_jar_of_string]
    whole = np.add.reduceat(capacity, fleet.first_string_of_system)
    share: Floats = capacity / whole[fleet.system_of_string]
    return share


def _by_system(fleet: Fleet, jars: Floats) -> Floats:
    """Sum over each system's jars."""
    strings = np.add.reduceat(jars, fleet.first_jar_of_string)
    total: Floats = np.add.reduceat(strings, fleet.first_string_of_system)
    return total


def _strings_of(fleet: Fleet) -> Floats:
    return np.array([system.strings.stop - system.strings.start for system in fleet.systems], np.float64)


def _share(fleet: Fleet, jars: Linear, demand: Demand, supply: Supply) -> Bus:
    """Strings with source E and resistance R in parallel: sum((E - V) / R) is the bus's current.

    On charge V is the set-point, or lower where the rectifier is at its limit; on discharge that
    current times V is the power.
    """
    first, system = fleet.first_string_of_system, fleet.system_of_string
    source = np.add.reduceat(jars.source, fleet.first_jar_of_string)
    conductance = 1.0 / np.add.reduceat(jars.resistance, fleet.first_jar_of_string)
    mains = np.logical_or.reduceat(demand.mains, first)
    alone = mains[system] & ~demand.mains
    joined = np.where(alone, 0.0, conductance)
    total = np.add.reduceat(joined, first)
    short = np.add.reduceat(joined * source, first)
    drawn, collapsed = _drawn(total, short, np.add.reduceat(demand.power, first))
    voltage = np.where(mains, np.minimum(supply.voltage, (supply.limit + short) / total), drawn)
    at_string, gone = voltage[system], (collapsed & ~mains)[system]
    if alone.any():
        own, none = _drawn(conductance, conductance * source, demand.power)
        at_string, gone = np.where(alone, own, at_string), np.where(alone, none, gone)
    return Bus(voltage, (source - at_string) * conductance, at_string, gone)


def _drawn(conductance: Floats, short: Floats, power: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Voltage [V] at which `power` [W] is drawn from a source of a conductance [S] and a short-circuit
    current [A], and where there is none: a quadratic whose upper root is stable."""
    root = short**2 - 4.0 * conductance * power
    return (short + np.sqrt(np.maximum(root, 0.0))) / (2.0 * conductance), root < 0.0
