"""Trends by HistoryRead: raw values of a day, averages with their band of anything longer.

Both are what a picture can show: raw values thinned with their extremes, or a value an interval. Reading runs
in the shared session. Times in µs since 1970.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_from_binary

from hmi.simulations import SIMULATED_VALUE
from hmi.subscription import EPOCH, microseconds, plain
from hmi.trend import Point, Range, Span, spans, thin, with_gaps

PAGE: Final = 2_000  # values a HistoryRead answers at once
PAGES_AT_MOST: Final = 100
POINTS: Final = 600  # that a trend shows
TIMEOUT: Final = 20.0  # s
# Average, Minimum, Maximum (Part 13): the line and its band.
_AGGREGATES: Final = (
    ua.ObjectIds.AggregateFunction_Average,
    ua.ObjectIds.AggregateFunction_Minimum,
    ua.ObjectIds.AggregateFunction_Maximum,
)
_SUB_NORMAL: Final = int(ua.StatusCodes.UncertainDataSubNormal)
_CODE: Final = 0xFFFF_0000  # of a StatusCode, without its information bits


@dataclass(frozen=True)
class Trend:
    """Points of a line, and of the band around it where there is one; spans of time that are simulated."""

    line: list[Point]
    low: list[Point]
    high: list[Point]
    simulated: list[Span]


async def trend(client: Client, node: ua.NodeId, which: Range, end: int) -> Trend:
    """History of a variable over a range that ends at `end`."""
    async with asyncio.timeout(TIMEOUT):
        if not which.interval:
            return await _raw(client, node, end - which.length, end)
        return await _processed(client, node, which, end)


async def _raw(client: Client, node: ua.NodeId, start: int, end: int) -> Trend:
    points: list[Point] = []
    simulated: list[bool] = []
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=time_of(start),
        EndTime=time_of(end),
        NumValuesPerNode=PAGE,
        ReturnBounds=False,
    )
    continuation: bytes | None = None
    for _ in range(PAGES_AT_MOST):
        nodes = [ua.HistoryReadValueId(NodeId=node, ContinuationPoint=continuation)]
        result = (await read_history(client, details, nodes))[0]
        values = _values(result)
        points += [_point(value) for value in values]
        simulated += [_is_simulated(value) for value in values]
        continuation = result.ContinuationPoint
        if not continuation:
            break
    times = [time for time, _ in points]
    return Trend(thin(with_gaps(points), POINTS), [], [], spans(times, simulated))


async def _processed(client: Client, node: ua.NodeId, which: Range, end: int) -> Trend:
    """From a whole interval to a whole one, so that every answer of an hour has the same edges."""
    last = -(-end // which.interval) * which.interval
    details = ua.ReadProcessedDetails(
        StartTime=time_of(last - which.length),
        EndTime=time_of(last),
        ProcessingInterval=which.interval / 1000,
        AggregateType=[ua.NodeId(each) for each in _AGGREGATES],
    )
    nodes = [ua.HistoryReadValueId(NodeId=node) for _ in _AGGREGATES]
    line, low, high = [
        [_figure(value) for value in _values(result)] for result in await read_history(client, details, nodes)
    ]
    return Trend(line, low, high, [])


async def averages(
    client: Client, nodes: Sequence[ua.NodeId], start: int, end: int, step: int
) -> list[list[Point]]:
    """The average of every whole `step` between two times, of each variable."""
    details = ua.ReadProcessedDetails(
        StartTime=time_of(start // step * step),
        EndTime=time_of(-(-end // step) * step),
        ProcessingInterval=step / 1000,
        AggregateType=[ua.NodeId(ua.ObjectIds.AggregateFunction_Average) for _ in nodes],
    )
    wanted = [ua.HistoryReadValueId(NodeId=node) for node in nodes]
    results = await read_history(client, details, wanted)
    return [[_figure(value) for value in _values(result)] for result in results]


async def read_history(
    client: Client, details: object, nodes: list[ua.HistoryReadValueId], release: bool = False
) -> list[ua.HistoryReadResult]:
    """HistoryRead, which may take longer than other requests; `release` gives continuation points back."""
    request = ua.HistoryReadRequest()
    request.Parameters.HistoryReadDetails = details
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
    request.Parameters.ReleaseContinuationPoints = release
    request.Parameters.NodesToRead = nodes
    data = await client.uaclient.protocol.send_request(request, TIMEOUT)
    response = struct_from_binary(ua.HistoryReadResponse, data)
    response.ResponseHeader.ServiceResult.check()
    results: list[ua.HistoryReadResult] = response.Results
    for result in results:
        result.StatusCode.check()
    return results


def _values(result: ua.HistoryReadResult) -> Sequence[ua.DataValue]:
    return getattr(result.HistoryData, "DataValues", None) or ()


def _is_simulated(data: ua.DataValue) -> bool:
    return data.StatusCode is not None and data.StatusCode.value == SIMULATED_VALUE


def _point(data: ua.DataValue) -> Point:
    """A value that is not good leaves a gap, but for a simulated one."""
    good = data.StatusCode is None or data.StatusCode.is_good() or _is_simulated(data)
    return microseconds(data.SourceTimestamp), _number(data) if good else None


def _figure(data: ua.DataValue) -> Point:
    """An interval in which some values were not good has a figure still (Part 13, 5.3.2); none is a gap."""
    status = data.StatusCode
    usable = status is None or status.is_good() or status.value & _CODE == _SUB_NORMAL
    return microseconds(data.SourceTimestamp), _number(data) if usable else None


def _number(data: ua.DataValue) -> float | None:
    value = plain(data.Value)
    return float(value) if isinstance(value, (int, float)) else None


def time_of(microseconds_: int) -> dt.datetime:
    """A moment [µs since 1970] as OPC UA has it."""
    return EPOCH + dt.timedelta(microseconds=microseconds_)
