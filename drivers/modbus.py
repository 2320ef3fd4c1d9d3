"""Modbus TCP: one gateway a site, read all at once, each over one connection of its own.

A gateway that is off, slow or talks nonsense costs its own rows and nothing else: `read` takes as long as
the slowest healthy gateway, and at most the time-out in the one scan in which a gateway is lost. A lost
gateway is looked for in the background, with growing and jittered pauses, and is read again once it has
answered there. The log has one line when a gateway is lost and one when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.transaction import TransactionManager

from config.settings import Modbus
from drivers.registermap import read_map
from drivers.registers import Flags, Image, Plan, Region, plan_of
from nodeset.frame import Readings
from nodeset.index import TagIndex

log = structlog.get_logger(__name__)

# pymodbus logs every failed request by itself; what an operator needs of it is logged here, once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


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


def _client(host: str, port: int, timeout: float) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient(host, port=port, timeout=timeout, retries=0, reconnect_delay=0)
    framer = FramerSocket(DecodePDU(False))
    client.ctx = _Transactions(client.comm_params, framer, 0, False, None, None, None)
    return client


class Gateway:
    """The connection to one site's gateway."""

    def __init__(self, name: str, host: str, port: int, plan: Plan, timeout: float, backoff: Backoff) -> None:
        self.name, self.host, self.port = name, host, port
        self._plan, self._timeout, self._backoff = plan, timeout, backoff
        self._image: Image = np.zeros(plan.size, np.uint16)
        self._client: AsyncModbusTcpClient | None = None
        self._search: asyncio.Task[None] | None = None
        self._refused: frozenset[int] = frozenset()

    async def connect(self) -> None:
        """Try once; go on trying in the background where that fails."""
        try:
            self._client = await self._reached()
        except _Silence as silence:
            self._lose(str(silence))

    async def poll(self, time: int) -> Readings:
        """What the gateway reads for `time` [µs]: nothing while it is lost."""
        answered = np.zeros(len(self._plan.requests), np.bool_)
        if self._client is not None:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._read_all(self._client, answered)
            except (_Silence, TimeoutError) as silence:
                self._lose(str(silence) or f"no answer in {self._timeout:g} s")
        return self._plan.decode(self._image, answered, time)

    async def close(self) -> None:
        """Close the connection and stop looking for the gateway."""
        search = self._search
        while search is not None and not search.done():
            search.cancel()  # again and again: `wait_for` of Python 3.11 may lose one (gh-86296)
            await asyncio.wait({search}, timeout=0.1)
        self._drop()

    async def _read_all(self, client: AsyncModbusTcpClient, answered: Flags) -> None:
        refused = set()
        for i, request in enumerate(self._plan.requests):
            registers = await self._ask(client, request)
            if registers is None:
                refused.add(i)
            else:
                self._image[request.offset : request.offset + request.count] = registers
                answered[i] = True
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
        client = _client(self.host, self.port, self._timeout)
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
        found = read_map(settings.map)
        self.gateways = tuple(
            Gateway(
                site.name,
                settings.host,
                settings.port + i,
                plan_of(index, found, i),
                settings.timeout,
                backoff or Backoff(),
            )
            for i, site in enumerate(index.fleet.sites)
        )

    async def connect(self) -> None:
        """Reach for all gateways at once."""
        await asyncio.gather(*(gateway.connect() for gateway in self.gateways))

    async def read(self, time: int) -> Readings:
        """Readings of all gateways that answer, for the scan at `time` [µs]."""
        parts = await asyncio.gather(*(gateway.poll(time) for gateway in self.gateways))
        return Readings(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.status for part in parts]),
            np.concatenate([part.time for part in parts]),
        )

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(gateway.close() for gateway in self.gateways))
