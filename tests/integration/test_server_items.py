"""Monitored items of values (Part 4, 5.13): filters, queues, modes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from asyncua import ua
from opcualive import JAR, Live, quieten
from opcuaserver import OpcUaTestServer, answer, request
from opcuasubscriber import Subscriber, change, item

S = ua.StatusCodes
OVERFLOW = 0x480
# What is asked: 50 V of 0-20 V; the value moves in steps that a double holds exactly.
START = 4.0


@pytest.fixture
def quiet(server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch) -> OpcUaTestServer:
    """A server whose scan commits nothing while a test does."""
    return quieten(server, monkeypatch)


@pytest.fixture
async def subscriber(quiet: OpcUaTestServer) -> AsyncIterator[Subscriber]:
    async with quiet.client() as client:
        yield await Subscriber.create(client)


def numbers(found: list[tuple[int, ua.DataValue]]) -> list[float]:
    return [value.Value.Value for _, value in found]


async def published(subscriber: Subscriber, live: Live, values: list[float]) -> list[float]:
    """What is reported when each value has its own publishing interval; the last one is sure to be."""
    found: list[float] = []
    for value in values:
        live.put(value)
        await asyncio.sleep(0.07)
    while not found or found[-1] != values[-1]:
        found += numbers(await subscriber.values(1))
    return found


@pytest.mark.parametrize("queue", [1, 10])
async def test_an_absolute_deadband_counts_from_the_last_reported_value(
    subscriber: Subscriber, quiet: OpcUaTestServer, queue: int
) -> None:
    live = Live(quiet, "Voltage")
    live.put(START)
    await subscriber.monitor(item(live.node_id, queue=queue, chosen=change(1, 1, 0.5)))
    assert numbers(await subscriber.values(1)) == [START]
    drift = [START + 0.125 * step for step in range(1, 6)]  # beyond 0.5 with the fifth step only
    assert await published(subscriber, live, drift) == [drift[-1]]
    assert await published(subscriber, live, [drift[-1] - 0.5, START]) == [START]


@pytest.mark.parametrize("queue", [1, 10])
async def test_a_percent_deadband_is_of_the_range(
    subscriber: Subscriber, quiet: OpcUaTestServer, queue: int
) -> None:
    live = Live(quiet, "Voltage")
    live.put(START)
    await subscriber.monitor(item(live.node_id, queue=queue, chosen=change(1, 2, 10.0)))  # of 20 V: 2 V
    assert numbers(await subscriber.values(1)) == [START]
    assert await published(subscriber, live, [START + 1, START + 2, START + 2.25]) == [START + 2.25]


@pytest.mark.parametrize("queue", [1, 10])
async def test_a_new_status_is_news_within_the_deadband(
    subscriber: Subscriber, quiet: OpcUaTestServer, queue: int
) -> None:
    live = Live(quiet, "Voltage")
    live.put(START)
    await subscriber.monitor(item(live.node_id, queue=queue, chosen=change(1, 1, 5.0)))
    await subscriber.values(1)
    live.put(START, S.UncertainLastUsableValue)
    ((_, value),) = await subscriber.values(1)
    assert value.StatusCode.value == S.UncertainLastUsableValue


@pytest.mark.parametrize(
    ("trigger", "seen"), [(0, [START, 2.0]), (1, [START, 1.0, 2.0]), (2, [START, START, 1.0, 2.0])]
)
async def test_triggers(
    subscriber: Subscriber, quiet: OpcUaTestServer, trigger: int, seen: list[float]
) -> None:
    """Status; status and value; status, value and source time, which is another with every commit."""
    live = Live(quiet, "Voltage")
    live.put(START)
    await subscriber.monitor(item(live.node_id, queue=10, chosen=change(trigger)))
    live.put(START)
    live.put(1.0)
    live.put(2.0, S.UncertainInitialValue)
    assert numbers(await subscriber.values(len(seen))) == seen


@pytest.mark.parametrize(
    ("discard_oldest", "values", "marked"), [(True, [3.0, 4.0, 5.0], 0), (False, [1.0, 2.0, 5.0], 2)]
)
async def test_a_queue_that_overflows_says_so(
    subscriber: Subscriber, quiet: OpcUaTestServer, discard_oldest: bool, values: list[float], marked: int
) -> None:
    live = Live(quiet, "Voltage")
    live.put(1.0)
    await subscriber.publishing(False)
    (made,) = await subscriber.monitor(item(live.node_id, queue=3, discard_oldest=discard_oldest))
    assert made.RevisedQueueSize == 3
    for value in (2.0, 3.0, 4.0, 5.0):
        live.put(value)
    await subscriber.publishing(True)
    found = await subscriber.values(3)
    assert numbers(found) == values
    expected = [OVERFLOW if i == marked else 0 for i in range(3)]
    assert [value.StatusCode.value for _, value in found] == expected


async def test_a_queue_of_one_holds_the_newest_without_overflow(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    live = Live(quiet, "Voltage")
    live.put(1.0)
    await subscriber.publishing(False)
    await subscriber.monitor(item(live.node_id))
    live.put(2.0)
    live.put(3.0)
    await subscriber.publishing(True)
    ((_, value),) = await subscriber.values(1)
    assert (value.Value.Value, value.StatusCode.value) == (3.0, 0)


@pytest.mark.parametrize("queue", [1, 5])
async def test_modes(subscriber: Subscriber, quiet: OpcUaTestServer, queue: int) -> None:
    live, other = Live(quiet, "Voltage"), Live(quiet, "Temperature")
    live.put(1.0)
    (sampled, disabled) = await subscriber.monitor(
        item(live.node_id, handle=1, queue=queue, mode=1), item(live.node_id, handle=2, queue=queue, mode=0)
    )
    await subscriber.monitor(item(other.node_id, handle=3))
    assert {handle for handle, _ in await subscriber.values(1)} == {3}
    live.put(2.0)
    numbers_ = (sampled.MonitoredItemId, disabled.MonitoredItemId, 999)
    assert await subscriber.set_mode(2, *numbers_) == [S.Good, S.Good, S.BadMonitoredItemIdInvalid]
    found = await subscriber.values(2)
    assert [v.Value.Value for h, v in found if h == 2] == [2.0]
    assert [v.Value.Value for h, v in found if h == 1] in ([2.0], [1.0, 2.0][-queue:])
    await subscriber.set_mode(0, *numbers_[:2])
    live.put(3.0)
    other.put(50.0 + queue)
    assert {handle for handle, _ in await subscriber.values(1)} == {3}


async def test_items_are_deleted_once(subscriber: Subscriber, quiet: OpcUaTestServer) -> None:
    live = Live(quiet, "Voltage")
    made = await subscriber.monitor(item(live.node_id, handle=1), item(live.node_id, handle=2, queue=9))
    ids = [result.MonitoredItemId for result in made]
    assert len(set(ids)) == 2
    delete = request(
        ua.DeleteMonitoredItemsRequest, SubscriptionId=subscriber.id, MonitoredItemIds=[*ids, ids[0]]
    )
    response = await answer(subscriber.client, ua.DeleteMonitoredItemsResponse, delete)
    assert [c.value for c in response.Results] == [S.Good, S.Good, S.BadMonitoredItemIdInvalid]
    live.put(START + 7)
    (kept,) = await subscriber.monitor(item(live.node_id, handle=4))
    assert kept.MonitoredItemId not in ids
    assert [handle for handle, _ in await subscriber.values(1)] == [4]


async def test_an_item_gets_another_handle_deadband_and_queue(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    live = Live(quiet, "Voltage")
    live.put(START)
    (made,) = await subscriber.monitor(item(live.node_id, handle=1))
    await subscriber.values(1)
    result = await subscriber.modify(made.MonitoredItemId, handle=7, chosen=change(1, 1, 2.0))
    assert (result.StatusCode.value, result.RevisedQueueSize) == (0, 1)
    assert await published(subscriber, live, [START + 1, START + 3]) == [START + 3]
    result = await subscriber.modify(made.MonitoredItemId, handle=8, queue=4, chosen=change(2))
    assert (result.StatusCode.value, result.RevisedQueueSize) == (0, 4)
    await subscriber.publishing(False)
    for _ in range(2):
        live.put(5.0)
    await subscriber.publishing(True)
    found = await subscriber.values(2)
    assert [(handle, value.Value.Value) for handle, value in found] == [(8, 5.0), (8, 5.0)]
    await subscriber.publishing(False)
    for value in (1.0, 2.0, 3.0):
        live.put(value)
    await subscriber.modify(made.MonitoredItemId, handle=8, queue=2, chosen=change(2))
    await subscriber.publishing(True)
    assert numbers(await subscriber.values(2)) == [2.0, 3.0]
    missing = await subscriber.modify(made.MonitoredItemId + 1)
    assert missing.StatusCode.value == S.BadMonitoredItemIdInvalid


async def test_what_cannot_be_monitored_is_refused(subscriber: Subscriber, quiet: OpcUaTestServer) -> None:
    voltage = quiet.node_id(f"{JAR}.Voltage")
    quarter = quiet.node_id(f"{JAR}.ReplacementQuarter")
    state = quiet.node_id(f"{JAR}.HealthStatus")
    time = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    results = await subscriber.monitor(
        item(quiet.node_id("nowhere")),
        item(quiet.node_id(JAR)),
        item(voltage, attribute=5000),
        item(voltage, text="a"),
        item(voltage, chosen=change(1, 1, -1.0)),
        item(voltage, chosen=change(1, 1, float("nan"))),
        item(voltage, chosen=change(1, 2, 101.0)),
        item(voltage, chosen=change(1, 7, 1.0)),
        item(state, chosen=change(1, 2, 5.0)),
        item(quarter, chosen=change(1, 1, 1.0)),
        item(time, chosen=change(1, 1, 1.0)),
        item(voltage, chosen=ua.EventFilter()),
        item(voltage, attribute=ua.AttributeIds.DisplayName, chosen=change(1, 1, 1.0)),
        item(voltage),
    )
    assert [result.StatusCode.value for result in results] == [
        S.BadNodeIdUnknown,
        S.BadAttributeIdInvalid,
        S.BadAttributeIdInvalid,
        S.BadIndexRangeInvalid,
        S.BadDeadbandFilterInvalid,
        S.BadDeadbandFilterInvalid,
        S.BadDeadbandFilterInvalid,
        S.BadDeadbandFilterInvalid,
        S.BadDeadbandFilterInvalid,
        S.BadFilterNotAllowed,
        S.BadFilterNotAllowed,
        S.BadFilterNotAllowed,
        S.BadFilterNotAllowed,
        S.Good,
    ]


@pytest.mark.parametrize("queue", [1, 3])
async def test_tags_of_every_kind_arrive_with_their_types(
    subscriber: Subscriber, quiet: OpcUaTestServer, queue: int
) -> None:
    string = "Bangrak/UPS-1/S01"
    wanted = [f"{JAR}.ReplacementQuarter", f"{string}.WeakestJar", f"{JAR}.HealthStatus", f"{JAR}.Voltage"]
    items = [item(quiet.node_id(name), handle=i, queue=queue) for i, name in enumerate(wanted)]
    await subscriber.monitor(*items)
    found = dict(await subscriber.values(4))
    async with quiet.client() as client:
        for handle, name in enumerate(wanted):
            now = await client.get_node(quiet.node_id(name)).read_data_value()
            assert found[handle].Value == now.Value
            assert found[handle].SourceTimestamp == now.SourceTimestamp


@pytest.mark.parametrize(
    ("timestamps", "source", "from_server"), [(0, 1, 0), (1, 0, 1), (2, 1, 1), (3, 0, 0)]
)
async def test_timestamps_of_notifications(
    subscriber: Subscriber, quiet: OpcUaTestServer, timestamps: int, source: int, from_server: int
) -> None:
    names = ("Voltage", "HealthStatus", "ReplacementQuarter")
    items = [item(quiet.node_id(f"{JAR}.{name}"), queue=queue) for name in names for queue in (1, 2)]
    await subscriber.monitor(*items, timestamps=timestamps)
    for _, value in await subscriber.values(6):
        assert (value.SourceTimestamp is not None) == bool(source)
        assert (value.ServerTimestamp is not None) == bool(from_server)


async def test_the_servers_time_goes_on(subscriber: Subscriber) -> None:
    time = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    (made,) = await subscriber.monitor(item(time, queue=5, sampling=10.0))
    assert made.RevisedSamplingInterval == 100.0
    found = numbers(await subscriber.values(4))
    assert found == sorted(set(found))


async def test_an_attribute_other_than_the_value_is_reported_once(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    await subscriber.monitor(item(quiet.node_id(f"{JAR}.Voltage"), attribute=ua.AttributeIds.DisplayName))
    assert [value.Text for value in numbers(await subscriber.values(1))] == ["Voltage"]


async def test_a_scan_reaches_its_subscribers(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        made = await Subscriber.create(client)
        jars = [f"Bangrak/UPS-1/S01/J0{i}" for i in range(1, 7)]
        await made.monitor(*(item(server.node_id(f"{jar}.Temperature")) for jar in jars), timestamps=2)
        found = await made.values(6 * 3)
        assert len({value.SourceTimestamp for _, value in found}) >= 3
