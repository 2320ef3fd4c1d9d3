"""What the page of comparison asks for: spreads by site, and declines by season.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}` with a fitting status.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from asyncua import Client
from fastapi import FastAPI, Response

from hmi import history
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import FLEET_KEY, NotFound
from hmi.comparison import SEASONS, declines, spread
from hmi.live import Live
from hmi.timelimit import time_limit
from hmi.topology import Topology
from hmi.trend import DAY, HOUR, Point

TAGS: Final = ("AmbientTemperature", "Humidity", "MeanStateOfHealth", "MeanRemainingUsefulLife")
RANGES: Final = {
    "7d": (7 * DAY, HOUR),
    "30d": (30 * DAY, HOUR),
    "90d": (90 * DAY, 3 * HOUR),
    "1y": (365 * DAY, 12 * HOUR),
}
HEALTH: Final = ("MeanStateOfHealth", 730 * DAY, 7 * DAY)
FRESH: Final = 20.0  # s that an answer is good for everybody who asks the same


class CompareApi:
    """The routes, over the shared live session."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/spread", self.spread, methods=["GET"])
        app.add_api_route("/api/seasons", self.seasons, methods=["GET"])

    async def spread(self, tag: str = "AmbientTemperature", span: str = "30d") -> Response:
        """How a value of each site was spread over one of `RANGES`."""
        if tag not in TAGS or span not in RANGES:
            raise NotFound(tag)
        length, step = RANGES[span]

        def row(_site: str, points: list[Point]) -> dict[str, Any] | None:
            found = spread(points)
            return None if found is None else asdict(found)

        return await self._answer((tag, span), tag, length, step, row)

    async def seasons(self) -> Response:
        """How much state of health each site lost a month in each season of the last two years [%]."""

        _, topology = self._live.channels.connection()

        def row(site: str, points: list[Point]) -> dict[str, float | None]:
            return dict(zip(SEASONS, declines(points, topology.zone(site)), strict=True))

        return await self._answer(("seasons",), *HEALTH, row)

    async def _answer(self, key: Any, tag: str, length: int, step: int, row: Any) -> Response:
        client, topology = self._live.channels.connection()
        end = max(self._live.state.server_time, self._live.channels.newest(FLEET_KEY))

        async def made() -> bytes:
            found = await _averages(client, topology, tag, end, length, step)
            return encode({"sites": {site: row(site, points) for site, points in found.items()}}).encode()

        body = await self._answers.get(key, FRESH, made)
        return Response(body, media_type="application/json")


async def _averages(
    client: Client, topology: Topology, tag: str, end: int, length: int, step: int
) -> dict[str, list[Point]]:
    """Averages of every `step` of a site variable, by site."""
    async with time_limit(history.TIMEOUT):
        nodes = {site.path: topology.node(f"{site.path}.{tag}") for site in topology.sites}
        found = await history.averages(client, list(nodes.values()), end - length, end, step)
    return dict(zip(nodes, found, strict=True))
