"""From events of conditions to notices: a sink that never waits, and what it has taken."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from nodeset.index import MIRROR
from server.alarms.events import ConditionEvent
from server.alarms.messages import message
from server.notify.notice import LONGEST_ADVICE, LONGEST_LINE, LONGEST_TITLE, Notice, plain
from server.notify.rules import Rules

_MOST: Final = 20_000  # events that wait to be looked at


class Intake:
    """Events that a rule may be about, until they are looked at.

    Of too many the oldest go; `deaf` says so: then all conditions are to be asked how they are.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._events: deque[ConditionEvent] = deque()
        self.heard = asyncio.Event()
        self.deaf = False
        self.lost = 0

    def tell(self, event: ConditionEvent) -> None:
        """An event was told."""
        definition, state = event.definition, event.state
        place = event.source.removeprefix(MIRROR)
        if state.branch or not self._rules.concern(definition.name, definition.kind, place, event.simulated):
            return
        if len(self._events) >= _MOST:
            self._events.popleft()
            self.deaf = True
            self.lost += 1
        self._events.append(event)
        self.heard.set()

    def take(self, most: int) -> list[Notice]:
        """The oldest, as notices."""
        events = [self._events.popleft() for _ in range(min(most, len(self._events)))]
        if not self._events:
            self.heard.clear()
        return [notice_of(event) for event in events]


def notice_of(event: ConditionEvent) -> Notice:
    """What an event says of its condition."""
    definition, state = event.definition, event.state
    return Notice(
        condition=f"{event.source}#{definition.name}",
        source=event.source,
        name=definition.name,
        kind=definition.kind.value,
        number=state.event,
        event_id=event.event_id.hex(),
        time=state.time,
        active_time=state.active_time,
        severity=state.severity,
        active=state.level != 0,
        acked=state.acked,
        quiet=not state.enabled or state.hidden,
        title=plain(definition.message, LONGEST_TITLE),
        message=plain(message(event), LONGEST_LINE),
        advice=plain(definition.advice, LONGEST_ADVICE),
        simulated=event.simulated,
        user=plain(state.user, LONGEST_TITLE),
    )
