"""The two servers that a probe of a hole is tried on: ours, which must pass, and stock asyncua."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from asyncua import Client, ua
from opcuaserver import PASSWORD, OpcUaTestServer, answer, free_port, request

from nodeset.frame import Frame
from server.livetable import LiveTable
from server.security.certificates import Application, own_certificate
from server.services.subscription import SubscriptionService

JAR = "Bangrak/UPS-1/S01/J02"
START_LIMIT = 60.0
S = ua.StatusCodes


@dataclass(frozen=True)
class Target:
    """A server, its nodes that probes need, and how to make something happen in it."""

    server: OpcUaTestServer
    home: Path
    pid: int
    number: ua.NodeId  # a Double, of 0 to 20 V, with history
    others: list[ua.NodeId]  # more of the kind
    array: ua.NodeId  # of four elements
    unreadable: ua.NodeId  # AccessLevel says no
    above: ua.NodeId  # notifier over the jar where `fire` makes an event
    event_type: ua.NodeId  # a supertype of that event's
    condition: ua.NodeId
    method: tuple[ua.NodeId, ua.NodeId]  # with one argument that is no Boolean
    not_executable: tuple[ua.NodeId, ua.NodeId]
    much: list[ua.ReadValueId]  # reads some 300 kB or more
    put: Callable[[float], Awaitable[None]]
    fire: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def user(self) -> AsyncIterator[Client]:
        """Somebody who has logged in, by the right password."""
        client = await self.server.secured(self.home)
        client.set_user("admin")
        client.set_password(PASSWORD)
        async with client:
            yield client

    def resident(self) -> int:
        """Memory in use [bytes]."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the server has ended")


async def code_of(asked: Awaitable[Any]) -> int:
    """The StatusCode with which a request as a whole ends."""
    try:
        await asked
    except ua.UaStatusCodeError as error:
        return int(error.code)
    return 0


async def call(client: Client, method: tuple[ua.NodeId, ua.NodeId], *arguments: ua.Variant) -> Any:
    """The result of a Call."""
    owner, which = method
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(owner, which, list(arguments))])
    return (await answer(client, ua.CallResponse, sent)).Results[0]


# -- ours


class _Plant:
    """Puts values into the live table as a scan does; the real scan is kept from it meanwhile."""

    def __init__(self, server: OpcUaTestServer) -> None:
        self._server = server
        self._opcua = server.app._opcua
        self._row = self._opcua._table.index.row(JAR, "Voltage")

    async def put(self, value: float) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._put(value), self._server.loop))

    async def _put(self, value: float) -> None:
        frame = self._opcua._table.frame
        values, status = frame.value.copy(), frame.status.copy()
        values[self._row], status[self._row] = value, 0
        time = frame.time + 1
        new = Frame(frame.index, frame.number + 1, time, values, status, np.full(len(values), time))
        LiveTable.commit(self._opcua._table, new.freeze())
        SubscriptionService.on_commit(self._opcua.subscriptions)

    async def fire(self) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._fire(), self._server.loop))

    async def _fire(self) -> None:
        """The jar cools down, if it is not cool, and becomes too hot."""
        for temperature in (25.0, 50.0):
            frame = self._opcua._table.frame
            values, status = frame.value.copy(), np.zeros_like(frame.status)
            column = frame.index.column(values, "Jar", "Temperature")
            column[:] = 25.0
            column[frame.index.fleet.index_of[JAR][1]] = temperature
            conditions = self._opcua.conditions
            frame = Frame(frame.index, frame.number, frame.time, values, status, frame.source_time.copy())
            conditions.tell(conditions.table, conditions.table.step(frame))


@contextmanager
def our_target(server: OpcUaTestServer, home: Path, pid: int, patch: Any) -> Iterator[Target]:
    """Ours; its scan commits nothing and evaluates no alarms meanwhile."""
    opcua = server.app._opcua
    patch.setattr(opcua._table, "commit", lambda _frame: 0)
    patch.setattr(opcua.subscriptions, "on_commit", lambda: None)
    patch.setattr(opcua.conditions, "step", lambda _frame: None)
    plant = _Plant(server)
    jars = [jar.path for jar in opcua._table.index.fleet.jars]
    others = [server.node_id(f"{jar}.Voltage") for jar in jars if jar != JAR]
    many = [*others, server.node_id(f"{JAR}.Voltage")]
    much = [ua.ReadValueId(many[i % len(many)], ua.AttributeIds.Value) for i in range(10_000)]
    yield Target(
        server=server,
        home=home,
        pid=pid,
        number=server.node_id(f"{JAR}.Voltage"),
        others=others,
        array=server.node_id(f"{JAR}.HealthStatus.EnumStrings"),
        unreadable=_closed(server, patch),
        above=server.node_id("Bangrak"),
        event_type=ua.NodeId(ua.ObjectIds.AlarmConditionType),
        condition=server.node_id(f"{JAR}#TemperatureHigh"),
        method=(server.node_id("Analytics"), server.node_id("Analytics.PredictRul")),
        not_executable=(
            ua.NodeId(ua.ObjectIds.Server),
            ua.NodeId(ua.ObjectIds.Server_RequestServerStateChange),
        ),
        much=much,
        put=plant.put,
        fire=plant.fire,
    )


def _closed(server: OpcUaTestServer, patch: Any) -> ua.NodeId:
    """A variable that nobody may read: one of the standard's, for as long as a probe lasts."""
    node_id = ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_ServerProfileArray)
    node = server.inside(lambda: server.app._opcua.conditions and _space(server).get(node_id))
    for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
        value = SimpleNamespace(value=ua.DataValue(ua.Variant(0, ua.VariantType.Byte)), value_callback=None)
        patch.setitem(node.attributes, attribute, value)
    return node_id


def _space(server: OpcUaTestServer) -> Any:
    """The address space, which the method service knows."""
    handlers = server.app._opcua.dispatcher._secured
    service = handlers[int(ua.ObjectIds.CallRequest_Encoding_DefaultBinary)].__self__
    return service._space


# -- stock asyncua


@contextmanager
def stock_server(home: Path) -> Iterator[Target]:
    """A stock server that runs."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="voltkeep-stock-") as name:
        folder = Path(name)
        own_certificate(folder, Application("urn:freeopcua:python:server", "Stock", "localhost"))
        (folder / "pki" / "trusted" / "certs").mkdir(parents=True)  # where `secured` puts its own
        command = [sys.executable, str(Path(__file__).with_name("stockserver.py")), str(port), name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield _stock_target(home, folder, port, process.pid)
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _stock_target(home: Path, folder: Path, port: int, pid: int) -> Target:
    settings: Any = SimpleNamespace(
        endpoint=f"opc.tcp://127.0.0.1:{port}/", home=folder, opcua=SimpleNamespace(port=port)
    )
    nothing: Any = None
    server = OpcUaTestServer(nothing, nothing, settings, 2)

    async def put(value: float) -> None:
        async with server.client() as client:
            now = dt.datetime.now(dt.UTC)
            new = ua.DataValue(ua.Variant(value, ua.VariantType.Double), SourceTimestamp=now)
            await client.get_node(server.node_id("Number")).write_value(new)

    async def fire() -> None:
        async with server.client() as client:
            await call(client, (server.node_id("Jar"), server.node_id("Fire")))

    jar = server.node_id("Jar")
    return Target(
        server=server,
        home=home,
        pid=pid,
        number=server.node_id("Number"),
        others=[server.node_id("Other")] * 5,
        array=server.node_id("Array"),
        unreadable=server.node_id("Closed"),
        above=server.node_id("Site"),
        event_type=ua.NodeId(ua.ObjectIds.BaseEventType),
        condition=jar,
        method=(jar, server.node_id("Double")),
        not_executable=(jar, server.node_id("Idle")),
        much=[ua.ReadValueId(server.node_id("Blob"), ua.AttributeIds.Value)],
        put=put,
        fire=fire,
    )
