"""Whether readings arrive (V3), and whether they can be believed (V4), scan by scan."""

from __future__ import annotations

import numpy as np
import pytest
from judgedscans import JAR, JARS, SECOND, SITE, START, STRING, JudgedScans

from nodeset import status as st
from nodeset.tags import SensorState

PERIODS = (1.0, 5.0, 60.0)
NAN, INFINITY = float("nan"), float("inf")


def ramp(scans: JudgedScans, name: str, goal: float, rate: float, jar: int = 0) -> set[int]:
    """Take a jar's truth to `goal` at `rate` [a second]; the statuses seen on the way."""
    seen = set()
    while scans.of(name)[jar] < goal:
        scans.of(name)[jar] += rate * scans.period
        scans.scan()
        seen.add(scans.status(name, jar))
    return seen


# Arrival


def test_a_value_is_uncertain_after_three_scans_without_it_and_bad_after_five_minutes() -> None:
    scans = JudgedScans()
    value = float(scans.scan().column(JAR, "Voltage")[0])
    gone: dict[str, float | None] = {"Voltage": None}
    seen = []
    for _ in range(4):
        scans.scan(gone)
        seen.append(scans.status("Voltage"))
    uncertain = st.UNCERTAIN_LAST_USABLE_VALUE
    assert seen == [st.GOOD, st.GOOD, uncertain, uncertain]
    assert scans.frame.column(JAR, "Voltage")[0] == value
    scans.scan(gone, seconds=279.9)
    assert scans.status("Voltage") == uncertain
    scans.scan(gone, seconds=0.2)
    assert scans.status("Voltage") == st.BAD_NO_COMMUNICATION
    assert set(scans.statuses("Voltage")[1:]) == {st.GOOD}
    assert scans.state() == SensorState.FAILED, "the rest of the jar arrives"
    scans.scan()
    assert scans.status("Voltage") == st.GOOD


def test_slow_scans_lose_a_value_by_time_before_three_are_missed() -> None:
    scans = JudgedScans(period=200.0)
    scans.scan()
    scans.scan({"Voltage": None})
    assert scans.status("Voltage") == st.GOOD
    scans.scan({"Voltage": None})
    assert scans.status("Voltage") == st.BAD_NO_COMMUNICATION


def test_a_clock_that_stands_still_is_a_device_that_does_not_answer() -> None:
    scans = JudgedScans(period=30.0)
    stamp = scans.scan().time
    seen = []
    for _ in range(10):
        scans.scan(stamp=stamp)
        seen.append(scans.status("Voltage"))
    assert seen[:4] == [st.GOOD] * 4, "90 s, and two scans"
    assert seen[4:9] == [st.UNCERTAIN_LAST_USABLE_VALUE] * 5
    assert seen[9] == st.BAD_NO_COMMUNICATION
    scans.scan()
    assert scans.status("Voltage") == st.GOOD


def test_a_clock_that_is_wrong_but_goes_is_as_good_as_any() -> None:
    scans = JudgedScans(period=60.0)
    for i in range(10):
        scans.scan(stamp=START - 7 * 3600 * SECOND - i * SECOND)
        assert set(scans.statuses("Voltage")) == {st.GOOD}


def test_where_nothing_of_a_jar_arrives_its_sensors_are_unknown() -> None:
    scans = JudgedScans(period=60.0)
    nothing: dict[str, float | None] = dict.fromkeys(("Voltage", "Temperature", "InternalResistance"))
    scans.scan(nothing)
    assert scans.status("SensorState") == st.BAD_WAITING_FOR_INITIAL_DATA
    assert scans.status("TemperatureExcess") == st.BAD_WAITING_FOR_INITIAL_DATA
    scans.scan()
    assert scans.state() == SensorState.NORMAL
    assert scans.status("SensorState") == st.GOOD
    scans.scans(5, nothing)
    assert scans.state() == SensorState.NO_COMMUNICATION
    assert scans.status("SensorState") == st.BAD_NO_COMMUNICATION, "so its alarm stays as it was"


# Limits


def test_what_never_came_waits() -> None:
    scans = JudgedScans()
    scans.scan({"Voltage": None})
    assert scans.status("Voltage") == st.BAD_WAITING_FOR_INITIAL_DATA


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("Voltage", v) for v in (18.0, 99.0, 8.5, -1.0, 0.0, NAN, INFINITY, -INFINITY)),
        *(("Temperature", v) for v in (85.0, -40.0, 0.0, 327.67, NAN, INFINITY)),
        *(("InternalResistance", v) for v in (0.0, 0.1, 110.0, -1.0, NAN)),
    ],
)
def test_a_jump_out_of_the_limits_is_the_sensor(name: str, value: float, period: float) -> None:
    scans = JudgedScans(period)
    scans.scans(3)
    for _ in range(3):
        scans.scan({name: value})
        assert scans.status(name) == st.BAD_SENSOR_FAILURE
        assert scans.state() == SensorState.FAILED
    assert set(scans.statuses(name)[1:]) == {st.GOOD}


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize(("rate", "believed"), [(0.09, True), (0.5, False), (1.5, False)])
def test_quick_and_slow_scans_come_to_the_same_judgement_of_a_climb(
    period: float, rate: float, believed: bool
) -> None:
    scans = JudgedScans(period)
    scans.scan()
    seen = ramp(scans, "Temperature", 65.0, rate)
    assert (seen == {st.GOOD}) == believed
    assert (scans.status("Temperature") == st.BAD_SENSOR_FAILURE) != believed
    assert (scans.excess() > 30.0) == believed


@pytest.mark.parametrize("period", PERIODS)
def test_a_ramp_that_all_jars_share_is_believed(period: float) -> None:
    scans = JudgedScans(period)
    scans.scan()
    for _ in range(round(60 / period)):
        scans.of("Temperature")[:JARS] += 12.0 / 60 * period
        scans.scan()
        assert set(scans.statuses("Temperature")) == {st.GOOD}


def test_the_first_reading_of_all_is_not_believed_outside() -> None:
    scans = JudgedScans()
    scans.scan({"Temperature": 85.0})
    assert scans.status("Temperature") == st.BAD_SENSOR_FAILURE


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("rate", [0.5 / 60, 2.0 / 60, 5.0 / 60])
def test_a_temperature_that_climbs_out_of_the_limits_is_the_truth(period: float, rate: float) -> None:
    scans = JudgedScans(period)
    scans.of("Temperature")[0] = 45.0
    scans.scan()
    assert ramp(scans, "Temperature", 55.0 if rate * period < 0.01 else 75.0, rate) == {st.GOOD}
    assert scans.state() == SensorState.NORMAL
    assert scans.excess() == pytest.approx(scans.of("Temperature")[0] - 25.0, abs=1.0)


@pytest.mark.parametrize("period", PERIODS)
def test_a_climb_is_followed_over_a_hole_of_some_scans(period: float) -> None:
    scans = JudgedScans(period)
    scans.scan()
    ramp(scans, "Temperature", 49.0, 2 / 60)
    for _ in range(round(150 / period)):
        scans.of("Temperature")[0] += 2 / 60 * period
        scans.scan({"Temperature": None})
    assert ramp(scans, "Temperature", 60.0, 2 / 60) == {st.GOOD}


def test_a_climb_that_jumps_on_is_a_sensor_that_gave_up() -> None:
    scans = JudgedScans(1.0)
    scans.scan()
    ramp(scans, "Temperature", 60.0, 2 / 60)
    scans.scan({"Temperature": 85.0})
    assert scans.status("Temperature") == st.BAD_SENSOR_FAILURE
    assert scans.excess() == pytest.approx(35.0, abs=1.0), "what it was last"
    assert scans.status("TemperatureExcess") == st.BAD_SENSOR_FAILURE, "so its alarm stays"


def test_what_was_known_before_a_restart_is_where_a_climb_goes_on() -> None:
    scans = JudgedScans(60.0)
    before = scans.frame.next(START)
    before.value[:] = scans.truth
    before.column(JAR, "Temperature")[0] = 55.0
    before.status[:] = st.UNCERTAIN_LAST_USABLE_VALUE
    scans.frame = before.freeze()
    scans.scan({"Temperature": 57.0})
    assert scans.status("Temperature") == st.GOOD


def test_other_measurements_have_limits_of_their_own() -> None:
    scans = JudgedScans()
    scans.scan()
    scans.of("AmbientTemperature", SITE)[:] = 99.0
    scans.of("Humidity", SITE)[:] = 110.0
    scans.of("Current", STRING)[:] = 601.0  # 120 Ah
    scans.scan()
    bad = st.BAD_SENSOR_FAILURE
    for name, asset in (("AmbientTemperature", SITE), ("Humidity", SITE), ("Current", STRING)):
        assert scans.status(name, asset=asset) == bad
    scans.of("AmbientTemperature", SITE)[:] = 45.0
    scans.of("Current", STRING)[:] = 599.0
    for _ in range(13):
        scans.scan()
    assert scans.status("AmbientTemperature", asset=SITE) == st.GOOD
    assert scans.status("Current", asset=STRING) == st.GOOD


# Jumps within the limits


@pytest.mark.parametrize("period", [1.0, 5.0, 60.0])
@pytest.mark.parametrize("value", [42.0, 12.0])
def test_a_temperature_that_jumps_is_doubted_for_as_long_as_heat_takes(period: float, value: float) -> None:
    scans = JudgedScans(period)
    scans.scans(3)
    excess = scans.excess()
    states = scans.scans(round(900 / period), {"Temperature": value})
    assert set(states) == {SensorState.SUSPECT}
    assert scans.status("Temperature") == st.UNCERTAIN_SENSOR_NOT_ACCURATE
    assert scans.excess() == excess, "what is doubted is no runaway"
    assert scans.scans(1, {"Temperature": value}) == [SensorState.NORMAL], "a new level"


def test_a_sensor_that_is_back_is_not_believed_at_once() -> None:
    scans = JudgedScans(1.0)
    scans.scans(3)
    scans.scan({"Temperature": 85.0})
    states = scans.scans(40)
    assert states[:30] == [SensorState.SUSPECT] * 30
    assert states[31:] == [SensorState.NORMAL] * 9


@pytest.mark.parametrize("period", PERIODS)
def test_a_loose_sensor_does_not_flicker(period: float) -> None:
    scans = JudgedScans(period)
    scans.scans(3)
    seen = set()
    for _ in range(20):
        scans.scan({"Temperature": 85.0})
        scans.scan()
        seen.add(scans.status("Temperature"))
    assert st.GOOD not in seen


def test_a_temperature_that_all_jars_share_is_the_room() -> None:
    scans = JudgedScans(1.0)
    scans.scans(3)
    scans.of("Temperature")[:JARS] += 10.0
    scans.scan()
    assert set(scans.statuses("Temperature")) == {st.GOOD}


def test_a_monitor_that_fails_as_a_whole_is_no_string_that_jumps() -> None:
    scans = JudgedScans(1.0)
    scans.scans(3)
    scans.of("Temperature")[:JARS] = 85.0
    scans.of("Voltage")[:JARS] = 0.0
    scans.scan()
    for name in ("Temperature", "Voltage"):
        assert scans.statuses(name) == [st.BAD_SENSOR_FAILURE] * JARS + [st.GOOD] * JARS


def test_a_voltage_that_jumps_alone_is_doubted() -> None:
    scans = JudgedScans()
    scans.scans(3)
    scans.scan({"Voltage": 11.6})
    assert scans.status("Voltage") == st.UNCERTAIN_SENSOR_NOT_ACCURATE
    assert scans.state() == SensorState.SUSPECT


def test_a_shorted_cell_is_no_sensor_for_the_others_make_up_for_it() -> None:
    scans = JudgedScans()
    scans.scans(3)
    volts = scans.of("Voltage")
    volts[0] -= 2.1
    volts[1:JARS] += 2.1 / (JARS - 1)
    scans.scan()
    assert set(scans.statuses("Voltage")) == {st.GOOD}


@pytest.mark.parametrize("period", PERIODS)
def test_a_whole_outage_is_believed_with_a_jar_that_collapses(period: float) -> None:
    scans = JudgedScans(period)
    scans.scans(3)
    volts, seen = scans.of("Voltage"), set()

    def go_on(count: int) -> None:
        for _ in range(count):
            scans.scan()
            seen.update(scans.statuses("Voltage"))

    scans.of("Current", STRING)[0] = 90.0
    volts[:JARS] = 12.3
    volts[3] = 8.9  # its resistance is ten times that of the others
    go_on(5)
    while volts[0] > 10.6:
        volts[:JARS] -= 0.004 * period
        volts[3] -= 0.01 * period
        go_on(1)
    scans.of("Current", STRING)[0] = -12.0
    volts[:JARS] = 12.9
    go_on(5)
    assert seen == {st.GOOD}


# What devices say


def test_a_device_that_says_bad_is_believed() -> None:
    scans = JudgedScans()
    scans.scan()
    scans.scan({"Voltage": 99.0}, status=st.BAD_DEVICE_FAILURE)
    assert scans.status("Voltage") == st.BAD_DEVICE_FAILURE


def test_one_that_misses_a_jar_for_a_moment_has_no_faulty_sensor() -> None:
    scans = JudgedScans()
    scans.scan()
    for _ in range(2):
        scans.scan({"Voltage": 0.0}, status=st.BAD_SENSOR_FAILURE)
        assert scans.state() == SensorState.NORMAL
    scans.scan()
    assert scans.status("Voltage") == st.GOOD


def test_a_sensor_that_its_device_calls_dead_has_failed_until_it_has_been_well_for_a_while() -> None:
    scans = JudgedScans()
    scans.scan()
    for _ in range(3):
        scans.scan({"Temperature": 0.0}, status=st.BAD_SENSOR_FAILURE)
    assert scans.state() == SensorState.FAILED
    states = scans.scans(8)
    assert states[:6] == [SensorState.SUSPECT] * 6
    assert states[6:] == [SensorState.NORMAL] * 2


# Memory


def test_a_fork_goes_its_own_way_and_can_be_taken_back() -> None:
    scans = JudgedScans()
    scans.scans(3)
    own, frame = scans.quality, scans.frame
    scans.quality = own.fork()
    scans.scan({"Temperature": 85.0})
    assert scans.state() == SensorState.FAILED
    fork, scans.quality, scans.frame = scans.quality, own, frame
    scans.scan()
    assert scans.state() == SensorState.NORMAL
    own.adopt(fork, np.ones(scans.index.size, np.bool_))
    scans.scan()
    assert scans.state() == SensorState.SUSPECT
