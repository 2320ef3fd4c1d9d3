"""Monitored items that are no live values: other attributes and variables, index ranges, and events.

Values and events are encoded when they are sampled, and wait as bytes. When a queue overflows, the
oldest or newest goes by DiscardOldest, and the Overflow bit is set as Part 4, 5.13.1.5 says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua

from server.events.event import queue_overflow
from server.events.filter import CompiledFilter
from server.protocol.datavalues import stamped
from server.protocol.stack import Buffer, struct_from_binary, struct_to_binary, variant_to_binary
from server.protocol.wire import U32, now_us
from server.subscriptions.liveitems import DISABLED, NO_DEADBAND, REPORTING
from server.subscriptions.livequeues import OVERFLOW, STATUS, STATUS_VALUE


@dataclass(eq=False)
class Item:
    """What they have in common: ids, mode, and encoded notifications that wait."""

    id: int
    handle: int
    mode: int
    queue_size: int
    discard_oldest: bool
    waiting: deque[bytes] = field(default_factory=deque)
    released: int = 0  # how many of `waiting` a trigger lets through while the item is only sampled
    overflows: int = 0
    closed: bool = False
    announce: Callable[[Item], None] = lambda _item: None  # something was sampled

    def due(self) -> int:
        """How many notifications can be sent."""
        return len(self.waiting) if self.mode == REPORTING else self.released

    def take(self) -> bytes:
        """The next notification."""
        self.released = max(self.released - 1, 0)
        return U32.pack(self.handle) + self.waiting.popleft()

    def release(self) -> None:
        """A trigger fired: what was sampled is reported too (Part 4, 5.13.1.6)."""
        self.released = len(self.waiting)

    def set_mode(self, mode: int) -> None:
        """Disable, sample or report."""
        if mode == DISABLED:
            self.waiting.clear()
        self.released = 0
        self.mode = mode

    def _drop_oldest(self) -> None:
        self.waiting.popleft()
        self.released = max(self.released - 1, 0)
        self.overflows += 1

    def _drop_newest(self) -> None:
        self.waiting.pop()
        self.released = min(self.released, len(self.waiting))
        self.overflows += 1


@dataclass(eq=False)
class DataItem(Item):
    """A value that is sampled by `read` every `interval` [ms]; deadband in the value's own unit."""

    attribute: int = 13
    timestamps: int = 2
    interval: float = 0.0
    trigger: int = STATUS_VALUE
    deadband: float = NO_DEADBAND
    read: Callable[[], ua.DataValue] = ua.DataValue
    ticket: int = -1  # the sampler's
    _value: ua.DataValue | None = None
    _last: tuple[Any, ...] | None = None
    _reported: list[float] = field(default_factory=list)

    def set_mode(self, mode: int) -> None:
        """Re-enabling starts with the present value."""
        was_disabled = self.mode == DISABLED
        super().set_mode(mode)
        if was_disabled:
            self.resend()
            self.sample()

    def sample(self) -> None:
        """Look at the value and queue it if it is news."""
        if self.mode == DISABLED:
            return
        value = self.read()
        if value is self._value or self._is_alike(value):
            return
        seen = self._seen(value)
        if seen == self._last or self._within_deadband(value, seen):
            self._value = value
            return
        self._value, self._last, self._reported = value, seen, _numbers(value)
        self._queue(stamped(value, self.attribute, self.timestamps))
        self.announce(self)

    def resend(self) -> None:
        """Report the present value once more, with the next sample."""
        self._last = self._value = None

    def change(self, trigger: int, deadband: float, timestamps: int, interval: float) -> None:
        """Modify; the new filter holds from the next value on."""
        if trigger != self.trigger and self._last is not None and self._value is not None:
            self.trigger = trigger
            self._last = self._seen(self._value)
        self.trigger, self.deadband = trigger, deadband
        self.timestamps, self.interval = timestamps, interval

    def change_queue(self, size: int, discard_oldest: bool) -> None:
        """Give the queue another size; what no longer fits goes as when it overflows."""
        self.queue_size, self.discard_oldest = size, discard_oldest
        if len(self.waiting) <= size:
            return
        self.overflows += len(self.waiting) - size
        waiting = list(self.waiting)
        kept = waiting[-size:] if discard_oldest else [*waiting[: size - 1], waiting[-1]]
        self.waiting = deque(kept)
        self.released = min(self.released, size)
        if size > 1:
            self._mark_overflow()

    def _is_alike(self, value: ua.DataValue) -> bool:
        """Whether a value is the constant that the last one was, though its timestamps differ."""
        last = self._value
        return (
            last is not None
            and self._last is not None
            and value.Value is last.Value is not None
            and value.StatusCode.value == last.StatusCode.value
            and self.trigger in (STATUS, STATUS_VALUE)
        )

    def _seen(self, value: ua.DataValue) -> tuple[Any, ...]:
        """What makes a value differ from the one before, by the filter's trigger."""
        status = value.StatusCode.value
        if self.trigger == STATUS:
            return (status,)
        data = variant_to_binary(value.Value or ua.Variant())
        if self.trigger == STATUS_VALUE:
            return status, data
        return status, data, value.SourceTimestamp

    def _within_deadband(self, value: ua.DataValue, seen: tuple[Any, ...]) -> bool:
        """Whether only the value differs, and by too little in each of its elements (Part 4, 7.22.2)."""
        last = self._last
        if self.deadband < 0 or last is None or last[0] != seen[0] or last[2:] != seen[2:]:
            return False
        now = _numbers(value)
        return len(now) == len(self._reported) and all(
            abs(new - old) <= self.deadband for new, old in zip(now, self._reported, strict=True)
        )

    def _queue(self, value: ua.DataValue) -> None:
        data = bytes(struct_to_binary(value))
        overflow = len(self.waiting) >= self.queue_size
        if overflow and self.discard_oldest:
            self._drop_oldest()
        elif overflow:
            self._drop_newest()
        self.waiting.append(data)
        if overflow and self.queue_size > 1:
            self._mark_overflow()

    def _mark_overflow(self) -> None:
        where = 0 if self.discard_oldest else -1
        self.waiting[where] = _with_overflow(self.waiting[where])


def is_number(value: ua.DataValue) -> bool:
    """Whether a value is a number, or an array of numbers: what a deadband can be on."""
    kind = value.Value.VariantType if value.Value is not None else None
    return kind in _NUMBERS


_NUMBERS: Final = frozenset(
    ua.VariantType[name]
    for name in (
        "SByte",
        "Byte",
        "Int16",
        "UInt16",
        "Int32",
        "UInt32",
        "Int64",
        "UInt64",
        "Float",
        "Double",
    )
)


def _numbers(value: ua.DataValue) -> list[float]:
    """A number, or those of an array; a null is none."""
    if not is_number(value):
        return []
    found = value.Value.Value
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _with_overflow(data: bytes) -> bytes:
    """The encoded DataValue with the Overflow bit."""
    value: ua.DataValue = struct_from_binary(ua.DataValue, Buffer(data))
    value.StatusCode = ua.StatusCode(value.StatusCode.value | OVERFLOW)
    return bytes(struct_to_binary(value))


@dataclass(eq=False)
class EventItem(Item):
    """Events of everything under the notifier `source`, selected by a compiled filter."""

    source: str = ""
    filter: CompiledFilter | None = None
    overflowed: bool = False

    def queue(self, data: bytes) -> None:
        """Queue the fields of an event that the filter lets through."""
        if len(self.waiting) >= self.queue_size:
            self.overflowed = True
            if not self.discard_oldest:
                self.overflows += 1
                return
            self._drop_oldest()
        self.waiting.append(data)
        self.announce(self)

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
                self._drop_oldest()
            else:
                self._drop_newest()

    def due(self) -> int:
        """How many notifications can be sent, one of which may say that events were lost."""
        found = super().due()
        return found + (self.overflowed and (self.mode == REPORTING or found > 0))

    def take(self) -> bytes:
        """The next notification: an EventFieldList.

        The loss of events is told where they are missing: before those that are there, or after (Part 4,
        5.13.1.5).
        """
        assert self.filter is not None
        if self.overflowed and (self.discard_oldest or not super().due()):
            self.overflowed = False
            return U32.pack(self.handle) + self.filter.encoded(queue_overflow(now_us()))
        return super().take()
