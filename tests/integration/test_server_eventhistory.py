"""HistoryRead of events over a real socket (Part 11, 6.5.2): what was told live is told later alike."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asyncua import Client, ua
from opcuahistory import BEGINNING, FUTURE, codes, event_details, events, result, results
from opcuaserver import OpcUaTestServer, answer, request, serve
from opcuasimulations import Engineer
from opcuasubscriber import Heat, Subscriber, item, of_conditions, select

from server.alarms.definition import AlarmType
from server.alarms.fields import FIELDS
from server.alarms.state import Transitions
from server.security.permissions import Permission

S = ua.StatusCodes
Ids = ua.ObjectIds
Op = ua.FilterOperator
SERVER = ua.NodeId(Ids.Server)
EVENTS = ua.AttributeIds.EventNotifier
BANGRAK, HAT_YAI = "Bangrak/UPS-1/S02/J04", "Hat Yai/UPS-1/S01/J02"
STRINGS = {"Fleet", "Bangrak", "Bangrak/UPS-1", "Bangrak/UPS-1/S02"}
_SCANS = itertools.count(1_600_000_000_000_000, 10_000_000)
SECOND, TICK = dt.timedelta(seconds=1), dt.timedelta(microseconds=1)
EVERY_FIELD = [*("/".join(path) for path in FIELDS[AlarmType.LEVEL]), ""]


def clause(*names: str, kind: int = Ids.BaseEventType, attribute: int = 13) -> ua.SimpleAttributeOperand:
    path = [ua.QualifiedName(name) for name in names]
    return ua.SimpleAttributeOperand(ua.NodeId(kind), path, ua.AttributeIds(attribute))


def literal(value: Any, kind: ua.VariantType) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(value, kind))


def number(value: int) -> ua.LiteralOperand:
    return literal(value, ua.VariantType.UInt16)


def text(value: str) -> ua.LiteralOperand:
    return literal(value, ua.VariantType.String)


def where(*elements: tuple[ua.FilterOperator, list[Any]]) -> ua.EventFilter:
    """A filter that selects EventIds."""
    chosen = select("EventId")
    chosen.WhereClause.Elements = [ua.ContentFilterElement(op, operands) for op, operands in elements]
    return chosen


async def told(
    client: Client,
    since: dt.datetime,
    chosen: Any,
    node: ua.NodeId = SERVER,
    lasting: dt.timedelta = SECOND,
) -> list[list[Any]]:
    """All events of a while."""
    found = await result(client, node, event_details(since, since + lasting, chosen))
    assert found.StatusCode.value in (S.Good, S.GoodNoData)
    assert not found.ContinuationPoint
    return events(found)


async def written(server: OpcUaTestServer) -> None:
    """Until everything that was told is in the journal."""
    historian = server.app._opcua._historian
    async with asyncio.timeout(10):
        while not historian.journal_writer.idle:  # noqa: ASYNC110 (its loop is another)
            await asyncio.sleep(0.02)


@pytest.fixture
async def since(server: OpcUaTestServer, heat: Heat) -> dt.datetime:
    """The scan, years ago, that told three events of two jars: 500, 800, 500; others are told today."""
    time = next(_SCANS)
    heat(BANGRAK, 47.0, time)
    heat(BANGRAK, 85.0, time)
    heat(HAT_YAI, 50.0, time)
    await written(server)
    return dt.datetime.fromtimestamp(time / 1e6, dt.UTC)


async def test_what_was_told_live_is_told_later_field_by_field(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    chosen = select(*EVERY_FIELD)
    made = await Subscriber.create(client)
    (monitored,) = await made.monitor(item(SERVER, attribute=EVENTS, chosen=chosen, queue=1000))
    assert monitored.StatusCode.is_good()
    heat(BANGRAK, 47.0)
    heat(BANGRAK, 85.0)
    heat(HAT_YAI, 50.0)
    heat(HAT_YAI, 20.0)
    live: list[list[Any]] = []
    while len(live) < 4:
        live += await made.events()
    await written(server)
    first = live[0][EVERY_FIELD.index("Time")]
    ids = {fields[EVERY_FIELD.index("EventId")] for fields in live}
    later = [
        f
        for f in await told(client, first, chosen, lasting=100 * SECOND)
        if f[EVERY_FIELD.index("EventId")] in ids
    ]
    assert later == live
    messages = [fields[EVERY_FIELD.index("Message")].Text for fields in later]
    assert [message.split(",")[0] for message in messages] == [
        "Jar temperature is high: 47.00 °C",
        "Jar temperature is high: 85.00 °C",
        "Jar temperature is high: 50.00 °C",
        "Jar temperature is high: no longer",
    ]


async def test_what_operators_did_is_told_later_field_by_field(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    """Of a condition and of the branch that an earlier activation has left."""
    chosen, jar = select(*EVERY_FIELD), "Hat Yai/UPS-1/S01/J04"  # which no other test looks at
    made = await Subscriber.create(client)
    await made.monitor(item(SERVER, attribute=EVENTS, chosen=chosen, queue=1000))
    opcua, table = server.app._opcua, server.app._alarms
    row = table.index.row(jar, "TemperatureHigh")
    assert row is not None

    def do(act: Callable[..., Transitions], *arguments: Any) -> None:
        now = opcua._table.frame.time
        server.inside(lambda: opcua.conditions.tell(table, act(row, *arguments, "anna", now)))

    for value in (50.0, 20.0, 50.0):
        heat(jar, value)
    do(table.timed_shelve, 60_000_000, "hot day")
    do(table.suppress, "known")
    do(table.remove_from_service, None)
    do(table.acknowledge, table.event_id(row, int(table.state.event[row])), "seen")
    (place,) = table.branches.of_row(row)
    branch, last = (int(getattr(table.branches.state, name)[place]) for name in ("branch", "event"))
    do(table.acknowledge, table.event_id_of(table.index.identifier(row), last, branch), "seen, too")
    do(table.place_in_service, None)
    do(table.unsuppress, None)
    do(table.unshelve, None)
    live: list[list[Any]] = []
    place_of, end = EVERY_FIELD.index, table.event_id(row, int(table.state.event[row]))
    while not live or live[-1][place_of("EventId")] != end:
        live += await made.events()
    await written(server)
    ids = [fields[place_of("EventId")] for fields in live]
    found = await told(client, live[0][place_of("Time")], chosen, lasting=100 * SECOND)
    later = [fields for fields in found if fields[place_of("EventId")] in ids]
    assert later == live
    branches = {fields[place_of("BranchId")].Identifier for fields in later} - {0}
    assert branches == {f"{jar}#TemperatureHigh@{branch}"}
    comments = [text.Text for fields in later if (text := fields[place_of("Comment")]) and text.Text]
    assert {"hot day", "known", "seen", "seen, too"} <= set(comments)
    assert {fields[place_of("ClientUserId")] for fields in later} == {"", "anna"}
    hidden = [fields[place_of("SuppressedOrShelved")] for fields in later]
    assert hidden[0] is False
    assert hidden[-2] is True


@pytest.mark.parametrize(
    ("node", "sources"),
    [
        ("Fleet", [BANGRAK, BANGRAK, HAT_YAI]),
        ("Bangrak", [BANGRAK, BANGRAK]),
        ("Bangrak/UPS-1", [BANGRAK, BANGRAK]),
        ("Bangrak/UPS-1/S02", [BANGRAK, BANGRAK]),
        ("Bangrak/UPS-1/S01", []),
        ("Hat Yai", [HAT_YAI]),
        ("Simulation", []),
    ],
)
async def test_a_place_has_the_history_of_what_it_tells(
    client: Client, server: OpcUaTestServer, since: dt.datetime, node: str, sources: list[str]
) -> None:
    chosen = of_conditions(select("SourceName"))
    found = await result(client, server.node_id(node), event_details(since, since + SECOND, chosen))
    assert events(found) == [[source] for source in sources]
    assert found.StatusCode.value == (S.Good if sources else S.GoodNoData)


async def test_notifiers_say_that_they_have_a_history_and_jars_have_none(
    client: Client, server: OpcUaTestServer
) -> None:
    names = ("Fleet", "Simulation", "Hat Yai", "Hat Yai/UPS-1", "Hat Yai/UPS-1/S01")
    for node in (SERVER, *(server.node_id(name) for name in names)):
        notifier = await client.get_node(node).read_attribute(EVENTS)
        assert notifier.Value.Value == 5  # SubscribeToEvents, HistoryRead (Part 3, 5.5.1)
    details = event_details(BEGINNING, FUTURE, select("Message"))
    nodes = [server.node_id(name) for name in (BANGRAK, f"{BANGRAK}.Voltage", "nowhere")]
    unsupported = S.BadHistoryOperationUnsupported
    assert codes(await results(client, nodes, details)) == [unsupported, unsupported, S.BadNodeIdUnknown]
    capability = Ids.HistoryServerCapabilities_AccessHistoryEventsCapability
    assert await client.get_node(ua.NodeId(capability)).read_value() is True


SEVERITY, SOURCE, NAME = clause("Severity"), clause("SourceName"), clause("ConditionName")
CLAUSES: list[tuple[list[tuple[ua.FilterOperator, list[Any]]], int]] = [
    ([(Op.GreaterThanOrEqual, [SEVERITY, number(800)])], 1),
    ([(Op.LessThan, [number(500), SEVERITY])], 1),
    ([(Op.LessThan, [SEVERITY, literal(700.5, ua.VariantType.Double)])], 2),
    ([(Op.Equals, [SEVERITY, number(500)])], 2),
    ([(Op.Between, [SEVERITY, number(501), number(800)])], 1),
    ([(Op.Between, [number(600), number(500), SEVERITY])], 1),
    ([(Op.Equals, [SOURCE, text(HAT_YAI)])], 1),
    ([(Op.InList, [SOURCE, text(HAT_YAI), text(BANGRAK)])], 3),
    ([(Op.Like, [SOURCE, text("Bang%")])], 2),
    ([(Op.Equals, [NAME, text("TemperatureHigh")])], 3),
    ([(Op.Equals, [clause("ConditionName", kind=Ids.ConditionType), text("TemperatureHigh")])], 3),
    ([(Op.OfType, [literal(ua.NodeId(Ids.ExclusiveLevelAlarmType), ua.VariantType.NodeId)])], 3),
    ([(Op.OfType, [literal(ua.NodeId(Ids.ConditionType), ua.VariantType.NodeId)])], 3),
    ([(Op.OfType, [literal(ua.NodeId(Ids.SystemEventType), ua.VariantType.NodeId)])], 0),
    ([(Op.IsNull, [clause("Comment", "SourceTimestamp")])], 3),
    ([(Op.Equals, [clause("ActiveState", "Id"), literal(True, ua.VariantType.Boolean)])], 3),
    ([(Op.Equals, [clause("AckedState", "Id"), literal(False, ua.VariantType.Boolean)])], 3),
    ([(Op.Equals, [clause("AckedState", "Id"), literal(True, ua.VariantType.Boolean)])], 0),
    ([(Op.Equals, [clause("EnabledState", "Id"), literal(True, ua.VariantType.Boolean)])], 3),
    ([(Op.Equals, [clause("Retain"), literal(True, ua.VariantType.Boolean)])], 3),
    ([(Op.Equals, [clause("ClientUserId"), text("anna")])], 0),
    ([(Op.BitwiseAnd, [SEVERITY, number(256)])], 0),
    ([(Op.Cast, [SOURCE, literal(ua.NodeId(Ids.Boolean), ua.VariantType.NodeId)])], 0),
    (
        [
            (Op.And, [ua.ElementOperand(1), ua.ElementOperand(2)]),
            (Op.GreaterThan, [SEVERITY, number(100)]),
            (Op.Equals, [SOURCE, text(BANGRAK)]),
        ],
        2,
    ),
    (
        [
            (Op.Or, [ua.ElementOperand(1), ua.ElementOperand(2)]),
            (Op.GreaterThan, [SEVERITY, number(700)]),
            (Op.Equals, [SOURCE, text(HAT_YAI)]),
        ],
        2,
    ),
    ([(Op.Not, [ua.ElementOperand(1)]), (Op.Equals, [SOURCE, text(HAT_YAI)])], 2),
]


@pytest.mark.parametrize(("elements", "count"), CLAUSES)
async def test_a_filter_lets_through_what_it_says(
    client: Client, since: dt.datetime, elements: list[tuple[ua.FilterOperator, list[Any]]], count: int
) -> None:
    assert len(await told(client, since, where(*elements))) == count


async def test_times_of_a_filter_are_looked_at(client: Client, since: dt.datetime) -> None:
    for order, expected in ((Op.GreaterThan, 0), (Op.GreaterThanOrEqual, 3), (Op.LessThanOrEqual, 3)):
        element = (order, [clause("Time"), literal(since, ua.VariantType.DateTime)])
        assert len(await told(client, since, where(element))) == expected


async def test_pages_forwards_and_backwards_are_the_whole(client: Client, since: dt.datetime) -> None:
    chosen = select("EventId", "Severity")
    whole = await told(client, since, chosen)
    assert [severity for _, severity in whole] == [500, 800, 500]
    for start, end, expected in ((since, since + SECOND, whole), (since + SECOND, since - TICK, whole[::-1])):
        found, point = [], None
        for left in (2, 1, 0):
            page = await result(client, SERVER, event_details(start, end, chosen, 1), point)
            assert len(events(page)) == 1
            found += events(page)
            point = page.ContinuationPoint
            assert bool(point) == (left > 0)
        assert found == expected


async def test_a_number_and_one_time_are_enough(client: Client, since: dt.datetime) -> None:
    chosen = select("EventId")
    whole = await told(client, since, chosen)
    after = await result(client, SERVER, event_details(since, None, chosen, 2))
    assert (events(after), after.ContinuationPoint) == (whole[:2], None)
    before = await result(client, SERVER, event_details(None, since + SECOND, chosen, 2))
    assert (events(before), before.ContinuationPoint) == (whole[:0:-1], None)
    instant = await result(client, SERVER, event_details(since, since, chosen))
    assert events(instant) == whole


async def test_a_range_has_its_start_and_not_its_end(client: Client, since: dt.datetime) -> None:
    chosen = select("EventId")
    assert len(events(await result(client, SERVER, event_details(since, since + TICK, chosen)))) == 3
    assert events(await result(client, SERVER, event_details(since - TICK, since, chosen))) == []
    assert events(await result(client, SERVER, event_details(since + TICK, since, chosen))) == []
    assert len(events(await result(client, SERVER, event_details(since, since - TICK, chosen)))) == 3


async def test_wrong_details_are_refused(client: Client, server: OpcUaTestServer) -> None:
    good = select("Message")
    for details, code in (
        (event_details(BEGINNING, None, good), S.BadHistoryOperationInvalid),
        (event_details(None, None, good, 5), S.BadHistoryOperationInvalid),
        (event_details(BEGINNING, FUTURE, select()), S.BadEventFilterInvalid),
    ):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await result(client, SERVER, details)
        assert refused.value.code == code
    nonsense = select("NoSuchField")
    found = await result(client, SERVER, event_details(BEGINNING, FUTURE, nonsense))
    assert found.StatusCode.value == S.BadEventFilterInvalid
    wrong = where((Op.InView, [SEVERITY]))
    found = await result(client, SERVER, event_details(BEGINNING, FUTURE, wrong))
    assert found.StatusCode.value == S.BadEventFilterInvalid


@pytest.mark.parametrize("missing", [Permission.RECEIVE_EVENTS, Permission.READ_HISTORY])
async def test_who_lacks_either_right_reads_no_events_of_the_past(
    client: Client,
    server: OpcUaTestServer,
    since: dt.datetime,
    monkeypatch: pytest.MonkeyPatch,
    missing: Permission,
) -> None:
    """Both are needed: to read history, and to receive the events of the node."""
    details = event_details(since, since + SECOND, select("EventId"))
    nodes = [SERVER, server.node_id("Fleet"), server.node_id("Bangrak")]
    assert codes(await results(client, nodes, details)) == [S.Good] * 3
    without = {
        profile: tuple(each & ~missing for each in granted)
        for profile, granted in server.app._opcua.permissions._granted.items()
    }
    monkeypatch.setattr(server.app._opcua.permissions, "_granted", without)
    denied = await results(client, nodes, details)
    assert codes(denied) == [S.BadUserAccessDenied] * 3
    assert [each.HistoryData.Body for each in denied if each.HistoryData] == []


async def test_a_point_goes_on_with_the_same_filter_only(client: Client, since: dt.datetime) -> None:
    page = await result(client, SERVER, event_details(since, since + SECOND, select("EventId"), 1))
    other = event_details(since, since + SECOND, select("Message"), 1)
    refused = await result(client, SERVER, other, page.ContinuationPoint)
    assert refused.StatusCode.value == S.BadContinuationPointInvalid


async def test_the_stock_client_reads_the_journal(client: Client, since: dt.datetime) -> None:
    found = await client.nodes.server.read_event_history(since, since + SECOND)
    assert [event.Severity for event in found] == [500, 800, 500]
    assert found[0].SourceName == BANGRAK
    assert found[0].EventType == ua.NodeId(Ids.ExclusiveLevelAlarmType)
    latest = await client.nodes.server.read_event_history(None, since + SECOND, 1)
    assert [event.SourceName for event in latest] == [HAT_YAI]


async def test_a_simulation_leaves_its_events(client: Client, server: OpcUaTestServer, admin: Client) -> None:
    engineer = Engineer(admin, server)
    begun = dt.datetime.fromtimestamp(server.app._opcua.simulations.now() / 1e6, dt.UTC) - SECOND
    fields = ("EventType", "SourceName", "Message")
    chosen = select(*fields)
    types = await client.get_namespace_index("urn:voltkeep:types")
    for name in ("SimulationId", "User"):
        kind = ua.NodeId("SimulationStartedEventType", types)
        chosen.SelectClauses.append(
            ua.SimpleAttributeOperand(kind, [ua.QualifiedName(name, types)], ua.AttributeIds.Value)
        )
    simulation = await engineer.start("ThermalRunaway", BANGRAK)
    await engineer.stop(simulation)
    await written(server)
    found = await told(client, begun, chosen, server.node_id("Simulation"), 100 * SECOND)
    assert [each[0].Identifier for each in found] == [
        "SimulationStartedEventType",
        "SimulationStoppedEventType",
    ]
    assert [each[1] for each in found] == ["Simulation", "Simulation"]
    assert found[0][3:] == [simulation, "admin"]
    assert found[1][3:] == [None, None]  # fields of the other type
    assert "was started by admin" in found[0][2].Text
    historian, tomorrow = server.app._opcua._historian, server.app._opcua.simulations.now() + 86_400_000_000
    reading = historian.simulations(0, tomorrow, 1000)
    rows = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(reading, server.loop))
    (row,) = [row for row in rows if row.id == simulation]
    assert (row.scenario, row.target, row.started_by, row.ended_by) == (
        "ThermalRunaway",
        BANGRAK,
        "admin",
        "admin",
    )
    assert row.ended is not None
    assert row.reason == "it was stopped"


async def test_events_of_what_is_simulated_stay_and_are_marked(
    client: Client, server: OpcUaTestServer, admin: Client
) -> None:
    engineer, chosen = Engineer(admin, server), select("Message", "ConditionSubClassId", "Retain")
    begun = dt.datetime.fromtimestamp(server.app._opcua.simulations.now() / 1e6, dt.UTC) - SECOND
    made = await Subscriber.create(client)
    await made.monitor(item(server.node_id("Bangrak"), attribute=EVENTS, chosen=chosen, queue=1000))
    await engineer.start("TemperatureSpike", "Bangrak/UPS-1/S01/J02", Rise=40.0)
    live = await made.events()
    await engineer.stop_all()
    while live[-1][2]:  # until the condition is retained no more
        live += await made.events()
    await written(server)
    found = await told(client, begun, chosen, server.node_id("Bangrak"), 1000 * SECOND)
    assert found[-len(live) :] == live
    assert live[0][0].Text.startswith("SIMULATION: Jar temperature is high")
    assert live[0][1] == [ua.NodeId(Ids.TestingConditionClassType)]


async def test_the_journal_is_there_after_a_restart(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE again")
    database = psycopg.conninfo.make_conninfo(postgres, dbname="again")
    chosen = select(*EVERY_FIELD)

    source = EVERY_FIELD.index("SourceName")

    async def read(server: OpcUaTestServer) -> list[list[Any]]:
        async with server.client() as client:
            events = await told(client, BEGINNING, chosen, lasting=FUTURE - BEGINNING)
        # The first start publishes the packaged model, whenever it has come to it.
        return [event for event in events if event[source] != "Analytics"]

    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        server, end = serve(Path(name), database)
        opcua = server.app._opcua

        def disable() -> None:
            opcua.conditions.tell(opcua.alarms, opcua.alarms.disable(0, "anna", 1_767_225_600_000_000))

        server.inside(disable)
        await written(server)
        before = await read(server)
        await asyncio.to_thread(end)
        server, end = serve(Path(name), database)
        await written(server)
        after = await read(server)
        await asyncio.to_thread(end)
    assert [event[EVERY_FIELD.index("ClientUserId")] for event in before] == ["anna", None]
    assert after[: len(before)] == before
    messages = [event[EVERY_FIELD.index("Message")].Text for event in after]
    assert messages[1:] == ["The server has started", "The server is stopped", "The server has started"]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE again WITH (FORCE)")


async def test_a_refresh_is_not_journaled_twice(
    client: Client, server: OpcUaTestServer, since: dt.datetime
) -> None:
    before = await told(client, since, select("EventId"))
    made = await Subscriber.create(client)
    await made.monitor(item(SERVER, attribute=EVENTS, chosen=select("EventId"), queue=1000))
    sent = request(
        ua.CallRequest,
        MethodsToCall=[
            ua.CallMethodRequest(
                ua.NodeId(Ids.ConditionType),
                ua.NodeId(Ids.ConditionType_ConditionRefresh),
                [ua.Variant(made.id, ua.VariantType.UInt32)],
            )
        ],
    )
    assert (await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.is_good()
    await made.events()
    await written(server)
    assert await told(client, since, select("EventId")) == before
