"""What the pages of incidents, of what is held back and of the figures ask for.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}` with a fitting status.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncua import Client
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import management
from hmi.accounts import Accounts, session_of
from hmi.alarmapi import MOST_TEXT
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.live import Live
from hmi.methods import words
from hmi.topology import Topology

FRESH: Final = 2.0  # s that an answer is good for everybody who asks the same
MOST_ID: Final = 200  # characters of an incident's id


class ManagementApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/held", self.held, methods=["GET"])
        app.add_api_route("/api/incidents", self.incidents, methods=["GET"])
        app.add_api_route("/api/incident", self.members, methods=["GET"])
        app.add_api_route("/api/incident/acknowledge", self.acknowledge, methods=["POST"])
        app.add_api_route("/api/performance", self.performance, methods=["GET"])

    async def held(self) -> Response:
        """What operators are not shown, and why."""
        return await self._answer(("held",), management.held)

    async def incidents(self, open: bool = True) -> Response:
        """Incidents, the latest first."""
        return await self._answer(
            ("incidents", open), lambda client, topology: management.incidents(client, topology, open)
        )

    async def members(self, id: str) -> Response:
        """The conditions of an incident."""
        return await self._answer(
            ("members", id[:MOST_ID]), lambda client, topology: management.members(client, topology, id)
        )

    async def performance(self, site: str = "") -> Response:
        """Figures of a site, or of the fleet."""
        _, topology = self._live.channels.connection()
        if site and site not in topology.by_path:
            raise NotFound(site)
        return await self._answer(
            ("performance", site), lambda client, topology: management.performance(client, topology, site)
        )

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge all of an incident, as this user."""
        try:
            asked: Any = json.loads(await request.body())
            incident, comment = asked["id"], asked.get("comment", "")
        except (ValueError, TypeError, KeyError, AttributeError):
            return JSONResponse({"fault": "not an incident"}, 400)
        if not isinstance(incident, str) or not isinstance(comment, str) or len(comment) > MOST_TEXT:
            return JSONResponse({"fault": "not an incident"}, 400)
        _, topology = self._live.channels.connection()
        session = session_of(request)
        call = management.acknowledgement(topology, incident, comment)
        result = (await self._accounts.call(session, [call]))[0]
        if not result.StatusCode.is_good():
            return JSONResponse({"fault": words(result.StatusCode)})
        return JSONResponse({"done": result.OutputArguments[0].Value})

    async def _answer(
        self, key: tuple[Any, ...], ask: Callable[[Client, Topology], Awaitable[Any]]
    ) -> Response:
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            return encode({"rows": await ask(client, topology)}).encode()

        return Response(await self._answers.get(key, FRESH, made), media_type="application/json")
