"""Diagnostics (Part 5, 6.3.3), and the methods of the Server object that deal with subscriptions."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Node, ua
from opcuaserver import OpcUaTestServer, answer, raw, read_request, read_time, request
from opcuasubscriber import Subscriber, item

S = ua.StatusCodes
Ids = ua.ObjectIds
_SERVER = "Server_ServerDiagnostics"
_SUMMARY = f"{_SERVER}_SessionsDiagnosticsSummary"


def standard(name: str) -> ua.NodeId:
    """A standard node."""
    return ua.NodeId(getattr(Ids, name))


async def value_of(client: Client, node_id: ua.NodeId) -> Any:
    return await client.get_node(node_id).read_value()


async def status_of(client: Client, node_id: ua.NodeId) -> int:
    made = read_request([ua.ReadValueId(node_id, ua.AttributeIds.Value)])
    return int((await answer(client, ua.ReadResponse, made)).Results[0].StatusCode.value)


async def by_name(node: Node) -> dict[str, Node]:
    """Children of a node."""
    return {(await child.read_browse_name()).Name: child for child in await node.get_children()}


async def summary(client: Client) -> ua.ServerDiagnosticsSummaryDataType:
    return await value_of(client, standard(f"{_SERVER}_ServerDiagnosticsSummary"))


async def sessions(client: Client) -> dict[str, ua.SessionDiagnosticsDataType]:
    """Diagnostics of all sessions, by name."""
    found = await value_of(client, standard(f"{_SUMMARY}_SessionDiagnosticsArray"))
    return {each.SessionName: each for each in found}


async def call(client: Client, method: str, *arguments: ua.Variant) -> Any:
    """Call a method of the Server object; the result."""
    made = ua.CallRequest()
    wanted = ua.CallMethodRequest(standard("Server"), standard(method), list(arguments))
    made.Parameters.MethodsToCall = [wanted]
    return (await answer(client, ua.CallResponse, made)).Results[0]


async def test_the_summary_counts(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        before = await summary(client)
        async with server.client() as other, raw(server) as stranger:
            await Subscriber.create(other, RequestedPublishingInterval=54_321.0)
            await Subscriber.create(other, RequestedPublishingInterval=54_321.0)
            stranger.session = ua.NodeId(b"guess", 0, ua.NodeIdType.ByteString)
            assert await stranger.fault(read_time()) == S.BadSessionIdInvalid
            stranger.session = None
            with pytest.raises(ua.UaStatusCodeError):
                await answer(other, ua.PublishResponse, request(ua.DeleteSubscriptionsRequest))
            during = await summary(client)
        after = await summary(client)
    grown = {each.name: getattr(during, each.name) - getattr(before, each.name) for each in fields(before)}
    assert grown == {
        "ServerViewCount": 0,
        "CurrentSessionCount": 1,
        "CumulatedSessionCount": 1,
        "SecurityRejectedSessionCount": 0,
        "RejectedSessionCount": 0,
        "SessionTimeoutCount": 0,
        "SessionAbortCount": 0,
        "CurrentSubscriptionCount": 2,
        "CumulatedSubscriptionCount": 2,
        "PublishingIntervalCount": 1,
        "SecurityRejectedRequestsCount": 1,
        "RejectedRequestsCount": 2,
    }
    assert after.CurrentSubscriptionCount == before.CurrentSubscriptionCount
    assert after.CumulatedSubscriptionCount == during.CumulatedSubscriptionCount


async def test_refused_log_ins_are_counted(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.client() as client:
        before = await summary(client)
        with pytest.raises(ua.UaStatusCodeError):
            async with server.admin(client_home, name="nobody", password="wrong"):
                pass
        after = await summary(client)
        counted = "ServerDiagnosticsSummary_SecurityRejectedSessionCount"
        assert await value_of(client, standard(f"{_SERVER}_{counted}")) == after.SecurityRejectedSessionCount
    assert after.SecurityRejectedSessionCount == before.SecurityRejectedSessionCount + 1


async def test_a_session_is_told_in_numbers(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.admin(client_home) as admin:
        async with server.client() as client:
            mine = server.inside(lambda: list(server.app._opcua.sessions.by_token.values())[-1])
            server.inside(lambda: setattr(mine, "name", "watched"))
            made = await Subscriber.create(client)
            await made.monitor(item(server.node_id("Bangrak/UPS-1/S01/J01.Voltage")))
            await made.values(1)
            for _ in range(3):
                await status_of(client, standard("Server_NamespaceArray"))
            with pytest.raises(ua.UaStatusCodeError):
                await Subscriber(client, 1, None).set_mode(0, 1)
            told = (await sessions(admin))["watched"]
            assert told.SessionId == mine.id
            assert told.EndpointUrl == server.url
            assert (told.CurrentSubscriptionsCount, told.CurrentMonitoredItemsCount) == (1, 1)
            counts = [
                (c.TotalCount, c.ErrorCount)
                for c in (told.SetMonitoringModeCount, told.CreateSubscriptionCount, told.PublishCount)
            ]
            assert counts == [(1, 1), (1, 0), (1, 0)]
            assert told.ReadCount.TotalCount >= 3
            assert told.TotalRequestCount.ErrorCount == 1
            assert told.TotalRequestCount.TotalCount >= 7
            assert told.ClientConnectionTime <= told.ClientLastContactTime
        assert "watched" not in await sessions(admin)


async def test_a_subscription_is_told_in_numbers(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.admin(client_home) as admin:
        made = await Subscriber.create(admin, Priority=7, MaxNotificationsPerPublish=5)
        await made.monitor(item(server.node_id("Bangrak/UPS-1/S01/J01.Voltage"), mode=0))
        await made.monitor(item(server.node_id("Bangrak/UPS-1/S01/J02.Voltage")))
        await made.values(1)
        await made.publishing(False)
        await made.publishing(False)
        found = await value_of(admin, standard(f"{_SERVER}_SubscriptionDiagnosticsArray"))
        (told,) = [each for each in found if each.SubscriptionId == made.id]
        assert (told.Priority, told.MaxNotificationsPerPublish, told.PublishingEnabled) == (7, 5, False)
        assert (told.MonitoredItemCount, told.DisabledMonitoredItemCount) == (2, 1)
        assert (told.DisableCount, told.EnableCount, told.ModifyCount) == (1, 0, 0)
        assert told.DataChangeNotificationsCount == told.NotificationsCount >= 1
        assert told.UnacknowledgedMessageCount == told.NextSequenceNumber - 1
        assert (told.PublishRequestCount, told.PublishingInterval) == (1, 50.0)


async def test_a_session_has_an_object_while_it_lives(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.admin(client_home) as admin:
        above = admin.get_node(standard(_SUMMARY))
        async with server.client():
            mine = server.inside(lambda: list(server.app._opcua.sessions.by_token.values())[-1])
            objects = {node.nodeid: node for node in await above.get_children()}
            assert mine.id in objects
            members = await by_name(objects[mine.id])
            assert set(members) == {
                "SessionDiagnostics",
                "SessionSecurityDiagnostics",
                "SubscriptionDiagnosticsArray",
            }
            assert await members["SubscriptionDiagnosticsArray"].read_value() == []
            numbers = await by_name(members["SessionDiagnostics"])
            assert await numbers["SessionId"].read_value() == mine.id
            assert (await numbers["ReadCount"].read_value()).ErrorCount == 0
            parts = await by_name(members["SessionSecurityDiagnostics"])
            secure = {name: await node.read_value() for name, node in parts.items()}
            assert secure["AuthenticationMechanism"] == "Anonymous"
            assert secure["Encoding"] == "UA Binary"
            assert secure["SecurityMode"] == ua.MessageSecurityMode.None_
            assert secure["ClientUserIdHistory"] == [""]
        assert mine.id not in {node.nodeid for node in await above.get_children()}
        assert await status_of(admin, mine.id) == S.BadNodeIdUnknown
        assert await status_of(admin, members["SessionDiagnostics"].nodeid) == S.BadNodeIdUnknown
        assert await status_of(admin, ua.NodeId("session-x", 1)) == S.BadNodeIdUnknown


async def test_a_session_sees_itself_and_no_other(server: OpcUaTestServer) -> None:
    async with server.client() as client, server.client():
        mine, others = server.inside(lambda: list(server.app._opcua.sessions.by_token.values())[-2:])
        for path in ("SessionDiagnostics", "SessionDiagnostics.SessionId", "SubscriptionDiagnosticsArray"):
            own = ua.NodeId(f"{mine.id.Identifier}.{path}", 1)
            assert await status_of(client, own) == S.Good
            level = await client.get_node(own).read_attribute(ua.AttributeIds.UserAccessLevel)
            assert level.Value.Value & 1
            strange = ua.NodeId(f"{others.id.Identifier}.{path}", 1)
            assert await status_of(client, strange) == S.BadUserAccessDenied
        secured = ua.NodeId(f"{mine.id.Identifier}.SessionSecurityDiagnostics", 1)
        assert await status_of(client, secured) == S.BadUserAccessDenied
        told = await value_of(client, ua.NodeId(f"{mine.id.Identifier}.SessionDiagnostics", 1))
        assert told.SessionId == mine.id


async def test_security_diagnostics_are_encoded_as_the_standard_says(server: OpcUaTestServer) -> None:
    opcua = server.app._opcua
    async with server.client():
        session = server.inside(lambda: list(opcua.sessions.by_token.values())[-1])
        value = server.inside(lambda: opcua.diagnostics.security_structure(session))
    assert value.TypeId == standard("SessionSecurityDiagnosticsDataType_Encoding_DefaultBinary")
    named = (b"Anonymous", b"UA Binary", b"opc.tcp")
    texts = b"".join(len(text).to_bytes(4, "little") + text for text in named)
    assert texts + b"\x01\x00\x00\x00" in value.Body
    assert value.Body.endswith(b"SecurityPolicy#None\xff\xff\xff\xff")


async def test_diagnostics_can_be_turned_off(server: OpcUaTestServer, client_home: Path) -> None:
    opcua = server.app._opcua
    async with server.admin(client_home) as admin:
        flag = standard(f"{_SERVER}_EnabledFlag")
        assert await value_of(admin, flag) is True
        server.inside(lambda: setattr(opcua.diagnostics, "enabled", False))
        try:
            assert await value_of(admin, flag) is False
            assert await status_of(admin, standard(f"{_SERVER}_ServerDiagnosticsSummary")) == S.BadNotReadable
            names = await by_name(admin.get_node(standard(_SUMMARY)))
            assert sorted(names) == ["SessionDiagnosticsArray", "SessionSecurityDiagnosticsArray"]
        finally:
            server.inside(lambda: setattr(opcua.diagnostics, "enabled", True))
        assert (await summary(admin)).CurrentSessionCount >= 1


# -- methods


async def test_a_client_gets_its_items_and_their_values_again(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        made = await Subscriber.create(client)
        voltage = server.node_id("Bangrak/UPS-1/S01/J01.Voltage")
        text = item(voltage, attribute=ua.AttributeIds.DisplayName, handle=30)
        results = await made.monitor(item(voltage, handle=10), item(voltage, handle=20, queue=3), text)
        await made.values(3)
        number = ua.Variant(made.id, ua.VariantType.UInt32)
        found = await call(client, "Server_GetMonitoredItems", number)
        ids, handles = (variant.Value for variant in found.OutputArguments)
        assert dict(zip(ids, handles, strict=True)) == {
            result.MonitoredItemId: handle for result, handle in zip(results, (10, 20, 30), strict=True)
        }
        assert (await call(client, "Server_ResendData", number)).StatusCode.value == S.Good
        handles_again = {handle for handle, _ in await made.values(3)}
        assert 30 in handles_again
        async with server.client() as other:
            for method in ("Server_GetMonitoredItems", "Server_ResendData"):
                assert (await call(other, method, number)).StatusCode.value == S.BadUserAccessDenied
                nothing = ua.Variant(1, ua.VariantType.UInt32)
                assert (await call(other, method, nothing)).StatusCode.value == S.BadSubscriptionIdInvalid


@pytest.mark.parametrize(
    "name",
    [
        "Server_SetSubscriptionDurable",
        "Server_RequestServerStateChange",
        "Server_ServerDiagnostics_SamplingIntervalDiagnosticsArray",
    ],
)
async def test_optional_nodes_that_do_nothing_are_not_there(server: OpcUaTestServer, name: str) -> None:
    async with server.client() as client:
        assert await status_of(client, standard(name)) == S.BadNodeIdUnknown
        for parent in ("Server", _SERVER):
            children = await client.get_node(standard(parent)).get_children()
            assert standard(name) not in {node.nodeid for node in children}
