"""The live variables that clients may write: which they are, and what values they take."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from asyncua import ua

from nodeset.fleet import Index
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef
from server.security.permissions import Profile
from server.space.rowparser import RowParser

# Writes a row's value for a user; the StatusCode of the outcome.
SetPointWriter = Callable[[int, float, str], Awaitable[int]]


class WritableRows:
    """Set-points by row and by NodeId; `write` hands a checked value to the plant."""

    def __init__(self, index: TagIndex, parser: RowParser, write: SetPointWriter) -> None:
        self._index = index
        self._parser = parser
        self.write = write
        self._writable = np.zeros(index.size, np.bool_)
        for tag in index.tags:
            self._writable[index.slice(tag.asset, tag.name)] = tag.writable

    def row(self, node_id: ua.NodeId) -> int | None:
        """The row of a set-point, None for any other node."""
        row = self._parser.row(node_id)
        return row if row is not None and self._writable[row] else None

    def any_of(self, rows: Index) -> bool:
        """Whether there is a set-point among `rows`."""
        return bool(self._writable[rows].any())

    def profile(self, node_id: ua.NodeId) -> Profile | None:
        """The profile of a set-point."""
        return None if self.row(node_id) is None else Profile.SET_POINT

    def number(self, row: int, value: Any) -> float | None:
        """A value of the set-point's data type as a number, None where it is out of range."""
        tag, _ = self._index.locate(row)
        number = float(value)
        return number if math.isfinite(number) and _in_range(tag, number) else None


def _in_range(tag: TagDef, number: float) -> bool:
    if tag.kind is Kind.STATE:
        return number < len(tag.states)
    return tag.low <= number <= tag.high
