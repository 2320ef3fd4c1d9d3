"""PostgreSQL's binary COPY format, written by NumPy: no loop over rows.

Source: PostgreSQL 18 manual, COPY, "Binary Format": a header, per row a field count and per field a
length and big-endian bytes, a length of -1 for NULL; timestamps are microseconds since 2000-01-01.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from historian.assets import Ids
from historian.columns import NO_VALUE, Table
from historian.rows import Rows

POSTGRES_EPOCH: Final = 946_684_800_000_000  # µs from 1970 to 2000
HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # signature, flags, length of the header's extension
TRAILER: Final = b"\xff\xff"


BLOCK: Final = 2048  # rows that are encoded at once: the server reads one block while the next is made


def encode(rows: Rows, time: int, quality: Ids) -> bytes:
    """One table's rows as a COPY stream; `time` [µs since 1970], `quality` one id a row."""
    return b"".join(stream([(rows, time, quality)]))


def stream(parts: Iterable[tuple[Rows, int, Ids]]) -> Iterator[bytes]:
    """The same of several scans, block by block; all `parts` are of one table."""
    yield HEADER
    for rows, time, quality in parts:
        for first in range(0, len(rows.assets), BLOCK):
            yield _block(rows, time, quality, slice(first, first + BLOCK))
    yield TRAILER


def _block(rows: Rows, time: int, quality: Ids, part: slice) -> bytes:
    value = rows.value[:, part]
    layout = _layout(rows.table)
    cells = np.empty(value.shape[1], layout)
    cells["fields"] = len(rows.table.names)
    for name in rows.table.names:
        cells[f"{name} length"] = layout[name].itemsize
    cells["ts"] = time - POSTGRES_EPOCH
    cells["asset_id"] = rows.assets[part]
    cells["quality"] = quality[part]
    for column, number in zip(rows.table.columns, value, strict=True):
        cells[column.name] = number.astype(np.int16) if column.bits == 16 else number
    missing = value == NO_VALUE
    return _without(cells, rows.table, missing) if missing.any() else cells.tobytes()


@functools.cache
def _layout(table: Table) -> np.dtype[Any]:
    """A full row: field count, then length and bytes of every field, packed."""
    types = {"ts": ">i8", "asset_id": ">i4", "quality": ">i4"}
    types |= {column.name: f">i{column.bits // 8}" for column in table.columns}
    fields = [("fields", ">i2")]
    for name in table.names:
        fields += [(f"{name} length", ">i4"), (name, types[name])]
    return np.dtype(fields)


def _without(cells: NDArray[Any], table: Table, missing: NDArray[np.bool_]) -> bytes:
    """The rows with NULL for the missing values, shape (columns, rows): their bytes are left out."""
    stays = np.ones((len(cells), cells.itemsize), np.bool_)
    for column, gaps in zip(table.columns, missing, strict=True):
        cells[f"{column.name} length"][gaps] = -1
        fields = cells.dtype.fields
        assert fields is not None
        start = fields[column.name][1]
        stays[gaps, start : start + column.bits // 8] = False
    packed: bytes = cells.view(np.uint8).reshape(stays.shape)[stays].tobytes()
    return packed
