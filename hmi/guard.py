"""What stands before every page, call and websocket: a logged-in session, the right origin, safe headers.

Pure ASGI, so that websockets (NiceGUI's own, too) are guarded like pages. A request from a foreign origin
is refused whatever it asks for; without a session a page leads to the log-in and anything else is 401. Who
has a one-time password is led to its change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import quote, urlparse

from hmi.accounts import COOKIE, Accounts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY: Final = 1_000_000  # bytes of a request
OPEN_PATHS: Final = ("/login", "/language", "/health", "/ready", "/metrics", "/favicon.ico")
PASSWORD_PATH: Final = "/password"
OPEN_FOLDERS: Final = ("/assets/", "/_nicegui/")
# Vue compiles templates in the browser: NiceGUI needs eval. Nothing may come from elsewhere (U12).
CONTENT_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)


class Guard:
    """The middleware; the session is handed on as `scope["state"]["session"]`."""

    def __init__(self, app: Application, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        websocket = scope["type"] == "websocket"
        if not right_origin(headers.get("origin"), headers.get("host", ""), websocket):
            await _refuse(send, websocket, 403, {}, b"foreign origin")
            return
        session = self._accounts.find(session_token(headers.get("cookie", "")))
        scope.setdefault("state", {})["session"] = session
        if not is_open(scope["path"]):
            if session is None:
                await _ask(scope, send, websocket, headers.get("accept", ""), "/login", b"log in first")
                return
            if session.must_change and scope["path"] not in (PASSWORD_PATH, "/logout"):
                accept, reason = headers.get("accept", ""), b"change the password first"
                await _ask(scope, send, websocket, accept, PASSWORD_PATH, reason)
                return
        if websocket:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, _limited(receive), _with_headers(scope["path"], send))


def right_origin(origin: str | None, host: str, websocket: bool) -> bool:
    """Whether a request comes from our own pages; a browser always names its origin on a websocket."""
    if origin is None:
        return not websocket
    return bool(host) and urlparse(origin).netloc == host


def session_token(cookies: str) -> str | None:
    """The session token among the cookies."""
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def is_open(path: str) -> bool:
    """Whether a path is for everybody: the log-in, what it is drawn with, and health."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def local_path(path: str) -> str:
    """Where to go after log-in: a path of ours, never another site."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if safe and path.isprintable() else "/"


async def _ask(scope: Scope, send: Send, websocket: bool, accept: str, page: str, reason: bytes) -> None:
    """Lead a page to where the way to it begins; anything else is refused."""
    if not websocket and scope["method"] == "GET" and "text/html" in accept:
        query = scope.get("query_string", b"").decode("latin-1")
        target = scope["path"] + (f"?{query}" if query else "")
        await _refuse(send, False, 303, {"location": f"{page}?next={quote(target)}"}, b"")
        return
    await _refuse(send, websocket, 401, {}, reason)


async def _refuse(send: Send, websocket: bool, status: int, headers: dict[str, str], body: bytes) -> None:
    if websocket:
        await send({"type": "websocket.close", "code": 4000 + status, "reason": body.decode()})
        return
    fields = [(k.encode(), v.encode()) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": [*fields, *HEADERS]})
    await send({"type": "http.response.body", "body": body})


def _limited(receive: Receive) -> Receive:
    """A body that goes on too long is taken as a browser that left: nothing of it is kept."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return message if received <= MAX_BODY else {"type": "http.disconnect"}

    return receive_limited


def _with_headers(path: str, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            fields = list(message.get("headers", ()))
            if not path.startswith(OPEN_FOLDERS):  # which say themselves how long they may be kept
                fields = [f for f in fields if f[0].lower() != b"cache-control"]
                fields.append((b"cache-control", b"no-store"))
            message["headers"] = [*fields, *HEADERS]
        await send(message)

    return send_with_headers
