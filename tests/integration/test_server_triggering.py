"""Links between monitored items (Part 4, 5.13.1.6 and 5.13.5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncua import ua
from opcualive import Live, quieten
from opcuaserver import OpcUaTestServer, answer, request
from opcuasubscriber import SAMPLED, Subscriber, change, item, select

from server.events.event import system_event

S = ua.StatusCodes


@pytest.fixture
def quiet(server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch) -> OpcUaTestServer:
    """A server whose scan commits nothing while a test does."""
    return quieten(server, monkeypatch)


@pytest.fixture
async def subscriber(quiet: OpcUaTestServer) -> AsyncIterator[Subscriber]:
    async with quiet.client() as client:
        yield await Subscriber.create(client)


async def link(
    subscriber: Subscriber, trigger: int, add: list[int], remove: list[int] | None = None
) -> tuple[list[int], list[int]]:
    """SetTriggering; the codes of links that were added and removed."""
    made = request(
        ua.SetTriggeringRequest,
        SubscriptionId=subscriber.id,
        TriggeringItemId=trigger,
        LinksToAdd=add,
        LinksToRemove=remove or [],
    )
    found = (await answer(subscriber.client, ua.SetTriggeringResponse, made)).Parameters
    return [code.value for code in found.AddResults], [code.value for code in found.RemoveResults]


async def created(subscriber: Subscriber, *items: ua.MonitoredItemCreateRequest) -> list[int]:
    """Items by their ids."""
    return [result.MonitoredItemId for result in await subscriber.monitor(*items)]


def told(found: list[tuple[int, ua.DataValue]]) -> list[tuple[int, Any]]:
    return [(handle, value.Value.Value) for handle, value in found]


async def test_what_is_sampled_is_reported_with_its_trigger(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    trigger, one, queued, alone = (
        Live(quiet, tag) for tag in ("Voltage", "Temperature", "InternalResistance", "StateOfCharge")
    )
    for live in (trigger, one, queued, alone):
        live.put(1.0)
    ids = await created(
        subscriber,
        item(trigger.node_id, handle=1),
        item(one.node_id, handle=2, mode=SAMPLED),
        item(queued.node_id, handle=3, mode=SAMPLED, queue=5),
        item(alone.node_id, handle=4, mode=SAMPLED),
    )
    assert told(await subscriber.values(1)) == [(1, 1.0)]
    assert await link(subscriber, ids[0], ids[1:3]) == ([0, 0], [])
    for live in (one, queued, alone):
        live.put(2.0)
    await asyncio.sleep(0.12)  # nobody triggers: nothing may come before what the trigger brings
    trigger.put(2.0)
    assert sorted(told(await subscriber.values(4))) == [(1, 2.0), (2, 2.0), (3, 1.0), (3, 2.0)]


async def test_a_trigger_may_itself_be_only_sampled(subscriber: Subscriber, quiet: OpcUaTestServer) -> None:
    trigger, linked = Live(quiet, "Voltage"), Live(quiet, "Temperature")
    trigger.put(1.0)
    linked.put(1.0)
    ids = await created(
        subscriber,
        item(trigger.node_id, handle=1, mode=SAMPLED, chosen=change(1, 1, 2.0)),
        item(linked.node_id, handle=2, mode=SAMPLED, queue=5),
    )
    await link(subscriber, ids[0], ids[1:])
    trigger.put(2.0)  # within the deadband
    linked.put(2.0)
    trigger.put(9.0)
    assert told(await subscriber.values(2)) == [(2, 1.0), (2, 2.0)]
    await subscriber.set_mode(0, ids[0])
    trigger.put(1.0)
    linked.put(3.0)
    await asyncio.sleep(0.12)
    await subscriber.set_mode(2, ids[0])  # a trigger that is enabled again begins with its present value
    assert sorted(told(await subscriber.values(2))) == [(1, 1.0), (2, 3.0)]


async def test_links_that_are_removed_or_end_with_an_item(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    trigger, linked, other = (Live(quiet, tag) for tag in ("Voltage", "Temperature", "InternalResistance"))
    for live in (trigger, linked, other):
        live.put(1.0)
    first, second, third = await created(
        subscriber,
        item(trigger.node_id, handle=1),
        item(linked.node_id, handle=2, mode=SAMPLED),
        item(other.node_id, handle=3, mode=SAMPLED),
    )
    await subscriber.values(1)
    assert await link(subscriber, first, [second, third]) == ([0, 0], [])
    bad = S.BadMonitoredItemIdInvalid
    assert await link(subscriber, first, [999, second], [second, 999]) == ([bad, 0], [0, bad])
    assert await link(subscriber, first, [], [second, second]) == ([], [0, bad])
    trigger.put(2.0)
    assert sorted(told(await subscriber.values(2))) == [(1, 2.0), (3, 1.0)]
    delete = request(ua.DeleteMonitoredItemsRequest, SubscriptionId=subscriber.id, MonitoredItemIds=[third])
    await answer(subscriber.client, ua.DeleteMonitoredItemsResponse, delete)
    assert await link(subscriber, first, [third], [third]) == ([bad], [bad])


async def test_what_cannot_be_linked_is_refused(subscriber: Subscriber, quiet: OpcUaTestServer) -> None:
    (only,) = await created(subscriber, item(Live(quiet, "Voltage").node_id))
    for trigger, add, code in (
        (only, [], S.BadNothingToDo),
        (only + 1, [only], S.BadMonitoredItemIdInvalid),
    ):
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await link(subscriber, trigger, add)
        assert refused.value.code == code
    subscriber.id += 1
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await link(subscriber, only, [only])
    assert refused.value.code == S.BadSubscriptionIdInvalid


async def test_an_event_may_trigger_values_and_a_value_events(
    subscriber: Subscriber, quiet: OpcUaTestServer
) -> None:
    live = Live(quiet, "Voltage")
    live.put(1.0)
    server_node = ua.NodeId(ua.ObjectIds.Server)
    notifier = ua.AttributeIds.EventNotifier

    def happen(text: str) -> None:
        event = system_event(1, text, 100)
        quiet.inside(lambda: quiet.app._opcua.subscriptions.listeners().offer(event, frozenset({"Server"})))

    chosen = select("Message")
    event, value = await created(
        subscriber,
        item(server_node, attribute=notifier, handle=1, queue=10, chosen=chosen),
        item(live.node_id, handle=2, mode=SAMPLED),
    )
    await link(subscriber, event, [value])
    happen("one")
    data, events = sorted(
        await subscriber.next(), key=lambda part: isinstance(part, ua.EventNotificationList)
    )
    assert [i.ClientHandle for i in data.MonitoredItems] == [2]
    assert [e.EventFields[0].Value.Text for e in events.Events] == ["one"]

    await subscriber.set_mode(1, event)
    await subscriber.set_mode(2, value)
    await link(subscriber, event, [], [value])
    await link(subscriber, value, [event])
    happen("two")
    live.put(2.0)
    seen: list[Any] = []
    async with asyncio.timeout(5):
        while not any(isinstance(part, ua.EventNotificationList) for part in seen):
            seen += await subscriber.next()
    (told_now,) = [part for part in seen if isinstance(part, ua.EventNotificationList)]
    assert [e.EventFields[0].Value.Text for e in told_now.Events] == ["two"]


async def test_a_polled_value_may_trigger(subscriber: Subscriber, quiet: OpcUaTestServer) -> None:
    live = Live(quiet, "Voltage")
    live.put(1.0)
    time = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
    clock, value = await created(
        subscriber,
        item(time, handle=1, mode=SAMPLED, sampling=100.0),
        item(live.node_id, handle=2, mode=SAMPLED),
    )
    await link(subscriber, clock, [value])
    assert told(await subscriber.values(1)) == [(2, 1.0)]
