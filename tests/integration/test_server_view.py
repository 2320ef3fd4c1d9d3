"""Browse, BrowseNext and TranslateBrowsePaths, and what the fleet looks like through them (N3, N4)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

S = ua.StatusCodes
Ids = ua.ObjectIds
STRING = "Bangrak/UPS-1/S01"
JAR = f"{STRING}/J03"
FORWARD, INVERSE, BOTH = list(ua.BrowseDirection)[:3]


def describe(
    node_id: ua.NodeId,
    kind: int = 0,
    direction: ua.BrowseDirection = FORWARD,
    subtypes: bool = True,
    classes: int = 0,
    fields: int = 63,
) -> ua.BrowseDescription:
    return ua.BrowseDescription(node_id, direction, ua.NodeId(kind), subtypes, classes, fields)


async def browse(client: Client, *wanted: ua.BrowseDescription, most: int = 0) -> list[ua.BrowseResult]:
    sent = request(ua.BrowseRequest, NodesToBrowse=list(wanted), RequestedMaxReferencesPerNode=most)
    results: list[ua.BrowseResult] = (await answer(client, ua.BrowseResponse, sent)).Results
    return results


async def browse_next(client: Client, point: bytes, release: bool = False) -> ua.BrowseResult:
    sent = request(ua.BrowseNextRequest, ContinuationPoints=[point], ReleaseContinuationPoints=release)
    # asyncua leaves the parameters of this request empty until they are set whole
    return (await answer(client, ua.BrowseNextResponse, sent)).Parameters.Results[0]


async def names(client: Client, wanted: ua.BrowseDescription) -> list[str]:
    (result,) = await browse(client, wanted)
    assert result.StatusCode.is_good()
    return [ref.BrowseName.Name for ref in result.References]


async def test_events_flow_from_jar_to_server(client: Client, server: OpcUaTestServer) -> None:
    """N3: HasNotifier from the Server down to the string, HasEventSource to the jar, HasCondition."""
    chain = [ua.NodeId(Ids.Server), *map(server.node_id, ("Fleet", "Bangrak", "Bangrak/UPS-1", STRING))]
    for above, below in pairwise(chain):
        (down,) = await browse(client, describe(above, Ids.HasNotifier, subtypes=False))
        assert below in [ref.NodeId for ref in down.References]
        (up,) = await browse(client, describe(below, Ids.HasNotifier, INVERSE, subtypes=False))
        assert [ref.NodeId for ref in up.References] == [above]
        notifier = await client.get_node(below).read_attribute(ua.AttributeIds.EventNotifier)
        assert notifier.Value.Value == 5  # SubscribeToEvents and HistoryRead
    (sources,) = await browse(client, describe(chain[-1], Ids.HasEventSource, subtypes=False))
    assert [ref.NodeId for ref in sources.References] == [
        server.node_id(f"{STRING}/J0{i}") for i in range(1, 7)
    ]
    (found,) = await browse(client, describe(server.node_id(JAR), Ids.HasCondition))
    assert [ref.NodeId for ref in found.References] == [server.node_id(f"{JAR}#TemperatureHigh")]
    assert found.References[0].TypeDefinition == ua.NodeId(Ids.ExclusiveLevelAlarmType)


async def test_the_fleet_is_a_tree_of_components(client: Client, server: OpcUaTestServer) -> None:
    assert "Fleet" in await names(client, describe(ua.NodeId(Ids.ObjectsFolder), Ids.Organizes))
    components = await names(client, describe(server.node_id("Fleet"), Ids.HasComponent, classes=1))
    assert set(components) == {
        *("Bangrak", "Hat Yai", "Simulation", "Analytics", "Maintenance", "Audit", "Historian", "Alarms"),
    }
    assert await names(client, describe(server.node_id(STRING), Ids.HasComponent, classes=1)) == [
        f"J0{i}" for i in range(1, 7)
    ]
    jar = await names(client, describe(server.node_id(JAR), Ids.HasComponent, classes=2))
    assert {"Voltage", "HealthStatus", "ReplacementQuarter"} <= set(jar)
    plate = await names(client, describe(server.node_id(JAR), Ids.HasProperty))
    assert {"SerialNumber", "Position", "InstallationDate"} <= set(plate)


SHARED = (Ids.HasTypeDefinition, Ids.HasHistoricalConfiguration)


async def test_every_reference_of_the_fleet_has_its_inverse(client: Client, server: OpcUaTestServer) -> None:
    """From the fleet to the properties of a variable; types and shared configurations hold no inverse."""
    paths = ("Fleet", "Bangrak", "Bangrak/UPS-1", STRING, JAR, f"{JAR}.Voltage", f"{JAR}.HealthStatus")
    paths += (
        "Simulation",
        "Simulation.Start",
        f"{JAR}#TemperatureHigh",
        f"{JAR}#TemperatureHigh.ActiveState",
    )
    for path in paths:
        node_id = server.node_id(path)
        (result,) = await browse(client, describe(node_id))
        refs = [ref for ref in result.References if ref.ReferenceTypeId.Identifier not in SHARED]
        refs = [ref for ref in refs if ref.NodeId.NamespaceIndex == server.ns]
        assert refs
        back = await browse(client, *(describe(ref.NodeId, 0, INVERSE) for ref in refs))
        for ref, inverse in zip(refs, back, strict=True):
            found = [(r.ReferenceTypeId, r.NodeId) for r in inverse.References]
            assert (ref.ReferenceTypeId, node_id) in found, (path, ref)


async def test_references_tell_what_the_nodes_say(client: Client, server: OpcUaTestServer) -> None:
    for path in ("Bangrak", STRING, JAR, f"{JAR}.Voltage", f"{JAR}#TemperatureHigh"):
        (result,) = await browse(client, describe(server.node_id(path)))
        for ref in result.References:
            node = client.get_node(ref.NodeId)
            assert await node.read_browse_name() == ref.BrowseName
            assert await node.read_display_name() == ref.DisplayName
            assert await node.read_node_class() == ref.NodeClass
            if ref.NodeClass in (ua.NodeClass.Object, ua.NodeClass.Variable):
                (typed,) = await browse(client, describe(ref.NodeId, Ids.HasTypeDefinition))
                assert [r.NodeId for r in typed.References] == [ref.TypeDefinition]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"direction": INVERSE}, 2),
        ({"direction": FORWARD, "kind": Ids.HasEventSource}, 6),
        ({"kind": Ids.HierarchicalReferences, "subtypes": False}, 0),
        ({"kind": Ids.HasComponent, "classes": int(ua.NodeClass.Object)}, 6),
        ({"kind": Ids.HasComponent, "classes": int(ua.NodeClass.Method)}, 0),
        ({"kind": Ids.HasTypeDefinition}, 1),
        ({"kind": Ids.NonHierarchicalReferences}, 1),
    ],
)
async def test_a_browse_gives_what_it_asks_for(
    client: Client, server: OpcUaTestServer, terms: dict[str, int], expected: int
) -> None:
    (result,) = await browse(client, describe(server.node_id(STRING), **terms))  # type: ignore[arg-type]
    assert result.StatusCode.is_good()
    assert len(result.References) == expected


async def test_both_directions_are_forward_and_inverse(client: Client, server: OpcUaTestServer) -> None:
    forward, inverse, both = await browse(
        client, *(describe(server.node_id(STRING), 0, direction) for direction in (FORWARD, INVERSE, BOTH))
    )
    key = repr
    assert sorted(both.References, key=key) == sorted(forward.References + inverse.References, key=key)


@pytest.mark.parametrize("bit", range(6))
async def test_a_result_mask_leaves_the_other_fields_out(
    client: Client, server: OpcUaTestServer, bit: int
) -> None:
    node_id = server.node_id(STRING)
    whole, masked, empty = await browse(
        client, describe(node_id), describe(node_id, fields=1 << bit), describe(node_id, fields=0)
    )
    name = ("ReferenceTypeId", "IsForward", "NodeClass", "BrowseName", "DisplayName", "TypeDefinition")[bit]
    for full, some, none in zip(whole.References, masked.References, empty.References, strict=True):
        none_with = ua.ReferenceDescription(**{f: getattr(none, f) for f in none.__dataclass_fields__})
        setattr(none_with, name, getattr(full, name))
        assert some == none_with
        assert some.NodeId == full.NodeId
        assert none.BrowseName.Name is None


async def test_a_long_answer_comes_in_parts(client: Client, server: OpcUaTestServer) -> None:
    node_id = server.node_id(JAR)
    (whole,) = await browse(client, describe(node_id))
    (part,) = await browse(client, describe(node_id), most=4)
    found = list(part.References)
    while part.ContinuationPoint:
        assert len(part.References) == 4
        used = part.ContinuationPoint
        part = await browse_next(client, used)
        found += part.References
        assert (await browse_next(client, used)).StatusCode.value == S.BadContinuationPointInvalid
    assert found == whole.References


async def test_a_continuation_point_can_be_released_and_belongs_to_its_session(
    client: Client, server: OpcUaTestServer
) -> None:
    (part,) = await browse(client, describe(server.node_id(JAR)), most=1)
    async with server.client() as other:
        stolen = await browse_next(other, part.ContinuationPoint)
    assert stolen.StatusCode.value == S.BadContinuationPointInvalid
    released = await browse_next(client, part.ContinuationPoint, release=True)
    assert released.StatusCode.is_good()
    assert not released.References
    gone = await browse_next(client, part.ContinuationPoint)
    assert gone.StatusCode.value == S.BadContinuationPointInvalid


async def test_continuation_points_are_not_without_number(client: Client, server: OpcUaTestServer) -> None:
    results = await browse(client, *[describe(server.node_id(JAR))] * 60, most=1)
    codes = [result.StatusCode.value for result in results]
    assert codes == [S.Good] * 50 + [S.BadNoContinuationPoints] * 10


async def test_one_bad_node_does_not_spoil_the_others(client: Client, server: OpcUaTestServer) -> None:
    results = await browse(
        client,
        describe(server.node_id("nowhere")),
        describe(server.node_id(JAR), kind=Ids.BaseObjectType),
        describe(server.node_id(JAR), kind=999_999),
        describe(server.node_id(JAR)),
    )
    codes = [result.StatusCode.value for result in results]
    assert codes == [S.BadNodeIdUnknown, S.BadReferenceTypeIdInvalid, S.BadReferenceTypeIdInvalid, S.Good]


async def test_nothing_to_browse_is_refused(client: Client) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await browse(client)
    assert refused.value.code == S.BadNothingToDo


def path(
    start: ua.NodeId, *elements: str, kind: int = Ids.HierarchicalReferences, inverse: bool = False
) -> ua.BrowsePath:
    made = ua.BrowsePath()
    made.StartingNode = start
    for element in elements:
        index, _, name = element.rpartition(":")
        step = ua.RelativePathElement(ua.NodeId(kind), inverse, True, ua.QualifiedName(name, int(index or 0)))
        made.RelativePath.Elements.append(step)
    return made


async def translate(client: Client, *paths: ua.BrowsePath) -> list[ua.BrowsePathResult]:
    sent = request(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=list(paths))
    results: list[ua.BrowsePathResult] = (
        await answer(client, ua.TranslateBrowsePathsToNodeIdsResponse, sent)
    ).Results
    return results


async def test_a_path_of_names_leads_to_the_node(client: Client, server: OpcUaTestServer) -> None:
    fleet, types = server.ns, server.ns - 1
    steps = [f"{fleet}:{name}" for name in ("Fleet", "Bangrak", "UPS-1", "S01", "J03")]
    objects = ua.NodeId(Ids.ObjectsFolder)
    results = await translate(
        client,
        path(objects, *steps),
        path(objects, *steps, f"{types}:Voltage"),
        path(objects, *steps, f"{types}:Voltage", "0:EURange"),
        path(objects, *steps, f"{types}:Colour"),
        path(objects, "0:Fleet"),
        path(objects),
        path(server.node_id("nowhere"), *steps),
        path(objects, ":", "0:Fleet"),
        path(server.node_id(JAR), f"{fleet}:S01", kind=Ids.HasComponent, inverse=True),
    )
    targets = [[t.TargetId.Identifier for t in result.Targets] for result in results]
    assert targets[:3] == [[JAR], [f"{JAR}.Voltage"], [f"{JAR}.Voltage.EURange"]]
    assert targets[8] == [STRING]
    assert [result.StatusCode.value for result in results[3:8]] == [
        S.BadNoMatch,
        S.BadNoMatch,
        S.BadNothingToDo,
        S.BadNodeIdUnknown,
        S.BadBrowseNameInvalid,
    ]
    assert all(t.RemainingPathIndex == 0xFFFF_FFFF for result in results for t in result.Targets)


async def test_ids_are_stable_strings(client: Client, server: OpcUaTestServer) -> None:
    """N4: what a client stored last year finds its node."""
    index = await client.get_namespace_index("urn:voltkeep:fleet")
    for identifier in (
        "Fleet",
        "Bangrak",
        "Hat Yai/UPS-1/S01/J04.Voltage",
        f"{JAR}#TemperatureHigh.ActiveState.Id",
    ):
        node = client.get_node(f"ns={index};s={identifier}")
        assert (await node.read_attribute(ua.AttributeIds.NodeId)).Value.Value == node.nodeid


async def test_nodes_can_be_registered(client: Client, server: OpcUaTestServer) -> None:
    node_ids = [server.node_id(f"{JAR}.Voltage")]
    assert await client.register_nodes([client.get_node(n) for n in node_ids])
    sent = request(ua.UnregisterNodesRequest, NodesToUnregister=node_ids)
    await answer(client, ua.UnregisterNodesResponse, sent)


async def test_a_registered_variable_is_read_and_watched_by_its_number(
    client: Client, server: OpcUaTestServer
) -> None:
    """Part 4, 5.9.5: a handle for a live variable, their own id for others; the node keeps its own."""
    live, plate = server.node_id(f"{JAR}.Voltage"), server.node_id(f"{JAR}.SerialNumber")
    unknown = server.node_id("nowhere")
    sent = request(ua.RegisterNodesRequest, NodesToRegister=[live, plate, unknown])
    response = await answer(client, ua.RegisterNodesResponse, sent)
    handle, *others = response.Parameters.RegisteredNodeIds
    assert others == [plate, unknown]
    assert isinstance(handle.Identifier, int)
    node = client.get_node(handle)
    assert await node.read_data_type() == ua.NodeId(Ids.Double)
    assert (await node.read_attribute(ua.AttributeIds.NodeId)).Value.Value == live
    by_number, by_text = await browse(client, describe(handle), describe(live))
    assert by_number.References == by_text.References
    (found,) = await translate(client, path(handle, "0:EURange"))
    assert [target.TargetId for target in found.Targets] == [server.node_id(f"{JAR}.Voltage.EURange")]
    (other,) = await browse(client, describe(ua.NodeId(1 << 31, server.ns)))
    assert other.StatusCode.value == S.BadNodeIdUnknown


async def test_a_path_costs_only_so_much(client: Client, server: OpcUaTestServer) -> None:
    """Depth and breadth are bounded, and a last element without a name means all targets (Part 4, 7.30)."""
    root, jar = ua.NodeId(Ids.RootFolder), server.node_id(JAR)
    to_and_fro = path(jar, *[f"{server.ns}:S01", f"{server.ns}:J03"] * 60)
    for i, element in enumerate(to_and_fro.RelativePath.Elements):
        element.IsInverse = i % 2 == 0
    everything = path(root, ":", kind=0)
    results = await translate(
        client, to_and_fro, everything, path(root, ":", ":", kind=0), path(jar, "0:x", kind=999_999)
    )
    assert [result.StatusCode.value for result in results] == [
        S.BadQueryTooComplex,
        S.Good,
        S.BadBrowseNameInvalid,
        S.BadNoMatch,
    ]
    (all_of_root,) = await browse(client, describe(root))
    assert {t.TargetId for t in results[1].Targets} == {r.NodeId for r in all_of_root.References}


async def test_a_view_that_is_not_there_is_refused(client: Client, server: OpcUaTestServer) -> None:
    sent = request(ua.BrowseRequest, NodesToBrowse=[describe(server.node_id(JAR))])
    sent.Parameters.View.ViewId = server.node_id(JAR)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await answer(client, ua.BrowseResponse, sent)
    assert refused.value.code == S.BadViewIdUnknown
