"""Rows from the bytes of requests: by text, and by the numbers of registered nodes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from asyncua import ua

from config.fleetfile import read_fleet_file
from config.settings import Settings
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from server.protocol.stack import nodeid_to_binary
from server.space.rowparser import FIRST_HANDLE, VALUE_ONLY, RowParser

NS = 3
INDEX = TagIndex(build_fleet(read_fleet_file(Settings().fleet)))
PARSER = RowParser(INDEX, NS)
ROWS = [0, 1, INDEX.size // 2, INDEX.size - 1]


def by_text(row: int) -> bytes:
    return bytes(nodeid_to_binary(PARSER.node_id(row)))


def by_number(number: int, namespace: int = NS) -> bytes:
    return struct.pack("<BHI", 2, namespace, number)


def test_a_variable_has_a_handle_and_the_handle_its_text() -> None:
    for row in ROWS:
        handle = PARSER.handle(by_text(row))
        assert handle == by_number(FIRST_HANDLE + row)
        assert PARSER.identifier(FIRST_HANDLE + row) == INDEX.identifier(row)
        assert PARSER.row(ua.NodeId(FIRST_HANDLE + row, NS)) == row


@pytest.mark.parametrize("number", [0, 5, FIRST_HANDLE - 1, FIRST_HANDLE + INDEX.size, 0xFFFF_FFFF])
def test_other_numbers_stand_for_nothing(number: int) -> None:
    assert PARSER.identifier(number) is None
    assert PARSER.row(ua.NodeId(number, NS, ua.NodeIdType.Numeric)) is None
    assert PARSER.records(by_number(number) + VALUE_ONLY, 1, 0) is None


def test_what_is_no_live_variable_has_no_handle() -> None:
    for text in ("Bangrak", "Bangrak/UPS-1/S01/J01.Colour", "Bangrak/UPS-1/S01/J01.SerialNumber"):
        assert PARSER.handle(bytes(nodeid_to_binary(ua.NodeId(text, NS)))) is None
    assert PARSER.handle(b"\x00\x55") is None


@pytest.mark.parametrize("rest", [0, 9])
def test_records_are_the_same_by_text_and_by_number(rest: int) -> None:
    tail = VALUE_ONLY + bytes(rest)
    texts = b"".join(by_text(row) + tail for row in ROWS)
    numbers = b"".join(by_number(FIRST_HANDLE + row) + tail for row in ROWS)
    for data in (texts, numbers):
        found = PARSER.records(data, len(ROWS), rest)
        assert found is not None
        rows, rests = found
        assert rows.tolist() == ROWS
        assert [data[at - len(VALUE_ONLY) : at] for at in rests] == [VALUE_ONLY] * len(ROWS)
        assert rows.dtype == rests.dtype == np.intp


@pytest.mark.parametrize("at", [0, 1, 2, 7, 11, 20])
def test_a_record_that_is_unlike_the_others_is_left_to_the_general_way(at: int) -> None:
    data = bytearray(b"".join(by_number(FIRST_HANDLE + row) + VALUE_ONLY for row in ROWS))
    data[2 * 21 + at] ^= 0x01
    assert PARSER.records(bytes(data), len(ROWS), 0) is None
    assert PARSER.records(bytes(data[:-1]), len(ROWS), 0) is None


def test_rows_of_a_mirror_by_text_and_by_number() -> None:
    parser = RowParser(INDEX.mirrored(), NS)
    rows = [row + first for row in ROWS for first in (0, INDEX.size)]
    ids = [bytes(nodeid_to_binary(parser.node_id(row))) for row in rows]
    for data in (
        b"".join(one + VALUE_ONLY for one in ids),
        b"".join(by_number(FIRST_HANDLE + row) + VALUE_ONLY for row in rows),
    ):
        found = parser.records(data, len(rows), 0)
        assert found is not None
        assert found[0].tolist() == rows
    for row, one in zip(rows, ids, strict=True):
        assert parser.handle(one) == by_number(FIRST_HANDLE + row)
        assert parser.row(parser.node_id(row)) == row
    assert all(PARSER.handle(one) is None for row, one in zip(rows, ids, strict=True) if row >= INDEX.size)
