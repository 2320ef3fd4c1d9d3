"""Requests to a device and what is a right answer to each (Modbus Application Protocol 1.1b3); pure.

RefusedError    an exception response: the device has heard and declines
NotModbusError  anything else that is not the answer to this request
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.frames import NotModbusError
from drivers.spans import Region

_READERS: Final = {"holding": ReadHoldingRegistersRequest, "input": ReadInputRegistersRequest}
ILLEGAL_VALUE: Final = 3
ACKNOWLEDGE: Final = 5  # accepted, and takes longer than an answer may
_EXCEPTIONS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge, still at work",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class Refusal(Enum):
    """What an exception code means for who asked."""

    REFUSED = auto()  # this request will not be answered: the map does not fit the device, or it has failed
    BUSY = auto()  # ask again in a moment
    ABSENT = auto()  # the gateway does not reach the unit


class RefusedError(Exception):
    """The device answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code} ({_EXCEPTIONS.get(code, 'of no meaning')})")
        self.code = code

    @property
    def meaning(self) -> Refusal:
        """What to do about it."""
        if self.code in (5, 6):
            return Refusal.BUSY
        return Refusal.ABSENT if self.code in (10, 11) else Refusal.REFUSED


@dataclass(frozen=True)
class Request:
    """A request to a unit. `head` and `size` are what a right answer's PDU begins with, and its bytes;
    a size of None is of any answer.
    """

    unit: int
    pdu: bytes
    head: bytes
    size: int | None

    def checked(self, pdu: bytes) -> bytes:
        """The PDU of the answer; `RefusedError` or `NotModbusError` where it is none."""
        function = self.pdu[0]
        if len(pdu) == 2 and pdu[0] == function | 0x80:
            raise RefusedError(pdu[1])
        if pdu[0] != function:
            raise NotModbusError(f"function code {pdu[0]} in answer to {function}")
        if not pdu.startswith(self.head) or self.size not in (None, len(pdu)):
            raise NotModbusError(f"an answer that does not fit the request: {pdu[:8].hex(' ')}")
        return pdu


def reading(table: str, region: Region) -> Request:
    """Read neighbouring registers: function code 3 or 4."""
    pdu = _READERS[table](address=region.address, count=region.count)
    size = 2 * region.count
    return Request(region.unit, _packed(pdu), bytes([pdu.function_code, size]), 2 + size)


def writing(unit: int, address: int, registers: Sequence[int]) -> Request:
    """Write a register or several: function code 6 for one, 16 for more."""
    if len(registers) == 1:
        pdu = _packed(WriteSingleRegisterRequest(address=address, registers=list(registers)))
        return Request(unit, pdu, pdu, len(pdu))
    pdu = _packed(WriteMultipleRegistersRequest(address=address, registers=list(registers)))
    return Request(unit, pdu, pdu[:5], 5)


def identifying(unit: int) -> Request:
    """Ask for vendor, product and revision: function code 43 / 14."""
    pdu = _packed(ReadDeviceInformationRequest(read_code=1, object_id=0))
    return Request(unit, pdu, pdu[:3], None)


def registers_in(pdu: bytes) -> NDArray[np.uint16]:
    """Registers of a checked answer to `reading`."""
    return np.frombuffer(pdu, ">u2", offset=2).astype(np.uint16)


def identification_in(pdu: bytes) -> dict[int, str]:
    """Objects of a checked answer to `identifying` by their id; `NotModbusError` where they are cut."""
    answer = ReadDeviceInformationResponse()
    try:
        answer.decode(pdu[1:])
        return {int(i): bytes(text).decode("latin-1") for i, text in answer.information.items()}
    except Exception as error:  # whatever the decoder stumbles over: the bytes are a stranger's
        raise NotModbusError(f"an identification that cannot be read: {error}") from None


def _packed(pdu: ModbusPDU) -> bytes:
    return bytes([pdu.function_code]) + pdu.encode()
