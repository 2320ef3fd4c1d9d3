"""What HistoryRead answers to requests that are wrong, each with the code that Parts 4, 11 and 13 name."""

from __future__ import annotations

import math
from typing import Any

import pytest
from asyncua import Client, ua
from opcuahistory import (
    BEGINNING,
    FUTURE,
    at_time_details,
    codes,
    processed_details,
    raw_details,
    result,
    results,
    values,
)
from opcuaserver import OpcUaTestServer

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J02"
NO_TIME = ua.win_epoch_to_datetime(0)
INTERPOLATIVE, AVERAGE, COUNT, TOTAL = 2341, 2342, 2352, 2344
HOUR = 3_600_000.0
SERVER = ua.TimestampsToReturn.Server

RAW = raw_details(BEGINNING, FUTURE, 2)
AT_TIME = at_time_details([BEGINNING])
INTERPOLATED = processed_details(BEGINNING, FUTURE, 0, [INTERPOLATIVE])


def processed(interval: float = 0.0, aggregate: int = INTERPOLATIVE, **configuration: Any) -> Any:
    return processed_details(BEGINNING, FUTURE, interval, [aggregate], **configuration)


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (at_time_details([NO_TIME]), S.BadInvalidTimestampArgument),
        (processed(aggregate=2340), S.BadAggregateNotSupported),
        (processed(aggregate=13), S.BadAggregateNotSupported),
        (processed(PercentDataGood=101), S.BadAggregateConfigurationRejected),
        (processed(PercentDataBad=200, PercentDataGood=100), S.BadAggregateConfigurationRejected),
        (processed(PercentDataGood=40, PercentDataBad=50), S.BadAggregateConfigurationRejected),
    ],
)
async def test_a_node_of_which_that_cannot_be_told(
    client: Client, server: OpcUaTestServer, details: Any, code: int
) -> None:
    node_id = server.node_id(f"{JAR}.Voltage")
    found = await result(client, node_id, details)
    assert found.StatusCode.value == code
    assert values(found) == []


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (None, S.BadHistoryOperationUnsupported),
        (ua.UpdateDataDetails(), S.BadHistoryOperationUnsupported),
        (at_time_details([]), S.BadHistoryOperationInvalid),
        (processed_details(None, FUTURE, 0, [AVERAGE]), S.BadHistoryOperationInvalid),
        (processed_details(BEGINNING, None, 0, [AVERAGE]), S.BadHistoryOperationInvalid),
        (processed_details(BEGINNING, BEGINNING, HOUR, [AVERAGE]), S.BadInvalidArgument),
        (processed(-1.0), S.BadInvalidArgument),
        (processed(1e-4), S.BadInvalidArgument),
        (processed(math.nan), S.BadInvalidArgument),
        (processed(math.inf), S.BadInvalidArgument),
        (processed_details(BEGINNING, FUTURE, 0, []), S.BadAggregateListMismatch),
        (processed_details(BEGINNING, FUTURE, 0, [AVERAGE, COUNT]), S.BadAggregateListMismatch),
    ],
)
async def test_details_without_sense(
    client: Client, server: OpcUaTestServer, details: Any, code: int
) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await result(client, server.node_id(f"{JAR}.Voltage"), details)
    assert refused.value.code == code


@pytest.mark.parametrize("details", [RAW, AT_TIME, INTERPOLATED])
@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"index_range": "0"}, S.BadIndexRangeNoData),
        ({"index_range": "1:0"}, S.BadIndexRangeInvalid),
        ({"index_range": "all"}, S.BadIndexRangeInvalid),
        ({"encoding": ua.QualifiedName("Default Binary")}, S.BadDataEncodingInvalid),
        ({"encoding": ua.QualifiedName("Default JSON")}, S.BadDataEncodingInvalid),
    ],
)
async def test_values_have_no_parts_and_no_encodings(
    client: Client, server: OpcUaTestServer, details: Any, terms: dict[str, Any], code: int
) -> None:
    found = await result(client, server.node_id(f"{JAR}.Voltage"), details, **terms)
    assert found.StatusCode.value == code
    assert values(found) == []


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (RAW, S.BadTimestampNotSupported),
        (AT_TIME, S.BadTimestampNotSupported),
        (INTERPOLATED, S.BadTimestampsToReturnInvalid),
    ],
)
async def test_there_are_no_server_timestamps(
    client: Client, server: OpcUaTestServer, details: Any, code: int
) -> None:
    node_id = server.node_id(f"{JAR}.Voltage")
    found = await result(client, node_id, details, TimestampsToReturn=SERVER)
    assert found.StatusCode.value == code
    assert values(found) == []
    both = await result(client, node_id, details, TimestampsToReturn=ua.TimestampsToReturn.Both)
    assert not both.StatusCode.is_bad()
    assert all(value.ServerTimestamp is None for value in values(both))
    supported = ua.NodeId(ua.ObjectIds.HistoryServerCapabilities_ServerTimestampSupported)
    assert await client.get_node(supported).read_value() is False
    for wrong in (ua.TimestampsToReturn.Neither, 4, 99):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await result(client, node_id, details, TimestampsToReturn=wrong)
        assert refused.value.code == S.BadTimestampsToReturnInvalid


async def test_each_node_has_its_own_aggregate(client: Client, server: OpcUaTestServer) -> None:
    names = ("Voltage", "ReplacementQuarter", "ReplacementQuarter", "Voltage")
    node_ids = [server.node_id(f"{JAR}.{name}") for name in names]
    details = processed_details(BEGINNING, FUTURE, 0, [INTERPOLATIVE, AVERAGE, TOTAL, 2340])
    assert codes(await results(client, node_ids, details)) == [
        S.Good,
        S.BadAggregateNotSupported,  # numbers only (Part 13, 5.4.2.3)
        S.BadAggregateNotSupported,
        S.BadAggregateNotSupported,
    ]


async def test_an_aggregate_is_a_node_of_the_standard(client: Client, server: OpcUaTestServer) -> None:
    for node_id in (ua.NodeId(AVERAGE, 2), ua.NodeId("Average", 0), ua.NodeId()):
        details = processed()
        details.AggregateType = [node_id]
        found = await result(client, server.node_id(f"{JAR}.Voltage"), details)
        assert found.StatusCode.value == S.BadAggregateNotSupported


@pytest.mark.parametrize(
    "details", [RAW, AT_TIME, processed_details(BEGINNING, FUTURE, 0, [INTERPOLATIVE] * 4)]
)
async def test_nodes_without_a_history(client: Client, server: OpcUaTestServer, details: Any) -> None:
    names = ("nowhere", JAR, f"{JAR}.SerialNumber", f"{JAR}.Voltage.EURange")
    found = await results(client, [server.node_id(name) for name in names], details)
    assert codes(found) == [S.BadNodeIdUnknown] + [S.BadHistoryOperationUnsupported] * 3


async def test_no_nodes_and_too_many(client: Client, server: OpcUaTestServer) -> None:
    for count, code in ((0, S.BadNothingToDo), (1001, S.BadTooManyOperations)):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await results(client, [server.node_id(f"{JAR}.Voltage")] * count, RAW)
        assert refused.value.code == code
