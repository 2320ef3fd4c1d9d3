"""A scan as compressed bytes, for the disk: a line of JSON that says what follows, then plain arrays."""

from __future__ import annotations

import json
import zlib

import numpy as np
from numpy.typing import NDArray

from historian.columns import NO_VALUE, TABLES, Table
from historian.rows import Rows, Scan
from nodeset.fleet import AssetType
from nodeset.status import BAD_NO_COMMUNICATION

Words = NDArray[np.int32]


def pack(scan: Scan) -> bytes:
    """A scan as bytes that say themselves what is in them, for a later version may read them."""
    head = {
        "time": scan.time,
        "tables": [
            {
                "asset": rows.table.asset.value,
                "columns": [column.name for column in rows.table.columns],
                "count": len(rows.assets),
            }
            for rows in scan.rows
        ],
    }
    parts = [json.dumps(head).encode(), b"\n"]
    for rows in scan.rows:
        parts += [rows.assets.astype("<i4").tobytes(), rows.value.astype("<i4").tobytes()]
        parts.append(rows.status.astype("<u4").tobytes())
    return zlib.compress(b"".join(parts), 1)


def unpack(blob: bytes) -> Scan:
    """The scan that `pack` packed, or an error; a column that was not known then has no values."""
    data = zlib.decompress(blob)
    end = data.index(b"\n")
    head = json.loads(data[:end])
    words = np.frombuffer(data[end + 1 :], "<i4")
    rows = []
    for part in head["tables"]:
        count, width = part["count"], len(part["columns"])
        assets, value, status = np.split(words[: count * (1 + 2 * width)], [count, count * (1 + width)])
        words = words[count * (1 + 2 * width) :]
        table = TABLES[AssetType(part["asset"])]
        shape = (width, count)
        rows.append(_fit(table, part["columns"], assets, value.reshape(shape), status.reshape(shape)))
    return Scan(head["time"], tuple(rows))


def _fit(table: Table, names: list[str], assets: Words, value: Words, status: Words) -> Rows:
    """Rows in the columns of today."""
    shape = (len(table.columns), len(assets))
    fitted = Rows(
        table,
        assets.astype(np.int32),
        np.full(shape, NO_VALUE, np.int32),
        np.full(shape, BAD_NO_COMMUNICATION, np.uint32),
    )
    for i, column in enumerate(table.columns):
        if column.name in names:
            fitted.value[i] = value[names.index(column.name)]
            fitted.status[i] = status[names.index(column.name)].view(np.uint32)
    return fitted
