"""ConditionRefresh and ConditionRefresh2 (Part 9, 5.5.7 and 5.5.8): every retained condition told again.

Only the subscription, or the one monitored item, that asks is told, between a start and an end event. The
server never asks clients for a refresh by RefreshRequiredEventType (5.11.4): it has the whole state of every
condition itself, and what a queue loses is told by EventQueueOverflowEventType.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from asyncua import ua

from server.alarms.conditions import Conditions, notifiers
from server.alarms.events import ConditionEvent
from server.events.event import refresh_end, refresh_start
from server.security.permissions import Profile
from server.services.method import Invocation, MethodError, MethodService, Outputs
from server.subscriptions.listeners import Encoded, Listeners
from server.subscriptions.sampleditems import EventItem
from server.subscriptions.subscription import Subscription

S = ua.StatusCodes
Ids = ua.ObjectIds

_AT_ONCE: Final = 20  # conditions that are told before others may have their turn
_REMEMBERED: Final = 5000  # events that a refresh has told
_FILTERS: Final = 8  # of each


class Refresh:
    """Tells the retained conditions and branches again, to those who ask."""

    def __init__(self, conditions: Conditions, clock: Callable[[], int]) -> None:
        self._conditions = conditions
        self._clock = clock
        self._refreshing: set[int] = set()  # subscriptions
        self._told = _Told()

    def register(self, methods: MethodService) -> None:
        """Take on both methods; whoever may subscribe may call them."""
        for name, function in (
            ("ConditionRefresh", self._refresh),
            ("ConditionRefresh2", self._refresh_item),
        ):
            methods.add(ua.NodeId(getattr(Ids, f"ConditionType_{name}")), Profile.CALL_OPEN, function)

    async def _refresh(self, call: Invocation) -> Outputs:
        """To all event items of a subscription of the caller's."""
        (number,) = call.values
        events = _subscription(call, number).items.events
        await self.tell(number, lambda: [*events.values()])
        return ()

    async def _refresh_item(self, call: Invocation) -> Outputs:
        """To one monitored item."""
        number, item_number = call.values
        events = _subscription(call, number).items.events
        item = events.get(item_number)
        if item is None:
            raise MethodError(S.BadMonitoredItemIdInvalid)
        await self.tell(number, lambda: [item] if events.get(item_number) is item else [])
        return ()

    async def tell(self, subscription: int, items: Callable[[], list[EventItem]]) -> None:
        """A slice at a time, so that thousands of conditions keep nobody waiting; each as it is by then."""
        if subscription in self._refreshing:
            raise MethodError(S.BadRefreshInProgress)
        self._refreshing.add(subscription)
        try:
            Listeners(items()).offer(refresh_start(self._clock()))
            for place, rows in self._conditions.of_interest():
                for at in range(0, len(rows), _AT_ONCE):
                    await self._conditions.idle()  # what is told again has been told before
                    self._offer(self._conditions.retained(place, rows[at : at + _AT_ONCE]), items())
                    await asyncio.sleep(0)
            Listeners(items()).offer(refresh_end(self._clock()))
        finally:
            self._refreshing.discard(subscription)

    def _offer(self, events: list[ConditionEvent], items: list[EventItem]) -> None:
        listeners = Listeners(items)
        for event in events:
            listeners.offer(event, notifiers(event.source), self._told.of(event))


def _subscription(call: Invocation, number: int) -> Subscription:
    found = call.session.subscriptions.get(number)
    if found is None:
        raise MethodError(S.BadSubscriptionIdInvalid)
    return found


class _Told:
    """What a refresh has encoded is there for the next one: a listener that comes back asks for all of it."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[bytes, Encoded] = OrderedDict()

    def of(self, event: ConditionEvent) -> Encoded:
        """The event's fields by the filter that asked for them; its EventId says which event it is."""
        if not event.event_id or event.simulated:  # not told before, or with another mark
            return {}
        encoded = self._encoded.setdefault(event.event_id, {})
        self._encoded.move_to_end(event.event_id)
        if len(self._encoded) > _REMEMBERED:
            self._encoded.popitem(last=False)
        if len(encoded) > _FILTERS:
            encoded.clear()
        return encoded
