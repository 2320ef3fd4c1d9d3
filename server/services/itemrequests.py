"""CreateMonitoredItems requests of nothing but live values with a queue of one, taken from their bytes.

Clients of the same kind ask for the same items in the same order: what a request named is remembered by its
bytes, and need not be looked at again.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.space.rowparser import Records, RowParser
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
        """The request whose TimestampsToReturn begins at `at`, or None when anything else is in it.

        Its head has been found right.
        """
        key = data[at:]
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        data, count = key[_HEAD.size :], _HEAD.unpack_from(key)[1]
        return self._remembered(key, self._parser.records(data, count, _PLAIN_ITEM.itemsize))

    def parse_in_turns(self, data: bytes, at: int) -> Generator[None, None, LiveRequest | None]:
        """The same for a long request: others may be served meanwhile."""
        key = data[at:]
        if key in self._known:
            return self.parse(data, at)
        data, count = key[_HEAD.size :], _HEAD.unpack_from(key)[1]
        found = yield from self._parser.records_in_turns(data, count, _PLAIN_ITEM.itemsize)
        return self._remembered(key, found)

    def _remembered(self, key: bytes, records: Records) -> LiveRequest | None:
        found = None if records is None else _live(key, *records)
        if found is not None:
            self._remember(key, found)
        return found

    def _remember(self, key: bytes, request: LiveRequest) -> None:
        if key in self._known:  # another request that was taken apart at the same time
            return
        self._known[key] = request
        self._size += _size(key, request)
        while self._size > REMEMBERED:
            self._size -= _size(*self._known.popitem(last=False))


def _live(key: bytes, rows: Index, rests: Index) -> LiveRequest | None:
    """What is asked for of each row; None where one has a filter or a queue."""
    timestamps, _ = _HEAD.unpack_from(key)
    raw = np.frombuffer(key, np.uint8)[rests[:, None] + (_HEAD.size + np.arange(_PLAIN_ITEM.itemsize))]
    items = raw.view(_PLAIN_ITEM)[:, 0]
    if items["filter"].any() or items["queue"].max() > 1 or items["mode"].max() > REPORTING:
        return None
    return LiveRequest(rows, items["handle"].copy(), items["mode"].astype(np.uint8), timestamps)


def _size(key: bytes, request: LiveRequest) -> int:
    return len(key) + request.rows.nbytes + request.handles.nbytes + request.modes.nbytes
