"""What one scan asks of the analytics: readings in; charge, health and remaining life of each jar out.

Pure: no I/O, no clock, no logging. `step` is called once a scan with the time since the last (0 at first);
any gap is allowed. What cannot be used (masked or NaN) is left out, the state stays finite, and `Estimates`
says by `observed` whose voltage took part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics import ageing as age
from analytics import capacity, fusion, rul, twin
from analytics import explain as why
from analytics import runtime as run
from analytics.explain import Factor
from analytics.fusion import Fused
from analytics.learnt import Learnt
from analytics.parameters import SECONDS_PER_DAY, Array, Mask, Parameters
from analytics.rul import Life
from analytics.state import State, StateMismatchError
from analytics.workcalendar import replacement_quarters
from nodeset.tags import Health

__all__ = [
    "Estimates",
    "Factor",
    "JarReadings",
    "Parameters",
    "State",
    "StateMismatchError",
    "ages_days",
    "explain",
    "explain_all",
    "first_state",
    "float_ahead",
    "fused",
    "renewed",
    "runtime",
    "step",
    "tested",
]

# What no jar of any model can read; the limits of a model (V4) are the business of the quality step.
VOLTAGE: Final = (0.0, 100.0)  # V
CURRENT: Final = (-1e5, 1e5)  # A
TEMPERATURE: Final = (-60.0, 200.0)  # °C
RESISTANCE: Final = (0.0, 1e4)  # mΩ


@dataclass(frozen=True)
class JarReadings:
    """One scan, arrays of shape (jars,), and where each reading can be used (good status, not doubted)."""

    voltage: Array  # V
    temperature: Array  # °C
    resistance: Array  # mΩ
    current: Array  # A, the string's; discharge is positive
    voltage_usable: Mask
    temperature_usable: Mask
    resistance_usable: Mask
    current_usable: Mask


@dataclass(frozen=True)
class Estimates:
    """What the analytics say after a scan, arrays of shape (jars,), always finite."""

    soc: Array  # %
    soh: Array  # %
    rul: Array  # d
    rul_lower: Array  # d, 90 % interval
    rul_upper: Array  # d
    confidence: Array  # code of nodeset.tags.Confidence
    twin_days: Array  # d
    quarter: Array  # year * 4 + quarter - 1
    health: Array  # code of nodeset.tags.Health
    voltage_residual: Array  # V, measured less predicted before the reading; 0 where not observed
    observed: Mask  # where this scan's voltage could be used
    believed: Mask  # of these, where the twin took the voltage as possible


def ages_days(parameters: Parameters, time: int) -> Array:
    """Age [d] of each jar at `time` [µs since 1970] by its installation date; 0 before it."""
    return np.asarray(np.maximum(time / (SECONDS_PER_DAY * 1e6) - parameters.installed, 0.0))


def first_state(parameters: Parameters, ages: Array) -> State:
    """Jars of the given ages [d] of which nothing has been seen: full, at rest, ohmic as at commissioning."""
    return State(twin.rest(parameters.jars), age.new(parameters, ages), capacity.none(parameters.jars))


def renewed(state: State, parameters: Parameters, jars: Mask, ages: Array) -> State:
    """The state after the jars of the mask `jars` were replaced by full ones of the given ages [d]."""
    fresh = first_state(parameters, ages)
    aged = age.renewed(state.ageing, parameters, jars, ages)
    return replace(state.mixed(fresh, jars), ageing=aged)


def tested(state: State, parameters: Parameters, jar: int, capacity: float) -> State:
    """The state after a test has found the capacity [Ah, 10 h rate at 25 °C] of jar number `jar`."""
    return replace(state, ageing=age.learn_tested(state.ageing, parameters, jar, capacity))


def step(
    state: State, parameters: Parameters, readings: JarReadings, time: int, dt: float
) -> tuple[State, Estimates]:
    """One scan at `time` [µs since 1970], `dt` [s] >= 0 after the last."""
    span = max(dt, 0.0)
    inputs, current_known = _inputs(state, parameters, readings)
    circuit, prediction = twin.advance(state.circuit, parameters, inputs, span)
    warm = readings.temperature_usable & _within(readings.temperature, TEMPERATURE)
    ohmic = readings.resistance_usable & _within(readings.resistance, RESISTANCE) & prediction.floating
    condition = age.Condition(
        readings.temperature,
        warm,
        readings.resistance,
        ohmic,
    )
    ageing = age.advance(state.ageing, parameters, condition, span)
    count, shown = capacity.advance(
        state.count, parameters, _scan(state, parameters, inputs, prediction, current_known, span), span
    )
    ageing = age.use_up(ageing, parameters, state.count.drawn, count.drawn)
    if shown is not None:
        ageing = age.learn_shown(ageing, parameters, shown)
    after = State(circuit, ageing, count)
    return after, _estimates(after, parameters, prediction, inputs.usable, time)


def fused(
    found: Estimates, parameters: Parameters, learnt: Learnt, age: float, time: int
) -> tuple[Estimates, Fused]:
    """What twin and learnt model say together at `time` [µs since 1970], as far as it is about life left.

    `found` is what the twin says alone, the model has said its own `age` [d] ago.
    """
    together = fusion.fuse(Life(found.rul, found.rul_lower, found.rul_upper), learnt, age)
    both = replace(
        found,
        rul=together.days,
        rul_lower=together.lower,
        rul_upper=together.upper,
        confidence=fusion.confidence(found.confidence, learnt, together),
        quarter=replacement_quarters(time, together.lower, parameters.zone),
        health=rul.health_status(found.soh / 100, together.days, found.health != Health.UNKNOWN),
    )
    return both, together


def explain(state: State, parameters: Parameters, jar: int) -> tuple[Factor, ...]:
    """The top three factors that shortened the life of jar number `jar`; their shares sum to 1."""
    return why.explain(parameters.pick(jar), state.ageing.pick(jar))[0]


def explain_all(state: State, parameters: Parameters) -> list[tuple[Factor, ...]]:
    """The same of every jar."""
    return why.explain(parameters, state.ageing)


def float_ahead(state: State, parameters: Parameters, seconds: float) -> Array:
    """Voltage [V] expected of each jar `seconds` ahead if it is on float and stays so, shape (jars,)."""
    return twin.float_ahead(state.circuit, parameters, state.ageing.temperature, seconds)


def runtime(state: State, parameters: Parameters, load: Array) -> Array:
    """Runtime [min] of each system at its present `load` [kW], shape (systems,); NaN where that is NaN."""
    return run.minutes(parameters, _reserve(state, parameters), load)


def _reserve(state: State, p: Parameters) -> run.Reserve:
    """What the jars have: of a discharge under way, as it shows it."""
    a, count = state.ageing, state.count
    active = count.drawn > 0
    health = age.state_of_health(p, a)
    told = 1 - count.health_variance / capacity.CAPACITY_DOUBT**2
    return run.Reserve(
        soc=np.where(active, count.start, state.circuit.soc),
        drawn=count.drawn,
        lag=count.lag,
        capacity=p.capacity * np.where(active, np.maximum(count.health, age.HEALTH_MIN), health),
        health=health,
        resistance=age.resistance_under_load(p, a) * np.where(active, count.load, 1.0),
        temperature=a.temperature,
        sinking=np.where(active, capacity.sinking(count), 0.0),
        shown=np.where(active, np.clip(told, 0.0, 1.0), 0.0),
    )


def _scan(
    state: State,
    p: Parameters,
    inputs: twin.Inputs,
    prediction: twin.Prediction,
    current_known: Mask,
    dt: float,
) -> capacity.Scan:
    """What counts a discharge."""
    return capacity.Scan(
        voltage=inputs.voltage,
        voltage_usable=inputs.usable,
        current=inputs.current,
        counted=current_known & (dt <= twin.CHARGE_GAP),
        charging=prediction.floating | (inputs.current < -twin.TAIL_CURRENT * p.capacity),
        temperature=inputs.temperature,
        resistance=inputs.resistance,
        health=inputs.capacity / p.capacity,
        soc=state.circuit.soc,
        variance=state.circuit.p00,
    )


def _inputs(state: State, p: Parameters, readings: JarReadings) -> tuple[twin.Inputs, Mask]:
    """The twin's inputs, every number finite; and where the current is known."""
    a = state.ageing
    current_known = readings.current_usable & _within(readings.current, CURRENT)
    usable = readings.voltage_usable & _within(readings.voltage, VOLTAGE)
    # Without a current the twin is lost, but for float, where it is next to nothing.
    usable &= current_known | twin.held(p, readings.voltage)
    inputs = twin.Inputs(
        voltage=np.where(usable, readings.voltage, 0.0),
        current=np.where(current_known, readings.current, 0.0),
        temperature=a.temperature,
        resistance=age.resistance_under_load(p, a),
        capacity=p.capacity * age.state_of_health(p, a),
        usable=usable,
    )
    return inputs, current_known


def _within(values: Array, limits: tuple[float, float]) -> Mask:
    return np.asarray((values > limits[0]) & (values < limits[1]))


def _estimates(
    state: State, p: Parameters, prediction: twin.Prediction, observed: Mask, time: int
) -> Estimates:
    evidence = why.evidence(p, state.ageing)
    life = rul.remaining(p, evidence)
    readings = state.ageing.resistance_readings
    known = (readings > 0) & (state.ageing.temperature_readings > 0)
    return Estimates(
        soc=state.circuit.soc * 100,
        soh=evidence.health * 100,
        rul=life.days,
        rul_lower=life.lower,
        rul_upper=life.upper,
        confidence=rul.confidence(p, life, evidence, readings),
        twin_days=life.days,
        quarter=replacement_quarters(time, life.lower, p.zone),
        health=rul.health_status(evidence.health, life.days, known),
        voltage_residual=prediction.residual,
        observed=observed,
        believed=prediction.accepted,
    )
