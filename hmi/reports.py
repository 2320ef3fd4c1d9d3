"""Reports that go out by schedule, as the page shows them; pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from hmi.subscription import microseconds

# What a report is asked by, in the order of Historian.MakeReport's arguments.
ASKED: Final = ("period", "site", "format", "language", "calendar")
_COLUMNS: Final = (
    "name", "every", "site", "formats", "language", "calendar", "places", "next", "due", "delivered",
    "outcome", "error",
)  # fmt: skip
_TIMES: Final = ("next", "due", "delivered")


def schedules(columns: Sequence[Sequence[Any] | None]) -> list[dict[str, Any]]:
    """A row each of what Historian.ListReports answers; times in ms since 1970, None is never."""
    rows = zip(*(column or () for column in columns), strict=True)
    found = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    for row in found:
        for name in _TIMES:
            row[name] = _ms(row[name])
    return found


def _ms(time: dt.datetime) -> int | None:
    ms = microseconds(time) // 1000
    return ms if ms > 0 else None
