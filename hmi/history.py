"""Trends by HistoryRead: values as they were stored, or averages with what lies around them.

Both are what a picture can show: stored values thinned with their extremes, or a value an interval.
Reading runs in the shared session. Times in µs since 1970.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from hmi.historydata import History, Sample, Value, histories
from hmi.simulations import SIMULATED_VALUE
from hmi.subscription import EPOCH
from hmi.timelimit import time_limit
from hmi.trend import Point, Reading, Stretch, stretches, thin, with_gaps

PAGE: Final = 4_000  # values a HistoryRead answers at once: a few milliseconds of the event loop
PAGES_AT_MOST: Final = 100
POINTS: Final = 900  # that a trend shows of stored values
TIMEOUT: Final = 20.0  # s
# Average, Minimum, Maximum (Part 13): the line and its band.
_AGGREGATES: Final = (
    ua.ObjectIds.AggregateFunction_Average,
    ua.ObjectIds.AggregateFunction_Minimum,
    ua.ObjectIds.AggregateFunction_Maximum,
)
_SUB_NORMAL: Final = int(ua.StatusCodes.UncertainDataSubNormal)
_NO_DATA: Final = int(ua.StatusCodes.BadNoData)
_CODE: Final = 0xFFFF_0000  # of a StatusCode, without its information bits


@dataclass(frozen=True)
class Trend:
    """A line, the band around it where there is one, and stretches of what is not plainly good."""

    line: list[Point]
    low: list[Point]
    high: list[Point]
    stretches: list[Stretch]


async def trend(client: Client, node: ua.NodeId, reading: Reading, band: bool = True) -> Trend:
    """History of a variable; the line alone, which a server finds sooner, without the `band` around it."""
    async with time_limit(TIMEOUT):
        if not reading.step:
            return await _stored(client, node, reading)
        return await _averaged(client, node, reading, _AGGREGATES if band else _AGGREGATES[:1])


async def _stored(client: Client, node: ua.NodeId, reading: Reading) -> Trend:
    samples: list[Sample] = []
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=time_of(reading.start),
        EndTime=time_of(reading.end),
        NumValuesPerNode=PAGE,
        ReturnBounds=False,
    )
    rest: bytes | None = None
    for _ in range(PAGES_AT_MOST):
        (found,) = await _read(client, details, [ua.HistoryReadValueId(NodeId=node, ContinuationPoint=rest)])
        samples += found.samples
        rest = found.rest
        if not rest:
            break
    told = [(time, value, _mark(status)) for time, value, status in samples]
    line = with_gaps([(time, None if mark == "bad" else _number(value)) for time, value, mark in told])
    marks = stretches([(time, mark) for time, _, mark in told])
    return Trend(thin(line, POINTS), [], [], marks)


async def _averaged(client: Client, node: ua.NodeId, reading: Reading, aggregates: Sequence[int]) -> Trend:
    details = _processed(reading.start, reading.end, reading.step, aggregates)
    found = await _read(client, details, [ua.HistoryReadValueId(NodeId=node) for _ in aggregates])
    figures, *edges = ([_figure(sample) for sample in each.samples] for each in found)
    # Intervals without any value are a gap only where values come more often than that.
    known = {time for time, _, status in found[0].samples if status & _CODE != _NO_DATA}
    line = with_gaps([point for point in figures if point[0] in known])
    low, high = (
        ([(time, told.get(time)) for time, _ in line] for told in map(dict, edges)) if edges else ([], [])
    )
    marks = stretches([(time, _mark(status)) for time, _, status in found[0].samples], reading.step)
    return Trend(line, low, high, marks)


async def averages(
    client: Client, nodes: Sequence[ua.NodeId], start: int, end: int, step: int
) -> list[list[Point]]:
    """The average of every whole `step` between two times, of each variable."""
    details = _processed(start // step * step, -(-end // step) * step, step, _AGGREGATES[:1] * len(nodes))
    found = await _read(client, details, [ua.HistoryReadValueId(NodeId=node) for node in nodes])
    return [[_figure(sample) for sample in each.samples] for each in found]


def _processed(start: int, end: int, step: int, aggregates: Sequence[int]) -> ua.ReadProcessedDetails:
    return ua.ReadProcessedDetails(
        StartTime=time_of(start),
        EndTime=time_of(end),
        ProcessingInterval=step / 1000,
        AggregateType=[ua.NodeId(each) for each in aggregates],
    )


async def _read(client: Client, details: object, nodes: list[ua.HistoryReadValueId]) -> list[History]:
    """Histories of values; a result that is bad is raised."""
    found = histories(await _ask(client, details, nodes))
    for each in found:
        ua.StatusCode(each.status).check()
    return found


async def read_history(
    client: Client, details: object, nodes: list[ua.HistoryReadValueId], release: bool = False
) -> list[ua.HistoryReadResult]:
    """HistoryRead of anything, as asyncua decodes it; `release` gives continuation points back."""
    response = struct_from_binary(ua.HistoryReadResponse, await _ask(client, details, nodes, release))
    response.ResponseHeader.ServiceResult.check()
    results: list[ua.HistoryReadResult] = response.Results
    for result in results:
        result.StatusCode.check()
    return results


async def _ask(
    client: Client, details: object, nodes: list[ua.HistoryReadValueId], release: bool = False
) -> Buffer:
    """The answer as it came; HistoryRead may take longer than other requests."""
    request = ua.HistoryReadRequest()
    request.Parameters.HistoryReadDetails = details
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
    request.Parameters.ReleaseContinuationPoints = release
    request.Parameters.NodesToRead = nodes
    answer: Buffer = await client.uaclient.protocol.send_request(request, TIMEOUT)
    return answer


def _mark(status: int) -> str:
    """How a value is marked that is not plainly good; where there is none, there is nothing to mark."""
    code = status & _CODE
    if status >> 30 == 0 or code == _NO_DATA:
        return ""
    if code in (SIMULATED_VALUE, _SUB_NORMAL):
        return "simulated" if code == SIMULATED_VALUE else "partly"
    return "uncertain" if status >> 30 == 1 else "bad"


def _figure(sample: Sample) -> Point:
    """An interval in which some values were not good has a figure still (Part 13, 5.3.2); none is a gap."""
    time, value, status = sample
    usable = status >> 30 == 0 or status & _CODE == _SUB_NORMAL
    return time, _number(value) if usable else None


def _number(value: Value) -> float | None:
    if not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def time_of(microseconds_: int) -> dt.datetime:
    """A moment [µs since 1970] as OPC UA has it."""
    return EPOCH + dt.timedelta(microseconds=microseconds_)
