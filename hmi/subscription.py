"""One OPC UA subscription of the shared session: live values into an `Image`, or events into a list.

Client handles are item numbers, so that a notification lands in its column without a look-up. Values
carry their status and source time as the server sent them; nothing is made up for what does not come.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from asyncua import Client, ua

from hmi.image import GOOD, Image, Value
from hmi.topology import Topology

PUBLISHING_INTERVAL: Final = 1000.0  # ms
ITEMS_AT_ONCE: Final = 500  # which take up to 40 ms, in which no browser is told anything
NEWS_AT_ONCE: Final = 1000  # as above, at 20 µs each
BAD_NODE_ID_UNKNOWN: Final = 0x8034_0000
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)

Fields = list[ua.Variant]


async def subscribe_values(client: Client, topology: Topology, image: Image) -> int:
    """Subscribe every item of an image; the subscription's id."""

    def receive(result: ua.PublishResult) -> None:
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.DataChangeNotification):
                for change in notification.MonitoredItems:
                    take(image, change.ClientHandle, change.Value)

    subscription = await _create(client, receive)
    try:
        await _monitor_all(client, subscription, topology, image)
    except (OSError, TimeoutError, ua.UaError):
        # Who asks again makes another.
        with contextlib.suppress(OSError, TimeoutError, ua.UaError):
            await unsubscribe(client, subscription)
        raise
    return subscription


async def _monitor_all(client: Client, subscription: int, topology: Topology, image: Image) -> None:
    nodes = [topology.node(identifier) for identifier in image.layout.identifiers]
    trigger = ua.DataChangeTrigger.StatusValueTimestamp if image.layout.timed else None
    sampling = image.layout.sampling
    for start in range(0, len(nodes), ITEMS_AT_ONCE):
        part = range(start, min(start + ITEMS_AT_ONCE, len(nodes)))
        refused = await _monitor(client, subscription, nodes, part, sampling, trigger)
        if refused and trigger is not None:
            refused = await _monitor(client, subscription, nodes, refused, sampling, None)
        for item in refused:
            image.take(item, None, BAD_NODE_ID_UNKNOWN, 0)


async def read_values(client: Client, topology: Topology, image: Image) -> None:
    """Take every item as it is now: before it is subscribed, as its news must not be undone."""
    nodes = [topology.node(identifier) for identifier in image.layout.identifiers]
    for start in range(0, len(nodes), ITEMS_AT_ONCE):
        part = nodes[start : start + ITEMS_AT_ONCE]
        values = await client.uaclient.read_attributes(part, ua.AttributeIds.Value)
        for item, data in enumerate(values, start):
            take(image, item, data)


async def subscribe_events(
    client: Client, event_filter: ua.EventFilter, receive: Callable[[Fields], None]
) -> int:
    """Subscribe the server's events; the subscription's id."""

    def receive_all(result: ua.PublishResult) -> None:
        for notification in result.NotificationMessage.NotificationData or ():
            if isinstance(notification, ua.EventNotificationList):
                for event in notification.Events:
                    receive(event.EventFields)

    subscription = await _create(client, receive_all)
    item = ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(
            NodeId=ua.NodeId(ua.ObjectIds.Server), AttributeId=ua.AttributeIds.EventNotifier
        ),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=1, SamplingInterval=0.0, QueueSize=10_000, DiscardOldest=True, Filter=event_filter
        ),
    )
    results = await _create_items(client, subscription, [item])
    results[0].StatusCode.check()
    return subscription


async def unsubscribe(client: Client, subscription: int) -> None:
    """Delete a subscription."""
    await client.uaclient.delete_subscriptions([subscription])


def take(image: Image, item: int, data: ua.DataValue) -> None:
    """Put a DataValue into an image."""
    status = data.StatusCode.value if data.StatusCode is not None else GOOD
    image.take(item, plain(data.Value), status, microseconds(data.SourceTimestamp))


def plain(variant: ua.Variant | None) -> Value:
    """A Variant's value as a browser can show it."""
    value = variant.Value if variant is not None else None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(getattr(value, "Text", value))


def microseconds(time: dt.datetime | None) -> int:
    """µs since 1970 UTC; 0 where there is no time."""
    if time is None:
        return 0
    aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return (aware - EPOCH) // MICROSECOND


async def _create(client: Client, receive: Callable[[ua.PublishResult], None]) -> int:
    parameters = ua.CreateSubscriptionParameters(
        RequestedPublishingInterval=PUBLISHING_INTERVAL,
        RequestedLifetimeCount=60,
        RequestedMaxKeepAliveCount=10,
        MaxNotificationsPerPublish=NEWS_AT_ONCE,
        PublishingEnabled=True,
        Priority=0,
    )
    result = await client.uaclient.create_subscription(parameters, receive)
    return int(result.SubscriptionId)


async def _monitor(
    client: Client,
    subscription: int,
    nodes: Sequence[ua.NodeId],
    items: Sequence[int],
    sampling: float,
    trigger: ua.DataChangeTrigger | None,
) -> list[int]:
    """Monitor some items; those that the server refused."""
    change = None if trigger is None else ua.DataChangeFilter(Trigger=trigger)
    requests = [
        ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=nodes[item], AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=item, SamplingInterval=sampling, QueueSize=1, DiscardOldest=True, Filter=change
            ),
        )
        for item in items
    ]
    results = await _create_items(client, subscription, requests)
    return [item for item, result in zip(items, results, strict=True) if not result.StatusCode.is_good()]


async def _create_items(
    client: Client, subscription: int, requests: list[ua.MonitoredItemCreateRequest]
) -> list[ua.MonitoredItemCreateResult]:
    parameters = ua.CreateMonitoredItemsParameters(
        SubscriptionId=subscription,
        TimestampsToReturn=ua.TimestampsToReturn.Source,
        ItemsToCreate=requests,
    )
    created: list[ua.MonitoredItemCreateResult] = await client.uaclient.create_monitored_items(parameters)
    return created
