"""Who is logged in: each web session holds the OPC UA session of its user, and the server alone decides.

A web session is a random token in the browser's cookie. Its OPC UA session is opened at log-in and opened
again after a loss; the password is kept in memory for that, and nowhere else. Whoever the server sends
away (disabled, removed, another role or password) is logged out here within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from asyncua import Client, ua
from fastapi import Request

from hmi.endpoint import SILENT, Away, ConnectionFault, Endpoint, Identity, Refused, close
from hmi.roles import role_of
from hmi.throttle import Throttle, network
from hmi.userclient import UserClient
from hmi.websession import Terms, WebSession

MAX_SESSIONS: Final = 100
MAX_OF_USER: Final = 50
OPENED_AT_ONCE: Final = 2  # log-ins that may be under way
CARE: Final = 1.0  # s between looks at all sessions
CHECKED_EVERY: Final = 4.0  # s after which the server is asked whether it still knows a session
CHECKED_AT_ONCE: Final = 8
SERVICE_ACCOUNTS: Final = frozenset({"hmi"})
LOST: Final = (OSError, TimeoutError)
ENDED: Final = "The server has ended your session. Log in again."
Answer = TypeVar("Answer")


class Throttled(Exception):
    """Too many failed attempts."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"wait {wait:.0f} s")
        self.wait = wait


class Accounts:
    """All web sessions; `is_up` tells whether the server answers at all."""

    def __init__(self, endpoint: Endpoint, terms: Terms, is_up: Callable[[], bool]) -> None:
        self._endpoint = endpoint
        self._terms = terms
        self._is_up = is_up
        self._sessions: dict[str, WebSession] = {}
        self._throttle = Throttle()
        self._gate = asyncio.Semaphore(OPENED_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look after all sessions; returns only when cancelled."""
        while True:
            await asyncio.sleep(CARE)
            now = time.monotonic()
            self._end_old(now)
            due = [s for s in self._sessions.values() if now - s.checked > CHECKED_EVERY]
            due = sorted(due, key=lambda session: session.checked)[:CHECKED_AT_ONCE]
            await asyncio.gather(*map(self._check, due))

    async def log_in(self, user: str, password: str, address: str) -> WebSession:
        """A new web session; `Throttled`, or a `ConnectionFault` where there is none."""
        identity = Identity(user, password)
        async with self._gate:
            client = await self._open(identity, (f"user {user}", f"address {network(address)}"))
        role = await _role(client)
        session = WebSession(identity, client, role, self._terms.of(role))
        self._make_room(user)
        self._sessions[session.token] = session
        return session

    async def _open(self, identity: Identity, keys: tuple[str, ...]) -> UserClient:
        wait = self._throttle.wait(keys, time.monotonic())
        if wait > 0:
            raise Throttled(wait)
        try:
            if identity.user in SERVICE_ACCOUNTS:
                raise Refused("User name or password is wrong.")
            client = await self._endpoint.open(identity)
        except Refused:
            self._throttle.fail(keys, time.monotonic())
            raise
        self._throttle.succeed(keys[0])
        return client

    def find(self, token: str | None) -> WebSession | None:
        """The web session of a cookie."""
        session = self._sessions.get(token or "")
        return session if session is not None and session.left(time.monotonic()) > 0 else None

    def touch(self, session: WebSession) -> None:
        """Its person did something."""
        session.used = time.monotonic()

    def log_out(self, session: WebSession) -> None:
        """End a web session: its OPC UA session, and its websockets on all pages."""
        self._sessions.pop(session.token, None)
        if session.ended:
            return
        session.ended = True
        self._start(close(session.client))
        for ending in list(session.endings):
            self._start(ending())

    async def call(
        self, session: WebSession, requests: list[ua.CallMethodRequest]
    ) -> list[ua.CallMethodResult]:
        """Call methods as this user; `Refused` ends the web session."""
        return await self.ask(session, lambda client: _call(client, requests))

    async def ask(self, session: WebSession, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """What the server answers this user; `Refused` ends the web session."""
        async with session.lock:
            try:
                return await self._ask(session, ask)
            except LOST:
                await self._reopen(session)
            try:
                return await self._ask(session, ask)
            except LOST as error:
                raise Away(SILENT) from error

    async def _ask(self, session: WebSession, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Over a channel that stands, a session that is gone was ended by the server, and stays so."""
        if session.ended:
            raise Refused(ENDED)
        try:
            answer = await ask(session.client)
        except ua.UaStatusCodeError as error:
            if "Session" not in ua.StatusCode(error.code).name:
                raise
            self.log_out(session)
            raise Refused(ENDED) from error
        session.checked = time.monotonic()
        return answer

    async def change_password(self, session: WebSession, old: str, new: str) -> ua.StatusCode:
        """Change this user's own password; afterwards the session may what the user may.

        It has a new token then, and the user's other sessions have ended.
        """
        request = ua.CallMethodRequest()
        request.ObjectId = ua.NodeId(ua.ObjectIds.UserManagement)
        request.MethodId = ua.NodeId(ua.ObjectIds.UserManagement_ChangePassword)
        request.InputArguments = [ua.Variant(text, ua.VariantType.String) for text in (old, new)]
        status = (await self.call(session, [request]))[0].StatusCode
        if status.is_good():
            await self._begin_anew(session, Identity(session.user, new))
        return status

    async def _begin_anew(self, session: WebSession, identity: Identity) -> None:
        for other in list(self._sessions.values()):
            if other.user == identity.user and other is not session:
                self.log_out(other)
        del self._sessions[session.token]
        session.token = secrets.token_urlsafe(32)
        self._sessions[session.token] = session
        async with session.lock:
            session.identity = identity
            self._start(close(session.client))
            session.client = await self._endpoint.open(identity)
            session.role = await _role(session.client)
            session.term = self._terms.of(session.role)

    async def close(self) -> None:
        """End all sessions."""
        for session in list(self._sessions.values()):
            self.log_out(session)
        await asyncio.gather(*self._tasks)

    async def _check(self, session: WebSession) -> None:
        """Ask whether the server still knows a session: of one that it sends away nothing is left."""
        session.checked = time.monotonic()
        if session.lock.locked() or not self._is_up():
            return
        with contextlib.suppress(ConnectionFault, ua.UaError):
            await self.ask(session, _is_there)

    async def _reopen(self, session: WebSession) -> None:
        """A new OPC UA session after a loss; another role than before, or none, ends the web session."""
        if not self._is_up():
            raise Away(SILENT)
        self._start(close(session.client))
        try:
            async with self._gate:
                client = await self._endpoint.open(session.identity)
            role = await _role(client)
        except Refused:
            self.log_out(session)
            raise
        session.client = client
        if role != session.role:
            self.log_out(session)
            raise Refused(ENDED)

    def _make_room(self, user: str) -> None:
        """One more session of a user: the longest unused one goes where there are too many."""
        by_use = sorted(self._sessions.values(), key=lambda session: session.used)
        theirs = [session for session in by_use if session.user == user]
        if len(theirs) >= MAX_OF_USER:
            self.log_out(theirs[0])
        elif len(by_use) >= MAX_SESSIONS:
            self.log_out(by_use[0])

    def _end_old(self, now: float) -> None:
        for session in list(self._sessions.values()):
            if session.left(now) <= 0:
                self.log_out(session)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def session_of(request: Request) -> WebSession:
    """The web session that `Guard` has found for a request."""
    session = request.state.session
    assert isinstance(session, WebSession)
    return session


async def _role(client: UserClient) -> str:
    """The role of a session just opened; a server that does not answer that is away."""
    try:
        return await role_of(client)
    except LOST as error:
        raise Away(SILENT) from error


async def _is_there(client: Client) -> None:
    await client.uaclient.read_attributes(
        [ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)], ua.AttributeIds.Value
    )


async def _call(client: Client, requests: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
    results: list[ua.CallMethodResult] = await client.uaclient.call(requests)
    return results
