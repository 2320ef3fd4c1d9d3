"""One client connection: OPC UA TCP frames in and out over a secure channel (Part 6, 6.7 and 7.1).

Frames of an unsecured channel, which make up the load of a benchmark and of a plant network behind
its own wall, are taken apart here; signed and encrypted ones go through asyncua's channel. Requests
that can be answered at once are answered within `data_received`; the others run as tasks.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from server.protocol.stack import Channel, ChannelError, Message, MessageKind

if TYPE_CHECKING:
    from server.protocol.dispatch import Dispatcher

log = structlog.get_logger(__name__)

_FRAME: Final = struct.Struct("<3scI")
_MESSAGE: Final = struct.Struct("<3scIIIII")
_GATHERED: Final = 64 << 10  # bytes of answers that go to the socket at once
_HIGH_WATER: Final = 8 << 20  # bytes a slow client may leave unread before it is no longer listened to
_TURN: Final = 0.005  # s that one connection may keep all others waiting
_BAD_TCP_MESSAGE_TYPE: Final = 0x807E_0000
_BAD_TCP_MESSAGE_TOO_LARGE: Final = 0x8080_0000
_BAD_SECURITY_CHECKS: Final = 0x8013_0000
_BAD_TCP_ENDPOINT_LIMIT: Final = 0x8081_0000


@dataclass(frozen=True)
class Limits:
    """What a connection may ask for, before and after its Hello."""

    chunk: int = 65_535
    message: int = 16 << 20
    chunks: int = 512
    requests: int = 500
    activation_s: float = 30.0


class Connection(asyncio.Protocol):
    """A TCP connection with its secure channel; sessions live in the dispatcher and outlast it."""

    def __init__(self, dispatcher: Dispatcher, channel: Callable[[], Channel], limits: Limits) -> None:
        self._dispatcher = dispatcher
        self._limits = limits
        self._buffer = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        self._parts: list[bytes] = []
        self._receiving = False
        self._answers: list[bytes] = []
        self._answer_bytes = 0
        self._part_of = 0  # request id of the message that `_parts` begin
        self._paused = False  # the client leaves answers unread
        self._resting = False  # it is the turn of others
        self._watchdog: asyncio.TimerHandle | None = None
        self.channel = channel()
        self.transport: asyncio.Transport | None = None
        self.peer = "?"
        self.closed = False
        self.activated = False

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = f"{peer[0]}:{peer[1]}" if peer else "?"
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        if not self._dispatcher.admit(self):
            transport.abort()
            return
        self.await_session()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        for task in self._tasks:
            task.cancel()
        self._dispatcher.lost(self)

    def pause_writing(self) -> None:
        self._paused = True
        self._listen()

    def resume_writing(self) -> None:
        self._paused = False
        self._take_frames()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._resting:
            self._take_frames()

    def _listen(self) -> None:
        """Read on only while answers leave and this connection has not had its turn."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._paused or self._resting:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    # -- frames

    def _take_frames(self) -> None:
        """Answer whole frames of the buffer until the client has enough to read, or others wait too long."""
        view, position = bytes(self._buffer), 0
        end_of_turn = time.monotonic() + _TURN
        self._resting = False
        self._receiving = True
        try:
            while not (self.closed or self._paused) and len(view) - position >= 8:
                kind, final, size = _FRAME.unpack_from(view, position)
                if size > self._limits.chunk or size < 8:
                    raise ChannelError(_BAD_TCP_MESSAGE_TOO_LARGE)
                if len(view) - position < size:
                    break
                if time.monotonic() > end_of_turn:
                    self._resting = True
                    asyncio.get_running_loop().call_soon(self._take_frames)
                    break
                self._frame(kind, final, view[position : position + size])
                position += size
        except ChannelError as error:
            self._fail(error.code)
        except Exception:
            log.exception("connection fault", peer=self.peer)
            self._fail(_BAD_TCP_MESSAGE_TYPE)
        self._receiving = False
        self._flush()
        del self._buffer[:position]
        self._listen()

    def _frame(self, kind: bytes, final: bytes, frame: bytes) -> None:
        if kind == b"MSG" and self.channel.plain:
            request_id, body = self._plain_chunk(final, frame)
            if body is not None:
                self._message(request_id, body)
            return
        message = self.channel.receive(frame)
        if message is None:
            return
        if not isinstance(message, Message):
            self.write(self.channel.acknowledge(message))
        elif message.kind is MessageKind.OPEN:
            self.write(self.channel.open(message))
        elif message.kind is MessageKind.CLOSE:
            self.closed = True
            self.close()
        else:
            self._message(message.request_id, message.body)

    def _plain_chunk(self, final: bytes, frame: bytes) -> tuple[int, bytes | None]:
        """Request id, and the message when this chunk completes it."""
        if len(frame) < 24:
            raise ChannelError(_BAD_TCP_MESSAGE_TYPE)
        _, _, _, channel_id, token_id, sequence, request_id = _MESSAGE.unpack_from(frame)
        self.channel.check_plain(channel_id, token_id, sequence)
        if final == b"F" and not self._parts:
            return request_id, frame[24:]
        if final == b"A":
            self._parts.clear()
            return request_id, None
        if self._parts and request_id != self._part_of:
            raise ChannelError(_BAD_SECURITY_CHECKS)
        self._part_of = request_id
        self._parts.append(frame[24:])
        if len(self._parts) > self._limits.chunks or sum(map(len, self._parts)) > self._limits.message:
            raise ChannelError(_BAD_TCP_MESSAGE_TOO_LARGE)
        if final == b"C":
            return request_id, None
        whole = b"".join(self._parts)
        self._parts.clear()
        return request_id, whole

    def _message(self, request_id: int, body: bytes) -> None:
        pending = self._dispatcher.handle(self, request_id, body)
        if pending is None:
            return
        if len(self._tasks) >= self._limits.requests:
            pending.close()
            raise ChannelError(_BAD_TCP_ENDPOINT_LIMIT)
        task = asyncio.get_running_loop().create_task(pending)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- answers

    def send(self, request_id: int, payload: bytes) -> None:
        """Send a response message; silently dropped when the client is gone."""
        if not self.closed:
            self.write(self.channel.encode(payload, request_id))

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket; answers to requests that arrived together leave together."""
        self._answers.append(data)
        self._answer_bytes += len(data)
        if not self._receiving or self._answer_bytes >= _GATHERED:
            self._flush()

    def _flush(self) -> None:
        answers, self._answers, self._answer_bytes = self._answers, [], 0
        if answers and self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"".join(answers))

    def close(self) -> None:
        """Close once what was written has left."""
        self._flush()
        if self.transport is not None:
            self.transport.close()

    def _fail(self, code: int) -> None:
        self.write(struct.pack("<3scIIi", b"ERR", b"F", 16, code, -1))
        self.closed = True
        self.close()

    # -- sessions

    def await_session(self) -> None:
        """There is no activated session on it, or no more: one must come soon."""
        self.activated = False
        if self._watchdog is not None:
            self._watchdog.cancel()
        loop = asyncio.get_running_loop()
        self._watchdog = loop.call_later(self._limits.activation_s, self._give_up)

    def _give_up(self) -> None:
        if not (self.activated or self.closed):
            log.info("connection without a session closed", peer=self.peer)
            self.close()
