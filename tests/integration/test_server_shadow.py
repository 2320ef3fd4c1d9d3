"""Simulations beside real devices (S6): they show in the mirror, and the plant knows nothing of them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from asyncua import Client, ua
from modbusgateways import free_ports, links_of
from opcuaserver import FLEET_FILE, PASSWORD, OpcUaTestServer, answer, request, serve
from opcuasimulations import Engineer
from opcuasubscriber import Subscriber, item, select

from config.fleetfile import FleetFile
from nodeset import status as st
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex
from nodeset.types import TYPES_URI
from server.security.users import Role
from simulator.gateway import Gateways
from simulator.source import SimulatorSource

S = ua.StatusCodes
Ids = ua.ObjectIds
EVENTS = ua.AttributeIds.EventNotifier
INDEX = TagIndex(build_fleet(FleetFile.model_validate(yaml.safe_load(FLEET_FILE))))
STRING = "Bangrak/UPS-1/S01"
JAR, NEIGHBOUR, FAR = f"{STRING}/J03", f"{STRING}/J04", "Hat Yai/UPS-1/S01/J02"
CONDITION = "TemperatureHigh"
BEGINNING = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
PERIOD = 0.1  # s between updates of the registers
ENDED_WITHIN = 5.0  # s (S5)
PATIENCE = 20.0  # s, for what has no such limit
SPIKE = {"Rise": 40.0, "Ramp": 0.0}

Read = Callable[[str], Awaitable[ua.DataValue]]


@dataclass
class Field:
    """The plant behind its gateways, in a thread of its own; what masters wrote is kept."""

    port: int = field(default_factory=lambda: free_ports(2))
    written: list[tuple[int, float]] = field(default_factory=list)

    def run(self, ready: threading.Event, stop: threading.Event) -> None:
        asyncio.run(self._serve(ready, stop))

    async def _serve(self, ready: threading.Event, stop: threading.Event) -> None:
        source = SimulatorSource(INDEX, 1, _now())
        gateways = Gateways(INDEX, links_of(INDEX, self.port), lambda *what: self.written.append(what))
        gateways.put(await source.read(_now()))
        await gateways.start()
        ready.set()
        while not stop.is_set():
            gateways.put(await source.read(_now()))
            await asyncio.sleep(PERIOD)
        await gateways.close()


def _now() -> int:
    return time.time_ns() // 1000


@pytest.fixture(scope="module")
def field_devices() -> Iterator[Field]:
    ready, stop = threading.Event(), threading.Event()
    devices = Field()
    thread = threading.Thread(target=devices.run, args=(ready, stop), name="field")
    thread.start()
    assert ready.wait(20)
    yield devices
    stop.set()
    thread.join(20)


@pytest.fixture(scope="module")
def real(postgres: str, field_devices: Field) -> Iterator[OpcUaTestServer]:
    """A server that reads Modbus gateways."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE real")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        running, end = serve(
            Path(name),
            psycopg.conninfo.make_conninfo(postgres, dbname="real"),
            source="modbus",
            modbus={"port": field_devices.port},
        )
        yield running
        end()


@pytest.fixture
async def engineer(real: OpcUaTestServer, client_home: Path) -> AsyncIterator[Engineer]:
    async def make() -> None:
        if "erin" not in real.app._opcua.accounts:
            await real.app._opcua.accounts.set("erin", Role.ENGINEER, PASSWORD)

    asyncio.run_coroutine_threadsafe(make(), real.loop).result(10)
    async with real.admin(client_home, "erin") as client:
        made = Engineer(client, real)
        yield made
        await made.stop_all()


@pytest.fixture
def client(engineer: Engineer) -> Client:
    return engineer.client


@pytest.fixture
def read(client: Client, real: OpcUaTestServer) -> Read:
    """The value of a node, whatever its status."""

    async def read(identifier: str) -> ua.DataValue:
        node = client.get_node(real.node_id(identifier))
        return await node.read_data_value(raise_on_bad_status=False)

    return read


async def until(
    read: Read, identifier: str, holds: Callable[[ua.DataValue], bool], within: float = PATIENCE
) -> ua.DataValue:
    async with asyncio.timeout(within):
        while not holds(value := await read(identifier)):  # noqa: ASYNC110 - read, not told
            await asyncio.sleep(0.05)
    return value


def is_simulated(value: ua.DataValue) -> bool:
    return bool(value.StatusCode.value == st.UNCERTAIN_SIMULATED_VALUE)


def has_no_data(value: ua.DataValue) -> bool:
    return bool(value.StatusCode.value == st.BAD_NO_DATA)


# -- nodes


async def test_the_mirror_is_browsed_below_the_simulation_object(
    client: Client, real: OpcUaTestServer
) -> None:
    types = await client.get_namespace_index(TYPES_URI)
    path = [f"{real.ns}:Fleet", f"{types}:Simulation", f"{real.ns}:Shadow"]
    path += [f"{real.ns}:{name}" for name in JAR.split("/")] + [f"{types}:Voltage"]
    node = await client.nodes.objects.get_child(path)
    assert node.nodeid == real.node_id(f"Shadow/{JAR}.Voltage")
    back = [await client.get_node(node.nodeid).get_parent()]
    while back[-1].nodeid != real.node_id("Simulation"):
        back.append(await back[-1].get_parent())
    assert [one.nodeid.Identifier for one in back[:2]] == [f"Shadow/{JAR}", f"Shadow/{STRING}"]
    assert back[-2].nodeid == real.node_id("Shadow/Fleet")


async def test_nodes_of_the_mirror_are_like_those_they_mirror(client: Client, real: OpcUaTestServer) -> None:
    wanted = [
        ua.AttributeIds.BrowseName,
        ua.AttributeIds.DisplayName,
        ua.AttributeIds.NodeClass,
        ua.AttributeIds.Description,
    ]
    for name in (JAR, STRING, f"{JAR}.Voltage", f"{JAR}.Voltage.EURange", f"{JAR}.SerialNumber"):
        nodes = [client.get_node(real.node_id(at + name)) for at in ("", "Shadow/")]
        plant, mirror = [await node.read_attributes(wanted) for node in nodes]
        assert [one.Value for one in plant] == [one.Value for one in mirror]
    for name in (JAR, "Bangrak/UPS-1", f"{JAR}.Voltage", f"{JAR}#{CONDITION}"):
        plant, mirror = [
            await client.get_node(real.node_id(at + name)).get_references() for at in ("", "Shadow/")
        ]
        shown = [target(ref) for ref in plant if not target(ref).endswith(".Annotations")]
        assert [target(ref).removeprefix("Shadow/") for ref in mirror] == shown
        own = [target(ref) for ref in mirror if ref.NodeId.NamespaceIndex == real.ns]
        assert all(each.startswith(("Shadow/", "HAConfiguration.")) for each in own)


def target(ref: ua.ReferenceDescription) -> str:
    return str(ref.NodeId.Identifier)


async def test_ranges_of_the_mirror_are_the_tags(read: Read) -> None:
    plant, mirror = await read(f"{JAR}.Voltage.EURange"), await read(f"Shadow/{JAR}.Voltage.EURange")
    assert (mirror.Value.Value.Low, mirror.Value.Value.High) == (
        plant.Value.Value.Low,
        plant.Value.Value.High,
    )


async def test_without_a_simulation_the_mirror_has_no_data(read: Read) -> None:
    for name in (f"{JAR}.Voltage", "Bangrak.MainsState", "Fleet.HealthyJars", f"{STRING}.WeakestJar"):
        assert has_no_data(await read(f"Shadow/{name}"))
    state = await read(f"Shadow/{JAR}#{CONDITION}.ActiveState")
    assert state.StatusCode.value == S.BadConditionDisabled
    assert (await read(f"Shadow/{JAR}.Colour")).StatusCode.value == S.BadNodeIdUnknown


async def test_nobody_writes_to_the_mirror(
    client: Client, real: OpcUaTestServer, read: Read, field_devices: Field
) -> None:
    node = client.get_node(real.node_id("Shadow/Bangrak/UPS-1.FloatVoltageSetpoint"))
    assert not await node.get_access_level() & {ua.AccessLevel.CurrentWrite}
    wanted = ua.WriteValue(node.nodeid, ua.AttributeIds.Value)
    wanted.Value = ua.DataValue(ua.Variant(400.0, ua.VariantType.Double))
    sent = request(ua.WriteRequest, NodesToWrite=[wanted])
    (code,) = (await answer(client, ua.WriteResponse, sent)).Results
    assert code.value == S.BadNotWritable
    assert field_devices.written == []


# -- a simulation


async def test_a_simulation_shows_in_the_mirror_alone(
    engineer: Engineer, read: Read, field_devices: Field
) -> None:
    before = await read(f"{JAR}.Temperature")
    simulation = await engineer.start("TemperatureSpike", JAR, **SPIKE)
    hot = await until(read, f"Shadow/{JAR}.Temperature", lambda v: v.Value.Value > before.Value.Value + 30)
    assert is_simulated(hot)
    assert is_simulated(await read(f"Shadow/{STRING}.JarVoltageSpread"))
    assert is_simulated(await read("Shadow/Fleet.HealthyJars"))
    for name in (NEIGHBOUR, FAR):
        assert has_no_data(await read(f"Shadow/{name}.Temperature"))
    after = await until(read, f"{JAR}.Temperature", lambda v: v.SourceTimestamp > before.SourceTimestamp)
    assert after.StatusCode.is_good()
    assert abs(after.Value.Value - before.Value.Value) < 2
    await engineer.stop(simulation)
    for name in (f"{JAR}.Temperature", f"{STRING}.JarVoltageSpread", "Fleet.HealthyJars"):
        await until(read, f"Shadow/{name}", has_no_data, ENDED_WITHIN)
    assert (await read(f"{JAR}.Temperature")).StatusCode.is_good()
    assert field_devices.written == []


async def test_subscribers_see_the_mirror_and_its_deadband(
    engineer: Engineer, client: Client, real: OpcUaTestServer, read: Read
) -> None:
    deadband = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Percent, 5.0)
    made = await Subscriber.create(client)
    nodes = [real.node_id(f"Shadow/{JAR}.{name}") for name in ("Temperature", "Voltage")]
    results = await made.monitor(item(nodes[0], handle=1, chosen=deadband), item(nodes[1], handle=2))
    assert all(result.StatusCode.is_good() for result in results)
    assert all(has_no_data(value) for _, value in await made.values(2))
    simulation = await engineer.start("TemperatureSpike", JAR, **SPIKE)
    found = dict(await made.values(2))
    assert is_simulated(found[1])
    await engineer.stop(simulation)
    async with asyncio.timeout(ENDED_WITHIN):
        while not has_no_data(dict(await made.values(1)).get(1, found[1])):
            pass


async def told(made: Subscriber, source: str) -> list[Any]:
    """The next event of a source."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for event in await made.events():
                if event[0] == source:
                    return event


async def test_its_alarms_are_told_in_the_mirror_and_acted_on_there(
    engineer: Engineer, client: Client, real: OpcUaTestServer, read: Read
) -> None:
    chosen = select("SourceName", "EventId", "ActiveState/Id", "AckedState/Id", "Retain", "Message")
    site = await Subscriber.create(client)
    await site.monitor(item(real.node_id("Bangrak"), attribute=EVENTS, chosen=chosen))
    async with real.client() as other:
        mirror = await Subscriber.create(other)
        places = ("Shadow/Bangrak", "Shadow/Fleet", "Simulation", "Fleet")
        results = await mirror.monitor(
            *(
                item(real.node_id(name), handle=i, attribute=EVENTS, chosen=chosen)
                for i, name in enumerate(places)
            )
        )
        assert all(result.StatusCode.is_good() for result in results)
        simulation = await engineer.start("TemperatureSpike", JAR, **SPIKE)
        source = f"Shadow/{JAR}"
        _, event_id, active, acked, retain, message = await told(mirror, source)
        assert (active, acked, retain) == (True, False, True)
        assert message.Text.startswith("SIMULATION: ")
        state = await read(f"{source}#{CONDITION}.ActiveState.Id")
        assert state.Value.Value is True
        assert (await read(f"{JAR}#{CONDITION}.ActiveState.Id")).Value.Value is False
        code = await acknowledge(client, real.node_id(f"{JAR}#{CONDITION}"), event_id)
        assert code != S.Good
        assert await acknowledge(client, real.node_id(f"{source}#{CONDITION}"), event_id) == S.Good
        while not (await told(mirror, source))[3]:
            pass
        shelving = f"#{CONDITION}.ShelvingState"
        shelve = Ids.ShelvedStateMachineType_OneShotShelve2
        reason = ua.Variant(ua.LocalizedText("a drill"), ua.VariantType.LocalizedText)
        assert await call(client, real.node_id(f"{source}{shelving}"), shelve, reason) == S.Good
        assert "shelved until it clears" in (await told(mirror, source))[5].Text
        assert (await read(f"{source}{shelving}.CurrentState")).Value.Value.Text == "OneShotShelved"
        assert (await read(f"{JAR}{shelving}.CurrentState")).Value.Value.Text == "Unshelved"
        await refresh(other, mirror)
        again = await told(mirror, source)
        assert (again[2], again[3], again[4]) == (True, True, True)
        await engineer.stop(simulation)
        while (await told(mirror, source))[4]:
            pass
        state = await read(f"{source}#{CONDITION}.ActiveState.Id")
        assert state.StatusCode.value == S.BadConditionDisabled
        code = await acknowledge(client, real.node_id(f"{source}#{CONDITION}"), event_id)
        assert code == S.BadConditionDisabled
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            assert not [event for event in await site.events() if event[0] == JAR]


async def refresh(client: Client, subscriber: Subscriber) -> None:
    method = ua.NodeId(Ids.ConditionType_ConditionRefresh)
    wanted = ua.CallMethodRequest(
        ua.NodeId(Ids.ConditionType), method, [ua.Variant(subscriber.id, ua.VariantType.UInt32)]
    )
    sent = request(ua.CallRequest, MethodsToCall=[wanted])
    assert (await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.is_good()


async def acknowledge(client: Client, node_id: ua.NodeId, event_id: bytes) -> int:
    arguments = [
        ua.Variant(event_id, ua.VariantType.ByteString),
        ua.Variant(ua.LocalizedText("seen"), ua.VariantType.LocalizedText),
    ]
    return await call(client, node_id, Ids.AcknowledgeableConditionType_Acknowledge, *arguments)


async def call(client: Client, node_id: ua.NodeId, method: int, *arguments: ua.Variant) -> int:
    wanted = ua.CallMethodRequest(node_id, ua.NodeId(method), list(arguments))
    sent = request(ua.CallRequest, MethodsToCall=[wanted])
    return int((await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.value)


# -- history


async def test_the_mirrors_history_lasts_as_long_as_its_simulation(
    engineer: Engineer, client: Client, real: OpcUaTestServer, read: Read
) -> None:
    mirror, plant = (client.get_node(real.node_id(f"{at}{JAR}.Temperature")) for at in ("Shadow/", ""))
    assert await mirror.read_raw_history(BEGINNING, numvalues=5, return_bounds=False) == []
    simulation = await engineer.start("TemperatureSpike", JAR, **SPIKE)
    found: list[ua.DataValue] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < 3:
            found = await mirror.read_raw_history(BEGINNING, numvalues=10, return_bounds=False)
    assert all(is_simulated(value) for value in found)
    assert all(
        value.StatusCode.is_good()
        for value in (await plant.read_raw_history(BEGINNING, numvalues=1000, return_bounds=False))[-3:]
    )
    await engineer.stop(simulation)
    assert await mirror.read_raw_history(BEGINNING, numvalues=5, return_bounds=False) == []
    purged = asyncio.run_coroutine_threadsafe(real.app._opcua._historian.purged(), real.loop)
    await asyncio.wait_for(asyncio.wrap_future(purged), ENDED_WITHIN)
    with psycopg.connect(real.settings.historian.url.get_secret_value()) as connection:
        assert connection.execute("SELECT count(*) FROM jar_simulated").fetchone() == (0,)
        hot = connection.execute("SELECT count(*) FROM jar_reading WHERE temperature > 5500").fetchone()
        assert hot == (0,)
