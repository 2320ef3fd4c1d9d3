"""CreateMonitoredItems requests of nothing but live values with a queue of one, taken from their bytes.

Clients of the same kind ask for the same items in the same order: what a request named is remembered by its
bytes, and need not be looked at again.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.space.rowparser import RowParser
from server.subscriptions.liveitems import REPORTING

REMEMBERED: Final = 32 << 20  # bytes
_HEAD: Final = struct.Struct("<ii")
# What follows the ReadValueId of an item without a filter (Part 4, 5.13.2).
_PLAIN_ITEM: Final = np.dtype(
    [
        ("mode", "<u4"),
        ("handle", "<u4"),
        ("sampling", "<f8"),
        ("filter", "u1", 3),
        ("queue", "<u4"),
        ("discard", "u1"),
    ]
)


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """Live values to watch."""

    rows: Index
    handles: NDArray[np.uint32]
    modes: NDArray[np.uint8]
    timestamps: int


class LiveRequests:
    """Takes requests apart; the least recently used of those remembered goes first."""

    def __init__(self, parser: RowParser) -> None:
        self._parser = parser
        self._known: OrderedDict[bytes, LiveRequest] = OrderedDict()
        self._size = 0

    def parse(self, data: bytes, at: int) -> LiveRequest | None:
        """The request whose TimestampsToReturn begins at `at`, or None when anything else is in it."""
        key = data[at:]
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        found = self._parse(key)
        if found is not None:
            self._remember(key, found)
        return found

    def _parse(self, data: bytes) -> LiveRequest | None:
        try:
            timestamps, count = _HEAD.unpack_from(data)
        except struct.error:
            return None
        data = data[_HEAD.size :]
        found = self._parser.records(data, count, _PLAIN_ITEM.itemsize) if count > 0 else None
        if found is None or not 0 <= timestamps <= 3:
            return None
        rows, rests = found
        raw = np.frombuffer(data, np.uint8)[rests[:, None] + np.arange(_PLAIN_ITEM.itemsize)]
        items = raw.view(_PLAIN_ITEM)[:, 0]
        if items["filter"].any() or items["queue"].max() > 1 or items["mode"].max() > REPORTING:
            return None
        return LiveRequest(rows, items["handle"].copy(), items["mode"].astype(np.uint8), timestamps)

    def _remember(self, key: bytes, request: LiveRequest) -> None:
        self._known[key] = request
        self._size += _size(key, request)
        while self._size > REMEMBERED:
            self._size -= _size(*self._known.popitem(last=False))


def _size(key: bytes, request: LiveRequest) -> int:
    return len(key) + request.rows.nbytes + request.handles.nbytes + request.modes.nbytes
