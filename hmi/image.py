"""What the HMI knows of one part of the fleet: live values in columns, and what changed since last told.

A `Layout` says which variables of which assets are shown; item numbers run table by table, tag by tag,
row by row. `Image` holds value, status and source time of each item; browsers get `content` once and
then `changes`. Nothing here knows OPC UA, the web, or a clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

Value = float | int | str | None

GOOD: Final = 0
BAD_NO_COMMUNICATION: Final = 0x8031_0000
BAD_WAITING_FOR_INITIAL_DATA: Final = 0x8032_0000


@dataclass(frozen=True)
class Column:
    """One tag as it is shown: unit and states as the server declares them."""

    tag: str
    label: str
    decimals: int = 0
    unit: str = ""
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Assets of one kind (rows, by path) and their tags (columns)."""

    name: str
    rows: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Layout:
    """The tables of one view."""

    tables: tuple[Table, ...]
    timed: bool = False  # whether browsers are told each item's source time
    sampling: float = -1.0  # ms between looks at a value; -1: as often as changes are told

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """NodeId text of every item, in item order."""
        return tuple(
            f"{row}.{column.tag}" for table in self.tables for column in table.columns for row in table.rows
        )

    @cached_property
    def decimals(self) -> tuple[int, ...]:
        """Decimals of every item."""
        return tuple(c.decimals for table in self.tables for c in table.columns for _ in table.rows)

    def describe(self) -> list[dict[str, Any]]:
        """The tables for the browser."""
        return [
            {
                "name": table.name,
                "rows": table.rows,
                "columns": [
                    {
                        "tag": c.tag,
                        "label": c.label,
                        "decimals": c.decimals,
                        "unit": c.unit,
                        "states": c.states,
                    }
                    for c in table.columns
                ],
            }
            for table in self.tables
        ]


class Image:
    """Live values of a layout's items; times in µs since 1970."""

    def __init__(self, layout: Layout) -> None:
        size = len(layout.identifiers)
        self.layout = layout
        self.values: list[Value] = [None] * size
        self.status = [BAD_WAITING_FOR_INITIAL_DATA] * size
        self.times = [0] * size
        self.newest = 0
        self._changed: set[int] = set()

    def take(self, item: int, value: Value, status: int, time: int) -> None:
        """Take one value as the server sent it; only what would look different is told on."""
        shown = rounded(value, self.layout.decimals[item])
        if time > self.newest:
            self.newest = time
        told = shown != self.values[item] or status != self.status[item]
        if told or (self.layout.timed and time != self.times[item]):
            self._changed.add(item)
        self.values[item] = shown
        self.status[item] = status
        self.times[item] = time

    def lose(self) -> None:
        """The server is away: the last values stay to be seen, but none of them is good."""
        self.status = [BAD_NO_COMMUNICATION] * len(self.status)
        self._changed.update(range(len(self.status)))

    def content(self) -> dict[str, Any]:
        """Everything: what a browser needs that knows nothing yet."""
        whole: dict[str, Any] = {
            "tables": self.layout.describe(),
            "v": self.values,
            "s": {str(i): status for i, status in enumerate(self.status) if status != GOOD},
            "t": self.newest // 1000,
        }
        if self.layout.timed:
            whole["ts"] = [time // 1000 for time in self.times]
        return whole

    def changes(self) -> dict[str, Any] | None:
        """What changed since the last call, or None."""
        if not self._changed:
            return None
        items = sorted(self._changed)
        self._changed.clear()
        patch: dict[str, Any] = {
            "i": items,
            "v": [self.values[i] for i in items],
            "t": self.newest // 1000,
        }
        # Left out where every status is good, which says so to the browser.
        if any(self.status[i] != GOOD for i in items):
            patch["s"] = [self.status[i] for i in items]
        if self.layout.timed:
            patch["ts"] = [self.times[i] // 1000 for i in items]
        return patch


def rounded(value: Value, decimals: int) -> Value:
    """A value at the resolution that is shown; what is not a number is nothing."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return None
    return round(value, decimals) if decimals else round(value)
