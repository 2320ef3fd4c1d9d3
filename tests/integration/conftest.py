"""A running server that the integration tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
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
