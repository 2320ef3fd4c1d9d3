"""An OPC UA client that costs next to nothing: requests are bytes made beforehand, answers are only counted.

asyncua's codec encodes the requests. While something is measured a request is sealed anew for its number (see
securechannel.py), and of an answer no more is looked at than the chunk headers, the type, and the head of a
notification: of every answer without security, of some with it.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, uatcp_to_binary

from benchmarks.process import HOST
from benchmarks.securechannel import CHUNK, Plain, SecureChannel

Answer = TypeVar("Answer")

_REQUEST: Final = struct.Struct("<qIIiIBBB")
_FAULT: Final = int(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary)
_DATA_CHANGES: Final = int(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
_EVENTS: Final = int(ua.ObjectIds.EventNotificationList_Encoding_DefaultBinary)
_RESPONSE_END: Final = 28  # type id and response header without diagnostics
_EPOCH: Final = 116_444_736_000_000_000  # 1601 to 1970 in 100 ns
_DOUBLE: Final = 11
_DATE: Final = 13
_BUFFER: Final = 16 << 20
_LOOKED_AT: Final = 32  # of so many secured answers one is looked at
_U16, _U32, _I32, _I64 = (struct.Struct(f"<{code}") for code in "HIiq")


@dataclass(frozen=True)
class Request:
    """A request in the parts that make its chunks."""

    parts: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes of it, about."""
        return sum(map(len, self.parts))


@dataclass(frozen=True)
class Notification:
    """The head of a Publish response; `source_time` [µs since 1970] is its first value's, or that of its
    first event where the first field is a time; 0 for none.

    `changes` counts data changes, or events.
    """

    subscription: int
    sequence: int
    changes: int
    source_time: int


class ServiceFault(Exception):
    """The server refused a request."""


class Connection:
    """A connection with an open channel; `session` is what requests name once somebody has logged in."""

    def __init__(self, port: int, channel: SecureChannel | None = None) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.session = b"\x00\x00"
        self.url = f"opc.tcp://{HOST}:{port}/"
        self._channel = channel or Plain()
        self._every = 1 if isinstance(self._channel, Plain) else _LOOKED_AT
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._inside = False
        self._number = self._messages = 0
        self._open()

    def close(self) -> None:
        """Close the session with its subscriptions, and the socket."""
        self.send(self.request(ua.CloseSessionRequest, b"\x01"))
        self.socket.close()

    # -- requests

    def request(self, kind: type[Any], parameters: bytes) -> Request:
        """A request of a service with its encoded parameters."""
        type_id = int(getattr(ua.ObjectIds, f"{kind.__name__}_Encoding_DefaultBinary"))
        now = time.time_ns() // 100 + _EPOCH
        head = b"\x01\x00" + _U16.pack(type_id) + self.session
        body = head + _REQUEST.pack(now, 1, 0, -1, 600_000, 0, 0, 0) + parameters
        room = self._channel.room
        return Request(tuple(body[at : at + room] for at in range(0, len(body), room)))

    def sealed(self, request: Request) -> bytes:
        """The request as it goes over the wire next; it must be sent, and in this order."""
        request_id = self._number + 1
        chunks = []
        for part in request.parts:
            self._number += 1
            final = b"F" if part is request.parts[-1] else b"C"
            chunks.append(self._channel.sealed(final, self._number, request_id, part))
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def send(self, request: Request) -> None:
        """Send a request."""
        self.socket.sendall(self.sealed(request))

    def call(self, request: Request, answer: type[Answer]) -> Answer:
        """Send a request and decode its answer; nothing else may be in flight."""
        self.send(request)
        found: Answer = struct_from_binary(answer, Buffer(self.receive()))
        return found

    def finish(self, request: Request) -> None:
        """Send a request and await its answer without decoding it."""
        self.send(request)
        while not any(self.heads()):
            pass

    def flow(self, ready: Sequence[bytes], in_flight: int) -> None:
        """Send sealed requests, `in_flight` at a time, until all are answered."""
        self.socket.sendall(b"".join(ready[:in_flight]))
        sent, answered = min(in_flight, len(ready)), 0
        while answered < len(ready):
            done = sum(self.heads())
            answered += done
            if sent < len(ready) and done:
                self.socket.sendall(b"".join(ready[sent : sent + done]))
                sent += done

    # -- answers

    def receive(self) -> bytes:
        """The next whole message, decrypted and verified."""
        body = b""
        while True:
            for chunk in self._chunks():
                body += self._channel.opened(chunk)
                if chunk[3] == ord("F"):
                    _check(body)
                    return body
            self._fill()

    def heads(self) -> Iterator[bool]:
        """For each chunk that comes in next whether it ends a message."""
        self._fill()
        for chunk in self._chunks():
            if not self._inside:
                self._messages += 1
                if self._messages % self._every == 0:
                    _check(self._channel.head(chunk))
            final = chunk[3] == ord("F")
            self._inside = not final
            yield final

    def notifications(self) -> Iterator[tuple[Notification | None, bool]]:
        """For each chunk that comes in next: the head of the message that it begins, and whether it ends one.

        A message that is no Publish response has a head with subscription 0.
        """
        self._fill()
        for chunk in self._chunks():
            head = None
            if not self._inside:
                data = self._channel.head(chunk)
                _check(data)
                head = _notification(data)
            final = chunk[3] == ord("F")
            self._inside = not final
            yield head, final

    def _fill(self) -> None:
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < CHUNK:
            rest = bytes(self._view[self._start : self._end])
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        received = self.socket.recv_into(self._view[self._end :])
        if not received:
            raise ConnectionError("the server closed the connection")
        self._end += received

    def _chunks(self) -> Iterator[memoryview]:
        """Each whole chunk in the buffer, which is thereby taken."""
        while self._end - self._start >= 8:
            (size,) = _U32.unpack_from(self._buffer, self._start + 4)
            if self._end - self._start < size:
                return
            start = self._start
            if self._buffer[start : start + 3] == b"ERR":
                raise ServiceFault(f"0x{_U32.unpack_from(self._buffer, start + 8)[0]:08X}")
            self._start += size
            yield self._view[start : start + size]

    # -- opening

    def _open(self) -> None:
        hello = ua.Hello(0, CHUNK, CHUNK, 0, 0, self.url)
        self.socket.sendall(uatcp_to_binary(ua.MessageType.Hello, hello))
        self._next()
        self.socket.sendall(self._channel.opening())
        self._number = 1
        self._channel.take_opened(self._next())

    def _next(self) -> bytes:
        while True:
            for chunk in self._chunks():
                return bytes(chunk)
            self._fill()


def _check(head: bytes) -> None:
    if _U16.unpack_from(head, 2)[0] == _FAULT:
        raise ServiceFault(f"0x{_U32.unpack_from(head, 16)[0]:08X}")


def _notification(data: bytes) -> Notification:
    """Part 4, 5.14.5 and 7.25."""
    if _U16.unpack_from(data, 2)[0] != int(ua.ObjectIds.PublishResponse_Encoding_DefaultBinary):
        return Notification(0, 0, 0, 0)
    at = _RESPONSE_END
    subscription, available = struct.unpack_from("<II", data, at)
    at += 8 + 4 * (available if available < 1 << 31 else 0) + 1
    (sequence,) = _U32.unpack_from(data, at)
    if _I32.unpack_from(data, at + 12)[0] < 1:  # a keep-alive
        return Notification(subscription, 0, 0, 0)
    at += 16
    (kind,) = _U16.unpack_from(data, at + 2)
    (changes,) = _I32.unpack_from(data, at + 9)  # after type id, encoding and size of the first part
    source_time = 0
    if kind == _DATA_CHANGES:
        source_time = _source_time(data, at + 17)
    elif kind == _EVENTS:
        source_time = _event_time(data, at + 21)
    return Notification(subscription, sequence, changes, source_time)


def _event_time(data: bytes, at: int) -> int:
    """An event's first field, where that is a DateTime."""
    return (_I64.unpack_from(data, at + 1)[0] - _EPOCH) // 10 if data[at] == _DATE else 0


def _source_time(data: bytes, at: int) -> int:
    mask, kind = data[at], data[at + 1]
    if not mask & 4 or kind != _DOUBLE:
        return 0
    ticks: int = _I64.unpack_from(data, at + (14 if mask & 2 else 10))[0]
    return (ticks - _EPOCH) // 10
