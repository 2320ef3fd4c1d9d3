"""A real mains loss of the simulated plant as operators see it: one incident, told, journaled, kept (A6)."""

from __future__ import annotations

import asyncio
import math
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asyncua import Client, ua
from opcuahistory import BEGINNING, FUTURE, event_details, events, result
from opcuaserver import PASSWORD, OpcUaTestServer, answer, request, serve
from opcuasimulations import Engineer
from opcuasubscriber import Subscriber, item, select

from nodeset.types import TYPES_URI
from server.security.users import Role
from simulator.effects import no_effects

S = ua.StatusCodes
VT = ua.VariantType
EVENTS = ua.AttributeIds.EventNotifier
ALARMS = """
conditions:
  MainsLost:
    asset: Site
    tag: MainsState
    type: off_normal
    class: process
    measure: {kind: abnormal, states: [Lost]}
    limits: {high: {value: 0.5, severity: 700}}
    message: Mains is lost
    advice: Start the generator.
  VoltageLevel:
    asset: Jar
    tag: Voltage
    class: process
    limits: {low: {value: 12.9, severity: 600}}
    suppressed_by: [MainsLost]
    linger: 1
    message: Jar voltage is low
    advice: Mind the runtime that remains.
incidents:
  MainsLost: {look_back: 30, linger: 1}
management:
  flood: {begins_above: 2, ends_below: 1}
"""
FIELDS = ("IncidentId", "Cause", "State", "FirstOut", "Members", "Active", "Peak", "Suppressed", "Simulated")
JARS = 12  # at Bangrak


@dataclass(frozen=True)
class Place:
    """Where a server lives, and over again."""

    home: Path
    database: str

    def serve(self) -> tuple[OpcUaTestServer, Callable[[], None]]:
        alarms = self.home / "these.yaml"
        alarms.write_text(ALARMS)
        return serve(self.home, self.database, alarms=alarms)


@pytest.fixture
def place(postgres: str) -> Iterator[Place]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE incidents")
        with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
            os.chmod(name, 0o711)
            yield Place(Path(name), psycopg.conninfo.make_conninfo(postgres, dbname="incidents"))
        connection.execute("DROP DATABASE incidents WITH (FORCE)")


@pytest.fixture
def outage(place: Place) -> Iterator[OpcUaTestServer]:
    server, end = place.serve()
    yield server
    end()


@pytest.fixture
async def operator(outage: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    accounts = outage.app._opcua.accounts
    adding = accounts.set("olga", Role.ENGINEER, PASSWORD)
    asyncio.run_coroutine_threadsafe(adding, outage.loop).result(10)
    async with outage.admin(client_home, "olga") as client:
        yield client


def disturb(server: OpcUaTestServer, site: int | None) -> None:
    """From the next scan on a site is without mains, or none is."""

    def act() -> None:
        plant = server.app._opcua.simulations._shadow._plant
        effects = no_effects(plant.index)
        if site is not None:
            effects.site_outage[site] = True
            effects.outage[plant.fleet.site_of_string == site] = True
        plant.disturb(replace(effects))

    server.inside(act)


async def call(server: OpcUaTestServer, client: Client, method: str, *arguments: Any) -> list[Any]:
    """The values that a method of the Alarms object gives."""
    node_ids = [server.node_id(name) for name in ("Alarms", f"Alarms.{method}")]
    inputs = [ua.Variant(*argument) for argument in arguments]
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(*node_ids, inputs)])
    (found,) = (await answer(client, ua.CallResponse, sent)).Results
    if not found.StatusCode.is_good():
        raise ua.UaStatusCodeError(found.StatusCode.value)
    return [each.Value for each in found.OutputArguments]


async def incidents(
    server: OpcUaTestServer, client: Client, *, only_open: bool = False
) -> list[dict[str, Any]]:
    names = ("id", "site", "cause", "first", "opened", "closed", "members", "active", "peak", "suppressed")
    more = ("unacknowledged", "severity", "state", "simulated")
    columns = await call(server, client, "ListIncidents", (only_open, VT.Boolean))
    return [dict(zip((*names, *more), row, strict=True)) for row in zip(*columns, strict=True)]


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await found():  # noqa: ASYNC110 (its loop is another)
            await asyncio.sleep(0.1)


async def whole(server: OpcUaTestServer, client: Client) -> None:
    """Until all jars of the site belong to its incident."""

    async def found() -> bool:
        return bool((await incidents(server, client))[0]["members"] == JARS + 1)

    await until(found)


async def tag(server: OpcUaTestServer, client: Client, name: str) -> float:
    value = await client.get_node(server.node_id(name)).read_data_value(raise_on_bad_status=False)
    return float(value.Value.Value)


def chosen(types: int) -> Any:
    """Incidents, with their fields."""
    kind = ua.NodeId("IncidentEventType", types)
    made = select("SourceName", "Severity", "Message")
    made.SelectClauses += [
        ua.SimpleAttributeOperand(kind, [ua.QualifiedName(name, types)], ua.AttributeIds.Value)
        for name in FIELDS
    ]
    operand = ua.LiteralOperand(ua.Variant(kind, VT.NodeId))
    made.WhereClause.Elements = [ua.ContentFilterElement(ua.FilterOperator.OfType, [operand])]
    return made


async def listen(server: OpcUaTestServer, client: Client, node: str) -> tuple[Subscriber, Any]:
    filter_ = chosen(await client.get_namespace_index(TYPES_URI))
    made = await Subscriber.create(client)
    (monitored,) = await made.monitor(item(server.node_id(node), attribute=EVENTS, chosen=filter_, queue=100))
    assert monitored.StatusCode.is_good()
    return made, filter_


async def told(made: Subscriber, state: str) -> dict[str, Any]:
    """The next event of an incident that is in a state."""
    while True:
        for source, severity, message, *fields in await made.events():
            event = dict(zip(FIELDS, fields, strict=True))
            if event["State"] == state:
                return {"source": source, "severity": severity, "message": message.Text, **event}


async def test_a_mains_loss_is_one_incident_that_is_told_kept_and_closed(
    outage: OpcUaTestServer, operator: Client
) -> None:
    made, filter_ = await listen(outage, operator, "Bangrak")
    elsewhere, _ = await listen(outage, operator, "Fleet")
    disturb(outage, 0)
    opened = await told(made, "Open")
    assert (opened["source"], opened["Cause"], opened["Simulated"]) == ("Bangrak", "MainsLost", False)
    assert opened["FirstOut"] == "Bangrak#MainsLost"
    assert opened["severity"] == 700
    assert opened["message"].startswith("MainsLost at Bangrak: incident opened; first Bangrak#MainsLost")
    assert (await told(elsewhere, "Open"))["IncidentId"] == opened["IncidentId"]
    await whole(outage, operator)
    (found,) = await incidents(outage, operator, only_open=True)
    assert (found["id"], found["state"], found["active"]) == (opened["IncidentId"], "Open", JARS + 1)
    assert (found["suppressed"], found["unacknowledged"]) == (JARS, JARS + 1)
    conditions, *_, active, _acked, suppressed = await call(
        outage, operator, "IncidentMembers", (found["id"], VT.String)
    )
    assert conditions[0] == "Bangrak#MainsLost"
    assert all(active)
    assert suppressed == [False] + [True] * JARS
    # Twelve suppressed jars bury nobody: one alarm, no flood.
    assert await tag(outage, operator, "Bangrak.ActiveAlarms") == 1
    assert await tag(outage, operator, "Bangrak.SuppressedAlarms") == JARS
    assert await tag(outage, operator, "Bangrak.HighAlarms") == 1
    assert await tag(outage, operator, "Bangrak.AlarmFlood") == 0
    assert await tag(outage, operator, "Bangrak.OpenIncidents") == 1
    assert await tag(outage, operator, "Hat Yai.OpenIncidents") == 0
    assert await tag(outage, operator, "Fleet.AlarmRate") == 1
    disturb(outage, None)
    closed = await told(made, "Closed")
    assert (closed["IncidentId"], closed["Members"], closed["Active"]) == (found["id"], JARS + 1, 0)
    assert closed["Peak"] == JARS + 1
    assert await incidents(outage, operator, only_open=True) == []
    kept: list[dict[str, Any]] = []

    async def journaled() -> bool:
        later = await result(operator, outage.node_id("Bangrak"), event_details(BEGINNING, FUTURE, filter_))
        kept[:] = [dict(zip(FIELDS, fields[3:], strict=True)) for fields in events(later)]
        return kept[-1]["State"] == "Closed"

    await until(journaled)
    assert (kept[0]["State"], kept[-1]["State"]) == ("Open", "Closed")
    assert {each["IncidentId"] for each in kept} == {found["id"]}


async def test_an_operator_acknowledges_a_whole_incident(outage: OpcUaTestServer, operator: Client) -> None:
    made, _ = await listen(outage, operator, "Bangrak")
    disturb(outage, 0)
    number = (await told(made, "Open"))["IncidentId"]
    await whole(outage, operator)
    arguments = ((number, VT.String), ("the grid is down", VT.String))
    assert await call(outage, operator, "AcknowledgeIncident", *arguments) == [JARS + 1]
    ((found,)) = await incidents(outage, operator)
    assert found["unacknowledged"] == 0
    assert await call(outage, operator, "AcknowledgeIncident", *arguments) == [0]
    state = outage.inside(
        lambda: outage.app._alarms.snapshot(outage.app._alarms.index.row("Bangrak", "MainsLost"))
    )
    assert (state.comment[0], state.user[0]) == ("the grid is down", "olga")
    async with outage.client() as anybody:
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await call(outage, anybody, "AcknowledgeIncident", *arguments)
        assert refused.value.code == S.BadUserAccessDenied
        assert len(await incidents(outage, anybody)) == 1
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await call(outage, operator, "IncidentMembers", ("nothing", VT.String))
    assert refused.value.code == S.BadInvalidArgument


async def test_a_simulated_outage_is_an_incident_apart(outage: OpcUaTestServer, operator: Client) -> None:
    made, filter_ = await listen(outage, operator, "Bangrak")
    engineer = Engineer(operator, outage)
    simulation = await engineer.start("PowerOutage", "Bangrak")
    opened = await told(made, "Open")
    assert (opened["Cause"], opened["Simulated"]) == ("MainsLost", True)
    assert opened["message"].startswith("SIMULATION: MainsLost at Bangrak")
    assert await tag(outage, operator, "Fleet.OpenIncidents") == 1
    await engineer.stop(simulation)
    closed = await told(made, "Closed")
    assert closed["IncidentId"] == opened["IncidentId"]
    assert outage.inside(lambda: outage.app._opcua.management.plant.alarms_per_day()) == 0

    async def none() -> bool:
        return await tag(outage, operator, "Fleet.OpenIncidents") == 0

    await until(none)
    assert await tag(outage, operator, "Fleet.AlarmRate") == 0

    async def journaled() -> bool:
        found = await result(operator, outage.node_id("Bangrak"), event_details(BEGINNING, FUTURE, filter_))
        return [fields[3:] for fields in events(found)][-1:] == [[*closed.values()][3:]]

    await until(journaled)
    url = outage.settings.historian.url.get_secret_value()
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT simulated FROM event WHERE event_type LIKE '%IncidentEventType'"
        )
        assert rows.fetchall() == [(True,)]


async def test_incidents_are_there_after_a_restart(place: Place) -> None:
    server, end = place.serve()
    try:
        async with server.client() as client:
            made, _ = await listen(server, client, "Bangrak")
            disturb(server, 0)
            await told(made, "Open")
            await whole(server, client)
            (before,) = await incidents(server, client)
    finally:
        await asyncio.to_thread(end)
    server, end = await asyncio.to_thread(place.serve)  # where the mains is back
    try:
        async with server.client() as client:
            (after,) = await incidents(server, client)
            assert {name: after[name] for name in ("id", "opened", "members", "first", "peak")} == {
                name: before[name] for name in ("id", "opened", "members", "first", "peak")
            }

            async def closed() -> bool:
                return bool((await incidents(server, client))[0]["state"] == "Closed")

            await until(closed)
    finally:
        await asyncio.to_thread(end)


async def test_figures_are_read_beside_their_targets(outage: OpcUaTestServer, operator: Client) -> None:
    names, values, targets, maxima = await call(outage, operator, "Performance", ("Bangrak", VT.String))
    assert len(names) == len(values) == len(targets) == len(maxima) == 11
    at = names.index("Alarms in 24 h")
    assert (values[at], targets[at], maxima[at]) == (0, 150, 300)
    with pytest.raises(ua.UaStatusCodeError):
        await call(outage, operator, "Performance", ("Nowhere", VT.String))
    found = [
        await operator.get_node(outage.node_id(f"Alarms.{name}")).read_value()
        for name in ("Figures", "Targets", "Priorities", "PrioritySeverities", "PeakAlarmRate")
    ]
    assert found[0] == names
    assert found[1] == targets
    assert found[2:] == [["Low", "Medium", "High", "Critical"], [1, 400, 600, 800], 0]
    made = await Subscriber.create(operator)
    await made.monitor(item(outage.node_id("Alarms.Values")))
    ((_, value),) = await made.values(1)
    assert len(value.Value.Value) == 11
    assert math.isnan(value.Value.Value[1])
    for method in ("ListStanding", "ListChattering", "BadActors"):
        assert await call(outage, operator, method) == [[], [], []]
