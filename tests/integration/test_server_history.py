"""HistoryRead of raw values over a real socket (Part 11, 6.5.3), and the health endpoints."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from asyncua import Client, ua
from opcuahistory import BEGINNING, FUTURE, TICK, history_request, raw_details, values
from opcuaserver import OpcUaTestServer, answer

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J02"
VALUES = 12


@pytest.fixture
async def voltage(client: Client, server: OpcUaTestServer) -> tuple[ua.NodeId, list[ua.DataValue]]:
    """A live variable, and its first values in the historian, which will not change any more."""
    node_id = server.node_id(f"{JAR}.Voltage")
    async with asyncio.timeout(20):
        while True:
            result = await read(client, node_id, BEGINNING, None, VALUES)
            found = values(result)
            if len(found) == VALUES:
                return node_id, found
            await asyncio.sleep(0.2)


def history(
    node_ids: list[ua.NodeId],
    start: dt.datetime | None,
    end: dt.datetime | None,
    most: int = 0,
    bounds: bool = False,
    points: list[bytes | None] | None = None,
    **terms: Any,
) -> Any:
    details = raw_details(start, end, most, bounds, terms.pop("modified", False))
    return history_request(node_ids, details, points, **terms)


async def read(client: Client, node_id: ua.NodeId, *terms: Any, **more: Any) -> ua.HistoryReadResult:
    response = await answer(client, ua.HistoryReadResponse, history([node_id], *terms, **more))
    result: ua.HistoryReadResult = response.Results[0]
    return result


Voltage = tuple[ua.NodeId, list[ua.DataValue]]


async def test_values_come_in_the_order_of_time(voltage: Voltage) -> None:
    times = [value.SourceTimestamp for value in voltage[1]]
    assert times == sorted(set(times))
    assert all(value.StatusCode.is_good() for value in voltage[1])
    assert all(12 < value.Value.Value < 15 for value in voltage[1])


async def test_pages_to_the_end_are_one_big_read(client: Client, voltage: Voltage) -> None:
    node_id, all_values = voltage
    span = (all_values[0].SourceTimestamp, all_values[-1].SourceTimestamp + TICK)
    whole = await read(client, node_id, *span)
    assert values(whole) == all_values
    assert not whole.ContinuationPoint
    found, point, pages = [], None, 0
    while True:
        part = await read(client, node_id, *span, 5, points=[point])
        found += values(part)
        point, pages = part.ContinuationPoint, pages + 1
        if not point:
            break
        assert len(values(part)) == 5
    assert found == all_values
    assert pages == 3


async def test_an_end_before_the_start_turns_the_order_round(client: Client, voltage: Voltage) -> None:
    node_id, all_values = voltage
    first, last = all_values[0].SourceTimestamp, all_values[-1].SourceTimestamp
    back = await read(client, node_id, last, first - TICK)
    assert values(back) == all_values[::-1]
    some = await read(client, node_id, None, last + TICK, 4)
    assert values(some) == all_values[:-5:-1]


async def test_the_end_is_not_in(client: Client, voltage: Voltage) -> None:
    node_id, all_values = voltage
    span = (all_values[2].SourceTimestamp, all_values[5].SourceTimestamp)
    assert values(await read(client, node_id, *span)) == all_values[2:5]


async def test_bounds_are_the_values_around(client: Client, voltage: Voltage) -> None:
    node_id, all_values = voltage
    span = (all_values[2].SourceTimestamp + TICK, all_values[5].SourceTimestamp - TICK)
    assert values(await read(client, node_id, *span, bounds=True)) == all_values[2:6]
    nothing = await read(client, node_id, BEGINNING, all_values[0].SourceTimestamp - TICK, bounds=True)
    codes = [value.StatusCode.value for value in values(nothing)]
    assert codes == [S.BadBoundNotFound, S.Good]
    assert values(nothing)[0].Value is None or values(nothing)[0].Value.Value is None


async def test_a_point_is_used_once_by_its_session_for_its_node(
    client: Client, server: OpcUaTestServer, voltage: Voltage
) -> None:
    node_id, all_values = voltage
    span = (all_values[0].SourceTimestamp, all_values[-1].SourceTimestamp)

    async def again(user: Client, point: bytes, node: ua.NodeId = node_id, **terms: Any) -> int:
        result = await read(user, node, *span, 3, points=[point], **terms)
        return int(result.StatusCode.value)

    part = await read(client, node_id, *span, 3)
    async with server.client() as other:
        assert await again(other, part.ContinuationPoint) == S.BadContinuationPointInvalid
    assert await again(client, part.ContinuationPoint) == S.Good
    assert await again(client, part.ContinuationPoint) == S.BadContinuationPointInvalid
    part = await read(client, node_id, *span, 3)
    wrong = server.node_id(f"{JAR}.Temperature")
    assert await again(client, part.ContinuationPoint, wrong) == S.BadContinuationPointInvalid
    part = await read(client, node_id, *span, 3)
    assert await again(client, part.ContinuationPoint, ReleaseContinuationPoints=True) == S.Good
    assert await again(client, part.ContinuationPoint) == S.BadContinuationPointInvalid
    assert await again(client, bytes(16)) == S.BadContinuationPointInvalid


async def test_one_bad_node_does_not_spoil_the_others(
    client: Client, server: OpcUaTestServer, voltage: Voltage
) -> None:
    names = (
        f"{JAR}.Voltage",
        "nowhere",
        JAR,
        f"{JAR}.SerialNumber",
        f"{JAR}.HealthStatus",
        f"{JAR}.ReplacementQuarter",
    )
    ask = history([server.node_id(name) for name in names], BEGINNING, None, 2)
    results = (await answer(client, ua.HistoryReadResponse, ask)).Results
    assert [result.StatusCode.value for result in results] == [
        S.Good,
        S.BadNodeIdUnknown,
        S.BadHistoryOperationUnsupported,
        S.BadHistoryOperationUnsupported,
        S.Good,
        S.Good,
    ]
    kinds = [values(results[i])[0].Value.VariantType for i in (0, 4, 5)]
    assert kinds == [ua.VariantType.Double, ua.VariantType.UInt32, ua.VariantType.String]


async def test_nothing_in_the_span_is_no_error(client: Client, voltage: Voltage) -> None:
    for span in ((BEGINNING, BEGINNING + dt.timedelta(days=1)), (FUTURE, FUTURE + dt.timedelta(days=1))):
        result = await read(client, voltage[0], *span)
        assert result.StatusCode.value == S.GoodNoData
        assert values(result) == []


@pytest.mark.parametrize(
    ("terms", "more", "code"),
    [
        ((None, None), {}, S.BadHistoryOperationInvalid),
        ((None, None, 5), {}, S.BadHistoryOperationInvalid),
        ((BEGINNING, None), {}, S.BadHistoryOperationInvalid),
        ((BEGINNING, FUTURE, 0, True), {"modified": True}, S.BadInvalidArgument),
        ((None, FUTURE), {"modified": True}, S.BadHistoryOperationInvalid),
        (
            (BEGINNING, FUTURE),
            {"TimestampsToReturn": ua.TimestampsToReturn.Neither},
            S.BadTimestampsToReturnInvalid,
        ),
    ],
)
async def test_a_request_without_sense_is_refused(
    client: Client, server: OpcUaTestServer, terms: tuple[Any, ...], more: dict[str, Any], code: int
) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await read(client, server.node_id(f"{JAR}.Voltage"), *terms, **more)
    assert refused.value.code == code


async def test_many_nodes_share_what_an_answer_holds(
    client: Client, server: OpcUaTestServer, voltage: Voltage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.history.service.MAX_VALUES", 6)
    node_ids = [voltage[0], server.node_id(f"{JAR}.Temperature")]
    results = (await answer(client, ua.HistoryReadResponse, history(node_ids, BEGINNING, FUTURE))).Results
    assert [len(values(result)) for result in results] == [3, 3]
    assert all(result.ContinuationPoint for result in results)


# -- health


def get(server: OpcUaTestServer, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{server.settings.metrics.port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def test_health_is_told(server: OpcUaTestServer, client: Client) -> None:
    code, text = await asyncio.to_thread(get, server, "/health")
    state = json.loads(text)
    assert (code, state["status"]) == (200, "ok")
    assert state["scan"]["scans"] > 0
    assert state["scan"]["failures"] == 0
    assert state["opcua"]["sessions"] >= 1
    assert state["historian"]["last_error"] in (None, "")
    code, _ = await asyncio.to_thread(get, server, "/ready")
    assert code == 200


async def test_metrics_are_for_prometheus(server: OpcUaTestServer) -> None:
    code, text = await asyncio.to_thread(get, server, "/metrics")
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert code == 200
    assert float(found["voltkeep_scans_total"]) > 0
    assert float(found["voltkeep_fresh_share_percent"]) == 100
    assert float(found["voltkeep_historian_healthy"]) == 1
    assert float(found["voltkeep_simulated_purging"]) == 0
