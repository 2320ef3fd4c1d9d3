"""Times in pages: `assets/times.js` as a browser runs it, in zones with and without summer time."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import hmi

SCRIPT = Path(hmi.__file__).parent / "assets" / "times.js"
NOW = dt.datetime(2026, 11, 22, 5, 41, 49, tzinfo=dt.UTC)
DAY = 86_400_000
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


def ran(
    zone: str, expression: str, calendar: str = "common", language: str = "en", browser: str = "UTC"
) -> Any:
    """What an expression over `times`, and `now` [ms], is in a browser that is in zone `browser`."""
    script = (
        f"const {{ Times }} = await import({json.dumps(SCRIPT.as_uri())});"
        f"const times = new Times({json.dumps(zone)}, {json.dumps(calendar)}, {json.dumps(language)});"
        f"const now = {ms(NOW)}; console.log(JSON.stringify({expression}));"
    )
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=20, check=True, env={"TZ": browser, "PATH": PATH}
    )
    return json.loads(done.stdout)


def ms(time: dt.datetime) -> int:
    """Milliseconds since 1970."""
    return round(time.timestamp() * 1000)


PATH = str(Path(shutil.which("node") or "/").parent)
ZONES = {
    "Asia/Bangkok": ("2026-11-22 12:41:49", "UTC+7"),
    "UTC": ("2026-11-22 05:41:49", "UTC"),
    "America/St_Johns": ("2026-11-22 02:11:49", "UTC\u22123:30"),
    "Asia/Kathmandu": ("2026-11-22 11:26:49", "UTC+5:45"),
    "Nowhere/At_All": ("2026-11-22 05:41:49", "UTC"),
}


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_those_of_the_zone_wherever_the_browser_is(zone: str) -> None:
    seen = ran(zone, "[times.stamp(now), times.offset(now)]", browser="America/New_York")
    assert tuple(seen) == ZONES[zone]


def test_the_buddhist_calendar_is_543_years_ahead() -> None:
    told = "[times.day(now), times.stamp(now), times.month(now), times.quarter(now), times.toInput(now)]"
    assert ran("Asia/Bangkok", told, "buddhist", "th") == [
        "2569-11-22",
        "2569-11-22 12:41:49",
        "2569-11",
        "2569-Q4",
        "2026-11-22T12:41",  # inputs know the common calendar only
    ]


def test_planning_is_read_in_the_readers_calendar() -> None:
    told = "['2026', '2026-11', '2027-Q1', '–', 'UPS-1', '2026-11-22'].map((text) => times.period(text))"
    common = ["2026", "2026-11", "2027-Q1", "–", "UPS-1", "2026-11-22"]
    assert ran("Asia/Kathmandu", told) == common
    assert ran("Asia/Kathmandu", told, "buddhist") == ["2569", "2569-11", "2570-Q1", *common[3:]]


def test_the_day_turns_with_the_zone() -> None:
    evening = ms(dt.datetime(2026, 12, 31, 17, 0, tzinfo=dt.UTC))
    told = f"[times.stamp({evening}), times.quarter({evening}), times.stamp({evening - 1})]"
    assert ran("Asia/Bangkok", told) == ["2027-01-01 00:00:00", "2027-Q1", "2026-12-31 23:59:59"]


def hours(zone: str, year: int) -> Iterator[dt.datetime]:
    """Times of a year, often enough to meet every change of the clocks."""
    time = dt.datetime(year, 1, 1, 0, 10, tzinfo=dt.UTC)
    while time.year == year:
        yield time
        time += dt.timedelta(hours=5)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_summer_time_is_as_the_database_of_zones_has_it(zone: str) -> None:
    times = list(hours(zone, 2026))
    stamps = ran(zone, f"{json.dumps([ms(time) for time in times])}.map((time) => times.stamp(time))")
    assert stamps == [time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for time in times]


@pytest.mark.parametrize("zone", ["Asia/Bangkok", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_what_an_input_is_given_comes_back(zone: str) -> None:
    times = [ms(time) for time in hours(zone, 2026)]
    back = ran(zone, f"{json.dumps(times)}.map((time) => times.fromInput(times.toInput(time)))")
    # Of the hour that is there twice, the first is meant.
    late = [(time, found) for time, found in zip(times, back, strict=True) if time != found]
    assert len(late) <= 1
    assert all(0 < time - found <= 3_600_000 for time, found in late)


INPUTS = {
    "2026-03-08T02:30": "2026-03-08T07:30:00.000Z",  # there is no such time: as late as it would be
    "2026-11-01T01:30": "2026-11-01T05:30:00.000Z",  # twice: the first
    "2026-07-04": "2026-07-04T04:00:00.000Z",
    "2026-12": "2026-12-01T05:00:00.000Z",
}


def test_inputs_where_clocks_change() -> None:
    asked = f"{json.dumps(list(INPUTS))}.map((text) => new Date(times.fromInput(text)).toISOString())"
    assert ran("America/New_York", asked) == list(INPUTS.values())
    assert ran("UTC", 'times.fromInput("")') is None  # NaN


def labels(zone: str, span: int, **more: str) -> list[str]:
    """What stands at the ticks of an axis of `span` [ms] up to now."""
    found: list[str] = ran(zone, f"times.ticks(now - {span}, now).map((time) => times.label(time))", **more)
    return found


def test_ticks_are_at_even_times_of_the_zone() -> None:
    day = ["15:00", "18:00", "21:00", "22 Nov", "03:00", "06:00", "09:00", "12:00"]
    assert labels("Asia/Bangkok", DAY) == day
    assert labels("Asia/Bangkok", 7 * DAY)[0] == "16 Nov"
    assert labels("Asia/Bangkok", 365 * DAY, calendar="buddhist", language="th")[:2] == ["2569", "มี.ค."]
    assert labels("Asia/Bangkok", 60_000)[0] == "12:40:50"


def test_ticks_stay_at_midnight_when_clocks_change() -> None:
    first, last = (ms(dt.datetime(2026, 3, day, 5, tzinfo=dt.UTC)) for day in (5, 12))
    found = ran("America/New_York", f"times.ticks({first}, {last}).map((time) => times.stamp(time))")
    assert {stamp[11:] for stamp in found} == {"00:00:00"}
    assert len(found) == len(set(found)) == 8


def test_there_are_few_ticks_whatever_the_span() -> None:
    spans = [1000 * 3**k for k in range(1, 20)]
    counts = ran("Asia/Bangkok", f"{spans}.map((span) => times.ticks(now - span, now).length)")
    assert all(1 <= count <= 9 for count in counts)
