"""When a group is there: hours of some days of the week in a time zone, holidays excepted."""

from __future__ import annotations

import datetime as dt
import math
from typing import Final
from zoneinfo import ZoneInfo

from config.notifyfile import DAYS, Schedule

_LONGEST: Final = 400  # days that are looked ahead


class Hours:
    """One schedule in one time zone."""

    def __init__(self, schedule: Schedule, zone: ZoneInfo) -> None:
        self._zone = zone
        self._days = frozenset(DAYS.index(day) for day in schedule.days)
        self._holidays = frozenset(schedule.holidays)
        begin, end = schedule.span
        self._begin = dt.timedelta(minutes=begin)
        # A span that ends before it begins goes on until the next day.
        self._end = dt.timedelta(minutes=end if end > begin else end + 24 * 60)

    def opens(self, now: float) -> float:
        """`now` where that is within, else when it begins next; times in s since 1970, inf for never."""
        today = dt.datetime.fromtimestamp(now, self._zone).date()
        for offset in range(-1, _LONGEST):
            day = today + dt.timedelta(days=offset)
            if day.weekday() not in self._days or day in self._holidays:
                continue
            if now < self._at(day, self._end):
                return max(now, self._at(day, self._begin))
        return math.inf

    def _at(self, day: dt.date, since_midnight: dt.timedelta) -> float:
        """A time on the wall's clock."""
        wall = dt.datetime.combine(day, dt.time()) + since_midnight
        return wall.replace(tzinfo=self._zone).timestamp()
