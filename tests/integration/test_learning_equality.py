"""Training and serving see the same: a plant's days through a real historian and as plant years give the same
features, and one function makes them of both.

Tolerances: the historian has readings every 10 min, plant years every 2 h, of sensors with noise (2 mV,
0.05 °C, 0.5 % of a resistance); what differs is how well these cancel, and how far extremes reach.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from smallfleets import file_of

from analytics import features as module
from analytics.features import NAMES, features
from analytics.history import Units
from analytics.parameters import Parameters
from config.settings import load_settings
from historian.connections import connect
from historian.engine import detect
from historian.rollups import RollUps
from nodeset.fleet import build_fleet
from server.historianload import load_job
from server.learning import days as serving
from server.learning import outcomesof as training
from server.learning.plantyears import PlantYears, record_of
from simulator.mains import log_of_outages
from simulator.offline.job import job_of

SEED, DAYS = 107, 8
DAY = 86_400_000_000
FILE = file_of({"Phuket": {"UPS-1": (10, {"S01": 6, "S02": 6})}})
TOLERANCES = {
    "temperature_max": 1.5,  # °C: a room is hottest between two readings of plant years, as mains comes back
    "temperature_deviation": 0.1,  # K
    "time_above_30c_hours": 60.0,  # of a year
    "temperature_cycles_count": 46.0,  # a day of the eight that swings by about 5 °C
    "resistance_slope_30d": 0.0,  # not known from a week
    "string_resistance_rise": 0.15,  # %
    "resistance_rise_vs_string": 0.25,
    "resistance_rise": 0.2,
    "voltage_deviation": 3.0,  # mV
    "voltage_spread": 4.0,
    "ah_throughput": 3.0,  # Ah a year
}


def first_day() -> int:
    """Three days before an outage of more than some minutes."""
    begin, end = (int(dt.datetime(2025, month, 1, tzinfo=dt.UTC).timestamp()) * 10**6 for month in (5, 11))
    log = log_of_outages(build_fleet(FILE), SEED, begin, end)
    return next(began for _, began, ended in log if ended - began > 300 * 10**6) // DAY - 3


async def test_features_of_the_historian_are_those_of_plant_years(home: Path, database: str) -> None:
    first = first_day()
    fleet, date = build_fleet(FILE), dt.date(1970, 1, 1) + dt.timedelta(days=first)
    parameters = Parameters.of(fleet)
    job = job_of(FILE, SEED, date, (0.0, DAYS), 600.0)
    settings = load_settings(overrides={"home": home, "historian": {"url": database}})
    await load_job(job, settings, lambda done: None)
    async with await connect(database) as connection:
        rollups = RollUps((await detect(connection)).timescale is not None)
        while await rollups.hours(connection, job.end) or await rollups.days(connection, job.end):
            pass
        days, units = await serving.recent_days(connection, fleet, parameters, first + DAYS)
    served = features(days, units, first + DAYS)
    years = PlantYears(FILE, SEED, first, first + DAYS)
    trained = features(record_of(years, years.groups[0]).days, Units.of(fleet, parameters), first + DAYS)
    assert np.array_equal(np.isnan(served), np.isnan(trained))
    assert served[:, NAMES.index("days_since_discharge")] == pytest.approx(DAYS - 3)
    apart = dict(zip(NAMES, np.nanmax(np.abs(served - trained), axis=0, initial=0.0).tolist(), strict=True))
    size = dict(zip(NAMES, np.nanmax(np.abs(trained), axis=0, initial=0.0).tolist(), strict=True))
    allowed = {name: TOLERANCES.get(name, 0.002 * size[name] + 1e-3) for name in NAMES}
    assert {name: value for name, value in apart.items() if value > allowed[name]} == {}


def test_training_calls_the_function_that_serving_calls() -> None:
    assert training.features is module.features
    assert training.features.__module__ == "analytics.features"
