"""From a request message to its service: decoding, session check, and the fault when it is refused.

A service is a function of a `Call`. It returns a response structure, finished bytes, `None` when it
answers later by itself, a coroutine of one of these, or a generator of one of these when it may take long.
"""

from __future__ import annotations

import inspect
import struct
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import GeneratorType
from typing import Any, Final, TypeVar

import structlog
from asyncua import ua

from server.errors import ServiceError
from server.protocol.connections import Bounds, Connections
from server.protocol.decoder import PIECES, Budget, Reader, structure
from server.protocol.sessions import Session, Sessions
from server.protocol.stack import struct_to_binary
from server.protocol.transport import Connection
from server.protocol.turns import Finished, Turns, Work, advance
from server.protocol.wire import I32, RequestHeader, WireError, request_header, response_header
from server.security.audit import Audit

log = structlog.get_logger(__name__)

Params = TypeVar("Params")
Answer = Any  # a response structure of asyncua, bytes, or None
Handler = Callable[["Call"], "Answer | Awaitable[Answer] | Work"]

_DENIED: Final = int(ua.StatusCodes.BadUserAccessDenied)
_SESSION_REQUESTS: Final = frozenset(
    {
        int(ua.ObjectIds.CreateSessionRequest_Encoding_DefaultBinary),
        int(ua.ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary),
    }
)
# Codes with which a request is refused for want of security (Part 4, 7.38.2).
_SECURITY: Final = frozenset(
    int(code)
    for name, code in vars(ua.StatusCodes).items()
    if name.startswith(("BadCertificate", "BadIdentityToken", "BadSecurity", "BadUser", "BadNonce"))
    or name in ("BadApplicationSignatureInvalid", "BadSessionIdInvalid", "BadNoValidCertificates")
)
_SERVICE_FAULT: Final = int(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary)
_TYPE_ID: Final = struct.Struct("<BBH")
_BAD_DECODING: Final = int(ua.StatusCodes.BadDecodingError)
# What the operations of a request may have together: so many long ones, and all others of so many pieces.
_LONG: Final = 25
_SHORT: Final = 32


class Call:
    """One request: who asks, its header, and its bytes from `header.end` on (the service's parameters)."""

    __slots__ = ("connection", "data", "header", "request_id", "session")

    def __init__(
        self,
        connection: Connection,
        request_id: int,
        header: RequestHeader,
        session: Session | None,
        data: bytes,
    ) -> None:
        self.connection = connection
        self.request_id = request_id
        self.header = header
        self.session = session
        self.data = data

    @property
    def owner(self) -> Session:
        """The session; only services that need none are called without one."""
        assert self.session is not None
        return self.session

    def params(self, kind: type[Params]) -> Params:
        """The parameters as a structure."""
        return structure(kind, Reader(self.data, self.header.end))

    def head(self, kind: type[Params]) -> tuple[Params, int]:
        """The first parameters as a structure, and where the next begin."""
        reader = Reader(self.data, self.header.end)
        return structure(kind, reader), reader.at

    def elements(
        self, kind: type[Params], at: int, most: int | None = None, pieces: int = PIECES
    ) -> Iterator[Params]:
        """The structures of the array of operations at `at`, decoded one by one as they are asked for.

        Each may have so many `pieces`, and all together what as many short ones have.
        Raises Bad_NothingToDo for none and Bad_TooManyOperations for more than `most` before the first.
        """
        try:
            (count,) = I32.unpack_from(self.data, at)
        except struct.error:
            raise ServiceError(_BAD_DECODING) from None
        check_operations(count, most)
        if count > len(self.data) - at:
            raise ServiceError(_BAD_DECODING)
        return self._elements(kind, at + I32.size, count, pieces)

    def _elements(self, kind: type[Params], at: int, count: int, pieces: int) -> Iterator[Params]:
        left = _LONG * pieces + _SHORT * count
        for _ in range(count):
            budget = Budget(min(pieces, left))
            left -= budget.pieces
            reader = Reader(self.data, at, budget=budget)
            yield structure(kind, reader)
            left += budget.pieces
            at = reader.at

    def reply(self, answer: Answer) -> None:
        """Send the answer, now or later."""
        if not isinstance(answer, bytes):
            answer.ResponseHeader.RequestHandle = self.header.handle
            answer = struct_to_binary(answer)
        connection = self.connection
        most = self.session.max_response if self.session is not None else 0
        if (most and len(answer) > most) or 0 < connection.channel.max_response < len(answer):
            answer = response_header(
                _SERVICE_FAULT, self.header.handle, int(ua.StatusCodes.BadResponseTooLarge)
            )
        connection.send(self.request_id, answer)

    def fault(self, code: int) -> None:
        """Refuse the whole call."""
        if self.session is not None:
            self.session.errors[int.from_bytes(self.data[2:4], "little")] += 1
            self.session.unauthorized += code == _DENIED
        self.reply(response_header(_SERVICE_FAULT, self.header.handle, code))


class Dispatcher:
    """The services, by the type of their request."""

    def __init__(self, sessions: Sessions, audit: Audit | None = None, bounds: Bounds | None = None) -> None:
        self._sessions = sessions
        self._open: dict[int, Handler] = {}
        self._secured: dict[int, Handler] = {}
        self._turns = Turns()
        self.audit = audit or Audit()
        self.connections = Connections(bounds)
        self.requests = 0
        self.rejected = 0
        self.security_rejected = 0

    def serve(self, request: type[Any], handler: Handler, session: bool = True) -> None:
        """Answer a request type with `handler`; `session` where an activated session is needed."""
        type_id = getattr(ua.ObjectIds, f"{request.__name__}_Encoding_DefaultBinary")
        (self._secured if session else self._open)[int(type_id)] = handler

    def lost(self, connection: Connection) -> None:
        """The connection is gone; its sessions wait for a new one."""
        self.connections.lost(connection)
        self._sessions.detach(connection)

    def handle(
        self, connection: Connection, request_id: int, body: bytes
    ) -> Coroutine[Any, Any, None] | None:
        """Answer a request, or return the coroutine that will."""
        self.requests += 1
        try:
            encoding, namespace, type_id = _TYPE_ID.unpack_from(body)
            header = request_header(body, 4)
        except (struct.error, WireError):
            self._undecodable(connection, request_id)
            return None
        if encoding != 1 or namespace != 0:
            type_id = -1
        call = Call(connection, request_id, header, None, body)
        try:
            handler = self._secured.get(type_id)
            if handler is not None:
                call.session = self._session(connection, header)
                call.session.requests[type_id] += 1
            else:
                handler = self._without_session(type_id, call)
            answer = handler(call)
            if type(answer) is bytes:
                call.reply(answer)
            elif type(answer) is GeneratorType:
                return self._begun(call, answer)
            elif inspect.iscoroutine(answer):
                pending = self._later(call, answer)
                # A task that is cancelled before its first step never awaits it.
                weakref.finalize(pending, answer.close)
                return pending
            elif answer is not None:
                call.reply(answer)
        except Exception as error:  # one request must never cost the connection of another
            self._refuse(call, error)
        return None

    def _without_session(self, type_id: int, call: Call) -> Handler:
        handler = self._open.get(type_id)
        if handler is None:
            call.session = self._session(call.connection, call.header)
            raise ServiceError(int(ua.StatusCodes.BadServiceUnsupported))
        return handler

    def _session(self, connection: Connection, header: RequestHeader) -> Session:
        session = self._sessions.by_token.get(header.token)
        if session is None or session.connection is not connection:
            raise ServiceError(int(ua.StatusCodes.BadSessionIdInvalid))
        if not session.activated:
            self._sessions.close(session)
            raise ServiceError(int(ua.StatusCodes.BadSessionNotActivated))
        session.last_contact = time.monotonic()
        return session

    async def _later(self, call: Call, answer: Awaitable[Answer]) -> None:
        try:
            result = await answer
            if result is not None:
                call.reply(result)
        except Exception as error:
            self._refuse(call, error)

    def _begun(self, call: Call, work: Work) -> Coroutine[Any, Any, None] | None:
        """Work for one slice at once; what is not done by then goes on in turns."""
        try:
            advance(work)
        except Finished as finished:
            call.reply(finished.answer)
            return None
        return self._later(call, self._in_turns(call, work))

    async def _in_turns(self, call: Call, work: Work) -> Answer:
        while True:
            await self._turns.wait()
            if call.session is not None and call.session.closed:
                work.close()
                raise ServiceError(int(ua.StatusCodes.BadSessionClosed))
            try:
                advance(work)
            except Finished as finished:
                return finished.answer

    def _refuse(self, call: Call, error: Exception) -> None:
        self._count_refusal(call, getattr(error, "code", 0))
        if isinstance(error, ServiceError | ua.UaStatusCodeError):
            call.fault(error.code)
            return
        log.error("service failed", peer=call.connection.peer, exc_info=error)
        call.fault(int(ua.StatusCodes.BadInternalError))

    def _count_refusal(self, call: Call, code: int) -> None:
        """For diagnostics (Part 5, 12.9): of sessions and of other requests, for security or else."""
        secure = code in _SECURITY
        self.rejected += 1
        self.security_rejected += secure
        if int.from_bytes(call.data[2:4], "little") in _SESSION_REQUESTS:
            self._sessions.counts.security_rejected += secure
            self._sessions.counts.rejected += not secure

    def _undecodable(self, connection: Connection, request_id: int) -> None:
        self.rejected += 1
        fault = response_header(_SERVICE_FAULT, 0, _BAD_DECODING)
        connection.send(request_id, fault)


def check_operations(count: int, most: int | None = None) -> None:
    """Refuse a request with no operations, or with more than `most` (Part 4, 7.38.2)."""
    if count <= 0:
        raise ServiceError(int(ua.StatusCodes.BadNothingToDo))
    if most is not None and count > most:
        raise ServiceError(int(ua.StatusCodes.BadTooManyOperations))
