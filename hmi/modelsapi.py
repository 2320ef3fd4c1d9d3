"""What the page of models asks for, and what engineers do with models.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from asyncua import Client
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import models
from hmi.accounts import Accounts, session_of
from hmi.answers import Answers
from hmi.channel import encode
from hmi.live import Live
from hmi.spoken import spoken

FRESH: Final = 2.0  # s that an answer is good for everybody who asks the same
CARD: Final = 600.0  # s that a card is: it never changes
MOST_TEXT: Final = 500  # characters
PATIENCE: Final = 150.0  # s that the gates may take
NO_REQUEST: Final = "not a request"


class ModelsApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/models", self.models, methods=["GET"])
        app.add_api_route("/api/model", self.described, methods=["GET"])
        app.add_api_route("/api/models/{action}", self.act, methods=["POST"])

    async def models(self) -> Response:
        """All models, and how predictions, drift and training do."""
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            return encode(await models.read(client, topology)).encode()

        return await self._answer(("models",), FRESH, made)

    async def described(self, version: str) -> Response:
        """What the card of a model says."""
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            return encode({"rows": await models.described(client, topology, version)}).encode()

        return await self._answer(("card", version[:MOST_TEXT]), CARD, made)

    async def act(self, request: Request, action: str) -> Response:
        """Publish, roll back, retire, shadow, train or cancel, as this user; or why not, as the gates say it.

        Gates take their time, and the session's other calls do not wait for them.
        """
        _, topology = self._live.channels.connection()
        try:
            asked: Any = json.loads(await request.body())
            if any(len(text) > MOST_TEXT for text in asked.values()):
                raise ValueError("too long")
            call = models.wanted(topology, action, asked)
        except (ValueError, TypeError, KeyError, AttributeError):
            return JSONResponse({"fault": NO_REQUEST}, 400)
        client = await self._accounts.ask(session_of(request), _answering)
        result, fault = await spoken(client, call, PATIENCE)
        self._answers = Answers()
        if fault:
            return JSONResponse({"fault": fault})
        return JSONResponse({"said": next((each.Value or "" for each in result.OutputArguments or ()), "")})

    async def _answer(self, key: tuple[str, ...], fresh: float, made: Any) -> Response:
        return Response(await self._answers.get(key, fresh, made), media_type="application/json")


async def _answering(client: Client) -> Client:
    """The user's session, once it has answered."""
    await client.get_namespace_array()
    return client
