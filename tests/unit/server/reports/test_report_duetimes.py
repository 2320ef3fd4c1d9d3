"""When scheduled reports are due, over months, years and the clocks of other zones."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.reportsettings import ReportSchedule
from historian.export.request import ExportError
from server.reports.duetimes import Timetable
from server.reports.period import month_at, period_of

SUNDAYS = {"every": "week", "weekday": "sun"}
BANGKOK = ZoneInfo("Asia/Bangkok")


def table(zone: str = "Asia/Bangkok", **terms: Any) -> Timetable:
    return Timetable(ReportSchedule.model_validate({"name": "A", "folder": "x", **terms}), ZoneInfo(zone))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("terms", "now", "last", "next_", "period"),
    [
        # 06:00 in Bangkok is 23:00 UTC of the day before.
        ({}, "2026-10-31T22:59", "2026-09-30T23:00", "2026-10-31T23:00", "2026-09"),
        ({}, "2026-10-31T23:00", "2026-10-31T23:00", "2026-11-30T23:00", "2026-10"),
        ({}, "2027-01-01T00:00", "2026-12-31T23:00", "2027-01-31T23:00", "2026-12"),
        ({"day": 28}, "2027-02-27T23:00", "2027-02-27T23:00", "2027-03-27T23:00", "2027-01"),
        ({"day": 5, "time": "00:00"}, "2026-03-03T12:00", "2026-02-04T17:00", "2026-03-04T17:00", "2026-01"),
        ({"every": "week"}, "2026-11-22T22:00", "2026-11-15T23:00", "2026-11-22T23:00", "2026-W46"),
        (SUNDAYS, "2026-11-21T23:00", "2026-11-21T23:00", "2026-11-28T23:00", "2026-W46"),
        # The first week of 2027 begins on 4 January.
        ({"every": "week"}, "2027-01-04T12:00", "2027-01-03T23:00", "2027-01-10T23:00", "2026-W53"),
    ],
)  # fmt: skip
def test_a_report_is_due_by_the_sites_clock(
    terms: dict[str, Any], now: str, last: str, next_: str, period: str
) -> None:
    timetable = table(**terms)
    assert timetable.last(utc(now)) == utc(last)
    assert timetable.next(utc(now)) == utc(next_)
    assert timetable.period(utc(last)).name == period


def test_clocks_that_are_put_forward_skip_no_report() -> None:
    """On 29 March 2026 there is no 02:30 in Berlin, and 24 hours later it is 00:30 UTC."""
    berlin = table("Europe/Berlin", every="week", weekday="sun", time="02:30")
    assert berlin.last(utc("2026-03-29T12:00")) == utc("2026-03-29T01:30")
    assert berlin.next(utc("2026-03-29T12:00")) == utc("2026-04-05T00:30")


def test_a_period_is_local_days() -> None:
    october = period_of("2026-10", BANGKOK)
    assert (october.low, october.high) == (utc("2026-09-30T17:00"), utc("2026-10-31T17:00"))
    week = period_of("2026-W53", BANGKOK)
    assert (week.first, week.after) == (dt.date(2026, 12, 28), dt.date(2027, 1, 4))
    assert month_at(round(utc("2026-10-31T17:00").timestamp() * 1e6), BANGKOK).name == "2026-11"


@pytest.mark.parametrize("name", ["2026", "2026-13", "2026-W00", "2027-W53", "0001-01", "9999-12", "x", ""])
def test_what_is_no_period_is_refused(name: str) -> None:
    with pytest.raises(ExportError, match="neither a month"):
        period_of(name, BANGKOK)
