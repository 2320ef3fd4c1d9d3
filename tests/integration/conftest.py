"""A running server that the integration tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from asyncua import Client
from opcuaserver import OpcUaTestServer, serve


@pytest.fixture(scope="session")
def client_home() -> Iterator[Path]:
    """Where the test client keeps its certificate."""
    with tempfile.TemporaryDirectory(prefix="voltkeep-client-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def server(postgres: str) -> Iterator[OpcUaTestServer]:
    """A server with a small fleet on a simulated plant, with a database of its own."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE server")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        running, end = serve(Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="server"))
        yield running
        end()


@pytest.fixture
async def client(server: OpcUaTestServer) -> AsyncIterator[Client]:
    """Anybody's client."""
    async with server.client() as client:
        yield client


@pytest.fixture
async def admin(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    """The administrator's client, over an encrypted channel."""
    async with server.admin(client_home) as client:
        yield client
