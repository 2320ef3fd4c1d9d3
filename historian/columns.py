"""The historian's tables and columns, derived from the tag declarations; the schema, writer and reader agree
on them here.

Each asset type has one table of readings, a view of each asset's latest, a table of simulated readings
with the same columns (docs/decisions/0011), and tables of hourly and daily roll-ups of the readings. A column
holds a tag as a scaled integer, value times `TagDef.scale`, in 16 bits where its range leaves room
(docs/decisions/0002).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from nodeset.fleet import AssetType
from nodeset.tags import TAGS, Kind, TagDef, tags_of

# Stands for NULL while values are integer arrays; no column holds it, see `Column.limit`.
NO_VALUE: Final = -(2**31)
KEY: Final = ("ts", "asset_id", "quality")

# What a roll-up keeps of the values of a tag, by its kind: the sum of states or of names says nothing.
_ROLLED: Final = {
    Kind.ANALOG: ("sum", "count", "min", "max"),
    Kind.COUNT: ("sum", "count", "min", "max"),
    Kind.STATE: ("count", "min", "max"),
    Kind.QUARTER: ("count", "min", "max"),
    Kind.JAR: ("count",),
}

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])")


@dataclass(frozen=True)
class Column:
    """One tag in its table."""

    tag: TagDef
    name: str
    bits: int

    @property
    def limit(self) -> int:
        """The largest magnitude that the column holds."""
        return int(2 ** (self.bits - 1) - 1)

    @property
    def rolled(self) -> tuple[str, ...]:
        """What roll-ups keep of its values: those of `sum`, `count`, `min` and `max` that mean something."""
        return _ROLLED[self.tag.kind]


@dataclass(frozen=True)
class Table:
    """Where an asset type's readings are kept; wide columns first, so that rows have no padding."""

    asset: AssetType
    readings: str
    latest: str
    columns: tuple[Column, ...]

    @property
    def simulated(self) -> str:
        """The table of simulated readings."""
        return f"{self.asset.value.lower()}_simulated"

    @property
    def hourly(self) -> str:
        """The table of roll-ups by hour."""
        return f"{self.asset.value.lower()}_hourly"

    @property
    def daily(self) -> str:
        """The table of roll-ups by day."""
        return f"{self.asset.value.lower()}_daily"

    @property
    def names(self) -> tuple[str, ...]:
        """All columns in the order that they are written."""
        return KEY + tuple(column.name for column in self.columns)


def snake(name: str) -> str:
    """`RemainingUsefulLife` -> `remaining_useful_life`."""
    return _WORD.sub("_", name).lower()


def _column(tag: TagDef) -> Column:
    reach = max(abs(tag.low), abs(tag.high)) * tag.scale
    short = tag.kind is Kind.QUARTER or (tag.kind is not Kind.JAR and reach < 2**15)
    return Column(tag, snake(tag.name), 16 if short else 32)


def _table(asset: AssetType) -> Table:
    columns = sorted((_column(tag) for tag in tags_of(asset)), key=lambda column: -column.bits)
    name = asset.value.lower()
    return Table(asset, f"{name}_reading", f"{name}_latest", tuple(columns))


TABLES: Final = {asset: _table(asset) for asset in AssetType if any(tag.asset is asset for tag in TAGS)}
