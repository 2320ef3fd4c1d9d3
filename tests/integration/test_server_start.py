"""A server starts whatever its last run left behind, and comes back with what it knew."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from asyncua import ua
from opcuaserver import PASSWORD, OpcUaTestServer, serve

from server.statefiles import read_arrays, write_arrays


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written is tried again soon."""
    monkeypatch.setattr("server.alarms.ledger.RETRY", 0.05)


@pytest.fixture
def place(postgres: str) -> Iterator[tuple[Path, str]]:
    """A home and a database with nothing in them."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE again")
        with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
            os.chmod(name, 0o711)
            yield Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="again")
        connection.execute("DROP DATABASE again WITH (FORCE)")


async def alarms_that_cannot_be_written_down_are_told(server: OpcUaTestServer) -> None:
    ledger = server.app._ledger
    path, url = ledger._path, f"http://127.0.0.1:{server.settings.metrics.port}/health"

    def alarms() -> tuple[str, Any]:
        with urllib.request.urlopen(url, timeout=10) as answer:
            state = json.load(answer)
        return state["status"], state["alarms"]

    def place(at: Path) -> None:
        ledger._path = at
        ledger._failed(OSError("No space left on device"))

    assert (await asyncio.to_thread(alarms))[1]["status"] == "ok"
    server.inside(lambda: place(Path("/proc/none/alarms.ledger")))
    status, told = await asyncio.to_thread(alarms)
    assert (status, told["status"]) == ("degraded", "not kept")
    assert told["error"]
    server.inside(lambda: place(path))
    async with asyncio.timeout(10):
        while (await asyncio.to_thread(alarms))[1]["status"] != "ok":  # noqa: ASYNC110 (its loop is another)
            await asyncio.sleep(0.1)


async def test_a_restart_over_torn_and_foreign_state(place: tuple[Path, str], client_home: Path) -> None:
    home, database = place
    server, end = serve(home, database)
    async with server.client() as client:
        assert await client.get_node(ua.ObjectIds.Server_ServerStatus_State).read_value() == 0
    end()
    state = home / "var" / "state"
    twin = read_arrays(state / "twin.npz")
    assert twin is not None
    (state / "twin.npz").write_bytes((state / "twin.npz").read_bytes()[:100])
    (state / "alarms.ledger").write_bytes((state / "alarms.ledger").read_bytes()[:-1])
    write_arrays(state / "alarms.npz", {"identifier": np.array(["of another version"])})
    server, end = serve(home, database)
    await alarms_that_cannot_be_written_down_are_told(server)
    async with server.admin(client_home) as client:  # the account is kept, and so is the certificate
        value = await client.get_node(server.node_id("Bangrak/UPS-1/S01/J01.Voltage")).read_data_value()
        assert value.StatusCode.is_good()
    assert server.app.admin_password is None
    end()
    assert PASSWORD not in "".join(
        p.read_text(errors="replace") for p in (home / "var").rglob("*") if p.is_file()
    )
