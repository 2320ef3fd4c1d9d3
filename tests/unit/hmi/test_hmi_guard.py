"""The guard: who may pass without a session, from which origin, and where a log-in may lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from hmi.accounts import COOKIE, Accounts
from hmi.guard import (
    MAX_BODY,
    Guard,
    Message,
    Receive,
    Scope,
    Send,
    is_open,
    local_path,
    right_origin,
    session_token,
)

HOST = "127.0.0.1:8080"


@dataclass(frozen=True)
class Session:
    """A web session."""

    must_change: bool = False


class OneSession:
    """Accounts where one token is good, and one only for changing a password."""

    def find(self, token: str | None) -> object | None:
        return {"good": Session(), "one-time": Session(True)}.get(token or "")


async def ask(path: str, type: str = "http", method: str = "GET", **headers: str) -> list[Message]:
    """What the guard answers, or `passed` where it lets through."""
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sent.append({"type": "passed", "session": scope["state"]["session"]})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    fields = [(k.encode(), v.encode()) for k, v in ({"host": HOST} | headers).items()]
    scope: dict[str, Any] = {"type": type, "path": path, "headers": fields, "query_string": b""}
    if type == "http":
        scope["method"] = method
    await Guard(application, cast(Accounts, OneSession()))(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("origin", "host", "websocket", "right"),
    [
        ("http://127.0.0.1:8080", HOST, True, True),
        ("https://127.0.0.1:8080", HOST, True, True),
        ("http://127.0.0.1:9000", HOST, True, False),
        ("http://evil.example", HOST, False, False),
        ("null", HOST, False, False),
        ("http://127.0.0.1:8080.evil.example", HOST, True, False),
        (None, HOST, True, False),
        (None, HOST, False, True),
        ("http://", "", True, False),
    ],
)
def test_origin(origin: str | None, host: str, websocket: bool, right: bool) -> None:
    assert right_origin(origin, host, websocket) is right


@pytest.mark.parametrize(
    "path", ["/", "/alarms", "/api/live", "/_nicegui_ws/socket.io/", "/loginx", "/api/session"]
)
def test_closed_without_a_session(path: str) -> None:
    assert not is_open(path)


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/site/Hat Yai", "/site/Hat Yai"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_log_in_leads_nowhere_else(target: str, safe: str) -> None:
    assert local_path(target) == safe


def test_token_among_cookies() -> None:
    assert session_token(f"a=b; {COOKIE}=xyz; c=d") == "xyz"
    assert session_token("a=b") is None
    assert session_token("") is None


async def test_a_page_leads_to_the_log_in() -> None:
    start = (await ask("/site/Bangrak", accept="text/html"))[0]
    assert start["status"] == 303
    assert (b"location", b"/login?next=/site/Bangrak") in start["headers"]


async def test_a_call_without_session_is_401() -> None:
    assert (await ask("/api/snapshot"))[0]["status"] == 401


async def test_a_websocket_without_session_is_closed() -> None:
    sent = await ask("/_nicegui_ws/socket.io/", "websocket", origin=f"http://{HOST}")
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_session_from_a_foreign_origin_is_refused() -> None:
    cookie = f"{COOKIE}=good"
    assert (await ask("/api/alarms/acknowledge", method="POST", origin="http://evil.example", cookie=cookie))[
        0
    ]["status"] == 403
    sent = await ask("/api/live", "websocket", origin="http://127.0.0.1:1", cookie=cookie)
    assert sent[0]["type"] == "websocket.close"


async def test_a_session_passes() -> None:
    cookie = f"{COOKIE}=good"
    assert await ask("/api/snapshot", cookie=cookie) == [{"type": "passed", "session": Session()}]
    sent = await ask("/api/live", "websocket", origin=f"http://{HOST}", cookie=cookie)
    assert sent == [{"type": "passed", "session": Session()}]


async def test_an_endless_body_is_cut_off() -> None:
    read = 0

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal read
        while (message := await receive())["type"] == "http.request":
            read += len(message["body"])

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(100_000), "more_body": True}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/login", "headers": [(b"host", HOST.encode())]}
    await Guard(application, cast(Accounts, OneSession()))(scope, receive, send)
    assert read == MAX_BODY


async def test_a_one_time_password_leads_to_its_change_and_nowhere_else() -> None:
    one_time = f"{COOKIE}=one-time"
    for path in ("/password", "/logout", "/login", "/assets/theme.js"):
        assert (await ask(path, cookie=one_time))[0]["type"] == "passed"
    start = (await ask("/site/A", cookie=one_time, accept="text/html"))[0]
    assert start["status"] == 303
    assert (b"location", b"/password?next=/site/A") in start["headers"]
    for path, method in (("/api/session", "GET"), ("/api/alarms/acknowledge", "POST"), ("/site/A", "POST")):
        assert (await ask(path, method=method, cookie=one_time))[0]["status"] == 401
    closed = (await ask("/api/live", type="websocket", cookie=one_time, origin=f"http://{HOST}"))[0]
    assert closed["code"] == 4401
