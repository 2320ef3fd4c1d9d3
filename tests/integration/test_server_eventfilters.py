"""Event filters and notifiers over a real socket (Part 4, 7.7 and 7.22.3): what is told, refused, and how."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import extensionobject_from_binary
from opcuahistory import event_details
from opcuahistory import events as events_of
from opcuahistory import result as history_of
from opcuaserver import OpcUaTestServer, answer, request
from opcuasubscriber import Heat, Subscriber, item, of_conditions, select

S, Ids, Op = ua.StatusCodes, ua.ObjectIds, ua.FilterOperator
EVENTS = ua.AttributeIds.EventNotifier
BANGRAK = "Bangrak/UPS-1/S02/J04"
TYPES_URI = "urn:voltkeep:types"
ADDITIONAL_INFO = 0x80  # of operations, in ReturnDiagnostics


def literal(value: Any, kind: ua.VariantType | None = None) -> ua.LiteralOperand:
    return ua.LiteralOperand(ua.Variant(value, kind))


def where(chosen: ua.EventFilter, *elements: tuple[Any, ...]) -> ua.EventFilter:
    """With a where clause, of an operator and its operands each."""
    made = [ua.ContentFilterElement(operator, list(operands)) for operator, *operands in elements]
    chosen.WhereClause = ua.ContentFilter(made)
    return chosen


async def silence(made: Subscriber) -> bool:
    """Whether nothing waits for this subscription: its next message is a keep-alive."""
    return not (await made.publish()).NotificationMessage.NotificationData


async def sources(made: Subscriber) -> list[list[str]]:
    return [fields[0] for fields in await made.events()]


@pytest.mark.parametrize(
    ("near", "reference", "far", "hops", "told"),
    [
        ("JarType", Ids.HasCondition, Ids.ExclusiveLevelAlarmType, 1, True),
        ("JarType", Ids.HasCondition, Ids.AlarmConditionType, 1, True),  # with subtypes
        ("StringType", Ids.HasCondition, Ids.AlarmConditionType, 1, False),
        ("JarType", Ids.HierarchicalReferences, Ids.AnalogItemType, 1, True),
        ("JarType", Ids.HasComponent, Ids.FolderType, 0, False),
    ],
)
async def test_events_of_what_is_related(
    client: Client,
    server: OpcUaTestServer,
    heat: Heat,
    near: str,
    reference: int,
    far: int,
    hops: int,
    told: bool,
) -> None:
    types = await client.get_namespace_index(TYPES_URI)
    ends = literal(ua.NodeId(near, types)), literal(ua.NodeId(far))
    rest = literal(ua.NodeId(reference)), literal(hops), literal(True), literal(True)
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    chosen = where(select("SourceName"), (Op.RelatedTo, *ends, *rest))
    (result,) = await made.monitor(item(server.node_id("Fleet"), attribute=EVENTS, chosen=chosen))
    assert result.StatusCode.is_good(), result
    heat(BANGRAK, 47.0)
    if told:
        assert {source for (source,) in await made.events()} == {BANGRAK}
    else:
        assert await silence(made)


async def test_history_knows_what_is_related(client: Client, server: OpcUaTestServer, heat: Heat) -> None:
    """The journal is read with the same filters as subscribers have."""
    types = await client.get_namespace_index(TYPES_URI)
    far = literal(ua.NodeId(Ids.AlarmConditionType))
    rest = literal(ua.NodeId(Ids.HasCondition)), literal(1), literal(True), literal(False)
    begun = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    heat(BANGRAK, 47.0)

    async def told(near: str) -> set[str]:
        ends = literal(ua.NodeId(near, types)), far
        chosen = where(select("SourceName"), (Op.RelatedTo, *ends, *rest))
        details = event_details(begun, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), chosen)
        return {source for (source,) in events_of(await history_of(client, server.node_id("Fleet"), details))}

    async with asyncio.timeout(10):
        while BANGRAK not in await told("JarType"):  # noqa: ASYNC110 (the journal is written beside)
            await asyncio.sleep(0.05)
    assert BANGRAK not in await told("StringType")


WRONG = (
    (Op.And, ua.ElementOperand(1), ua.ElementOperand(2)),
    (Op.InView, literal(ua.NodeId(Ids.ViewsFolder))),
    (Op.Equals, select("Nonsense").SelectClauses[0], literal(1)),
)


def check_refusal(result: Any, words: bool) -> None:
    """What an answer says of `WRONG`, with words or without."""
    assert result.StatusCode.value == S.BadEventFilterInvalid
    found = result.FilterResult
    if isinstance(found, ua.ExtensionObject):
        found = extensionobject_from_binary(Buffer(found.Body))
    assert [code.name for code in found.SelectClauseResults] == ["Good", "BadNodeIdUnknown"]
    elements = found.WhereClauseResult.ElementResults
    assert [each.StatusCode.name for each in elements] == [
        "Good",
        "BadFilterOperatorUnsupported",
        "BadFilterOperandInvalid",
    ]
    assert [code.name for code in elements[2].OperandStatusCodes] == ["BadNodeIdUnknown", "Good"]
    told = [
        *found.SelectClauseDiagnosticInfos,
        *found.WhereClauseResult.ElementDiagnosticInfos,
        *elements[2].OperandDiagnosticInfos,
    ]
    texts = [info.AdditionalInfo for info in told if info.AdditionalInfo]
    assert texts == (
        [
            "i=2041 declares no Nonsense",
            "there are no views",
            "see its operands",
            "i=2041 declares no Nonsense",
        ]
        if words
        else []
    )


@pytest.mark.parametrize("words", [False, True])
async def test_a_wrong_filter_is_refused_alike_by_all_services(
    client: Client, server: OpcUaTestServer, heat: Heat, words: bool
) -> None:
    made = await Subscriber.create(client)
    good = item(server.node_id("Fleet"), attribute=EVENTS, chosen=select("SourceName"))
    (kept,) = await made.monitor(good)
    wrong = where(select("SourceName", "Nonsense"), *WRONG)
    create = request(
        ua.CreateMonitoredItemsRequest,
        SubscriptionId=made.id,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToCreate=[item(server.node_id("Fleet"), attribute=EVENTS, chosen=wrong)],
    )
    modify = request(
        ua.ModifyMonitoredItemsRequest,
        SubscriptionId=made.id,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToModify=[ua.MonitoredItemModifyRequest(kept.MonitoredItemId, good.RequestedParameters)],
    )
    modify.Parameters.ItemsToModify[0].RequestedParameters = item(
        server.node_id("Fleet"), chosen=wrong
    ).RequestedParameters
    for sent, kind in ((create, ua.CreateMonitoredItemsResponse), (modify, ua.ModifyMonitoredItemsResponse)):
        sent.RequestHeader.ReturnDiagnostics = ADDITIONAL_INFO if words else 0
        (result,) = (await answer(client, kind, sent)).Results
        check_refusal(result, words)
    heat(BANGRAK, 47.0)
    told = {source for (source,) in await made.events()}
    assert told == {BANGRAK}, "the item goes on with the filter that it had"
    details = event_details(None, dt.datetime.now(dt.UTC), wrong, 10)
    found = await history_of(client, server.node_id("Fleet"), details)
    assert found.StatusCode.value == S.BadEventFilterInvalid


async def test_every_select_clause_has_its_own_status(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    def clause(kind: int, *names: str, attribute: int = 13, part: str | None = None) -> Any:
        path = [ua.QualifiedName(name) for name in names]
        return ua.SimpleAttributeOperand(ua.NodeId(kind), path, attribute, part)

    alarm, shelf = Ids.AlarmConditionType, "ShelvingState"
    clauses = [
        (clause(Ids.BaseEventType, "SourceName"), "Good"),
        (clause(alarm, shelf, "UnshelveTime"), "Good"),
        (clause(alarm, shelf, "CurrentState", "Id"), "Good"),
        (clause(alarm, shelf, attribute=1), "Good"),
        (clause(alarm, shelf), "BadAttributeIdInvalid"),
        (clause(Ids.ConditionType, attribute=1), "Good"),
        (clause(Ids.ConditionType, shelf, "UnshelveTime"), "BadNodeIdUnknown"),
        (clause(Ids.ExclusiveLimitAlarmType, "LimitState", "CurrentState", "Id"), "Good"),
        (clause(Ids.AuditUpdateMethodEventType, "InputArguments"), "Good"),
        (clause(Ids.ProgressEventType, "Progress"), "Good"),
        (clause(Ids.CertificateExpirationAlarmType, "ExpirationDate"), "Good"),
        (clause(Ids.DiscrepancyAlarmType, "TargetValueNode"), "Good"),
        (clause(Ids.FolderType, "SourceName"), "BadTypeDefinitionInvalid"),
        (clause(Ids.BaseEventType, "SourceName", part="3:1"), "BadIndexRangeInvalid"),
        (clause(Ids.BaseEventType, ""), "BadBrowseNameInvalid"),
    ]
    made = await Subscriber.create(client)
    chosen = ua.EventFilter([each for each, _ in clauses])
    (result,) = await made.monitor(item(server.node_id("Fleet"), attribute=EVENTS, chosen=chosen))
    assert result.StatusCode.is_good()
    codes = [code.name for code in result.FilterResult.SelectClauseResults]
    assert codes == [code for _, code in clauses]
    heat(BANGRAK, 47.0)
    *_, fields = await made.events()
    assert fields[0] == BANGRAK
    assert fields[5] == server.node_id(f"{BANGRAK}#TemperatureHigh")
    assert fields[7] == ua.NodeId(Ids.ExclusiveLimitStateMachineType_High)
    assert fields[8:] == [None] * 7


NOTIFIERS = ("Fleet", "Bangrak", "Bangrak/UPS-1", "Bangrak/UPS-1/S02")


async def test_an_event_comes_once_to_each_item_however_many_lead_to_it(
    client: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    watched = [ua.NodeId(Ids.Server), *map(server.node_id, NOTIFIERS), server.node_id("Bangrak")]
    items = [
        item(node_id, attribute=EVENTS, chosen=of_conditions(select("SourceName", "EventId")), handle=i)
        for i, node_id in enumerate(watched)
    ]
    assert all(result.StatusCode.is_good() for result in await made.monitor(*items))
    heat(BANGRAK, 47.0)
    async with asyncio.timeout(10):
        parts = await made.next()
    found = [event for part in parts for event in part.Events]
    told = [(each.ClientHandle, *(field.Value for field in each.EventFields)) for each in found]
    numbers = {number for handle, source, number in told if source == BANGRAK and handle == 0}
    assert numbers
    assert sorted(told) == sorted((i, BANGRAK, number) for i in range(len(watched)) for number in numbers)
    assert await silence(made)


async def test_notifiers_and_sources_are_linked_both_ways(client: Client, server: OpcUaTestServer) -> None:
    """Part 3, 7.16 to 7.18 and Part 9, 5.12: from the Server down to a jar's condition, and back."""
    chain = [
        ua.NodeId(Ids.Server),
        *map(server.node_id, NOTIFIERS),
        server.node_id(BANGRAK),
        server.node_id(f"{BANGRAK}#TemperatureHigh"),
    ]
    kinds = [Ids.HasNotifier] * 4 + [Ids.HasEventSource, Ids.HasCondition]
    for above, below, kind in zip(chain[:-1], chain[1:], kinds, strict=True):
        for start, end, direction in ((above, below, 0), (below, above, 1)):
            found = await client.get_node(start).get_references(
                kind, ua.BrowseDirection(direction), includesubtypes=False
            )
            assert end in [ref.NodeId for ref in found], (start, end)
    tells = [await client.get_node(each).read_attribute(EVENTS, raise_on_bad_status=False) for each in chain]
    notifying = [int(each.Value.Value or 0) & 1 for each in tells]
    assert notifying == [1] * 5 + [0, 0]


@pytest.mark.parametrize(("asked", "given"), [(0, 10_000), (1, 10_000), (2, 2), (2**32 - 1, 10_000)])
async def test_the_size_of_a_queue(client: Client, server: OpcUaTestServer, asked: int, given: int) -> None:
    """Of events 0 and 1 ask for what the server has, the greatest number for its most (Part 4, 7.21)."""
    made = await Subscriber.create(client)
    wanted = item(server.node_id("Fleet"), attribute=EVENTS, chosen=select("SourceName"), queue=asked)
    (created,) = await made.monitor(wanted)
    assert created.RevisedQueueSize == given


@pytest.mark.parametrize("discard_oldest", [True, False])
async def test_a_queue_that_shrinks_tells_what_it_lost(
    client: Client, server: OpcUaTestServer, heat: Heat, discard_oldest: bool
) -> None:
    made = await Subscriber.create(client)
    chosen = select("SourceName", "EventType")
    # What was left to acknowledge by another test goes on as a branch, and tells that.
    active = select("ActiveState/Id").SelectClauses[0]
    where(chosen, (Op.Equals, active, literal(True)))
    (created,) = await made.monitor(item(server.node_id("Fleet"), attribute=EVENTS, chosen=chosen, queue=10))
    await made.publishing(False)
    jars = [f"Bangrak/UPS-1/S02/J0{i}" for i in range(1, 5)]
    for jar in jars:
        heat(jar, 50.0)
    modified = await made.modify(
        created.MonitoredItemId, chosen=chosen, queue=2, discard_oldest=discard_oldest
    )
    assert modified.RevisedQueueSize == 2
    await made.publishing(True)
    found = await made.events()
    kinds = [kind.Identifier for _, kind in found]
    assert kinds.index(Ids.EventQueueOverflowEventType) == (0 if discard_oldest else 2)
    assert [source for source, _ in found if source in jars] == (jars[2:] if discard_oldest else jars[:2])
    heat(jars[0], 85.0)
    assert [source for source, _ in await made.events()] == [jars[0]], "it goes on, and tells the loss once"
