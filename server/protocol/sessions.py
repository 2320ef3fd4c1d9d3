"""Sessions: created on a channel, activated by a user, ended by the client, by time or by the server.

A session's authentication token is 32 random bytes, and it is bound to the connection that activated
it (Part 4, 5.7.2): another channel takes it over only through ActivateSession, with the same client
certificate and the same user.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua

from server.errors import ServiceError
from server.protocol.connections import is_here
from server.protocol.stack import nodeid_to_binary
from server.protocol.transport import Connection
from server.security.users import ANONYMOUS, Role, User

if TYPE_CHECKING:
    from server.subscriptions.subscription import PublishRequest, Subscription

MIN_TIMEOUT: Final = 10_000.0
MAX_TIMEOUT: Final = 3_600_000.0
MAX_POINTS: Final = 50
_FEW: Final = 10  # sessions that anybody may have where there are as many
MAX_USERS: Final = 20  # of a session that are remembered


@dataclass(eq=False)
class Session:
    """One session; `timeout` in ms, `nonce` is what the next signature must cover."""

    id: ua.NodeId
    token: ua.NodeId
    name: str
    timeout: float
    nonce: bytes
    connection: Connection | None
    certificate: bytes | None
    max_response: int
    client: ua.ApplicationDescription
    security: tuple[str, ua.MessageSecurityMode]  # policy and mode of the channel that it was created on
    locales: list[str] = field(default_factory=list)
    failures: int = 0  # activations that failed since the last that did not
    user: User = ANONYMOUS
    activated: bool = False
    closed: bool = False
    address: str = ""  # of the client that has it
    lost: float = 0.0  # when its connection was, where it has none
    last_contact: float = field(default_factory=time.monotonic)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    publish_queue: deque[PublishRequest] = field(default_factory=deque)
    # What became of subscriptions that ended or moved while no Publish request was there to say it.
    farewells: deque[Callable[[PublishRequest], None]] = field(
        default_factory=lambda: deque(maxlen=MAX_POINTS)
    )
    points: dict[bytes, Any] = field(default_factory=dict)
    history_points: dict[bytes, Any] = field(default_factory=dict)  # of HistoryRead, oldest first
    work: set[asyncio.Future[Any]] = field(default_factory=set)  # that is given up when it is closed
    # What diagnostics tell of it (Part 5, 12.11 and 12.12).
    created: float = field(default_factory=time.monotonic)
    server_uri: str | None = None
    endpoint_url: str | None = None
    users: list[str] = field(default_factory=list)
    mechanism: str = "Anonymous"
    requests: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by type of request
    errors: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    unauthorized: int = 0

    def become(self, user: User) -> None:
        """Somebody has logged in."""
        self.user = user
        if not self.users or self.users[-1] != user.name:
            self.users = [*self.users[-MAX_USERS:], user.name]

    def keep_point(self, rest: Any, most: int = MAX_POINTS) -> bytes:
        """Remember where a long answer goes on; the continuation point for it. Each kind has `most`."""
        if sum(isinstance(kept, type(rest)) for kept in self.points.values()) >= most:
            raise ServiceError(int(ua.StatusCodes.BadNoContinuationPoints))
        point = os.urandom(16)
        self.points[point] = rest
        return point


@dataclass(slots=True)
class SessionCounts:
    """What became of sessions since the start."""

    created: int = 0
    rejected: int = 0
    security_rejected: int = 0
    timed_out: int = 0
    aborted: int = 0


class Sessions:
    """All sessions by their token."""

    def __init__(self, max_sessions: int) -> None:
        self._max = max_sessions
        self._share = max(max_sessions // 2, min(max_sessions, _FEW))
        self._number = 0
        self.counts = SessionCounts()
        self.by_token: dict[bytes, Session] = {}
        self.closing = False  # the server ends: nobody new comes in

    def create(self, connection: Connection, request: ua.CreateSessionParameters) -> Session:
        """A new session, not yet activated."""
        if self.closing:
            raise ServiceError(int(ua.StatusCodes.BadShutdown))
        self._make_room(connection.address)
        self._number += 1
        token = ua.NodeId(os.urandom(32), 0, ua.NodeIdType.ByteString)
        session = Session(
            id=ua.NodeId(f"session-{self._number}", 1),
            token=token,
            name=str(request.SessionName or f"session {self._number}"),
            timeout=min(max(float(request.RequestedSessionTimeout or 0), MIN_TIMEOUT), MAX_TIMEOUT),
            nonce=os.urandom(32),
            connection=connection,
            address=connection.address,
            certificate=connection.channel.client_certificate,
            max_response=int(request.MaxResponseMessageSize or 0),
            client=request.ClientDescription,
            security=(connection.channel.policy_uri, connection.channel.mode),
            server_uri=request.ServerUri,
            endpoint_url=request.EndpointUrl,
        )
        self.counts.created += 1
        self.by_token[nodeid_to_binary(token)] = session
        return session

    def _make_room(self, address: str) -> None:
        """One more from an address: it has half of all places, unless it is this machine's own."""
        theirs = [s for s in self.by_token.values() if s.address == address]
        if len(theirs) >= self._share and not is_here(address):
            self._give_up(theirs)
        if len(self.by_token) >= self._max:
            self._give_up(list(self.by_token.values()))

    def admit(self, session: Session, user: User) -> None:
        """One more session that a user logs in to; each user has half of all places."""
        theirs = [
            s for s in self.by_token.values() if s.activated and s is not session and s.user.name == user.name
        ]
        if len(theirs) >= self._share:
            self._give_up(theirs)

    def _give_up(self, sessions: list[Session]) -> None:
        """Of too many sessions the oldest that was never activated goes (Part 4, 5.7.2.1).

        After those the one that has been longest without a connection, of a named user last.
        """
        last = next((s for s in sessions if not s.activated), None)
        if last is None:
            lost = [s for s in sessions if s.connection is None]
            if not lost:
                raise ServiceError(int(ua.StatusCodes.BadTooManySessions))
            last = min(lost, key=lambda s: (bool(s.user.name), s.lost))
            self.counts.aborted += 1
        self.close(last, delete_subscriptions=not last.user.name)

    def close(self, session: Session, delete_subscriptions: bool = True) -> None:
        """End a session; its subscriptions end with it, or live on for a transfer."""
        session.closed = True
        session.activated = False
        self.by_token.pop(nodeid_to_binary(session.token), None)
        for subscription in list(session.subscriptions.values()):
            if delete_subscriptions:
                subscription.close()
            else:
                subscription.orphan()
        while session.publish_queue:
            session.publish_queue.popleft().fault(int(ua.StatusCodes.BadSessionClosed))
        session.points.clear()
        session.history_points.clear()
        for work in session.work:
            work.cancel()
        session.farewells.clear()
        connection, session.connection = session.connection, None
        self.left(connection)

    def left(self, connection: Connection | None) -> None:
        """A session is no longer a connection's; one that has none left must get another soon."""
        others = any(s.connection is connection and s.activated for s in self.by_token.values())
        if connection is not None and not connection.closed and not others:
            connection.await_session()

    def detach(self, connection: Connection) -> None:
        """A connection is lost: its sessions wait, those never activated end."""
        for session in list(self.by_token.values()):
            if session.connection is connection:
                session.publish_queue.clear()
                session.connection = None
                session.lost = time.monotonic()
                if not session.activated:
                    self.close(session)

    def sweep(self) -> list[Session]:
        """End and return the sessions that were silent for longer than their time-out.

        Subscriptions wait for a transfer (Part 4, 5.14.1.1), which nobody could ask for an anonymous one.
        """
        now = time.monotonic()
        silent = [s for s in self.by_token.values() if now - s.last_contact > s.timeout / 1000]
        for session in silent:
            self.counts.timed_out += session.activated
            self.counts.aborted += session.connection is None
            self.close(session, delete_subscriptions=not session.user.name)
        return silent

    def end(self, user: str, but: Session | None = None) -> None:
        """End the sessions of a user who may do less from now on; calls under way go on without a role."""
        for session in list(self.by_token.values()):
            if session.user.name == user and session is not but:
                self.close(session)
                session.user = User(user, Role.ANONYMOUS)
