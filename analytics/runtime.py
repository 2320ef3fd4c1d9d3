"""How long each system's batteries carry its present load, set by the weakest jar.

Peukert's law above the 10 h rate, capacity by the twin's SOC, SOH and temperature, and what a risen
resistance takes away at the cut-off. Valid on float as well: what the batteries would give now.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analytics.parameters import REFERENCE_TEMPERATURE, Array, Parameters
from analytics.twin import open_circuit

LONGEST: Final = 10_000.0  # min: the range of the tag
INVERTER_EFFICIENCY: Final = 0.95  # IEC 62040-3 double conversion on battery, typical
TEN_HOURS: Final = 10.0


def minutes(
    parameters: Parameters, soc: Array, health: Array, resistance: Array, temperature: Array, load: Array
) -> Array:
    """Runtime [min] of each system at its `load` [kW], shape (systems,); NaN where the load is not known.

    `soc` and `health` are fractions, `resistance` [mΩ] at `temperature` [°C], all of shape (jars,).
    """
    p = parameters
    current = _string_current(p, soc, resistance, load)[p.string_of_jar]
    warmth = np.clip(1 + p.capacity_temperature * (temperature - REFERENCE_TEMPERATURE), 0.5, 1.1)
    whole = p.capacity * health * warmth
    rate = np.maximum(current * TEN_HOURS / p.capacity, 1.0)
    lost = _ohmic_loss(p, current, resistance)
    left = whole * (rate ** (1 - p.peukert) - lost - (1 - soc))
    jar = np.maximum(left, 0.0) / np.maximum(current, 1e-3) * 60.0
    system = np.full(p.systems, LONGEST)
    np.minimum.at(system, p.system_of_jar, np.minimum(jar, LONGEST))
    return np.where(np.isfinite(load), system, np.nan)


def _string_current(p: Parameters, soc: Array, resistance: Array, load: Array) -> Array:
    """Current [A] of each string, shape (strings,): parallel strings share it by their conductance."""
    strings = int(p.string_of_jar[-1]) + 1
    ocv, _ = open_circuit(p, soc)
    emf = np.bincount(p.string_of_jar, ocv, strings)
    ohm = np.bincount(p.string_of_jar, resistance * 1e-3, strings)
    system = np.zeros(strings, np.intp)
    system[p.string_of_jar] = p.system_of_jar
    share = (1 / ohm) / np.bincount(system, 1 / ohm, p.systems)[system]
    power = share * np.maximum(np.nan_to_num(load), 0.0)[system] * 1000 / INVERTER_EFFICIENCY
    # The lower voltage under load, from the power balance E·I - R·I² = P; beyond its peak a string collapses.
    root = np.sqrt(np.maximum(emf**2 - 4 * ohm * power, 0.0))
    return np.asarray(2 * power / (emf + root))


def _ohmic_loss(p: Parameters, current: Array, resistance: Array) -> Array:
    """Share of the capacity lost because a resistance above the baseline meets the cut-off early."""
    _, slope = open_circuit(p, np.full(p.jars, 0.2))
    return np.asarray(np.maximum(resistance - p.baseline, 0.0) * 1e-3 * current / np.maximum(slope, 0.1))
