"""The same values in a stock asyncua server and in ours give the same bytes.

The pin of asyncua is exact, and what we encode ourselves (rows, notifications, references) must be what
its codec makes of the same structures: an upgrade that moves one of them fails here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from asyncua import Client, Server, ua
from opcuaserver import OpcUaTestServer, answer, free_port, read_request, request, send
from opcuasubscriber import Subscriber, item

JAR = "Bangrak/UPS-1/S01/J06"
TAGS = ("Voltage", "Temperature", "StateOfCharge", "HealthStatus", "ReplacementQuarter")
PLATES = ("SerialNumber", "Position", "InstallationDate", "Manufacturer", "RatedCapacity")
HEADER = 28  # bytes of TypeId and ResponseHeader: time and handle differ
A = ua.AttributeIds


@dataclass
class Both:
    """Clients of a stock server that holds a copy of our nodes, and of ours."""

    stock: Client
    ours: Client
    node_ids: list[ua.NodeId]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(server: OpcUaTestServer) -> AsyncIterator[Both]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.app._opcua._table, "commit", lambda _frame: 0)  # values stand still
        async for made in _both(server):
            yield made


async def _both(server: OpcUaTestServer) -> AsyncIterator[Both]:
    stock = Server()
    await stock.init()
    stock.set_endpoint(f"opc.tcp://127.0.0.1:{free_port()}/")
    stock.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    for uri in ("urn:voltkeep:types", "urn:voltkeep:fleet"):
        await stock.register_namespace(uri)
    node_ids = [server.node_id(f"{JAR}.{name}") for name in (*TAGS, *PLATES, "HealthStatus.EnumStrings")]
    async with server.client() as ours:
        for node_id in node_ids:
            await _copy(ours, stock, node_id)
        async with stock, Client(stock.endpoint.geturl()) as client:
            yield Both(client, ours, node_ids)


async def _copy(ours: Client, stock: Server, node_id: ua.NodeId) -> None:
    """A variable with the attributes and the value of ours."""
    node = ours.get_node(node_id)
    response = await answer(ours, ua.ReadResponse, read_request([ua.ReadValueId(node_id, A.Value)]))
    value = response.Results[0]
    copy = await stock.nodes.objects.add_variable(node_id, await node.read_browse_name(), value.Value)
    space = stock.iserver.aspace
    for attribute in A:
        found = (
            await answer(ours, ua.ReadResponse, read_request([ua.ReadValueId(node_id, attribute)]))
        ).Results[0]
        if found.StatusCode.is_good() and attribute is not A.Value:
            await space.write_attribute_value(copy.nodeid, attribute, ua.DataValue(found.Value))
    await space.write_attribute_value(copy.nodeid, A.Value, value)


@pytest.mark.parametrize("count", [1, 2, 100])
async def test_values_are_the_same_bytes(both: Both, count: int) -> None:
    """Of those that live in columns; mixed with others they are the same values."""
    live = (both.node_ids[: len(TAGS)] * count)[:count]
    sent = read_request([ua.ReadValueId(node_id, A.Value) for node_id in live])
    stock, ours = [(await send(client, sent))[HEADER:] for client in (both.stock, both.ours)]
    # No diagnostics are an empty array there, and none here.
    assert (stock[-4:], ours[-4:]) == (b"\0\0\0\0", b"\xff\xff\xff\xff")
    assert stock[:-4] == ours[:-4]
    sent = read_request([ua.ReadValueId(node_id, A.Value) for node_id in [*live, *both.node_ids]])
    one, other = [(await answer(c, ua.ReadResponse, sent)).Results for c in (both.stock, both.ours)]
    assert one[:count] == other[:count]
    assert [(v.Value, v.StatusCode) for v in one] == [(v.Value, v.StatusCode) for v in other]


async def test_attributes_are_the_same_values(both: Both) -> None:
    # The stock server has none of RolePermissions and what comes after it.
    known = range(1, A.RolePermissions)
    wanted = [ua.ReadValueId(node_id, attribute) for node_id in both.node_ids for attribute in known]
    stock, ours = [
        (await answer(client, ua.ReadResponse, read_request(wanted, 3))).Results
        for client in (both.stock, both.ours)
    ]
    compared = 0
    for asked, one, other in zip(wanted, stock, ours, strict=True):
        if other.StatusCode.is_good():  # the stock server makes up optional ones that ours does not have
            compared += 1
            assert (one.Value, one.StatusCode) == (other.Value, other.StatusCode), asked
    assert compared > 12 * len(both.node_ids)


async def test_errors_are_the_same(both: Both) -> None:
    wanted = [
        ua.ReadValueId(ua.NodeId("nowhere", 3), A.Value),
        ua.ReadValueId(both.node_ids[0], A.IsAbstract),
        ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server), A.Value),
    ]
    stock, ours = [
        (await answer(client, ua.ReadResponse, read_request(wanted, 3))).Results
        for client in (both.stock, both.ours)
    ]
    assert [v.StatusCode for v in stock] == [v.StatusCode for v in ours]


async def test_standard_nodes_are_browsed_to_the_same_bytes(both: Both) -> None:
    ids = ua.ObjectIds
    for node_id in (ids.TypesFolder, ids.BaseEventType, ids.ExclusiveLevelAlarmType, ids.Server_ServerStatus):
        for direction in list(ua.BrowseDirection)[:3]:
            for kind in (0, ids.HierarchicalReferences, ids.HasComponent):
                desc = ua.BrowseDescription(
                    ua.NodeId(node_id), direction, ua.NodeId(kind), True, 0, int(ua.BrowseResultMask.All)
                )
                sent = request(ua.BrowseRequest, NodesToBrowse=[desc])
                found = [
                    (await answer(client, ua.BrowseResponse, sent)).Results[0]
                    for client in (both.stock, both.ours)
                ]
                foreign = [r for r in found[1].References if r.NodeId.NamespaceIndex == 0]
                assert found[0].StatusCode == found[1].StatusCode
                assert _sorted(found[0].References) == _sorted(foreign)


def _sorted(references: list[ua.ReferenceDescription]) -> list[str]:
    return sorted(map(repr, references))


@pytest.mark.parametrize("queue", [1, 2])
async def test_notifications_are_the_same(both: Both, queue: int) -> None:
    """Of columns and of items with a queue of their own."""
    seen = []
    for client in (both.stock, both.ours):
        made = await Subscriber.create(client)
        live = both.node_ids[: len(TAGS)]
        await made.monitor(*(item(node_id, handle=i, queue=queue) for i, node_id in enumerate(live)))
        seen.append(sorted(await made.values(len(live)), key=lambda pair: pair[0]))
    assert seen[0] == seen[1]
