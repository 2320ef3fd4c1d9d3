"""How far a jar has aged: mean Arrhenius factor, ohmic trend, and capacity learnt from real discharges.

Slow companions of the twin, arrays of shape (jars,). `advance` takes one scan; readings that cannot be used
leave the state as it is. State of health is capacity against rated capacity, as a fraction.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from analytics.capacity import Shown
from analytics.parameters import (
    GAS_CONSTANT,
    KELVIN,
    REFERENCE_TEMPERATURE,
    SECONDS_PER_DAY,
    Array,
    Mask,
    Parameters,
)

TEMPERATURE_TIME: Final = 300.0  # s, filter of the temperature; a jar's own lag is longer
RESISTANCE_TIME: Final = 6 * 3600.0  # s, filter of the resistance
FACTOR_DAYS: Final = 365.25  # d, window of the mean Arrhenius factor: a year has every season once
FIRST_DAYS: Final = 1.0  # d that the first temperature counts for
OHMIC_ERROR: Final = 0.03  # standard deviation of SOH by resistance alone
CAPACITY_ERROR: Final = (
    0.015  # standard deviation of SOH by a discharge that the circuit leaves, at the least
)
TEST_ERROR: Final = 0.015  # and by a capacity test: IEC 60896-21, 6.2 asks for 0.5 % of current, 1 % of time
LEARNT_TIME: Final = 4.5 * 365.25  # d in which what a discharge has shown fades
SURPRISING: Final = 2.0  # standard deviations
LOAD_ERROR: Final = 0.10  # standard deviation of the resistance under load against the monitor's, and
LOAD_ERROR_LEAST: Final = 0.05  # that of what a discharge shows of it
LOAD_MIN, LOAD_MAX = 0.5, 2.0
LEAST_WATCHED: Final = 365.25  # d from which on the discharges seen tell how many there are
HEALTH_MIN, HEALTH_MAX = 0.05, 1.20  # of SOH
RISE_MAX: Final = 3.0  # of resistance over the baseline


@dataclass(frozen=True)
class Ageing:
    """Slow state, arrays of shape (jars,)."""

    age: Array  # d since installation
    temperature: Array  # °C, filtered
    temperature_readings: Array  # how many there have been
    resistance: Array  # mΩ at 25 °C, filtered
    resistance_readings: Array
    factor: Array  # mean Arrhenius factor
    factor_days: Array  # d that it was taken over
    correction: Array  # of SOH by resistance, learnt from discharges
    correction_variance: Array
    load: Array  # resistance under load against the monitor's, learnt from discharges
    load_variance: Array
    cycled: Array  # share of life that the discharges which were seen have used up
    watched: Array  # d over which they were

    def pick(self, jar: int) -> Ageing:
        """The state of one jar, as arrays of one entry."""
        return Ageing(**{f.name: getattr(self, f.name)[jar : jar + 1] for f in fields(self)})


@dataclass(frozen=True)
class Condition:
    """Readings of one scan that age or show age, arrays of shape (jars,), and where each can be used."""

    temperature: Array  # °C
    temperature_usable: Mask
    resistance: Array  # mΩ
    resistance_usable: Mask  # on float only: a discharge changes it


def new(parameters: Parameters, ages_days: Array) -> Ageing:
    """Jars of known age [d] of which no reading has been seen."""
    n = parameters.jars
    zero = np.zeros(n)
    return Ageing(
        age=np.array(ages_days, np.float64),
        temperature=np.full(n, REFERENCE_TEMPERATURE),
        temperature_readings=zero,
        resistance=parameters.baseline.copy(),
        resistance_readings=zero,
        factor=np.ones(n),
        factor_days=zero,
        correction=zero,
        correction_variance=np.full(n, OHMIC_ERROR**2),
        load=np.ones(n),
        load_variance=np.full(n, LOAD_ERROR**2),
        cycled=zero,
        watched=zero,
    )


def arrhenius(temperature: Array, activation_energy: Array) -> Array:
    """How many times faster than at 25 °C a jar ages at `temperature` [°C]; `activation_energy` [J/mol]."""
    inverse = 1 / (REFERENCE_TEMPERATURE + KELVIN) - 1 / (temperature + KELVIN)
    return np.asarray(np.exp(activation_energy / GAS_CONSTANT * inverse))


def resistance_under_load(parameters: Parameters, ageing: Ageing) -> Array:
    """Resistance [mΩ] of the circuit now: the monitor's, by what its model has under load against it."""
    warmth = ohmic_factor(parameters.load_temperature, ageing.temperature)
    return parameters.ohmic * ageing.load * ageing.resistance * warmth


def ohmic_health(parameters: Parameters, resistance: Array) -> Array:
    """SOH that goes with a resistance [mΩ at 25 °C]: linear between new and the rise at end of life."""
    rise = np.clip(resistance / parameters.baseline - 1, -0.2, RISE_MAX)
    return parameters.fresh - (1 - parameters.end_of_life) * rise / parameters.ohmic_at_end_of_life


def state_of_health(parameters: Parameters, ageing: Ageing) -> Array:
    """SOH as a fraction: by resistance, corrected by what discharges have shown."""
    health = ohmic_health(parameters, ageing.resistance) + ageing.correction
    return np.asarray(np.minimum(np.maximum(health, HEALTH_MIN), HEALTH_MAX))


def advance(ageing: Ageing, parameters: Parameters, condition: Condition, dt: float) -> Ageing:
    """Take one scan, `dt` [s] after the last."""
    days = dt / SECONDS_PER_DAY
    temperature, seen = _filtered(
        ageing.temperature,
        ageing.temperature_readings,
        condition.temperature,
        condition.temperature_usable,
        dt / TEMPERATURE_TIME,
    )
    at_reference = condition.resistance / ohmic_factor(parameters.ohmic_temperature, temperature)
    resistance, measured = _filtered(
        ageing.resistance,
        ageing.resistance_readings,
        at_reference,
        condition.resistance_usable,
        dt / RESISTANCE_TIME,
    )
    slow = replace(
        ageing,
        age=ageing.age + days,
        watched=ageing.watched + days,
        temperature=temperature,
        temperature_readings=seen,
        resistance=resistance,
        resistance_readings=measured,
        correction=ageing.correction * np.exp(-days / LEARNT_TIME),
        correction_variance=OHMIC_ERROR**2
        + (ageing.correction_variance - OHMIC_ERROR**2) * np.exp(-2 * days / LEARNT_TIME),
    )
    return _warm(slow, parameters, days)


def use_up(ageing: Ageing, parameters: Parameters, before: Array, after: Array) -> Ageing:
    """Take the charge [Ah] that discharges had drawn at the last scan and have now; 0 where none is."""
    if not after.any():
        return ageing
    # Less than before is another discharge.
    taken = life_of_discharge(parameters, after)
    taken -= life_of_discharge(parameters, np.where(after < before, 0.0, before))
    return replace(ageing, cycled=ageing.cycled + taken)


def life_of_discharge(parameters: Parameters, drawn: Array) -> Array:
    """Share of life that a discharge takes which draws `drawn` [Ah]: the deeper, the more for each Ah."""
    depth = np.clip(drawn / parameters.capacity, 0.0, 1.0)
    return np.asarray(depth**parameters.cycle_exponent / parameters.cycles)


def cycling(ageing: Ageing) -> Array:
    """Share of life [1/d] that discharges take, of a year at the least, so that one outage makes no trend."""
    return np.asarray(ageing.cycled / np.maximum(ageing.watched, LEAST_WATCHED))


def ohmic_factor(coefficient: Array, temperature: Array) -> Array:
    """Ohmic resistance at `temperature` [°C] against that at 25 °C; `coefficient` [1/K]."""
    change = coefficient * (temperature - REFERENCE_TEMPERATURE)
    return np.asarray(np.minimum(np.maximum(1 + change, 0.5), 1.5))


def learn_tested(
    ageing: Ageing, parameters: Parameters, jar: int, capacity: float, error: float = TEST_ERROR
) -> Ageing:
    """Take the result of a capacity test of jar number `jar`.

    `capacity` [Ah] is that of the 10 h rate at 25 °C (IEC 60896-21, 6.11 converts), `error` its standard
    deviation as a share of the rated capacity.
    """
    where = np.zeros(parameters.jars, np.bool_)
    where[jar] = True
    seen = np.clip(capacity / parameters.capacity, HEALTH_MIN, HEALTH_MAX)
    return _taught(ageing, parameters, where, seen, np.full(parameters.jars, error**2))


def renewed(ageing: Ageing, parameters: Parameters, jars: Mask, ages_days: Array) -> Ageing:
    """The state after the jars of the mask `jars` were replaced by others of the ages `ages_days` [d].

    All that was learnt of the old ones is forgotten. The place keeps its temperature, and the mean Arrhenius
    factor of what it was is what is expected of it; both arrays have shape (jars,).
    """
    place = new(parameters, ages_days)
    place = replace(
        place,
        temperature=ageing.temperature,
        temperature_readings=ageing.temperature_readings,
        factor=ageing.factor,
        factor_days=np.minimum(ageing.factor_days, FIRST_DAYS),
    )
    return Ageing(
        **{f.name: np.where(jars, getattr(place, f.name), getattr(ageing, f.name)) for f in fields(Ageing)}
    )


def _filtered(old: Array, readings: Array, new: Array, usable: Mask, steps: float) -> tuple[Array, Array]:
    """Mean of the first readings, then a first-order filter whose time constant is 1 / `steps` scans."""
    gain = np.maximum(1 / (readings + 1), 1 - np.exp(-steps)) * usable
    return old + gain * np.where(usable, new - old, 0.0), readings + usable


def _warm(ageing: Ageing, parameters: Parameters, days: float) -> Ageing:
    """Running mean of the Arrhenius factor over the time since the first start, at most a year."""
    seen = ageing.temperature_readings > 0
    first = seen & (ageing.factor_days == 0)
    now = arrhenius(ageing.temperature, parameters.activation_energy)
    span = np.where(first, FIRST_DAYS, ageing.factor_days + days) * seen
    gain = np.where(first, 1.0, days / np.maximum(span, FIRST_DAYS)) * seen
    return replace(
        ageing,
        factor=ageing.factor + gain * (now - ageing.factor),
        factor_days=np.minimum(span, FACTOR_DAYS),
    )


def learn_shown(ageing: Ageing, parameters: Parameters, shown: Shown) -> Ageing:
    """Take what discharges that are over have shown of capacity and resistance."""
    error = shown.health_variance + CAPACITY_ERROR**2
    health = np.clip(shown.health, HEALTH_MIN, HEALTH_MAX)
    taught = _taught(ageing, parameters, shown.seen, health, error)
    gain = (
        shown.seen * taught.load_variance / (taught.load_variance + shown.load_variance + LOAD_ERROR_LEAST**2)
    )
    return replace(
        taught,
        load=np.clip(taught.load + gain * (taught.load * shown.load - taught.load), LOAD_MIN, LOAD_MAX),
        load_variance=taught.load_variance * (1 - gain),
    )


def _taught(ageing: Ageing, parameters: Parameters, where: Mask, seen: Array, error: Array) -> Ageing:
    """Take the SOH `seen` with the variance `error` for the jars `where`: a scalar Kalman filter.

    What contradicts all that is known says that too little was known: the variance that makes it likeliest
    takes the place of a smaller one (a new jar gives 5 % more than its label at times, or much more).
    """
    surprise = seen - state_of_health(parameters, ageing)
    known = ageing.correction_variance
    surprising = np.square(surprise) > SURPRISING**2 * (known + error)
    variance = np.where(surprising, np.square(surprise) - error, known)
    gain = where * variance / (variance + error)
    return replace(
        ageing,
        correction=ageing.correction + gain * surprise,
        correction_variance=np.where(where, variance * (1 - gain), ageing.correction_variance),
    )
