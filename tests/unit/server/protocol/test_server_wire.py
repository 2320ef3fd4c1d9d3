"""The small pieces of OPC UA Binary, and rows by NodeId."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from alarmplant import small_fleet
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_to_binary, struct_from_binary, struct_to_binary
from hypothesis import given
from hypothesis import strategies as some

from nodeset.index import TagIndex
from server.protocol import wire
from server.space.rowparser import RowParser

INDEX = TagIndex(small_fleet(2))
PARSER = RowParser(INDEX, 3)
TAIL = b"\x0d\0\0\0\xff\xff\xff\xff\0\0\xff\xff\xff\xff"
node_ids = some.one_of(
    some.builds(ua.NodeId, some.integers(0, 0xFFFF_FFFF), some.integers(0, 0xFFFF)),
    some.builds(ua.NodeId, some.text(max_size=9), some.integers(0, 0xFFFF)),
    some.builds(ua.NodeId, some.binary(max_size=40), some.integers(0, 0xFFFF)),
    some.builds(ua.NodeId, some.uuids(), some.integers(0, 0xFFFF)),
)


@given(node_ids, some.binary(max_size=5), some.binary(max_size=5))
def test_the_end_of_a_node_id_is_found(node_id: ua.NodeId, before: bytes, after: bytes) -> None:
    data = nodeid_to_binary(node_id)
    assert wire.node_id_end(before + data + after, len(before)) == len(before + data)


@given(
    node_ids,
    some.integers(0, 0xFFFF_FFFF),
    some.one_of(some.none(), some.text(max_size=9)),
    some.integers(0, 9),
)
def test_a_request_header_is_read(token: ua.NodeId, handle: int, audit: str | None, hint: int) -> None:
    header = ua.RequestHeader()
    header.AuthenticationToken, header.RequestHandle = token, handle
    header.AuditEntryId, header.TimeoutHint = audit, hint
    data = bytes(struct_to_binary(header))
    found = wire.request_header(b"1234" + data + b"more", 4)
    assert (found.token, found.handle, found.timeout_hint) == (nodeid_to_binary(token), handle, hint)
    assert found.audit_id == audit
    assert found.end == 4 + len(data)


@given(some.binary(max_size=80))
def test_any_bytes_are_a_header_or_an_error(data: bytes) -> None:
    with suppress(wire.WireError):
        assert wire.request_header(data, 0).end <= len(data)


def test_a_response_header_is_what_a_client_decodes() -> None:
    data = wire.response_header(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary, 77, 0x8001_0000)
    found = struct_from_binary(ua.ServiceFault, Buffer(data))
    assert found.ResponseHeader.RequestHandle == 77
    assert found.ResponseHeader.ServiceResult.value == 0x8001_0000
    assert abs(ua.datetime_to_win_epoch(found.ResponseHeader.Timestamp) - wire.now_ticks()) < 10_000_000


@given(some.one_of(some.none(), some.text()))
def test_strings_are_those_of_asyncua(text: str | None) -> None:
    assert ua.ua_binary.Primitives.String.unpack(Buffer(wire.string(text))) == text


@given(some.lists(some.integers(0, 0xFFFF_FFFF), max_size=9))
def test_arrays_are_those_of_asyncua(values: list[int]) -> None:
    found = ua.ua_binary.unpack_uatype_array(ua.VariantType.UInt32, Buffer(wire.u32_array(values)))
    assert found == values


# -- rows


def _record(identifier: str, namespace: int = 3, tail: bytes = TAIL) -> bytes:
    return nodeid_to_binary(ua.NodeId(identifier, namespace)) + tail


@given(some.lists(some.integers(0, INDEX.size - 1), min_size=1, max_size=20))
def test_rows_are_found_by_their_identifiers(rows: list[int]) -> None:
    data = b"".join(_record(INDEX.identifier(row)) for row in rows)
    found = PARSER.rows(data, len(rows))
    assert found is not None
    assert found.tolist() == rows
    assert [PARSER.row(PARSER.node_id(row)) for row in rows] == rows


@pytest.mark.parametrize(
    "spoilt",
    [
        _record("A/UPS-1/S01/J01.Colour"),
        _record("A/UPS-1/S01/J01"),
        _record("A/UPS-1/S01/J01.Voltage.EURange"),
        _record("A/UPS-1/S01/J01.Voltage", namespace=2),
        _record("A/UPS-1/S01/J01.Voltage", tail=b"\x05" + TAIL[1:]),
        _record("A/UPS-1/S01/J01.Voltage")[:-1],
        _record("A/UPS-1/S01/J01.Voltage") + b"\0",
        b"\x03\x03\x00\xff\xff\xff\xff" + TAIL,
        b"\x03\x03\x00\xff\xff\xff\x7f" + TAIL,
        nodeid_to_binary(ua.NodeId(85)) + TAIL,
    ],
)
def test_anything_else_takes_the_general_way(spoilt: bytes) -> None:
    good = _record("A/UPS-1/S01/J01.Voltage")
    assert PARSER.rows(good + good, 2) is not None
    assert PARSER.rows(spoilt, 1) is None
    assert PARSER.rows(good + spoilt, 2) is None
    assert PARSER.rows(good, 2) is None
    assert PARSER.rows(good, 2_000_000_000) is None


@given(some.lists(some.integers(0, INDEX.size - 1), min_size=1, max_size=9), some.integers(0, 40))
def test_what_follows_each_record_is_found(rows: list[int], rest: int) -> None:
    data = b"".join(_record(INDEX.identifier(row)) + bytes([i]) * rest for i, row in enumerate(rows))
    found = PARSER.records(data, len(rows), rest)
    assert found is not None
    assert found[0].tolist() == rows
    assert [data[at : at + rest] for at in found[1]] == [bytes([i]) * rest for i in range(len(rows))]
    assert PARSER.records(data[:-1], len(rows), rest) is None
    assert PARSER.records(data + b"\0", len(rows), rest) is None


@given(some.binary(max_size=60), some.integers(1, 4))
def test_any_bytes_are_rows_or_nothing(data: bytes, count: int) -> None:
    found = PARSER.rows(data, count)
    assert found is None or isinstance(found, np.ndarray)
