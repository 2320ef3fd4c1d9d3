"""An OPC UA client that costs next to nothing: requests are bytes made beforehand, answers are only counted.

It speaks OPC UA TCP over a plain socket without security. asyncua's codec encodes the requests; while
something is measured, a request is sent again with its sequence and request number patched, and of an
answer no more is looked at than the chunk headers, the type, and the head of a notification.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_to_binary, struct_from_binary, struct_to_binary, uatcp_to_binary

from benchmarks.process import HOST

Answer = TypeVar("Answer")

CHUNK: Final = 65_535
_HEADER: Final = struct.Struct("<3scIII")  # type, final, size, channel, token; sequence and request id follow
_NUMBERS: Final = struct.Struct("<II")
_NUMBERS_AT: Final = 16
_BODY_AT: Final = 24
_REQUEST: Final = struct.Struct("<qIIiIBBB")
_FAULT: Final = int(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary)
_RESPONSE_END: Final = 28  # type id and response header without diagnostics
_EPOCH: Final = 116_444_736_000_000_000  # 1601 to 1970 in 100 ns
_DOUBLE: Final = 11
_BUFFER: Final = 16 << 20
_U16, _U32, _I32, _I64 = (struct.Struct(f"<{code}") for code in "HIiq")


@dataclass(frozen=True)
class Request:
    """A request in chunks; `starts` is where each begins."""

    data: bytearray
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Notification:
    """The head of a Publish response; `source_time` [µs since 1970] is its first value's, 0 for none."""

    subscription: int
    sequence: int
    changes: int
    source_time: int


class ServiceFault(Exception):
    """The server refused a request."""


class Connection:
    """A connection with a secure channel of policy None and an activated anonymous session."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.bytes_in = 0
        self.room = CHUNK - _BODY_AT  # bytes of a message in one chunk
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._inside = False
        self._channel = self._token = self._number = 0
        self._session = b"\x00\x00"
        self._url = f"opc.tcp://{HOST}:{port}/"
        self._open()
        self._log_in()

    def close(self) -> None:
        """Close the session with its subscriptions, and the socket."""
        self.send(self.request(ua.CloseSessionRequest, b"\x01"))
        self.socket.close()

    # -- requests

    def request(self, kind: type[Any], parameters: bytes) -> Request:
        """A request of a service with its encoded parameters."""
        type_id = int(getattr(ua.ObjectIds, f"{kind.__name__}_Encoding_DefaultBinary"))
        now = time.time_ns() // 100 + _EPOCH
        head = b"\x01\x00" + _U16.pack(type_id) + self._session
        body = head + _REQUEST.pack(now, 1, 0, -1, 600_000, 0, 0, 0) + parameters
        data, starts = bytearray(), []
        room = self.room
        for at in range(0, len(body), room):
            part = body[at : at + room]
            final = b"F" if at + room >= len(body) else b"C"
            starts.append(len(data))
            data += _HEADER.pack(b"MSG", final, len(part) + _BODY_AT, self._channel, self._token)
            data += bytes(_NUMBERS.size) + part
        return Request(data, tuple(starts))

    def numbered(self, request: Request) -> bytearray:
        """The request's bytes with the next numbers; they are valid until the next call."""
        for start in request.starts:
            self._number += 1
            _NUMBERS.pack_into(request.data, start + _NUMBERS_AT, self._number, self._number)
        if len(request.starts) > 1:  # all chunks of a message share one request id
            for start in request.starts:
                _U32.pack_into(request.data, start + _NUMBERS_AT + 4, self._number)
        return request.data

    def send(self, request: Request) -> None:
        """Send a request."""
        self.socket.sendall(self.numbered(request))

    def call(self, request: Request, answer: type[Answer]) -> Answer:
        """Send a request and decode its answer; nothing else may be in flight."""
        self.send(request)
        found: Answer = struct_from_binary(answer, Buffer(self.receive()))
        return found

    def finish(self, request: Request) -> int:
        """Send a request and await its answer without decoding it; the answer's size [bytes]."""
        before = self.bytes_in
        self.send(request)
        while not any(self.heads(wait=True)):
            pass
        return self.bytes_in - before

    # -- answers

    def receive(self) -> bytes:
        """The next whole message."""
        body = b""
        while True:
            for start, size in self._chunks():
                body += self._body(bytes(self._view[start : start + size]))
                if self._buffer[start + 3] == ord("F"):
                    self._check(start)
                    return body
            self._fill()

    def heads(self, wait: bool) -> Iterator[bool]:
        """For each chunk that is here whether it ends a message; `wait` for more bytes first."""
        if wait:
            self._fill()
        for start, _ in self._chunks():
            if not self._inside:
                self._check(start)
            final = self._buffer[start + 3] == ord("F")
            self._inside = not final
            yield final

    def notifications(self) -> Iterator[tuple[Notification | None, bool]]:
        """For each chunk that is here: the head of the message that it begins, and whether it ends one."""
        self._fill()
        for start, _ in self._chunks():
            head = None
            if not self._inside:
                self._check(start)
                head = _notification(self._buffer, start + _BODY_AT + _RESPONSE_END)
            final = self._buffer[start + 3] == ord("F")
            self._inside = not final
            yield head, final

    def _body(self, chunk: bytes) -> bytes:
        """What a chunk carries."""
        return chunk[_BODY_AT:]

    def _check(self, start: int) -> None:
        if _U16.unpack_from(self._buffer, start + _BODY_AT + 2)[0] == _FAULT:
            code = _U32.unpack_from(self._buffer, start + _BODY_AT + 16)[0]
            raise ServiceFault(f"0x{code:08X}")

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
        self.bytes_in += received

    def _chunks(self) -> Iterator[tuple[int, int]]:
        """Start and size of each whole chunk in the buffer, which is thereby taken."""
        while self._end - self._start >= 8:
            (size,) = _U32.unpack_from(self._buffer, self._start + 4)
            if self._end - self._start < size:
                return
            start = self._start
            if self._buffer[start : start + 3] == b"ERR":
                raise ServiceFault(f"0x{_U32.unpack_from(self._buffer, start + 8)[0]:08X}")
            self._start += size
            yield start, size

    # -- opening

    def _open(self) -> None:
        hello = ua.Hello(0, CHUNK, CHUNK, 0, 0, self._url)
        self.socket.sendall(uatcp_to_binary(ua.MessageType.Hello, hello))
        self._next()
        open_request = ua.OpenSecureChannelRequest()
        open_request.Parameters.SecurityMode = ua.MessageSecurityMode.None_
        open_request.Parameters.RequestedLifetime = 3_600_000
        policy = b"http://opcfoundation.org/UA/SecurityPolicy#None"
        self._number = 1
        body = b"".join(
            (
                _U32.pack(0),
                _I32.pack(len(policy)),
                policy,
                _I32.pack(-1) * 2,
                _NUMBERS.pack(1, 1),
                struct_to_binary(open_request),
            )
        )
        self.socket.sendall(b"OPNF" + _U32.pack(len(body) + 8) + body)
        answer = self._next()
        # Channel id, then policy, certificate and thumbprint as strings, then two numbers.
        buffer = Buffer(answer[12:])
        for _ in range(3):
            buffer.read(max(_I32.unpack(buffer.read(4))[0], 0))
        buffer.read(_NUMBERS.size)
        token = struct_from_binary(ua.OpenSecureChannelResponse, buffer).Parameters.SecurityToken
        self._channel, self._token = token.ChannelId, token.TokenId

    def _next(self) -> bytes:
        while True:
            for start, size in self._chunks():
                return bytes(self._view[start : start + size])
            self._fill()

    def _log_in(self) -> None:
        wanted = ua.CreateSessionParameters()
        wanted.ClientDescription.ApplicationUri = "urn:voltkeep:benchmarks"
        wanted.EndpointUrl, wanted.SessionName = self._url, "benchmarks"
        wanted.ClientNonce, wanted.RequestedSessionTimeout = bytes(32), 600_000.0
        create = self.request(ua.CreateSessionRequest, struct_to_binary(wanted))
        session = self.call(create, ua.CreateSessionResponse).Parameters
        self._session = bytes(nodeid_to_binary(session.AuthenticationToken))
        identity = ua.ActivateSessionParameters()
        identity.UserIdentityToken = ua.AnonymousIdentityToken(_anonymous_policy(session.ServerEndpoints))
        self.call(
            self.request(ua.ActivateSessionRequest, struct_to_binary(identity)), ua.ActivateSessionResponse
        )


def _anonymous_policy(endpoints: list[ua.EndpointDescription]) -> str:
    """Id of the policy by which one may log in without a name over an unsecured channel."""
    return next(
        str(policy.PolicyId)
        for endpoint in endpoints
        if endpoint.SecurityMode == ua.MessageSecurityMode.None_
        for policy in endpoint.UserIdentityTokens
        if policy.TokenType == ua.UserTokenType.Anonymous
    )


def _notification(data: bytearray, at: int) -> Notification:
    """Part 4, 5.14.5 and 7.25, from the SubscriptionId on."""
    subscription, available = _NUMBERS.unpack_from(data, at)
    at += 8 + 4 * (available if available < 1 << 31 else 0) + 1
    (sequence,) = _U32.unpack_from(data, at)
    if _I32.unpack_from(data, at + 12)[0] < 1:  # a keep-alive
        return Notification(subscription, 0, 0, 0)
    at += 16 + 4 + 1 + 4  # type id, encoding and size of the first part
    (changes,) = _I32.unpack_from(data, at)
    return Notification(subscription, sequence, changes, _source_time(data, at + 8))


def _source_time(data: bytearray, at: int) -> int:
    mask, kind = data[at], data[at + 1]
    if not mask & 4 or kind != _DOUBLE:
        return 0
    ticks: int = _I64.unpack_from(data, at + (14 if mask & 2 else 10))[0]
    return (ticks - _EPOCH) // 10
