"""NodeIds of live variables, from the wire to rows of the live table, without making structures.

A live variable has two NodeIds: its own, with a text, and a number that RegisterNodes gives for it. The
numbers are the rows of the live table, moved up so far that every client writes them in the same seven
bytes: a request of nothing but registered nodes is read as one array. See decision 0008.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final, TypeAlias

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Index
from nodeset.index import MIRROR, TagIndex
from server.protocol.wire import I32, U32

# The rest of a ReadValueId that asks for the Value attribute as a whole, in the default encoding.
VALUE_ONLY: Final = b"\x0d\x00\x00\x00\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff"
# Part 6, 5.2.2.9: a number below it has a shorter encoding.
FIRST_HANDLE: Final = 1 << 16
_HANDLE_SIZE: Final = 7
_AT_ONCE: Final = 1000  # records by text, in 2 ms
_VALUE: Final = np.frombuffer(VALUE_ONLY, np.uint8)

# Rows, and where the rest of each record begins; None when anything else is there.
Records: TypeAlias = tuple[Index, Index] | None


class RowParser:
    """Finds rows by NodeId for the fleet's namespace."""

    def __init__(self, index: TagIndex, namespace: int) -> None:
        self._namespace = namespace
        self._index = index
        self._prefix = b"\x03" + namespace.to_bytes(2, "little")
        self._numeric = b"\x02" + namespace.to_bytes(2, "little")
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
            part.path.encode(): (first, i)
            for asset, first in self._first.items()
            for i, part in enumerate(index.fleet.assets(asset))
        }
        if index.first_mirrored is not None:
            prefix = MIRROR.encode()
            self._assets |= {
                prefix + path: (first, i + index.first_mirrored) for path, (first, i) in self._assets.items()
            }

    def row(self, node_id: ua.NodeId) -> int | None:
        """Row of a live variable, by its own NodeId or a registered one; None for any other node."""
        if node_id.NamespaceIndex != self._namespace:
            return None
        identifier = node_id.Identifier
        if isinstance(identifier, str):
            return self._index.row_of_id(identifier)
        return self._row_of(identifier) if isinstance(identifier, int) else None

    def _row_of(self, number: int) -> int | None:
        row = number - FIRST_HANDLE
        return row if 0 <= row < self._index.size else None

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

    # -- registered nodes

    def handle(self, node_id: bytes) -> bytes | None:
        """The encoded NodeId that a live variable is registered as; None for any other node."""
        if not node_id.startswith(self._prefix):
            return None
        row = self.identifier_row(node_id[7:])
        return None if row is None else self._numeric + U32.pack(FIRST_HANDLE + row)

    def identifier(self, number: int) -> str | None:
        """Text of the NodeId of the variable that a number is registered for."""
        row = self._row_of(number)
        return None if row is None else self._index.identifier(row)

    # -- whole requests

    def rows(self, data: bytes, count: int) -> Index | None:
        """Rows of `count` ReadValueIds of live values; None when anything else is there."""
        found = self.records(data, count, 0)
        return None if found is None else found[0]

    def records(self, data: bytes, count: int, rest: int) -> Records:
        """Rows of `count` ReadValueIds of live values, each followed by `rest` bytes, and where those begin.

        None when anything else is there: another NodeId, attribute, index range or encoding.
        """
        if data.startswith(self._numeric):
            return self._numbered(data, count, rest)
        least = 7 + len(VALUE_ONLY) + rest
        if len(data) < count * least:
            return None
        rows, rests = np.empty(count, np.intp), np.empty(count, np.intp)
        return (rows, rests) if self._texts(data, 0, rest, rows, rests) == len(data) else None

    def records_in_turns(self, data: bytes, count: int, rest: int) -> Generator[None, None, Records]:
        """The same for long requests: others may be served meanwhile."""
        if data.startswith(self._numeric):
            return self._numbered(data, count, rest)
        if len(data) < count * (7 + len(VALUE_ONLY) + rest):
            return None
        rows, rests, position = np.empty(count, np.intp), np.empty(count, np.intp), 0
        for i in range(0, count, _AT_ONCE):
            part = slice(i, i + _AT_ONCE)
            position = self._texts(data, position, rest, rows[part], rests[part])
            if position < 0:
                return None
            yield
        return (rows, rests) if position == len(data) else None

    def _texts(self, data: bytes, position: int, rest: int, rows: Index, rests: Index) -> int:
        """Fill in `rows` and `rests` from the records at `position`; where they end, or -1."""
        step = len(VALUE_ONLY)
        for i in range(len(rows)):
            start = position + 7
            if data[position : position + 3] != self._prefix or start > len(data):
                return -1
            (length,) = I32.unpack_from(data, position + 3)
            end = start + length
            if length <= 0 or data[end : end + step] != VALUE_ONLY:
                return -1
            row = self.identifier_row(data[start:end])
            if row is None:
                return -1
            rows[i] = row
            rests[i] = end + step
            position = end + step + rest
        return position

    def _numbered(self, data: bytes, count: int, rest: int) -> Records:
        """The same for registered nodes alone: records of equal size, read as one array."""
        value_end = _HANDLE_SIZE + len(VALUE_ONLY)
        size = value_end + rest
        if len(data) != count * size:
            return None
        records: NDArray[np.uint8] = np.frombuffer(data, np.uint8).reshape(count, size)
        heads, values = records[:, : len(self._numeric)], records[:, _HANDLE_SIZE:value_end]
        if (heads != np.frombuffer(self._numeric, np.uint8)).any() or (values != _VALUE).any():
            return None
        numbers = np.ascontiguousarray(records[:, len(self._numeric) : _HANDLE_SIZE]).view("<u4")[:, 0]
        rows = numbers.astype(np.intp) - FIRST_HANDLE
        if rows.min() < 0 or rows.max() >= self._index.size:
            return None
        return rows, np.arange(count, dtype=np.intp) * size + value_end
