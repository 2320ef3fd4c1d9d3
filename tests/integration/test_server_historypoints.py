"""Continuation points of HistoryRead over a real socket (Part 4, 7.9; Part 11, 6.3)."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

import pytest
from asyncua import Client, ua
from opcuahistory import BEGINNING, TICK, codes, history_request, raw_details, result, results, values
from opcuaserver import OpcUaTestServer, answer

from historian.historian import Historian
from historian.series import History

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J02"
NAMES = ("Voltage", "Temperature", "HealthStatus")
VALUES = 12

Stored = dict[str, list[ua.DataValue]]


@pytest.fixture
async def stored(client: Client, server: OpcUaTestServer) -> Stored:
    """The first values of some variables in the historian, which will not change any more."""
    found: Stored = {}
    async with asyncio.timeout(20):
        for name in NAMES:
            while len(found.get(name, [])) < VALUES:
                node_id = server.node_id(f"{JAR}.{name}")
                found[name] = values(await result(client, node_id, raw_details(BEGINNING, None, VALUES)))
                await asyncio.sleep(0.1)
    return found


def span(stored: Stored) -> tuple[dt.datetime, dt.datetime]:
    return stored["Voltage"][0].SourceTimestamp, stored["Voltage"][-1].SourceTimestamp + TICK


async def pages(user: Client, server: OpcUaTestServer, names: tuple[str, ...], details: Any) -> Stored:
    """Several variables in one request, and those that have more in the next."""
    found: Stored = {name: [] for name in names}
    points: dict[str, bytes | None] = dict.fromkeys(names)
    while points:
        node_ids = [server.node_id(f"{JAR}.{name}") for name in points]
        parts = await results(user, node_ids, details, points=list(points.values()))
        for name, part in zip(list(points), parts, strict=True):
            assert part.StatusCode.value == S.Good
            found[name] += values(part)
            points[name] = part.ContinuationPoint
        points = {name: point for name, point in points.items() if point}
        await asyncio.sleep(0)
    return found


async def test_several_clients_page_through_several_nodes_at_once(
    client: Client, server: OpcUaTestServer, stored: Stored
) -> None:
    start, end = span(stored)
    async with server.client() as second, server.client() as third:
        everything = await asyncio.gather(
            pages(client, server, NAMES, raw_details(start, end, 5)),
            pages(second, server, NAMES, raw_details(start, end, 3)),
            pages(third, server, NAMES[::-1], raw_details(end - TICK, start - TICK, 4)),
        )
    assert everything[0] == everything[1] == stored
    assert {name: found[::-1] for name, found in everything[2].items()} == stored


async def test_a_point_does_not_go_on_with_other_details(
    client: Client, server: OpcUaTestServer, stored: Stored
) -> None:
    node_id, (start, end) = server.node_id(f"{JAR}.Voltage"), span(stored)

    async def point() -> bytes:
        part = await result(client, node_id, raw_details(start, end, 3))
        assert isinstance(part.ContinuationPoint, bytes)
        return part.ContinuationPoint

    for other in (
        raw_details(start, end - TICK, 3),
        raw_details(start + TICK, end, 3),
        raw_details(start, end, 3, bounds=True),
    ):
        found = await result(client, node_id, other, await point())
        assert found.StatusCode.value == S.BadContinuationPointInvalid
    # How many values a page has is the client's choice, each time.
    rest = await result(client, node_id, raw_details(start, end, 100), await point())
    assert values(rest) == stored["Voltage"][3:]


async def test_released_is_what_is_there(client: Client, server: OpcUaTestServer, stored: Stored) -> None:
    details, node_id = raw_details(*span(stored), 3), server.node_id(f"{JAR}.Voltage")
    found = await results(client, [node_id] * 2, details)
    points = [each.ContinuationPoint for each in found]
    released = await results(
        client, [node_id] * 3, details, points=[*points, None], ReleaseContinuationPoints=True
    )
    assert codes(released) == [S.Good, S.Good, S.BadContinuationPointInvalid]
    assert all(values(each) == [] and each.ContinuationPoint is None for each in released)
    again = await results(client, [node_id] * 2, details, points=points)
    assert codes(again) == [S.BadContinuationPointInvalid] * 2


async def test_a_closed_session_takes_its_points_along(server: OpcUaTestServer, stored: Stored) -> None:
    details = raw_details(*span(stored), 3)
    async with server.client() as other:
        await results(other, [server.node_id(f"{JAR}.Voltage")] * 20, details)
        sessions = server.app._opcua.sessions.by_token
        kept = [session for session in sessions.values() if len(session.history_points) == 20]
        assert len(kept) == 1
    assert not kept[0].history_points


class Slow:
    """A historian whose every answer takes a while, and that notes which readings were given up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, delay: float) -> None:
        self.begun = asyncio.Event()
        self.given_up = 0
        self._delay = delay
        self._read = Historian.read_raw
        loop = asyncio.get_running_loop()
        slow = self

        async def read(historian: Historian, *terms: Any) -> History:
            loop.call_soon_threadsafe(slow.begun.set)
            try:
                await asyncio.sleep(slow._delay)
            except asyncio.CancelledError:
                slow.given_up += 1
                raise
            return await slow._read(historian, *terms)

        monkeypatch.setattr(Historian, "read_raw", read)


async def test_an_answer_in_time_says_where_to_go_on(
    client: Client, server: OpcUaTestServer, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    Slow(monkeypatch, 0.1)
    monkeypatch.setattr("server.history.service.TIMEOUT", 0.45)
    node_ids = [server.node_id(f"{JAR}.Voltage")] * 10
    details = raw_details(*span(stored), 5)
    found = await results(client, node_ids, details)
    assert codes(found) == [S.Good] * 10
    told = [len(values(each)) for each in found]
    assert 1 <= told.count(5) < 10
    assert set(told[told.count(5) :]) == {0}
    assert all(each.ContinuationPoint for each in found)
    monkeypatch.undo()
    rest = await results(client, node_ids, details, points=[each.ContinuationPoint for each in found])
    for first, then in zip(found, rest, strict=True):
        whole = values(first) + values(then)
        assert whole == stored["Voltage"][: len(whole)]
        assert len(values(then)) == 5


async def test_a_reading_that_never_ends_is_given_up(
    client: Client, server: OpcUaTestServer, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, 10)
    monkeypatch.setattr("server.history.service.TIMEOUT", 0.1)
    node_ids = [server.node_id(f"{JAR}.Voltage")] * 3
    found = await results(client, node_ids, raw_details(*span(stored)))
    assert codes(found) == [S.BadTimeout, S.Good, S.Good]
    assert [bool(each.ContinuationPoint) for each in found] == [False, True, True]
    assert slow.given_up == 1


async def test_reading_ends_with_the_session(
    server: OpcUaTestServer, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow(monkeypatch, 10)
    async with asyncio.timeout(5):
        async with server.client() as other:
            sent = history_request([server.node_id(f"{JAR}.Voltage")], raw_details(*span(stored)))
            reading = asyncio.ensure_future(answer(other, ua.HistoryReadResponse, sent))
            await slow.begun.wait()
            await other.close_session()
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await reading
            assert refused.value.code == S.BadSessionClosed
    assert slow.given_up == 1


async def test_others_are_served_while_a_thousand_histories_are_read(
    client: Client, server: OpcUaTestServer, stored: Stored
) -> None:
    node_ids = [server.node_id(f"{JAR}.Voltage")] * 1000
    reading = asyncio.ensure_future(results(client, node_ids, raw_details(*span(stored), 3)))
    time = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    longest, loop = 0.0, asyncio.get_running_loop()
    async with server.client() as other:
        while not reading.done():
            began = loop.time()
            await other.get_node(time).read_value()
            longest = max(longest, loop.time() - began)
    found = await reading
    assert codes(found) == [S.Good] * 1000
    assert all(each.ContinuationPoint for each in found)
    assert longest < 0.5
