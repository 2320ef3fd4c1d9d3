"""The past of a plant: hourly means of what its monitors read, then raw readings, and no seam."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from plantreadings import HOUR, SECOND, column, outages

from drivers.statistics import rows_of
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Mains
from simulator.past import DAY, RAW_STEP, SAMPLES, Span, mean, past
from simulator.plant import Plant


def test_a_long_past_is_hours_and_then_a_day_a_reading_a_minute(quiet: int) -> None:
    end = quiet + 17 * 60 * SECOND + 5
    span = Span.before(end, 90)
    assert span.begin % HOUR == 0
    assert 0 <= end - 90 * DAY - span.begin < HOUR
    assert span.raw_begin % HOUR == 0
    assert DAY <= end - span.raw_begin < DAY + HOUR
    assert span.hours[0] == span.begin
    assert span.hours[-1] + HOUR == span.raw_begin
    assert span.raw_begin <= span.raw_times[0] < span.raw_begin + RAW_STEP
    assert span.raw_times[-1] == end - RAW_STEP
    assert span.scans == len(span.hours) + len(span.raw_times)


@pytest.mark.parametrize("days", [0.1, 0.5, 1.0])
def test_a_past_of_up_to_a_day_is_raw(quiet: int, days: float) -> None:
    span = Span.before(quiet, days)
    assert len(span.hours) == 0
    assert len(span.raw_times) == round(days * 1440)


def test_readings_come_in_order_and_hold_what_a_source_gives(two_sites: TagIndex, quiet: int) -> None:
    span = Span.before(quiet + 7 * SECOND, 1.5)
    readings = list(past(two_sites, 1, span))
    times = [int(r.time[0]) for r in readings]
    assert times == [*span.hours, *span.raw_times]
    assert all((r.time == r.time[0]).all() for r in readings)
    assert all(np.isin(rows_of(two_sites), r.rows).all() for r in readings)
    again = list(past(two_sites, 1, span))
    assert all(np.array_equal(a.value, b.value, equal_nan=True) for a, b in zip(readings, again, strict=True))


def test_hours_agree_with_means_of_raw_readings(two_sites: TagIndex, quiet: int) -> None:
    """The same hours, once as hourly means and once minute by minute."""
    hours = list(past(two_sites, 1, Span.before(quiet, 1.25)))[:5]
    plant = Plant(two_sites, 1, quiet - round(1.25 * DAY))
    for hour in hours:
        minutes = []
        for time in range(int(hour.time[0]), int(hour.time[0]) + HOUR, RAW_STEP):
            plant.advance(time)
            minutes.append(plant.readings())
        for asset, tag, limit in (
            ("Jar", "Voltage", 0.004),
            ("Jar", "Temperature", 0.2),
            ("Jar", "InternalResistance", 0.06),
            ("String", "Current", 0.05),
            ("Site", "AmbientTemperature", 0.2),
        ):
            raw = np.nanmean([column(two_sites, each, asset, tag) for each in minutes], 0)
            assert np.abs(column(two_sites, hour, asset, tag) - raw).max() < limit, tag


def test_from_hours_to_raw_readings_nothing_jumps(two_sites: TagIndex, quiet: int) -> None:
    span = Span.before(quiet, 1.5)
    readings = list(past(two_sites, 1, span))
    last, first = readings[len(span.hours) - 1 : len(span.hours) + 1]
    for asset, tag, limit in (
        ("Jar", "Voltage", 0.03),
        ("Jar", "Temperature", 1.0),
        ("Jar", "InternalResistance", 0.2),
        ("Site", "AmbientTemperature", 1.0),
        ("Site", "Humidity", 5.0),
    ):
        a, b = (column(two_sites, each, asset, tag) for each in (last, first))
        assert np.nanmax(np.abs(a - b)) < limit, tag


def test_an_outage_shows_in_the_hours_it_is_in(two_sites: TagIndex, quiet: int) -> None:
    before = outages(two_sites, 1, quiet - 100 * 7 * DAY, 98)
    start, end, site = max(before, key=lambda outage: outage[1] - outage[0])
    after = end + 2 * DAY
    hours = [r for r in past(two_sites, 1, Span.before(after, 4)) if start - 3 * HOUR < r.time[0] < end]
    share = [column(two_sites, r, "Site", "MainsState")[site] for r in hours]
    assert set(share) <= {Mains.LOST, Mains.PRESENT}
    assert len(hours) >= 2
    volts = [column(two_sites, r, "System", "BusVoltage")[site] for r in hours]
    assert min(volts) < max(volts) - 2.0


def _readings(index: TagIndex, time: int, values: dict[str, tuple[float, int]]) -> Readings:
    """Readings of Bangrak's first assets by tag."""
    places = {"Voltage": "Bangrak/UPS-1/S01/J01", "MainsState": "Bangrak", "OperatingMode": "Bangrak/UPS-1"}
    rows = [index.row(places[name], name) for name in values]
    value, status = zip(*values.values(), strict=True) if values else ((), ())
    return Readings(
        np.array(rows, np.intp),
        np.array(value, np.float64),
        np.array(status, np.uint32),
        np.full(len(rows), time),
    )


def test_the_mean_is_of_good_readings_and_states_take_the_middle_one(two_sites: TagIndex) -> None:
    bad = st.BAD_SENSOR_FAILURE
    samples = [
        _readings(two_sites, 1, {"Voltage": (13.0, st.GOOD), "MainsState": (1, 0), "OperatingMode": (0, 0)}),
        _readings(two_sites, 2, {"Voltage": (99.0, bad), "MainsState": (0, 0), "OperatingMode": (1, 0)}),
        _readings(two_sites, 3, {"MainsState": (1, 0), "OperatingMode": (2, 0)}),
        _readings(two_sites, 4, {"Voltage": (14.0, st.GOOD), "MainsState": (1, 0), "OperatingMode": (2, 0)}),
    ]
    found = mean(two_sites, samples, 7)
    assert (found.time == 7).all()
    assert (found.status == st.GOOD).all()
    assert column(two_sites, found, "Jar", "Voltage")[0] == 13.5
    assert column(two_sites, found, "Site", "MainsState")[0] == Mains.PRESENT
    assert column(two_sites, found, "System", "OperatingMode")[0] == 1


def test_a_mean_without_good_readings_stays_bad_and_without_any_it_is_missing(two_sites: TagIndex) -> None:
    bad = st.BAD_SENSOR_FAILURE
    samples = [_readings(two_sites, time, {"Voltage": (float(time), bad)}) for time in (1, 2)]
    found = mean(two_sites, samples, 0)
    assert found.value.tolist() == [2.0]
    assert found.status.tolist() == [bad]
    assert mean(two_sites, [replace(samples[0], **_none(samples[0]))], 0).rows.size == 0


def _none(readings: Readings) -> dict[str, np.ndarray]:
    return {name: getattr(readings, name)[:0] for name in ("rows", "value", "status", "time")}


def test_an_hour_is_a_mean_of_several_readings() -> None:
    assert HOUR % SAMPLES == 0
    assert SAMPLES >= 4
