"""Modbus frames on a stream: cut anywhere, with noise before them, and never invented."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.frames import Frame, Framing, NotModbusError, RtuFraming, TcpFraming

# Modbus over Serial Line 1.02 and common tools: unit 1, read 10 registers from 0, and its CRC C5 CD.
REQUEST = bytes.fromhex("01 03 00 00 00 0A C5 CD")
PDUS = some.one_of(
    some.integers(0, 125).flatmap(
        lambda n: some.binary(min_size=2 * n, max_size=2 * n).map(lambda data: bytes([3, len(data)]) + data)
    ),
    some.binary(min_size=1, max_size=1).map(lambda code: b"\x83" + code),
    some.binary(min_size=4, max_size=4).map(lambda data: b"\x06" + data),
    some.just(bytes.fromhex("2B 0E 01 01 00 00 02 00 03 41 42 43 01 01 58")),
)


def taken(framing: Framing, stream: bytes, cuts: int) -> list[Frame]:
    """Frames of a stream that arrives in pieces of so many bytes."""
    buffer, found = bytearray(), []
    for at in range(0, len(stream), cuts):
        buffer += stream[at : at + cuts]
        while (frame := framing.take(buffer)) is not None:
            found.append(frame)
    return found


def test_a_request_is_packed_as_the_standard_shows() -> None:
    assert RtuFraming().packed(7, 1, REQUEST[1:6]) == REQUEST
    assert TcpFraming().packed(0x1234, 17, b"\x03\0\0\0\x0a") == bytes.fromhex("12340000000611030000000A")


@given(some.lists(PDUS, min_size=1, max_size=4), some.integers(1, 300))
def test_frames_come_back_however_they_are_cut(pdus: list[bytes], cuts: int) -> None:
    for framing in (TcpFraming(), RtuFraming()):
        stream = b"".join(framing.packed(i, 5, pdu) for i, pdu in enumerate(pdus))
        found = taken(framing, stream, cuts)
        assert [frame.pdu for frame in found] == pdus
        assert {frame.unit for frame in found} == {5}
        if framing.numbered:
            assert [frame.transaction for frame in found] == list(range(len(pdus)))


@given(some.binary(max_size=20))
def test_noise_before_an_rtu_frame_is_passed_over(noise: bytes) -> None:
    found = taken(RtuFraming(), noise + RtuFraming().packed(0, 1, b"\x03\x02\x12\x34"), 1000)
    assert [frame.pdu for frame in found][-1:] == [b"\x03\x02\x12\x34"]


@given(some.binary(min_size=4, max_size=4).filter(lambda head: head[2:] != b"\0\0"))
def test_another_protocol_is_no_modbus_tcp(head: bytes) -> None:
    with pytest.raises(NotModbusError):
        TcpFraming().take(bytearray(head + bytes(8)))


@pytest.mark.parametrize("framing", [TcpFraming(), RtuFraming()])
def test_a_flood_of_garbage_is_given_up_soon(framing: Framing) -> None:
    began = time.process_time()
    with pytest.raises(NotModbusError):
        framing.take(bytearray(random.Random(1).randbytes(1_000_000)))
    assert time.process_time() - began < 0.5
