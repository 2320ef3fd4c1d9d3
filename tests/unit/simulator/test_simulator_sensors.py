"""Battery monitors: noise, bias, drift, resolution, range and gaps."""

from __future__ import annotations

import numpy as np
import pytest

from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from simulator.effects import no_effects
from simulator.parameters import SENSORS
from simulator.sensors import sensors_of

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_794_000_000 * SECOND


def values(index: TagIndex, level: float, times: list[int], name: str = "Voltage") -> np.ndarray:
    """What the jars' sensors read at some times of a constant `level`; NaN in gaps."""
    sensors = sensors_of(index, 1)
    truth = np.full(sensors.rows.size, level)
    found = np.full((len(times), index.size), np.nan)
    for row, time in zip(found, times, strict=True):
        readings = sensors.read(truth, truth, no_effects(index), time)
        row[readings.rows] = readings.value
    return found[:, index.slice(AssetType.JAR, name)]


def test_noise_bias_and_resolution_are_those_of_the_table(thailand: TagIndex) -> None:
    found = values(thailand, 13.65, [NOW + i * SECOND for i in range(60)])
    assert abs(np.nanstd(found - np.nanmean(found, axis=0)) - SENSORS.voltage_noise) < 0.0002
    bias = np.nanmean(found, axis=0) - 13.65
    assert abs(bias.std() - np.hypot(SENSORS.voltage_bias, SENSORS.voltage_drift)) < 0.0005
    assert np.allclose(found * 1000.0, np.rint(found * 1000.0), equal_nan=True)


def test_sensors_drift_over_months_but_not_within_a_day(thailand: TagIndex) -> None:
    def mean(day: float) -> np.ndarray:
        times = [NOW + round(day * DAY) + i * SECOND for i in range(40)]
        return np.nanmean(values(thailand, 25.0, times, "Temperature"), axis=0)

    today, tomorrow, next_year = mean(0.0), mean(1.0), mean(365.0)
    noise = SENSORS.temperature_noise / np.sqrt(40) * np.sqrt(2)
    assert (tomorrow - today).std() < 1.3 * noise
    assert abs((next_year - today).std() - SENSORS.temperature_drift * np.sqrt(2)) < 0.04


def test_the_same_moment_reads_the_same_again(thailand: TagIndex) -> None:
    one, other, again = (values(thailand, 13.65, [NOW + i]) for i in (0, SECOND, 0))
    assert np.array_equal(one, again, equal_nan=True)
    assert (one != other).mean() > 0.5


@pytest.mark.parametrize(("truth", "read"), [(26.0, 20.0), (-3.0, 0.0)])
def test_what_is_beyond_the_range_reads_as_its_end(thailand: TagIndex, truth: float, read: float) -> None:
    found = values(thailand, truth, [NOW])
    assert set(found[~np.isnan(found)]) == {read}
