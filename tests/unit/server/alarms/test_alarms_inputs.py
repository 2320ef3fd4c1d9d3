"""What conditions compare: each measure by figures worked out by hand, its status, and where it applies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from alarmplant import NAN, START, TEMPERATURE, VOLTAGE, AlarmPlant, small_fleet

from nodeset import status as st
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import TAG_OF, Mains, Mode
from server.alarms.definition import (
    MICROSECONDS,
    AlarmDef,
    AlarmType,
    ConditionIndex,
    Level,
    Measure,
    MeasureKind,
)
from server.alarms.inputs import Inputs, Measured
from server.alarms.windows import PARTS, Window

FLEET, SITE, SYSTEM, STRING, JAR = AssetType
FLOAT = (Mode.FLOAT,)


def measured(kind: MeasureKind, tag: tuple[AssetType, str], **more: object) -> AlarmDef:
    return replace(
        VOLTAGE,
        name=kind.value.title().replace("_", ""),
        tag=TAG_OF[tag],
        measure=Measure(kind, **more),  # type: ignore[arg-type]
    )


FLOATING = replace(measured(MeasureKind.FLOAT_COMPENSATED, (JAR, "Voltage")), modes=FLOAT)
OHMIC = measured(MeasureKind.FROM_BASELINE, (JAR, "InternalResistance"))
JAR_MEAN = measured(MeasureKind.FROM_STRING_MEAN, (JAR, "Voltage"))
STRING_MEAN = measured(MeasureKind.FROM_STRING_MEAN, (STRING, "Voltage"))
LOST = replace(
    measured(MeasureKind.ABNORMAL, (SITE, "MainsState"), states=(int(Mains.LOST),)), type=AlarmType.OFF_NORMAL
)
MISSING = measured(MeasureKind.MISSING, (STRING, "Voltage"))
WARMING = replace(
    measured(MeasureKind.CHANGE, (SITE, "AmbientTemperature"), window=600 * MICROSECONDS),
    name="Warming",
    limits=(NAN, NAN, 2.0, NAN),
    severities=(0, 0, 400, 0),
    hysteresis=0.5,
)


class Bench:
    """Inputs of some definitions and the frame that they are worked out of: all of it plausible at first."""

    def __init__(self, *defs: AlarmDef, fleet: Fleet | None = None) -> None:
        self.index = ConditionIndex(fleet or small_fleet(), defs)
        self.inputs = Inputs(self.index)
        self.frame: Frame = first_frame(TagIndex(self.index.fleet), START)
        for asset, name, value in (
            (JAR, "Voltage", 13.65), (JAR, "Temperature", 25.0), (JAR, "InternalResistance", 3.4),
            (STRING, "Current", 0.1), (STRING, "Voltage", 27.3), (SYSTEM, "OperatingMode", Mode.FLOAT),
            (SITE, "MainsState", Mains.PRESENT), (SITE, "AmbientTemperature", 24.0),
        ):  # fmt: skip
            self.set(asset, name, value)

    def set(self, asset: AssetType, name: str, value: float, at: int | None = None, status: int = 0) -> None:
        rows = slice(None) if at is None else at
        self.frame.column(asset, name)[rows] = value
        self.frame.column_status(asset, name)[rows] = status

    def step(self, seconds: float = 0.0, level: list[int] | None = None) -> Measured:
        frame = replace(self.frame, time=START + round(seconds * MICROSECONDS))
        levels = np.array(level or [0] * self.index.size, np.int8)
        return self.inputs.step(frame, levels)


@pytest.mark.parametrize(("temperature", "voltage"), [(25.0, 13.65), (35.0, 13.47), (20.0, 13.74)])
def test_float_voltage_is_as_it_would_be_at_25_degrees(temperature: float, voltage: float) -> None:
    """-3 mV a cell and kelvin: -18 mV/K for six cells."""
    bench = Bench(FLOATING)
    bench.set(JAR, "Temperature", temperature, 1)
    bench.set(JAR, "Voltage", voltage, 1)
    assert bench.step().value[1] == pytest.approx(13.65)


def test_float_voltage_of_a_cell_of_2_volts() -> None:
    fleet = small_fleet()
    model = fleet.jars[0].model.model_copy(update={"cells": 1, "float_compensation": -4.0})
    fleet = replace(fleet, jars=tuple(replace(jar, model=model) for jar in fleet.jars))
    bench = Bench(FLOATING, fleet=fleet)
    bench.set(JAR, "Temperature", 35.0)
    bench.set(JAR, "Voltage", 2.235)
    assert bench.step().value.tolist() == pytest.approx([2.275] * 4)


def test_a_float_voltage_is_as_good_as_its_worst_reading() -> None:
    bench = Bench(FLOATING)
    for at, (name, status) in enumerate(
        (
            ("Temperature", st.BAD_SENSOR_FAILURE),
            ("Temperature", st.UNCERTAIN_SENSOR_NOT_ACCURATE),
            ("Voltage", st.UNCERTAIN_LAST_USABLE_VALUE),
        )
    ):
        bench.set(JAR, name, 25.0 if name == "Temperature" else 13.6, at, status)
    bench.set(JAR, "Voltage", 13.6, 1, st.UNCERTAIN_SIMULATED_VALUE)
    assert bench.step().status.tolist() == [
        st.BAD_SENSOR_FAILURE,
        st.UNCERTAIN_SENSOR_NOT_ACCURATE,  # doubted, although a simulated reading has the higher number
        st.UNCERTAIN_LAST_USABLE_VALUE,
        st.GOOD,
    ]


def test_a_mode_decides_where_a_condition_applies() -> None:
    bench = Bench(FLOATING)
    for mode in Mode:
        bench.set(SYSTEM, "OperatingMode", mode, 1)
        assert bench.step().applies.tolist() == [True, True, mode is Mode.FLOAT, mode is Mode.FLOAT]
    bench.set(SYSTEM, "OperatingMode", Mode.FLOAT, 1, st.BAD_NO_COMMUNICATION)
    assert bench.step().status[2:].tolist() == [st.BAD_NO_COMMUNICATION] * 2, "nobody knows"


def test_a_string_that_carries_current_is_not_on_float() -> None:
    """0.02 A per Ah of 120 Ah: 2.4 A, whichever way."""
    bench = Bench(FLOATING)
    for current, on_float in ((2.3, True), (2.5, False), (-2.5, False)):
        bench.set(STRING, "Current", current, 0)
        assert bench.step().applies.tolist() == [on_float, on_float, True, True]
    bench.set(STRING, "Current", 50.0, 0, st.BAD_SENSOR_FAILURE)
    assert bench.step().applies.all(), "a current that is not known says nothing"


def test_what_does_not_apply_is_inactive_at_once_and_starts_its_delay_anew() -> None:
    float_low = replace(
        FLOATING, limits=(NAN, 13.5, NAN, NAN), severities=(0, 350, 0, 0),
        on_delay=10 * MICROSECONDS, off_delay=300 * MICROSECONDS,
    )  # fmt: skip
    plant = AlarmPlant(float_low)
    column = plant.frame.column
    plant.set(TEMPERATURE, 25.0)
    plant.set(replace(float_low, tag=TAG_OF[SYSTEM, "OperatingMode"]), Mode.FLOAT)
    column(JAR, "Voltage")[:] = 13.65
    column(JAR, "Voltage")[0] = 13.4
    plant.step(0)
    assert plant.step(10).rows.tolist() == [0]
    column(SYSTEM, "OperatingMode")[0] = Mode.DISCHARGE
    column(JAR, "Voltage")[0] = 12.0
    ended = plant.step(11)
    assert (ended.rows.tolist(), ended.state.level.tolist()) == ([0], [Level.NONE])
    column(SYSTEM, "OperatingMode")[0] = Mode.FLOAT
    assert len(plant.step(12)) == 0
    assert len(plant.step(21)) == 0
    assert plant.step(22).state.level.tolist()[-1] == Level.LOW


def test_an_ohmic_value_against_its_baseline_at_one_temperature() -> None:
    """-0.6 %/K: 3.4 mΩ at 25 °C are 3.196 at 35 °C."""
    bench = Bench(OHMIC)
    bench.set(JAR, "InternalResistance", 4.08, 1)
    bench.set(JAR, "InternalResistance", 3.196, 2)
    bench.set(JAR, "Temperature", 35.0, 2)
    bench.set(JAR, "InternalResistance", 5.1, 3)
    bench.set(JAR, "Temperature", 85.0, 3, st.BAD_SENSOR_FAILURE)  # counts for nothing
    found = bench.step()
    assert found.value.tolist() == pytest.approx([0.0, 20.0, 0.0, 50.0])
    assert found.status.tolist() == [st.GOOD] * 4


def test_difference_from_the_mean_of_the_string() -> None:
    fleet = small_fleet(jars=4)
    bench = Bench(JAR_MEAN, STRING_MEAN, fleet=fleet)
    for at, voltage in enumerate((13.5, 13.7, 13.9, 20.0)):
        bench.set(JAR, "Voltage", voltage, at)
    bench.set(JAR, "Voltage", 20.0, 3, st.UNCERTAIN_SENSOR_NOT_ACCURATE)  # not of the mean
    bench.set(JAR, "Voltage", 0.0, slice(4, 8), st.BAD_NO_COMMUNICATION)  # type: ignore[arg-type]
    found = bench.step()
    assert found.value[:3].tolist() == pytest.approx([-0.2, 0.0, 0.2])
    assert found.value[8] == pytest.approx(0.2)
    assert found.status[8] == st.GOOD
    assert st.is_bad_code(int(found.status[9])), "of a string without voltages nothing is known"


def test_states_that_are_not_normal() -> None:
    bench = Bench(LOST)
    bench.set(SITE, "MainsState", Mains.LOST, 1)
    assert bench.step().value.tolist() == [0.0, 1.0]
    bench.set(SITE, "MainsState", math.nan, 1, st.BAD_NO_COMMUNICATION)
    assert bench.step().status.tolist() == [st.GOOD, st.BAD_NO_COMMUNICATION]


def test_share_of_jars_that_do_not_answer() -> None:
    bench = Bench(MISSING, fleet=small_fleet(jars=4))
    for at, status in enumerate(
        (
            st.BAD_NO_COMMUNICATION,
            st.BAD_SENSOR_FAILURE,  # it answers, that it is broken
            st.UNCERTAIN_LAST_USABLE_VALUE,
            st.BAD_NOT_CONNECTED,  # nobody asks it
        )
    ):
        bench.set(JAR, "Voltage", 13.6, at, status)
    bench.set(STRING, "Voltage", NAN, 0, st.BAD_NO_COMMUNICATION)
    found = bench.step()
    assert found.value.tolist() == pytest.approx([100 / 3, 0.0])
    assert found.status.tolist() == [st.GOOD, st.GOOD], "the silence itself is well known"
    bench.set(JAR, "Voltage", NAN, None, st.BAD_NOT_CONNECTED)
    assert bench.step().value.tolist() == [0.0, 0.0]


def test_several_conditions_together() -> None:
    both = measured(
        MeasureKind.ALL_OF,
        (JAR, "Voltage"),
        of=(("VoltageLevel", Level.LOW), ("TemperatureHigh", Level.HIGH_HIGH)),
    )
    bench = Bench(VOLTAGE, TEMPERATURE, both)
    levels = [
        *(Level.LOW, Level.LOW_LOW, Level.HIGH, Level.LOW),
        *(Level.HIGH_HIGH, Level.HIGH_HIGH, Level.HIGH_HIGH, Level.HIGH),
        *(Level.NONE,) * 4,
    ]
    assert bench.step(level=[int(level) for level in levels]).value[8:].tolist() == [1.0, 1.0, 0.0, 0.0]
    bench.set(JAR, "Temperature", 50.0, 1, st.BAD_SENSOR_FAILURE)
    assert bench.step().status[8:].tolist() == [st.GOOD, st.BAD_SENSOR_FAILURE, st.GOOD, st.GOOD]


# -- windows


def ramp(bench: Bench, period: float, seconds: float, slope: Callable[[float], float]) -> Measured:
    """Scans every `period` [s] of a room whose temperature is 24 °C plus `slope` of the time."""
    found = bench.step()
    for i in range(1, round(seconds / period) + 1):
        bench.set(SITE, "AmbientTemperature", 24.0 + slope(i * period), 0)
        found = bench.step(i * period)
    return found


@pytest.mark.parametrize("period", [1.0, 5.0, 60.0])
def test_a_rate_is_the_same_at_every_scan_period(period: float) -> None:
    bench = Bench(WARMING)
    found = ramp(bench, period, 3600.0, lambda t: t * 12 / 3600)  # 12 K/h: 2 K in 10 min
    assert found.value[0] == pytest.approx(2.0, abs=0.1)
    assert found.value[0] >= 2.0 - 1e-9, "the window is no shorter than it says"
    assert found.value[1] == 0.0


def test_memory_does_not_grow_with_the_scan_rate() -> None:
    window = Window(9, 600 * MICROSECONDS)
    for second in range(2000):
        window.note(np.full(9, float(second)), np.ones(9, np.bool_), START + second * MICROSECONDS)
    assert sum(array.nbytes for array in window.save().values()) < (PARTS + 1) * (2 * 9 + 1) * 8 + 1
    assert window.rise(np.full(9, 1999.0))[0] == pytest.approx(600, abs=600 / PARTS)


def test_a_fall_and_whichever_is_greater() -> None:
    fall = replace(WARMING, limits=(NAN, -2.0, NAN, NAN), severities=(0, 400, 0, 0), name="Cooling")
    both = replace(WARMING, limits=(NAN, -2.0, 2.0, NAN), severities=(0, 400, 400, 0), name="Both")
    bench = Bench(WARMING, fall, both)
    found = ramp(bench, 10, 300, lambda t: 0.01 * t if t <= 100 else 2.0 - 0.01 * t)  # up 1 K, down 2 K
    assert found.value[[0, 2, 4]].tolist() == pytest.approx([0.0, -2.0, -2.0])


def test_a_hole_in_the_data_is_no_rise() -> None:
    bench = Bench(WARMING)
    bench.step(0)
    bench.set(SITE, "AmbientTemperature", 24.0, 0, st.UNCERTAIN_LAST_USABLE_VALUE)
    for second in range(60, 1200, 60):  # nothing arrives, and the value of before stands in for it
        assert bench.step(second).value[0] == 0.0
    bench.set(SITE, "AmbientTemperature", 30.0, 0)
    assert bench.step(1200).value[0] == 0.0
    bench.set(SITE, "AmbientTemperature", 31.0, 0)
    assert bench.step(1260).value[0] == pytest.approx(1.0)


def test_a_short_hole_does_not_hide_a_rise() -> None:
    bench = Bench(WARMING)
    bench.step(0)
    bench.set(SITE, "AmbientTemperature", NAN, 0, st.BAD_NO_COMMUNICATION)
    bench.step(60)
    bench.set(SITE, "AmbientTemperature", 27.0, 0)
    assert bench.step(420).value[0] == pytest.approx(3.0)


def test_a_clock_that_is_set_back_begins_anew() -> None:
    bench = Bench(WARMING)
    ramp(bench, 60, 600, lambda t: 0.0)
    bench.set(SITE, "AmbientTemperature", 20.0, 0)
    bench.step(7200)
    bench.set(SITE, "AmbientTemperature", 24.0, 0)
    assert bench.step(3600).value[0] == 0.0, "what was seen later is of no time before"
    bench.set(SITE, "AmbientTemperature", 25.0, 0)
    assert bench.step(3660).value[0] == pytest.approx(1.0)
    for second in range(3720, 7300, 60):
        found = bench.step(second)
    assert found.value[0] == 0.0, "nor is it when the clock comes by again"


def test_a_window_outlives_the_process() -> None:
    bench, other = Bench(WARMING), Bench(WARMING)
    ramp(bench, 60, 300, lambda t: 0.0)
    other.inputs.restore(bench.inputs.save())
    other.set(SITE, "AmbientTemperature", 26.5, 0)
    assert other.step(400).value[0] == pytest.approx(2.5)
    longer = Bench(replace(WARMING, measure=replace(WARMING.measure, window=1200 * MICROSECONDS)))
    longer.inputs.restore(bench.inputs.save())
    longer.set(SITE, "AmbientTemperature", 26.5, 0)
    assert longer.step(400).value[0] == 0.0, "a window of another length begins anew"


def test_a_fork_remembers_and_goes_its_own_way() -> None:
    bench = Bench(WARMING)
    bench.step(0)
    fork = bench.inputs.fork()
    bench.step(60)
    for site, temperature in enumerate((20.0, 21.0)):
        bench.set(SITE, "AmbientTemperature", temperature, site)
    frame = replace(bench.frame, time=START + 60 * MICROSECONDS)
    fork.step(frame, np.zeros(2, np.int8))
    bench.set(SITE, "AmbientTemperature", 25.0)
    assert bench.step(120).value.tolist() == pytest.approx([1.0, 1.0]), "nothing of the fork is known"
    bench.inputs.adopt(fork, np.array([1]))
    assert bench.step(121).value.tolist() == pytest.approx([1.0, 4.0])
