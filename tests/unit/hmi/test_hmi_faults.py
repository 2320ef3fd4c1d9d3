"""Faults of the pages' interface: what the server says, with 200; that it says nothing, with 503."""

from __future__ import annotations

import json
from typing import cast

import httpx
import pytest
from asyncua import ua
from fastapi import FastAPI

from hmi.accounts import Accounts
from hmi.api import Api
from hmi.channels import NotFound
from hmi.endpoint import SILENT, Away, Refused
from hmi.live import Live

S = ua.StatusCodes


async def answer(error: Exception) -> tuple[int, str]:
    """The status and words with which a route that fails so is answered."""
    app = FastAPI()
    Api(cast(Live, None), cast(Accounts, None)).add_to(app)

    @app.get("/fails")
    async def fail() -> None:
        raise error

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hmi") as client:
        found = await client.get("/fails")
    return found.status_code, json.loads(found.content)["fault"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (S.BadUserAccessDenied, "You are not allowed to do this."),
        (S.BadNodeIdUnknown, "The server does not know it."),
        (S.BadTooManyOperations, "The server refused: BadTooManyOperations."),
    ],
)
async def test_what_the_server_refuses_is_an_answer(code: int, words: str) -> None:
    assert await answer(ua.UaStatusCodeError(code)) == (200, words)


@pytest.mark.parametrize(
    "error",
    [
        Away(SILENT),
        TimeoutError(),
        ua.UaError("no answer can be read"),
        ua.UaStatusCodeError(S.BadConnectionClosed),
        ua.UaStatusCodeError(S.BadSessionIdInvalid),
        ua.UaStatusCodeError(S.BadShutdown),
    ],
)
async def test_a_server_that_says_nothing_is_no_answer(error: Exception) -> None:
    assert await answer(error) == (503, SILENT)


async def test_what_is_not_there_and_who_is_not_let_in_have_their_own() -> None:
    assert await answer(NotFound("Atlantis")) == (404, "The fleet has no such part.")
    assert await answer(Refused("Log in again.")) == (401, "Log in again.")
