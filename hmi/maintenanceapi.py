"""What the pages of maintenance ask for: what falls due, how it is best done, and what was done.

The session was checked by `Guard`; what the server refuses is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from asyncua import ua
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from hmi import forecast, planning
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.live import Live
from hmi.methods import words
from hmi.topology import Topology

FRESH: Final = 20.0  # s that an answer is good for everybody who asks the same
NO_REQUEST: Final = "not a request"


class MaintenanceApi:
    """The routes, over the shared live session."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/forecast", self.forecast, methods=["GET"])
        app.add_api_route("/api/plan", self.plan, methods=["GET"])

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
            return (await planning.read(client, topology, site, quarters)).as_json()

        return await self._planned(topology, ("plan", site, quarters), made)

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
