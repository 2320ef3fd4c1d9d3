"""A server starts whatever its last run left behind, and comes back with what it knew."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from asyncua import ua
from opcuaserver import PASSWORD, serve

from server.statefiles import read_arrays, write_arrays


@pytest.fixture
def place(postgres: str) -> Iterator[tuple[Path, str]]:
    """A home and a database with nothing in them."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE again")
        with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
            os.chmod(name, 0o711)
            yield Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="again")
        connection.execute("DROP DATABASE again WITH (FORCE)")


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
    async with server.admin(client_home) as client:  # the account is kept, and so is the certificate
        value = await client.get_node(server.node_id("Bangrak/UPS-1/S01/J01.Voltage")).read_data_value()
        assert value.StatusCode.is_good()
    assert server.app.admin_password is None
    end()
    assert PASSWORD not in "".join(
        p.read_text(errors="replace") for p in (home / "var").rglob("*") if p.is_file()
    )
