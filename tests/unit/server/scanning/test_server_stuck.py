"""Sensors that stand still (V4): found whatever the scan period, and none where all is well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from judgedscans import JAR, JARS, SECOND, START, STRING, TAGS, JudgedScans, two_strings

from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import SensorState
from simulator.effects import no_effects
from simulator.plant import Plant

PERIODS = (1.0, 5.0, 60.0)
NORMAL, STUCK = SensorState.NORMAL, SensorState.STUCK
# Resolutions [V, °C, mΩ] of monitors: the reference map's, one of mV and tenths, and coarse ones.
RESOLUTIONS = ((0.001, 0.01, 0.001), (0.001, 0.1, 0.01), (0.01, 0.1, 0.1), (0.1, 1.0, 0.1))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("name", ["Voltage", "Temperature", "InternalResistance"])
def test_a_lively_reading_that_stands_still_is_stuck_after_thirty_scans(name: str, period: float) -> None:
    scans = JudgedScans(period)
    scans.scans(120)
    held = float(scans.frame.column(JAR, name)[0])
    states = scans.scans(40, {name: held})
    assert states[:28] == [NORMAL] * 28
    assert states[31:] == [STUCK] * 9
    assert scans.status(name) == st.UNCERTAIN_SENSOR_NOT_ACCURATE
    assert set(scans.statuses(name)[1:]) == {st.GOOD}


def test_one_that_moves_again_is_believed_after_a_while() -> None:
    scans = JudgedScans(5.0)
    scans.scans(120)
    held = float(scans.frame.column(JAR, "Temperature")[0])
    scans.scans(40, {"Temperature": held})
    states = scans.scans(10)
    assert states[:6] == [SensorState.SUSPECT] * 6
    assert states[-1] == NORMAL


@pytest.mark.parametrize("period", PERIODS)
def test_a_voltage_that_stands_still_while_its_string_discharges_is_stuck_at_once(period: float) -> None:
    scans = JudgedScans(period, noise=0.0)  # a monitor of which nothing moves on float
    scans.steps["Voltage"] = 0.01
    scans.of("Voltage")[:] += np.arange(2 * JARS) * 0.01
    scans.scans(3)
    scans.of("Voltage")[0] += 0.02  # its resolution shows some day
    scans.scans(2)
    scans.of("Current", STRING)[0] = 90.0
    scans.of("Voltage")[1:JARS] -= 1.4
    states = scans.scans(4)
    assert states == [NORMAL, STUCK, STUCK, STUCK]
    assert [scans.state(jar) for jar in range(1, 2 * JARS)] == [NORMAL] * (2 * JARS - 1)


@pytest.mark.parametrize("period", PERIODS)
def test_a_coarse_temperature_is_stuck_when_its_string_has_moved_by_far_more(period: float) -> None:
    scans = JudgedScans(period, noise=0.0)
    scans.steps["Temperature"] = 0.1
    warmth = scans.of("Temperature")
    warmth[:] += np.linspace(-1.0, 1.0, 2 * JARS)
    scans.scan()
    for _ in range(round(240 / period)):
        warmth[:] += 12 / 3600 * period
        scans.scan()
        assert [scans.state(jar) for jar in range(2 * JARS)] == [NORMAL] * (2 * JARS)
    held = float(scans.frame.column(JAR, "Temperature")[0])
    states = []
    for _ in range(round(480 / period)):
        warmth[:] += 12 / 3600 * period
        states += scans.scans(1, {"Temperature": held})
    assert 240 <= states.index(STUCK) * period <= 400, "1 K at 12 K/h, which takes 5 min"


def test_a_monitor_that_freezes_as_a_whole_is_found_after_ten_minutes() -> None:
    scans = JudgedScans(5.0)
    scans.scans(120)
    noise = dict(scans.noise)
    scans.truth[scans.index.measured()] = scans.frame.value[scans.index.measured()]
    scans.noise = dict.fromkeys(noise, 0.0)
    states = scans.scans(119)
    assert set(states) == {NORMAL}
    assert scans.scans(3)[-1] == STUCK
    scans.noise = noise
    assert scans.scans(10)[-1] == NORMAL


@pytest.mark.parametrize("period", PERIODS)
def test_a_healthy_plant_has_no_faulty_sensor(period: float) -> None:
    """Two strings on float, through an outage and the recharge after it, by monitors of all resolutions."""
    index = two_strings()
    plant = Plant(index, 3, START)
    outage = no_effects(index)
    outage.outage[:] = True
    judged = [JudgedScans(period, index=index) for _ in RESOLUTIONS]
    scans = 300
    for i in range(scans):
        if i == scans // 3:
            plant.disturb(outage)
        elif i == scans // 2:
            plant.disturb(no_effects(index))
        plant.advance(START + round((i + 1) * period * SECOND))
        readings = plant.readings()
        for each, resolution in zip(judged, RESOLUTIONS, strict=True):
            each.take(coarse(index, readings, resolution))
            assert set(each.frame.column(JAR, "SensorState")) == {NORMAL}, (i, resolution)
            assert np.abs(each.frame.column(JAR, "TemperatureExcess")).max() < 4.0


def coarse(index: TagIndex, readings: Readings, resolution: tuple[float, float, float]) -> Readings:
    """What monitors of another resolution would read."""
    steps = np.full(index.size, 1e-6)
    for name, step in zip(TAGS, resolution, strict=True):
        index.column(steps, JAR, name)[:] = step
    step = steps[readings.rows]
    return replace(readings, value=np.round(readings.value / step) * step)
