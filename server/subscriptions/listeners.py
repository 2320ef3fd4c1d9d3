"""Who is told events: the event items of subscriptions, by what they watch and by their filter.

Made anew for each handful of events: an event is then matched and encoded once for all items of the same
filter, and only the items above its source are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.events.event import Event
from server.events.filter import CompiledFilter
from server.subscriptions.liveitems import DISABLED
from server.subscriptions.sampleditems import EventItem

# An event's fields by the `key` of the filter that selects them.
Encoded = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Audience:
    """Items, each with the number of its filter in `filters`."""

    filters: list[CompiledFilter]
    items: list[tuple[EventItem, int]]


class Listeners:
    """Event items as they are now; they are offered events before anything else happens to them."""

    def __init__(self, items: Iterable[EventItem]) -> None:
        self._items = [item for item in items if item.mode != DISABLED and item.filter is not None]
        self._audiences: dict[frozenset[str] | None, _Audience] = {}

    def __len__(self) -> int:
        return len(self._items)

    def offer(
        self, event: Event, notifiers: frozenset[str] | None = None, encoded: Encoded | None = None
    ) -> None:
        """Queue an event for the items that watch one of `notifiers`, for all without them.

        `encoded` keeps its fields for those who ask later.
        """
        audience = self._audiences.get(notifiers)
        if audience is None:
            audience = self._audiences[notifiers] = self._gather(notifiers)
        if not audience.items:
            return
        known: Encoded = {} if encoded is None else encoded
        found = [_data(each, event, known) for each in audience.filters]
        for item, number in audience.items:
            data = found[number]
            if data is not None:
                item.queue(data)

    def _gather(self, notifiers: frozenset[str] | None) -> _Audience:
        numbers: dict[tuple[bytes, bytes], int] = {}
        audience = _Audience([], [])
        for item in self._items:
            chosen = item.filter
            if chosen is None or (notifiers is not None and item.source not in notifiers):
                continue
            number = numbers.setdefault((chosen.key, chosen.where), len(numbers))
            if number == len(audience.filters):
                audience.filters.append(chosen)
            audience.items.append((item, number))
        return audience


def _data(chosen: CompiledFilter, event: Event, known: Encoded) -> bytes | None:
    """The fields of the event, or None where the filter does not let it through."""
    if not chosen.matches(event):
        return None
    data = known.get(chosen.key)
    if data is None:
        data = known[chosen.key] = chosen.encoded(event)
    return data
