"""Jars whose lives and readings are drawn from the plant's own chances, without a plant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from outcomerows import outcomes_of

from analytics.outcomes import Outcomes
from server.learning.floor import Truth
from server.learning.outcomesof import unit_numbers
from simulator.ageing import births_of
from simulator.calendar import DAY, SECOND
from simulator.chance import Stream, Wander, normal
from simulator.parameters import ELECTRICAL, SENSORS

YEAR = 365.25
INSTALLED = 18_500  # d since 1970
LAST = 24_000


def lives_of(truth: Truth, every: int = 60) -> Outcomes:
    """Rows of the first jars of a fleet, each to its failure, as the plant's equations have it."""
    fleet, seed, figures = truth.fleet, truth.tenures.seed, truth.figures
    births = births_of(fleet, seed, np.zeros(len(fleet.jars), np.intp), figures)
    paces = truth.paces
    worn = YEAR / (paces.floated / births.life + paces.cycled + paces.sulphated)
    day, jar = np.meshgrid(np.arange(INSTALLED + 30, LAST, every), np.arange(len(worn)), indexing="ij")
    alive = day - INSTALLED < worn[jar]
    day, jar = day[alive], jar[alive]
    spent = (day - INSTALLED) / worn[jar]
    rise = figures.end_of_life_resistance * births.rise[jar] * spent**figures.resistance_exponent
    fall = births.cells[jar] * ELECTRICAL.tafel_slope * figures.end_of_life_float * spent
    volts = ELECTRICAL.float_scatter * births.cells[jar] * normal(seed, Stream.JAR_FLOAT, jar) - fall
    volts += _sensor(seed, day, jar, SENSORS.voltage_bias, SENSORS.voltage_drift, 1)
    ohms = (1 + rise) * (1 + _sensor(seed, day, jar, SENSORS.resistance_bias, SENSORS.resistance_drift, 2))
    string = fleet.string_of_jar[jar]
    group = np.unique(string * 100_000 + day, return_inverse=True)[1]
    mean = (np.bincount(group, volts) / np.bincount(group))[group]
    rows = outcomes_of(
        worn[jar] - (day - INSTALLED),
        unit=unit_numbers(seed, jar, np.zeros_like(jar)),
        calendar_age_days=(day - INSTALLED).astype(float),
        effective_age_days=(day - INSTALLED) * paces.floated[jar],
        arrhenius_factor=paces.floated[jar],
        resistance_rise=100 * (ohms - 1),
        voltage_deviation=1000 * (volts - mean),
    )
    site = fleet.site_of_jar[jar].astype(np.intp)
    return replace(
        rows, day=day, string=string.astype(np.int64), site=site, seed=np.full(len(day), seed, np.int64)
    )


def _sensor(seed: int, day: np.ndarray, jar: np.ndarray, bias: float, drift: float, key: int) -> np.ndarray:
    keys = np.arange(jar.max() + 1) * 64 + key
    wander = Wander(seed, Stream.SENSOR_DRIFT, keys, SENSORS.drift_time)
    moved = {each: wander.at(int(each * DAY * SECOND)) for each in np.unique(day)}
    drifted = np.array([moved[at][one] for at, one in zip(day, jar, strict=True)])
    return bias * normal(seed, Stream.SENSOR_BIAS, keys)[jar] + drift * drifted
