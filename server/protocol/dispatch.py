"""From a request message to its service: decoding, session check, and the fault when it is refused.

A service is a function of a `Call`. It returns a response structure, finished bytes, `None` when it
answers later by itself, or a coroutine of one of these.
"""

from __future__ import annotations

import inspect
import struct
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from asyncua import ua

from server.errors import ServiceError
from server.protocol.sessions import Session, Sessions
from server.protocol.stack import Buffer, struct_from_binary, struct_to_binary
from server.protocol.transport import Connection
from server.protocol.wire import RequestHeader, WireError, request_header, response_header

log = structlog.get_logger(__name__)

Params = TypeVar("Params")
Answer = Any  # a response structure of asyncua, bytes, or None
Handler = Callable[["Call"], "Answer | Awaitable[Answer]"]

_SERVICE_FAULT: Final = int(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary)
_TYPE_ID: Final = struct.Struct("<BBH")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, its header, and its bytes from `at` on (the service's parameters)."""

    connection: Connection
    request_id: int
    header: RequestHeader
    session: Session | None
    data: bytes

    @property
    def owner(self) -> Session:
        """The session; only services that need none are called without one."""
        assert self.session is not None
        return self.session

    def params(self, kind: type[Params]) -> Params:
        """The parameters as a structure."""
        try:
            found: Params = struct_from_binary(kind, Buffer(self.data, self.header.end))
        except Exception:
            raise ServiceError(int(ua.StatusCodes.BadDecodingError)) from None
        return found

    def reply(self, answer: Answer) -> None:
        """Send the answer, now or later."""
        if not isinstance(answer, bytes):
            answer.ResponseHeader.RequestHandle = self.header.handle
            answer = struct_to_binary(answer)
        most = self.session.max_response if self.session is not None else 0
        if most and len(answer) > most:
            answer = response_header(
                _SERVICE_FAULT, self.header.handle, int(ua.StatusCodes.BadResponseTooLarge)
            )
        self.connection.send(self.request_id, answer)

    def fault(self, code: int) -> None:
        """Refuse the whole call."""
        self.reply(response_header(_SERVICE_FAULT, self.header.handle, code))


class Dispatcher:
    """The services, by the type of their request."""

    def __init__(self, sessions: Sessions, max_connections: int = 1000) -> None:
        self._sessions = sessions
        self._open: dict[int, Handler] = {}
        self._secured: dict[int, Handler] = {}
        self._max_connections = max_connections
        self.connections: set[Connection] = set()
        self.requests = 0

    def serve(self, request: type[Any], handler: Handler, session: bool = True) -> None:
        """Answer a request type with `handler`; `session` where an activated session is needed."""
        type_id = getattr(ua.ObjectIds, f"{request.__name__}_Encoding_DefaultBinary")
        (self._secured if session else self._open)[int(type_id)] = handler

    def admit(self, connection: Connection) -> bool:
        """Whether one more connection is welcome."""
        if len(self.connections) >= self._max_connections:
            log.warning("connection refused: too many", peer=connection.peer)
            return False
        self.connections.add(connection)
        return True

    def lost(self, connection: Connection) -> None:
        """The connection is gone; its sessions wait for a new one."""
        self.connections.discard(connection)
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
            handler = self._open.get(type_id)
            if handler is None:
                call = Call(connection, request_id, header, self._session(connection, header), body)
                handler = self._secured.get(type_id)
            if handler is None:
                raise ServiceError(int(ua.StatusCodes.BadServiceUnsupported))
            answer = handler(call)
            if inspect.isawaitable(answer):
                return self._later(call, answer)
            if answer is not None:
                call.reply(answer)
        except Exception as error:  # one request must never cost the connection of another
            self._refuse(call, error)
        return None

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

    def _refuse(self, call: Call, error: Exception) -> None:
        if isinstance(error, ServiceError | ua.UaStatusCodeError):
            call.fault(error.code)
            return
        log.error("service failed", peer=call.connection.peer, exc_info=error)
        call.fault(int(ua.StatusCodes.BadInternalError))

    def _undecodable(self, connection: Connection, request_id: int) -> None:
        fault = response_header(_SERVICE_FAULT, 0, int(ua.StatusCodes.BadDecodingError))
        connection.send(request_id, fault)


def check_operations(count: int, most: int | None = None) -> None:
    """Refuse a request with no operations, or with more than `most` (Part 4, 7.38.2)."""
    if count <= 0:
        raise ServiceError(int(ua.StatusCodes.BadNothingToDo))
    if most is not None and count > most:
        raise ServiceError(int(ua.StatusCodes.BadTooManyOperations))
