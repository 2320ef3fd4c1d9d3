"""The historian's tables and columns, derived from the tag declarations; the schema, writer and reader agree
on them here.

Each asset type has one table of readings, a view of each asset's latest, and a table of simulated readings
with the same columns (docs/decisions/0011). A column holds a tag as a scaled integer, value times
`TagDef.scale`, in 16 bits where its range leaves room (docs/decisions/0002).
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
