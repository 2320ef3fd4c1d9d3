"""Probes of holes in HistoryRead; each asserts what a server must do."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from asyncua import Client, ua
from holetargets import Target, code_of
from opcuahistory import (
    BEGINNING,
    FUTURE,
    at_time_details,
    history_request,
    processed_details,
    raw_details,
    result,
    values,
)
from opcuaserver import answer, request

S = ua.StatusCodes
Ids = ua.ObjectIds
INTERPOLATIVE = Ids.AggregateFunction_Interpolative
EVERYTHING = raw_details(BEGINNING, FUTURE)


async def _with_history(client: Client, target: Target, count: int) -> list[ua.DataValue]:
    """Wait until there is history; all of it."""
    for number in range(100):
        await target.put(4.0 + number % 3)
        found = values(await result(client, target.number, EVERYTHING))
        if len(found) >= count:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("there is no history")


async def _answered(client: Client, target: Target, details: Any) -> list[ua.DataValue]:
    """The values of an answer; no hole is excused by another code."""
    try:
        found = await result(client, target.number, details)
    except ua.UaStatusCodeError as error:
        raise AssertionError(f"refused with 0x{error.code:08X}") from error
    assert found.StatusCode.is_good()
    return values(found)


async def history_goes_on_at_a_continuation_point(target: Target) -> None:
    async with target.server.client() as client:
        await _with_history(client, target, 5)
        details = raw_details(BEGINNING, FUTURE, 2)
        first = await result(client, target.number, details)
        assert len(values(first)) == 2
        assert first.ContinuationPoint
        second = await result(client, target.number, details, first.ContinuationPoint)
        times = [value.SourceTimestamp for value in (*values(first), *values(second))]
        assert len(times) == 4
        assert times == sorted(set(times))


async def a_continuation_point_is_its_sessions_own(target: Target) -> None:
    async with target.server.client() as client, target.server.client() as other:
        await _with_history(client, target, 5)
        details = raw_details(BEGINNING, FUTURE, 2)
        first = await result(client, target.number, details)
        theirs = await result(other, target.number, details, first.ContinuationPoint or bytes(16))
        assert theirs.StatusCode.value == S.BadContinuationPointInvalid


async def modified_values_are_not_the_raw_ones(target: Target) -> None:
    """Nothing was ever modified: there are none, or the server says that it keeps none."""
    async with target.server.client() as client:
        await _with_history(client, target, 2)
        try:
            found = await result(client, target.number, raw_details(BEGINNING, FUTURE, modified=True))
        except ua.uaerrors.BadHistoryOperationUnsupported:
            return
        assert not values(found)


async def bounds_are_the_values_around(target: Target) -> None:
    async with target.server.client() as client:
        known = await _with_history(client, target, 4)
        tick = dt.timedelta(microseconds=1)
        span = known[1].SourceTimestamp + tick, known[2].SourceTimestamp - tick
        found = await _answered(client, target, raw_details(*span, bounds=True))
        times = [value.SourceTimestamp for value in found]
        assert times == [value.SourceTimestamp for value in known[1:3]]


async def a_read_needs_a_time_domain(target: Target) -> None:
    async with target.server.client() as client:
        for details in (raw_details(None, None, 5), raw_details(BEGINNING, None)):
            sent = history_request([target.number], details)
            code = await code_of(answer(client, ua.HistoryReadResponse, sent))
            assert code == S.BadHistoryOperationInvalid


async def values_are_told_for_any_time(target: Target) -> None:
    async with target.server.client() as client:
        known = await _with_history(client, target, 3)
        times = [known[2].SourceTimestamp, known[0].SourceTimestamp]
        found = await _answered(client, target, at_time_details(times))
        assert [value.SourceTimestamp for value in found] == times
        assert [value.Value for value in found] == [known[2].Value, known[0].Value]


async def aggregates_are_worked_out(target: Target) -> None:
    async with target.server.client() as client:
        known = await _with_history(client, target, 3)
        span = known[0].SourceTimestamp, known[2].SourceTimestamp
        found = await _answered(client, target, processed_details(*span, 0, [INTERPOLATIVE]))
        assert [value.Value.Value for value in found] == [known[0].Value.Value]


async def aggregates_are_listed(target: Target) -> None:
    async with target.server.client() as client:
        folder = client.get_node(ua.NodeId(Ids.HistoryServerCapabilities_AggregateFunctions))
        assert ua.NodeId(INTERPOLATIVE) in [node.nodeid for node in await folder.get_children()]


async def a_correction_is_refused_to_who_may_not(target: Target) -> None:
    """Each node has a result of its own; nothing is changed."""
    async with target.server.client() as client:
        known = await _with_history(client, target, 2)
        sent = request(ua.HistoryUpdateRequest)
        sent.Parameters.HistoryUpdateDetails = [
            ua.DeleteAtTimeDetails(target.number, [known[0].SourceTimestamp])
        ]
        try:
            (found,) = (await answer(client, ua.HistoryUpdateResponse, sent)).Results
        except ua.UaStatusCodeError as error:
            raise AssertionError(f"refused as a whole with 0x{error.code:08X}") from error
        assert found.StatusCode.value == S.BadUserAccessDenied
        assert (await _with_history(client, target, 2))[0].SourceTimestamp == known[0].SourceTimestamp


PROBES = [
    a_correction_is_refused_to_who_may_not,
    history_goes_on_at_a_continuation_point,
    a_continuation_point_is_its_sessions_own,
    modified_values_are_not_the_raw_ones,
    bounds_are_the_values_around,
    a_read_needs_a_time_domain,
    values_are_told_for_any_time,
    aggregates_are_worked_out,
    aggregates_are_listed,
]
