"""Subscriptions and their messages (Part 4, 5.14)."""

from __future__ import annotations

import asyncio
import math

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request
from opcuasubscriber import Subscriber, item

S = ua.StatusCodes
JAR = "Bangrak/UPS-1/S01/J01"


def tags(server: OpcUaTestServer, *names: str) -> list[ua.NodeId]:
    return [server.node_id(f"{JAR}.{name}") for name in names]


def constants(server: OpcUaTestServer, count: int) -> list[ua.NodeId]:
    """Live variables that hardly change: counts of the fleet."""
    names = [t.name for t in server.app._opcua._table.index.tags if t.asset == "Fleet" and "From" in t.name]
    return [server.node_id(f"Fleet.{name}") for name in names[:count]]


@pytest.mark.parametrize(
    ("asked", "interval", "lifetime", "keep_alive"),
    [
        ((1000.0, 100, 10), 1000.0, 100, 10),
        ((0.0, 0, 0), 50.0, 30, 10),
        ((-1.0, 0, 5), 50.0, 15, 5),
        ((math.nan, 1, 1), 50.0, 3, 1),
        ((math.inf, 1, 1), 3_600_000.0, 3, 1),
        ((1e12, 4_000_000_000, 4_000_000_000), 3_600_000.0, 24, 8),  # no more than a day
    ],
)
async def test_terms_are_revised(
    client: Client, asked: tuple[float, int, int], interval: float, lifetime: int, keep_alive: int
) -> None:
    made = await Subscriber.create(
        client,
        RequestedPublishingInterval=asked[0],
        RequestedLifetimeCount=asked[1],
        RequestedMaxKeepAliveCount=asked[2],
    )
    revised = made.revised
    found = (
        revised.RevisedPublishingInterval,
        revised.RevisedLifetimeCount,
        revised.RevisedMaxKeepAliveCount,
    )
    assert found == (interval, lifetime, keep_alive)


async def test_the_first_message_comes_after_one_interval_and_the_next_as_keep_alive(client: Client) -> None:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=4)
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = await made.publish()
    assert loop.time() - began < 0.15
    second = await made.publish()
    assert 0.15 <= loop.time() - began < 0.6
    for response in (first, second):
        assert response.NotificationMessage.NotificationData == []
        assert response.NotificationMessage.SequenceNumber == 1  # that of the next one, not its own
        assert response.AvailableSequenceNumbers == []


async def test_values_that_wait_are_sent_at_once_when_a_late_request_comes(
    client: Client, server: OpcUaTestServer
) -> None:
    made = await Subscriber.create(client)
    await made.monitor(*(item(node_id) for node_id in constants(server, 3)))
    await asyncio.sleep(0.12)
    began = asyncio.get_running_loop().time()
    assert len(await made.values(3)) == 3
    assert asyncio.get_running_loop().time() - began < 0.04


async def test_a_message_holds_no_more_than_was_agreed(client: Client, server: OpcUaTestServer) -> None:
    made = await Subscriber.create(client, MaxNotificationsPerPublish=4)
    nodes = constants(server, 9)
    assert len(nodes) == 9
    await made.monitor(*(item(node_id, handle=i) for i, node_id in enumerate(nodes)))
    responses = [await made.publish(acknowledge=False) for _ in range(3)]
    messages = [r.NotificationMessage for r in responses]
    handles = [[i.ClientHandle for i in m.NotificationData[0].MonitoredItems] for m in messages]
    assert [len(h) for h in handles] == [4, 4, 1]
    assert sorted(handle for message in handles for handle in message) == list(range(9))
    assert [r.MoreNotifications for r in responses] == [True, True, False]
    assert [m.SequenceNumber for m in messages] == [1, 2, 3]
    assert [r.AvailableSequenceNumbers for r in responses] == [[1], [1, 2], [1, 2, 3]]


async def test_a_client_with_a_small_limit_gets_small_messages(server: OpcUaTestServer) -> None:
    client = Client(server.url, timeout=10)
    create = client.uaclient.create_session

    async def small(parameters: ua.CreateSessionParameters) -> ua.CreateSessionResult:
        parameters.MaxResponseMessageSize = 1200
        return await create(parameters)

    client.uaclient.create_session = small
    async with client:
        made = await Subscriber.create(client)
        await made.monitor(*(item(node_id) for node_id in constants(server, 9)))
        response = await made.publish()
        assert response.MoreNotifications
        assert 0 < len(response.NotificationMessage.NotificationData[0].MonitoredItems) < 9
        assert len(await made.values(4)) >= 4


async def test_messages_can_be_had_again_until_they_are_acknowledged(
    client: Client, server: OpcUaTestServer
) -> None:
    made = await Subscriber.create(client)
    await made.monitor(*(item(node_id) for node_id in constants(server, 2)))
    first = await made.publish(acknowledge=False)
    number = first.NotificationMessage.SequenceNumber

    async def again() -> ua.RepublishResponse:
        ask = request(ua.RepublishRequest, SubscriptionId=made.id, RetransmitSequenceNumber=number)
        return await answer(client, ua.RepublishResponse, ask)

    for _ in range(2):
        assert (await again()).NotificationMessage == first.NotificationMessage
    acks = [(made.id, number), (made.id, number), (made.id, 77), (made.id + 1, number)]
    made.acknowledgements = [ua.SubscriptionAcknowledgement(*ack) for ack in acks]
    await made.monitor(item(constants(server, 3)[2]))
    second = await made.publish()
    assert [code.value for code in second.Results] == [
        S.Good,
        S.BadSequenceNumberUnknown,
        S.BadSequenceNumberUnknown,
        S.BadSubscriptionIdInvalid,
    ]
    assert second.AvailableSequenceNumbers == [number + 1]
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await again()
    assert refused.value.code == S.BadMessageNotAvailable


async def test_a_subscription_belongs_to_its_session(client: Client, server: OpcUaTestServer) -> None:
    made = await Subscriber.create(client)
    await made.monitor(item(constants(server, 1)[0]))
    async with server.client() as other:
        thief = Subscriber(other, made.id, None)
        delete = request(ua.DeleteSubscriptionsRequest, SubscriptionIds=[made.id])
        response = await answer(other, ua.DeleteSubscriptionsResponse, delete)
        assert [c.value for c in response.Results] == [S.BadSubscriptionIdInvalid]
        move = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id, 1])
        results = (await answer(other, ua.TransferSubscriptionsResponse, move)).Parameters.Results
        codes = [result.StatusCode.value for result in results]
        assert codes == [S.BadUserAccessDenied, S.BadSubscriptionIdInvalid]
        for theft in (
            thief.monitor(item(constants(server, 1)[0])),
            thief.modify(1),
            thief.set_mode(0, 1),
            thief.publish(),
        ):
            with pytest.raises(ua.UaStatusCodeError) as refused:
                await theft
            assert refused.value.code in (S.BadSubscriptionIdInvalid, S.BadNoSubscription)
    assert len(await made.values(1)) == 1


async def test_a_user_may_move_a_subscription_to_another_session(
    server: OpcUaTestServer, client_home: object
) -> None:
    async with server.admin(client_home) as old, server.admin(client_home) as new:
        made = await Subscriber.create(old)
        (node_id,) = constants(server, 1)
        await made.monitor(item(node_id))
        assert len(await made.values(1)) == 1
        move = request(ua.TransferSubscriptionsRequest, SubscriptionIds=[made.id], SendInitialValues=True)
        results = (await answer(new, ua.TransferSubscriptionsResponse, move)).Parameters.Results
        assert [r.StatusCode.value for r in results] == [S.Good]
        (part,) = (await made.publish()).NotificationMessage.NotificationData
        assert part.Status.value == S.GoodSubscriptionTransferred
        moved = Subscriber(new, made.id, None)
        assert len(await moved.values(1)) == 1
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await made.publish()
        assert refused.value.code == S.BadNoSubscription


async def test_it_can_be_modified(client: Client) -> None:
    made = await Subscriber.create(client, RequestedPublishingInterval=3_000_000.0)
    modify = request(
        ua.ModifySubscriptionRequest,
        SubscriptionId=made.id,
        RequestedPublishingInterval=60.0,
        RequestedLifetimeCount=90,
        RequestedMaxKeepAliveCount=2,
    )
    revised = (await answer(client, ua.ModifySubscriptionResponse, modify)).Parameters
    assert (revised.RevisedPublishingInterval, revised.RevisedLifetimeCount) == (60.0, 90)
    async with asyncio.timeout(1):  # the new interval holds at once, not after 50 minutes
        await made.publish()
        await made.publish()


async def test_publishing_can_be_turned_off_and_on(client: Client, server: OpcUaTestServer) -> None:
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2, PublishingEnabled=False)
    await made.monitor(item(constants(server, 1)[0]))
    for _ in range(2):
        assert (await made.publish()).NotificationMessage.NotificationData == []
    await made.publishing(True)
    assert len(await made.values(1)) == 1
    await made.publishing(False)
    assert (await made.publish()).NotificationMessage.NotificationData == []


async def test_one_that_nobody_asks_for_ends_and_says_so(client: Client, server: OpcUaTestServer) -> None:
    made = await Subscriber.create(client, RequestedLifetimeCount=3, RequestedMaxKeepAliveCount=1)
    assert made.id in server.app._opcua.subscriptions.all
    await asyncio.sleep(0.4)
    assert made.id not in server.app._opcua.subscriptions.all
    (part,) = (await made.publish()).NotificationMessage.NotificationData
    assert part.Status.value == S.BadTimeout
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await made.publish()
    assert refused.value.code == S.BadNoSubscription


async def test_deleting_the_last_one_answers_the_requests_that_wait(client: Client) -> None:
    made = await Subscriber.create(client)
    await made.publish()
    waiting = asyncio.create_task(made.publish())
    await asyncio.sleep(0.02)
    delete = request(ua.DeleteSubscriptionsRequest, SubscriptionIds=[made.id, made.id])
    response = await answer(client, ua.DeleteSubscriptionsResponse, delete)
    assert [c.value for c in response.Results] == [S.Good, S.BadSubscriptionIdInvalid]
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await waiting
    assert refused.value.code == S.BadNoSubscription


async def test_too_many_publish_requests_cost_the_oldest(client: Client) -> None:
    made = await Subscriber.create(client)
    await made.publish()
    waiting = [asyncio.create_task(made.publish()) for _ in range(101)]
    done, others = await asyncio.wait(waiting, timeout=2, return_when=asyncio.FIRST_COMPLETED)
    assert done == {waiting[0]}
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await waiting[0]
    assert refused.value.code == S.BadTooManyPublishRequests
    for task in others:
        task.cancel()


async def test_a_client_that_goes_leaves_nothing_behind(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        made = await Subscriber.create(client)
        await made.monitor(*(item(node_id) for node_id in constants(server, 5)))
    assert made.id not in server.app._opcua.subscriptions.all
