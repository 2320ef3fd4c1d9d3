"""Months and years of UTC: the partitions of roll-ups on plain PostgreSQL, as days are those of readings."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final

from psycopg import sql

_MAKE: Final = """
DO $$ BEGIN
    LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass({name}) IS NULL THEN
        CREATE TABLE {new} (LIKE {table});
        ALTER TABLE {table} ATTACH PARTITION {new} {bounds};
    END IF;
END $$
"""


class Period(StrEnum):
    """How long a table's partitions are."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"

    def start(self, day: dt.date) -> dt.date:
        """First day of the period that `day` lies in."""
        if self is Period.DAY:
            return day
        return day.replace(day=1) if self is Period.MONTH else day.replace(month=1, day=1)

    def after(self, day: dt.date) -> dt.date:
        """First day of the period that follows."""
        length = {Period.DAY: 1, Period.MONTH: 31, Period.YEAR: 366}[self]
        return self.start(self.start(day) + dt.timedelta(days=length))


def partition(table: str, day: dt.date) -> str:
    """Name of the partition that begins with a day."""
    return f"{table}_{day:%Y%m%d}"


def make(table: str, period: Period, day: dt.date) -> sql.Composed:
    """What makes the partition that a day lies in, unless it is there; two may do it at a time.

    Made aside and attached, which waits for no reader: `PARTITION OF` locks the whole table, and all who
    come after would wait with us for a reader that takes long.
    """
    start = period.start(day)
    return sql.SQL(_MAKE).format(
        table=sql.Identifier(table),
        name=sql.Literal(partition(table, start)),
        new=sql.Identifier(partition(table, start)),
        bounds=bounds(start, period.after(start)),
    )


def bounds(start: dt.date, end: dt.date) -> sql.Composed:
    """What a partition from `start` to before `end` is attached with."""
    return sql.SQL("FOR VALUES FROM ({}) TO ({})").format(midnight(start), midnight(end))


def midnight(day: dt.date) -> sql.Literal:
    """The beginning of a day."""
    return sql.Literal(f"{day} 00:00:00+00")
