"""How long each system's batteries carry its present load, set by the weakest jar.

Peukert's law above the 10 h rate is what data sheets let expect of a jar on float: what the batteries would
give now. In a discharge the circuit is run ahead to the cut-off: at constant power, with the acid in the
pores behind, and with the capacity and resistance that the discharge shows. The more it has shown of the
capacity, the more this counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics import twin
from analytics.parameters import (
    KELVIN,
    REFERENCE_TEMPERATURE,
    SOC_LOW,
    THERMAL_VOLTAGE,
    Array,
    Parameters,
)

LONGEST: Final = 10_000.0  # min: the range of the tag
INVERTER_EFFICIENCY: Final = 0.95  # IEC 62040-3 double conversion on battery, typical
TEN_HOURS: Final = 10.0
HALVINGS: Final = 10  # of the charge at the cut-off: 0.1 % of the capacity
ROUNDS: Final = 2  # of current and voltage, which follow each other
OF_FALL: Final = 0.6  # of the fall of the voltage to the cut-off, that the mean lies above it
ENOUGH: Final = 0.6  # of the doubt taken away, from which on the discharge alone counts
GOES_ON: Final = 0.22  # of the pace at which the capacity shown has been sinking, until the cut-off
MOST_SUNK: Final = 0.3  # of the rated capacity
LEAST: Final = 1e-3  # A


@dataclass(frozen=True)
class Reserve:
    """What the jars have, arrays of shape (jars,)."""

    soc: Array  # at the start of the discharge under way, else now
    drawn: Array  # Ah since then
    lag: Array  # Ah by which the acid in the pores is behind
    capacity: Array  # Ah at the 10 h rate and 25 °C, as the discharge shows it
    health: Array  # believed before: capacity against the rated one
    resistance: Array  # mΩ under load
    temperature: Array  # °C
    sinking: Array  # of the health that the discharge shows, for a whole capacity drawn
    shown: Array  # share of the doubt about the capacity that the discharge has taken away

    @property
    def left(self) -> Array:
        """Charge now, against the capacity."""
        return self.soc - self.drawn / self.capacity


def minutes(parameters: Parameters, reserve: Reserve, load: Array) -> Array:
    """Runtime [min] of each system at its `load` [kW], shape (systems,); NaN where the load is not known."""
    p = parameters
    current = _string_current(p, reserve, load)[p.string_of_jar]
    hours = _by_peukert(p, reserve, current)
    if reserve.shown.any():
        hours += np.minimum(reserve.shown / ENOUGH, 1.0) * (_by_circuit(p, reserve, current) - hours)
    system = np.full(p.systems, LONGEST)
    np.minimum.at(system, p.system_of_jar, np.minimum(hours * 60.0, LONGEST))
    return np.where(np.isfinite(load), system, np.nan)


def _by_peukert(p: Parameters, reserve: Reserve, current: Array) -> Array:
    """Hours that a jar of this kind gives, less what is drawn and what a risen resistance takes."""
    now = np.maximum(_voltage(p, reserve, current, reserve.left), p.cutoff)
    current = current * now / (p.cutoff + OF_FALL * (now - p.cutoff))  # at constant power, on average
    warmth = np.clip(1 + p.capacity_temperature * (reserve.temperature - REFERENCE_TEMPERATURE), 0.5, 1.1)
    whole = p.capacity * reserve.health * warmth
    rate = np.maximum(current * TEN_HOURS / p.capacity, 1.0)
    _, slope = twin.open_circuit(p, np.full(p.jars, 0.2))
    rise = np.maximum(reserve.resistance - p.ohmic * p.baseline, 0.0)
    lost = rise * 1e-3 * current / np.maximum(slope, 0.1)
    left = whole * (rate ** (1 - p.peukert) - lost - (1 - reserve.left))
    return np.asarray(np.maximum(left, 0.0) / np.maximum(current, LEAST))


def _by_circuit(p: Parameters, reserve: Reserve, current: Array) -> Array:
    """Hours until the voltage of the circuit meets the cut-off at the present power."""
    left = reserve.left
    now = _voltage(p, reserve, current, left - reserve.lag / reserve.capacity)
    last = current * np.maximum(now, p.cutoff) / p.cutoff
    end = _charge_at_cutoff(p, reserve, last)
    tight = twin.tightness(p, end)
    behind = last * p.diffusion * tight  # Ah, where the discharge lasts
    halfway = _voltage(p, reserve, current, np.maximum((left + end) / 2, end))
    mean = current * np.maximum(now, p.cutoff) / np.maximum((now + 4 * halfway + p.cutoff) / 6, p.cutoff)
    rest = np.maximum(left - end, 0.0)
    capacity = reserve.capacity - p.capacity * np.minimum(GOES_ON * reserve.sinking * rest, MOST_SUNK)
    usable = (reserve.soc - end) * capacity - reserve.drawn
    hours = np.zeros(p.jars)
    for _ in range(ROUNDS + 1):
        keep = np.exp(-hours * 3600.0 / (p.slow_time * tight))
        lag = keep * reserve.lag + (1 - keep) * behind
        hours = np.maximum(usable - lag, 0.0) / np.maximum(mean, LEAST)
    return np.asarray(hours)


def _charge_at_cutoff(p: Parameters, reserve: Reserve, current: Array) -> Array:
    """Charge that the acid in the pores stands for when the voltage meets the cut-off, by halving."""
    low, high = np.full(p.jars, SOC_LOW), np.ones(p.jars)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        holds = _voltage(p, reserve, current, middle) > p.cutoff
        low, high = np.where(holds, low, middle), np.where(holds, middle, high)
    return high


def _voltage(p: Parameters, reserve: Reserve, current: Array, pores: Array) -> Array:
    """Voltage [V] of each jar under a current [A] with acid in the pores for the charge `pores`."""
    hours, _ = twin.sluggishness(p, pores)
    unit = 2 * THERMAL_VOLTAGE * (reserve.temperature + KELVIN) * p.cells
    drop = current * reserve.resistance * 1e-3 + unit * np.arcsinh(current / reserve.capacity * hours)
    return np.asarray(twin.open_circuit(p, pores)[0] + twin.open_circuit_rise(p, reserve.temperature) - drop)


def _string_current(p: Parameters, reserve: Reserve, load: Array) -> Array:
    """Current [A] of each string, shape (strings,): parallel strings share it by their conductance."""
    strings = int(p.string_of_jar[-1]) + 1
    pores = reserve.left - reserve.lag / reserve.capacity
    ocv, _ = twin.open_circuit(p, pores)
    emf = np.bincount(p.string_of_jar, ocv, strings)
    ohm = np.bincount(p.string_of_jar, reserve.resistance * 1e-3, strings)
    system = np.zeros(strings, np.intp)
    system[p.string_of_jar] = p.system_of_jar
    share = (1 / ohm) / np.bincount(system, 1 / ohm, p.systems)[system]
    power = share * np.maximum(np.nan_to_num(load), 0.0)[system] * 1000 / INVERTER_EFFICIENCY
    # The lower voltage under load, from the power balance E·I - R·I² = P; beyond its peak a string collapses.
    root = np.sqrt(np.maximum(emf**2 - 4 * ohm * power, 0.0))
    current = 2 * power / (emf + root)
    for _ in range(ROUNDS):
        volts = _voltage(p, reserve, current[p.string_of_jar], pores)
        held = np.maximum(np.bincount(p.string_of_jar, volts, strings), 0.5 * emf)
        current = power / held
    return np.asarray(current)
