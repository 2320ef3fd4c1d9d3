"""Quarters of local time, work days and seasons: against a calendar on the wall."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics import workcalendar as calendar
from analytics.workcalendar import Note
from nodeset.tags import quarter_text

BANGKOK, KATHMANDU = ZoneInfo("Asia/Bangkok"), ZoneInfo("Asia/Kathmandu")


def time_of(moment: str) -> int:
    return int(dt.datetime.fromisoformat(moment).timestamp() * 1e6)


def day_of(date: str) -> int:
    return (dt.date.fromisoformat(date) - dt.date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("today", "days", "quarter"),
    [
        ("2026-11-21T00:00+00:00", 0.0, "2026-Q4"),
        ("2026-11-21T00:00+00:00", 40.9, "2026-Q4"),  # ends on 31 December, with the quarter
        ("2026-11-21T00:00+00:00", 41.0, "2026-Q4"),  # on 1 January: this quarter is over by then
        ("2026-11-21T00:00+00:00", 129.9, "2026-Q4"),  # on 30 March
        ("2026-11-21T00:00+00:00", 130.0, "2027-Q1"),  # on its last day
        ("2026-12-31T18:00+00:00", 0.0, "2027-Q1"),  # it is 2027 in Bangkok
        ("2028-02-28T00:00+00:00", 33.0, "2028-Q1"),
        ("2026-01-01T00:00+00:00", 730.0, "2027-Q4"),
    ],
)
def test_a_jar_is_replaced_in_the_last_quarter_that_is_over_before_its_lower_bound(
    today: str, days: float, quarter: str
) -> None:
    found = calendar.replacement_quarters(time_of(today), np.array([days]), BANGKOK)
    assert quarter_text(found[0]) == quarter
    assert calendar.quarter_name(int(found[0])) == quarter


def test_quarters_begin_and_end_where_the_calendar_says() -> None:
    for quarter in range(2026 * 4, 2030 * 4):
        first = calendar.first_day(quarter)
        days = np.arange(first, calendar.first_day(quarter + 1))
        assert (calendar.quarters_of(days) == quarter).all()
        assert 90 <= len(days) <= 92


def test_nobody_works_at_songkran_nor_on_sundays() -> None:
    days = calendar.work_days("Bangkok", day_of("2027-04-09"), day_of("2027-04-20"))
    assert [each.date.isoformat() for each in days] == [
        "2027-04-09",
        "2027-04-12",
        "2027-04-16",
        "2027-04-19",
    ]


def test_work_is_done_in_daytime() -> None:
    (day,) = calendar.work_days("Bangkok", day_of("2027-03-01"), day_of("2027-03-02"))
    assert day.begins(BANGKOK) == time_of("2027-03-01T08:00+07:00")
    assert day.ends(BANGKOK) == time_of("2027-03-01T20:00+07:00")
    assert day.begins(KATHMANDU) == time_of("2027-03-01T08:00+05:45")
    assert day.ends(KATHMANDU) == time_of("2027-03-01T20:00+05:45")


def test_days_and_quarters_are_those_of_the_zone() -> None:
    # 23:59 in Kathmandu is next year in Bangkok; a quarter of an hour later it is so in both.
    before, after = time_of("2026-12-31T23:59+05:45"), time_of("2027-01-01T00:14+05:45")
    names = [
        [calendar.quarter_name(calendar.quarter_at(time, zone)) for time in (before, after)]
        for zone in (KATHMANDU, BANGKOK)
    ]
    assert names == [["2026-Q4", "2027-Q1"], ["2027-Q1", "2027-Q1"]]
    assert calendar.local_day(before, KATHMANDU) == day_of("2026-12-31")
    assert calendar.replacement_quarters(before, np.zeros(1), KATHMANDU).tolist() == [2026 * 4 + 3]


def test_dry_days_come_first_and_the_south_is_wet_when_the_others_are_dry() -> None:
    first, end = day_of("2027-10-01"), day_of("2028-01-01")
    bangkok = calendar.suitable_days("Bangkok", first, end)
    assert bangkok[0].date == dt.date(2027, 11, 1)
    assert bangkok[0].notes == ()
    assert bangkok[-1].notes == (Note.MONSOON,)
    phuket = calendar.suitable_days("Southern", first, end)
    assert phuket[0].date == dt.date(2027, 10, 1)
    assert {day.notes for day in phuket} == {(Note.MONSOON,)}
    assert {day.day for day in bangkok} == {day.day for day in phuket}


@pytest.mark.parametrize(
    ("region", "notes"),
    [
        ("Bangkok", [(), (Note.SONGKRAN, Note.MONSOON), (Note.MONSOON,), (Note.MONSOON,)]),
        ("Southern", [(), (Note.SONGKRAN,), (), (Note.MONSOON,)]),
    ],
)
def test_a_quarter_says_what_work_in_it_meets(region: str, notes: list[tuple[Note, ...]]) -> None:
    assert [calendar.notes_of(region, 2027 * 4 + i) for i in range(4)] == notes
