"""What the page of the fleet asks for beside its live values: how the fleet fared in the last months.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}` with a fitting status.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Response

from hmi import fleettrend
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import FLEET_KEY
from hmi.live import Live

FRESH: Final = 300.0  # s: a value a day changes slowly


class FleetApi:
    """The routes, over the shared live session."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/fleettrend", self.trend, methods=["GET"])

    async def trend(self) -> Response:
        """Daily values of the last six months (`hmi.fleettrend.as_json`), the same for all browsers."""
        client, topology = self._live.channels.connection()
        end = max(self._live.state.server_time, self._live.channels.newest(FLEET_KEY))

        async def made() -> bytes:
            return encode(fleettrend.as_json(await fleettrend.read(client, topology, end))).encode()

        body = await self._answers.get(("fleettrend",), FRESH, made)
        return Response(body, media_type="application/json")
