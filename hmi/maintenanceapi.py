"""What the pages of maintenance ask for: what falls due, how it is best done, and what was done.

The session was checked by `Guard`; what the server refuses is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncua import ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import forecast, planning, records
from hmi.accounts import Accounts, session_of
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.live import Live
from hmi.methods import words
from hmi.topology import FLEET, Topology

FRESH: Final = 20.0  # s that an answer is good for everybody who asks the same
NO_REQUEST: Final = "not a request"
FAULTS: Final = {
    "BadEntryExists": "This is recorded already: the same work of the same asset with the same beginning.",
    "BadNoCommunication": "The historian's database is away; nothing was recorded. Try again later.",
    "BadInvalidArgument": "This does not fit: look at the field that is marked.",
    "BadOutOfRange": "A figure or time is out of its range: look at the field that is marked.",
    "BadNodeIdUnknown": "There is no such asset that work is done on.",
}


class MaintenanceApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/forecast", self.forecast, methods=["GET"])
        app.add_api_route("/api/plan", self.plan, methods=["GET"])
        app.add_api_route("/api/records/{which}", self.records, methods=["GET"])
        app.add_api_route("/api/record/{action}", self.record, methods=["POST"])

    async def forecast(self, site: str = "", quarters: int = 12) -> Response:
        """What falls due by quarter and year (`hmi.forecast.Forecast.as_json`)."""
        client, topology = self._live.channels.connection()

        async def made() -> dict[str, Any]:
            return (await forecast.read(client, topology, site, quarters)).as_json()

        return await self._planned(topology, ("forecast", site, quarters), made)

    async def plan(self, site: str = "", quarters: int = 12) -> Response:
        """Visits and what they cost (`hmi.planning.Plan.as_json`)."""
        client, topology = self._live.channels.connection()

        async def made() -> dict[str, Any]:
            return (await planning.read(client, topology, site, quarters)).as_json(topology)

        return await self._planned(topology, ("plan", site, quarters), made)

    async def records(self, request: Request, which: str, start: int, end: int, asset: str = "") -> Response:
        """What was done, or tested, of an asset between two times [ms], the newest first; as this user."""
        _, topology = self._live.channels.connection()
        if asset and asset != FLEET and asset not in topology.by_path:
            raise NotFound(asset)
        try:
            asked = records.Question(which, asset, start, end)
        except ValueError:
            return JSONResponse({"fault": NO_REQUEST}, 400)
        try:
            rows = await self._accounts.ask(
                session_of(request), lambda client: records.listed(client, topology, asked)
            )
        except ua.UaStatusCodeError as error:
            return JSONResponse({"fault": fault_of(ua.StatusCode(error.code))})
        return JSONResponse({"rows": rows})

    async def record(self, request: Request, action: str) -> Response:
        """Record work or a test, as this user: what each asset's call gave, or why it was refused."""
        _, topology = self._live.channels.connection()
        try:
            asked = json.loads(await request.body())
            calls = records.wanted(topology, action, asked)
        except (ValueError, TypeError, KeyError, AttributeError):
            return JSONResponse({"fault": NO_REQUEST}, 400)
        results = await self._accounts.call(session_of(request), calls)
        faults = [
            {"asset": asset, "fault": fault_of(result.StatusCode), "argument": _argument(result)}
            for asset, result in zip(asked["assets"], results, strict=True)
            if not result.StatusCode.is_good()
        ]
        if len(faults) == len(results):
            return JSONResponse(faults[0])
        given = [result.OutputArguments[0].Value for result in results if result.StatusCode.is_good()]
        return JSONResponse({"given": given, "faults": faults})

    async def _planned(
        self, topology: Topology, key: tuple[str, str, int], make: Callable[[], Awaitable[dict[str, Any]]]
    ) -> Response:
        """An answer about a site over some quarters, or why there is none."""
        _, site, quarters = key
        if site and site not in {each.path for each in topology.sites}:
            raise NotFound(site)
        if not 1 <= quarters <= forecast.MOST_QUARTERS:
            return JSONResponse({"fault": NO_REQUEST}, 400)

        async def made() -> bytes:
            return encode(await make()).encode()

        try:
            body = await self._answers.get(key, FRESH, made)
        except ua.UaStatusCodeError as error:
            return JSONResponse({"fault": words(ua.StatusCode(error.code))})
        return Response(body, media_type="application/json")


def fault_of(status: ua.StatusCode) -> str:
    """Why nothing was recorded or read, in words."""
    return FAULTS.get(status.name) or words(status)


def _argument(result: ua.CallMethodResult) -> int | None:
    """Which argument the server found at fault, from 0."""
    found = (k for k, each in enumerate(result.InputArgumentResults or ()) if not each.is_good())
    return next(found, None)
