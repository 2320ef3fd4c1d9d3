"""The whole address space walked: what is browsed can be read, every reference has its other end (Part 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, read_request, request

A = ua.AttributeIds
S = ua.StatusCodes
Ids = ua.ObjectIds
C = ua.NodeClass
BOTH = list(ua.BrowseDirection)[2]
BATCH = 500

# Attributes that a node of a class must have (Part 3, 5.3 to 5.8).
_BASE = (A.NodeId, A.NodeClass, A.BrowseName, A.DisplayName)
MANDATORY = {
    C.Object: (*_BASE, A.EventNotifier),
    C.Variable: (*_BASE, A.Value, A.DataType, A.ValueRank, A.AccessLevel, A.UserAccessLevel, A.Historizing),
    C.Method: (*_BASE, A.Executable, A.UserExecutable),
    C.ObjectType: (*_BASE, A.IsAbstract),
    C.VariableType: (*_BASE, A.DataType, A.ValueRank, A.IsAbstract),
    C.ReferenceType: (*_BASE, A.IsAbstract, A.Symmetric),
    C.DataType: (*_BASE, A.IsAbstract),
    C.View: (*_BASE, A.ContainsNoLoops, A.EventNotifier),
}
HIERARCHY = (
    *(Ids.HasComponent, Ids.HasProperty, Ids.HasNotifier, Ids.HasEventSource, Ids.HasCondition),
    Ids.HasTrueSubState,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Walked:
    """All nodes that can be reached from the root, with their references."""

    client: Client
    ns: int
    references: dict[ua.NodeId, list[ua.ReferenceDescription]] = field(default_factory=dict)

    @property
    def ours(self) -> list[ua.NodeId]:
        """Nodes of the fleet."""
        return [node_id for node_id in self.references if node_id.NamespaceIndex == self.ns]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walked(server: OpcUaTestServer) -> AsyncIterator[Walked]:
    async with server.client() as client:
        found = Walked(client, server.ns)
        front = [ua.NodeId(Ids.RootFolder)]
        while front:
            for node_id, refs in zip(front, await _browse(client, front), strict=True):
                found.references[node_id] = refs
            for node in front:  # diagnostics of other sessions, which end while we walk
                refs = found.references[node]
                found.references[node] = [r for r in refs if not _passing(r.NodeId)]
            targets = dict.fromkeys(ref.NodeId for node in front for ref in found.references[node])
            front = [node_id for node_id in targets if node_id not in found.references]
        yield found


def _passing(node_id: ua.NodeId) -> bool:
    return node_id.NamespaceIndex == 1 and str(node_id.Identifier).startswith("session-")


async def _browse(client: Client, nodes: list[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
    found = []
    for at in range(0, len(nodes), BATCH):
        wanted = [
            ua.BrowseDescription(node, BOTH, ua.NodeId(), True, 0, 63) for node in nodes[at : at + BATCH]
        ]
        results = (
            await answer(client, ua.BrowseResponse, request(ua.BrowseRequest, NodesToBrowse=wanted))
        ).Results
        for node, result in zip(nodes[at : at + BATCH], results, strict=True):
            assert result.StatusCode.is_good(), (node, result.StatusCode)
            found.append(result.References)
    return found


async def _read(client: Client, wanted: list[tuple[ua.NodeId, int]]) -> list[ua.DataValue]:
    found = []
    for at in range(0, len(wanted), 4 * BATCH):
        items = [ua.ReadValueId(node, attribute) for node, attribute in wanted[at : at + 4 * BATCH]]
        found += (await answer(client, ua.ReadResponse, read_request(items))).Results
    return found


async def test_all_nodes_of_the_fleet_are_reached(walked: Walked) -> None:
    assert {"Fleet", "Bangrak/UPS-1/S01/J01.Voltage.EURange"} <= {n.Identifier for n in walked.ours}
    assert len(walked.ours) > 16 * 25


async def test_every_forward_reference_of_ours_has_its_inverse_and_the_other_way_round(
    walked: Walked,
) -> None:
    ends = Counter(
        (node, ref.ReferenceTypeId.Identifier, ref.NodeId, ref.IsForward)
        for node, refs in walked.references.items()
        for ref in refs
    )
    assert max(ends.values()) == 1  # no reference is told twice
    missing = [
        (node, kind, target)
        for node, kind, target, forward in ends
        if walked.ns in (node.NamespaceIndex, target.NamespaceIndex)
        and kind in HIERARCHY
        and target.NamespaceIndex != 0  # methods of conditions are those of their types
        and (target, kind, node, not forward) not in ends
    ]
    assert not missing


async def test_every_node_says_what_its_references_say(walked: Walked) -> None:
    """NodeClass, names and type definition of each target, as its own attributes and references tell them."""
    told = {ref.NodeId: ref for refs in walked.references.values() for ref in refs}
    nodes = list(told)
    wanted = [(node, a) for node in nodes for a in (A.NodeClass, A.BrowseName, A.DisplayName)]
    values = await _read(walked.client, wanted)
    for i, node in enumerate(nodes):
        ref = told[node]
        found = [value.Value.Value for value in values[3 * i : 3 * i + 3]]
        assert found == [ref.NodeClass, ref.BrowseName, ref.DisplayName], node
        types = [
            each.NodeId
            for each in walked.references[node]
            if each.ReferenceTypeId.Identifier == Ids.HasTypeDefinition and each.IsForward
        ]
        if ref.NodeClass in (C.Object, C.Variable):
            assert types == [ref.TypeDefinition], node
        else:
            assert not types


async def test_every_node_has_the_attributes_of_its_class(walked: Walked) -> None:
    classes = {ref.NodeId: ref.NodeClass for refs in walked.references.values() for ref in refs}
    wanted = [
        (node, attribute) for node, node_class in classes.items() for attribute in MANDATORY[node_class]
    ]
    values = await _read(walked.client, wanted)
    refused = (S.BadUserAccessDenied, S.BadNotReadable, S.BadSecurityModeInsufficient)
    absent = [
        (asked, value.StatusCode)
        for asked, value in zip(wanted, values, strict=True)
        if value.StatusCode.is_bad()
        and not (asked[1] == A.Value and asked[0].NamespaceIndex == walked.ns)  # waits for data
        and value.StatusCode.value not in refused
    ]
    assert not absent


async def test_methods_that_nobody_answers_are_not_executable(walked: Walked) -> None:
    methods = {ref.NodeId for refs in walked.references.values() for ref in refs if ref.NodeClass == C.Method}
    values = await _read(walked.client, [(node, A.Executable) for node in methods])
    served = {node for node, value in zip(methods, values, strict=True) if value.Value.Value}
    assert walked.client.get_node(f"ns={walked.ns};s=Simulation.Start").nodeid in served
    assert ua.NodeId(Ids.ServerConfiguration_UpdateCertificate) not in served
    assert len(served) < len(methods)


@pytest.mark.parametrize("facet", [Ids.PublishSubscribe, Ids.ServerLog, Ids.Resources, Ids.Aliases])
async def test_what_is_not_served_is_not_shown(walked: Walked, facet: int) -> None:
    assert ua.NodeId(facet) not in walked.references
    (value,) = await _read(walked.client, [(ua.NodeId(facet), A.NodeClass)])
    assert value.StatusCode.value == S.BadNodeIdUnknown
