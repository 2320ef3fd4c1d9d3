"""Where a tag's values stand in the arrays of a scan: one contiguous slice a tag, one row an asset.

A row number is the identity of a live variable everywhere in the server. Its NodeId is the asset's
path, a dot and the tag's name (I5): row and text are worked out from each other, never stored.

A server with real devices shows what is simulated in a mirror of the fleet (S6): row N + i mirrors row i,
and its path is that of the asset after `Shadow/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Fleet, Index
from nodeset.tags import TAGS, Origin, TagDef

MIRROR: Final = "Shadow/"

Scalar = TypeVar("Scalar", bound=np.generic)


class TagIndex:
    """Rows of all live variables of a fleet."""

    def __init__(self, fleet: Fleet, tags: tuple[TagDef, ...] = TAGS) -> None:
        self.fleet = fleet
        self.tags = tags
        counts = [fleet.count(tag.asset) for tag in tags]
        self._first = np.concatenate(([0], np.cumsum(counts))).astype(np.intp)
        self._slices = {
            tag.key: slice(int(a), int(b))
            for tag, a, b in zip(tags, self._first, self._first[1:], strict=False)
        }

    @property
    def size(self) -> int:
        """How many live variables there are."""
        return int(self._first[-1])

    @property
    def plant(self) -> TagIndex:
        """The same without a mirror: the rows of a frame."""
        return self

    @property
    def first_mirrored(self) -> int | None:
        """The row that mirrors the first one; None where there is no mirror."""
        return None

    def mirrored(self) -> TagIndex:
        """The same and, in as many rows after them, their mirror."""
        return _MirroredIndex(self)

    def is_mirror(self, row: int) -> bool:
        """Whether a row is of the mirror."""
        return self.first_mirrored is not None and row >= self.first_mirrored

    def slice(self, asset: AssetType, name: str) -> slice:
        """Rows of a tag, one an asset, in the assets' order."""
        return self._slices[asset, name]

    def column(self, array: NDArray[Scalar], asset: AssetType, name: str) -> NDArray[Scalar]:
        """A tag's part of an array over all rows: a view, not a copy."""
        return array[self._slices[asset, name]]

    def row(self, path: str, name: str) -> int | None:
        """Row of the variable `name` of the asset at `path`, or None where there is none."""
        found = self.fleet.index_of.get(path)
        if found is None:
            return None
        rows = self._slices.get((found[0], name))
        return None if rows is None else rows.start + found[1]

    def row_of_id(self, identifier: str) -> int | None:
        """Row of the variable with the NodeId `s=<identifier>`."""
        path, _, name = identifier.partition(".")
        return self.row(path, name)

    def locate(self, row: int) -> tuple[TagDef, int]:
        """Tag and asset index of a row."""
        tag = int(np.searchsorted(self._first, row, side="right")) - 1
        return self.tags[tag], row - int(self._first[tag])

    def path(self, row: int) -> str:
        """Path of the asset that a row belongs to."""
        tag, i = self.locate(row)
        return self.fleet.assets(tag.asset)[i].path

    def identifier(self, row: int) -> str:
        """Text of a row's NodeId."""
        tag, i = self.locate(row)
        return f"{self.fleet.assets(tag.asset)[i].path}.{tag.name}"

    def rows(self, tags: Iterable[TagDef]) -> Index:
        """All rows of some tags, tag by tag."""
        spans = [self._slices[tag.key] for tag in tags]
        return np.concatenate([np.arange(s.start, s.stop, dtype=np.intp) for s in spans])

    def writable(self) -> Index:
        """Rows that a source can write: the set-points."""
        return self.rows(tag for tag in self.tags if tag.writable)

    def measured(self) -> Index:
        """Rows that a source reads."""
        return self.rows(tag for tag in self.tags if tag.origin is Origin.MEASURED)


class _MirroredIndex(TagIndex):
    """An index with a mirror; slices and columns are the plant's, the first half of the rows."""

    def __init__(self, plant: TagIndex) -> None:
        super().__init__(plant.fleet, plant.tags)
        self._plant = plant

    @property
    def size(self) -> int:
        return 2 * self._plant.size

    @property
    def plant(self) -> TagIndex:
        return self._plant

    @property
    def first_mirrored(self) -> int | None:
        return self._plant.size

    def mirrored(self) -> TagIndex:
        return self

    def row(self, path: str, name: str) -> int | None:
        if not path.startswith(MIRROR):
            return self._plant.row(path, name)
        row = self._plant.row(path.removeprefix(MIRROR), name)
        return None if row is None else row + self._plant.size

    def locate(self, row: int) -> tuple[TagDef, int]:
        return self._plant.locate(row % self._plant.size)

    def path(self, row: int) -> str:
        return self._prefix(row) + self._plant.path(row % self._plant.size)

    def identifier(self, row: int) -> str:
        return self._prefix(row) + self._plant.identifier(row % self._plant.size)

    def _prefix(self, row: int) -> str:
        return MIRROR if self.is_mirror(row) else ""
