"""Preferences: what a browser chose, else what the settings say; nothing else is taken or kept."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from config.settings import Hmi
from hmi.preferences import (
    ADDRESS,
    ChoosePreferences,
    Preferences,
    Preferring,
    preferences,
    preferences_of,
)

DEFAULT = Preferences("th", "buddhist")


def test_what_was_not_chosen_is_as_set() -> None:
    assert preferences({}, DEFAULT) == DEFAULT
    chosen = preferences({"voltkeep_language": "en", "voltkeep_scale": "traffic"}, DEFAULT)
    assert chosen == Preferences("en", "buddhist", "system", "traffic")


def test_what_is_no_choice_is_as_set() -> None:
    cookies = {"voltkeep_language": "../../etc", "voltkeep_calendar": "<script>", "voltkeep_theme": ""}
    assert preferences(cookies, DEFAULT) == DEFAULT


def application() -> FastAPI:
    """An application that says what a reader prefers, and takes the form."""
    app = FastAPI()
    app.add_middleware(Preferring, settings=Hmi(language="th"))
    ChoosePreferences().add_to(app)

    @app.get("/seen")
    def seen(request: Request) -> Preferences:
        return preferences_of(request)

    return app


def browser(**more: Any) -> httpx.AsyncClient:
    """A browser, which keeps its cookies."""
    transport = httpx.ASGITransport(app=application())
    return httpx.AsyncClient(transport=transport, **({"base_url": "https://hmi"} | more))


async def test_a_browser_keeps_what_its_reader_chose() -> None:
    async with browser() as reader:
        assert (await reader.get("/seen")).json()["language"] == "th"
        chosen = {"language": "en", "calendar": "buddhist", "theme": "dark", "scale": "traffic"}
        answer = await reader.post(ADDRESS, data=chosen)
        assert (answer.status_code, answer.headers["location"]) == (303, "/preferences?saved")
        assert (await reader.get("/seen")).json() == chosen


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_cookies_stay_at_home(scheme: str) -> None:
    async with browser(base_url=f"{scheme}://hmi") as reader:
        answer = await reader.post(ADDRESS, data={"calendar": "buddhist", "language": "en; Path=/evil"})
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith("voltkeep_calendar=buddhist; ")
        assert "SameSite=lax" in cookie
        assert ("Secure" in cookie) == (scheme == "https")
