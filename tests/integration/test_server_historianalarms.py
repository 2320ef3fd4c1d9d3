"""From a full spill to the alarm: clients are told that history is lost, by the alarms that ship."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client
from databaseproxy import DatabaseProxy, proxy_of
from opcuaserver import OpcUaTestServer, serve
from registerplant import listen, told

import config
from nodeset.tags import HistorianState

SHIPPED = Path(config.__file__).parent / "alarms.yaml"


@pytest.fixture
async def proxy(database: str) -> AsyncIterator[DatabaseProxy]:
    async with proxy_of(database) as proxy:
        yield proxy


@pytest.fixture
async def small_spill(home: Path, proxy: DatabaseProxy) -> AsyncIterator[OpcUaTestServer]:
    """A server whose disk takes no scan."""
    history: dict[str, Any] = {"url": proxy.conninfo, "buffer_scans": 3, "spill_gb": 1e-9}
    server, end = await asyncio.to_thread(serve, home, proxy.conninfo, historian=history, alarms=SHIPPED)
    try:
        yield server
    finally:
        await asyncio.to_thread(end)


async def read(server: OpcUaTestServer, client: Client, name: str) -> Any:
    return await client.get_node(server.node_id(f"Fleet.{name}")).read_value()


def health(server: OpcUaTestServer) -> dict[str, Any]:
    url = f"http://127.0.0.1:{server.settings.metrics.port}/health"
    with urllib.request.urlopen(url, timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


async def test_scans_that_are_lost_are_an_alarm(small_spill: OpcUaTestServer, proxy: DatabaseProxy) -> None:
    async with small_spill.client() as client:
        assert await read(small_spill, client, "HistorianState") == HistorianState.WRITING
        events = await listen(client)
        await proxy.shut()
        async with asyncio.timeout(20):
            while not (found := [each for each in await told(events) if each[1] == "HistoryLost"]):
                pass
        ((_, _, active, severity),) = found
        assert (active, severity) == (True, 900)
        assert await read(small_spill, client, "HistorianState") == HistorianState.LOSING
        assert await read(small_spill, client, "HistorianDropped") > 0
        assert await read(small_spill, client, "HistorianWaiting") >= 3
        state = await asyncio.to_thread(health, small_spill)
        assert state["status"] == "degraded"
        assert state["historian"]["state"] == "Losing"
        assert state["historian"]["scans_dropped"] > 0
        await proxy.open()
        async with asyncio.timeout(20):
            while await read(small_spill, client, "HistorianWaiting"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await read(small_spill, client, "HistorianState") == HistorianState.LOSING  # for a minute
