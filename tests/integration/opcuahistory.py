"""HistoryRead requests, and what comes of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuaserver import answer, request

BEGINNING = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FUTURE = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
TICK = dt.timedelta(microseconds=1)


def raw_details(
    start: dt.datetime | None,
    end: dt.datetime | None,
    most: int = 0,
    bounds: bool = False,
    modified: bool = False,
) -> ua.ReadRawModifiedDetails:
    """Of raw history; None is a time that is left open."""
    details = ua.ReadRawModifiedDetails()
    details.StartTime = start or ua.win_epoch_to_datetime(0)
    details.EndTime = end or ua.win_epoch_to_datetime(0)
    details.NumValuesPerNode, details.ReturnBounds = most, bounds
    details.IsReadModified = modified
    return details


def at_time_details(times: list[dt.datetime], simple: bool = False) -> ua.ReadAtTimeDetails:
    """Of history at given times."""
    details = ua.ReadAtTimeDetails()
    details.ReqTimes, details.UseSimpleBounds = times, simple
    return details


def processed_details(
    start: dt.datetime | None,
    end: dt.datetime | None,
    interval: float,
    aggregates: list[int],
    **configuration: Any,
) -> ua.ReadProcessedDetails:
    """Of processed history; `interval` in ms, aggregates by their number in namespace 0."""
    details = ua.ReadProcessedDetails()
    details.StartTime = start or ua.win_epoch_to_datetime(0)
    details.EndTime = end or ua.win_epoch_to_datetime(0)
    details.ProcessingInterval = interval
    details.AggregateType = [ua.NodeId(number) for number in aggregates]
    details.AggregateConfiguration = ua.AggregateConfiguration()
    details.AggregateConfiguration.UseServerCapabilitiesDefaults = not configuration
    for name, value in configuration.items():
        setattr(details.AggregateConfiguration, name, value)
    return details


def history_request(
    node_ids: list[ua.NodeId],
    details: Any,
    points: list[bytes | None] | None = None,
    index_range: str | None = None,
    encoding: ua.QualifiedName | None = None,
    **terms: Any,
) -> ua.HistoryReadRequest:
    """Of these nodes; `terms` are the request's other parameters."""
    nodes = []
    for i, node_id in enumerate(node_ids):
        wanted = ua.HistoryReadValueId()
        wanted.NodeId = node_id
        wanted.ContinuationPoint = points[i] if points else None
        wanted.IndexRange = index_range
        wanted.DataEncoding = encoding or ua.QualifiedName()
        nodes.append(wanted)
    terms = {"TimestampsToReturn": ua.TimestampsToReturn.Source, "ReleaseContinuationPoints": False} | terms
    made: ua.HistoryReadRequest = request(
        ua.HistoryReadRequest, HistoryReadDetails=details, NodesToRead=nodes, **terms
    )
    return made


async def results(
    client: Client, node_ids: list[ua.NodeId], details: Any, **terms: Any
) -> list[ua.HistoryReadResult]:
    """The result for each node."""
    sent = history_request(node_ids, details, **terms)
    found: list[ua.HistoryReadResult] = (await answer(client, ua.HistoryReadResponse, sent)).Results
    return found


async def result(
    client: Client, node_id: ua.NodeId, details: Any, point: bytes | None = None, **terms: Any
) -> ua.HistoryReadResult:
    """The result for one node."""
    return (await results(client, [node_id], details, points=[point], **terms))[0]


def values(found: ua.HistoryReadResult) -> list[ua.DataValue]:
    """The values of a result."""
    data = found.HistoryData
    if isinstance(data, ua.ExtensionObject):
        data = struct_from_binary(ua.HistoryData, Buffer(data.Body)) if data.Body else None
    return list(data.DataValues or []) if data is not None else []


def codes(found: list[ua.HistoryReadResult]) -> list[int]:
    """The StatusCodes of results."""
    return [each.StatusCode.value for each in found]


def event_details(
    start: dt.datetime | None, end: dt.datetime | None, chosen: Any, most: int = 0
) -> ua.ReadEventDetails:
    """Of events; `chosen` is the filter."""
    details = ua.ReadEventDetails()
    details.StartTime = start or ua.win_epoch_to_datetime(0)
    details.EndTime = end or ua.win_epoch_to_datetime(0)
    details.NumValuesPerNode, details.Filter = most, chosen
    return details


def events(found: ua.HistoryReadResult) -> list[list[Any]]:
    """The fields of the events of a result."""
    data = found.HistoryData
    if isinstance(data, ua.ExtensionObject):
        data = struct_from_binary(ua.HistoryEvent, Buffer(data.Body)) if data.Body else None
    return [[field.Value for field in each.EventFields] for each in (data.Events if data is not None else ())]
