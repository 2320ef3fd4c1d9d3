"""The rate limit of a group: what is more than it allows is held, and goes as one digest that counts.

What is held is the last word on each alert, so that a digest says how things are, not how they came.
"""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from config.notifyfile import RateLimit
from server.notify.message import Message

_MINUTE = 60.0
_MOST = 200  # alerts that are held by name


@dataclass
class Held:
    """What would have been sent."""

    messages: int = 0
    severity: int = 1
    since: float = 0.0
    last: dict[str, tuple[int, str]] = field(default_factory=dict)  # severity and subject by thread


class Flow:
    """Messages to one group: `limit.messages` in any `limit.minutes`."""

    def __init__(self, limit: RateLimit) -> None:
        self._most = limit.messages
        self._span = limit.minutes * _MINUTE
        self._sent: deque[float] = deque(maxlen=limit.messages)
        self.held = Held()

    def opens(self, now: float) -> float:
        """When the next message may go: `now`, or later [s since 1970]."""
        if self._sent and self._sent[-1] > now:  # the clock was set back
            self._sent.clear()
        return now if len(self._sent) < self._most else max(now, self._sent[0] + self._span)

    @property
    def due(self) -> float:
        """When what is held may go, inf where nothing is held."""
        if not self.held.messages:
            return math.inf
        return self._sent[0] + self._span if len(self._sent) == self._most else 0.0

    def count(self, now: float) -> None:
        """A message goes."""
        self._sent.append(now)

    def admit(self, message: Message, now: float) -> bool:
        """Count a message that may go; else hold it. While anything is held, all that follows is."""
        if not self.held.messages and self.opens(now) <= now:
            self.count(now)
            return True
        held = self.held
        held.since = held.since or now
        held.messages += 1
        held.severity = max(held.severity, message.severity)
        if message.thread in held.last or len(held.last) < _MOST:
            held.last[message.thread] = (message.severity, message.subject)
        return False

    def release(self, now: float) -> Held | None:
        """What is held, when it may go now."""
        if not self.held.messages or self.opens(now) > now:
            return None
        held, self.held = self.held, Held()
        self.count(now)
        return held

    def to_json(self) -> str:
        """All that must outlive the process."""
        held = self.held
        return json.dumps([[*self._sent], held.messages, held.severity, held.since, held.last])

    def restore(self, text: str) -> None:
        """Take up what `to_json` gave; ValueError or TypeError: not from it."""
        sent, messages, severity, since, last = json.loads(text)
        self._sent.extend(sent)
        self.held = Held(messages, severity, since, {thread: _pair(pair) for thread, pair in last.items()})


def _pair(values: list[Any]) -> tuple[int, str]:
    severity, subject = values
    return int(severity), str(subject)
