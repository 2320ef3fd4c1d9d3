"""What a user can ask the server to do: acknowledge conditions, predict the life of a jar, read a trend.

Acknowledge and PredictRul run in the user's own OPC UA session; a refusal comes back in words. HistoryRead
is reading, and runs in the shared one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from asyncua import Client, ua

from hmi.accounts import Accounts, WebSession
from hmi.alarms import Condition
from hmi.simulations import SIMULATED_VALUE
from hmi.subscription import EPOCH, microseconds, plain
from hmi.topology import Topology
from hmi.trend import Point, Span, spans, thin, with_gaps

CALLS_AT_ONCE: Final = 100
PAGE: Final = 2_000  # values a HistoryRead answers at once
PAGES_AT_MOST: Final = 100
POINTS: Final = 600  # that a trend shows
HISTORY_TIMEOUT: Final = 20.0  # s
ACKNOWLEDGE: Final = ua.ObjectIds.AcknowledgeableConditionType_Acknowledge

WORDS: Final = {
    "BadUserAccessDenied": "You are not allowed to do this.",
    "BadConditionBranchAlreadyAcked": "Already acknowledged.",
    "BadEventIdUnknown": "The alarm has changed meanwhile; look again.",
    "BadNodeIdUnknown": "The server does not know it.",
    "BadNodeIdInvalid": "The server does not know it.",
    "BadMethodInvalid": "The server does not offer this.",
    "BadConditionDisabled": "The alarm is disabled.",
}


def words(status: ua.StatusCode) -> str:
    """A bad status for an operator."""
    return WORDS.get(status.name, f"The server refused: {status.name}.")


async def acknowledge(
    accounts: Accounts,
    session: WebSession,
    topology: Topology,
    conditions: Sequence[Condition],
    comment: str,
) -> list[str]:
    """Acknowledge conditions (Part 9, 5.7.3): for each nothing, or the refusal in words."""
    answers: list[str] = []
    for start in range(0, len(conditions), CALLS_AT_ONCE):
        part = conditions[start : start + CALLS_AT_ONCE]
        requests = [_acknowledgement(topology, condition, comment) for condition in part]
        results = await accounts.call(session, requests)
        answers += ["" if r.StatusCode.is_good() else words(r.StatusCode) for r in results]
    return answers


async def predict(
    accounts: Accounts, session: WebSession, topology: Topology, jar: str
) -> dict[str, Any] | str:
    """A jar's prediction with its factors, or why there is none."""
    request = ua.CallMethodRequest()
    request.ObjectId = topology.node("Analytics")
    request.MethodId = topology.node("Analytics.PredictRul")
    request.InputArguments = [ua.Variant(jar, ua.VariantType.String)]
    result = (await accounts.call(session, [request]))[0]
    if not result.StatusCode.is_good():
        return words(result.StatusCode)
    names = ("days", "lower", "upper", "confidence", "factors", "shares", "version")
    values = [argument.Value for argument in result.OutputArguments]
    return dict(zip(names, values, strict=False))


async def trend(client: Client, node: ua.NodeId, start: int, end: int) -> tuple[list[Point], list[Span]]:
    """History of a variable, thinned to what a picture can show, and the spans of it that are simulated.

    Times in µs since 1970.
    """
    points: list[Point] = []
    simulated: list[bool] = []
    async with asyncio.timeout(HISTORY_TIMEOUT):
        continuation: bytes | None = None
        for _ in range(PAGES_AT_MOST):
            values, continuation = await _page(client, node, start, end, continuation)
            points += [_point(value) for value in values]
            simulated += [_is_simulated(value) for value in values]
            if not continuation:
                break
    times = [time for time, _ in points]
    return thin(with_gaps(points), POINTS), spans(times, simulated)


def _acknowledgement(topology: Topology, condition: Condition, comment: str) -> ua.CallMethodRequest:
    request = ua.CallMethodRequest()
    request.ObjectId = topology.node(condition.id)
    request.MethodId = ua.NodeId(ACKNOWLEDGE)
    request.InputArguments = [
        ua.Variant(bytes.fromhex(condition.event), ua.VariantType.ByteString),
        ua.Variant(ua.LocalizedText(comment, "en"), ua.VariantType.LocalizedText),
    ]
    return request


async def _page(
    client: Client, node: ua.NodeId, start: int, end: int, continuation: bytes | None
) -> tuple[Sequence[ua.DataValue], bytes | None]:
    parameters = ua.HistoryReadParameters()
    parameters.HistoryReadDetails = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_time(start),
        EndTime=_time(end),
        NumValuesPerNode=PAGE,
        ReturnBounds=False,
    )
    parameters.TimestampsToReturn = ua.TimestampsToReturn.Source
    parameters.ReleaseContinuationPoints = False
    parameters.NodesToRead = [ua.HistoryReadValueId(NodeId=node, ContinuationPoint=continuation)]
    result = (await client.uaclient.history_read(parameters))[0]
    result.StatusCode.check()
    data = result.HistoryData
    values = getattr(data, "DataValues", None) or ()
    return values, result.ContinuationPoint


def _is_simulated(data: ua.DataValue) -> bool:
    return data.StatusCode is not None and data.StatusCode.value == SIMULATED_VALUE


def _point(data: ua.DataValue) -> Point:
    """A value that is not good leaves a gap, but for a simulated one."""
    value = plain(data.Value)
    good = data.StatusCode is None or data.StatusCode.is_good() or _is_simulated(data)
    return microseconds(data.SourceTimestamp), value if good and isinstance(value, float) else None


def _time(microseconds_: int) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=microseconds_)
