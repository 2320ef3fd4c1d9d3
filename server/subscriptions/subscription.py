"""One subscription: its items, its publishing cycle and what it sent (Part 4, 5.14.1).

The cycle is the state machine of Part 4, table 86, with a timer of its own. Messages are built as
bytes, and kept until they are acknowledged so that they can be sent again.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.livetable import LiveTable
from server.protocol.dispatch import Call
from server.protocol.sessions import Session
from server.protocol.wire import now_ticks, response_header, u32_array
from server.security.users import User
from server.subscriptions.items import ROW_BYTES, Items
from server.subscriptions.limits import Budget
from server.subscriptions.sampler import Sampler
from server.subscriptions.sentmessages import MessageMemory, SentMessages

S = ua.StatusCodes
Ids = ua.ObjectIds

_MOST: Final = 100_000  # notifications in a message
_TURN: Final = 0.005  # s that messages to one session may keep others waiting
_PUBLISH_RESPONSE: Final = int(Ids.PublishResponse_Encoding_DefaultBinary)
_DATA_CHANGE: Final = int(Ids.DataChangeNotification_Encoding_DefaultBinary)
_EVENTS: Final = int(Ids.EventNotificationList_Encoding_DefaultBinary)
_STATUS_CHANGE: Final = int(Ids.StatusChangeNotification_Encoding_DefaultBinary)
_HEAD: Final = struct.Struct("<Iqi")
_PART: Final = struct.Struct("<BBHBii")
_NONE: Final = b"\xff\xff\xff\xff"
_turns = itertools.count(1)


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


@dataclass(slots=True)
class Counts:
    """What diagnostics tell of a subscription (Part 5, 12.15)."""

    modified: int = 0
    enabled: int = 0
    disabled: int = 0
    republish_requests: int = 0
    republished: int = 0
    transfer_requests: int = 0
    transferred_to_other: int = 0
    transferred_to_same: int = 0
    publish_requests: int = 0
    data_changes: int = 0
    events: int = 0
    notifications: int = 0
    late: int = 0


@dataclass(frozen=True)
class Shared:
    """What all subscriptions of the server share."""

    table: LiveTable
    sampler: Sampler
    items: Budget
    messages: MessageMemory


class Subscription:
    """A subscription that belongs to a session, or to none while it waits for a transfer."""

    def __init__(
        self,
        number: int,
        session: Session,
        terms: Terms,
        enabled: bool,
        shared: Shared,
        closed: Callable[[Subscription], None],
    ) -> None:
        self.id = number
        self.session: Session | None = session
        self.owner = session.user
        self.certificate = session.certificate
        self.terms = terms
        self.enabled = enabled
        self.items = Items(shared.table, shared.sampler, shared.items, number)
        self.sent = SentMessages(shared.messages)
        self.counts = Counts()
        self.late = False
        self.closed = False
        self.turn = 0  # when it last sent a message: its place among others of the same priority
        self._sequence = 0
        self._keep_alive = 0  # 0: the first message is sent at the end of the first cycle
        self._lifetime = terms.lifetime
        self._on_closed = closed
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._schedule()

    @property
    def user(self) -> User:
        """Whom it tells: its session's user, or the one that it waits for."""
        return self.session.user if self.session is not None else self.owner

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next message that has notifications."""
        return self._sequence % 0xFFFF_FFFF + 1

    @property
    def silent_cycles(self) -> int:
        """Cycles since the last message."""
        return self.terms.keep_alive - max(self._keep_alive, 0)

    @property
    def lonely_cycles(self) -> int:
        """Cycles since the client last showed that it is there."""
        return self.terms.lifetime - self._lifetime

    # -- the publishing cycle

    def reset_lifetime(self) -> None:
        """The client showed that it is there."""
        self._lifetime = self.terms.lifetime

    def change_terms(self, terms: Terms) -> None:
        """ModifySubscription: the new interval begins now."""
        other = terms.interval != self.terms.interval
        self.terms = terms
        self.counts.modified += 1
        self.reset_lifetime()
        self._keep_alive = min(self._keep_alive, terms.keep_alive)
        if other and self._timer is not None:
            self._timer.cancel()
            self._due = self._loop.time()
            self._schedule()

    def enable(self, enabled: bool) -> None:
        """SetPublishingMode."""
        self.counts.enabled += enabled and not self.enabled
        self.counts.disabled += self.enabled and not enabled
        self.enabled = enabled
        self.reset_lifetime()

    def _schedule(self) -> None:
        now = self._loop.time()
        period = self.terms.interval / 1000
        self._due += period
        if self._due < now:  # cycles that were missed are skipped, not caught up
            self._due = now + period
        self._timer = self._loop.call_at(self._due, self._cycle)

    def _cycle(self) -> None:
        if self.closed:
            return
        self._schedule()
        session = self.session
        if session is not None:
            refuse_expired(session)
        if session is None or not session.publish_queue:
            self._lifetime -= 1
            if self._lifetime <= 0:
                self.expire()
                return
        self._keep_alive -= 1
        if (self.enabled and self.items.waiting()) or self._keep_alive <= 0:
            self._publish()

    def _publish(self) -> None:
        """Send what waits, or a keep-alive; late when there is no Publish request for it."""
        was_late, self.late = self.late, True
        if self.session is not None:
            serve(self.session)
        self.counts.late += self.late and not was_late

    def send_next(self) -> None:
        """Answer a Publish request with what waits, or with a keep-alive."""
        request = self._next_request()
        if request is None:
            return
        parts, more = self._collect() if self.enabled else ([], False)
        self._send(request, parts, more)
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
        most = min(self.terms.max_notifications or _MOST, _MOST)
        if not self.items.waiting():
            return [], False
        batch = self.items.take(most, max(self._space(), 1))
        parts, counts = [], self.counts
        if batch.data:
            parts.append(_part(_DATA_CHANGE, batch.changes, batch.data, _NONE))
        if batch.events:
            parts.append(_part(_EVENTS, len(batch.events), batch.events, b""))
        counts.data_changes += batch.changes
        counts.events += len(batch.events)
        counts.notifications += batch.changes + len(batch.events)
        return parts, self.items.waiting()

    def _space(self) -> int:
        """How many bytes of notifications a message may hold, by the client's limits and ours."""
        session = self.session
        most = _MOST * ROW_BYTES
        if session is not None and session.connection is not None:
            for limit in (session.max_response, session.connection.channel.max_response):
                if limit:
                    most = min(most, limit - 1024)
        return most

    def _send(self, request: PublishRequest, parts: list[bytes], more: bool) -> None:
        sequence = self.next_sequence
        message = b"".join((_HEAD.pack(sequence, now_ticks(), len(parts)), *parts))
        if parts:
            self._sequence = sequence
            self.sent.keep(sequence, message)
        self._keep_alive = self.terms.keep_alive
        self.turn = next(_turns)
        self.counts.publish_requests += 1
        self.reset_lifetime()
        request.call.reply(self._response(request, message, more))

    def _response(self, request: PublishRequest, message: bytes, more: bool) -> bytes:
        return b"".join(
            (
                response_header(_PUBLISH_RESPONSE, request.call.header.handle),
                struct.pack("<I", self.id),
                u32_array(self.sent.numbers()),
                b"\x01" if more else b"\x00",
                message,
                u32_array(request.results),
                _NONE,
            )
        )

    def acknowledge(self, sequence: int) -> int:
        """Forget a message that has arrived; the StatusCode for the acknowledgement."""
        return int(S.Good if self.sent.acknowledge(sequence) else S.BadSequenceNumberUnknown)

    # -- its end

    def status_change(self, code: int) -> None:
        """Tell the session what became of the subscription, at its next Publish if not at once."""
        request = self._next_request()
        if request is not None:
            self._send_status(request, code)
        elif self.session is not None:
            self.session.farewells.append(lambda request: self._send_status(request, code))

    def _send_status(self, request: PublishRequest, code: int) -> None:
        """A message that takes no sequence number from those that may follow in another session."""
        body = struct.pack("<I", code) + b"\x00"
        part = struct.pack("<BBHBi", 1, 0, _STATUS_CHANGE, 1, len(body)) + body
        message = _HEAD.pack(self.next_sequence, now_ticks(), 1) + part
        request.call.reply(self._response(request, message, False))

    def expire(self) -> None:
        """The client was silent for the whole lifetime."""
        self.status_change(S.BadTimeout)
        self.close()

    def orphan(self) -> None:
        """The session ended without deleting it: wait for a transfer until the lifetime is over."""
        self._leave()

    def move_to(self, session: Session) -> None:
        """TransferSubscriptions."""
        if self.session is not None:
            self.status_change(S.GoodSubscriptionTransferred)
        self._leave()
        self.session = session
        self.owner, self.certificate = session.user, session.certificate
        session.subscriptions[self.id] = self
        self.reset_lifetime()

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.subscriptions.pop(self.id, None)
            refuse_idle(session)

    def close(self) -> None:
        """End it."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self.items.close()
        self._leave()
        self._on_closed(self)
        self.sent.close()


def serve(session: Session) -> None:
    """Answer Publish requests for subscriptions that are late, by priority and in turn (Part 4, 5.14.1.2)."""
    end = time.monotonic() + _TURN
    while session.publish_queue:
        if session.connection is not None and session.connection.congested:
            return  # a later cycle sends what is late, once the client has read what it was sent
        late = [subscription for subscription in session.subscriptions.values() if subscription.late]
        if not late:
            return
        min(late, key=lambda each: (-each.terms.priority, each.turn)).send_next()
        if time.monotonic() > end:
            asyncio.get_running_loop().call_soon(serve, session)
            return


def refuse_expired(session: Session) -> None:
    """Answer the oldest Publish requests whose TimeoutHint is over."""
    now = time.monotonic()
    while session.publish_queue and session.publish_queue[0].expires <= now:
        session.publish_queue.popleft().fault(S.BadTimeout)


def refuse_idle(session: Session) -> None:
    """Answer all Publish requests of a session that has no subscription any more (Part 4, 5.14.5)."""
    if session.subscriptions or session.farewells:
        return
    while session.publish_queue:
        session.publish_queue.popleft().fault(S.BadNoSubscription)


def _part(type_id: int, number: int, items: list[bytes], end: bytes) -> bytes:
    """A notification as an extension object: its type, and an array of items."""
    body = b"".join(items) + end
    return _PART.pack(1, 0, type_id, 1, len(body) + 4, number) + body
