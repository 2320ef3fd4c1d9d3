"""Who is logged in: each web session holds the OPC UA session of its user, and the server alone decides.

A web session is a random token in the browser's cookie. Its OPC UA session is opened at log-in and,
after a loss, again when it is needed; the password is kept in memory for that, and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from asyncua import Client, ua
from fastapi import Request

from hmi.endpoint import Away, Endpoint, Identity, Refused, close
from hmi.throttle import Throttle
from hmi.userclient import UserClient

COOKIE: Final = "voltkeep_session"
IDLE: Final = 12 * 3600.0  # s until an unused web session ends
MAX_SESSIONS: Final = 100
OPENED_AT_ONCE: Final = 2  # log-ins that may be under way
SERVICE_ACCOUNTS: Final = frozenset({"hmi"})
LOST: Final = (OSError, TimeoutError)
Answer = TypeVar("Answer")


class Throttled(Exception):
    """Too many failed attempts."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"wait {wait:.0f} s")
        self.wait = wait


@dataclass
class WebSession:
    """One logged-in browser."""

    identity: Identity
    client: UserClient
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    used: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user(self) -> str:
        """Name of the user."""
        return self.identity.user

    @property
    def must_change(self) -> bool:
        """Whether the user has to change a one-time password before anything else."""
        return self.client.must_change


class Accounts:
    """All web sessions."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._sessions: dict[str, WebSession] = {}
        self._throttle = Throttle()
        self._gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def log_in(self, user: str, password: str, address: str) -> WebSession:
        """A new web session; `Throttled`, `Refused` or `Away` where there is none."""
        identity = Identity(user, password)
        async with self._gate:
            client = await self._open(identity, (f"user {user}", f"address {address}"))
        session = WebSession(identity, client)
        self._sessions[session.token] = session
        await self._end_old()
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
        if session is None or time.monotonic() - session.used > IDLE:
            return None
        session.used = time.monotonic()
        return session

    async def log_out(self, session: WebSession) -> None:
        """End a web session and its OPC UA session."""
        if self._sessions.pop(session.token, None) is not None:
            await close(session.client)

    async def call(
        self, session: WebSession, requests: list[ua.CallMethodRequest]
    ) -> list[ua.CallMethodResult]:
        """Call methods as this user; `Refused` ends the web session."""
        return await self.ask(session, lambda client: _call(client, requests))

    async def ask(self, session: WebSession, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """What the server answers this user; `Refused` ends the web session."""
        async with session.lock:
            try:
                return await ask(session.client)
            except LOST:
                await self._reopen(session)
            except ua.UaStatusCodeError as error:
                if "Session" not in ua.StatusCode(error.code).name:
                    raise
                await self._reopen(session)
            try:
                return await ask(session.client)
            except LOST as error:
                raise Away("The OPC UA server does not answer.") from error

    async def change_password(self, session: WebSession, old: str, new: str) -> ua.StatusCode:
        """Change this user's own password; afterwards the session may what the user may."""
        request = ua.CallMethodRequest()
        request.ObjectId = ua.NodeId(ua.ObjectIds.UserManagement)
        request.MethodId = ua.NodeId(ua.ObjectIds.UserManagement_ChangePassword)
        request.InputArguments = [ua.Variant(text, ua.VariantType.String) for text in (old, new)]
        status = (await self.call(session, [request]))[0].StatusCode
        if status.is_good():
            session.identity = Identity(session.user, new)
            async with session.lock:
                await self._reopen(session)
        return status

    async def close(self) -> None:
        """End all sessions."""
        async with asyncio.TaskGroup() as tasks:
            for session in list(self._sessions.values()):
                tasks.create_task(self.log_out(session))

    async def _reopen(self, session: WebSession) -> None:
        await close(session.client)
        try:
            session.client = await self._endpoint.open(session.identity)
        except Refused:
            self._sessions.pop(session.token, None)
            raise

    async def _end_old(self) -> None:
        now = time.monotonic()
        by_use = sorted(self._sessions.values(), key=lambda s: s.used)
        surplus = max(0, len(by_use) - MAX_SESSIONS)
        for i, session in enumerate(by_use):
            if i < surplus or now - session.used > IDLE:
                with contextlib.suppress(Exception):
                    await self.log_out(session)


def session_of(request: Request) -> WebSession:
    """The web session that `Guard` has found for a request."""
    session = request.state.session
    assert isinstance(session, WebSession)
    return session


async def _call(client: Client, requests: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
    results: list[ua.CallMethodResult] = await client.uaclient.call(requests)
    return results
