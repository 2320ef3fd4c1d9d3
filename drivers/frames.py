"""Modbus frames on a stream: a header before each PDU (Modbus TCP), or unit and CRC around it (RTU); pure.

Bytes arrive as they like: halves, one by one, several frames at once. `take` gives a frame when it is whole.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from pymodbus.framer import FramerRTU

_HEADER: Final = struct.Struct(">HHHB")  # Modbus Messaging on TCP/IP 1.0b, 3.1.3
_LONGEST_PDU: Final = 253
_LONGEST_RTU: Final = 256
_DEVICE_IDENTIFICATION: Final = 43


class NotModbusError(Exception):
    """Bytes that no right answer begins with."""


@dataclass(frozen=True)
class Frame:
    """One frame; `transaction` is None where frames have none."""

    transaction: int | None
    unit: int
    pdu: bytes


class Framing(Protocol):
    """How PDUs become bytes of a stream, and back."""

    numbered: bool  # answers say which request they belong to

    def packed(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """A frame."""

    def take(self, buffer: bytearray) -> Frame | None:
        """The first whole frame, taken out of the buffer; None while more must come."""


class TcpFraming:
    """Modbus TCP."""

    numbered = True

    def packed(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """A frame."""
        return _HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu

    def take(self, buffer: bytearray) -> Frame | None:
        """The first whole frame; `NotModbusError` where no header stands."""
        if len(buffer) < _HEADER.size + 1:
            return None
        transaction, protocol, length, unit = _HEADER.unpack_from(buffer)
        if protocol != 0 or not 2 <= length <= _LONGEST_PDU + 1:
            raise NotModbusError(f"no Modbus TCP header: {bytes(buffer[:8]).hex(' ')}")
        if len(buffer) < length + 6:
            return None
        pdu = bytes(buffer[_HEADER.size : length + 6])
        del buffer[: length + 6]
        return Frame(transaction, unit, pdu)


class RtuFraming:
    """RTU frames, as serial servers pass them on; what stands before a frame is noise of the line."""

    numbered = False

    def packed(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """A frame; it has no room for a transaction."""
        body = bytes([unit]) + pdu
        return body + _crc(body)

    def take(self, buffer: bytearray) -> Frame | None:
        """The first whole frame whose CRC is right; `NotModbusError` where too much came without one."""
        for start in range(min(len(buffer), _LONGEST_RTU)):
            size = _rtu_size(buffer, start)
            end = start + size
            if size and end <= len(buffer) and _crc(buffer[start : end - 2]) == buffer[end - 2 : end]:
                frame = Frame(None, buffer[start], bytes(buffer[start + 1 : end - 2]))
                del buffer[:end]
                return frame
        if len(buffer) >= 2 * _LONGEST_RTU:
            raise NotModbusError(f"no RTU frame in {len(buffer)} bytes: {bytes(buffer[:8]).hex(' ')} ...")
        return None


FRAMINGS: Final[dict[str, Framing]] = {"tcp": TcpFraming(), "rtu": RtuFraming()}


def _crc(body: bytes | bytearray) -> bytes:
    return FramerRTU.compute_CRC(bytes(body)).to_bytes(2, "big")


def _rtu_size(buffer: bytearray, start: int) -> int:
    """Bytes of the answer that begins at `start`; 0 where none does, or too little of it is there."""
    if len(buffer) < start + 5:
        return 0
    function = buffer[start + 1]
    if function & 0x80:
        return 5
    if function in (3, 4):
        return 5 + buffer[start + 2]
    if function in (6, 16):
        return 8
    if function == _DEVICE_IDENTIFICATION:
        return _identification_size(buffer, start)
    return 0


def _identification_size(buffer: bytearray, start: int) -> int:
    """A head of 8 bytes, then objects of an id, a length and so many bytes, then the CRC."""
    at = start + 8
    if len(buffer) < at:
        return 0
    for _ in range(buffer[at - 1]):
        if len(buffer) < at + 2:
            return 0
        at += 2 + buffer[at + 1]
    return at + 2 - start
