"""A server backed up while it runs, and one on what was restored: same users, keys, alarms and past."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from asyncua import Client, ua
from opcuaserver import PASSWORD, OpcUaTestServer, serve
from psycopg import sql
from psycopg.conninfo import make_conninfo
from test_server_history import BEGINNING, read, values

from historian.archive import Archive
from historian.backup import Content, back_up
from historian.restore import files_restored, fill

JAR = "Bangrak/UPS-1/S01/J02"
CONDITION = f"{JAR}#TemperatureHigh"
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def databases(postgres: str) -> Iterator[list[str]]:
    names = [f"voltkeep_{uuid.uuid4().hex}" for _ in range(2)]
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield [make_conninfo(postgres, dbname=name) for name in names]
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _use(client: Client, server: OpcUaTestServer, until: Until) -> None:
    """Give the server something to remember."""
    condition = client.get_node(server.node_id(CONDITION))
    await condition.call_method(ua.NodeId(ua.ObjectIds.ConditionType_Disable))
    conninfo = server.settings.historian.url.get_secret_value()
    await until(lambda: _scans(conninfo) >= 20)


def _scans(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        return connection.execute("SELECT count(*) FROM fleet_reading").fetchone()[0]  # type: ignore[index]


async def _past(client: Client, server: OpcUaTestServer) -> list[tuple[Any, Any]]:
    found = await read(client, server.node_id(f"{JAR}.Voltage"), BEGINNING, None, 20)
    return [(value.SourceTimestamp, value.Value.Value) for value in values(found)]


async def test_what_is_backed_up_beside_a_running_server_makes_the_same_server(
    home: Path, databases: list[str], client_home: Path, until: Until
) -> None:
    first, second, file = home / "first", home / "second", home / "file"
    first.mkdir()
    second.mkdir()
    running, end = serve(first, databases[0])
    try:
        async with running.admin(client_home) as client:
            await _use(client, running, until)
            past = await _past(client, running)
            running.inside(running.app._saved.save)
            await asyncio.to_thread(back_up, databases[0], running.settings.home, file, Content(), print)
            begun = _scans(databases[0])
            await until(lambda: _scans(databases[0]) > begun)
            states = running.inside(running.app._alarms.save)
    finally:
        end()
    await asyncio.to_thread(_restore, file, databases[1], second / "var")
    # With another password in the settings than that of the user who was restored.
    again, end = serve(second, databases[1], admin={"password": "Boost-at-14.40-volt"})
    try:
        async with again.admin(client_home, password=PASSWORD) as client:
            assert await _past(client, again) == past
        restored = again.inside(again.app._alarms.save)
        assert states["identifier"].tolist() == [CONDITION]
        for name in ("identifier", "enabled", "user", "nonce"):
            np.testing.assert_array_equal(restored[name], states[name])
        for name in ("pki/own/own.der", "pki/own/own.key.pem", "hmi/service.secret"):
            assert (again.settings.home / name).read_bytes() == (running.settings.home / name).read_bytes()
    finally:
        end()


def _restore(file: Path, conninfo: str, home: Path) -> None:
    home.mkdir()
    with Archive(file) as archive, files_restored(archive, home):
        fill(archive, conninfo, lambda done: None)
