"""Dates as people of a language and a calendar write them; pure. The Buddhist Era is 543 years ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from server.reports.period import Period

BUDDHIST: Final = "buddhist"
_ERA: Final = 543  # years
_EN: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_TH: Final = [
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
]
_TH_SHORT: Final = [
    "ม.ค.",
    "ก.พ.",
    "มี.ค.",
    "เม.ย.",
    "พ.ค.",
    "มิ.ย.",
    "ก.ค.",
    "ส.ค.",
    "ก.ย.",
    "ต.ค.",
    "พ.ย.",
    "ธ.ค.",
]


@dataclass(frozen=True)
class Dates:
    """Of a language (en, th) and a calendar (common, buddhist)."""

    language: str
    calendar: str

    def day(self, date: dt.date) -> str:
        """`1 Oct 2026`."""
        return f"{self.short(date)} {self.year(date.year)}"

    def short(self, date: dt.date) -> str:
        """`1 Oct`."""
        return f"{date.day} {self._short_month(date.month)}"

    def time(self, time: dt.datetime) -> str:
        """`1 Oct 2026 06:00`, local where `time` is."""
        return f"{self.day(time.date())} {time:%H:%M}"

    def quarter(self, number: int) -> str:
        """`Q4 2026`, in Thai `Q4/2569`, of year * 4 + quarter - 1."""
        year, quarter = number // 4, number % 4 + 1
        return f"Q{quarter}{'/' if self.language == 'th' else ' '}{self.year(year)}"

    def period(self, period: Period) -> str:
        """`October 2026`, `Week 45, 2–8 Nov 2026`."""
        first, last = period.first, period.after - dt.timedelta(days=1)
        if period.weekly:
            week = first.isocalendar().week
            word = "สัปดาห์ที่" if self.language == "th" else "Week"
            begin = f"{first.day}–" if first.month == last.month else f"{self.short(first)} – "
            return f"{word} {week}, {begin}{self.day(last)}"
        if self.language == "th":
            era = "พ.ศ." if self.calendar == BUDDHIST else "ค.ศ."
            return f"{_TH[first.month - 1]} {era} {self.year(first.year)}"
        era = " BE" if self.calendar == BUDDHIST else ""
        return f"{_EN[first.month - 1]} {self.year(first.year)}{era}"

    def year(self, year: int) -> str:
        """`2026`, or `2569` in the Buddhist Era."""
        return str(year + _ERA if self.calendar == BUDDHIST else year)

    def _short_month(self, month: int) -> str:
        return _TH_SHORT[month - 1] if self.language == "th" else _EN[month - 1][:3]
