"""Columns of the files: which there are, their types and units. A table holds an asset type's measured tags.

Every table begins with `time` (µs, UTC) and `path` (of the asset, as in its NodeId). Then for each tag, `raw`
has its value and status; `hourly` its mean, least, greatest and number of good readings. Values are float32
in the tag's unit, rounded to its resolution as monitors do; null where nothing was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import TagDef
from simulator.offline.job import Content

# Stands for no reading among statuses: no StatusCode has all bits set.
NO_STATUS: Final = 0xFFFF_FFFF
TIME: Final = pa.timestamp("us", "UTC")
TEXT: Final = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Plane:
    """One column of each tag: what its name ends in, and its type."""

    suffix: str
    type: Any
    description: str

    @property
    def dtype(self) -> Any:
        """Its type in NumPy."""
        return self.type.to_pandas_dtype()

    def unit(self, tag: TagDef) -> str:
        """Unit of its numbers; empty where they have none."""
        return tag.unit.symbol if tag.unit and self.type == pa.float32() else ""


PLANES: Final = {
    Content.RAW: (
        Plane("", pa.float32(), ""),
        Plane("Status", pa.uint32(), "OPC UA StatusCode of the reading; null where there is none"),
    ),
    Content.HOURLY: (
        Plane("Mean", pa.float32(), "mean of the hour's good readings"),
        Plane("Min", pa.float32(), "least of the hour's good readings"),
        Plane("Max", pa.float32(), "greatest of the hour's good readings"),
        Plane("Count", pa.uint16(), "number of the hour's good readings"),
    ),
}

EVENTS: Final = pa.schema([("time", TIME), ("kind", TEXT), ("path", TEXT), ("detail", pa.string())])


def asset_types(index: TagIndex) -> tuple[AssetType, ...]:
    """The asset types that monitors measure something of."""
    return tuple(kind for kind in AssetType if tags_of(index, kind))


def tags_of(index: TagIndex, asset: AssetType) -> tuple[TagDef, ...]:
    """The measured tags of an asset type."""
    measured = set(index.measured().tolist())
    return tuple(tag for tag in index.tags if tag.asset is asset and index.slice(*tag.key).start in measured)


def schema(index: TagIndex, content: Content, asset: AssetType) -> Any:
    """The Arrow schema of a table, with units as metadata of its fields."""
    fields = [pa.field("time", TIME, nullable=False), pa.field("path", TEXT, nullable=False)]
    for tag in tags_of(index, asset):
        for plane in PLANES[content]:
            unit = plane.unit(tag)
            metadata = {"unit": unit} if unit else None
            fields.append(pa.field(tag.name + plane.suffix, plane.type, metadata=metadata))
    return pa.schema(fields)


def described(index: TagIndex, content: Content, asset: AssetType) -> dict[str, dict[str, Any]]:
    """Type, unit, states and meaning of each column of a tag, by name."""
    return {
        tag.name + plane.suffix: {
            "type": np.dtype(plane.dtype).name,
            "unit": plane.unit(tag),
            "description": f"{tag.description}: {plane.description}"
            if plane.description
            else tag.description,
        }
        | ({"states": list(tag.states)} if tag.states else {})
        for tag in tags_of(index, asset)
        for plane in PLANES[content]
    }


def missing(plane: Plane, value: Any) -> Any:
    """Where a plane's numbers stand for nothing; None where they never do."""
    if plane.type == pa.float32():
        return np.isnan(value)
    return value == NO_STATUS if plane.suffix == "Status" else None
