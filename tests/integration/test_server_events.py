"""Events and conditions over a real socket (Part 9): who is told what, and acknowledging it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request
from opcuasubscriber import Heat, Subscriber, item, select

from server.alarms.refresh import Refresh
from server.services.method import MethodError

S = ua.StatusCodes
Ids = ua.ObjectIds
EVENTS = ua.AttributeIds.EventNotifier
# Built-in types of data types that are derived from them.
BASE = {Ids.Duration: ua.VariantType.Double.value, Ids.UtcTime: ua.VariantType.DateTime.value}
BANGRAK, HAT_YAI = "Bangrak/UPS-1/S02/J04", "Hat Yai/UPS-1/S01/J02"
FIELDS = ("SourceName", "EventId", "EventType", "ActiveState/Id", "AckedState/Id", "Severity", "Retain", "")


async def watch(client: Client, node_id: ua.NodeId, chosen: Any = None, **how: Any) -> Subscriber:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    (result,) = await made.monitor(item(node_id, attribute=EVENTS, chosen=chosen or select(*FIELDS), **how))
    assert result.StatusCode.is_good()
    return made


async def call(client: Client, owner: ua.NodeId, method: int, *arguments: ua.Variant) -> int:
    sent = request(
        ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(owner, ua.NodeId(method), list(arguments))]
    )
    return int((await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.value)


def comment(text: str | None = "seen") -> ua.Variant:
    return ua.Variant(ua.LocalizedText(text), ua.VariantType.LocalizedText)


def event_id(value: bytes) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.ByteString)


async def silence(made: Subscriber) -> bool:
    """Whether nothing waits for this subscription: its next message is a keep-alive."""
    return not (await made.publish()).NotificationMessage.NotificationData


async def test_an_alarm_is_told_with_its_fields(client: Client, server: OpcUaTestServer, heat: Heat) -> None:
    made = await watch(client, ua.NodeId(Ids.Server))
    heat(BANGRAK, 47.0)
    ((source, number, kind, active, acked, severity, retain, condition),) = await made.events()
    assert (source, kind) == (BANGRAK, ua.NodeId(Ids.ExclusiveLevelAlarmType))
    assert (active, acked, severity, retain) == (True, False, 500, True)
    assert condition == server.node_id(f"{BANGRAK}#TemperatureHigh")
    heat(BANGRAK, 85.0)
    ((_, second, _, _, _, severity, _, _),) = await made.events()
    assert severity == 800
    assert len(number) >= 16
    assert number != second


@pytest.mark.parametrize(
    ("watched", "told"),
    [
        ("Fleet", True),
        ("Bangrak", True),
        ("Bangrak/UPS-1", True),
        ("Bangrak/UPS-1/S02", True),
        ("Bangrak/UPS-1/S01", False),
        ("Hat Yai", False),
    ],
)
async def test_an_alarm_goes_to_the_objects_above_it_only(
    client: Client, server: OpcUaTestServer, heat: Heat, watched: str, told: bool
) -> None:
    made = await watch(client, server.node_id(watched))
    heat(BANGRAK, 47.0)
    if told:
        assert [fields[0] for fields in await made.events()] == [BANGRAK]
    else:
        assert await silence(made)


async def test_a_filter_lets_through_what_it_says(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    chosen = select("SourceName")
    field = select("Severity").SelectClauses[0]
    literal = ua.LiteralOperand(ua.Variant(700, ua.VariantType.UInt16))
    element = ua.ContentFilterElement(ua.FilterOperator.GreaterThanOrEqual, [field, literal])
    chosen.WhereClause.Elements = [element]
    made = await watch(client, ua.NodeId(Ids.Server), chosen)
    heat(BANGRAK, 47.0)
    assert await silence(made)
    heat(HAT_YAI, 90.0)
    assert await made.events() == [[HAT_YAI]]


async def test_bad_event_items_are_refused(client: Client, server: OpcUaTestServer) -> None:
    made = await Subscriber.create(client)
    results = await made.monitor(
        item(server.node_id("nowhere"), attribute=EVENTS, chosen=select("Message")),
        item(server.node_id(f"{BANGRAK}.Voltage"), attribute=EVENTS, chosen=select("Message")),
        item(server.node_id(BANGRAK), attribute=EVENTS, chosen=select("Message")),
        item(server.node_id("Fleet"), attribute=EVENTS),
        item(server.node_id("Fleet"), attribute=EVENTS, chosen=ua.DataChangeFilter()),
        item(server.node_id("Fleet"), attribute=EVENTS, chosen=select()),
    )
    codes = [result.StatusCode.value for result in results]
    assert codes[:3] == [S.BadNodeIdUnknown, S.BadAttributeIdInvalid, S.BadNotSupported]
    assert all(code & 0x8000_0000 for code in codes)


@pytest.mark.parametrize(("discard_oldest", "place"), [(True, 0), (False, 2)])
async def test_lost_events_are_told_where_they_are_missing(
    client: Client, server: OpcUaTestServer, heat: Heat, discard_oldest: bool, place: int
) -> None:
    made = await watch(client, server.node_id("Fleet"), queue=2, discard_oldest=discard_oldest)
    await made.publishing(False)
    jars = [f"Bangrak/UPS-1/S02/J0{i}" for i in range(1, 5)]
    for jar in jars:
        heat(jar, 50.0)
    await made.publishing(True)
    found = await made.events()
    assert len(found) == 3
    kinds = [fields[2].Identifier for fields in found]
    assert kinds.pop(place) == Ids.EventQueueOverflowEventType
    kept = [fields[0] for fields in found if fields[0] in jars]
    assert kept == (jars[2:] if discard_oldest else jars[:2])


async def test_a_refresh_tells_the_asker_only(client: Client, server: OpcUaTestServer, heat: Heat) -> None:
    heat(BANGRAK, 47.0)
    heat(HAT_YAI, 47.0)
    async with server.client() as other:
        bystander = await watch(other, server.node_id("Fleet"))
        made = await watch(client, server.node_id("Bangrak"))
        number = ua.Variant(made.id, ua.VariantType.UInt32)
        owner = ua.NodeId(Ids.ConditionType)
        assert await call(client, owner, Ids.ConditionType_ConditionRefresh, number) == S.Good
        found = await made.events()
        kinds = [fields[2].Identifier for fields in found]
        assert kinds[0] == Ids.RefreshStartEventType
        assert kinds[-1] == Ids.RefreshEndEventType
        assert BANGRAK in [fields[0] for fields in found[1:-1]]
        assert {fields[0].partition("/")[0] for fields in found[1:-1]} == {"Bangrak"}
        stolen = await call(other, owner, Ids.ConditionType_ConditionRefresh, number)
        assert stolen == S.BadSubscriptionIdInvalid
        assert await silence(bystander)
    with_item = (number, ua.Variant(99, ua.VariantType.UInt32))
    code = await call(client, owner, Ids.ConditionType_ConditionRefresh2, *with_item)
    assert code == S.BadMonitoredItemIdInvalid


async def test_a_refresh_gives_others_their_turn_and_a_subscription_has_one_at_a_time(
    server: OpcUaTestServer, heat: Heat
) -> None:
    heat(BANGRAK, 47.0)
    refresh = Refresh(server.app._opcua.conditions, lambda: 1)
    done: list[str] = []

    async def other() -> None:
        done.append("other")

    async def all_at_once() -> list[BaseException | None]:
        first = asyncio.create_task(refresh.tell(7, list))
        first.add_done_callback(lambda _: done.append("refresh"))
        return await asyncio.gather(first, refresh.tell(7, list), other(), return_exceptions=True)

    running = asyncio.run_coroutine_threadsafe(all_at_once(), server.loop)
    found = await asyncio.wrap_future(running)
    assert found[0] is None
    assert isinstance(found[1], MethodError)
    assert found[1].code == S.BadRefreshInProgress
    assert done == ["other", "refresh"]


async def test_an_alarm_is_acknowledged_once(
    server: OpcUaTestServer, client: Client, heat: Heat, client_home: Path
) -> None:
    made = await watch(client, ua.NodeId(Ids.Server))
    heat(HAT_YAI, 47.0)
    ((_, number, *_),) = await made.events()
    condition = server.node_id(f"{HAT_YAI}#TemperatureHigh")
    acknowledge = Ids.AcknowledgeableConditionType_Acknowledge
    async with server.admin(client_home) as admin:
        assert (
            await call(client, condition, acknowledge, event_id(number), comment()) == S.BadUserAccessDenied
        )
        wrong = await call(admin, condition, acknowledge, event_id(bytes(16)), comment())
        assert wrong == S.BadEventIdUnknown
        other = server.node_id(f"{BANGRAK}#TemperatureHigh")
        assert await call(admin, other, acknowledge, event_id(number), comment()) == S.BadEventIdUnknown
        nothing = server.node_id(HAT_YAI)
        assert (await call(admin, nothing, acknowledge, event_id(number), comment())) & 0x8000_0000
        assert await call(admin, condition, acknowledge, event_id(number), comment()) == S.Good
        ((_, _, _, active, acked, _, retain, _),) = await made.events()
        assert (active, acked, retain) == (True, True, True)
        again = await call(admin, condition, acknowledge, event_id(number), comment())
        assert again == S.BadConditionBranchAlreadyAcked
        user = await client.get_node(server.node_id(f"{HAT_YAI}#TemperatureHigh.ClientUserId")).read_value()
        said = await client.get_node(server.node_id(f"{HAT_YAI}#TemperatureHigh.Comment")).read_value()
    assert (user, said.Text) == ("admin", "seen")
    heat(HAT_YAI, 25.0)
    ((_, _, _, active, _, _, retain, _),) = await made.events()
    assert (active, retain) == (False, False)


async def test_members_of_a_condition_can_be_read(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    heat(BANGRAK, 47.0)
    condition = client.get_node(server.node_id(f"{BANGRAK}#TemperatureHigh"))
    members = {}
    for child in await condition.get_children(nodeclassmask=ua.NodeClass.Variable):
        value = await child.read_data_value()
        assert value.StatusCode.is_good(), child
        members[child.nodeid.Identifier.rpartition(".")[2]] = value.Value
        declared = BASE.get(number := (await child.read_data_type()).Identifier, number)
        assert value.Value.Value is None or value.Value.VariantType.value == declared, child
    assert members["Retain"].Value is True
    assert members["ActiveState"].Value.Text == "Active"
    assert members["HighLimit"].Value == 45.0
    assert members["InputNode"].Value == server.node_id(f"{BANGRAK}.Temperature")
    states = [await child.read_browse_name() for child in await condition.get_children()]
    assert "LimitState" in [name.Name for name in states]
