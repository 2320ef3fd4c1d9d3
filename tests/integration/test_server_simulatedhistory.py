"""HistoryRead while a simulation runs on a simulated plant: its rows cover the plant's, and go (S5)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from asyncua import ua
from opcuaserver import PASSWORD, OpcUaTestServer
from opcuasimulations import Engineer

from nodeset import status as st
from server.security.users import Role

JAR = "Bangrak/UPS-1/S02/J03"
PURGED_WITHIN = 5.0  # s (S5)
PATIENCE = 20.0
FUTURE = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Engineer]:
    async def make() -> None:
        if "hana" not in server.app._opcua.accounts:
            await server.app._opcua.accounts.set("hana", Role.ENGINEER, PASSWORD)

    asyncio.run_coroutine_threadsafe(make(), server.loop).result(10)
    async with server.admin(client_home, "hana") as client:
        made = Engineer(client, server)
        yield made
        await made.stop_all()


async def test_history_shows_a_simulation_while_it_runs_and_the_plant_after_it(engineer: Engineer) -> None:
    server = engineer.server
    node = engineer.client.get_node(server.node_id(f"{JAR}.Temperature"))

    async def newest() -> list[ua.DataValue]:
        """The last three values, newest first."""
        found: list[ua.DataValue] = await node.read_raw_history(None, FUTURE, 3, return_bounds=False)
        return found

    simulation = await engineer.start("TemperatureSpike", JAR, Rise=40.0, Ramp=0.0)
    async with asyncio.timeout(PATIENCE):
        found = await newest()
        while len(found) < 3 or any(v.StatusCode.value != st.UNCERTAIN_SIMULATED_VALUE for v in found):
            found = await newest()
    live = await node.read_data_value(raise_on_bad_status=False)
    assert abs(found[0].Value.Value - live.Value.Value) < 5
    times = {value.SourceTimestamp for value in found}
    await engineer.stop(simulation)
    after: list[ua.DataValue] = await node.read_raw_history(min(times), FUTURE, 20, return_bounds=False)
    assert all(value.StatusCode.is_good() for value in after)
    assert all(value.Value.Value < found[0].Value.Value - 20 for value in after)
    purged = asyncio.run_coroutine_threadsafe(server.app._opcua._historian.purged(), server.loop)
    await asyncio.wait_for(asyncio.wrap_future(purged), PURGED_WITHIN)
    assert server.settings.historian.url is not None
    with psycopg.connect(server.settings.historian.url.get_secret_value()) as connection:
        for table in ("jar", "string", "system", "site", "fleet"):
            query = f"SELECT count(*) FROM {table}_simulated".encode()
            assert connection.execute(query).fetchone() == (0,)
