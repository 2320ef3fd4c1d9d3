"""Time zones: their IANA names as configuration files give them, and days and hours in them.

The zone of the fleet, and of a site that has its own, is declared in the fleet file and nowhere else. Times
are in µs since 1970, UTC.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

# Of a fleet file that names none: where the fleet that is shipped stands.
DEFAULT_ZONE: Final = "Asia/Bangkok"
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # a path, a folder of the database
        raise ValueError(f"unknown time zone '{name}'") from None
    except KeyError:  # ZoneInfoNotFoundError
        raise ValueError(f"unknown time zone '{name}' (Asia/Bangkok, Europe/Berlin ...)") from None
    return name


def date_at(time: int, zone: dt.tzinfo) -> dt.date:
    """Which day it is at a time."""
    return (_EPOCH + time * _MICROSECOND).astimezone(zone).date()


def time_on(date: dt.date, hour: int, zone: dt.tzinfo) -> int:
    """The time of a full hour of a day."""
    return (dt.datetime.combine(date, dt.time(hour), zone) - _EPOCH) // _MICROSECOND


Zone = Annotated[str, AfterValidator(_known)]
