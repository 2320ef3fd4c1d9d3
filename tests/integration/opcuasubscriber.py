"""A subscription whose Publish requests a test sends itself, one at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from asyncua import Client, ua
from opcuaserver import answer, request


class Heat(Protocol):
    """Gives a jar a temperature, in a scan at that time [µs]."""

    def __call__(self, path: str, value: float, time: int | None = None) -> None: ...


VALUE = 13
SAMPLED = 1
TERMS = {
    "RequestedPublishingInterval": 50.0,
    "RequestedLifetimeCount": 10_000,
    "RequestedMaxKeepAliveCount": 1000,
    "PublishingEnabled": True,
}


@dataclass
class Subscriber:
    """One subscription of a client."""

    client: Client
    id: int
    revised: Any
    acknowledgements: list[ua.SubscriptionAcknowledgement] = field(default_factory=list)

    @classmethod
    async def create(cls, client: Client, **terms: Any) -> Subscriber:
        """Create the subscription."""
        made = request(ua.CreateSubscriptionRequest, **(TERMS | terms))
        response = await answer(client, ua.CreateSubscriptionResponse, made)
        return cls(client, response.Parameters.SubscriptionId, response.Parameters)

    async def publish(self, acknowledge: bool = True) -> Any:
        """The next message of any subscription of the session."""
        sent = request(ua.PublishRequest, SubscriptionAcknowledgements=self.acknowledgements)
        self.acknowledgements = []
        response = (await answer(self.client, ua.PublishResponse, sent)).Parameters
        message = response.NotificationMessage
        if acknowledge and message.NotificationData:
            ack = ua.SubscriptionAcknowledgement(response.SubscriptionId, message.SequenceNumber)
            self.acknowledgements.append(ack)
        return response

    async def next(self) -> list[Any]:
        """The notifications of the next message that has some."""
        while True:
            data = (await self.publish()).NotificationMessage.NotificationData
            if data:
                return list(data)

    async def values(self, count: int) -> list[tuple[int, ua.DataValue]]:
        """The next values, with their handles, until there are `count`."""
        found: list[tuple[int, ua.DataValue]] = []
        async with asyncio.timeout(10):
            while len(found) < count:
                for part in await self.next():
                    found += [(item.ClientHandle, item.Value) for item in part.MonitoredItems]
        return found

    async def events(self) -> list[list[Any]]:
        """The fields of the events of the next message."""
        async with asyncio.timeout(10):
            parts = await self.next()
        return [[field.Value for field in event.EventFields] for part in parts for event in part.Events]

    async def monitor(self, *items: ua.MonitoredItemCreateRequest, timestamps: int = 2) -> list[Any]:
        """Create monitored items; their results."""
        made = request(
            ua.CreateMonitoredItemsRequest,
            SubscriptionId=self.id,
            TimestampsToReturn=ua.TimestampsToReturn(timestamps),
            ItemsToCreate=list(items),
        )
        return list((await answer(self.client, ua.CreateMonitoredItemsResponse, made)).Results)

    async def modify(self, number: int, **how: Any) -> Any:
        """Modify a monitored item; its result."""
        made = request(
            ua.ModifyMonitoredItemsRequest,
            SubscriptionId=self.id,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ItemsToModify=[ua.MonitoredItemModifyRequest(number, parameters(**how))],
        )
        return (await answer(self.client, ua.ModifyMonitoredItemsResponse, made)).Results[0]

    async def set_mode(self, mode: int, *numbers: int) -> list[int]:
        """Set the monitoring mode; the codes."""
        made = request(
            ua.SetMonitoringModeRequest,
            SubscriptionId=self.id,
            MonitoringMode=ua.MonitoringMode(mode),
            MonitoredItemIds=list(numbers),
        )
        response = await answer(self.client, ua.SetMonitoringModeResponse, made)
        return [code.value for code in response.Parameters.Results]

    async def publishing(self, enabled: bool) -> None:
        """Set the publishing mode."""
        made = request(ua.SetPublishingModeRequest, PublishingEnabled=enabled, SubscriptionIds=[self.id])
        response = await answer(self.client, ua.SetPublishingModeResponse, made)
        assert [code.value for code in response.Parameters.Results] == [0]


def parameters(
    handle: int = 1,
    queue: int = 1,
    discard_oldest: bool = True,
    sampling: float = 0.0,
    chosen: Any = None,
) -> ua.MonitoringParameters:
    """Monitoring parameters; `chosen` is the filter."""
    return ua.MonitoringParameters(handle, sampling, chosen, queue, discard_oldest)


def item(
    node_id: ua.NodeId, *, attribute: int = VALUE, mode: int = 2, text: str | None = None, **how: Any
) -> ua.MonitoredItemCreateRequest:
    """An item to create."""
    made = ua.MonitoredItemCreateRequest()
    made.ItemToMonitor = ua.ReadValueId(node_id, attribute, text)
    made.MonitoringMode = ua.MonitoringMode(mode)
    made.RequestedParameters = parameters(**how)
    return made


def change(trigger: int = 1, kind: int = 0, value: float = 0.0) -> ua.DataChangeFilter:
    """A filter of data changes."""
    return ua.DataChangeFilter(ua.DataChangeTrigger(trigger), kind, value)


def select(*paths: str) -> ua.EventFilter:
    """A filter that selects fields of events by path, and lets everything through."""
    chosen = ua.EventFilter()
    chosen.SelectClauses = [
        ua.SimpleAttributeOperand(
            ua.NodeId(ua.ObjectIds.BaseEventType),
            [ua.QualifiedName(name) for name in path.split("/") if name],
            ua.AttributeIds.Value if path else ua.AttributeIds.NodeId,
        )
        for path in paths
    ]
    return chosen


def of_conditions(chosen: ua.EventFilter) -> ua.EventFilter:
    """A filter that lets events of conditions through only; alarm management has its own at sites."""
    condition = ua.LiteralOperand(ua.Variant(ua.NodeId(ua.ObjectIds.ConditionType), ua.VariantType.NodeId))
    chosen.WhereClause.Elements = [ua.ContentFilterElement(ua.FilterOperator.OfType, [condition])]
    return chosen
