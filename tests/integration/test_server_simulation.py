"""Simulations over OPC UA (S4, S5): who may, what is marked, who is told, and that a stop leaves nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import psycopg
import pytest
from asyncua import Client, ua
from numpy.typing import NDArray
from opcuaserver import PASSWORD, OpcUaTestServer, answer, read_request, request, serve
from opcuasimulations import Engineer, start_arguments
from opcuasubscriber import Subscriber, item, select

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.index import TagIndex
from nodeset.tags import Origin
from nodeset.types import TYPES_URI
from server.alarms.recovery import read as read_ledger
from server.security.audit import AuditEntry
from server.security.users import Role

S = ua.StatusCodes
Ids = ua.ObjectIds
EVENTS = ua.AttributeIds.EventNotifier
JAR, OTHER = "Bangrak/UPS-1/S01/J05", "Hat Yai/UPS-1/S01/J02"
SIMULATED = st.UNCERTAIN_SIMULATED_VALUE
CONDITION = ("SourceName", "EventId", "ActiveState/Id", "AckedState/Id", "Retain", "Message")
Until = Callable[[Callable[[], bool]], Any]


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Engineer]:
    async with as_user(server, client_home, "erin", Role.ENGINEER) as client:
        made = Engineer(client, server)
        yield made
        await made.stop_all()


def as_user(server: OpcUaTestServer, home: Path, name: str, role: Role) -> Any:
    async def make() -> None:
        if name not in server.app._opcua.accounts:
            await server.app._opcua.accounts.set(name, role, PASSWORD)

    asyncio.run_coroutine_threadsafe(make(), server.loop).result(10)
    return server.admin(home, name)


def shown(server: OpcUaTestServer) -> tuple[Frame, Frame]:
    """What the live table shows, and the plant's own frame, at one moment."""
    opcua = server.app._opcua
    return server.inside(lambda: (opcua._table.frame, opcua.simulations._plant[0]))


def index_of(server: OpcUaTestServer) -> TagIndex:
    index: TagIndex = server.app._opcua._table.index
    return index


def touched_by(index: TagIndex, target: str) -> NDArray[np.bool_]:
    """Rows at or below a target, and what is calculated above it, by their paths."""
    rows = np.zeros(index.size, np.bool_)
    for row in range(index.size):
        tag, _ = index.locate(row)
        path = index.path(row)
        below = path == target or path.startswith(f"{target}/")
        above = tag.asset is AssetType.FLEET or target.startswith(f"{path}/")
        rows[row] = below or (above and tag.origin is Origin.CALCULATED)
    return rows


async def statuses(client: Client, server: OpcUaTestServer) -> NDArray[np.uint32]:
    """The StatusCode of every live variable as a client reads it."""
    index = index_of(server)
    items = [ua.ReadValueId(server.node_id(index.identifier(row)), 13) for row in range(index.size)]
    found = await answer(client, ua.ReadResponse, read_request(items))
    return np.array([value.StatusCode.value for value in found.Results], np.uint32)


async def watch(client: Client, node_id: ua.NodeId, chosen: ua.EventFilter) -> Subscriber:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    (result,) = await made.monitor(item(node_id, attribute=EVENTS, chosen=chosen))
    assert result.StatusCode.is_good()
    return made


async def silence(made: Subscriber) -> bool:
    return not (await made.publish()).NotificationMessage.NotificationData


def only(chosen: ua.EventFilter, kind: ua.NodeId) -> ua.EventFilter:
    """The same filter for events of a type and its subtypes."""
    literal = ua.LiteralOperand(ua.Variant(kind, ua.VariantType.NodeId))
    chosen.WhereClause.Elements = [ua.ContentFilterElement(ua.FilterOperator.OfType, [literal])]
    return chosen


# -- who may, and how many


@pytest.mark.parametrize(
    ("role", "code"),
    [
        (Role.VIEWER, S.BadUserAccessDenied),
        (Role.OPERATOR, S.BadUserAccessDenied),
        (Role.ENGINEER, S.Good),
        (Role.ADMIN, S.Good),
    ],
)
async def test_engineers_and_administrators_may_simulate(
    server: OpcUaTestServer, client_home: Path, role: Role, code: int
) -> None:
    async with as_user(server, client_home, f"role-{role}", role) as client:
        somebody = Engineer(client, server)
        result = await somebody.result("Start", *start_arguments("NormalOperation", JAR))
        assert result.StatusCode.value == code
        assert (await somebody.result("List")).StatusCode.is_good()
        if code == S.Good:
            await somebody.adjust(result.OutputArguments[0].Value, Ramp=1)
            await somebody.stop(result.OutputArguments[0].Value)


async def test_the_sixth_is_refused_and_told_why(engineer: Engineer) -> None:
    for number in range(1, 6):
        await engineer.start("NormalOperation", f"Bangrak/UPS-1/S02/J0{number}")
    assert await engineer.status("RunningSimulations") == 5
    sixth = start_arguments("NormalOperation", OTHER)
    plain = await engineer.call("Start", *sixth)
    assert plain.Results[0].StatusCode.value == S.BadTooManyOperations
    assert plain.DiagnosticInfos == []
    asked = await engineer.call("Start", *sixth, diagnostics=0x80)
    (why,) = asked.DiagnosticInfos
    assert "5 simulations run already" in why.AdditionalInfo


async def test_calls_are_audited_with_what_was_before(engineer: Engineer, server: OpcUaTestServer) -> None:
    entries: list[AuditEntry] = []
    sinks = server.app._opcua.audit.sinks
    sinks.append(entries.append)
    try:
        simulation = await engineer.start("TemperatureSpike", JAR, Rise=3)
        await engineer.adjust(simulation, Rise=4)
        await engineer.stop(simulation)
    finally:
        sinks.remove(entries.append)
    started, adjusted, stopped = (e for e in entries if "Simulation." in e.target)
    assert {entry.user for entry in (started, adjusted, stopped)} == {"erin"}
    assert (started.old, started.new) == ("", f"TemperatureSpike, {JAR}, 0.0, ['Rise'], [3.0]")
    assert adjusted.old == f"TemperatureSpike {JAR} Rise=3, Ramp=0"
    assert adjusted.new == f"{simulation}, ['Rise'], [4.0]"
    assert stopped.old == f"TemperatureSpike {JAR} Rise=4, Ramp=0"


# -- what is marked, and what is not


@pytest.mark.parametrize("target", ["Bangrak", "Bangrak/UPS-1", "Bangrak/UPS-1/S01", JAR])
async def test_exactly_the_touched_values_are_marked(
    engineer: Engineer, server: OpcUaTestServer, target: str
) -> None:
    before = await statuses(engineer.client, server)
    assert not (before == SIMULATED).any()
    simulation = await engineer.start("NormalOperation", target)
    expected = touched_by(index_of(server), target) & ~st.is_bad(before)
    marked = await statuses(engineer.client, server) == SIMULATED
    assert marked.tolist() == expected.tolist()
    await engineer.stop(simulation)
    assert not (await statuses(engineer.client, server) == SIMULATED).any()


async def test_a_simulated_value_that_is_bad_stays_bad(engineer: Engineer, server: OpcUaTestServer) -> None:
    await engineer.start("SensorFault", JAR, Fault=1, Quantity=0, Bias=50)
    node = engineer.client.get_node(server.node_id(f"{JAR}.Voltage"))
    assert (await node.read_data_value(raise_on_bad_status=False)).StatusCode.value == st.BAD_SENSOR_FAILURE


async def test_all_that_is_not_touched_is_the_plants_bit_by_bit(
    engineer: Engineer, server: OpcUaTestServer, until: Until
) -> None:
    await engineer.start("TemperatureSpike", "Bangrak/UPS-1/S01", Rise=30)
    await engineer.start("AcceleratedAgeing", JAR, Ramp=0)
    await engineer.start("CommunicationLoss", OTHER)
    index = index_of(server)
    targets = ("Bangrak/UPS-1/S01", OTHER)
    touched = np.logical_or.reduce([touched_by(index, target) for target in targets])
    begun = shown(server)[1].number
    for scan in range(1, 4):
        await until(lambda scan=scan: shown(server)[1].number >= begun + scan)
        live, plant = shown(server)
        assert live.value[~touched].tobytes() == plant.value[~touched].tobytes()
        assert live.status[~touched].tobytes() == plant.status[~touched].tobytes()
        assert live.source_time[~touched].tobytes() == plant.source_time[~touched].tobytes()
        assert not (plant.status == SIMULATED).any()
    warmer = [index.column(frame.value, AssetType.JAR, "Temperature") for frame in (live, plant)]
    assert (warmer[0] - warmer[1])[:6].min() > 20


async def test_stopping_one_of_two_restores_its_own_target(
    engineer: Engineer, server: OpcUaTestServer
) -> None:
    index = index_of(server)
    first = await engineer.start("TemperatureSpike", JAR, Rise=30)
    await engineer.start("TemperatureSpike", OTHER, Rise=30)
    await engineer.stop(first)
    found = await statuses(engineer.client, server) == SIMULATED
    assert found.tolist() == (touched_by(index, OTHER) & ~st.is_bad(shown(server)[1].status)).tolist()
    rows = [index.row(path, "Temperature") for path in (JAR, OTHER)]
    live, plant = shown(server)
    own, others = (float(live.value[row] - plant.value[row]) for row in rows)
    assert own == 0.0
    assert others > 20


async def test_set_points_of_a_simulated_system_cannot_be_written(
    engineer: Engineer, server: OpcUaTestServer
) -> None:
    node = engineer.client.get_node(server.node_id("Bangrak/UPS-1.FloatVoltageSetpoint"))
    before = await node.read_value()
    simulation = await engineer.start("NormalOperation", "Bangrak")
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await node.write_value(ua.DataValue(ua.Variant(before, ua.VariantType.Double)))
    assert refused.value.code == S.BadInvalidState
    await engineer.stop(simulation)
    await node.write_value(ua.DataValue(ua.Variant(before, ua.VariantType.Double)))


# -- who is told


@pytest.mark.parametrize("watched", ["Simulation", "Fleet", None])
async def test_start_and_stop_are_told(
    engineer: Engineer, client: Client, server: OpcUaTestServer, watched: str | None
) -> None:
    types = await client.get_namespace_index(TYPES_URI)
    started = ua.NodeId("SimulationStartedEventType", types)
    chosen = only(select("EventType", "SourceName", "Message"), started)
    for name in ("SimulationId", "Scenario", "Target", "User"):
        chosen.SelectClauses.append(ua.SimpleAttributeOperand(started, [ua.QualifiedName(name, types)], 13))
    notifier = ua.NodeId(Ids.Server) if watched is None else server.node_id(watched)
    starts = await watch(client, notifier, chosen)
    simulation = await engineer.start("TemperatureSpike", JAR)
    ((kind, source, message, *fields),) = await starts.events()
    assert kind == started
    assert (source, fields) == ("Simulation", [simulation, "TemperatureSpike", JAR, "erin"])
    assert message.Text == f"SIMULATION: TemperatureSpike on {JAR} was started by erin"
    await engineer.stop(simulation)
    assert await silence(starts)  # the other type is not of this one


async def test_stops_of_all_kinds_are_told_and_a_site_is_not(
    engineer: Engineer, client: Client, server: OpcUaTestServer
) -> None:
    types = await client.get_namespace_index(TYPES_URI)
    kind = ua.NodeId("SimulationStoppedEventType", types)
    stops = await watch(client, server.node_id("Simulation"), only(select("Message"), kind))
    async with server.client() as other:
        bystander = await watch(other, server.node_id("Bangrak"), only(select("Message"), kind))
        await engineer.stop(await engineer.start("NormalOperation", JAR))
        ((message,),) = await stops.events()
        assert message.Text == f"SIMULATION: NormalOperation on {JAR} was stopped by erin"
        await engineer.start("NormalOperation", JAR, duration=0.3)
        ((message,),) = await stops.events()
        assert message.Text == f"SIMULATION: NormalOperation on {JAR} has ended: its duration is over"
        assert await silence(bystander)
    assert await engineer.status("RunningSimulations") == 0


async def test_what_runs_can_be_read_at_once_and_subscribed_to(
    engineer: Engineer, client: Client, server: OpcUaTestServer
) -> None:
    names = ("Simulated", "RunningSimulations", "SimulationIds", "Scenarios", "Targets", "Progress")
    made = await Subscriber.create(client)
    await made.monitor(
        *(item(server.node_id(f"Simulation.{name}"), handle=i, sampling=50) for i, name in enumerate(names))
    )
    first = {names[handle]: value.Value.Value for handle, value in await made.values(len(names))}
    assert first["Simulated"] is False
    assert first["SimulationIds"] == []
    before = dt.datetime.now(dt.UTC)
    simulation = await engineer.start("NormalOperation", JAR, duration=600)
    endless = await engineer.start("NormalOperation", OTHER)
    assert await engineer.status("Simulated") is True
    assert await engineer.status("RunningSimulations") == 2
    assert await engineer.status("SimulationIds") == [simulation, endless]
    assert await engineer.status("Targets") == [JAR, OTHER]
    starts, ends = await engineer.status("StartTimes"), await engineer.status("EndTimes")
    assert abs((starts[0] - before).total_seconds()) < 5
    assert (ends[0] - starts[0]).total_seconds() == pytest.approx(600)
    assert ends[1] == dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    share, unknown = await engineer.status("Progress")
    assert 0 <= share < 1
    assert math.isnan(unknown)
    told: dict[str, Any] = {}
    while told.get("SimulationIds") != [simulation, endless] or told.get("RunningSimulations") != 2:
        told |= {names[handle]: value.Value.Value for handle, value in await made.values(1)}
    assert told["Simulated"] is True


# -- alarms


async def test_simulated_alarms_are_marked_and_close_with_their_simulation(
    engineer: Engineer, client: Client, server: OpcUaTestServer
) -> None:
    fields = (*CONDITION, "ConditionSubClassId", "ConditionSubClassName")
    made = await watch(client, server.node_id("Bangrak"), select(*fields))
    condition = server.node_id(f"{JAR}#TemperatureHigh")
    simulation = await engineer.start("TemperatureSpike", JAR, Rise=40)
    ((source, number, active, acked, retain, message, kinds, names),) = await made.events()
    assert (source, active, acked, retain) == (JAR, True, False, True)
    assert message.Text.startswith("SIMULATION: Jar temperature is high")
    assert kinds == [ua.NodeId(Ids.TestingConditionClassType)]
    assert [name.Text for name in names] == ["TestingConditionClassType"]
    assert await retained(client, condition)
    alarms = client.get_node(server.node_id("Bangrak.ActiveAlarms"))
    assert (await alarms.read_data_value(raise_on_bad_status=False)).StatusCode.value == SIMULATED
    began = asyncio.get_running_loop().time()
    await engineer.stop(simulation)
    ((source, closing, active, acked, retain, message, *_),) = await made.events()
    assert asyncio.get_running_loop().time() - began < 5
    assert (source, active, acked, retain) == (JAR, False, True, False)
    assert closing != number
    assert not await retained(client, condition)
    for old in (number, closing):
        assert await acknowledge(engineer.client, condition, old) == S.BadEventIdUnknown


async def test_an_acknowledgement_of_a_simulated_alarm_ends_with_it(
    engineer: Engineer, client: Client, server: OpcUaTestServer, client_home: Path
) -> None:
    chosen = only(select(*CONDITION), ua.NodeId(Ids.ConditionType))
    made = await watch(client, server.node_id("Fleet"), chosen)
    condition = server.node_id(f"{JAR}#TemperatureHigh")
    saved = server.inside(server.app._alarms.save)
    simulation = await engineer.start("TemperatureSpike", JAR, Rise=40)
    ((_, number, *_),) = await made.events()
    async with server.admin(client_home) as admin:
        assert await acknowledge(admin, condition, number) == S.Good
        ((_, _, active, acked, *_),) = await made.events()
        assert (active, acked) == (True, True)
    assert server.inside(server.app._alarms.save)["identifier"].tolist() == saved["identifier"].tolist()
    await engineer.stop(simulation)
    ((_, _, active, _, retain, _),) = await made.events()
    assert (active, retain) == (False, False)


async def test_events_can_be_chosen_by_whether_they_are_simulated(
    engineer: Engineer, client: Client, server: OpcUaTestServer
) -> None:
    def chosen(operator: ua.FilterOperator, *operands: Any) -> ua.EventFilter:
        made = only(select("SourceName"), ua.NodeId(Ids.ConditionType))
        elements = made.WhereClause.Elements
        both = ua.ContentFilterElement(ua.FilterOperator.And, [ua.ElementOperand(1), ua.ElementOperand(2)])
        made.WhereClause.Elements = [both, *elements, ua.ContentFilterElement(operator, list(operands))]
        return made

    (sub_class,) = select("ConditionSubClassId").SelectClauses
    (message,) = select("Message").SelectClauses
    pattern = ua.LiteralOperand(ua.Variant("SIMULATION:%", ua.VariantType.String))
    async with server.client() as second:
        real = await watch(client, server.node_id("Fleet"), chosen(ua.FilterOperator.IsNull, sub_class))
        simulated = await watch(
            second, server.node_id("Fleet"), chosen(ua.FilterOperator.Like, message, pattern)
        )
        simulation = await engineer.start("TemperatureSpike", JAR, Rise=40)
        assert await simulated.events() == [[JAR]]
        await engineer.stop(simulation)
        assert await simulated.events() == [[JAR]]
        assert await silence(real)


async def test_a_refresh_tells_what_is_shown(
    engineer: Engineer, client: Client, server: OpcUaTestServer
) -> None:
    await engineer.start("TemperatureSpike", JAR, Rise=40)
    made = await watch(client, server.node_id("Fleet"), select("SourceName", "Message"))
    number = ua.Variant(made.id, ua.VariantType.UInt32)
    refresh = ua.CallMethodRequest(
        ua.NodeId(Ids.ConditionType), ua.NodeId(Ids.ConditionType_ConditionRefresh), [number]
    )
    await answer(client, ua.CallResponse, request(ua.CallRequest, MethodsToCall=[refresh]))
    found = {source: message.Text for source, message in await made.events()}
    assert found[JAR].startswith("SIMULATION: ")


async def retained(client: Client, condition: ua.NodeId) -> bool:
    node = client.get_node(ua.NodeId(f"{condition.Identifier}.Retain", condition.NamespaceIndex))
    return bool(await node.read_value())


async def acknowledge(client: Client, condition: ua.NodeId, number: bytes) -> int:
    arguments = [
        ua.Variant(number, ua.VariantType.ByteString),
        ua.Variant(ua.LocalizedText("seen"), ua.VariantType.LocalizedText),
    ]
    method = ua.NodeId(Ids.AcknowledgeableConditionType_Acknowledge)
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(condition, method, arguments)])
    return int((await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.value)


# -- what goes wrong


async def test_a_shadow_that_fails_costs_the_plant_nothing(
    engineer: Engineer,
    client: Client,
    server: OpcUaTestServer,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    types = await client.get_namespace_index(TYPES_URI)
    kind = ua.NodeId("SimulationStoppedEventType", types)
    stops = await watch(client, server.node_id("Fleet"), only(select("Message"), kind))
    await engineer.start("TemperatureSpike", JAR, Rise=40)
    simulations = server.app._opcua.simulations

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(simulations._shadow, "step", fail)
        ((message,),) = await stops.events()
    assert "has failed" in message.Text
    assert simulations.running() == ()
    live, plant = shown(server)
    assert live is plant
    await until(lambda: shown(server)[1].number >= plant.number + 2)
    simulation = await engineer.start("NormalOperation", JAR)  # the next one may
    assert await engineer.status("SimulationIds") == [simulation]


# -- over a restart, and where scans are far apart


@pytest.fixture
def slow(postgres: str) -> Iterator[Callable[[], tuple[OpcUaTestServer, Callable[[], None]]]]:
    """How to start a server that scans once a minute; each time it is started it has the same home."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS slow WITH (FORCE)")
        connection.execute("CREATE DATABASE slow")
    database = psycopg.conninfo.make_conninfo(postgres, dbname="slow")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        yield lambda: serve(Path(name), database, scan={"period": 60.0})


async def test_once_a_minute_is_no_reason_to_wait_for_a_stop(
    slow: Callable[[], tuple[OpcUaTestServer, Callable[[], None]]],
    client_home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, end = slow()
    try:
        async with as_user(server, client_home, "erin", Role.ENGINEER) as client:
            engineer = Engineer(client, server)
            made = await watch(client, server.node_id("Bangrak"), select(*CONDITION))
            await made.monitor(item(server.node_id(f"{JAR}.Temperature"), sampling=50))
            ((_, before),) = await made.values(1)
            simulation = await engineer.start("TemperatureSpike", JAR, Rise=40)
            value, (_, _, active, *_) = await both(made)
            assert value.StatusCode.value == SIMULATED
            assert value.Value.Value > before.Value.Value + 35
            assert active
            began = asyncio.get_running_loop().time()
            await engineer.stop(simulation)
            value, (_, _, active, _, retain, _) = await both(made)
            took = asyncio.get_running_loop().time() - began
            assert took < 5.0
            assert (value.StatusCode.value, value.Value.Value) == (0, before.Value.Value)
            assert (active, retain) == (False, False)
            # Its end by itself does not wait for the next scan either.
            await engineer.start("TemperatureSpike", JAR, duration=1.0, Rise=40)
            await both(made)
            value, (_, _, active, _, retain, _) = await both(made)
            assert (value.StatusCode.value, active, retain) == (0, False, False)
            await engineer.start("TemperatureSpike", JAR, Rise=40)
        note = server.settings.home / "state" / "simulations.json"
        noted = note.read_text()
    finally:
        end()
    assert not note.exists()  # who stops in order ends them himself
    note.write_text(noted)
    written, _ = read_ledger((server.settings.home / "state" / "alarms.ledger").read_bytes())
    assert [each.record.rows.size for each in written] == [0]
    server, end = slow()
    try:
        assert "the server went down while it ran" in capsys.readouterr().out
        async with server.client() as client:
            assert not (await statuses(client, server) == SIMULATED).any()
            assert await Engineer(client, server).status("RunningSimulations") == 0
            assert not await retained(client, server.node_id(f"{JAR}#TemperatureHigh"))
    finally:
        end()


async def both(made: Subscriber) -> tuple[ua.DataValue, list[Any]]:
    """The next value and the next event, in whichever order they come."""
    values: list[ua.DataValue] = []
    events: list[list[Any]] = []
    async with asyncio.timeout(10):
        while not (values and events):
            for part in await made.next():
                values += [each.Value for each in getattr(part, "MonitoredItems", [])]
                events += [[f.Value for f in each.EventFields] for each in getattr(part, "Events", [])]
    return values[-1], events[-1]


async def test_health_and_metrics_count_simulations(engineer: Engineer, server: OpcUaTestServer) -> None:
    await engineer.start("NormalOperation", JAR)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.settings.metrics.port}") as http:
        async with http.get("/health") as response:
            assert (await response.json())["simulations"]["running"] == 1
        async with http.get("/metrics") as response:
            assert "voltkeep_simulations 1.0" in (await response.text()).splitlines()
