"""The guard: who may pass without a session, from which origin, and with which headers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from hmi.accounts import Accounts
from hmi.guard import MAX_BODY, Guard, Message, Receive, Scope, Send, is_open
from hmi.origin import COOKIE, FORM, JSON, SECURE_COOKIE

HOST = "127.0.0.1:8080"
OWN = f"http://{HOST}"


@dataclass(frozen=True)
class Session:
    """A web session."""

    must_change: bool = False
    user: str = "kanya"
    endings: set[Any] = field(default_factory=set, compare=False)


class OneSession:
    """Accounts where one token is good, and one only for changing a password; what people do is counted."""

    def __init__(self) -> None:
        self.touched = 0

    def find(self, token: str | None) -> object | None:
        return {"good": Session(), "one-time": Session(True)}.get(token or "")

    def touch(self, session: object) -> None:
        self.touched += 1


async def ask(
    path: str,
    type: str = "http",
    method: str = "GET",
    accounts: OneSession | None = None,
    scheme: str = "http",
    **headers: Any,
) -> list[Message]:
    """What the guard answers, or `passed` where it lets through."""
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sent.append({"type": "passed", "session": scope["state"]["session"]})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    fields = [(k.replace("_", "-").encode(), v.encode()) for k, v in ({"host": HOST} | headers).items()]
    scope: dict[str, Any] = {"type": type, "path": path, "headers": fields, "query_string": b""}
    scope["scheme"] = scheme
    if type == "http":
        scope["method"] = method
    await Guard(application, cast(Accounts, accounts or OneSession()))(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    "path", ["/", "/alarms", "/api/live", "/_nicegui_ws/socket.io/", "/loginx", "/api/session"]
)
def test_closed_without_a_session(path: str) -> None:
    assert not is_open(path)


async def test_a_page_leads_to_the_log_in() -> None:
    start = (await ask("/site/Bangrak", accept="text/html"))[0]
    assert start["status"] == 303
    assert (b"location", b"/login?next=/site/Bangrak") in start["headers"]


async def test_who_had_a_session_is_told_that_it_has_ended() -> None:
    start = (await ask("/alarms", accept="text/html", cookie="voltkeep_session=of-yesterday"))[0]
    assert (b"location", b"/login?ended=1&next=/alarms") in start["headers"]


async def test_a_call_without_session_is_401() -> None:
    assert (await ask("/api/snapshot"))[0]["status"] == 401


async def test_a_websocket_without_session_is_closed() -> None:
    sent = await ask("/_nicegui_ws/socket.io/", "websocket", origin=f"http://{HOST}")
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_a_session_from_a_foreign_origin_is_refused() -> None:
    cookie = f"{COOKIE}=good"
    foreign = {"origin": "http://evil.example", "content_type": JSON, "cookie": cookie}
    assert (await ask("/api/alarms/acknowledge", method="POST", **foreign))[0]["status"] == 403
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

    fields = {"host": HOST, "origin": OWN, "content-type": FORM}
    headers = [(k.encode(), v.encode()) for k, v in fields.items()]
    scope = {"type": "http", "method": "POST", "path": "/login", "headers": headers}
    await Guard(application, cast(Accounts, OneSession()))(scope, receive, send)
    assert read == MAX_BODY


async def test_a_one_time_password_leads_to_its_change_and_nowhere_else() -> None:
    one_time = f"{COOKIE}=one-time"
    for path in ("/password", "/logout", "/login", "/assets/theme.js"):
        assert (await ask(path, cookie=one_time))[0]["type"] == "passed"
    start = (await ask("/site/A", cookie=one_time, accept="text/html"))[0]
    assert start["status"] == 303
    assert (b"location", b"/password?next=/site/A") in start["headers"]
    for path, method, kind in (
        ("/api/session", "GET", ""),
        ("/api/alarms/acknowledge", "POST", JSON),
        ("/site/A", "POST", FORM),
    ):
        answer = await ask(path, method=method, cookie=one_time, origin=OWN, content_type=kind)
        assert answer[0]["status"] == 401
    closed = (await ask("/api/live", type="websocket", cookie=one_time, origin=f"http://{HOST}"))[0]
    assert closed["code"] == 4401


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/alarms/comment", {"content_type": JSON}, 403),
        ("/api/alarms/comment", {"content_type": JSON, "origin": "null"}, 403),
        ("/api/alarms/comment", {"content_type": JSON, "sec_fetch_site": "same-site"}, 403),
        ("/api/alarms/comment", {"content_type": "text/plain", "origin": OWN}, 415),
        ("/api/alarms/comment", {"content_type": FORM, "origin": OWN}, 415),
        ("/api/alarms/comment", {"origin": OWN}, 415),
        ("/logout", {"content_type": "multipart/form-data; boundary=x", "origin": OWN}, 415),
        ("/logout", {"content_type": JSON, "origin": OWN}, 415),
    ],
)
async def test_what_changes_something_comes_from_our_pages_in_their_form(
    path: str, headers: dict[str, str], status: int
) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = await ask(path, method=method, cookie=f"{COOKIE}=good", **headers)
        assert answer[0]["status"] == status


async def test_our_pages_may_send() -> None:
    cookie = f"{COOKIE}=good"
    for headers in ({"origin": OWN}, {"sec_fetch_site": "same-origin"}):
        answer = await ask("/api/x", method="POST", cookie=cookie, content_type=JSON, **headers)
        assert answer[0]["type"] == "passed"


async def test_what_scripts_read_is_no_activity() -> None:
    accounts, cookie = OneSession(), f"{COOKIE}=good"
    await ask("/api/session", accounts=accounts, cookie=cookie)
    await ask("/api/live", "websocket", accounts=accounts, cookie=cookie, origin=OWN)
    navigation = {"accept": "text/html", "sec_fetch_mode": "navigate", "cookie": cookie}
    await ask("/alarms", accounts=accounts, **navigation)  # as NiceGUI reloads a page by itself
    assert accounts.touched == 0
    await ask("/alarms", accounts=accounts, sec_fetch_user="?1", **navigation)
    await ask("/alarms", accounts=accounts, accept="text/html", cookie=cookie)  # an older browser
    sent = {"method": "POST", "origin": OWN, "content_type": JSON, "cookie": cookie}
    await ask("/api/activity", accounts=accounts, **sent)
    assert accounts.touched == 3


async def test_over_tls_only_the_cookie_of_this_very_host_counts() -> None:
    plain, own = f"{COOKIE}=good", f"{SECURE_COOKIE}=good"
    assert (await ask("/api/session", scheme="https", cookie=plain))[0]["status"] == 401
    assert (await ask("/api/session", scheme="https", cookie=own))[0]["type"] == "passed"
    assert (await ask("/api/session", cookie=own))[0]["status"] == 401


async def page(kind: bytes, *pieces: bytes, scheme: str = "http") -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body of an answer in `pieces` as it leaves the guard."""
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(b"content-type", kind), (b"content-length", b"%d" % sum(map(len, pieces)))]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", HOST.encode()), (b"cookie", f"{COOKIE}=good".encode())]
    scope = {"type": "http", "method": "GET", "path": "/login", "headers": headers, "scheme": scheme}
    await Guard(application, cast(Accounts, OneSession()))(scope, receive, send)
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


async def test_scripts_of_a_page_carry_its_nonce_and_no_other_inline_script_runs() -> None:
    headers, body = await page(b"text/html; charset=utf-8", b"<script>a</script><scr", b'ipt src="/b">')
    policy = headers[b"content-security-policy"].decode()
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy)
    assert nonce is not None
    assert body.decode() == f'<script nonce="{nonce[1]}">a</script><script nonce="{nonce[1]}" src="/b">'
    assert headers[b"content-length"] == b"%d" % len(body)
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src "))
    assert "unsafe-inline" not in scripts
    again, _ = await page(b"text/html", b"<script>")
    assert again[b"content-security-policy"] != headers[b"content-security-policy"]


async def test_what_is_no_page_runs_nothing() -> None:
    headers, body = await page(b"application/json", b'"<script>"')
    assert body == b'"<script>"'
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'; frame-ancestors 'none'")


async def test_browsers_remember_tls_where_there_is_some() -> None:
    assert b"strict-transport-security" not in (await page(b"text/html"))[0]
    assert b"strict-transport-security" in (await page(b"text/html", scheme="https"))[0]
