"""HistoryUpdate over a real socket (Part 11, 6.9): values by role, what is told of them, and annotations."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuaserver import PASSWORD, OpcUaTestServer, answer, request
from opcuasubscriber import Subscriber, item, select

from historian.changes import EXTRA_DATA
from server.security.users import Role

S = ua.StatusCodes
VT = ua.VariantType
Ids = ua.ObjectIds
Action = ua.PerformUpdateType
JAR = "Hat Yai/UPS-1/S01/J03"
# Hours ago, so that no scan is there; each test has an hour of its own.
HOURS = iter(range(2, 1000))
SECOND = dt.timedelta(seconds=1)
ROLES = {"history-viewer": Role.VIEWER, "history-operator": Role.OPERATOR, "history-engineer": Role.ENGINEER}


@pytest.fixture
async def accounts(server: OpcUaTestServer) -> None:
    async def make() -> None:
        for name, role in ROLES.items():
            await server.app._opcua.accounts.set(name, role, PASSWORD)

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(make(), server.loop))


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path, accounts: None) -> AsyncIterator[Client]:
    async with server.admin(client_home, "history-engineer") as client:
        yield client


@pytest.fixture
async def operator(server: OpcUaTestServer, client_home: Path, accounts: None) -> AsyncIterator[Client]:
    async with server.admin(client_home, "history-operator") as client:
        yield client


@pytest.fixture
def start() -> dt.datetime:
    now = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    return now - dt.timedelta(hours=next(HOURS))


@pytest.fixture
def voltage(server: OpcUaTestServer) -> ua.NodeId:
    return server.node_id(f"{JAR}.Voltage")


def value(moment: dt.datetime | None, number: Any, status: int = 0, kind: VT = VT.Double) -> ua.DataValue:
    return ua.DataValue(ua.Variant(number, kind), ua.StatusCode(status), moment)


def updates(
    node: ua.NodeId, action: int, *values: ua.DataValue, kind: type[Any] = ua.UpdateDataDetails
) -> Any:
    return kind(node, Action(action), list(values))


async def update(client: Client, *details: Any) -> list[ua.HistoryUpdateResult]:
    sent = request(ua.HistoryUpdateRequest)
    sent.Parameters.HistoryUpdateDetails = list(details)
    return list((await answer(client, ua.HistoryUpdateResponse, sent)).Results)


async def codes(client: Client, details: Any) -> list[int]:
    (result,) = await update(client, details)
    assert result.StatusCode.value == S.Good
    return [code.value for code in result.OperationResults]


async def status(client: Client, details: Any) -> int:
    (result,) = await update(client, details)
    assert not result.OperationResults
    return int(result.StatusCode.value)


async def read(
    client: Client, node: ua.NodeId, start: dt.datetime, modified: bool = False, most: int = 0
) -> Any:
    """What there is in a node's hour."""
    details = ua.ReadRawModifiedDetails(modified, start, start + dt.timedelta(hours=1), most, False)
    wanted = ua.HistoryReadValueId()
    wanted.NodeId = node
    sent = request(
        ua.HistoryReadRequest,
        HistoryReadDetails=details,
        NodesToRead=[wanted],
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ReleaseContinuationPoints=False,
    )
    (result,) = (await answer(client, ua.HistoryReadResponse, sent)).Results
    data = result.HistoryData
    if isinstance(data, ua.ExtensionObject):
        kind = ua.HistoryModifiedData if modified else ua.HistoryData
        data = struct_from_binary(kind, Buffer(data.Body)) if data.Body else None
    result.HistoryData = data
    return result


async def stored(client: Client, node: ua.NodeId, start: dt.datetime) -> list[tuple[Any, Any, int]]:
    found = (await read(client, node, start)).HistoryData
    return [
        (each.SourceTimestamp, each.Value.Value if each.Value else None, each.StatusCode.value)
        for each in (found.DataValues or [] if found else [])
    ]


async def test_an_engineer_corrects_values(
    server: OpcUaTestServer, engineer: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    times = [start + i * SECOND for i in range(4)]
    assert (
        await codes(
            engineer, updates(voltage, Action.Insert, *(value(t, 13.0 + i) for i, t in enumerate(times)))
        )
        == [S.GoodEntryInserted] * 4
    )
    again = updates(voltage, Action.Insert, value(times[0], 1.0), value(times[0] + SECOND / 2, 12.25))
    assert await codes(engineer, again) == [S.BadEntryExists, S.GoodEntryInserted]
    assert await codes(
        engineer, updates(voltage, Action.Replace, value(times[1], 12.5), value(times[1] + SECOND / 2, 9.0))
    ) == [S.GoodEntryReplaced, S.BadNoEntryExists]
    uncertain = value(times[2], 12.75, S.UncertainSensorNotAccurate)
    assert await codes(engineer, updates(voltage, Action.Update, uncertain)) == [S.GoodEntryReplaced]
    assert await codes(engineer, ua.DeleteAtTimeDetails(voltage, [times[3], times[3]])) == [
        S.Good,
        S.BadNoEntryExists,
    ]
    assert await stored(engineer, voltage, start) == [
        (times[0], 13.0, EXTRA_DATA),
        (times[0] + SECOND / 2, 12.25, EXTRA_DATA),
        (times[1], 12.5, EXTRA_DATA),
        (times[2], 12.75, S.UncertainSensorNotAccurate | EXTRA_DATA),
    ]
    data = (await read(engineer, voltage, start, modified=True)).HistoryData
    told = [
        (each.SourceTimestamp, each.Value.Value, info.UpdateType, info.UserName)
        for each, info in zip(data.DataValues, data.ModificationInfos, strict=True)
    ]
    kind = ua.HistoryUpdateType
    who = "history-engineer"
    assert told == [
        (times[0], 13.0, kind.Insert, who),
        (times[0] + SECOND / 2, 12.25, kind.Insert, who),
        (times[1], 14.0, kind.Replace, who),
        (times[1], 14.0, kind.Insert, who),
        (times[2], 15.0, kind.Update, who),
        (times[2], 15.0, kind.Insert, who),
        (times[3], 16.0, kind.Delete, who),
        (times[3], 16.0, kind.Insert, who),
    ]
    now = dt.datetime.now(dt.UTC)
    assert all(abs(info.ModificationTime - now) < dt.timedelta(minutes=1) for info in data.ModificationInfos)


async def test_modified_values_page(engineer: Client, voltage: ua.NodeId, start: dt.datetime) -> None:
    values = [value(start + i * SECOND, 13.0) for i in range(5)]
    await update(engineer, updates(voltage, Action.Insert, *values))
    first = await read(engineer, voltage, start, modified=True, most=3)
    assert (len(first.HistoryData.DataValues), bool(first.ContinuationPoint)) == (3, True)
    nothing = await read(engineer, voltage, start - dt.timedelta(hours=500), modified=True)
    assert nothing.StatusCode.value == S.GoodNoData


async def test_a_range_is_deleted_up_to_its_end(
    engineer: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    times = [start + i * SECOND for i in range(4)]
    await update(engineer, updates(voltage, Action.Insert, *(value(t, 13.0) for t in times)))
    some = ua.DeleteRawModifiedDetails(voltage, False, times[1], times[2])
    assert [await status(engineer, some) for _ in range(2)] == [S.Good, S.BadNoData]
    same = ua.DeleteRawModifiedDetails(voltage, False, times[3], times[3])
    assert await status(engineer, same) == S.Good
    assert [time for time, _, _ in await stored(engineer, voltage, start)] == [times[0], times[2]]
    never = ua.win_epoch_to_datetime(0)
    for terms, code in (
        ((False, times[2], times[1]), S.BadInvalidTimestampArgument),
        ((False, never, times[1]), S.BadInvalidTimestampArgument),
        ((True, times[0], times[3]), S.BadHistoryOperationUnsupported),
    ):
        assert await status(engineer, ua.DeleteRawModifiedDetails(voltage, *terms)) == code


async def test_what_is_wrong_is_told_value_by_value(
    engineer: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    wrong = [
        (value(None, 13.0), S.BadInvalidTimestamp),
        (value(tomorrow, 13.0), S.BadOutOfRange),
        (value(dt.datetime(1999, 1, 1, tzinfo=dt.UTC), 13.0), S.BadOutOfRange),
        (value(start, 13.00001), S.BadOutOfRange),  # finer than a millivolt
        (value(start, 1e6), S.BadOutOfRange),
        (value(start, float("nan")), S.BadOutOfRange),
        (value(start, 13, kind=VT.Int32), S.BadTypeMismatch),
        (value(start, "13", kind=VT.String), S.BadTypeMismatch),
        (value(start, [13.0]), S.BadTypeMismatch),
        (value(start, 13.25), S.GoodEntryInserted),
        (value(start + SECOND, None, S.BadSensorFailure, VT.Null), S.GoodEntryInserted),
    ]
    found = await codes(engineer, updates(voltage, Action.Update, *(each for each, _ in wrong)))
    assert found == [code for _, code in wrong]
    first, second = await stored(engineer, voltage, start)
    assert first == (start, 13.25, EXTRA_DATA)
    assert second[2] == S.BadSensorFailure | EXTRA_DATA
    assert math.isnan(second[1])


async def test_states_and_texts(server: OpcUaTestServer, engineer: Client, start: dt.datetime) -> None:
    health = server.node_id(f"{JAR}.HealthStatus")
    weakest = server.node_id("Hat Yai/UPS-1/S01.WeakestJar")
    quarter = server.node_id(f"{JAR}.ReplacementQuarter")
    cases = [
        (health, 1, VT.Int16, S.GoodEntryInserted),
        (health, 99, VT.UInt32, S.BadOutOfRange),
        (health, -1, VT.Int32, S.BadOutOfRange),
        (health, 1.0, VT.Double, S.BadTypeMismatch),
        (weakest, JAR, VT.String, S.GoodEntryInserted),
        (weakest, "Bangrak/UPS-1/S01/J01", VT.String, S.BadOutOfRange),  # of another string
        (weakest, "nobody", VT.String, S.BadOutOfRange),
        (weakest, 3, VT.UInt32, S.BadTypeMismatch),
        (quarter, "2031-Q3", VT.String, S.GoodEntryInserted),
        (quarter, "2031-Q5", VT.String, S.BadOutOfRange),
    ]
    for node, number, kind, code in cases:
        assert await codes(engineer, updates(node, Action.Insert, value(start, number, 0, kind))) == [code]
    for node, number in ((health, 1), (weakest, JAR), (quarter, "2031-Q3")):
        assert await stored(engineer, node, start) == [(start, number, EXTRA_DATA)]


@pytest.mark.parametrize("name", [None, "history-viewer", "history-operator"])
async def test_nobody_below_an_engineer_corrects_anything(
    server: OpcUaTestServer,
    client_home: Path,
    accounts: None,
    voltage: ua.NodeId,
    start: dt.datetime,
    name: str | None,
) -> None:
    connection = server.client() if name is None else server.admin(client_home, name)
    async with connection as client:
        for details in (
            updates(voltage, Action.Insert, value(start, 13.0)),
            updates(voltage, Action.Update, value(start, 13.0)),
            ua.DeleteAtTimeDetails(voltage, [start]),
            ua.DeleteRawModifiedDetails(voltage, False, start, start),
        ):
            assert await status(client, details) == S.BadUserAccessDenied
        node = client.get_node(voltage)
        access = (await node.read_attribute(ua.AttributeIds.UserAccessLevel)).Value.Value
        assert access & 0b1100 == 0b0100
        assert (await node.read_attribute(ua.AttributeIds.AccessLevel)).Value.Value & 0b1100 == 0b1100
        assert await stored(client, voltage, start) == []


async def test_access_levels_and_permissions_say_who_may(
    server: OpcUaTestServer, engineer: Client, voltage: ua.NodeId
) -> None:
    node = engineer.get_node(voltage)
    assert (await node.read_attribute(ua.AttributeIds.UserAccessLevel)).Value.Value & 0b1100 == 0b1100
    entries = (await node.read_attribute(ua.AttributeIds.UserRolePermissions)).Value.Value
    corrects = {each.RoleId.Identifier: int(each.Permissions) & 0x700 for each in entries}
    assert corrects[Ids.WellKnownRole_Engineer] == 0x700
    assert corrects[Ids.WellKnownRole_Operator] == 0


async def test_a_request_of_several_nodes_has_a_result_each(
    server: OpcUaTestServer, engineer: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    events = ua.DeleteEventDetails(ua.NodeId(Ids.Server), [b"1"])
    results = await update(
        engineer,
        updates(server.node_id("nobody.Voltage"), Action.Insert, value(start, 13.0)),
        updates(server.node_id(f"{JAR}.SerialNumber"), Action.Insert, value(start, 13.0)),
        updates(voltage, Action.Insert, value(start, 13.0)),
        updates(voltage, Action.Remove, value(start, 13.0)),
        updates(voltage, Action.Insert),
        ua.DeleteAtTimeDetails(voltage, []),
        updates(voltage, Action.Insert, value(start, 13.0), kind=ua.UpdateStructureDataDetails),
        events,
        ua.ReadRawModifiedDetails(),
    )
    assert [result.StatusCode.value for result in results] == [
        S.BadNodeIdUnknown,
        S.BadHistoryOperationUnsupported,
        S.Good,
        S.BadInvalidArgument,
        S.BadInvalidArgument,
        S.BadInvalidArgument,
        S.BadHistoryOperationUnsupported,
        S.BadHistoryOperationUnsupported,
        S.BadHistoryOperationInvalid,
    ]


async def test_a_request_has_limits(engineer: Client, voltage: ua.NodeId, start: dt.datetime) -> None:
    limit = ua.NodeId(Ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryUpdateData)
    most = await engineer.get_node(limit).read_value()
    assert most == 1000
    delete = ua.DeleteAtTimeDetails(voltage, [start])
    with pytest.raises(ua.UaStatusCodeError) as caught:
        await update(engineer, *[delete] * (most + 1))
    assert caught.value.code == S.BadTooManyOperations
    with pytest.raises(ua.UaStatusCodeError) as caught:
        await update(engineer, ua.DeleteAtTimeDetails(voltage, [start] * 10_001))
    assert caught.value.code == S.BadTooManyOperations
    with pytest.raises(ua.UaStatusCodeError) as caught:
        await update(engineer)
    assert caught.value.code == S.BadNothingToDo


async def test_many_values_at_once(engineer: Client, voltage: ua.NodeId, start: dt.datetime) -> None:
    values = [value(start + i * SECOND / 10, 13.0) for i in range(3000)]
    assert set(await codes(engineer, updates(voltage, Action.Insert, *values))) == {S.GoodEntryInserted}
    assert len(await stored(engineer, voltage, start)) == 3000


# -- annotations


def note(moment: dt.datetime, message: str, user: str | None = None, made: Any = None) -> ua.DataValue:
    annotation = ua.Annotation(message, user, made or ua.win_epoch_to_datetime(0))
    return ua.DataValue(ua.Variant(annotation, VT.ExtensionObject), None, moment)


def notes(node: ua.NodeId, action: int, *values: ua.DataValue) -> Any:
    return updates(node, action, *values, kind=ua.UpdateStructureDataDetails)


@pytest.fixture
def annotations(server: OpcUaTestServer) -> ua.NodeId:
    return server.node_id(f"{JAR}.Voltage.Annotations")


async def test_an_operator_annotates(
    operator: Client, engineer: Client, annotations: ua.NodeId, start: dt.datetime
) -> None:
    asked = notes(annotations, Action.Insert, note(start, "fuse"), note(start, "cell 2"))
    assert await codes(operator, asked) == [S.GoodEntryInserted] * 2
    found = [(time, each) for time, each, _ in await stored(operator, annotations, start)]
    assert [time for time, _ in found] == [start, start]
    assert {(each.Message, each.UserName) for _, each in found} == {
        ("fuse", "history-operator"),
        ("cell 2", "history-operator"),
    }
    fuse = next(each for _, each in found if each.Message == "fuse")
    assert abs(fuse.AnnotationTime - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    again = note(start, "fuse of S01", None, fuse.AnnotationTime)
    assert await codes(operator, notes(annotations, Action.Insert, again)) == [S.BadEntryExists]
    assert await codes(operator, notes(annotations, Action.Replace, again)) == [S.GoodEntryReplaced]
    for action, code in ((Action.Remove, S.Good), (Action.Remove, S.BadNoEntryExists)):
        assert await codes(operator, notes(annotations, action, again)) == [code]
    assert await codes(operator, notes(annotations, Action.Replace, again)) == [S.BadNoEntryExists]
    assert await codes(operator, notes(annotations, Action.Update, again)) == [S.GoodEntryInserted]
    messages = {each.Message for _, each, _ in await stored(operator, annotations, start)}
    assert messages == {"fuse of S01", "cell 2"}


async def test_nobody_writes_in_anothers_name(
    operator: Client, engineer: Client, annotations: ua.NodeId, start: dt.datetime
) -> None:
    forged = note(start, "all is well", "history-engineer")
    for client in (operator, engineer):
        for action in (Action.Insert, Action.Update, Action.Replace):
            name = "history-engineer" if client is operator else "history-operator"
            forged = note(start, "all is well", name)
            assert await codes(client, notes(annotations, action, forged)) == [S.BadUserAccessDenied]
    for client in (operator, engineer):
        await update(client, notes(annotations, Action.Insert, note(start, "mine")))
    for _, each, _ in await stored(engineer, annotations, start):
        mine = note(start, "", each.UserName, each.AnnotationTime)
        own = each.UserName == "history-operator"
        denied = [] if own else [S.BadUserAccessDenied]
        removed = await codes(operator, notes(annotations, Action.Remove, mine))
        assert removed == (denied or [S.Good])
        if denied:
            assert await codes(engineer, notes(annotations, Action.Remove, mine)) == [S.Good]
    assert await stored(engineer, annotations, start) == []


async def test_what_is_no_annotation_is_refused(
    operator: Client, annotations: ua.NodeId, start: dt.datetime
) -> None:
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    wrong = [
        (value(start, 13.0), S.BadTypeMismatch),
        (value(start, ua.Range(0, 1), 0, VT.ExtensionObject), S.BadTypeMismatch),
        (note(tomorrow, "soon"), S.BadOutOfRange),
        (note(start, "made soon", None, tomorrow), S.BadOutOfRange),
        (note(start, ""), S.BadOutOfRange),
        (note(start, "x" * 4001), S.BadOutOfRange),
        (note(start, "a\0b"), S.BadOutOfRange),
        (note(start, "ж" * 4000), S.GoodEntryInserted),
    ]
    found = await codes(operator, notes(annotations, Action.Insert, *(each for each, _ in wrong)))
    assert found == [code for _, code in wrong]
    plain = updates(annotations, Action.Insert, note(start, "x"))
    assert await status(operator, plain) == S.BadHistoryOperationUnsupported
    at = ua.DeleteAtTimeDetails(annotations, [start])
    assert await status(operator, at) == S.BadHistoryOperationUnsupported


async def test_a_viewer_reads_annotations_and_makes_none(
    server: OpcUaTestServer,
    client_home: Path,
    operator: Client,
    annotations: ua.NodeId,
    start: dt.datetime,
) -> None:
    await update(operator, notes(annotations, Action.Insert, note(start, "seen")))
    async with server.admin(client_home, "history-viewer") as viewer:
        ((_, found, _),) = await stored(viewer, annotations, start)
        assert found.Message == "seen"
        asked = notes(annotations, Action.Insert, note(start, "too"))
        assert await status(viewer, asked) == S.BadUserAccessDenied


async def test_the_property(operator: Client, voltage: ua.NodeId, annotations: ua.NodeId) -> None:
    properties = await operator.get_node(voltage).get_properties()
    (found,) = [node for node in properties if node.nodeid == annotations]
    assert await found.read_browse_name() == ua.QualifiedName("Annotations", 0)
    assert await found.read_data_type() == ua.NodeId(Ids.Annotation)
    for attribute, level in (
        (ua.AttributeIds.AccessLevel, 0b1100),
        (ua.AttributeIds.UserAccessLevel, 0b1100),
    ):
        assert (await found.read_attribute(attribute)).Value.Value == level
    with pytest.raises(ua.UaStatusCodeError) as caught:
        await found.read_value()
    assert caught.value.code == S.BadNotReadable


async def test_deleting_a_value_takes_its_annotations_along(
    operator: Client, engineer: Client, voltage: ua.NodeId, annotations: ua.NodeId, start: dt.datetime
) -> None:
    """Part 11, 6.9.6.2."""
    await update(engineer, updates(voltage, Action.Insert, value(start, 13.0)))
    await update(
        operator, notes(annotations, Action.Insert, note(start, "odd"), note(start + SECOND, "even"))
    )
    assert await codes(engineer, ua.DeleteAtTimeDetails(voltage, [start])) == [S.Good]
    assert [each.Message for _, each, _ in await stored(operator, annotations, start)] == ["even"]


# -- the audit trail


async def watch(admin: Client, kind: int, *fields: str) -> Subscriber:
    chosen = select("SourceName", "ClientUserId", "Status", *fields)
    element = ua.ContentFilterElement()
    element.FilterOperator = ua.FilterOperator.OfType
    element.FilterOperands = [ua.LiteralOperand(ua.Variant(ua.NodeId(kind), VT.NodeId))]
    chosen.WhereClause.Elements = [element]
    made = await Subscriber.create(admin, RequestedMaxKeepAliveCount=2)
    (result,) = await made.monitor(
        item(ua.NodeId(Ids.Server), attribute=ua.AttributeIds.EventNotifier, chosen=chosen, queue=100)
    )
    assert result.StatusCode.is_good()
    return made


async def test_each_correction_is_audited_with_old_and_new_values(
    admin: Client, engineer: Client, operator: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    kind = Ids.AuditHistoryValueUpdateEventType
    told = await watch(admin, kind, "UpdatedNode", "PerformInsertReplace", "NewValues", "OldValues")
    await update(engineer, updates(voltage, Action.Insert, value(start, 13.0)))
    await update(engineer, updates(voltage, Action.Replace, value(start, 12.5)))
    await update(operator, updates(voltage, Action.Replace, value(start, 12.0)))
    events: list[Any] = []
    while len(events) < 3:
        events += await told.events()
    assert [event[:3] for event in events] == [
        ["Attribute/HistoryUpdate", "history-engineer", True],
        ["Attribute/HistoryUpdate", "history-engineer", True],
        ["Attribute/HistoryUpdate", "history-operator", False],
    ]
    assert [event[3:5] for event in events] == [[voltage, 1], [voltage, 2], [voltage, 2]]
    new = [[each.Value.Value for each in event[5]] for event in events]
    old = [[each.Value.Value for each in event[6] or []] for event in events]
    assert (new, old) == ([[13.0], [12.5], [12.0]], [[], [13.0], []])


async def test_each_deletion_is_audited(
    admin: Client, engineer: Client, voltage: ua.NodeId, start: dt.datetime
) -> None:
    end = start + 2 * SECOND
    await update(engineer, updates(voltage, Action.Insert, value(start, 13.0), value(start + SECOND, 12.0)))
    at_times = await watch(
        admin, Ids.AuditHistoryAtTimeDeleteEventType, "UpdatedNode", "ReqTimes", "OldValues"
    )
    kind = Ids.AuditHistoryRawModifyDeleteEventType
    ranges = await watch(admin, kind, "UpdatedNode", "IsDeleteModified", "StartTime", "EndTime", "OldValues")
    await update(engineer, ua.DeleteAtTimeDetails(voltage, [start]))
    await update(engineer, ua.DeleteRawModifiedDetails(voltage, False, start, end))
    (event,) = await at_times.events()
    assert event[3:5] == [voltage, [start]]
    assert [each.Value.Value for each in event[5]] == [13.0]
    (event,) = await ranges.events()
    assert event[3:7] == [voltage, False, start, end]
    assert [each.Value.Value for each in event[7]] == [12.0]


async def test_annotations_are_audited(
    admin: Client, operator: Client, annotations: ua.NodeId, start: dt.datetime
) -> None:
    kind = Ids.AuditHistoryAnnotationUpdateEventType
    told = await watch(admin, kind, "PerformInsertReplace", "NewValues", "OldValues")
    await update(operator, notes(annotations, Action.Insert, note(start, "first")))
    ((_, made, _),) = await stored(operator, annotations, start)
    second = note(start, "second", None, made.AnnotationTime)
    await update(operator, notes(annotations, Action.Replace, second))
    events: list[Any] = []
    while len(events) < 2:
        events += await told.events()
    texts = [
        [performed, *([each.Message for each in part or []] for part in (new, old))]
        for _, _, _, performed, new, old in events
    ]
    assert texts == [[1, ["first"], []], [2, ["second"], ["first"]]]
