"""Decoding has bounds, and within them it gives what asyncua gives."""

from __future__ import annotations

import struct
import time
from contextlib import suppress

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary, variant_to_binary
from hypothesis import given
from hypothesis import strategies as some

from server.errors import ServiceError
from server.protocol.decoder import PIECES, Reader, structure

S = ua.StatusCodes


def _value(variant: bytes) -> ua.DataValue:
    return structure(ua.DataValue, Reader(b"\x01" + variant))


def _code(variant: bytes) -> int:
    with pytest.raises(ServiceError) as refused:
        _value(variant)
    return refused.value.code


@pytest.mark.parametrize(
    "variant",
    [
        ua.Variant(1.5),
        ua.Variant("Voltage"),
        ua.Variant([1, 2, 3], ua.VariantType.Int32),
        ua.Variant([], ua.VariantType.String),
        ua.Variant(["a", None, "å"], ua.VariantType.String),
        ua.Variant([[1, 2], [3, 4], [5, 6]], ua.VariantType.Int16),
        ua.Variant(ua.LocalizedText("text", "en")),
        ua.Variant([ua.Variant(1), ua.Variant("two")], ua.VariantType.Variant),
        ua.Variant(ua.Argument(Name="argument"), ua.VariantType.ExtensionObject),
    ],
    ids=repr,
)
def test_values_are_those_of_asyncua(variant: ua.Variant) -> None:
    data = bytes(variant_to_binary(variant))
    assert _value(data).Value == struct_from_binary(ua.DataValue, Buffer(b"\x01" + data)).Value


def test_a_request_is_that_of_asyncua() -> None:
    sent = ua.BrowseParameters()
    sent.NodesToBrowse = [ua.BrowseDescription(ua.NodeId(f"n{i}", 3)) for i in range(20)]
    assert structure(ua.BrowseParameters, Reader(struct_to_binary(sent))) == sent


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        (b"\x80" + struct.pack("<i", 20_000_000), S.BadDecodingError),
        (b"\x80\x00\x00\x00\x00", S.BadDecodingError),
        # A string of length -2 would move asyncua's buffer backwards: an array of them never ends.
        (b"\x0c" + struct.pack("<i", -2), S.BadDecodingError),
        (b"\x8c" + struct.pack("<ii", 1 << 30, -4), S.BadDecodingError),
        (b"\x86" + struct.pack("<i", -7), S.BadDecodingError),
        (b"\x0c\x02\x00\x00\x00\xc3\x28", S.BadDecodingError),
        (b"\x0c\x01\x00\x00\x00\xff", S.BadDecodingError),
        (b"\x15\x02\x02\x00\x00\x00\xed\xa0", S.BadDecodingError),
        (b"\x46\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00", S.BadDecodingError),
        (b"\xc6" + struct.pack("<iiiii", 2, 1, 2, 1, 3), S.BadDecodingError),
        (b"\xc6" + struct.pack("<iiiiii", 2, 1, 2, 2, -1, -2), S.BadDecodingError),
        (b"\xc6" + struct.pack("<iiiiiii", 1, 1, 4, 1 << 30, 1 << 30, 1 << 30, 0), S.BadDecodingError),
        (b"\x98\x01\x00\x00\x00" * 101 + b"\x01\x01", S.BadEncodingLimitsExceeded),
        (b"\x98" + struct.pack("<i", PIECES) + b"\x00" * PIECES, S.BadEncodingLimitsExceeded),
        (b"\x83" + struct.pack("<i", 33 * PIECES) + bytes(33 * PIECES), S.BadEncodingLimitsExceeded),
        (b"\xff", S.BadDecodingError),
        (b"", S.BadDecodingError),
    ],
    ids=lambda value: value[:8].hex() if isinstance(value, bytes) else hex(value),
)
def test_hostile_values_are_refused_at_once(variant: bytes, code: int) -> None:
    began = time.process_time()
    assert _code(variant) == code
    assert time.process_time() - began < 2


def test_a_hundred_levels_are_decoded() -> None:
    """Part 6, 5.1.5: decoders shall support at least 100."""
    assert _value(b"\x98\x01\x00\x00\x00" * 99 + b"\x01\x01").Value is not None


def test_a_list_of_structures_without_bytes_is_no_endless_one() -> None:
    sets = struct.pack("<i", 1 << 30)
    with pytest.raises(ServiceError):
        structure(ua.PubSubConfiguration2DataType, Reader(sets * 20))


@given(some.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    with suppress(ServiceError):
        structure(ua.CallParameters, Reader(data))
