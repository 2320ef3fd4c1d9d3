"""Quarters of the fleet's local time, and in which one a jar is to be replaced; pure.

The rule is the server's (R4, docs/maintenance.md): it is worked out here only for lives that are supposed,
of which the server gives days.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from config.zone import date_at

_DAY: Final = dt.timedelta(days=1)
_LONGEST: Final = 100 * 366.0  # d; what lives longer is replaced in no quarter that matters


def replacement_quarter(time: int, lower_days: float, zone: dt.tzinfo) -> str:
    """Such as 2027-Q1: the last quarter that is over before `lower_days` [d] from `time` [µs since 1970].

    At the earliest the present one.
    """
    today = date_at(time, zone)
    after = today + (1 + int(min(max(lower_days, 0.0), _LONGEST) // 1)) * _DAY
    return _name(max(_number(after) - 1, _number(today)))


def _number(day: dt.date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def _name(number: int) -> str:
    return f"{number // 4}-Q{number % 4 + 1}"
