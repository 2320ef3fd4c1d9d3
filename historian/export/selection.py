"""Which columns of which assets an export is of: variables by path, `*` and `?` for a part of a name.

`*` does not reach over a `/`, `**` does. Without a tag (`Bangrak/UPS-1/S03/J07`) all tags are meant. The
database knows the assets, so history is there for those too that the fleet file no longer has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from historian.columns import TABLES, Column, Table
from historian.export.request import ExportError
from nodeset.fleet import AssetType
from nodeset.tags import tags_of

_WILD = re.compile(r"[*?]")
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Asset:
    """An asset as the database numbers it."""

    number: int
    type: AssetType
    path: str

    @property
    def table(self) -> Table:
        """Where its readings are."""
        return TABLES[self.type]


@dataclass(frozen=True)
class Series:
    """One asset with its columns, in the order of the table's tags."""

    asset: Asset
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Selection:
    """What is exported, in order of assets; `columns` are those of the file, each tag once."""

    series: tuple[Series, ...]
    columns: tuple[Column, ...]

    @property
    def of_one(self) -> bool:
        """Whether it is of a single asset, whose path no row needs to repeat."""
        return len(self.series) == 1


def select(assets: Iterable[Asset], variables: Sequence[str]) -> Selection:
    """The selection that `variables` mean; `ExportError` names one that means nothing."""
    known = {asset.path: asset for asset in sorted(assets, key=lambda asset: _natural(asset.path))}
    chosen: dict[Asset, set[Column]] = {}
    for variable in variables:
        path, _, tag = variable.partition(".")
        found = [(asset, columns) for asset in _matching(known, path) if (columns := _tags(asset, tag))]
        if not found:
            raise ExportError(f"The historian has no variable {variable}.")
        for asset, columns in found:
            chosen.setdefault(asset, set()).update(columns)
    if not chosen:
        raise ExportError("Say which variables to export, such as Bangrak/UPS-1/S03/J07.Voltage.")
    series = tuple(Series(asset, _in_order(asset.table, columns)) for asset, columns in chosen.items())
    return Selection(series, _headed(series))


def label(column: Column) -> str:
    """How a file heads a column: `Voltage [V]`."""
    unit = column.tag.unit
    return column.tag.name if unit is None else f"{column.tag.name} [{unit.symbol}]"


def _headed(series: Iterable[Series]) -> tuple[Column, ...]:
    """One column for all tags of the same name and unit, whatever their assets are."""
    heads: dict[str, Column] = {}
    for each in series:
        for column in each.columns:
            heads.setdefault(label(column), column)
    return tuple(heads.values())


def _matching(known: dict[str, Asset], path: str) -> list[Asset]:
    if not _WILD.search(path):
        return [known[path]] if path in known else []
    pattern = _pattern(path)
    return [asset for name, asset in known.items() if pattern.fullmatch(name)]


def _tags(asset: Asset, tag: str) -> list[Column]:
    pattern = _pattern(tag or "*")
    return [column for column in asset.table.columns if pattern.fullmatch(column.tag.name)]


def _in_order(table: Table, columns: set[Column]) -> tuple[Column, ...]:
    """As the tags are declared, which is how people know them."""
    tags = tags_of(table.asset)
    return tuple(sorted(columns, key=lambda column: tags.index(column.tag)))


def _pattern(text: str) -> re.Pattern[str]:
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(part) or re.escape(part) for part in re.split(r"(\*\*|\*|\?)", text)))


def _natural(path: str) -> list[tuple[int, str]]:
    """A key by which UPS-2 stands before UPS-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(path)]
