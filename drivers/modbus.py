"""Modbus TCP: one gateway a site, read all at once, each over one connection of its own.

A gateway that is off, slow or talks nonsense costs its own rows and nothing else: `read` takes as long as
the slowest healthy gateway, and at most the time-out in the one scan in which a gateway is lost. A lost
gateway is looked for in the background, with growing and jittered pauses, and is read again once it has
answered there. The log has one line when a gateway is lost and one when it is back.

A set-point is written over the same connection and read back. Scan and writes take turns; a scan waits for a
write no longer than a moment, and then goes on without that gateway.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time as clock
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import structlog
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.transaction import TransactionManager

from config.settings import Link, Modbus
from drivers.registermap import read_map
from drivers.registers import Flags, Image, Plan, Region, plan_of
from drivers.setpoint import SetPoint, set_points_of
from drivers.statistics import Statistics, readings_of
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import GatewayState

log = structlog.get_logger(__name__)

# pymodbus logs every failed request by itself; what an operator needs of it is logged here, once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


PATIENCE: Final = 0.1  # s that a scan waits for a write
_FRAMERS: Final[dict[str, Callable[[DecodePDU], FramerBase]]] = {"tcp": FramerSocket, "rtu": FramerRTU}
_READ_BACKS: Final = (0.0, 0.05, 0.2)  # s before each look at what was written: a device may take a moment
_REFUSALS: Final[dict[int, int]] = {
    ExcCodes.ILLEGAL_VALUE: st.BAD_OUT_OF_RANGE,
    ExcCodes.GATEWAY_PATH_UNAVIABLE: st.BAD_NO_COMMUNICATION,
    ExcCodes.GATEWAY_NO_RESPONSE: st.BAD_NO_COMMUNICATION,
}


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts to reach a lost gateway [s]: doubling, jittered by up to a half."""

    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int) -> float:
        """How long to wait before the attempt with this number, from 0."""
        whole = min(self.first * 2.0 ** min(attempt, 30), self.longest)
        return whole * random.uniform(0.5, 1.0)


class _Silence(Exception):
    """The gateway did not answer as it should; never leaves this module."""


class _Transactions(TransactionManager):
    """pymodbus's transactions, but for nonsense: it ends the request, not the event loop's patience."""

    def callback_data(self, data: bytes, addr: tuple[Any, ...] | None = None) -> int:
        """Take bytes as they come in; those that cannot be decoded fail the request that waits."""
        try:
            return super().callback_data(data, addr)
        except Exception as error:  # whatever the decoder stumbles over: the bytes are a stranger's
            if not self.response_future.done():
                self.response_future.set_exception(ModbusIOException(f"not Modbus: {error}"))
                self.response_future.exception()  # seen, though nobody may be waiting
            return len(data)


async def _taken(patience: float, *locks: asyncio.Lock) -> bool:
    """Take all locks within `patience` [s], or none; whoever gets them must release them."""
    held = []
    try:
        async with asyncio.timeout(patience):
            for lock in locks:
                await lock.acquire()
                held.append(lock)
    except BaseException as error:
        for lock in held:
            lock.release()
        if isinstance(error, TimeoutError):
            return False
        raise
    return True


def _client(link: Link, timeout: float) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient(link.host, port=link.port, timeout=timeout, retries=0, reconnect_delay=0)
    framer = _FRAMERS[link.framer](DecodePDU(False))
    client.ctx = _Transactions(client.comm_params, framer, 0, False, None, None, None)
    return client


class Gateway:
    """The connection to one site's gateway."""

    def __init__(self, name: str, link: Link, plan: Plan, timeout: float, backoff: Backoff) -> None:
        self.name, self.host, self.port = name, link.host, link.port
        self._link, self._plan, self._timeout, self._backoff = link, plan, timeout, backoff
        self._image: Image = np.zeros(plan.size, np.uint16)
        self._client: AsyncModbusTcpClient | None = None
        self._line = asyncio.Lock()  # held by the scan or a write
        self._writer = asyncio.Lock()  # held by the one write that may wait for the line
        self._search: asyncio.Task[None] | None = None
        self._refused: frozenset[int] = frozenset()
        self.statistics = Statistics()

    async def connect(self) -> None:
        """Try once; go on trying in the background where that fails."""
        try:
            self._client = await self._reached()
        except _Silence as silence:
            self._lose(str(silence))

    async def poll(self, time: int) -> Readings:
        """What the gateway reads for `time` [µs]: nothing while it is lost."""
        answered = np.zeros(len(self._plan.requests), np.bool_)
        if self._client is not None and await _taken(PATIENCE, self._line):
            try:
                await self._read_all(answered)
            finally:
                self._line.release()
        return self._plan.decode(self._image, answered, time)

    async def write(self, point: SetPoint, value: float) -> int:
        """Write a set-point and read it back; the StatusCode of the outcome."""
        if self._client is None:
            return st.BAD_NO_COMMUNICATION
        if not await _taken(self._timeout, self._writer, self._line):
            return st.BAD_TIMEOUT
        try:
            return await self._write(point, point.registers(value))
        finally:
            self._line.release()
            self._writer.release()

    async def close(self) -> None:
        """Close the connection and stop looking for the gateway."""
        search = self._search
        while search is not None and not search.done():
            search.cancel()  # again and again: `wait_for` of Python 3.11 may lose one (gh-86296)
            await asyncio.wait({search}, timeout=0.1)
        self._drop()

    async def _read_all(self, answered: Flags) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                if self._client is not None:
                    await self._ask_all(self._client, answered)
        except (_Silence, TimeoutError) as silence:
            self._lose(str(silence) or f"no answer in {self._timeout:g} s")

    async def _write(self, point: SetPoint, registers: list[int]) -> int:
        try:
            async with asyncio.timeout(self._timeout):
                if self._client is None:
                    return st.BAD_NO_COMMUNICATION
                return await self._put(self._client, point, registers)
        except _Silence as silence:
            self._lose(str(silence))
            return st.BAD_NO_COMMUNICATION
        except TimeoutError:
            self._lose(f"no answer to a write in {self._timeout:g} s")
            return st.BAD_TIMEOUT

    async def _put(self, client: AsyncModbusTcpClient, point: SetPoint, registers: list[int]) -> int:
        """Function code 6 for one register, 16 for more; then read them until they are what was written."""
        unit, address = point.unit, point.address
        try:
            if len(registers) == 1:
                answer = await client.write_register(address, registers[0], device_id=unit)
            else:
                answer = await client.write_registers(address, registers, device_id=unit)
        except (ModbusException, OSError) as error:
            raise _Silence(str(error)) from None
        if answer.isError():
            return _REFUSALS.get(int(answer.exception_code), st.BAD_DEVICE_FAILURE)
        for pause in _READ_BACKS:
            await asyncio.sleep(pause)
            if await self._ask(client, Region(unit, address, len(registers), 0)) == registers:
                return st.GOOD
        return st.BAD_DEVICE_FAILURE

    async def _ask_all(self, client: AsyncModbusTcpClient, answered: Flags) -> None:
        refused = set()
        began = clock.monotonic()
        for i, request in enumerate(self._plan.requests):
            registers = await self._ask(client, request)
            if registers is None:
                refused.add(i)
            else:
                self._image[request.offset : request.offset + request.count] = registers
                answered[i] = True
        self.statistics.round_trip = (clock.monotonic() - began) * 1000 / len(self._plan.requests)
        self.statistics.errors += len(refused)
        self.statistics.state = GatewayState.DEGRADED
        if not refused:
            self.statistics.answered_in_full()
        self._note_refusals(frozenset(refused))

    async def _ask(self, client: AsyncModbusTcpClient, request: Region) -> list[int] | None:
        """Registers of a request, or None where the gateway refuses it or answers another length."""
        table = (
            client.read_holding_registers if self._plan.table == "holding" else client.read_input_registers
        )
        try:
            answer = await table(request.address, count=request.count, device_id=request.unit)
        except (ModbusException, OSError) as error:
            raise _Silence(str(error)) from None
        whole = not answer.isError() and len(answer.registers) == request.count
        return list(answer.registers) if whole else None

    async def _reached(self) -> AsyncModbusTcpClient:
        """A fresh connection over which the gateway has answered a first request."""
        client = _client(self._link, self._timeout)
        try:
            async with asyncio.timeout(self._timeout):
                if not await client.connect():
                    raise _Silence("no connection")
                await self._ask(client, self._plan.requests[0])
        except (_Silence, TimeoutError, asyncio.CancelledError) as error:
            client.close()
            if isinstance(error, TimeoutError):
                raise _Silence(f"no answer in {self._timeout:g} s") from None
            raise
        return client

    def _lose(self, reason: str) -> None:
        self.statistics.errors += 1
        self.statistics.state = GatewayState.OFFLINE
        log.warning("gateway lost", site=self.name, host=self.host, port=self.port, reason=reason)
        self._drop()
        self._search = asyncio.create_task(self._find(), name=f"search for gateway {self.name}")

    async def _find(self) -> None:
        attempt = 0
        while self._client is None:
            await asyncio.sleep(self._backoff.pause(attempt))
            attempt += 1
            with suppress(_Silence):
                self._client = await self._reached()
        log.info("gateway is back", site=self.name, host=self.host, port=self.port)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _note_refusals(self, refused: frozenset[int]) -> None:
        """Log when the set of refused requests becomes another."""
        if refused == self._refused:
            return
        self._refused = refused
        if refused:
            parts = [f"unit {r.unit} registers {r.address}+{r.count}" for r in self._parts(refused)]
            log.warning("gateway refuses", site=self.name, port=self.port, parts=parts)
        else:
            log.info("gateway answers in full again", site=self.name, port=self.port)

    def _parts(self, refused: frozenset[int]) -> list[Region]:
        return [self._plan.requests[i] for i in sorted(refused)]


class ModbusSource:
    """Readings of the whole fleet from its gateways; implements `drivers.source.Source`."""

    def __init__(self, index: TagIndex, settings: Modbus, backoff: Backoff | None = None) -> None:
        names = [site.name for site in index.fleet.sites]
        links = settings.links(names)
        maps = {name: read_map(name) for name in {link.map for link in links}}
        gateways = []
        self._index = index
        self._set_points: dict[int, tuple[Gateway, SetPoint]] = {}
        for i, (name, link) in enumerate(zip(names, links, strict=True)):
            plan = plan_of(index, maps[link.map], i)
            gateway = Gateway(name, link, plan, settings.timeout, backoff or Backoff())
            gateways.append(gateway)
            self._set_points |= {point.row: (gateway, point) for point in set_points_of(index, plan)}
        self.gateways = tuple(gateways)

    async def connect(self) -> None:
        """Reach for all gateways at once."""
        await asyncio.gather(*(gateway.connect() for gateway in self.gateways))

    async def read(self, time: int) -> Readings:
        """Readings of all gateways that answer, for the scan at `time` [µs]."""
        parts = await asyncio.gather(*(gateway.poll(time) for gateway in self.gateways))
        statistics = [gateway.statistics for gateway in self.gateways]
        return Readings.joined([*parts, readings_of(self._index, statistics, time)])

    async def write(self, row: int, value: float) -> int:
        """Write the set-point in `row` and read it back; the StatusCode of the outcome."""
        found = self._set_points.get(row)
        if found is None:
            return st.BAD_NOT_WRITABLE  # the map has no register for it
        gateway, point = found
        if not point.holds(value):
            return st.BAD_OUT_OF_RANGE
        return await gateway.write(point, value)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(gateway.close() for gateway in self.gateways))
