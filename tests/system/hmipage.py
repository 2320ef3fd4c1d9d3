"""The HMI in a real browser: how a page is opened, logged in to, and watched for faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlparse

from playwright.sync_api import APIResponse, Browser, Page, StorageState, WebSocket, expect
from program import Voltkeep

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 1000.0  # ms


@contextmanager
def watched_page(browser: Browser, voltkeep: Voltkeep, state: StorageState, **options: Any) -> Iterator[Page]:
    """A page of a logged-in user; any error of its scripts or request elsewhere fails the test.

    `options` are those of a browser's context: `viewport`, `color_scheme`, `locale` and so on.
    """
    faults: list[str] = []
    own = urlparse(voltkeep.hmi_url).netloc

    def request_to(url: str) -> None:
        parts = urlparse(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != own:
            faults.append(f"request to {url}")

    def opened(socket: WebSocket) -> None:
        request_to(socket.url)

    # A row that moves fades out at its old place, and is there twice until it has: here it does not.
    with browser.new_context(
        base_url=voltkeep.hmi_url, storage_state=state, reduced_motion="reduce", **options
    ) as context:
        page = context.new_page()
        page.set_default_timeout(20 * SECONDS)
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: request_to(request.url))
        page.on("websocket", opened)
        _send_as_pages_do(page, voltkeep.hmi_url)
        yield page
    assert not faults, faults


def _send_as_pages_do(page: Page, origin: str) -> None:
    """`page.request.post` says where it comes from, without which the HMI takes nothing."""
    post = page.request.post

    def post_from_page(url: str, **options: Any) -> APIResponse:
        return post(url, **{**options, "headers": {"origin": origin, **options.get("headers", {})}})

    page.request.post = post_from_page  # type: ignore[method-assign]


def log_in(page: Page, voltkeep: Voltkeep, password: str, name: str = "admin", next: str = "/") -> None:
    """Fill in the form and send it."""
    page.goto(f"{voltkeep.hmi_url}/login?next={next}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def changes(page: Page, selector: str) -> None:
    """Wait until a text on the page changes."""
    cell = page.locator(selector).first
    expect(cell).to_have_text(re.compile(r"\d"), timeout=20 * SECONDS)
    before = cell.inner_text()
    expect(cell).not_to_have_text(before, timeout=20 * SECONDS)
