"""The Server object tells the truth: limits, namespaces, capabilities and status (Part 5, 6.3)."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, read_request, request

from server.space.status import MAINTENANCE, Status

S = ua.StatusCodes
Ids = ua.ObjectIds
NODE = ua.NodeId(Ids.Server)


async def value(client: Client, name: str) -> Any:
    return await client.get_node(ua.NodeId(getattr(Ids, name))).read_value()


def _browse(count: int) -> Any:
    return request(ua.BrowseRequest, NodesToBrowse=[ua.BrowseDescription(NODE)] * count)


def _translate(count: int) -> Any:
    return request(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=[ua.BrowsePath(NODE)] * count)


def _register(count: int) -> Any:
    return request(ua.RegisterNodesRequest, NodesToRegister=[NODE] * count)


def _call(count: int) -> Any:
    return request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(NODE, NODE)] * count)


def _read(count: int) -> Any:
    return read_request([ua.ReadValueId(NODE, ua.AttributeIds.NodeId)] * count)


@pytest.mark.parametrize(
    ("limit", "make"),
    [
        ("MaxNodesPerBrowse", _browse),
        ("MaxNodesPerTranslateBrowsePathsToNodeIds", _translate),
        ("MaxNodesPerRegisterNodes", _register),
        ("MaxNodesPerMethodCall", _call),
        ("MaxNodesPerRead", _read),
    ],
)
async def test_one_operation_more_than_told_is_too_many(client: Client, limit: str, make: Any) -> None:
    most = await value(client, f"Server_ServerCapabilities_OperationLimits_{limit}")
    assert most > 0
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await answer(client, ua.ServiceFault, make(most + 1))
    assert refused.value.code == S.BadTooManyOperations


async def test_every_namespace_has_its_metadata(client: Client, server: OpcUaTestServer) -> None:
    uris = await value(client, "Server_NamespaceArray")
    entries = await client.get_node(ua.NodeId(Ids.Server_Namespaces)).get_children()
    told = {}
    for entry in entries:
        members = {(await p.read_browse_name()).Name: p for p in await entry.get_children()}
        everybody = members.pop("DefaultRolePermissions")
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):  # administrators may know it
            await everybody.read_value()
        found = {name: await member.read_value() for name, member in members.items()}
        told[found["NamespaceUri"]] = found
    assert set(told) == set(uris)
    types, fleet = told["urn:voltkeep:types"], told["urn:voltkeep:fleet"]
    assert types["StaticNodeIdTypes"] == [ua.IdType.String]
    assert types["StaticStringNodeIdPattern"] == "%"
    assert fleet["StaticNodeIdTypes"] == []
    for uri in uris:
        assert told[uri]["IsNamespaceSubset"] is False
        (mine,) = told[uri]["DefaultUserRolePermissions"]
        assert mine.RoleId == ua.NodeId(Ids.WellKnownRole_Anonymous)
        assert told[uri]["DefaultAccessRestrictions"] == 0


async def test_capabilities_are_those_of_the_settings(client: Client, server: OpcUaTestServer) -> None:
    settings = server.settings.opcua
    for name, expected in (
        ("MaxSessions", settings.max_sessions),
        ("MaxSubscriptions", settings.max_subscriptions),
        ("MaxMonitoredItemsPerSubscription", settings.max_monitored_items),
        ("MaxBrowseContinuationPoints", 50),
        ("LocaleIdArray", ["en"]),
    ):
        assert await value(client, f"Server_ServerCapabilities_{name}") == expected
    assert any(
        "StandardUA2017" in uri for uri in await value(client, "Server_ServerCapabilities_ServerProfileArray")
    )
    assert await value(client, "Server_ServerRedundancy_RedundancySupport") == ua.RedundancySupport.None_
    assert await value(client, "Server_ServerStatus_State") == ua.ServerState.Running
    assert (await value(client, "Server_ServerStatus")).SecondsTillShutdown == 0


def test_a_server_that_ends_says_so() -> None:
    status = Status(lambda: True)
    assert status.level == 255
    status.shut_down(5.0, "Maintenance")
    assert status.state is ua.ServerState.Shutdown
    assert status.level == MAINTENANCE
    told = status._whole()
    assert (told.SecondsTillShutdown, told.ShutdownReason.Text) == (5, "Maintenance")
