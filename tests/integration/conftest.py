"""A running server that the integration tests share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from asyncua import Client
from opcuaserver import OpcUaTestServer, serve
from opcuasubscriber import Heat

from historian.historian import Historian
from nodeset.frame import Frame
from server.alarms.events import condition_events
from server.alarms.table import AlarmTable
from server.security.audit import AuditEntry

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Write = Callable[..., Awaitable[None]]


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
def empty(postgres: str) -> Iterator[str]:
    """A database without a schema."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield psycopg.conninfo.make_conninfo(postgres, dbname="empty")
        connection.execute("DROP DATABASE empty WITH (FORCE)")


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


@pytest.fixture
def heat(server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch) -> Heat:
    """Give a jar a temperature, as a scan's alarm step sees it; the scan itself looks at no alarms.

    The scan's time [µs] is that of the frame that there is, unless it is given. What earlier tests have left
    is acknowledged, so that no alarm of before goes on as a branch.
    """
    conditions = server.app._opcua.conditions
    step = conditions.step
    monkeypatch.setattr(conditions, "step", lambda _frame: None)
    cold = 25.0

    def put(path: str, value: float, time: int | None = None) -> None:
        def act() -> None:
            frame = server.app._opcua._table.frame
            values, status = frame.value.copy(), np.zeros_like(frame.status)
            column = frame.index.column(values, "Jar", "Temperature")
            column[:] = temperatures
            column[frame.index.fleet.index_of[path][1]] = value
            temperatures[:] = column
            step(
                Frame(frame.index, frame.number, time or frame.time, values, status, frame.source_time.copy())
            )

        server.inside(act)

    jars = server.app._opcua._table.index.fleet.jars
    temperatures = np.full(len(jars), cold)
    for jar in jars:
        put(jar.path, cold)
    server.inside(lambda: _acknowledge_all(conditions.table))
    return put


def _acknowledge_all(table: AlarmTable) -> None:
    """Leave nothing to acknowledge or confirm, and so no branches."""
    for act in (table.acknowledge, table.confirm):
        left = table.retained()
        for row, event in zip(left.rows.tolist(), condition_events(table, left, 0), strict=True):
            if not (event.state.acked if act == table.acknowledge else event.state.confirmed):
                act(row, event.event_id, None, "", event.state.time)


@pytest.fixture
def entries(server: OpcUaTestServer) -> Iterator[list[AuditEntry]]:
    """What the audit trail gets."""
    found: list[AuditEntry] = []
    audit = server.app._opcua.audit
    server.inside(lambda: audit.flush(everything=True))  # what other tests had refused does not count
    sinks = audit.sinks
    sinks.append(found.append)
    yield found
    sinks.remove(found.append)


@pytest.fixture
def write(historian: Historian, until: Until) -> Write:
    """Write frames, and return when that is done."""

    async def write(*frames: Frame) -> None:
        target = historian.stats.scans_written + len(frames)
        for frame in frames:
            historian.offer(frame)
        await until(lambda: historian.stats.scans_written == target)

    return write
