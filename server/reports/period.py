"""What a report is about: a month or a week of the sites' local time; pure."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from historian.export.request import ExportError

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Period:
    """Local days from `first` up to `after`, which is not in; `name` is 2026-10, or 2026-W45 (ISO 8601)."""

    name: str
    first: dt.date
    after: dt.date
    zone: ZoneInfo

    @property
    def low(self) -> dt.datetime:
        """When it begins."""
        return dt.datetime.combine(self.first, dt.time(), self.zone)

    @property
    def high(self) -> dt.datetime:
        """When it is over."""
        return dt.datetime.combine(self.after, dt.time(), self.zone)

    @property
    def weekly(self) -> bool:
        """Whether it is a week."""
        return "W" in self.name

    def until(self, now: dt.datetime) -> dt.datetime:
        """Its end, or `now` while it lasts."""
        return min(self.high, now)


def period_of(name: str, zone: ZoneInfo) -> Period:
    """The month `2026-10` or the week `2026-W45`; `ExportError` for anything else."""
    if month := _MONTH.fullmatch(name):
        year, number = int(month[1]), int(month[2])
        if 1970 <= year <= 9998:
            return _month(dt.date(year, number, 1), zone)
    if week := _WEEK.fullmatch(name):
        try:
            return _week(dt.date.fromisocalendar(int(week[1]), int(week[2]), 1), zone)
        except ValueError:
            pass  # a year of 52 weeks, or a week 0
    raise ExportError(f"'{name}' is neither a month such as 2026-10 nor a week such as 2026-W45.")


def month_before(now: dt.datetime, zone: ZoneInfo) -> Period:
    """The last whole month."""
    first = now.astimezone(zone).date().replace(day=1)
    return _month((first - dt.timedelta(days=1)).replace(day=1), zone)


def week_before(now: dt.datetime, zone: ZoneInfo) -> Period:
    """The last whole week, from Monday to Sunday."""
    today = now.astimezone(zone).date()
    return _week(today - dt.timedelta(days=today.weekday() + 7), zone)


def month_at(time: int, zone: ZoneInfo) -> Period:
    """The month in which a time [µs since 1970] is."""
    return _month(moment(time).astimezone(zone).date().replace(day=1), zone)


def moment(time: int) -> dt.datetime:
    """A time [µs since 1970]."""
    return _EPOCH + dt.timedelta(microseconds=time)


def _month(first: dt.date, zone: ZoneInfo) -> Period:
    return Period(f"{first:%Y-%m}", first, (first + dt.timedelta(days=32)).replace(day=1), zone)


def _week(monday: dt.date, zone: ZoneInfo) -> Period:
    year, week, _ = monday.isocalendar()
    return Period(f"{year:04}-W{week:02}", monday, monday + dt.timedelta(days=7), zone)
