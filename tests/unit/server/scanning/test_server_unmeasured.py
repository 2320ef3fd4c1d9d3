"""Jars whose monitor does not measure everything: what it measures counts in full, and nothing is alarmed."""

from __future__ import annotations

import numpy as np
import pytest
from judgedscans import JAR, SECOND, START, STRING, SYSTEM, JudgedScans, two_strings

from nodeset import status as st
from nodeset.frame import Readings, first_frame
from nodeset.tags import SensorState
from server.scanning.arrivals import Staleness
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Parameters, Prognosis
from server.scanning.quality import Quality

UNMEASURED = (st.BAD_NOT_CONNECTED, st.BAD_CONFIGURATION_ERROR)


@pytest.mark.parametrize("status", UNMEASURED)
def test_a_jar_without_a_resistance_is_judged_by_the_rest(status: int) -> None:
    scans = JudgedScans()
    for _ in range(10):
        scans.scan({"InternalResistance": 0.0}, status=status)
    assert scans.status("InternalResistance") == status
    assert scans.state() == SensorState.NORMAL
    scans.scan({"InternalResistance": 0.0, "Temperature": None}, status=status, seconds=400)
    assert scans.state() == SensorState.FAILED


@pytest.mark.parametrize("status", UNMEASURED)
def test_a_jar_of_which_nothing_measured_arrives_has_no_failed_sensor(status: int) -> None:
    scans = JudgedScans()
    scans.scan({"InternalResistance": 0.0}, status=status)
    gone: dict[str, float | None] = {"InternalResistance": 0.0, "Voltage": None, "Temperature": None}
    scans.scan(gone, status=status, seconds=400)
    assert scans.state() == SensorState.NO_COMMUNICATION
    assert scans.status("SensorState") == st.BAD_NO_COMMUNICATION


@pytest.mark.parametrize("status", UNMEASURED)
def test_the_twin_estimates_jars_without_a_resistance(status: int) -> None:
    index = two_strings()
    quality = Quality(index, Staleness(3, 300 * SECOND))
    evaluation = Evaluation(quality, Prognosis(Parameters.of(index.fleet), START))
    rows = index.measured()
    value, statuses = np.zeros(index.size), np.zeros(index.size, np.uint32)
    for asset, name, each in (
        (JAR, "Voltage", 13.65),
        (JAR, "Temperature", 25.0),
        (STRING, "Current", -0.1),
        (SYSTEM, "BusVoltage", 8 * 13.65),
        (SYSTEM, "Load", 2.0),
        (SYSTEM, "OperatingMode", 0.0),
    ):
        index.column(value, asset, name)[:] = each
    index.column(statuses, JAR, "InternalResistance")[:] = status
    frame = first_frame(index, START).freeze()
    for scan in range(1, 20):
        time = START + scan * 60 * SECOND
        times = np.full(rows.size, time)
        frame = evaluation.step(frame, Readings(rows, value[rows], statuses[rows], times), time).freeze()
    for name in ("StateOfCharge", "StateOfHealth", "TwinVoltageResidual"):
        assert st.is_good(frame.column_status(JAR, name)).all(), name
        assert np.isfinite(frame.column(JAR, name)).all(), name
    assert (frame.column_status(JAR, "InternalResistance") == status).all()
    assert (frame.column(JAR, "StateOfCharge") > 50.0).all()
    assert st.is_good(frame.column_status(SYSTEM, "RuntimeRemaining")).all()


def test_a_device_that_measures_seldom_is_not_taken_for_a_frozen_one() -> None:
    scans = JudgedScans(period=60.0)
    scans.quality = Quality(scans.index, Staleness(3, 300 * SECOND, standing=900 * SECOND))
    scans.scan()
    stamp = scans.frame.time
    for _ in range(14):
        scans.scan(stamp=stamp)
    assert scans.status("Voltage") == st.GOOD
    for _ in range(4):
        scans.scan(stamp=stamp)
    assert scans.status("Voltage") == st.BAD_NO_COMMUNICATION
