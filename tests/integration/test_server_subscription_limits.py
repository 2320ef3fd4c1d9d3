"""What subscriptions may take, who is served first, and what outlives a session (Part 4, 5.13 and 5.14)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from opcualive import Live, quieten
from opcuaserver import OpcUaTestServer, answer, raw, request
from opcuasubscriber import TERMS, Subscriber, change, item

from server.subscriptions import sentmessages
from server.subscriptions.limits import MAX_SUBSCRIPTIONS_PER_SESSION

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J01"


async def refused(waiting: Any) -> int:
    """The code with which a call is refused."""
    with pytest.raises(ua.UaStatusCodeError) as found:
        await waiting
    return int(found.value.code)


async def test_a_session_has_its_share_of_subscriptions(client: Client, server: OpcUaTestServer) -> None:
    for _ in range(MAX_SUBSCRIPTIONS_PER_SESSION):
        await Subscriber.create(client, RequestedPublishingInterval=60_000.0)
    assert await refused(Subscriber.create(client)) == S.BadTooManySubscriptions
    async with server.client() as other:
        await Subscriber.create(other)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"queue": 5}, {"attribute": ua.AttributeIds.DisplayName}, {"chosen": change(1, 1, 1.0)}],
    ids=["live", "queue", "polled", "deadband"],
)
async def test_memory_for_items_is_limited_over_all(
    client: Client, server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]
) -> None:
    memory = server.app._opcua.subscriptions.item_memory
    made = await Subscriber.create(client)
    one = item(server.node_id(f"{JAR}.Voltage"), **wanted)
    used = memory.used
    (first,) = await made.monitor(one)
    cost = memory.used - used
    assert first.StatusCode.value == S.Good
    assert cost > 0
    monkeypatch.setattr(memory, "limit", memory.used + 2 * cost)
    monkeypatch.setattr(type(memory), "share", property(lambda self: 1 << 40))
    monkeypatch.setattr(memory, "queue", lambda asked, most, cost: max(asked, 1))
    results = await made.monitor(one, one, one)
    assert [result.StatusCode.value for result in results] == [0, 0, S.BadTooManyMonitoredItems]
    ids = [first.MonitoredItemId, *(result.MonitoredItemId for result in results[:2])]
    delete = request(ua.DeleteMonitoredItemsRequest, SubscriptionId=made.id, MonitoredItemIds=ids)
    await answer(client, ua.DeleteMonitoredItemsResponse, delete)
    assert memory.used == used


async def test_a_session_has_its_share_of_the_memory(
    client: Client, server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = server.app._opcua.subscriptions.item_memory
    voltage = item(server.node_id(f"{JAR}.Voltage"))
    made = await Subscriber.create(client)
    await made.monitor(voltage)
    monkeypatch.setattr(type(memory), "share", property(lambda self: 60))
    (result,) = await made.monitor(voltage)
    assert result.StatusCode.value == S.BadTooManyMonitoredItems
    async with server.client() as other:
        (result,) = await (await Subscriber.create(other)).monitor(voltage)
        assert result.StatusCode.value == S.Good


async def test_queues_are_revised_to_what_is_left(
    client: Client, server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await Subscriber.create(client)
    voltage = server.node_id(f"{JAR}.Voltage")
    (huge,) = await made.monitor(item(voltage, queue=4_000_000_000))
    assert huge.RevisedQueueSize == 1000
    memory = server.app._opcua.subscriptions.item_memory
    monkeypatch.setattr(memory, "limit", memory.used + (1 << 20))
    monkeypatch.setattr(type(memory), "share", property(lambda self: 1 << 40))
    (small,) = await made.monitor(item(voltage, queue=4_000_000_000))
    assert 1 < small.RevisedQueueSize < 1000


async def test_messages_that_nobody_acknowledges_are_limited_over_all(
    server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = quieten(server, monkeypatch)
    memory = server.app._opcua.subscriptions._shared.messages
    live = Live(quiet, "Voltage")
    live.put(1.0)
    async with server.client() as greedy, server.client() as modest:
        hoarder, other = await Subscriber.create(greedy), await Subscriber.create(modest)
        await hoarder.monitor(item(live.node_id))
        await other.monitor(item(live.node_id))
        await other.publish(acknowledge=False)
        for value in range(2, 6):
            await hoarder.publish(acknowledge=False)
            live.put(float(value))
        monkeypatch.setattr(memory, "_limit", memory.used)
        last = await hoarder.publish(acknowledge=False)
        assert last.AvailableSequenceNumbers == [2, 3, 4, 5]
        again = request(ua.RepublishRequest, SubscriptionId=hoarder.id, RetransmitSequenceNumber=1)
        assert await refused(answer(greedy, ua.RepublishResponse, again)) == S.BadMessageNotAvailable
        again = request(ua.RepublishRequest, SubscriptionId=other.id, RetransmitSequenceNumber=1)
        await answer(modest, ua.RepublishResponse, again)
    assert sentmessages.KEPT_MESSAGES >= 100


async def test_of_those_that_wait_the_one_of_higher_priority_is_served_first(
    client: Client, server: OpcUaTestServer
) -> None:
    made = [await Subscriber.create(client, Priority=priority) for priority in (1, 9, 5, 9)]
    await asyncio.sleep(0.15)  # all are late
    order = [(await made[0].publish()).SubscriptionId for _ in made]
    assert order == [made[i].id for i in (1, 3, 2, 0)]


async def test_those_of_the_same_priority_take_turns(
    server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = quieten(server, monkeypatch)
    live = Live(quiet, "Voltage")
    live.put(0.0)
    async with server.client() as client:
        made = [await Subscriber.create(client, MaxNotificationsPerPublish=1) for _ in range(3)]
        for each in made:
            await each.monitor(*(item(live.node_id) for _ in range(4)))
        await asyncio.sleep(0.15)
        order = [(await made[0].publish()).SubscriptionId for _ in range(12)]
    assert all(set(order[i : i + 3]) == {each.id for each in made} for i in range(0, 12, 3))


async def test_a_request_whose_time_is_over_is_answered(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        await connection.ask(request(ua.CreateSubscriptionRequest, **TERMS))
        await connection.ask(ua.PublishRequest())
        impatient = ua.PublishRequest()
        impatient.RequestHeader.TimeoutHint = 100
        async with asyncio.timeout(2):
            assert await connection.fault(impatient) == S.BadTimeout


async def test_a_subscription_outlives_its_session_for_its_user(
    server: OpcUaTestServer, client_home: Path
) -> None:
    opcua = server.app._opcua
    async with server.admin(client_home) as new:
        old = await server.secured(client_home)
        old.set_user("admin")
        old.set_password("Float-at-13.65-volt")
        await old.connect()
        made = await Subscriber.create(old)
        await made.monitor(item(server.node_id(f"{JAR}.Voltage")))
        session = server.inside(lambda: opcua.subscriptions.all[made.id].session)
        server.inside(lambda: setattr(session, "last_contact", -1e9))
        server.inside(opcua.sessions.sweep)
        assert server.inside(lambda: opcua.subscriptions.all[made.id].session) is None
        move = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id], SendInitialValues=True)
        results = (await answer(new, ua.TransferSubscriptionsResponse, move)).Parameters.Results
        assert [r.StatusCode.value for r in results] == [S.Good]
        assert len(await Subscriber(new, made.id, None).values(1)) == 1
        with suppress(ua.UaError, TimeoutError):
            await old.disconnect()


async def test_the_subscriptions_of_nobody_end_with_their_session(server: OpcUaTestServer) -> None:
    opcua = server.app._opcua
    client = Client(server.url, timeout=10)
    await client.connect()
    made = await Subscriber.create(client)
    session = server.inside(lambda: opcua.subscriptions.all[made.id].session)
    server.inside(lambda: setattr(session, "last_contact", -1e9))
    server.inside(opcua.sessions.sweep)
    assert made.id not in opcua.subscriptions.all
    with suppress(ua.UaError, TimeoutError):
        await client.disconnect()


async def test_a_transfer_leaves_no_request_waiting(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.admin(client_home) as old, server.admin(client_home) as new:
        made = await Subscriber.create(old)
        await made.publish()
        waiting = [asyncio.create_task(made.publish()) for _ in range(2)]
        await asyncio.sleep(0.02)
        move = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id])
        await answer(new, ua.TransferSubscriptionsResponse, move)
        (part,) = (await waiting[0]).NotificationMessage.NotificationData
        assert part.Status.value == S.GoodSubscriptionTransferred
        assert await refused(waiting[1]) == S.BadNoSubscription


async def test_polled_items_of_one_keep_nobody_waiting(client: Client, server: OpcUaTestServer) -> None:
    """5,000 samples every 100 ms are more than there is time for."""
    made = await Subscriber.create(client, RequestedPublishingInterval=60_000.0)
    time = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    await made.monitor(*(item(time, sampling=100.0) for _ in range(5000)))
    async with server.client() as other:
        node, loop = other.get_node(time), asyncio.get_running_loop()
        took = []
        for _ in range(100):
            began = loop.time()
            await node.read_value()
            took.append(loop.time() - began)
        quick = await Subscriber.create(other)
        await quick.monitor(item(time, sampling=100.0))
        began = loop.time()
        await quick.values(5)
        assert loop.time() - began < 2
    assert sorted(took)[50] < 0.05
