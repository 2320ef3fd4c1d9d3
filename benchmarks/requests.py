"""The requests that the benchmarks send, encoded once by asyncua's codec."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary, struct_to_binary

from benchmarks.client import Connection, Request

ALL_FIELDS: Final = 63
# Stand for a node and a handle in what is encoded once, and repeated for many.
_ANY: Final = ua.NodeId("any node at all", 77)
_ANY_BYTES: Final = nodeid_to_binary(_ANY)
_ANY_HANDLE: Final = 0x5A5A_5A5A
_COUNT: Final = struct.Struct("<I")
_ACKNOWLEDGE: Final = struct.Struct("<iII")


def namespace(connection: Connection, uri: str) -> int:
    """Index of a namespace on that server."""
    wanted = ua.ReadParameters(0.0, ua.TimestampsToReturn.Neither)
    array = ua.NodeId(ua.ObjectIds.Server_NamespaceArray)
    wanted.NodesToRead = [ua.ReadValueId(array, ua.AttributeIds.Value)]
    answer = connection.call(connection.request(ua.ReadRequest, struct_to_binary(wanted)), ua.ReadResponse)
    return int(answer.Results[0].Value.Value.index(uri))


def read(connection: Connection, nodes: Sequence[ua.NodeId]) -> Request:
    """Read the values of nodes."""
    head = struct_to_binary(ua.ReadParameters(0.0, ua.TimestampsToReturn.Both))[:-4]
    values = struct_to_binary(ua.ReadValueId(_ANY, ua.AttributeIds.Value)).split(_ANY_BYTES, 1)[1]
    parts = [head, _COUNT.pack(len(nodes)), *(nodeid_to_binary(node) + values for node in nodes)]
    return connection.request(ua.ReadRequest, b"".join(parts))


def browse(connection: Connection, nodes: Sequence[ua.NodeId]) -> Request:
    """Browse all references of nodes, with all fields."""
    wanted = ua.BrowseParameters()
    for node in nodes:
        description = ua.BrowseDescription(node, ua.BrowseDirection.Both)
        description.ReferenceTypeId = ua.NodeId(ua.ObjectIds.References)
        description.IncludeSubtypes, description.ResultMask = True, ALL_FIELDS
        wanted.NodesToBrowse.append(description)
    return connection.request(ua.BrowseRequest, struct_to_binary(wanted))


def create_subscription(connection: Connection, interval: float) -> int:
    """A subscription with that publishing interval [ms]; its id."""
    wanted = ua.CreateSubscriptionParameters(interval, 10_000, 100, 0, True, 0)
    request = connection.request(ua.CreateSubscriptionRequest, struct_to_binary(wanted))
    return int(connection.call(request, ua.CreateSubscriptionResponse).Parameters.SubscriptionId)


def delete_subscription(connection: Connection, subscription: int) -> Request:
    """Delete a subscription."""
    wanted = ua.DeleteSubscriptionsParameters([subscription])
    return connection.request(ua.DeleteSubscriptionsRequest, struct_to_binary(wanted))


def monitored_items(nodes: Sequence[ua.NodeId], size: int, queue: int = 1) -> list[bytes]:
    """Items on nodes, `size` a request: parameters that lack the SubscriptionId before them."""
    item = ua.MonitoredItemCreateRequest(ua.ReadValueId(_ANY, ua.AttributeIds.Value))
    item.MonitoringMode = ua.MonitoringMode.Reporting
    item.RequestedParameters = ua.MonitoringParameters(_ANY_HANDLE, -1.0, None, queue, True)
    middle, tail = struct_to_binary(item).split(_ANY_BYTES, 1)[1].split(_COUNT.pack(_ANY_HANDLE))
    both = _COUNT.pack(ua.TimestampsToReturn.Both)
    encoded = []
    for at in range(0, len(nodes), size):
        batch = nodes[at : at + size]
        items = [
            nodeid_to_binary(node) + middle + _COUNT.pack(handle) + tail
            for handle, node in enumerate(batch, at)
        ]
        encoded.append(b"".join((both, _COUNT.pack(len(batch)), *items)))
    return encoded


def event_item(queue: int = 10_000) -> bytes:
    """An item on the server's alarms, with their usual fields; first the time, that of the scan."""
    fields = ("Time", "EventId", "EventType", "SourceNode", "SourceName", "Message", "Severity")
    event_filter = ua.EventFilter()
    for name in fields:
        operand = ua.SimpleAttributeOperand()
        operand.TypeDefinitionId = ua.NodeId(ua.ObjectIds.BaseEventType)
        operand.BrowsePath = [ua.QualifiedName(name)]
        operand.AttributeId = ua.AttributeIds.Value
        event_filter.SelectClauses.append(operand)
    alarm = ua.LiteralOperand(ua.Variant(ua.NodeId(ua.ObjectIds.AlarmConditionType)))
    event_filter.WhereClause.Elements = [ua.ContentFilterElement(ua.FilterOperator.OfType, [alarm])]
    source = ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server), ua.AttributeIds.EventNotifier)
    item = ua.MonitoredItemCreateRequest(source, ua.MonitoringMode.Reporting)
    item.RequestedParameters = ua.MonitoringParameters(0, 0.0, event_filter, queue, True)
    wanted = ua.CreateMonitoredItemsParameters(0, ua.TimestampsToReturn.Both, [item])
    return bytes(struct_to_binary(wanted))[4:]


def call(connection: Connection, owner: ua.NodeId, method: ua.NodeId, *arguments: ua.Variant) -> Request:
    """Call a method."""
    wanted = ua.CallParameters([ua.CallMethodRequest(owner, method, list(arguments))])
    return connection.request(ua.CallRequest, struct_to_binary(wanted))


def create_items(connection: Connection, subscription: int, items: bytes) -> Request:
    """Create monitored items of `monitored_items`."""
    return connection.request(ua.CreateMonitoredItemsRequest, struct.pack("<I", subscription) + items)


def publish(connection: Connection, subscription: int, sequence: int) -> Request:
    """Ask for a notification and acknowledge another, 0 for none."""
    if not sequence:
        return connection.request(ua.PublishRequest, struct.pack("<i", 0))
    return connection.request(ua.PublishRequest, _ACKNOWLEDGE.pack(1, subscription, sequence))
