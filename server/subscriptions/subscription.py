"""One subscription: its items, its publishing cycle and what it sent (Part 4, 5.14.1).

The cycle is the state machine of Part 4, table 86, with a timer of its own. Messages are built as
bytes, and kept until they are acknowledged so that they can be sent again.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.events.event import Event
from server.livetable import LiveTable
from server.protocol.dispatch import Call
from server.protocol.sessions import Session
from server.protocol.wire import now_ticks, response_header, u32_array
from server.security.users import User
from server.subscriptions.liveitems import LiveItems
from server.subscriptions.sampleditems import DataItem, EventItem, Item

S = ua.StatusCodes
Ids = ua.ObjectIds

KEPT_MESSAGES: Final = 1000
KEPT_BYTES: Final = 64 << 20
_ROW_BYTES: Final = 40
_MOST: Final = 1_000_000  # notifications in a message
_PUBLISH_RESPONSE: Final = int(Ids.PublishResponse_Encoding_DefaultBinary)
_DATA_CHANGE: Final = int(Ids.DataChangeNotification_Encoding_DefaultBinary)
_EVENTS: Final = int(Ids.EventNotificationList_Encoding_DefaultBinary)
_STATUS_CHANGE: Final = int(Ids.StatusChangeNotification_Encoding_DefaultBinary)
_HEAD: Final = struct.Struct("<Iqi")
_PART: Final = struct.Struct("<BBHBii")
_NONE: Final = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A Publish request that waits for something to say, with the results of its acknowledgements."""

    call: Call
    results: list[int]
    expires: float

    def fault(self, code: int) -> None:
        """Refuse the request."""
        self.call.fault(code)


@dataclass(frozen=True)
class Terms:
    """What a client and the server agreed on; interval in ms, counts in intervals."""

    interval: float
    lifetime: int
    keep_alive: int
    max_notifications: int
    priority: int


class Subscription:
    """A subscription that belongs to a session, or to none while it waits for a transfer."""

    def __init__(
        self,
        number: int,
        session: Session,
        terms: Terms,
        enabled: bool,
        table: LiveTable,
        closed: Callable[[Subscription], None],
    ) -> None:
        self.id = number
        self.session: Session | None = session
        self.owner = session.user
        self.terms = terms
        self.enabled = enabled
        self.live = LiveItems(table)
        self.queued: dict[int, Item] = {}
        self.sent: OrderedDict[int, bytes] = OrderedDict()
        self.late = False
        self._sent_bytes = 0
        self._sequence = 0
        self._items = 0
        self._keep_alive = 0  # 0: the first message is sent at the end of the first cycle
        self._lifetime = terms.lifetime
        self._on_closed = closed
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._sampler: asyncio.TimerHandle | None = None
        self._closing = False
        self._schedule()

    # -- items

    def new_id(self) -> int:
        """An id for one more item."""
        self._items += 1
        return self._items

    def new_ids(self, count: int) -> int:
        """The first of `count` ids that follow each other."""
        first = self._items + 1
        self._items += count
        return first

    def item_count(self) -> int:
        """How many items there are."""
        return len(self.live) + len(self.queued)

    @property
    def user(self) -> User:
        """Whom it tells: its session's user, or the one that it waits for."""
        return self.session.user if self.session is not None else self.owner

    def offer_event(
        self, event: Event, notifiers: frozenset[str], encoded: dict[tuple[object, ...], bytes]
    ) -> None:
        """Give an event to the items whose notifier is among `notifiers`."""
        for item in self.queued.values():
            if isinstance(item, EventItem) and item.source in notifiers:
                item.offer(event, encoded)

    def on_commit(self) -> None:
        """A scan was committed: sample the items that want each of them."""
        for item in self.queued.values():
            if isinstance(item, DataItem) and item.on_commit:
                item.sample(0.0)

    def start_sampler(self) -> None:
        """Sample polled items faster than the publishing interval when one of them asks for it."""
        if self._sampler is not None:
            self._sampler.cancel()
            self._sampler = None
        intervals = [
            item.interval
            for item in self.queued.values()
            if isinstance(item, DataItem) and not item.on_commit
        ]
        fastest = min(intervals, default=self.terms.interval)
        if fastest < self.terms.interval and not self._closing:
            self._sampler = self._loop.call_later(fastest / 1000, self._sample_again)

    def _sample_again(self) -> None:
        self._sample()
        self._sampler = None
        self.start_sampler()

    def _sample(self) -> None:
        now = time.monotonic()
        for item in self.queued.values():
            if isinstance(item, DataItem) and not item.on_commit:
                item.sample(now)

    # -- the publishing cycle

    def reset_lifetime(self) -> None:
        """The client showed that it is there."""
        self._lifetime = self.terms.lifetime

    def change_terms(self, terms: Terms) -> None:
        """ModifySubscription: the new interval begins now."""
        other = terms.interval != self.terms.interval
        self.terms = terms
        self.reset_lifetime()
        self._keep_alive = min(self._keep_alive, terms.keep_alive)
        if other and self._timer is not None:
            self._timer.cancel()
            self._due = self._loop.time()
            self._schedule()
            self.start_sampler()

    def _schedule(self) -> None:
        now = self._loop.time()
        period = self.terms.interval / 1000
        self._due += period
        if self._due < now:  # cycles that were missed are skipped, not caught up
            self._due = now + period
        self._timer = self._loop.call_at(self._due, self._cycle)

    def _cycle(self) -> None:
        if self._closing:
            return
        self._schedule()
        self._sample()
        if self.session is None or not self.session.publish_queue:
            self._lifetime -= 1
            if self._lifetime <= 0:
                self.expire()
                return
        if self.enabled and self._waiting():
            self.publish()
            return
        self._keep_alive -= 1
        if self._keep_alive <= 0:
            self.publish()

    def _waiting(self) -> bool:
        return self.live.waiting() > 0 or any(item.due() for item in self.queued.values())

    def publish(self) -> None:
        """Send what waits, or a keep-alive; late when there is no Publish request for it."""
        self.late = True
        while self.late:
            request = self._next_request()
            if request is None:
                return
            notifications, more = self._collect() if self.enabled else ([], False)
            self._send(request, notifications, more)
            self.late = more

    def _next_request(self) -> PublishRequest | None:
        session = self.session
        now = time.monotonic()
        while session is not None and session.publish_queue:
            request = session.publish_queue.popleft()
            if request.expires > now:
                return request
            request.fault(S.BadTimeout)
        return None

    def _collect(self) -> tuple[list[bytes], bool]:
        """Notifications up to the limit, and whether more wait."""
        space = max(self._space(), 1)  # bytes; one notification goes in any case
        room = min(self.terms.max_notifications or _MOST, max(1, space // _ROW_BYTES))
        self.live.waiting()
        number, live = self.live.take(room)
        data, events = [live] if number else [], list[bytes]()
        room -= number
        space -= len(live)
        more = False
        for item in self.queued.values():
            kind = events if isinstance(item, EventItem) else data
            while room > 0 and space > 0 and item.due():
                kind.append(item.take())
                number += kind is data
                room -= 1
                space -= len(kind[-1])
            more = more or item.due() > 0
        parts = []
        if data:
            parts.append(_part(_DATA_CHANGE, number, data, _NONE))
        if events:
            parts.append(_part(_EVENTS, len(events), events, b""))
        return parts, more or self.live.waiting() > 0

    def _space(self) -> int:
        """How many bytes of notifications a message may hold, by the client's limits and ours."""
        session = self.session
        most = _MOST * _ROW_BYTES
        if session is not None and session.connection is not None:
            for limit in (session.max_response, session.connection.channel.max_response):
                if limit:
                    most = min(most, limit - 1024)
        return most

    def _send(self, request: PublishRequest, parts: list[bytes], more: bool) -> None:
        sequence = self._sequence % 0xFFFF_FFFF + 1
        message = b"".join((_HEAD.pack(sequence, now_ticks(), len(parts)), *parts))
        if parts:
            self._sequence = sequence
            self._keep(sequence, message)
        self._keep_alive = self.terms.keep_alive
        self.reset_lifetime()
        request.call.reply(self._response(request, message, more))

    def _response(self, request: PublishRequest, message: bytes, more: bool) -> bytes:
        return b"".join(
            (
                response_header(_PUBLISH_RESPONSE, request.call.header.handle),
                struct.pack("<I", self.id),
                u32_array(list(self.sent)),
                b"\x01" if more else b"\x00",
                message,
                u32_array(request.results),
                _NONE,
            )
        )

    def _keep(self, sequence: int, message: bytes) -> None:
        self.sent[sequence] = message
        self._sent_bytes += len(message)
        while len(self.sent) > KEPT_MESSAGES or (self._sent_bytes > KEPT_BYTES and len(self.sent) > 1):
            _, old = self.sent.popitem(last=False)
            self._sent_bytes -= len(old)

    def acknowledge(self, sequence: int) -> int:
        """Forget a message that has arrived; the StatusCode for the acknowledgement."""
        message = self.sent.pop(sequence, None)
        if message is None:
            return int(S.BadSequenceNumberUnknown)
        self._sent_bytes -= len(message)
        return 0

    # -- its end

    def status_change(self, code: int) -> None:
        """Tell the session what became of the subscription, at its next Publish if not at once."""
        body = struct.pack("<I", code) + b"\x00"
        part = struct.pack("<BBHBi", 1, 0, _STATUS_CHANGE, 1, len(body)) + body
        request = self._next_request()
        if request is not None:
            self._send(request, [part], False)
        elif self.session is not None:
            self.session.farewells.append(lambda request: self._send(request, [part], False))

    def expire(self) -> None:
        """The client was silent for the whole lifetime."""
        self.status_change(S.BadTimeout)
        self.close()

    def orphan(self) -> None:
        """The session ended without deleting it: wait for a transfer until the lifetime is over."""
        if self.session is not None:
            self.session.subscriptions.pop(self.id, None)
        self.session = None

    def move_to(self, session: Session) -> None:
        """TransferSubscriptions."""
        if self.session is not None:
            self.status_change(S.GoodSubscriptionTransferred)
            self.session.subscriptions.pop(self.id, None)
        self.session = session
        session.subscriptions[self.id] = self
        self.reset_lifetime()

    def resend(self) -> None:
        """Report every value once more."""
        self.live.resend()
        for item in self.queued.values():
            if isinstance(item, DataItem):
                item.resend()

    def close(self) -> None:
        """End it."""
        self._closing = True
        for timer in (self._timer, self._sampler):
            if timer is not None:
                timer.cancel()
        if self.session is not None:
            self.session.subscriptions.pop(self.id, None)
        self._on_closed(self)


def _part(type_id: int, number: int, items: list[bytes], end: bytes) -> bytes:
    """A notification as an extension object: its type, and an array of items."""
    body = b"".join(items) + end
    return _PART.pack(1, 0, type_id, 1, len(body) + 4, number) + body
