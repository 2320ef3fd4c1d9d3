"""Health of the HMI for machines: `/health`, `/ready` (JSON) and `/metrics` (Prometheus text)."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from hmi.live import Live


class Health:
    """The routes, over the state of the shared session."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def add_to(self, app: FastAPI) -> None:
        """Add all routes to the web application."""
        app.add_api_route("/health", self.health, methods=["GET"])
        app.add_api_route("/ready", self.ready, methods=["GET"])
        app.add_api_route("/metrics", self.metrics, methods=["GET"])

    async def health(self) -> Response:
        """The HMI answers; what it hears of the server stands beside it."""
        return JSONResponse({"hmi": "ok", "opcua": self._opcua()} | self._live.channels.counts())

    async def ready(self) -> Response:
        """200 when live data comes in, else 503."""
        return JSONResponse({"opcua": self._opcua()}, 200 if self._live.state.up else 503)

    async def metrics(self) -> Response:
        """A few gauges."""
        active, unacknowledged, _ = self._live.alarms.counts()
        gauges = self._live.channels.counts() | {
            "opcua_connected": int(self._live.state.up),
            "alarms_active": active,
            "alarms_unacknowledged": unacknowledged,
            "tasks": len(asyncio.all_tasks()),
        }
        lines = [f"# TYPE voltkeep_hmi_{k} gauge\nvoltkeep_hmi_{k} {v}\n" for k, v in gauges.items()]
        return Response("".join(lines), media_type="text/plain; version=0.0.4")

    def _opcua(self) -> str:
        return "connected" if self._live.state.up else self._live.state.reason
