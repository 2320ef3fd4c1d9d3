"""When a scheduled report is due, and what it is of then; pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from config.notifyfile import DAYS
from config.reportsettings import ReportSchedule
from server.reports.period import Period, month_before, week_before


@dataclass(frozen=True)
class Timetable:
    """A schedule in the time zone of its site, or of the fleet."""

    schedule: ReportSchedule
    zone: ZoneInfo

    def last(self, now: dt.datetime) -> dt.datetime:
        """When it was due last, up to `now` itself (UTC)."""
        day = now.astimezone(self.zone).date()
        due = self._due_before(day)
        return due if due <= now else self._due_before(day - dt.timedelta(days=1))

    def next(self, now: dt.datetime) -> dt.datetime:
        """When it is due next, after `now` (UTC)."""
        day = now.astimezone(self.zone).date()
        while (due := self._due_before(day)) <= now:
            day += dt.timedelta(days=1)
        return due

    def period(self, due: dt.datetime) -> Period:
        """What the report that is due then is of: the month or week before."""
        before = month_before if self.schedule.every == "month" else week_before
        return before(due, self.zone)

    def _due_before(self, day: dt.date) -> dt.datetime:
        """The last due time on a day or before it."""
        schedule = self.schedule
        if schedule.every == "week":
            behind = (day.weekday() - DAYS.index(schedule.weekday)) % 7
            return self._at(day - dt.timedelta(days=behind))
        if day.day < schedule.day:
            day = day.replace(day=1) - dt.timedelta(days=1)
        return self._at(day.replace(day=schedule.day))

    def _at(self, day: dt.date) -> dt.datetime:
        """A day's time; one that the clocks leave out is as much later as they are put forward."""
        time = dt.time.fromisoformat(self.schedule.time)
        return dt.datetime.combine(day, time, self.zone).astimezone(dt.UTC)
