"""A gateway on a real socket whose every answer a test scripts; by itself it is honest.

It is written against the standard, not with the driver's code: only the registers' places come from a plan.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass

import numpy as np

from config.settings import LOOPBACK
from drivers.registers import Plan
from nodeset.frame import Readings

Registers = dict[tuple[int, int], int]  # by unit and address


@dataclass
class Talk:
    """One request, and the means to answer it; `right` is the PDU of the right answer."""

    framer: str
    transaction: int
    unit: int
    pdu: bytes
    right: bytes
    writer: asyncio.StreamWriter

    @property
    def is_write(self) -> bool:
        return self.pdu[0] in (6, 16)

    def frame(
        self, pdu: bytes | None = None, unit: int | None = None, transaction: int | None = None
    ) -> bytes:
        """The right answer's frame, but for what is given."""
        body = bytes([self.unit if unit is None else unit]) + (self.right if pdu is None else pdu)
        if self.framer == "rtu":
            return body + crc(body)
        number = self.transaction if transaction is None else transaction
        return struct.pack(">HHH", number, 0, len(body)) + body

    def exception(self, code: int) -> bytes:
        """The frame of an exception response."""
        return self.frame(bytes([self.pdu[0] | 0x80, code]))

    async def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Write pieces one after the other, with pauses between."""
        for i, piece in enumerate(pieces):
            if i:
                await asyncio.sleep(pause)
            self.writer.write(piece)
            await self.writer.drain()

    def close(self) -> None:
        """End the connection in order."""
        self.writer.close()

    def reset(self) -> None:
        """End it with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behave = Callable[[Talk], Awaitable[None]]


async def honest(talk: Talk) -> None:
    """The right answer at once."""
    await talk.send(talk.frame())


class FakeGateway:
    """Listens on `port` while it is up."""

    def __init__(self, port: int, plan: Plan, readings: Readings, framer: str = "tcp") -> None:
        self.port, self.framer = port, framer
        self.registers = _registers(plan, readings)
        self.behave: Behave = honest
        self.connections = 0
        self.asked: list[bytes] = []  # PDUs
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def up(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def down(self) -> None:
        """Stop listening, and close all connections."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        for _ in range(100):
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    await self._answer(reader, writer)
        finally:
            self._open.discard(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transaction, unit, pdu = await _request(reader, self.framer)
        self.asked.append(pdu)
        talk = Talk(self.framer, transaction, unit, pdu, b"", writer)
        talk.right = self._right(unit, pdu)
        await self.behave(talk)

    def _right(self, unit: int, pdu: bytes) -> bytes:
        if pdu[0] not in (3, 6, 16):
            return bytes([pdu[0] | 0x80, 1])
        address, number = struct.unpack_from(">HH", pdu, 1)
        if pdu[0] == 6:
            self.registers[unit, address] = number
            return pdu
        if pdu[0] == 16:
            for i, value in enumerate(struct.unpack_from(f">{number}H", pdu, 6)):
                self.registers[unit, address + i] = value
            return pdu[:5]
        values = [self.registers.get((unit, address + i)) for i in range(number)]
        if None in values:
            return bytes([pdu[0] | 0x80, 2])
        return bytes([pdu[0], 2 * number]) + struct.pack(f">{number}H", *values)


@asynccontextmanager
async def running(*gateways: FakeGateway) -> AsyncIterator[None]:
    """All of them up."""
    for gateway in gateways:
        await gateway.up()
    try:
        yield
    finally:
        for gateway in gateways:
            await gateway.down()


@asynccontextmanager
async def black_hole(port: int) -> AsyncIterator[None]:
    """A port at which no connection is ever made: its queue is full."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex((LOOPBACK, port))
        try:
            yield
        finally:
            for each in waiting:
                each.close()


def crc(body: bytes) -> bytes:
    """CRC of an RTU frame (Modbus over Serial Line 1.02, 6.2.2), low byte first."""
    value = 0xFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


async def _request(reader: asyncio.StreamReader, framer: str) -> tuple[int, int, bytes]:
    """Transaction, unit and PDU of the next request."""
    if framer == "tcp":
        transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        return transaction, unit, await reader.readexactly(length - 1)
    head = await reader.readexactly(7)
    rest = {16: head[6] + 2, 43: 0}.get(head[1], 1)
    body = head + await reader.readexactly(rest)
    assert crc(body[:-2]) == body[-2:]
    return 0, body[0], body[1:-2]


def _registers(plan: Plan, readings: Readings) -> Registers:
    value = np.zeros(int(max(plan.rows.max(), readings.rows.max())) + 1)
    value[readings.rows] = readings.value
    image = plan.encode(value[plan.rows], np.ones(plan.rows.size, np.bool_))
    return {
        (region.unit, region.address + i): int(image[region.offset + i])
        for region in plan.regions
        for i in range(region.count)
    }
