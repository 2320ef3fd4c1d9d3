"""What trends ask for: variables to choose from, their history over any span, and what happened beside it.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}`. Answers are kept for a
moment, so that all who look at the same trend share one reading.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

from asyncua import Client
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from hmi import history, markers, series, upkeep
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import FLEET_KEY, NotFound
from hmi.live import Live
from hmi.topology import FLEET, Topology
from hmi.trend import Reading, reading_of

MOST_ASSETS: Final = 8
DECIMALS: Final = 5
NO_SPAN: Final = "This is no span of time."
EVENTS_FRESH: Final = 10.0  # s
_MILLISECOND: Final = 1000  # µs
From = Annotated[int, Query(alias="from")]


class TrendApi:
    """The routes, over the shared live session."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._answers = Answers()
        self._markers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/variables", self.variables, methods=["GET"])
        app.add_api_route("/api/series", self.series, methods=["GET"])
        app.add_api_route("/api/markers", self.markers, methods=["GET"])
        app.add_api_route("/api/upkeep", self.upkeep, methods=["GET"])

    async def variables(self, path: str = "") -> Response:
        """The historised variables of an asset, of the fleet without a path."""
        client, topology = self._live.channels.connection()
        if path and path not in topology.by_path:
            raise NotFound(path)
        found = await series.variables(client, topology, path)
        return JSONResponse({"path": path or FLEET, "variables": [asdict(each) for each in found]})

    async def series(self, tag: str, since: From, to: int, band: bool = True) -> Response:
        """A variable (`tag`: path.Name) between two times [ms]: times, values, and what is not plainly good.

        `step` is 0 for what is as it was stored; others are averages, with `low` and `high` where the `band`
        between these is asked for. A value is null
        where there is none that is good. `stretches` are `[mark, from, to]` of `hmi.trend.Stretch`.
        """
        client, topology = self._live.channels.connection()
        try:
            series.identifier(topology, tag)
            reading = reading_of(since * _MILLISECOND, min(to * _MILLISECOND, self._newest()))
        except KeyError:
            raise NotFound(tag) from None
        except ValueError:
            return JSONResponse({"fault": NO_SPAN}, 400)
        # Who follows the same trend asks at other moments: within what an answer is good for they are one.
        at = tuple(int(time // (reading.fresh * 1e6)) for time in (reading.start, reading.end))
        key = tag, at, reading.step, band
        body = await self._answers.get(
            key, reading.fresh, lambda: _series(client, topology, tag, reading, band)
        )
        return Response(body, media_type="application/json")

    async def markers(self, request: Request, since: From, to: int) -> Response:
        """What happened to some assets (`path`, several) between two times [ms]."""
        client, topology = self._live.channels.connection()
        paths = tuple(sorted(set(request.query_params.getlist("path"))))[:MOST_ASSETS]
        if not 0 <= since < to or any(path not in topology.by_path and path != FLEET for path in paths):
            return JSONResponse({"fault": NO_SPAN}, 400)

        async def made() -> bytes:
            return encode({"markers": await markers.read(client, topology, paths, since, to)}).encode()

        at = tuple(int(time // (EVENTS_FRESH * 1000)) for time in (since, to))
        body = await self._markers.get((paths, at), EVENTS_FRESH, made)
        return Response(body, media_type="application/json")

    async def upkeep(self, path: str) -> Response:
        """All work on an asset or on what it is part of, and its capacity tests; the oldest first."""
        client, topology = self._live.channels.connection()
        if path not in topology.by_path:
            raise NotFound(path)
        site, now = path.partition("/")[0], self._newest() // _MILLISECOND

        async def made() -> bytes:
            done = await upkeep.work(client, topology, site, 0, now)
            tested = await upkeep.tests(client, topology, site, 0, now)
            own = {"work": done, "tests": tested}
            return encode(
                {
                    name: [row for row in rows if upkeep.concerns(row["asset"], path)]
                    for name, rows in own.items()
                }
            ).encode()

        body = await self._answers.get(("upkeep", path), EVENTS_FRESH, made)
        return Response(body, media_type="application/json")

    def _newest(self) -> int:
        return max(self._live.state.server_time, self._live.channels.newest(FLEET_KEY))


async def _series(client: Client, topology: Topology, tag: str, reading: Reading, band: bool) -> bytes:
    found, (about,) = await asyncio.gather(
        history.trend(client, topology.node(tag), reading, band), series.described(client, topology, [tag])
    )
    return encode(
        {
            "label": about.label,
            "unit": about.unit,
            "states": about.states,
            "from": reading.start // _MILLISECOND,
            "to": reading.end // _MILLISECOND,
            "step": reading.step // _MILLISECOND,
            "t": [time // _MILLISECOND for time, _ in found.line],
            "v": [_short(value) for _, value in found.line],
            "low": [_short(value) for _, value in found.low],
            "high": [_short(value) for _, value in found.high],
            "stretches": [
                [each.mark, each.start // _MILLISECOND, each.end // _MILLISECOND] for each in found.stretches
            ],
        }
    ).encode()


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
