"""One TCP connection to a gateway: requests out, checked answers in, each within its time-out.

    Silence        no right answer
      Unreachable  there is no connection
      Closed       the gateway closed it before the answer
      NoAnswer     the time-out
      Nonsense     what came is not Modbus, or no answer to this request

After `NoAnswer` and `Nonsense` a line must not be used again: what comes late could be taken for the next
answer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drivers.frames import Frame, Framing, NotModbusError
from drivers.requests import Request

_MOST_STRAYS: Final = 100  # frames that nobody asked for, while somebody waits


class Silence(Exception):
    """The gateway did not answer as it should."""


class Unreachable(Silence):
    """There is no connection."""


class Closed(Silence):
    """The gateway closed the connection before the answer."""


class NoAnswer(Silence):
    """The time-out."""


class Nonsense(Silence):
    """What came is not Modbus, or no answer to this request."""


@dataclass
class _Waiting:
    request: Request
    answer: asyncio.Future[bytes]


class Line(asyncio.Protocol):
    """An open connection. `answers` counts what came in over it; `took` [s] is the last one's round trip."""

    def __init__(self, framing: Framing, numbers: Iterator[int]) -> None:
        """`numbers` are the gateway's transactions and go on from line to line."""
        self._framing = framing
        self._numbers = numbers
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiting: dict[int, _Waiting] = {}
        self._strays = 0
        self._ended: Silence | None = None
        self.answers = 0
        self.took = 0.0

    @classmethod
    async def to(cls, host: str, port: int, framing: Framing, numbers: Iterator[int], timeout: float) -> Line:
        """Connect within `timeout` [s], or raise `Unreachable`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, line = await loop.create_connection(lambda: cls(framing, numbers), host, port)
        except TimeoutError:
            raise Unreachable(f"no connection in {timeout:g} s") from None
        except (OSError, ValueError) as error:  # ValueError: a host whose name cannot be one
            raise Unreachable(f"no connection: {_reason(error)}") from None
        return line

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._ended is None and self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: Request, timeout: float) -> bytes:
        """The checked answer's PDU within `timeout` [s]; `RefusedError` or `Silence`."""
        if self._transport is None or not self.is_open:
            raise Closed("connection closed")
        number = next(self._numbers) if self._framing.numbered else 0
        if not self._waiting:
            self._strays = 0
            if not self._framing.numbered:
                self._buffer.clear()  # nothing that came before the request can be its answer
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop.create_future())
        self._waiting[number] = waiting
        began = loop.time()
        self._transport.write(self._framing.packed(number, request.unit, request.pdu))
        try:
            async with asyncio.timeout(timeout):
                pdu = await waiting.answer
        except TimeoutError:
            if not waiting.answer.done() or waiting.answer.cancelled():
                raise NoAnswer(self._nothing_in(timeout)) from None
            pdu = waiting.answer.result()  # it came in while the loop was busy with something else
        finally:
            self._waiting.pop(number, None)
            self.took = loop.time() - began
        try:
            return request.checked(pdu)
        except NotModbusError as error:
            raise Nonsense(str(error)) from None

    def close(self) -> None:
        """Close at once; whoever waits hears `Closed`."""
        self._end(Closed("connection closed"))
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes as they come in."""
        self._buffer += data
        try:
            while (frame := self._framing.take(self._buffer)) is not None:
                self._deliver(frame)
        except NotModbusError as error:
            self._fail(Nonsense(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """The gateway has gone."""
        self._end(Closed(f"connection closed: {_reason(exc)}" if exc else "connection closed by the gateway"))

    # -- answers

    def _deliver(self, frame: Frame) -> None:
        waiting = self._waiting.get(frame.transaction or 0)
        if waiting is None or waiting.answer.done():
            self._strays += 1  # the late answer to a request that was given up
            if self._strays > _MOST_STRAYS:
                raise NotModbusError("frames that nobody asked for, without end")
            return
        if frame.unit != waiting.request.unit:
            raise NotModbusError(f"unit {frame.unit} answers for unit {waiting.request.unit}")
        self.answers += 1
        waiting.answer.set_result(frame.pdu)

    def _fail(self, reason: Silence) -> None:
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: Silence) -> None:
        self._buffer.clear()
        if self._ended is not None:
            return
        self._ended = reason
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(reason)
                waiting.answer.exception()  # seen, though who waited may be gone

    def _nothing_in(self, timeout: float) -> str:
        came = len(self._buffer)
        return f"only {came} bytes of an answer in {timeout:g} s" if came else f"no answer in {timeout:g} s"


def _reason(error: Exception) -> str:
    """What the system says of a failed connection, without numbers and addresses."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number and number > 0 else str(error)
