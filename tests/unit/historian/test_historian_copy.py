"""The binary COPY stream, byte by byte as the PostgreSQL manual draws it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from historian.columns import NO_VALUE, TABLES
from historian.copyformat import encode
from historian.rows import Rows
from nodeset.fleet import AssetType

SYSTEM = TABLES[AssetType.SYSTEM]
TABLE = replace(SYSTEM, columns=SYSTEM.columns[:4])  # three wide ones and a narrow one
HEADER = "5047434f50590aff0d0a00" + "00000000" + "00000000"
TIME = 946_684_800_000_000 + 258  # 258 µs into the year 2000


def stream(value: list[list[int]]) -> str:
    columns = np.array(value, np.int32).T
    n = len(value)
    rows = Rows(TABLE, np.arange(1, n + 1, dtype=np.int32), columns, np.zeros(columns.shape, np.uint32))
    return encode(rows, TIME, np.full(n, 9, np.int32)).hex()


def row(asset: int, fields: str) -> str:
    time = "00000008" + "0000000000000102"
    return "0007" + time + "00000004" + f"{asset:08x}" + "00000004" + "00000009" + fields


def test_columns_are_as_this_test_believes() -> None:
    assert TABLE.names[3:] == ("bus_voltage", "load", "runtime_remaining", "operating_mode")


def test_full_rows() -> None:
    first = "00000004" + "00000001" + "00000004" + "fffffffe" + "00000004" + "00010000" + "00000002" + "0003"
    second = "00000004" + "00000000" + "00000004" + "00000000" + "00000004" + "00000000" + "00000002" + "ffff"
    expected = HEADER + row(1, first) + row(2, second) + "ffff"
    assert stream([[1, -2, 65536, 3], [0, 0, 0, -1]]) == expected


def test_a_missing_value_is_a_length_of_minus_one_and_no_bytes() -> None:
    first = "00000004" + "00000001" + "ffffffff" + "00000004" + "00000005" + "00000002" + "0003"
    second = "ffffffff" * 4
    third = "00000004" + "00000007" + "00000004" + "00000008" + "00000004" + "00000009" + "ffffffff"
    expected = HEADER + row(1, first) + row(2, second) + row(3, third) + "ffff"
    none = NO_VALUE
    assert stream([[1, none, 5, 3], [none] * 4, [7, 8, 9, none]]) == expected


def test_no_rows() -> None:
    rows = Rows(TABLE, np.empty(0, np.int32), np.empty((4, 0), np.int32), np.empty((4, 0), np.uint32))
    assert encode(rows, TIME, np.empty(0, np.int32)).hex() == HEADER + "ffff"
