"""What the page of alarm configuration asks for: definitions, differences, what is touched, and changes.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncua import Client, ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import audit, configuration
from hmi.accounts import Accounts, session_of
from hmi.answers import Answers
from hmi.channel import encode
from hmi.live import Live
from hmi.spoken import spoken
from hmi.topology import Topology

FRESH: Final = 1.0  # s that what differs is good for everybody who asks
FIXED: Final = 600.0  # s that definitions and models of jars are: they change with a restart
MOST_TEXT: Final = 200  # characters of a name
SPAN: Final = 90 * 86_400_000  # ms of the trail that are looked at
ENTRIES: Final = 500  # of the trail that one call gives
PAGES: Final = 6
NO_REQUEST: Final = "not a request"
_CALLS: Final = {"configure": configuration.configuring, "reset": configuration.resetting}


class ConfigurationApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/definitions", self.definitions, methods=["GET"])
        app.add_api_route("/api/configuration", self.configuration, methods=["GET"])
        app.add_api_route("/api/configuration/touched", self.touched, methods=["GET"])
        app.add_api_route("/api/configuration/history", self.history, methods=["GET"])
        app.add_api_route("/api/configuration/{action}", self.change, methods=["POST"])

    async def definitions(self) -> Response:
        """All conditions as they are declared, and the models of jars that can be a target."""

        async def made(client: Client, topology: Topology) -> dict[str, Any]:
            found = await configuration.definitions(client, topology)
            models = configuration.models_of(await configuration.jar_models(client, topology))
            return {"rows": found, "models": models}

        return await self._answer("definitions", FIXED, made)

    async def configuration(self) -> Response:
        """Where conditions differ from their definitions."""

        async def made(client: Client, topology: Topology) -> dict[str, Any]:
            return {"rows": await configuration.differences(client, topology)}

        return await self._answer("differences", FRESH, made)

    async def touched(self, condition: str, target: str = "") -> Response:
        """How many conditions a change at a target is about."""
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            return encode(await configuration.jar_models(client, topology)).encode()

        defs = json.loads(bytes((await self.definitions()).body))["rows"]
        asset = next((each["asset"] for each in defs if each["condition"] == condition), None)
        if asset is None:
            return JSONResponse({"fault": NO_REQUEST}, 400)
        models = json.loads(await self._answers.get("models", FIXED, made))
        return JSONResponse({"count": configuration.touched(topology, models, asset, target)})

    async def history(self, request: Request) -> Response:
        """What was changed in the last 90 days, for who may read the audit trail."""
        _, topology = self._live.channels.connection()
        end = self._live.state.server_time // 1000 + 1000
        asked = audit.Question(max(end - SPAN, 0), end, ENTRIES)
        try:
            found = await self._accounts.ask(
                session_of(request), lambda client: configuration.history(client, topology, asked, PAGES)
            )
        except ua.UaStatusCodeError as error:
            if error.code != ua.StatusCodes.BadUserAccessDenied:
                raise
            return JSONResponse({"fault": "You are not allowed to do this."})
        return JSONResponse({"rows": found})

    async def change(self, request: Request, action: str) -> Response:
        """Configure or reset, as this user: how many conditions or changes it was, or why not."""
        _, topology = self._live.channels.connection()
        try:
            asked = json.loads(await request.body())
            if any(len(each) > MOST_TEXT for each in (asked["condition"], asked["target"])):
                raise ValueError("too long")
            call = _CALLS[action](topology, asked)
        except (ValueError, TypeError, KeyError, AttributeError):
            return JSONResponse({"fault": NO_REQUEST}, 400)
        session = session_of(request)
        result, fault = await self._accounts.ask(session, lambda client: spoken(client, call))
        self._answers = Answers()
        if fault:
            return JSONResponse({"fault": fault})
        return JSONResponse({"count": result.OutputArguments[0].Value})

    async def _answer(
        self, key: str, fresh: float, ask: Callable[[Client, Topology], Awaitable[dict[str, Any]]]
    ) -> Response:
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            return encode(await ask(client, topology)).encode()

        return Response(await self._answers.get(key, fresh, made), media_type="application/json")
