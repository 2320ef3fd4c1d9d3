"""What the pages of the system ask for: users, the audit trail, connections, and what the user may do.

Users and the trail are read in the user's own session: to whoever is no administrator the server refuses
them. The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import audit, connections, users
from hmi.accounts import Accounts, session_of
from hmi.live import Live
from hmi.methods import words
from hmi.rights import rights

MOST_TEXT: Final = 200  # characters of a name or description
MOST_ENTRIES: Final = 500
NO_REQUEST: Final = "not a request"
FAULTS: Final = {
    "BadAlreadyExists": "There is such a user already, or has this role already.",
    "BadInvalidArgument": "This is no name for a user.",
    "BadNotFound": "There is no such user.",
    "BadRequestNotAllowed": "The last administrator stays one.",
    "BadInvalidSelfReference": "You cannot do this to yourself.",
    "BadNotSupported": "This account is Voltkeep's own.",
}


class SystemApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/rights", self.rights, methods=["GET"])
        app.add_api_route("/api/users", self.users, methods=["GET"])
        app.add_api_route("/api/users/{action}", self.change, methods=["POST"])
        app.add_api_route("/api/audit", self.audit, methods=["GET"])
        app.add_api_route("/api/connections", self.connections, methods=["GET"])

    async def rights(self, request: Request) -> Response:
        """What this user may do."""
        _, topology = self._live.channels.connection()
        found = await self._accounts.ask(session_of(request), lambda client: rights(client, topology))
        return JSONResponse({"may": found})

    async def users(self, request: Request) -> Response:
        """All accounts."""
        return JSONResponse({"rows": await self._accounts.ask(session_of(request), users.people)})

    async def change(self, request: Request, action: str) -> Response:
        """Add, change or remove a user, or say why not; of a new one-time password this is the only word."""
        asked_for = wanted(action, await request.body())
        if asked_for is None:
            return JSONResponse({"fault": NO_REQUEST}, 400)
        password, calls = asked_for
        results = await self._accounts.call(session_of(request), calls)
        for result in results:
            if not result.StatusCode.is_good():
                fault = FAULTS.get(result.StatusCode.name) or words(result.StatusCode)
                return JSONResponse({"fault": fault})
        return JSONResponse({"password": password})

    async def audit(self, request: Request, start: int, end: int) -> Response:
        """The newest entries of the trail between two times [ms]."""
        _, topology = self._live.channels.connection()
        try:
            asked = audit.Question(start, end, MOST_ENTRIES)
        except ValueError:
            return JSONResponse({"fault": NO_REQUEST}, 400)
        found = await self._accounts.ask(
            session_of(request), lambda client: audit.read(client, topology, asked)
        )
        return JSONResponse({"rows": found, "more": len(found) == MOST_ENTRIES})

    async def connections(self, request: Request) -> Response:
        """The server, who is connected to it as far as this user may know, and what it refused."""
        found = await self._accounts.ask(session_of(request), connections.read)
        return JSONResponse(found)


def wanted(action: str, body: bytes) -> tuple[str, users.Calls] | None:
    """The one-time password, if there is to be one, and the calls; None for what makes no sense."""
    try:
        asked: Any = json.loads(body)
        name = asked["name"]
        role, description = asked.get("role", "Viewer"), asked.get("description", "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    texts = (name, role, description)
    if not all(isinstance(text, str) and len(text) <= MOST_TEXT for text in texts) or role not in users.ROLES:
        return None
    if action == "add":
        return users.adding(name, role, description)
    if action == "reset":
        return users.resetting(name)
    calls = {
        "role": lambda: users.role_change(name, role),
        "enable": lambda: users.enabling(name, True, bool(asked.get("must_change"))),
        "disable": lambda: users.enabling(name, False, bool(asked.get("must_change"))),
        "remove": lambda: users.removal(name),
    }
    return ("", [calls[action]()]) if action in calls else None
