"""The electro-chemistry of all jars in one step: each jar as a voltage behind a resistance.

Behind its ohmic resistance a jar has reactions side by side, at one voltage (`branch`): the main reaction,
which charges it above its open-circuit voltage and discharges it below, on charge ever more slowly as it
fills up; gassing (Tafel), which is all of the float current of a full jar, and at rest its self-discharge;
and an internal short (`leak`), where it has one. The open-circuit voltage is that of the acid in the pores,
which falls behind the charge of the plates under load and recovers at rest: hence Peukert's law. Heat is
what goes in and is not stored.

`circuit_at` gives what stays the same while the currents are sought, `linear` a jar's form about its
voltage; bus.py solves for the currents, and `moved` carries the state on with exact exponentials, stable
for any step. Discharge current is positive. All arrays have shape (jars,).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nodeset.fleet import Fleet
from simulator.ageing import Wear
from simulator.chance import Floats, Stream, normal
from simulator.identity import keys_of_jars
from simulator.parameters import ELECTRICAL as E
from simulator.parameters import GAS_CONSTANT, KELVIN, REFERENCE_TEMPERATURE, THERMAL

_DECADE = np.log(10.0)
_DOUBLING = np.log(2.0) / E.float_doubling
_FULLEST = 1.0 - 1e-9
_OVERVOLTAGE_LIMIT = 2.5 * _DECADE  # above the float voltage, where the exponential is held
_SECONDS = 3600.0
_STRIDE = 0.3  # V, longest Newton step on charge, where currents rise exponentially
_BELOW = 0.05  # V


@dataclass(frozen=True)
class Plates:
    """What never changes of each jar: cells, capacity [Ah], baseline [Ω], float voltage [V] with its
    compensation [V/K], own deviation of the float voltage [V], place in the rack [K], cut-off [V], heat
    capacity [J/K] and its way out [W/K]."""

    cells: Floats
    rated: Floats
    baseline: Floats
    float_voltage: Floats
    compensation: Floats
    deviation: Floats
    place: Floats
    cutoff: Floats
    heat_capacity: Floats
    cooling: Floats


@dataclass(frozen=True)
class JarState:
    """State of charge [0-1 of the plates], how far the acid in the pores is behind it [same], layering of the
    acid [0-1], temperature of the case [°C] and of the plates above it [K], voltage of the reactions [V],
    current [A], terminal voltage [V]."""

    soc: Floats
    depletion: Floats
    layering: Floats
    case: Floats
    rise: Floats
    branch: Floats
    current: Floats
    voltage: Floats

    @property
    def temperature(self) -> Floats:
        """Temperature at the negative post, and of the reactions [°C]."""
        return self.case + self.rise


@dataclass(frozen=True)
class Linear:
    """A jar as seen from its string: terminal voltage = `source` [V] - `resistance` [Ω] * current [A]."""

    source: Floats
    resistance: Floats


@dataclass(frozen=True)
class Circuit:
    """What holds of each jar while currents are sought: open-circuit voltage [V] by its pores; ohmic
    resistance [Ω], without and with an open cell's; conductance on charge [S]; resistance on discharge
    beyond ohmic and charge transfer, as a multiple of the ohmic one; overcharge current [A] at its float
    voltage [V], and volts for e times as much; and leak [A]."""

    open: Floats
    ohmic: Floats
    series: Floats
    charge: Floats
    rest: Floats
    level: Floats
    float_voltage: Floats
    fold: Floats
    leak: Floats | float


def plates_of(fleet: Fleet, seed: int) -> Plates:
    """The constants of a fleet's jars."""
    key = keys_of_jars(fleet.jars)
    models = [jar.model for jar in fleet.jars]
    cells = np.array([model.cells for model in models], np.float64)
    rated = np.array([model.capacity for model in models], np.float64)
    heat_capacity = THERMAL.heat_capacity * rated * cells
    return Plates(
        cells=cells,
        rated=rated,
        baseline=np.array([jar.baseline_resistance for jar in fleet.jars]) / 1000.0,
        float_voltage=np.array([model.float_voltage for model in models]),
        compensation=np.array([model.float_compensation for model in models]) * cells / 1000.0,
        deviation=E.float_scatter * cells * normal(seed, Stream.JAR_FLOAT, key),
        place=THERMAL.jar_rise + THERMAL.jar_scatter * normal(seed, Stream.JAR_PLACE, key),
        cutoff=np.array([model.cutoff_voltage for model in models]),
        heat_capacity=heat_capacity,
        cooling=heat_capacity / THERMAL.core_lag,
    )


def rested(plates: Plates, temperature: Floats) -> JarState:
    """Full jars on float at `temperature`."""
    zero = np.zeros_like(temperature)
    voltage = plates.float_voltage.copy()
    return JarState(np.full_like(zero, _FULLEST), zero, zero, temperature, zero, voltage, zero, voltage)


def open_circuit(cells: Floats, surface: Floats) -> Floats:
    """Open-circuit voltage [V] by the state of the plates' surface."""
    c0, c1, c2 = E.ocv
    return cells * (c0 + surface * (c1 + surface * c2))


def ohmic(wear: Wear, temperature: Floats) -> Floats:
    """Ohmic resistance [Ω] without an open cell's."""
    return wear.resistance * np.maximum(
        1.0 + E.ohmic_temperature * (temperature - REFERENCE_TEMPERATURE), E.ohmic_least
    )


def circuit_at(
    plates: Plates, wear: Wear, state: JarState, warmer: Floats | float = 0.0, leak: Floats | float = 0.0
) -> Circuit:
    """The jars at their present state, `warmer` [K] than it says, with an internal short of `leak` [A]."""
    temperature = state.temperature + warmer
    inner = ohmic(wear, temperature)
    empty = 1.0 - state.soc
    surface = np.maximum(state.soc - state.depletion - E.layering_loss * state.layering * empty, E.emptiest)
    a, b = E.concentration
    full, less = E.acceptance
    per_cell = plates.float_voltage + plates.deviation
    return Circuit(
        open=open_circuit(wear.cells, surface) + E.layering * wear.cells * state.layering,
        ohmic=inner,
        series=inner + wear.open,
        charge=empty / (inner * (full * empty + less)),
        rest=a + b / surface,
        level=E.float_current
        * plates.rated
        * wear.gassing
        * np.exp(_DOUBLING * (temperature - REFERENCE_TEMPERATURE)),
        float_voltage=per_cell * (wear.cells / plates.cells),
        fold=(E.tafel_slope / _DECADE) * wear.cells,
        leak=leak,
    )


def transfer(rated: Floats, current: Floats) -> Floats:
    """Resistance of charge transfer as a multiple of the ohmic one, at a current [A] (Butler-Volmer)."""
    bend = np.maximum(np.abs(current), 1e-6) / (E.transfer_knee * rated)
    multiple: Floats = E.transfer * np.arcsinh(bend) / bend
    return multiple


def reactions(circuit: Circuit, multiple: Floats, branch: Floats) -> tuple[Floats, Floats, Floats]:
    """Main current [A, charge positive], that of all reactions, and its slope [S], at `branch` [V]."""
    over = branch - circuit.open
    slope = np.where(over > 0.0, circuit.charge, 1.0 / (circuit.ohmic * (multiple + circuit.rest)))
    main = slope * over
    decades = np.minimum((branch - circuit.float_voltage) / circuit.fold, _OVERVOLTAGE_LIMIT)
    gas = circuit.level * np.exp(decades)
    return main, main + gas + circuit.leak, slope + gas / circuit.fold


def linear(circuit: Circuit, multiple: Floats, branch: Floats) -> Linear:
    """A jar's linear form about the voltage `branch` [V] of its reactions."""
    _, current, conductance = reactions(circuit, multiple, branch)
    return Linear(branch - current / conductance, 1.0 / conductance + circuit.series)


def approached(circuit: Circuit, branch: Floats, proposed: Floats) -> Floats:
    """The next voltage of the reactions [V] on the way to `proposed`: no further up than exponentials bear,
    nor down past the open-circuit voltage at once, below which a jar conducts quite differently."""
    charges = branch > circuit.open
    most = np.where(charges, branch, circuit.open) + _STRIDE
    least = np.where(charges, circuit.open - _BELOW, -np.inf)
    return np.minimum(np.maximum(proposed, least), most)


def moved(
    plates: Plates,
    wear: Wear,
    state: JarState,
    main: Floats,
    room: Floats,
    heat: Floats | float,
    dt: float,
) -> JarState:
    """The jars `dt` [s] later at the present voltages, with the main current `main` [A, charge positive], in
    surroundings of temperature `room` [°C], and `heat` [W] of their own beyond what the currents make."""
    warmth = state.temperature - REFERENCE_TEMPERATURE
    charge = wear.capacity * (_SECONDS * E.reserve) * (1.0 + E.reserve_temperature * warmth)
    share = main * (dt / charge)
    empty = np.maximum(1.0 - state.soc, 1.0 - _FULLEST)
    soc = 1.0 - np.where(share > 0.0, empty * np.exp(-np.maximum(share, 0.0) / empty), empty - share)
    slow = 1.0 / (state.temperature + KELVIN) - 1.0 / (REFERENCE_TEMPERATURE + KELVIN)
    behind = np.maximum(-main, 0.0) / wear.capacity * E.depletion
    behind = behind * np.exp(E.depletion_energy / GAS_CONSTANT * slow)
    soc = np.clip(soc, 0.0, _FULLEST)
    layers = np.minimum(state.layering + E.layering_gain * np.abs(soc - state.soc), 1.0)
    case, rise = _warmed(plates, wear, state, main, room, heat, dt)
    return replace(
        state,
        soc=soc,
        depletion=behind + (state.depletion - behind) * np.exp(-dt / E.depletion_time),
        layering=layers * np.exp(-dt / E.layering_time),
        case=case,
        rise=rise,
    )


def _warmed(
    plates: Plates,
    wear: Wear,
    state: JarState,
    main: Floats,
    room: Floats,
    heat: Floats | float,
    dt: float,
) -> tuple[Floats, Floats]:
    """Case and plates: the one follows the room, the other takes the heat of all that is not stored."""
    stored = main * open_circuit(wear.cells, state.soc)
    held = (heat - state.current * state.voltage - stored) / plates.cooling
    goal = room + plates.place
    case = goal + (state.case - goal) * np.exp(-dt / THERMAL.jar_lag)
    rise = held + (state.rise - held) * np.exp(-dt / THERMAL.core_lag)
    return case, np.minimum(rise, np.maximum(THERMAL.boiling - case, 0.0))
