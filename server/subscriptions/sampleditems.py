"""Monitored items that need a queue of their own: other attributes, longer queues, other triggers, events.

Values and events are encoded when they are sampled, and wait as bytes. When a queue overflows, the
oldest or newest goes by DiscardOldest, and the Overflow bit is set as Part 4, 5.13.1.5 says.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua

from server.events.event import Event, queue_overflow
from server.events.filter import CompiledFilter
from server.protocol.datavalues import stamped
from server.protocol.stack import Buffer, struct_from_binary, struct_to_binary, variant_to_binary
from server.protocol.wire import I32, U32, now_us
from server.subscriptions.liveitems import DISABLED, NO_DEADBAND, REPORTING

# DataValue: InfoType DataValue (0x400) and Overflow (0x80) in the StatusCode (Part 4, 7.38.1).
_OVERFLOW: Final = 0x0480
_EARLY: Final = 0.005  # s by which a timer may be early
STATUS, STATUS_VALUE, STATUS_VALUE_TIMESTAMP = 0, 1, 2


@dataclass(eq=False)
class Item:
    """What all queued items have: ids, mode, and encoded notifications that wait."""

    id: int
    handle: int
    mode: int
    queue_size: int
    discard_oldest: bool
    waiting: deque[bytes] = field(default_factory=deque)

    def due(self) -> int:
        """How many notifications can be sent."""
        return len(self.waiting) if self.mode == REPORTING else 0

    def take(self) -> bytes:
        """The next notification."""
        return U32.pack(self.handle) + self.waiting.popleft()

    def set_mode(self, mode: int) -> None:
        """Disable, sample or report."""
        if mode == DISABLED:
            self.waiting.clear()
        self.mode = mode


@dataclass(eq=False)
class DataItem(Item):
    """A value that is sampled by `read`; `interval` in ms, deadband in the value's own unit."""

    attribute: int = 13
    timestamps: int = 2
    interval: float = 0.0
    row: int | None = None  # of the live table: sampled by each scan
    trigger: int = STATUS_VALUE
    deadband: float = NO_DEADBAND
    read: Callable[[], ua.DataValue] = ua.DataValue
    _last: tuple[Any, ...] | None = None
    _reported: float = math.nan
    _next: float = 0.0

    @property
    def on_commit(self) -> bool:
        """Whether each scan samples it, and no timer."""
        return self.row is not None

    def set_mode(self, mode: int) -> None:
        """Re-enabling starts with the present value."""
        was_disabled = self.mode == DISABLED
        super().set_mode(mode)
        if was_disabled:
            self.resend()
            self.sample(time.monotonic())

    def sample(self, now: float) -> None:
        """Look at the value and queue it if it is news; `now` in seconds, monotonic."""
        if self.mode == DISABLED or now < self._next:
            return
        self._next = 0.0 if self.on_commit else now + self.interval / 1000 - _EARLY
        value = self.read()
        seen = self._seen(value)
        if seen == self._last or self._within_deadband(value):
            return
        self._last = seen
        number = value.Value.Value
        if isinstance(number, int | float) and not isinstance(number, bool):
            self._reported = float(number)
        self._queue(stamped(value, self.attribute, self.timestamps))

    def resend(self) -> None:
        """Report the present value once more."""
        self._last = None
        self._next = 0.0

    def change_queue(self, size: int, discard_oldest: bool) -> None:
        """Give the queue another size; what no longer fits goes as when it overflows."""
        self.queue_size, self.discard_oldest = size, discard_oldest
        if len(self.waiting) <= size:
            return
        waiting = list(self.waiting)
        kept = waiting[-size:] if discard_oldest else [*waiting[: size - 1], waiting[-1]]
        self.waiting = deque(kept)
        if size > 1:
            self._mark_overflow()

    def _seen(self, value: ua.DataValue) -> tuple[Any, ...]:
        """What makes a value differ from the one before, by the filter's trigger."""
        status = value.StatusCode.value
        if self.trigger == STATUS:
            return (status,)
        data = variant_to_binary(value.Value)
        if self.trigger == STATUS_VALUE:
            return status, data
        return status, data, value.SourceTimestamp

    def _within_deadband(self, value: ua.DataValue) -> bool:
        if self.deadband < 0 or self._last is None or self._last[0] != value.StatusCode.value:
            return False
        number = value.Value.Value
        return isinstance(number, int | float) and abs(number - self._reported) <= self.deadband

    def _queue(self, value: ua.DataValue) -> None:
        data = bytes(struct_to_binary(value))
        overflow = len(self.waiting) >= self.queue_size
        if overflow and self.discard_oldest:
            self.waiting.popleft()
        elif overflow:
            self.waiting.pop()
        self.waiting.append(data)
        if overflow and self.queue_size > 1:
            self._mark_overflow()

    def _mark_overflow(self) -> None:
        where = 0 if self.discard_oldest else -1
        self.waiting[where] = _with_overflow(self.waiting[where])


def _with_overflow(data: bytes) -> bytes:
    """The encoded DataValue with the Overflow bit."""
    value: ua.DataValue = struct_from_binary(ua.DataValue, Buffer(data))
    value.StatusCode = ua.StatusCode(value.StatusCode.value | _OVERFLOW)
    return bytes(struct_to_binary(value))


@dataclass(eq=False)
class EventItem(Item):
    """Events of everything under the notifier `source`, selected by a compiled filter."""

    source: str = ""
    filter: CompiledFilter | None = None
    overflowed: bool = False

    def offer(self, event: Event, encoded: dict[tuple[object, ...], bytes]) -> None:
        """Queue the event when the filter lets it through; `encoded` keeps its fields for others."""
        if self.mode == DISABLED or self.filter is None or not self.filter.matches(event):
            return
        if len(self.waiting) >= self.queue_size:
            self.overflowed = True
            if not self.discard_oldest:
                return
            self.waiting.popleft()
        data = encoded.get(self.filter.key)
        if data is None:
            data = encoded[self.filter.key] = _encoded(self.filter, event)
        self.waiting.append(data)

    def set_mode(self, mode: int) -> None:
        """What was lost before it was disabled is not told."""
        if mode == DISABLED:
            self.overflowed = False
        super().set_mode(mode)

    def change_queue(self, size: int, discard_oldest: bool) -> None:
        """Give the queue another size; what no longer fits is lost, and that is told."""
        self.queue_size, self.discard_oldest = size, discard_oldest
        while len(self.waiting) > size:
            self.overflowed = True
            if discard_oldest:
                self.waiting.popleft()
            else:
                self.waiting.pop()

    def due(self) -> int:
        """How many notifications can be sent, one of which may say that events were lost."""
        return super().due() + (self.overflowed and self.mode == REPORTING)

    def take(self) -> bytes:
        """The next notification: an EventFieldList.

        The loss of events is told where they are missing: before those that are there, or after (Part 4,
        5.13.1.5).
        """
        assert self.filter is not None
        if self.overflowed and (self.discard_oldest or not self.waiting):
            self.overflowed = False
            return U32.pack(self.handle) + _encoded(self.filter, queue_overflow(now_us()))
        return U32.pack(self.handle) + self.waiting.popleft()


def _encoded(chosen: CompiledFilter, event: Event) -> bytes:
    fields = [variant_to_binary(value) for value in chosen.fields(event)]
    return b"".join((I32.pack(len(fields)), *fields))
