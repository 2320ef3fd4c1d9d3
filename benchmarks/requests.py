"""The requests that the benchmarks send, encoded once by asyncua's codec."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from benchmarks.client import Connection, Request

ALL_FIELDS: Final = 63
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
    wanted = ua.ReadParameters(0.0, ua.TimestampsToReturn.Both)
    wanted.NodesToRead = [ua.ReadValueId(node, ua.AttributeIds.Value) for node in nodes]
    return connection.request(ua.ReadRequest, struct_to_binary(wanted))


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


def monitored_items(nodes: Sequence[ua.NodeId], size: int) -> list[bytes]:
    """Items on nodes, `size` a request, queue of one: parameters that lack the SubscriptionId before them."""
    encoded = []
    for at in range(0, len(nodes), size):
        wanted = ua.CreateMonitoredItemsParameters(0, ua.TimestampsToReturn.Both)
        for handle, node in enumerate(nodes[at : at + size], at):
            item = ua.MonitoredItemCreateRequest(ua.ReadValueId(node, ua.AttributeIds.Value))
            item.MonitoringMode = ua.MonitoringMode.Reporting
            item.RequestedParameters = ua.MonitoringParameters(handle, -1.0, None, 1, True)
            wanted.ItemsToCreate.append(item)
        encoded.append(bytes(struct_to_binary(wanted))[4:])
    return encoded


def create_items(connection: Connection, subscription: int, items: bytes) -> Request:
    """Create monitored items of `monitored_items`."""
    return connection.request(ua.CreateMonitoredItemsRequest, struct.pack("<I", subscription) + items)


def publish(connection: Connection, subscription: int, sequence: int) -> Request:
    """Ask for a notification and acknowledge another, 0 for none."""
    if not sequence:
        return connection.request(ua.PublishRequest, struct.pack("<i", 0))
    return connection.request(ua.PublishRequest, _ACKNOWLEDGE.pack(1, subscription, sequence))
