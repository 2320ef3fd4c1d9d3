"""Messages to real HTTP servers, which take them, refuse them, hang, or send us elsewhere."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import pytest
from notices import START
from notifyservers import Hook, hang, hook_server, make_certificate, scripted_server

from config.notifyfile import Webhook
from server.notify.delivery import Delivery, Fate, Result
from server.notify.webhook import WebhookChannel, retry_after

BODY = '{"text": "ไฟฟ้าดับ"}'.encode()
MAIL_DATE = "Wed, 18 Nov 2026 11:08:40 GMT"  # two minutes after the start


def channel(url: str, **more: Any) -> WebhookChannel:
    """A channel whose clock stands still."""
    return WebhookChannel("hook", Webhook.model_validate({"url": url, "timeout": 5} | more), lambda: START)


async def send(url: str, count: int = 1, **more: Any) -> list[Result]:
    """Send so many messages."""
    wanted = [Delivery("webhook hook", "hook", f"id{i}", 500, START, BODY) for i in range(count)]
    return await channel(url, **more).send(wanted)


async def test_a_message_is_signed_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = b"k" * 32
    monkeypatch.setenv("HOOK_SECRET", "whsec_" + base64.b64encode(secret).decode())
    monkeypatch.setenv("HOOK_TOKEN", "Bearer abc")
    hook = Hook()
    headers = {"X-Site": "A", "Authorization": {"variable": "HOOK_TOKEN"}}
    async with hook_server(hook) as url:
        (result,) = await send(url, secret={"variable": "HOOK_SECRET"}, headers=headers)
    assert result.fate is Fate.SENT
    ((found, body),) = hook.requests
    assert body == BODY
    assert (found["content-type"], found["x-site"], found["authorization"]) == (
        "application/json",
        "A",
        "Bearer abc",
    )
    assert (found["webhook-id"], found["webhook-timestamp"]) == ("id0", "1795000000")
    signed = hmac.new(secret, b"id0.1795000000." + BODY, hashlib.sha256).digest()
    assert found["webhook-signature"] == "v1," + base64.b64encode(signed).decode()


async def test_without_a_secret_nothing_is_signed() -> None:
    hook = Hook()
    async with hook_server(hook) as url:
        results = await send(url, 3)
    assert [result.fate for result in results] == [Fate.SENT] * 3
    assert [headers["webhook-id"] for headers, _ in hook.requests] == ["id0", "id1", "id2"]
    assert "webhook-signature" not in hook.requests[0][0]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_work_later_is_tried_later_with_all_that_follows(status: int) -> None:
    hook = Hook()
    hook.answers.append((status, {"Retry-After": "120"}))
    async with hook_server(hook) as url:
        results = await send(url, 3)
    assert results == [Result(Fate.LATER, f"HTTP {status}", 120.0)] * 3
    assert len(hook.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 413])
async def test_what_is_refused_is_refused_for_good(status: int) -> None:
    hook = Hook()
    hook.answers.append((status, {}))
    async with hook_server(hook) as url:
        results = await send(url, 2)
    assert [result.fate for result in results] == [Fate.NEVER, Fate.SENT]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    hook = Hook()
    hook.answers.append((status, {"Location": "/other"}))
    async with hook_server(hook) as url:
        (result,) = await send(url)
    assert (result.fate, hook.followed) == (Fate.NEVER, 0)


async def test_a_server_that_is_slow_is_left() -> None:
    hook = Hook(silent=True)
    async with hook_server(hook) as url, asyncio.timeout(5):
        results = await send(url, 2, timeout=0.1)
    assert results == [Result(Fate.LATER, "no answer in time")] * 2


async def test_a_server_that_never_answers_is_left() -> None:
    async with scripted_server(hang) as port, asyncio.timeout(5):
        (result,) = await send(f"http://127.0.0.1:{port}/", timeout=0.1)
    assert result.fate is Fate.LATER


async def test_a_server_that_is_not_there() -> None:
    async with hook_server(Hook()) as url:
        pass
    (result,) = await send(url)
    assert result.fate is Fate.LATER


async def test_only_a_certificate_that_is_vouched_for_will_do(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, hook = tmp_path_factory.mktemp("tls"), Hook()
    certificate = make_certificate(folder)
    other = make_certificate(folder, "127.0.0.2")
    async with hook_server(hook, certificate) as url:
        assert [r.fate for r in await send(url, ca_file=certificate.certificate)] == [Fate.SENT]
        assert [r.fate for r in await send(url)] == [Fate.LATER]
    async with hook_server(hook, other) as url:
        (result,) = await send(url, ca_file=other.certificate)
    assert result.fate is Fate.LATER
    assert "certificate" in result.reason.lower()
    assert len(hook.requests) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, 0), ("30", 30), (MAIL_DATE, 120), ("soon", 0), ("-5", 0), ("Wed, 18 Nov 2020 11:08:40 GMT", 0)],
)
def test_when_the_server_asks_to_come_back(text: str | None, seconds: float) -> None:
    assert retry_after(text, START) == seconds
