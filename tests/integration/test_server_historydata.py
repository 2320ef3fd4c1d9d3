"""HistoryRead of values that the test has put into the historian: raw, at times, of aggregates, modified."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuahistory import (
    TICK,
    at_time_details,
    codes,
    processed_details,
    raw_details,
    result,
    results,
    values,
)
from opcuaserver import OpcUaTestServer

from historian.changes import Change
from historian.edits import Value
from server.protocol.wire import now_us

S = ua.StatusCodes
VT = ua.VariantType
JAR = "Hat Yai/UPS-1/S01/J03"
STRING = "Hat Yai/UPS-1/S01"
SECOND = dt.timedelta(seconds=1)
# An hour that no scan of the test has been in, and that is kept.
NOON = (dt.datetime.now(dt.UTC) - dt.timedelta(days=300)).replace(hour=12, minute=0, second=0, microsecond=0)
VOLTAGES = (13.2, 13.4, 13.6, 13.5, 13.3, 13.1)  # every 10 s
HEALTH = (0, 2, 2, 1, 1, 0)
QUARTERS = (2027 * 4, 2027 * 4, 2028 * 4 + 2, 2028 * 4 + 2, 2027 * 4 + 1, 2027 * 4 + 1)
WEAKEST = (0, 1, 1, 3, 3, 2)
STEP = 10 * SECOND
INTERPOLATIVE, COUNT = 2341, 2352
CODE = 0xFFFF_0000
# InfoBit of historical values (Part 4, 7.38.1).
INTERPOLATED = 0x02


def edit(
    server: OpcUaTestServer, name: str, change: Change, made: list[tuple[dt.datetime, float]]
) -> list[int]:
    """Correct the history of a variable."""
    row = server.app._opcua._table.index.row_of_id(name)
    assert row is not None
    edits = server.app._opcua._historian.edits
    wanted = [Value(round(time.timestamp() * 1e6), number, 0) for time, number in made]
    writing = edits.write(row, change, wanted, "hana", now_us())
    return asyncio.run_coroutine_threadsafe(writing, server.loop).result(20).codes


@pytest.fixture(scope="module")
def filled(server: OpcUaTestServer) -> OpcUaTestServer:
    """The server, with the values above in its historian."""
    for name, made in (
        (f"{JAR}.Voltage", VOLTAGES),
        (f"{JAR}.HealthStatus", HEALTH),
        (f"{JAR}.ReplacementQuarter", QUARTERS),
        (f"{STRING}.WeakestJar", WEAKEST),
    ):
        timed = [(NOON + i * STEP, float(number)) for i, number in enumerate(made)]
        assert set(edit(server, name, Change.INSERT, timed)) == {S.GoodEntryInserted}
    return server


def told(found: ua.HistoryReadResult) -> list[tuple[float, Any]]:
    """Seconds after noon and values."""
    return [((v.SourceTimestamp - NOON) / SECOND, v.Value.Value if v.Value else None) for v in values(found)]


def made(*places: int) -> list[tuple[float, Any]]:
    return [(10.0 * i, VOLTAGES[i]) for i in places]


@pytest.mark.parametrize(
    ("start", "end", "terms", "expected"),
    [
        (0, 60, {}, made(0, 1, 2, 3, 4, 5)),
        (0, 50, {}, made(0, 1, 2, 3, 4)),
        (50, 0, {}, made(5, 4, 3, 2, 1)),
        (5, 25, {"bounds": True}, made(0, 1, 2, 3)),
        (25, 5, {"bounds": True}, made(3, 2, 1, 0)),
        (10, 30, {"bounds": True}, made(1, 2, 3)),
        (10, 10, {}, made(1)),
        (None, 25, {"most": 2}, made(2, 1)),
        (25, None, {"most": 2}, made(3, 4)),
        (None, 25, {"most": 3, "bounds": True}, made(3, 2, 1)),
        (25, None, {"most": 3, "bounds": True}, made(2, 3, 4)),
    ],
)
async def test_raw_values_of_a_time_domain(
    client: Client,
    filled: OpcUaTestServer,
    start: float | None,
    end: float | None,
    terms: dict[str, Any],
    expected: list[tuple[float, Any]],
) -> None:
    span = [None if each is None else NOON + each * SECOND for each in (start, end)]
    found = await result(client, filled.node_id(f"{JAR}.Voltage"), raw_details(*span, **terms))
    assert told(found) == expected


async def test_the_clients_of_asyncua_read_raw_history(client: Client, filled: OpcUaTestServer) -> None:
    node = client.get_node(filled.node_id(f"{JAR}.Voltage"))
    found = await node.read_raw_history(NOON, NOON + 60 * SECOND, return_bounds=False)
    assert [value.Value.Value for value in found] == list(VOLTAGES)
    found = await node.read_raw_history(NOON + 50 * SECOND, NOON - SECOND, 3, return_bounds=False)
    assert [value.Value.Value for value in found] == list(VOLTAGES[:2:-1])


async def test_values_at_times(client: Client, filled: OpcUaTestServer) -> None:
    """In any order, some of them twice; between values on the line between them, or held."""
    seconds = (25, 0, 10, 5, 25, 12.5, 50)
    details = at_time_details([NOON + each * SECOND for each in seconds])
    names = (f"{JAR}.Voltage", f"{JAR}.HealthStatus", f"{JAR}.ReplacementQuarter", f"{STRING}.WeakestJar")
    found = await results(client, [filled.node_id(name) for name in names], details)
    assert codes(found) == [S.Good] * 4
    assert [time for time, _ in told(found[0])] == list(seconds)
    voltages = [value for _, value in told(found[0])]
    assert voltages == pytest.approx([13.55, 13.2, 13.4, 13.3, 13.55, 13.45, 13.1])
    places = (2, 0, 1, 0, 2, 1, 5)
    assert [value for _, value in told(found[1])] == [HEALTH[i] for i in places]
    quarters = ["2027-Q1", "2027-Q1", "2028-Q3", "2028-Q3", "2027-Q2", "2027-Q2"]
    assert [value for _, value in told(found[2])] == [quarters[i] for i in places]
    jars = filled.app._opcua._table.index.fleet.jars
    assert [value for _, value in told(found[3])] == [jars[WEAKEST[i]].path for i in places]
    kinds = [{value.Value.VariantType for value in values(each)} for each in found]
    assert kinds == [{VT.Double}, {VT.UInt32}, {VT.String}, {VT.String}]
    bits = [value.StatusCode.value & 0x3 for value in values(found[0])]
    assert bits == [INTERPOLATED, 0, 0, INTERPOLATED, INTERPOLATED, INTERPOLATED, 0]


async def test_before_all_values_there_is_none(client: Client, filled: OpcUaTestServer) -> None:
    details = at_time_details([NOON - dt.timedelta(days=100), NOON])
    found = values(await result(client, filled.node_id(f"{JAR}.Voltage"), details))
    assert [value.StatusCode.value & CODE for value in found] == [S.BadNoData, S.Good]
    assert [value.Value and value.Value.Value for value in found] == [None, 13.2]


@pytest.mark.parametrize("simple", [False, True])
async def test_values_at_times_come_in_pages(
    client: Client, filled: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch, simple: bool
) -> None:
    node_id = filled.node_id(f"{JAR}.Voltage")
    details = at_time_details([NOON + each * SECOND for each in range(45, 0, -4)], simple)
    whole = values(await result(client, node_id, details))
    monkeypatch.setattr("server.history.service.MAX_VALUES", 5)
    found, point, pages = [], None, 0
    while point is not None or not pages:
        part = await result(client, node_id, details, point)
        found += values(part)
        point, pages = part.ContinuationPoint, pages + 1
    assert pages == 3
    assert found == whole
    part = await result(client, node_id, details)
    other = at_time_details(details.ReqTimes, not simple)
    refused = await result(client, node_id, other, part.ContinuationPoint)
    assert refused.StatusCode.value == S.BadContinuationPointInvalid


@pytest.mark.parametrize("back", [False, True])
async def test_aggregates_come_in_pages(
    client: Client, filled: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    node_ids = [filled.node_id(f"{JAR}.{name}") for name in ("Voltage", "HealthStatus")]
    span = [NOON, NOON + 48 * SECOND][:: -1 if back else 1]
    details = processed_details(*span, 5000, [INTERPOLATIVE] * 2)
    whole = [values(each) for each in await results(client, node_ids, details)]
    assert [len(each) for each in whole] == [10, 10]
    times = [(value.SourceTimestamp - NOON) / SECOND for value in whole[0]]
    assert times == [48 - 5 * i if back else 5 * i for i in range(10)]
    monkeypatch.setattr("server.history.service.MAX_VALUES", 8)
    found: list[list[ua.DataValue]] = [[], []]
    points: list[bytes | None] = [None, None]
    for _ in range(3):
        parts = await results(client, node_ids, details, points=points)
        for all_values, part in zip(found, parts, strict=True):
            all_values += values(part)
        points = [part.ContinuationPoint for part in parts]
    assert points == [None, None]
    assert found == whole


async def test_a_point_of_one_aggregate_is_not_good_for_another(
    client: Client, filled: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its place in the list: of a longer request those nodes come again that have more."""
    monkeypatch.setattr("server.history.service.MAX_VALUES", 6)
    node_ids = [filled.node_id(f"{JAR}.{name}") for name in ("HealthStatus", "Voltage")]
    span = NOON, NOON + 60 * SECOND

    def details(*aggregates: int, interval: int = 10_000) -> ua.ReadProcessedDetails:
        return processed_details(*span, interval, list(aggregates))

    async def point() -> bytes:
        found = await results(client, node_ids, details(INTERPOLATIVE, INTERPOLATIVE))
        assert isinstance(found[1].ContinuationPoint, bytes)
        return found[1].ContinuationPoint

    rest = await result(client, node_ids[1], details(INTERPOLATIVE), await point())
    assert told(rest) == made(3, 4, 5)
    for other in (details(COUNT), details(INTERPOLATIVE, interval=5_000)):
        refused = await result(client, node_ids[1], other, await point())
        assert refused.StatusCode.value == S.BadContinuationPointInvalid


D, N, C, U = VT.Double, VT.Int32, VT.StatusCode, VT.UInt32
EXPECTED: dict[str, tuple[VT, list[float], VT, list[float]]] = {
    # Of the voltages and of the states of health, in two intervals of 30 s each (Part 13, 5.4.2.3).
    "Average": (D, [13.4, 13.3], D, [4 / 3, 2 / 3]),
    "Total": (D, [403.5, 397], D, [45, 15]),  # on lines between the values, of states as well
    "Total2": (D, [403.5, 397], D, [40, 20]),
    "Minimum": (D, [13.2, 13.1], U, [0, 0]),
    "Maximum": (D, [13.6, 13.5], U, [2, 1]),
    "MinimumActualTime": (D, [13.2, 13.1], U, [0, 0]),
    "Range": (D, [0.4, 0.4], U, [2, 1]),
    "Count": (N, [3, 3], N, [3, 3]),
    "NumberOfTransitions": (N, [3, 3], N, [2, 2]),  # the first is one: there was no value before
    "Start": (D, [13.2, 13.5], U, [0, 1]),
    "End": (D, [13.6, 13.1], U, [2, 0]),
    "Delta": (D, [0.4, -0.4], D, [2, -1]),
    "DurationGood": (D, [30_000, 30_000], D, [30_000, 30_000]),
    "PercentBad": (D, [0, 0], D, [0, 0]),
    "WorstQuality": (C, [0, 0], C, [0, 0]),
    "DurationInStateZero": (D, [0, 0], D, [10_000, 10_000]),
    "AnnotationCount": (N, [0, 0], N, [0, 0]),
}


ACTUAL_TIMES = {"MinimumActualTime": [0, 50], "End": [20, 50]}


@pytest.mark.parametrize("name", EXPECTED)
async def test_aggregates_have_the_types_of_their_results(
    client: Client, filled: OpcUaTestServer, name: str
) -> None:
    number = int(getattr(ua.ObjectIds, f"AggregateFunction_{name}"))
    node_ids = [filled.node_id(f"{JAR}.{each}") for each in ("Voltage", "HealthStatus")]
    details = processed_details(NOON, NOON + 60 * SECOND, 30_000, [number] * 2)
    found = await results(client, node_ids, details)
    assert codes(found) == [S.Good] * 2
    for each, (kind, expected) in zip(found, (EXPECTED[name][:2], EXPECTED[name][2:]), strict=True):
        told_values = [value.Value for value in values(each)]
        assert [value.VariantType for value in told_values] == [kind] * 2
        plain = [value.Value.value if kind is C else value.Value for value in told_values]
        assert plain == pytest.approx(expected, rel=1e-5)
        times = [(value.SourceTimestamp - NOON) / SECOND for value in values(each)]
        assert times == ACTUAL_TIMES.get(name, [0, 30])
        assert all(value.StatusCode.is_good() for value in values(each))


async def test_aggregates_of_texts_are_those_that_any_type_has(
    client: Client, filled: OpcUaTestServer
) -> None:
    names = ("Start", "End", "Count", "PercentGood", "WorstQuality", "StartBound", "Maximum", "Average")
    numbers = [int(getattr(ua.ObjectIds, f"AggregateFunction_{name}")) for name in names]
    node_ids = [filled.node_id(f"{JAR}.ReplacementQuarter")] * len(names)
    found = await results(client, node_ids, processed_details(NOON, NOON + 60 * SECOND, 0, numbers))
    assert codes(found) == [S.Good] * 6 + [S.BadAggregateNotSupported] * 2
    first = [values(each)[0].Value for each in found[:6]]
    assert [value.Value for value in first[:4]] == ["2027-Q1", "2027-Q2", 6, 100.0]
    assert first[4].VariantType is VT.StatusCode
    assert first[5].Value == "2027-Q1"


async def modified(client: Client, node_id: ua.NodeId, details: Any, **terms: Any) -> tuple[Any, Any]:
    """The result, and its HistoryModifiedData."""
    found = await result(client, node_id, details, **terms)
    data = found.HistoryData
    if isinstance(data, ua.ExtensionObject):
        data = struct_from_binary(ua.HistoryModifiedData, Buffer(data.Body))
    return found, data


async def test_what_was_modified_is_told_with_who_and_when(client: Client, filled: OpcUaTestServer) -> None:
    name = f"{JAR}.Temperature"
    node_id, times = filled.node_id(name), [NOON + i * STEP for i in range(3)]
    before = dt.datetime.now(dt.UTC)
    edit(filled, name, Change.INSERT, [(time, 25.0) for time in times])
    edit(filled, name, Change.REPLACE, [(times[1], 26.0)])
    edit(filled, name, Change.UPDATE, [(times[1], 27.0)])
    span = NOON, NOON + 60 * SECOND
    raw = await result(client, node_id, raw_details(*span))
    assert [value.Value.Value for value in values(raw)] == [25.0, 27.0, 25.0]
    found, data = await modified(client, node_id, raw_details(*span, modified=True))
    assert found.StatusCode.value == S.Good
    kinds = [info.UpdateType for info in data.ModificationInfos]
    kind = ua.HistoryUpdateType
    # What was inserted, and what was there before it was changed; of one time the last change first.
    assert list(zip([v.Value.Value for v in data.DataValues], kinds, strict=True)) == [
        (25.0, kind.Insert),
        (26.0, kind.Update),
        (25.0, kind.Replace),
        (25.0, kind.Insert),
        (25.0, kind.Insert),
    ]
    assert {info.UserName for info in data.ModificationInfos} == {"hana"}
    now = dt.datetime.now(dt.UTC)
    assert all(before - SECOND <= info.ModificationTime <= now for info in data.ModificationInfos)
    part, first = await modified(client, node_id, raw_details(*span, 2, modified=True))
    rest, then = await modified(
        client, node_id, raw_details(*span, 5, modified=True), point=part.ContinuationPoint
    )
    assert not rest.ContinuationPoint
    assert first.DataValues + then.DataValues == data.DataValues
    assert first.ModificationInfos + then.ModificationInfos == data.ModificationInfos


async def test_where_nothing_was_modified_there_is_nothing_to_tell(
    client: Client, filled: OpcUaTestServer
) -> None:
    details = raw_details(NOON + 3600 * SECOND, NOON + 7200 * SECOND, modified=True)
    found, data = await modified(client, filled.node_id(f"{JAR}.Voltage"), details)
    assert found.StatusCode.value == S.GoodNoData
    assert not data.DataValues
    assert not data.ModificationInfos
    wrong = raw_details(NOON, NOON + TICK, bounds=True, modified=True)
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await result(client, filled.node_id(f"{JAR}.Voltage"), wrong)
    assert refused.value.code == S.BadInvalidArgument
