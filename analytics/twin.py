"""The digital twin of every jar: a two-pair circuit with an overcharge branch as one extended Kalman filter.

State of a jar: SOC and the voltages of a fast and a slow RC pair; the 3 x 3 covariance is symmetric, so six
arrays. The fast pair is the kinetics of the electrodes. The slow one is the acid in their pores, which falls
behind the mean while charge is drawn: open-circuit voltage and kinetics see what it stands for (`pores`).
`advance` moves all jars by one scan in unrolled array arithmetic: no loop, no I/O, no clock. Whatever is
missing (NaN or masked) costs the jar its correction, never its finite state. Discharge is positive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics.parameters import (
    KELVIN,
    KNOTS,
    REFERENCE_TEMPERATURE,
    SOC_HIGH,
    SOC_LOW,
    THERMAL_VOLTAGE,
    Array,
    Mask,
    Parameters,
)

CHARGE_GAP: Final = (
    900.0  # s; over a longer gap the present current says nothing about the charge that passed
)
TAIL_CURRENT: Final = 0.02  # 1/h; a smaller charge current at float voltage is float
FULL_TIME: Final = 3 * 3600.0  # s in which a jar on float becomes full
SOC_DRIFT: Final = 4e-10  # 1/s, variance of SOC that current sensing leaves
SOC_FULL_VARIANCE: Final = 0.02**2
SOC_VARIANCE_MAX: Final = 1 / 12  # nothing known
START_VARIANCE: Final = 0.04**2  # of SOC, for jars of which nothing has been seen
FAST_SPREAD: Final = 0.05  # standard deviation of the pairs, against the voltage that drives them, and
SLOW_SPREAD: Final = 0.3
REST_SPREAD: Final = 0.0025  # V a cell, that of the slow pair off float, and
FLOAT_SPREAD: Final = 0.01  # on float, where jars share the string's voltage unevenly, for about
FLOAT_TIME: Final = 48 * 3600.0  # s
NOISE: Final = 0.012  # V, of a reading
OFFSET: Final = 0.015  # V by which a sensor is off for good, and
DROP_SPREAD: Final = 0.04  # share of the drop under load by which the circuit is, for about
LASTING: Final = 1800.0  # s: readings sooner after one another say the same
GATE: Final = 5.0  # standard deviations of the innovation beyond which a reading is not believed
DOUBT: Final = 2.3  # and those beyond which SOC, on float the slow pair, is doubted first, where
MISTAKE: Final = 0.40  # of SOC or less explains it, or
FLOAT_MISTAKE: Final = 0.05  # V a cell
HELD: Final = 0.02  # V a cell above open circuit that only a charger gives
PAIR_LIMIT: Final = 0.5  # V a cell that a pair can hold
PER_SOC: Final = (KNOTS - 1) / (SOC_HIGH - SOC_LOW)
LAST: Final = KNOTS - 1 - 1e-9  # just before the last knot


@dataclass(frozen=True)
class Circuit:
    """State of the filters, arrays of shape (jars,): SOC [1], pairs [V], covariances."""

    soc: Array
    v1: Array
    v2: Array
    p00: Array
    p01: Array
    p02: Array
    p11: Array
    p12: Array
    p22: Array


@dataclass(frozen=True)
class Inputs:
    """One scan, arrays of shape (jars,): readings [V, A], the jar's present figures, and what can be used."""

    voltage: Array
    current: Array
    temperature: Array  # °C
    resistance: Array  # mΩ, ohmic at that temperature
    capacity: Array  # Ah, of the aged jar
    usable: Mask


@dataclass(frozen=True)
class Prediction:
    """Voltage [V] expected before the reading was seen, and the modes and gate that led there."""

    voltage: Array
    residual: Array
    accepted: Mask
    floating: Mask


def rest(jars: int) -> Circuit:
    """Full jars at rest, SOC known to 4 %."""
    zero = np.zeros(jars)
    unsure, pair = np.full(jars, START_VARIANCE), np.full(jars, 0.05**2)
    return Circuit(np.ones(jars), zero, zero, unsure, zero, zero, zero, zero, pair)


def advance(
    circuit: Circuit, parameters: Parameters, inputs: Inputs, dt: float
) -> tuple[Circuit, Prediction]:
    """Predict over `dt` [s] >= 0 and correct by this scan's voltage; shapes (jars,)."""
    floating = _floating(parameters, inputs)
    prior = _predict(circuit, parameters, inputs, floating, dt)
    expected = terminal_voltage(prior, parameters, inputs, floating)
    return _correct(prior, parameters, inputs, floating, expected, dt)


def pores(circuit: Circuit, parameters: Parameters) -> Array:
    """Charge [1] that the acid in the pores stands for: below SOC while charge is drawn, above on charge."""
    return np.asarray(circuit.soc - circuit.v2 / parameters.lag)


def open_circuit(parameters: Parameters, soc: Array) -> tuple[Array, Array]:
    """Open-circuit voltage [V] of each jar at `soc` and 25 °C, and its derivative by SOC [V]."""
    volts, slope = _look_up(parameters, parameters.ocv, soc)
    return volts * parameters.cells, slope * parameters.cells


def open_circuit_rise(parameters: Parameters, temperature: Array) -> Array:
    """Rise [V] of each jar's open-circuit voltage over that at 25 °C at `temperature` [°C]."""
    kelvin = temperature - REFERENCE_TEMPERATURE
    return np.asarray(parameters.cells * parameters.ocv_temperature * kelvin)


def kinetics(parameters: Parameters, inputs: Inputs, current: Array, soc: Array) -> tuple[Array, Array]:
    """Voltage [V] that the reaction at the electrodes takes, and its derivative by `soc`, that of the pores.

    Butler-Volmer with equal coefficients, summed up for both electrodes: 2 R T / F asinh(I / I0).
    """
    hours, slope = _look_up(parameters, parameters.sluggishness, soc)
    discharging = current > 0
    rate = current / inputs.capacity
    x = rate * np.where(discharging, hours, 1 / parameters.charge_exchange)
    unit = 2 * THERMAL_VOLTAGE * (inputs.temperature + KELVIN) * parameters.cells
    return unit * np.arcsinh(x), unit * discharging * rate * slope / np.sqrt(1 + x * x)


def sluggishness(parameters: Parameters, soc: Array) -> tuple[Array, Array]:
    """One over the exchange current, against the capacity [h], and its derivative by SOC [h]."""
    return _look_up(parameters, parameters.sluggishness, soc)


def tightness(parameters: Parameters, soc: Array) -> Array:
    """How much slower acid diffuses into the pores than in a full jar."""
    return _look_up(parameters, parameters.tightness, soc)[0]


def _look_up(parameters: Parameters, table: Array, soc: Array) -> tuple[Array, Array]:
    """Value and derivative by SOC of a figure that is given at knots of SOC; beyond the last, the last."""
    x = np.minimum(np.maximum((soc - SOC_LOW) * PER_SOC, 0.0), LAST)
    left = x.astype(np.intp)
    row = left + parameters.chemistry
    low = table[row]
    step = table[row + 1] - low
    return low + (x - left) * step, step * PER_SOC


def held(parameters: Parameters, voltage: Array) -> Mask:
    """Where the voltage [V] is more than a full jar has by itself: a charger holds it."""
    return np.asarray(voltage > parameters.full + HELD * parameters.cells)


def float_set_point(parameters: Parameters, temperature: Array) -> Array:
    """Float voltage [V] of each jar, compensated for its temperature [°C]."""
    return parameters.float_voltage + parameters.float_compensation * (temperature - REFERENCE_TEMPERATURE)


def float_ahead(circuit: Circuit, parameters: Parameters, temperature: Array, seconds: float) -> Array:
    """Voltage [V] expected of each jar that is on float and stays so, `seconds` ahead at `temperature` [°C].

    The compensated set-point, and what the jar deviates from it now (the slow pair), fading.
    """
    left = np.exp(-seconds / FLOAT_TIME)
    return np.asarray(float_set_point(parameters, temperature) - circuit.v2 * left)


def gassing_current(parameters: Parameters, voltage: Array, temperature: Array) -> Array:
    """Current [A] of the overcharge branch at a terminal voltage [V]: Tafel, Schiffer et al. (2007)."""
    over = parameters.gassing_slope * (voltage / parameters.cells - parameters.gassing_voltage)
    heat = parameters.gassing_heat * (temperature - parameters.gassing_temperature)
    return np.asarray(
        parameters.capacity * parameters.gassing_current * np.exp(np.minimum(over + heat, 20.0))
    )


def terminal_voltage(
    circuit: Circuit, parameters: Parameters, inputs: Inputs, floating: Mask
) -> tuple[Array, Array, Array]:
    """Terminal voltage [V] that the circuit predicts, its fall by the slow pair [1] and rise by SOC [V]."""
    ocv, slope = open_circuit(parameters, pores(circuit, parameters))
    # Below the tail current an offset of the sensor looks like charge, and would upset a full jar's SOC.
    charge = -inputs.current * (inputs.current < -TAIL_CURRENT * parameters.capacity)
    room = 1 - circuit.soc + parameters.acceptance_soc
    over = charge * inputs.resistance * 1e-3 * parameters.acceptance / room
    float_voltage = float_set_point(parameters, inputs.temperature)
    limit = parameters.charge_limit * parameters.cells
    equalising = inputs.voltage > (float_voltage + limit) / 2
    ceiling = np.where(equalising, limit, float_voltage)
    drop = inputs.current * inputs.resistance * 1e-3 * ~floating
    driven = ocv + open_circuit_rise(parameters, inputs.temperature) - drop + over
    # On float the overcharge branch carries the current and pins the voltage: SOC cannot be seen there.
    pinned = floating | ((driven > ceiling) & (charge > 0))
    voltage = np.where(pinned, ceiling - circuit.v2, driven) - circuit.v1
    fall = np.where(pinned, 1.0, slope / parameters.lag)
    return voltage, fall, np.where(pinned, 0.0, slope + over / room)


def _floating(parameters: Parameters, inputs: Inputs) -> Mask:
    """Where the jar is on float: a charger holds it, and next to no current flows."""
    quiet = np.abs(inputs.current) < TAIL_CURRENT * parameters.capacity
    return np.asarray(quiet & held(parameters, inputs.voltage) & inputs.usable)


def _predict(circuit: Circuit, p: Parameters, inputs: Inputs, floating: Mask, dt: float) -> Circuit:
    """Move the state by `dt` [s]: exact for constant current, so stable for any step."""
    current = np.where(floating, 0.0, inputs.current)
    # SOC lies within the table, and the nearest knot is as good as a line between two.
    tight = p.tightness[((circuit.soc - SOC_LOW) * PER_SOC).astype(np.intp) + p.chemistry]
    a1 = np.exp(-dt / p.fast_time)
    a2 = np.exp(-dt / np.where(floating, FLOAT_TIME, p.slow_time * tight))
    drive, drive_slope = kinetics(p, inputs, current, pores(circuit, p))
    slow = current / inputs.capacity * p.diffusion * tight * p.lag
    soc, p00 = _charge(circuit, p, inputs, current, floating, dt)
    s1 = (FAST_SPREAD * drive) ** 2 + 1e-6
    s2 = (SLOW_SPREAD * slow) ** 2 + (np.where(floating, FLOAT_SPREAD, REST_SPREAD) * p.cells) ** 2
    # The fast pair's row of the transition is (f, a1, -g): its drive sees the charge of the pores.
    f = (1 - a1) * drive_slope
    g = f / p.lag
    c0 = f * circuit.p00 + a1 * circuit.p01 - g * circuit.p02
    c1 = f * circuit.p01 + a1 * circuit.p11 - g * circuit.p12
    c2 = f * circuit.p02 + a1 * circuit.p12 - g * circuit.p22
    return Circuit(
        soc,
        a1 * circuit.v1 + (1 - a1) * drive,
        a2 * circuit.v2 + (1 - a2) * slow,
        p00,
        c0,
        a2 * circuit.p02,
        f * c0 + a1 * c1 - g * c2 + (1 - a1 * a1) * s1,
        a2 * c2,
        a2 * a2 * circuit.p22 + (1 - a2 * a2) * s2,
    )


def _charge(
    circuit: Circuit, p: Parameters, inputs: Inputs, current: Array, floating: Mask, dt: float
) -> tuple[Array, Array]:
    """SOC and its variance after `dt` [s]: coulombs counted, and on float the slow way to full."""
    voltage = np.where(inputs.usable, inputs.voltage, p.float_voltage)
    gas = np.minimum(gassing_current(p, voltage, inputs.temperature), np.maximum(-current, 0.0))
    counted = circuit.soc - (current + gas) * (min(dt, CHARGE_GAP) / 3600.0) / inputs.capacity
    full = floating * (1 - np.exp(-dt / FULL_TIME))
    soc = np.minimum(np.maximum(counted + full * (1 - counted), 0.0), 1.0)
    spread = np.minimum(circuit.p00 + SOC_DRIFT * dt, SOC_VARIANCE_MAX)
    return soc, spread + full * (SOC_FULL_VARIANCE - spread)


def _correct(
    c: Circuit, p: Parameters, inputs: Inputs, floating: Mask, expected: tuple[Array, Array, Array], dt: float
) -> tuple[Circuit, Prediction]:
    """The filter's update by the scalar innovation; the measurement matrix is (rise, -1, -fall)."""
    voltage, fall, rise = expected
    drop = DROP_SPREAD * (1e-3 * inputs.current * inputs.resistance + c.v1)
    lasting = (OFFSET**2 + drop * drop) * ~floating
    residual = np.where(inputs.usable, inputs.voltage - voltage, 0.0)
    surprise = residual * residual
    k0, k1, k2, s = _seen(c, fall, rise, lasting)
    wrong = surprise > DOUBT * DOUBT * s
    if wrong.any():
        c = _doubted(c, p, inputs, floating, residual, rise, wrong)
        k0, k1, k2, s = _seen(c, fall, rise, lasting)
    accepted = inputs.usable & (surprise < GATE * GATE * s)
    gain = accepted / s
    # What lasts says the same about SOC again and again; the pairs may follow it.
    slow = accepted / (s + lasting * (max(LASTING / max(dt, 1.0), 1.0) - 1.0))
    step = gain * residual
    limit = PAIR_LIMIT * p.cells
    corrected = Circuit(
        np.minimum(np.maximum(c.soc + k0 * slow * residual, 0.0), 1.0),
        np.minimum(np.maximum(c.v1 + k1 * step, -limit), limit),
        np.minimum(np.maximum(c.v2 + k2 * step, -limit), limit),
        np.maximum(c.p00 - slow * k0 * k0, 1e-10),
        c.p01 - gain * k0 * k1,
        c.p02 - gain * k0 * k2,
        np.maximum(c.p11 - gain * k1 * k1, 1e-10),
        c.p12 - gain * k1 * k2,
        np.maximum(c.p22 - gain * k2 * k2, 1e-10),
    )
    return corrected, Prediction(voltage, residual, accepted, floating)


def _seen(c: Circuit, fall: Array, rise: Array, lasting: Array) -> tuple[Array, Array, Array, Array]:
    """Covariances of the state with the voltage, and the voltage's own variance [V²]."""
    k0 = rise * c.p00 - c.p01 - fall * c.p02
    k1 = rise * c.p01 - c.p11 - fall * c.p12
    k2 = rise * c.p02 - c.p12 - fall * c.p22
    return k0, k1, k2, np.maximum(rise * k0 - k1 - fall * k2, 0.0) + lasting + NOISE**2


def _doubted(
    c: Circuit, p: Parameters, inputs: Inputs, floating: Mask, residual: Array, rise: Array, wrong: Mask
) -> Circuit:
    """The state, where it was `wrong`, with SOC or the slow pair less sure than was thought.

    A jar that was started with a wrong SOC shows it at rest and in a discharge, one that comes back to float
    how it deviates from the set-point. What neither explains is left to the gate. On charge the circuit is
    too coarse for it.
    """
    mistake = residual / np.maximum(rise, 0.1)
    other = c.soc + mistake
    explained = wrong & (np.abs(mistake) < MISTAKE) & (other > 0) & (other < 1) & ~floating
    explained &= inputs.current > -TAIL_CURRENT * p.capacity
    deviates = wrong & floating & (np.abs(residual) < FLOAT_MISTAKE * p.cells)
    return replace(c, p00=c.p00 + explained * mistake * mistake, p22=c.p22 + deviates * residual * residual)
