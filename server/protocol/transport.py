"""One client connection: OPC UA TCP frames in and out over a secure channel (Part 6, 6.7 and 7.1).

Requests that can be answered at once are answered within `data_received`; the others run as tasks, or in
turns with those of other clients. Nothing is read on while the client leaves answers unread, while as many of
its requests as it may have are in work, or while it is the turn of others.
"""

from __future__ import annotations

import asyncio
import functools
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from asyncua import ua

from server.protocol.assembly import FINAL, Assembly, MixedUp, TooLarge, TooMuchHeld
from server.protocol.channel import Channel, ChannelError
from server.protocol.opening import hello

if TYPE_CHECKING:
    from server.protocol.dispatch import Dispatcher

log = structlog.get_logger(__name__)

S = ua.StatusCodes

_FRAME: Final = struct.Struct("<4sI")
_NUMBERS: Final = struct.Struct("<IIII")  # after it: channel, token, sequence number, request id
_BODY: Final = 24
_LEAST: Final = 8
_GATHERED: Final = 64 << 10  # bytes of answers that go to the socket at once
_HIGH_WATER: Final = 8 << 20  # bytes a slow client may leave unread before it is no longer listened to
_TURN: Final = 0.005  # s that one connection may keep all others waiting
_OPEN_EVENT: Final = int(ua.ObjectIds.AuditOpenSecureChannelEventType)
_CHANNEL_EVENT: Final = int(ua.ObjectIds.AuditChannelEventType)


@dataclass(frozen=True)
class Limits:
    """What a connection may ask for, before and after somebody has logged in."""

    hello: int = 8192  # bytes of a frame before the Hello
    opening: int = 32 << 10  # bytes of a frame before the channel is open
    chunk: int = 65_535
    early_message: int = 64 << 10  # bytes before log-in
    message: int = 16 << 20
    chunks: int = 512
    requests: int = 64  # in work at once
    in_work: int = 32 << 20  # bytes of them, from which on nothing more is read
    hello_s: float = 5.0
    opening_s: float = 10.0
    activation_s: float = 30.0
    message_s: float = 30.0  # for the rest of a frame or message to come
    unread_s: float = 30.0  # for a client to read what was answered
    close_s: float = 5.0


class Connection(asyncio.Protocol):
    """A TCP connection with its secure channel; sessions live in the dispatcher and outlast it."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        channel: Callable[[], Channel],
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._buffer = bytearray()
        self._due = _LEAST  # bytes of the buffer that are worth a look
        self._largest = limits.hello
        self._assembly = Assembly(dispatcher.connections.store)
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_work = 0  # bytes of their requests
        self._receiving = False
        self._answers: list[bytes] = []
        self._answer_bytes = 0
        self._resting = False  # it is the turn of others
        self._began = self._unbound = clock()
        self._partial: float | None = None  # since when the rest of something is missing
        self._unread: float | None = None  # since when the client leaves answers unread
        self._closing: float | None = None
        self.limits = limits
        self.channel = channel()
        self.transport: asyncio.Transport | None = None
        self.address = self.peer = "?"
        self.closed = False
        self.activated = False

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        peer = transport.get_extra_info("peername")
        if peer:
            self.address, self.peer = str(peer[0]), f"{peer[0]}:{peer[1]}"
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        if not self._dispatcher.connections.admit(self):
            self.fail(S.BadTcpServerTooBusy)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._assembly.clear()
        for task in self._tasks:
            task.cancel()
        self._dispatcher.lost(self)

    def pause_writing(self) -> None:
        self._unread = self._clock()
        self._listen()

    def resume_writing(self) -> None:
        self._unread = None
        self._go_on()

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            self._buffer += data
            if self._resting or len(self._buffer) < self._due:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        self._take_frames(data)

    @property
    def congested(self) -> bool:
        """Whether the client leaves so much unread that nothing more should be sent."""
        return self._unread is not None

    @property
    def _held_up(self) -> bool:
        limits, tasks = self.limits, len(self._tasks)
        busy = tasks and (tasks >= limits.requests or self._in_work >= limits.in_work)
        return bool(self.closed or self._unread is not None or busy)

    def _listen(self) -> None:
        """Read on only while answers leave, work gets done, and this connection has not had its turn."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._resting or self._held_up:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _go_on(self) -> None:
        """Take up frames that waited, and listen again."""
        self._resting = False
        if self.closed:
            return
        data = bytes(self._buffer)
        self._buffer.clear()
        self._take_frames(data)
        self._listen()

    # -- frames

    def _take_frames(self, data: bytes) -> None:
        """Answer whole frames until there are no more, the client is held up, or others wait too long."""
        self._receiving = True
        position = 0
        try:
            position = self._take(data)
        except ChannelError as error:
            self.fail(error.code)
        except Exception:
            log.exception("connection fault", peer=self.peer)
            self.fail(S.BadTcpInternalError)
        self._receiving = False
        self._flush()
        self._keep(data, position)

    def _take(self, data: bytes) -> int:
        """Where the first frame begins that was not taken."""
        position, size = 0, len(data)
        end_of_turn = time.monotonic() + _TURN
        while size - position >= _LEAST and not self._held_up:
            kind, length = _FRAME.unpack_from(data, position)
            if not _LEAST <= length <= self._largest:
                raise ChannelError(S.BadTcpMessageTooLarge)
            end = position + length
            if end > size:
                break
            if time.monotonic() > end_of_turn:
                self._resting = True
                break
            if kind == b"MSGF" and self.channel.plain and length >= _BODY and not self._assembly:
                channel, token, sequence, request_id = _NUMBERS.unpack_from(data, position + _LEAST)
                self.channel.check_plain(channel, token, sequence)
                self._message(request_id, data[position + _BODY : end])
            else:
                self._frame(kind, data[position:end])
            position = end
        return position

    def _keep(self, data: bytes, position: int) -> None:
        """Keep what was not taken, and note since when a rest is missing."""
        rest = len(data) - position
        if self.closed:
            return
        if rest:
            self._buffer += data[position:] if position else data
            self._due = _FRAME.unpack_from(self._buffer)[1] if rest >= _LEAST else _LEAST
        if self._resting:
            asyncio.get_running_loop().call_soon(self._go_on)
        if self._resting or self._held_up:
            self._partial = None
            self._listen()
        elif not (rest or self._assembly):
            self._partial = None
        elif self._partial is None or (position and not self._assembly):
            self._partial = self._clock()

    def _frame(self, kind: bytes, frame: bytes) -> None:
        channel = self.channel
        if kind[:3] == b"MSG" and channel.opened:
            self._chunk(kind[3:], frame)
        elif kind == b"HELF":
            self._greet(frame)
        elif kind == b"OPNF":
            self._open(frame)
        elif kind == b"CLOF" and channel.opened:
            channel.unseal(frame)
            self._dispatcher.audit.record(_CHANNEL_EVENT, "close channel", connection=self)
            self.close()
        else:
            raise ChannelError(S.BadTcpMessageTypeInvalid)

    def _greet(self, frame: bytes) -> None:
        found = hello(frame)
        if found is None:
            raise ChannelError(S.BadTcpMessageTypeInvalid)
        self.write(self.channel.acknowledge(found))
        self._largest = min(self.limits.opening, self.channel.chunk_in)

    def _open(self, frame: bytes) -> None:
        renews = self.channel.opened
        action = "renew channel" if renews else "open channel"
        try:
            answer = self.channel.open(frame)
        except ChannelError as error:
            quiet = self._dispatcher.connections.logged.due((self.address, error.code))
            if quiet is not None:
                log.info("channel refused", peer=self.peer, status=f"0x{error.code:08X}", again=quiet)
            self._dispatcher.audit.record(_OPEN_EVENT, action, status=error.code, connection=self)
            raise
        self.write(answer)
        self._largest = self.channel.chunk_in
        fields: dict[tuple[str, ...], ua.Variant] = {
            ("SecurityPolicyUri",): ua.Variant(self.channel.policy_uri),
            ("SecurityMode",): ua.Variant(int(self.channel.mode), ua.VariantType.Int32),
            ("RequestType",): ua.Variant(int(renews), ua.VariantType.Int32),
        }
        self._dispatcher.audit.record(_OPEN_EVENT, action, connection=self, fields=fields)

    def _chunk(self, final: bytes, frame: bytes) -> None:
        if final not in b"FCA":
            raise ChannelError(S.BadTcpMessageTypeInvalid)
        request_id, part = self.channel.unseal(frame)
        limits = self.limits
        most = limits.message if self.activated else limits.early_message
        try:
            body = self._assembly.add(final, request_id, part, most, limits.chunks)
        except TooLarge:
            raise ChannelError(S.BadTcpMessageTooLarge) from None
        except TooMuchHeld:
            raise ChannelError(S.BadTcpNotEnoughResources) from None
        except MixedUp:
            raise ChannelError(S.BadSecurityChecksFailed) from None
        if body is not None and final == FINAL:
            self._partial = None
            self._message(request_id, body)

    def _message(self, request_id: int, body: bytes) -> None:
        pending = self._dispatcher.handle(self, request_id, body)
        if pending is None:
            return
        task = asyncio.get_running_loop().create_task(pending)
        self._tasks.add(task)
        self._in_work += len(body)
        task.add_done_callback(functools.partial(self._done, len(body)))

    def _done(self, size: int, task: asyncio.Task[None]) -> None:
        held_up = self._held_up
        self._tasks.discard(task)
        self._in_work -= size
        if held_up and not self._held_up:
            self._go_on()

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
        if not self._answers:
            return
        answers, self._answers, self._answer_bytes = self._answers, [], 0
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(answers[0] if len(answers) == 1 else b"".join(answers))

    # -- its end

    def close(self) -> None:
        """Close once what was written has left; it has some seconds for that."""
        self.closed = True
        self._flush()
        if self._closing is None:
            self._closing = self._clock()
        if self.transport is not None:
            self.transport.close()

    def fail(self, code: int) -> None:
        """Close with an error message."""
        if not self.closed:
            self.write(struct.pack("<4sIIi", b"ERRF", 16, code, -1))
            self.close()

    def await_session(self) -> None:
        """There is no activated session on it any more: one must come soon."""
        self.activated = False
        self._unbound = self._clock()

    def check(self, now: float) -> None:
        """End it when something that must come did not come in time."""
        limits = self.limits
        if _over(self._closing, limits.close_s, now) or _over(self._unread, limits.unread_s, now):
            log.info("connection of a client that does not read cut", peer=self.peer)
            self.closed = True
            if self.transport is not None:
                self.transport.abort()
        elif self.closed:
            return
        elif not self.channel.opened:
            allowed = limits.opening_s if self.channel.greeted else limits.hello_s
            if _over(self._began, allowed, now):
                self.fail(S.BadTimeout)
        elif _over(self._partial, limits.message_s, now):
            self.fail(S.BadTimeout)
        elif self.channel.expired():
            self.fail(S.BadSecureChannelTokenUnknown)
        elif not self.activated and _over(self._unbound, limits.activation_s, now):
            log.info("connection without a session closed", peer=self.peer)
            self.close()


def _over(since: float | None, allowed: float, now: float) -> bool:
    return since is not None and now - since > allowed
