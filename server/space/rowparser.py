"""NodeIds of live variables, from the wire to rows of the live table, without making structures."""

from __future__ import annotations

from typing import Final

import numpy as np
from asyncua import ua

from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex
from server.protocol.wire import I32

# The rest of a ReadValueId that asks for the Value attribute as a whole, in the default encoding.
VALUE_ONLY: Final = b"\x0d\x00\x00\x00\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff"


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

    def rows(self, data: bytes, count: int) -> Index | None:
        """Rows of `count` ReadValueIds of live values; None when anything else is there."""
        found = self.records(data, count, 0)
        return None if found is None else found[0]

    def records(self, data: bytes, count: int, rest: int) -> tuple[Index, Index] | None:
        """Rows of `count` ReadValueIds of live values, each followed by `rest` bytes, and where those begin.

        None when anything else is there: another NodeId, attribute, index range or encoding.
        """
        least = 7 + len(VALUE_ONLY) + rest
        if len(data) < count * least:
            return None
        rows, rests = np.empty(count, np.intp), np.empty(count, np.intp)
        position, step = 0, len(VALUE_ONLY)
        for i in range(count):
            start = position + 7
            if data[position : position + 3] != self._prefix or start > len(data):
                return None
            (length,) = I32.unpack_from(data, position + 3)
            end = start + length
            if length <= 0 or data[end : end + step] != VALUE_ONLY:
                return None
            row = self.identifier_row(data[start:end])
            if row is None:
                return None
            rows[i] = row
            rests[i] = end + step
            position = end + step + rest
        return (rows, rests) if position == len(data) else None
