"""Health, readiness and metrics over HTTP (I8, O1)."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from server.health import Health


class _Collector(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        return self._health.metrics()


def application(health: Health) -> web.Application:
    """The web application with /health, /ready and /metrics."""
    registry = CollectorRegistry()
    registry.register(_Collector(health))

    async def get_health(_request: web.Request) -> web.Response:
        return web.json_response(health.state())

    async def get_ready(_request: web.Request) -> web.Response:
        state = health.state()
        return web.json_response(state, status=200 if health.scanning else 503)

    async def get_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes(
        [
            web.get("/health", get_health),
            web.get("/ready", get_ready),
            web.get("/metrics", get_metrics),
        ]
    )
    return app
