"""When a group is there."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.notifyfile import Schedule
from server.notify.hours import Hours

BANGKOK = "Asia/Bangkok"


def opens(text: str, zone: str = BANGKOK, **schedule: Any) -> str:
    """When somebody is there, of local times."""
    tz = ZoneInfo(zone)
    now = dt.datetime.fromisoformat(text).replace(tzinfo=tz).timestamp()
    found = Hours(Schedule.model_validate(schedule), tz).opens(now)
    return f"{dt.datetime.fromtimestamp(found, tz):%Y-%m-%d %H:%M}"


OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "hours": "08:00-17:00"}
NIGHT = {"days": ["fri"], "hours": "22:00-06:00"}


@pytest.mark.parametrize(
    ("now", "schedule", "found"),
    [
        ("2026-11-18 12:00", OFFICE, "2026-11-18 12:00"),
        ("2026-11-18 08:00", OFFICE, "2026-11-18 08:00"),
        ("2026-11-18 07:59", OFFICE, "2026-11-18 08:00"),
        ("2026-11-18 17:00", OFFICE, "2026-11-19 08:00"),
        ("2026-11-20 18:00", OFFICE, "2026-11-23 08:00"),
        ("2026-11-22 12:00", OFFICE, "2026-11-23 08:00"),
        ("2026-11-20 18:00", OFFICE | {"holidays": ["2026-11-23"]}, "2026-11-24 08:00"),
        ("2026-11-20 23:00", NIGHT, "2026-11-20 23:00"),
        ("2026-11-21 05:59", NIGHT, "2026-11-21 05:59"),
        ("2026-11-21 06:00", NIGHT, "2026-11-27 22:00"),
        ("2026-11-20 05:00", NIGHT, "2026-11-20 22:00"),
        ("2026-11-21 05:00", NIGHT | {"holidays": ["2026-11-20"]}, "2026-11-27 22:00"),
        ("2026-11-21 23:59", {}, "2026-11-21 23:59"),
    ],
)
def test_now_or_when_it_begins_next(now: str, schedule: dict[str, Any], found: str) -> None:
    assert opens(now, **schedule) == found


def test_the_clock_on_the_wall_counts_where_it_is_changed() -> None:
    # Berlin put its clocks forward on 2026-03-29 at 02:00.
    assert opens("2026-03-29 01:00", "Europe/Berlin", days=["sun"], hours="08:00-17:00") == "2026-03-29 08:00"


def test_a_group_that_is_never_there_is_never_waited_for() -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=i) for i in range(2000)]
    hours = Hours(Schedule(holidays=days), ZoneInfo(BANGKOK))
    assert hours.opens(1_795_000_000.0) == math.inf
