"""Requests of a client's session as bytes, and ways to spoil them."""

from __future__ import annotations

import datetime as dt
import random
import struct
from collections.abc import Callable

from asyncua import ua
from opcuahistory import at_time_details, history_request, processed_details, raw_details
from opcuaserver import OpcUaTestServer, RawConnection, read_request, request
from opcuasubscriber import TERMS, change, item, select

Ids = ua.ObjectIds
NASTY = (0, 1, 0x7F, 0x80, 0xFF)
LENGTHS = (0, 1, -1, -2, 0x7FFF_FFFF, -0x8000_0000, 0x00FF_FFFF, 1000, 65_536)


def requests(server: OpcUaTestServer, connection: RawConnection) -> list[bytes]:
    """One request of each kind that a client sends, in the connection's session."""
    voltage = server.node_id("Bangrak/UPS-1/S01/J01.Voltage")
    return [connection.body(made) for made in (*_reads(server, voltage), *_subscribes(voltage), *_ends())]


def _reads(server: OpcUaTestServer, voltage: ua.NodeId) -> list[object]:
    value = ua.AttributeIds.Value
    status = ua.NodeId(Ids.Server_ServerStatus)
    names = server.node_id("Bangrak/UPS-1/S01/J01.HealthStatus.EnumStrings")
    browse = ua.BrowseDescription()
    browse.NodeId, browse.ResultMask = server.node_id("Bangrak"), 63
    path = ua.BrowsePath(server.node_id("Fleet"), ua.RelativePath([ua.RelativePathElement()]))
    path.RelativePath.Elements[0].TargetName = ua.QualifiedName("Bangrak", server.ns)
    write = ua.WriteValue()
    write.NodeId, write.AttributeId = voltage, value
    write.Value = ua.DataValue(ua.Variant([1.0, 2.0], ua.VariantType.Double))
    text = ua.Variant("Bangrak/UPS-1/S01/J01", ua.VariantType.String)
    predict = ua.CallMethodRequest(
        server.node_id("Analytics"), server.node_id("Analytics.PredictRul"), [text]
    )
    refresh = ua.CallMethodRequest(
        ua.NodeId(Ids.ConditionType),
        ua.NodeId(Ids.ConditionType_ConditionRefresh),
        [ua.Variant(1, ua.VariantType.UInt32)],
    )
    return [
        read_request([ua.ReadValueId(voltage, value), ua.ReadValueId(status, value)]),
        read_request([ua.ReadValueId(names, value, "0:1")]),
        request(ua.WriteRequest, NodesToWrite=[write]),
        request(ua.BrowseRequest, NodesToBrowse=[browse], RequestedMaxReferencesPerNode=2),
        request(ua.BrowseNextRequest, ContinuationPoints=[b"0123456789abcdef"]),
        request(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=[path]),
        request(ua.RegisterNodesRequest, NodesToRegister=[voltage]),
        request(ua.UnregisterNodesRequest, NodesToUnregister=[voltage]),
        request(ua.CallRequest, MethodsToCall=[predict, refresh]),
        *_histories(voltage),
        request(ua.HistoryUpdateRequest, HistoryUpdateDetails=_corrections(voltage, write.Value)),
    ]


def _corrections(voltage: ua.NodeId, value: ua.DataValue) -> list[object]:
    now = dt.datetime.now(dt.UTC)
    note = ua.DataValue(ua.Variant(ua.Annotation("seen", "me", now), ua.VariantType.ExtensionObject))
    return [
        ua.UpdateDataDetails(voltage, ua.PerformUpdateType.Update, [value, value]),
        ua.UpdateStructureDataDetails(voltage, ua.PerformUpdateType.Insert, [note]),
        ua.DeleteRawModifiedDetails(voltage, False, now, now),
        ua.DeleteAtTimeDetails(voltage, [now, now]),
        ua.DeleteEventDetails(voltage, [b"0123456789abcdef"]),
    ]


def _histories(voltage: ua.NodeId) -> list[object]:
    start, end = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    details = (
        raw_details(start, end, 3),
        raw_details(end, start, bounds=True),
        raw_details(start, end, modified=True),
        at_time_details([start, end, start]),
        processed_details(start, end, 0, [Ids.AggregateFunction_Interpolative], PercentDataGood=100),
        processed_details(end, start, 3.6e6, [Ids.AggregateFunction_Average]),
        ua.ReadEventDetails(
            NumValuesPerNode=3, StartTime=start, EndTime=end, Filter=select("Time", "Message")
        ),
        ua.ReadAnnotationDataDetails(ReqTimes=[start, end]),
    )
    point = bytes(16)
    again = history_request([voltage], details[0], [point], ReleaseContinuationPoints=True)
    return [again, *(history_request([voltage], each) for each in details)]


def _subscribes(voltage: ua.NodeId) -> list[object]:
    events = select("SourceName", "Severity", "ActiveState/Id")
    element = ua.ContentFilterElement()
    element.FilterOperator = ua.FilterOperator.OfType
    kind = ua.Variant(ua.NodeId(Ids.BaseEventType), ua.VariantType.NodeId)
    element.FilterOperands = [ua.LiteralOperand(kind)]
    events.WhereClause.Elements = [element]
    items = [
        item(voltage, chosen=change(1, 1, 0.5), queue=3),
        item(ua.NodeId(Ids.Server), attribute=ua.AttributeIds.EventNotifier, chosen=events),
    ]
    modify = ua.MonitoredItemModifyRequest(1, ua.MonitoringParameters(1, 0.0, None, 1, True))
    acknowledged = [ua.SubscriptionAcknowledgement(1, 1)]
    return [
        request(ua.CreateSubscriptionRequest, **TERMS),
        request(ua.ModifySubscriptionRequest, SubscriptionId=1, RequestedPublishingInterval=100.0),
        request(ua.SetPublishingModeRequest, PublishingEnabled=True, SubscriptionIds=[1]),
        request(ua.CreateMonitoredItemsRequest, SubscriptionId=1, ItemsToCreate=items),
        request(ua.ModifyMonitoredItemsRequest, SubscriptionId=1, ItemsToModify=[modify]),
        request(ua.SetMonitoringModeRequest, SubscriptionId=1, MonitoredItemIds=[1]),
        request(ua.SetTriggeringRequest, SubscriptionId=1, TriggeringItemId=1, LinksToAdd=[2]),
        request(ua.DeleteMonitoredItemsRequest, SubscriptionId=1, MonitoredItemIds=[9]),
        request(ua.PublishRequest, SubscriptionAcknowledgements=acknowledged),
        request(ua.RepublishRequest, SubscriptionId=1, RetransmitSequenceNumber=1),
        request(ua.TransferSubscriptionsRequest, SubscriptionIds=[1]),
        request(ua.DeleteSubscriptionsRequest, SubscriptionIds=[77]),
    ]


def _ends() -> list[object]:
    endpoints, session = ua.GetEndpointsRequest(), ua.CreateSessionRequest()
    endpoints.Parameters.EndpointUrl = "opc.tcp://127.0.0.1/"
    session.Parameters.SessionName = "fuzz"
    activate = ua.ActivateSessionRequest()
    activate.Parameters.UserIdentityToken = ua.UserNameIdentityToken("username", "admin", b"secret")
    return [endpoints, ua.FindServersRequest(), session, activate, request(ua.CancelRequest, RequestHandle=3)]


# -- spoiling


def spoilt(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The bytes with one to three things wrong with them."""
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(_WAYS)(data, chance, others)[: 64 << 10]
    return data


def _byte(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    at = chance.randrange(len(data)) if data else 0
    new = chance.choice((chance.randrange(256), chance.choice(NASTY)))
    return data[:at] + bytes([new]) + data[at + 1 :]


def _length(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    """Four bytes, which may be a length or a count, become one that is wrong."""
    at = chance.randrange(max(len(data) - 4, 1))
    return data[:at] + struct.pack("<i", chance.choice(LENGTHS)) + data[at + 4 :]


def _cut(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _drop(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randint(1, 8) :]


def _insert(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randint(1, 8)) + data[at:]


def _repeat(data: bytes, chance: random.Random, _others: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    part = data[at : at + chance.randint(1, 64)]
    return data[:at] + part * chance.randint(2, 200) + data[at:]


def _splice(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The beginning of one and the end of another."""
    other = chance.choice(others)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


_WAYS: list[Callable[[bytes, random.Random, list[bytes]], bytes]] = [
    _byte,
    _byte,
    _length,
    _length,
    _cut,
    _drop,
    _insert,
    _repeat,
    _splice,
]
