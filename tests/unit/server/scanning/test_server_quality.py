"""Whether a reading is believed (V3, V4)."""

from __future__ import annotations

import numpy as np
import pytest

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, first_frame
from nodeset.index import TagIndex
from server.scanning.quality import Quality, Staleness

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
JAR = AssetType.JAR


class Scans:
    """A quality that sees one scan after the other; each jar measures 13 V unless a test says otherwise."""

    def __init__(self, index: TagIndex) -> None:
        self.index = index
        self.quality = Quality(index, Staleness(3, 300 * SECOND))
        self.frame = first_frame(index, START).freeze()

    def scan(
        self,
        voltage: float | None = 13.0,
        *,
        status: int = st.GOOD,
        seconds: float = 5.0,
        temperature: float = 25.0,
    ) -> int:
        """One scan; None where the first jar's voltage does not arrive. Its status."""
        rows = self.index.measured()
        values = np.zeros(self.index.size)
        self.index.column(values, JAR, "Voltage")[:] = 13.0
        self.index.column(values, JAR, "Temperature")[:] = temperature
        statuses = np.zeros(self.index.size, np.uint32)
        first = self.index.slice(JAR, "Voltage").start
        if voltage is None:
            rows = rows[rows != first]
        else:
            values[first], statuses[first] = voltage, status
        time = self.frame.time + round(seconds * SECOND)
        frame: Frame = self.frame.next(time)
        readings = Readings(rows, values[rows], statuses[rows], np.full(len(rows), time))
        frame.take(readings)
        self.quality.assess(self.frame, frame, readings)
        self.frame = frame.freeze()
        return int(frame.status[first])

    @property
    def value(self) -> float:
        """What the first jar's voltage is said to be."""
        return float(self.frame.column(JAR, "Voltage")[0])


@pytest.fixture
def scans(small_index: TagIndex) -> Scans:
    return Scans(small_index)


def test_a_reading_within_its_limits_is_good(scans: Scans) -> None:
    assert scans.scan() == st.GOOD


def test_a_value_is_uncertain_after_three_scans_without_it_and_bad_after_five_minutes(scans: Scans) -> None:
    scans.scan(13.5)
    seen = [scans.scan(None, seconds=100) for _ in range(4)]
    assert seen[:2] == [st.GOOD, st.GOOD]
    assert seen[2] == st.BAD_NO_COMMUNICATION  # which is 300 s
    slow = Scans(scans.index)
    slow.scan(13.5)
    assert [slow.scan(None) for _ in range(4)] == [
        st.GOOD,
        st.GOOD,
        st.UNCERTAIN_LAST_USABLE_VALUE,
        st.UNCERTAIN_LAST_USABLE_VALUE,
    ]
    assert slow.value == 13.5
    assert slow.scan(None, seconds=279.9) == st.UNCERTAIN_LAST_USABLE_VALUE
    assert slow.scan(None, seconds=0.2) == st.BAD_NO_COMMUNICATION
    assert slow.scan(13.2) == st.GOOD
    assert [slow.scan(None), slow.scan(None)] == [st.GOOD, st.GOOD]


def test_others_are_not_stale_with_it(scans: Scans) -> None:
    for _ in range(5):
        scans.scan(None)
    assert (scans.frame.column_status(JAR, "Voltage")[1:] == st.GOOD).all()


def test_what_never_came_waits(scans: Scans) -> None:
    assert scans.scan(None) == st.BAD_WAITING_FOR_INITIAL_DATA


@pytest.mark.parametrize("value", [15.1, 99.0, 9.9, -1.0, 0.0, float("nan"), float("inf"), -float("inf")])
def test_a_jump_out_of_the_limits_is_the_sensor(scans: Scans, value: float) -> None:
    scans.scan(12.5)
    assert scans.scan(value) == st.BAD_SENSOR_FAILURE
    assert scans.scan(value) == st.BAD_SENSOR_FAILURE
    assert scans.scan(13.0) == st.GOOD


def test_a_climb_out_of_the_limits_is_the_truth(scans: Scans) -> None:
    assert [scans.scan(v) for v in (13.0, 14.5, 15.5, 17.0, 19.0)] == [st.GOOD] * 5
    assert scans.scan(21.5) == st.BAD_SENSOR_FAILURE


def test_the_first_reading_of_all_is_not_believed_outside(scans: Scans) -> None:
    assert scans.scan(16.0) == st.BAD_SENSOR_FAILURE


def test_a_jump_of_temperature_is_doubted_by_its_own_step(scans: Scans) -> None:
    scans.scan(temperature=48.0)
    scans.scan(temperature=52.0)
    assert scans.frame.column_status(JAR, "Temperature")[0] == st.GOOD
    scans.scan(temperature=58.0)
    assert scans.frame.column_status(JAR, "Temperature")[0] == st.BAD_SENSOR_FAILURE


def test_a_device_that_says_bad_is_believed(scans: Scans) -> None:
    scans.scan()
    assert scans.scan(99.0, status=st.BAD_DEVICE_FAILURE) == st.BAD_DEVICE_FAILURE
