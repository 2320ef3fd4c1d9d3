"""Where every event goes that the server tells: into the historian's journal, whoever listens or not.

What is told again to those who ask (ConditionRefresh) and what is told to one subscription about itself are
no events of the plant and stay out; the audit trail has a table of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from historian.journal import Entry, Record
from server.alarms.events import ConditionEvent
from server.events.event import PlainEvent
from server.history.keptevents import KeptEvents
from server.protocol.wire import now_us


class Journal:
    """Keeps events; `offer` takes entries for writing without waiting."""

    def __init__(self, kept: KeptEvents, offer: Callable[[Entry], None]) -> None:
        self._kept = kept
        self._number = 0
        self.offer = offer

    def keep(self, event: ConditionEvent | PlainEvent) -> None:
        """Keep an event, in the order in which they are told."""
        self._number = max(self._number + 1, now_us())
        self.offer(_Told(self._kept, event, self._number))


@dataclass(slots=True)
class _Told:
    """An event on its way; it becomes a row in the writer's thread."""

    kept: KeptEvents
    event: ConditionEvent | PlainEvent
    number: int

    def records(self) -> Iterator[Record]:
        """What is to be written."""
        return self.kept.row(self.event, self.number).records()
