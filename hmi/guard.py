"""What stands before every page, call and websocket: a logged-in session, the right origin, safe headers.

Pure ASGI, so that websockets (NiceGUI's own, too) are guarded like pages. A request from a foreign origin
is refused whatever it asks for; without a session a page leads to the log-in and anything else is 401. Who
has a one-time password is led to its change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import quote

from hmi.accounts import Accounts
from hmi.headers import is_page, new_nonce, security_fields, with_nonce
from hmi.origin import SAFE_METHODS, by_person, is_secure, right_content, right_origin, session_token
from hmi.sockets import Sockets

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY: Final = 1_000_000  # bytes of a request
OPEN_PATHS: Final = ("/login", "/language", "/health", "/ready", "/metrics", "/favicon.ico")
PASSWORD_PATH: Final = "/password"
OPEN_FOLDERS: Final = ("/assets/", "/_nicegui/")


class Guard:
    """The middleware; the session is handed on as `scope["state"]["session"]`."""

    def __init__(self, app: Application, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts
        self._sockets = Sockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        if fault := _fault(scope, headers):
            await _refuse(scope, send, *fault)
            return
        secure = is_secure(scope.get("scheme", "http"))
        token = session_token(headers.get("cookie", ""), secure)
        session = self._accounts.find(token)
        scope.setdefault("state", {})["session"] = session
        if not is_open(scope["path"]):
            if session is None:
                # Who had a session is told that it has ended.
                login = "/login?ended=1&" if token else "/login?"
                await _ask(scope, send, headers.get("accept", ""), login, b"log in first")
                return
            if session.must_change and scope["path"] not in (PASSWORD_PATH, "/logout"):
                await _ask(
                    scope, send, headers.get("accept", ""), f"{PASSWORD_PATH}?", b"change the password first"
                )
                return
        if scope["type"] == "websocket":
            await self._sockets.serve(self._app, scope, receive, send)
            return
        if session is not None and by_person(scope["method"], scope["path"], headers):
            self._accounts.touch(session)
        await self._app(scope, _limited(receive), _Answer(scope["path"], secure, send))


def is_open(path: str) -> bool:
    """Whether a path is for everybody: the log-in, what it is drawn with, and health."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _fault(scope: Scope, headers: dict[str, str]) -> tuple[int, bytes] | None:
    """Why a request is refused whoever sent it."""
    websocket = scope["type"] == "websocket"
    changing = not websocket and scope["method"] not in SAFE_METHODS
    if not right_origin(headers, scope.get("scheme", "http"), websocket or changing):
        return 403, b"foreign origin"
    if changing and not right_content(scope["path"], headers.get("content-type", "")):
        return 415, b"not in the form of our pages"
    return None


async def _ask(scope: Scope, send: Send, accept: str, page: str, reason: bytes) -> None:
    """Lead a page to where the way to it begins; anything else is refused."""
    if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in accept:
        query = scope.get("query_string", b"").decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        location = f"{page}next={quote(target)}"
        await _refuse(scope, send, 303, b"", [(b"location", location.encode())])
        return
    await _refuse(scope, send, 401, reason)


async def _refuse(
    scope: Scope, send: Send, status: int, reason: bytes, fields: list[tuple[bytes, bytes]] | None = None
) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + status, "reason": reason.decode()})
        return
    answer = [*(fields or ()), *security_fields(is_secure(scope.get("scheme", "http")))]
    answer += [(b"cache-control", b"no-store"), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": status, "headers": answer})
    await send({"type": "http.response.body", "body": reason})


def _limited(receive: Receive) -> Receive:
    """A body that goes on too long is taken as a browser that left: nothing of it is kept."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= MAX_BODY else {"type": "http.disconnect"}

    return receive_limited


class _Answer:
    """An answer on its way out: it gets the safe headers, and a page the nonce of its scripts."""

    def __init__(self, path: str, secure: bool, send: Send) -> None:
        self._path = path
        self._secure = secure
        self._send = send
        self._nonce: str | None = None
        self._start: Message = {}
        self._page = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._nonce is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            await self._collect(message)

    async def _begin(self, message: Message) -> None:
        fields = list(message.get("headers", ()))
        self._nonce = new_nonce() if is_page(fields) else None
        if not self._path.startswith(OPEN_FOLDERS):  # which say themselves how long they may be kept
            fields = [field for field in fields if field[0].lower() != b"cache-control"]
            fields.append((b"cache-control", b"no-store"))
        message["headers"] = [*fields, *security_fields(self._secure, self._nonce)]
        self._start = message
        if self._nonce is None:
            await self._send(message)

    async def _collect(self, message: Message) -> None:
        """A page is sent once it is whole: with its nonces it has another length."""
        assert self._nonce is not None
        self._page += message.get("body", b"")
        if message.get("more_body"):
            return
        page = with_nonce(bytes(self._page), self._nonce)
        fields = [field for field in self._start["headers"] if field[0].lower() != b"content-length"]
        self._start["headers"] = [*fields, (b"content-length", str(len(page)).encode())]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": page})
