"""The electro-chemistry of all jars in one step: each jar as a voltage behind a resistance.

`discharging` and `charging` give that linear form at the present state; the strings and the bus solve for
the current (bus.py), and `moved` carries the state on with exact exponentials, stable for any step.
Discharge current is positive. All arrays have shape (jars,).

On charge a jar is two branches side by side: the main reaction, whose conductance fades as the jar fills
up, and gassing (Tafel). In a full string only gassing is left: every jar takes the voltage at which it
passes the string's common float current.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nodeset.fleet import Fleet
from simulator.ageing import Wear
from simulator.chance import Floats, Stream, normal
from simulator.identity import keys_of_jars
from simulator.parameters import ELECTRICAL as E
from simulator.parameters import REFERENCE_TEMPERATURE, THERMAL

_DECADE = np.log(10.0)
_FULLEST = 1.0 - 1e-9
_OVERVOLTAGE_LIMIT = 2.5  # decades above the float voltage, where the exponential is held


@dataclass(frozen=True)
class Plates:
    """What never changes of each jar: cells, capacity [Ah], baseline [Ω], float voltage [V] with its
    compensation [V/K], own deviation of the float voltage [V], and place in the rack [K]."""

    cells: Floats
    rated: Floats
    baseline: Floats
    float_voltage: Floats
    compensation: Floats
    deviation: Floats
    place: Floats
    cutoff: Floats


@dataclass(frozen=True)
class JarState:
    """State of charge [0-1 of the plates], slow polarisation [V], voltage of the charge branches [V],
    temperature [°C], current [A], terminal voltage [V]."""

    soc: Floats
    polarisation: Floats
    branch: Floats
    temperature: Floats
    current: Floats
    voltage: Floats


@dataclass(frozen=True)
class Linear:
    """A jar as seen from its string: terminal voltage = `source` [V] - `resistance` [Ω] * current [A]."""

    source: Floats
    resistance: Floats


def plates_of(fleet: Fleet, seed: int) -> Plates:
    """The constants of a fleet's jars."""
    key = keys_of_jars(fleet.jars)
    models = [jar.model for jar in fleet.jars]
    cells = np.array([model.cells for model in models], np.float64)
    return Plates(
        cells=cells,
        rated=np.array([model.capacity for model in models]),
        baseline=np.array([jar.baseline_resistance for jar in fleet.jars]) / 1000.0,
        float_voltage=np.array([model.float_voltage for model in models]),
        compensation=np.array([model.float_compensation for model in models]) * cells / 1000.0,
        deviation=E.float_scatter * cells * normal(seed, Stream.JAR_FLOAT, key),
        place=THERMAL.jar_rise + THERMAL.jar_scatter * normal(seed, Stream.JAR_PLACE, key),
        cutoff=np.array([model.cutoff_voltage for model in models]),
    )


def rested(plates: Plates, temperature: Floats) -> JarState:
    """Full jars on float at `temperature`."""
    zero = np.zeros_like(temperature)
    voltage = plates.float_voltage.copy()
    return JarState(np.full_like(zero, _FULLEST), zero, voltage, temperature, zero, voltage)


def open_circuit(plates: Plates, soc: Floats) -> Floats:
    """Open-circuit voltage [V]."""
    c0, c1, c2 = E.ocv
    return plates.cells * (c0 + soc * (c1 + soc * c2))


def ohmic(wear: Wear, temperature: Floats) -> Floats:
    """Ohmic resistance [Ω]: what an ohmic tester measures."""
    return wear.resistance * np.maximum(
        1.0 + E.ohmic_temperature * (temperature - REFERENCE_TEMPERATURE), 0.3
    )


def discharging(plates: Plates, wear: Wear, state: JarState, current: Floats) -> Linear:
    """Linear form on discharge at about `current` [A]; the slow polarisation counts as voltage."""
    bend = np.maximum(np.abs(current), 1e-6) / (E.transfer_knee * plates.rated)
    transfer = E.transfer * wear.resistance * np.arcsinh(bend) / bend
    return Linear(
        open_circuit(plates, state.soc) - state.polarisation, ohmic(wear, state.temperature) + transfer
    )


def charging(plates: Plates, wear: Wear, state: JarState, branch: Floats) -> Linear:
    """Linear form on charge about the voltage `branch` [V] of the two branches."""
    main, slope = _main(plates, wear, state, branch)
    gas, gas_slope = _gassing(plates, wear, state.temperature, branch)
    conductance = slope + gas_slope
    return Linear(branch - (main + gas) / conductance, 1.0 / conductance + ohmic(wear, state.temperature))


def branch_voltage(wear: Wear, state: JarState, voltage: Floats, current: Floats) -> Floats:
    """Voltage of the charge branches [V] at a terminal voltage and current."""
    return voltage + ohmic(wear, state.temperature) * current


def moved(plates: Plates, wear: Wear, state: JarState, room: Floats, dt: float) -> JarState:
    """The jars `dt` [s] later at the present current in rooms of temperature `room` [°C]."""
    charge = 3600.0 * E.reserve * wear.capacity
    out = np.maximum(state.current, 0.0)
    a, b = E.diffusion
    diffusion = wear.resistance * (a + b / np.maximum(state.soc, E.diffusion_floor))
    fade = np.exp(-dt / E.diffusion_time)
    main, _ = _main(plates, wear, state, state.branch)
    filling = np.where(state.current < 0.0, np.maximum(main, 0.0), 0.0)
    empty = np.maximum(1.0 - state.soc, 1.0 - _FULLEST)
    soc = 1.0 - empty * np.exp(-filling * dt / (charge * empty)) - out * dt / charge
    return replace(
        state,
        soc=np.clip(soc, 0.0, _FULLEST),
        polarisation=diffusion * out + (state.polarisation - diffusion * out) * fade,
        temperature=_warmed(plates, wear, state, room, dt),
    )


def _warmed(plates: Plates, wear: Wear, state: JarState, room: Floats, dt: float) -> Floats:
    losses = state.current**2 * ohmic(wear, state.temperature) * (1.0 + E.transfer)
    rise = losses * THERMAL.jar_lag / (THERMAL.heat_capacity * plates.rated * plates.cells)
    goal = room + plates.place + rise
    later: Floats = goal + (state.temperature - goal) * np.exp(-dt / THERMAL.jar_lag)
    return later


def _main(plates: Plates, wear: Wear, state: JarState, branch: Floats) -> tuple[Floats, Floats]:
    """Charge current [A] of the main reaction and its slope [S]."""
    a, b = E.acceptance
    empty = 1.0 - state.soc
    slope = empty / (wear.resistance * (a * empty + b))
    return slope * (branch - open_circuit(plates, state.soc) + state.polarisation), slope


def _gassing(plates: Plates, wear: Wear, temperature: Floats, branch: Floats) -> tuple[Floats, Floats]:
    """Overcharge current [A] and its slope [S] (Tafel, doubling with temperature)."""
    slope = E.tafel_slope * plates.cells / _DECADE
    doublings = (temperature - REFERENCE_TEMPERATURE) / E.float_doubling
    level = E.float_current * plates.rated * 10.0**wear.float_rise * 2.0**doublings
    over = (branch - plates.float_voltage - plates.deviation) / slope
    current = level * np.exp(np.minimum(over, _OVERVOLTAGE_LIMIT * _DECADE))
    return current, current / slope
