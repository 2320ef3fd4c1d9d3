"""What the page of trends asks for: variables to choose from, their history over any span, and what happened.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}` with a fitting status.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import history, markers, series
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import FLEET_KEY, NotFound
from hmi.live import Live
from hmi.topology import FLEET

MOST_ASSETS: Final = 8
DECIMALS: Final = 5
NO_SPAN: Final = "This is no span of time."
_MILLISECOND: Final = 1000  # µs


class TrendApi:
    """The routes, over the shared live session."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/variables", self.variables, methods=["GET"])
        app.add_api_route("/api/series", self.series, methods=["GET"])
        app.add_api_route("/api/markers", self.markers, methods=["GET"])

    async def variables(self, path: str = "") -> Response:
        """The historised variables of an asset, of the fleet without a path."""
        client, topology = self._live.channels.connection()
        if path and path not in topology.by_path:
            raise NotFound(path)
        found = await series.variables(client, topology, path)
        return JSONResponse({"path": path or FLEET, "variables": [asdict(each) for each in found]})

    async def series(self, variable: str, start: int, end: int) -> Response:
        """A variable from `start` to `end` [ms]: times and values, null where not good; long ones banded."""
        client, topology = self._live.channels.connection()
        end = min(end, self._newest() // _MILLISECOND)
        try:
            node = topology.node(series.identifier(topology, variable))
            which = series.span_of(start * _MILLISECOND, end * _MILLISECOND)
        except KeyError:
            raise NotFound(variable) from None
        except ValueError:
            return JSONResponse({"fault": NO_SPAN}, 400)

        async def made() -> bytes:
            found = await history.trend(client, node, which, end * _MILLISECOND)
            (about,) = await series.described(client, topology, [variable])
            return encode(
                {
                    "unit": about.unit,
                    "states": about.states,
                    "t": [time // _MILLISECOND for time, _ in found.line],
                    "v": [_short(value) for _, value in found.line],
                    "low": [_short(value) for _, value in found.low],
                    "high": [_short(value) for _, value in found.high],
                    "simulated": [[a // _MILLISECOND, b // _MILLISECOND] for a, b in found.simulated],
                }
            ).encode()

        # Who follows the same trend asks at other moments: within what an answer is good for they are one.
        at = end // int(which.fresh * 1000)
        body = await self._answers.get((variable, which.length, which.interval, at), which.fresh, made)
        return Response(body, media_type="application/json")

    async def markers(self, request: Request, start: int, end: int) -> Response:
        """What happened to some assets (`path`, several) between two times [ms]."""
        client, topology = self._live.channels.connection()
        paths = request.query_params.getlist("path")[:MOST_ASSETS]
        if not 0 <= start < end or any(path not in topology.by_path and path != FLEET for path in paths):
            return JSONResponse({"fault": NO_SPAN}, 400)
        found = await markers.read(client, topology, paths, start, end)
        return JSONResponse({"markers": found})

    def _newest(self) -> int:
        return max(self._live.state.server_time, self._live.channels.newest(FLEET_KEY))


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
