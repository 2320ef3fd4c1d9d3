"""NodeIds of live variables, from the wire to rows of the live table, without making structures."""

from __future__ import annotations

import numpy as np
from asyncua import ua

from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex
from server.wire import I32


class RowParser:
    """Finds rows by NodeId for the fleet's namespace."""

    def __init__(self, index: TagIndex, namespace: int) -> None:
        self._namespace = namespace
        self._index = index
        self._prefix = b"\x03" + namespace.to_bytes(2, "little")
        # Rows of an asset type's tags by name: the asset's index is added.
        self._first = {
            asset: {
                tag.name.encode(): index.slice(asset, tag.name).start
                for tag in index.tags
                if tag.asset is asset
            }
            for asset in AssetType
        }
        self._assets = {
            path.encode(): (self._first[asset], i) for path, (asset, i) in index.fleet.index_of.items()
        }

    def row(self, node_id: ua.NodeId) -> int | None:
        """Row of a live variable, or None for any other node."""
        if node_id.NamespaceIndex != self._namespace or not isinstance(node_id.Identifier, str):
            return None
        return self._index.row_of_id(node_id.Identifier)

    def node_id(self, row: int) -> ua.NodeId:
        """NodeId of a row's variable."""
        return ua.NodeId(self._index.identifier(row), self._namespace)

    def identifier_row(self, identifier: bytes) -> int | None:
        """Row of the variable of that identifier (UTF-8)."""
        path, _, name = identifier.partition(b".")
        asset = self._assets.get(path)
        if asset is None:
            return None
        first = asset[0].get(name)
        return None if first is None else first + asset[1]

    def rows(self, data: bytes, count: int, tail: bytes) -> Index | None:
        """Rows of `count` records of a string NodeId and `tail`; None when anything else is there."""
        if len(data) < count * (7 + len(tail)):
            return None
        rows = np.empty(count, np.intp)
        position, step = 0, len(tail)
        for i in range(count):
            start = position + 7
            if data[position : position + 3] != self._prefix or start > len(data):
                return None
            (length,) = I32.unpack_from(data, position + 3)
            end = start + length
            if length <= 0 or data[end : end + step] != tail:
                return None
            row = self.identifier_row(data[start:end])
            if row is None:
                return None
            rows[i] = row
            position = end + step
        return rows if position == len(data) else None
