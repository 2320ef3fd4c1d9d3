"""Audit over the wire: events for administrators alone, and the trail that they read."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import PASSWORD, OpcUaTestServer, answer, request
from opcuasubscriber import Subscriber, item, select

from server.security.users import Role

S = ua.StatusCodes
Ids = ua.ObjectIds
VT = ua.VariantType
FIELDS = (
    "EventType", "SourceName", "Message", "Status", "ServerId", "ClientAuditEntryId", "ClientUserId",
    "ActionTimeStamp", "EventId",
)  # fmt: skip
CONDITION = "Bangrak/UPS-1/S01/J01#TemperatureHigh"
ENGINEER = "audit-engineer"
Until = Callable[[Callable[[], bool]], Any]


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    accounts = server.app._opcua.accounts

    async def make() -> None:
        await accounts.set(ENGINEER, Role.ENGINEER, PASSWORD)

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), server.loop))
    async with server.admin(client_home, ENGINEER) as client:
        yield client


def only(kind: int, *more: str) -> ua.EventFilter:
    """Audit events of one type."""
    chosen = select(*FIELDS, *more)
    element = ua.ContentFilterElement()
    element.FilterOperator = ua.FilterOperator.OfType
    element.FilterOperands = [ua.LiteralOperand(ua.Variant(ua.NodeId(kind), VT.NodeId))]
    chosen.WhereClause.Elements = [element]
    return chosen


async def watch(client: Client, chosen: ua.EventFilter) -> Subscriber:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    (result,) = await made.monitor(
        item(ua.NodeId(Ids.Server), attribute=ua.AttributeIds.EventNotifier, chosen=chosen, queue=100)
    )
    assert result.StatusCode.is_good()
    return made


async def call(client: Client, owner: ua.NodeId, method: ua.NodeId, *arguments: ua.Variant) -> Any:
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(owner, method, list(arguments))])
    sent.RequestHeader.AuditEntryId = "ticket 4711"
    return (await answer(client, ua.CallResponse, sent)).Results[0]


async def disable(client: Client, server: OpcUaTestServer) -> int:
    result = await call(client, server.node_id(CONDITION), ua.NodeId(Ids.ConditionType_Disable))
    await call(client, server.node_id(CONDITION), ua.NodeId(Ids.ConditionType_Enable))
    return int(result.StatusCode.value)


async def read(client: Client, server: OpcUaTestServer, start: Any, end: Any, most: int = 0) -> Any:
    arguments = (ua.Variant(start, VT.DateTime), ua.Variant(end, VT.DateTime), ua.Variant(most, VT.UInt32))
    return await call(client, server.node_id("Audit"), server.node_id("Audit.Read"), *arguments)


async def test_auditing_is_on(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        assert await client.get_node(ua.NodeId(Ids.Server_Auditing)).read_value() is True


async def test_an_administrator_is_told_what_others_do(
    server: OpcUaTestServer, admin: Client, engineer: Client
) -> None:
    made = await watch(admin, only(Ids.AuditConditionEnableEventType, "SourceNode", "MethodId"))
    assert await disable(engineer, server) == 0
    events = await made.events()
    while len(events) < 2:
        events += await made.events()
    kind, source, message, status, server_id, entry, user, moment, number, node, method = events[0]
    assert (kind, source) == (ua.NodeId(Ids.AuditConditionEnableEventType), "Method/Disable")
    assert (status, entry, user) == (True, "ticket 4711", ENGINEER)
    assert server_id.startswith("urn:")
    assert CONDITION in message.Text
    assert abs(moment - dt.datetime.now(dt.UTC).replace(tzinfo=moment.tzinfo)) < dt.timedelta(minutes=1)
    assert (node, method) == (server.node_id(CONDITION), ua.NodeId(Ids.ConditionType_Disable))
    assert events[1][1] == "Method/Enable"
    assert events[1][8] != number


async def test_what_is_refused_is_told_as_refused(
    server: OpcUaTestServer, admin: Client, engineer: Client
) -> None:
    chosen = only(Ids.AuditConditionAcknowledgeEventType, "StatusCodeId", "ConditionEventId", "Comment")
    made = await watch(admin, chosen)
    arguments = (ua.Variant(b"1" * 16, VT.ByteString), ua.Variant(ua.LocalizedText("seen"), VT.LocalizedText))
    method = ua.NodeId(Ids.AcknowledgeableConditionType_Acknowledge)
    result = await call(engineer, server.node_id(CONDITION), method, *arguments)
    assert result.StatusCode.value == S.BadEventIdUnknown
    (event,) = await made.events()
    assert event[3] is False
    assert (event[-3].value, event[-2], event[-1].Text) == (S.BadEventIdUnknown, b"1" * 16, "seen")


async def test_who_is_no_administrator_is_told_nothing(
    server: OpcUaTestServer, admin: Client, engineer: Client
) -> None:
    base = only(Ids.AuditEventType)
    told = await watch(admin, base)
    async with server.client() as anonymous:
        untold = [await watch(client, base) for client in (engineer, anonymous)]
        await disable(engineer, server)
        assert await told.events()
        for made in untold:
            response = await made.publish()
            assert not response.NotificationMessage.NotificationData


async def test_the_trail_holds_what_was_told(
    server: OpcUaTestServer, admin: Client, engineer: Client, until: Until
) -> None:
    made = await watch(admin, only(Ids.AuditConditionEnableEventType))
    before = dt.datetime.now(dt.UTC)
    await disable(engineer, server)
    told = [event[8] for event in await made.events()]
    writer = server.app._opcua._historian.audit_writer
    await until(lambda: writer.idle)
    result = await read(admin, server, before, dt.datetime(2200, 1, 1))
    assert result.StatusCode.is_good()
    columns = [argument.Value for argument in result.OutputArguments]
    assert len({len(column) for column in columns}) == 1
    times, kinds, actions, users, peers, sessions, entries, codes, targets, _, _, repeats = columns
    first = kinds.index(Ids.AuditConditionEnableEventType)
    assert (actions[first], users[first], targets[first]) == (
        "Disable",
        ENGINEER,
        f"{server.node_id(CONDITION).to_string()} i=9028",
    )
    assert (entries[first], codes[first], repeats[first]) == ("ticket 4711", 0, 1)
    assert peers[first].startswith("127.0.0.1:")
    assert sessions[first]
    assert times == sorted(times)
    backwards = await read(admin, server, dt.datetime(2200, 1, 1), before, 1)
    assert backwards.OutputArguments[0].Value == [times[-1]]
    assert told


async def test_the_trail_is_for_administrators(server: OpcUaTestServer, engineer: Client) -> None:
    result = await read(engineer, server, dt.datetime(2020, 1, 1), dt.datetime(2200, 1, 1))
    assert result.StatusCode.value == S.BadUserAccessDenied


async def test_the_stored_trail_is_whole(server: OpcUaTestServer, admin: Client, until: Until) -> None:
    await disable(admin, server)
    historian = server.app._opcua._historian
    await until(lambda: historian.audit_writer.idle)
    verdict = await asyncio.wrap_future(
        asyncio.run_coroutine_threadsafe(historian.audit_trail.verify(), server.loop)
    )
    assert verdict.broken is None
    assert verdict.rows >= 2
