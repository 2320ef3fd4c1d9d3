"""Times as the server has them [µs since 1970], and as the database and JSON have them."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST: Final = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def moment(time: int) -> dt.datetime:
    """A time for the database; what no calendar has is the first or last day of all."""
    try:
        return _EPOCH + dt.timedelta(microseconds=time)
    except OverflowError:
        return _LAST if time > 0 else _EPOCH


def microseconds(at: dt.datetime) -> int:
    """What `moment` has made."""
    return (at - _EPOCH) // dt.timedelta(microseconds=1)


@lru_cache(maxsize=1024)
def iso(time: int) -> str:
    """A time as text; the events of one scan share theirs."""
    return moment(time).isoformat()


def iso_or_never(time: int) -> str | None:
    """The same, None for 0: never."""
    return iso(time) if time else None


def storable(text: str) -> str:
    """Text that PostgreSQL takes: without NUL, and without halves of surrogate pairs."""
    if text.isprintable():  # most texts; neither of them is
        return text
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
