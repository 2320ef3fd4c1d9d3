"""The monitored item service set (Part 4, 5.13).

Most of a fleet's items are live values with a queue of one: a request of nothing else is answered at once.
All others are created and changed one by one, and a long request pauses so that others get their turn.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import Final, TypeVar

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.errors import ServiceError
from server.livetable import LiveTable
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.stack import struct_to_binary
from server.protocol.turns import Work
from server.protocol.wire import I32, response_header, return_diagnostics
from server.services.attribute import AttributeService
from server.services.itemrequests import LiveRequest, LiveRequests
from server.services.itemterms import ItemTerms, RefusedItem, mode_of
from server.services.subscription import SubscriptionService
from server.space.addressspace import AddressSpace
from server.space.rowparser import RowParser
from server.subscriptions.limits import (
    EVENT_COST,
    LIVE_COST,
    MAX_EVENT_QUEUE,
    MAX_ITEMS_PER_CALL,
    MAX_QUEUE,
    QUEUE_COST,
    SAMPLED_COST,
)
from server.subscriptions.liveitems import REPORTING, LiveItem
from server.subscriptions.livequeues import STATUS_VALUE, LiveTerms
from server.subscriptions.sampleditems import DataItem, EventItem
from server.subscriptions.subscription import Subscription

S = ua.StatusCodes
A = ua.AttributeIds

SERVER_NOTIFIER: Final = "Server"
_CREATE_RESPONSE: Final = int(ua.ObjectIds.CreateMonitoredItemsResponse_Encoding_DefaultBinary)
_MODIFY_RESPONSE: Final = int(ua.ObjectIds.ModifyMonitoredItemsResponse_Encoding_DefaultBinary)
_HEAD: Final = struct.Struct("<Iii")  # of both requests: SubscriptionId, TimestampsToReturn, number of items
_ITEMS_AT: Final = 8
_AT_ONCE: Final = 1000  # items
_LINKED: Final = 10  # items at once, each of which may have to be moved
_PIECES: Final = 20_000  # of an item: a filter of events may have a thousand fields
_RESULT: Final = np.dtype(
    [("status", "<u4"), ("id", "<u4"), ("interval", "<f8"), ("queue", "<u4"), ("filter", "u1", 3)]
)
_CREATED: Final = struct.Struct("<IIdI3x")
_MODIFIED: Final = struct.Struct("<IdI3x")
_NONE: Final = b"\xff\xff\xff\xff"
_Wanted = TypeVar("_Wanted")


class MonitoredItemService:
    """Creates, changes, links and deletes monitored items; `max_items` in one subscription."""

    def __init__(
        self,
        space: AddressSpace,
        table: LiveTable,
        parser: RowParser,
        attributes: AttributeService,
        subscriptions: SubscriptionService,
        max_items: int,
        scan_period: float,
    ) -> None:
        self._space = space
        self._parser = parser
        self._attributes = attributes
        self._subscriptions = subscriptions
        self._max = max_items
        self._terms = ItemTerms(space, table, scan_period * 1000)
        self.event_types = self._terms.event_types
        self._live_requests = LiveRequests(parser)

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CreateMonitoredItemsRequest, self._create)
        dispatcher.serve(ua.ModifyMonitoredItemsRequest, self._modify)
        dispatcher.serve(ua.SetMonitoringModeRequest, self._set_mode)
        dispatcher.serve(ua.SetTriggeringRequest, self._set_triggering)
        dispatcher.serve(ua.DeleteMonitoredItemsRequest, self._delete)

    def _head(self, call: Call) -> tuple[Subscription, int, int]:
        """Subscription, TimestampsToReturn and number of items of a request."""
        try:
            number, timestamps, count = _HEAD.unpack_from(call.data, call.header.end)
        except struct.error:
            raise ServiceError(S.BadDecodingError) from None
        subscription = self._subscriptions.own(call.owner, number)
        check_operations(count, MAX_ITEMS_PER_CALL)
        if not 0 <= timestamps <= 3:
            raise ServiceError(S.BadTimestampsToReturnInvalid)
        return subscription, timestamps, count

    def _has_room(self, subscription: Subscription, count: int, size: int) -> bool:
        """Whether there may be `count` more items that take `size` bytes."""
        memory, session = self._subscriptions.item_memory, subscription.session
        theirs = sum(s.items.footprint for s in session.subscriptions.values()) if session else 0
        return (
            len(subscription.items) + count <= self._max
            and theirs + size <= memory.share
            and size <= memory.left
        )

    def _may_read(self, session: Session, rows: Index) -> bool:
        return self._attributes.may_read(session, self._attributes.are_guarded(rows))

    # -- create

    def _create(self, call: Call) -> bytes | Work:
        subscription, timestamps, count = self._head(call)
        if count > _AT_ONCE:
            return self._create_many(call, subscription, timestamps, count)
        request = self._live_requests.parse(call.data, call.header.end + 4)
        if request is not None and self._may_have(call.owner, subscription, request, count):
            return self._create_live(call, subscription, request)
        return self._create_each(call, subscription, timestamps)

    def _create_many(self, call: Call, subscription: Subscription, timestamps: int, count: int) -> Work:
        request = yield from self._live_requests.parse_in_turns(call.data, call.header.end + 4)
        _check_open(subscription)
        if request is not None and self._may_have(call.owner, subscription, request, count):
            return self._create_live(call, subscription, request)
        return (yield from self._create_each(call, subscription, timestamps))

    def _may_have(
        self, session: Session, subscription: Subscription, request: LiveRequest, count: int
    ) -> bool:
        """Whether a session may have all live values of a request, and there is room for them."""
        room = self._has_room(subscription, count, count * LIVE_COST.item)
        return room and self._may_read(session, request.rows)

    def _create_live(self, call: Call, subscription: Subscription, request: LiveRequest) -> bytes:
        ids = subscription.items.add_live(
            request.rows, request.handles, request.modes, request.timestamps, -1.0
        )
        results = np.zeros(len(ids), _RESULT)
        results["id"], results["interval"], results["queue"] = ids, self._terms.scan_interval, 1
        header = response_header(_CREATE_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(ids)), results.tobytes(), _NONE))

    def _create_each(self, call: Call, subscription: Subscription, timestamps: int) -> Work:
        results: list[bytes] = []
        live = _LiveBatch(subscription)
        for wanted in (yield from _decoded(call, ua.MonitoredItemCreateRequest)):
            yield
            _check_open(subscription)
            try:
                found = self._create_one(call, wanted, timestamps, live)
                if found is None:
                    live.places.append(len(results))
                results.append(found or b"")
            except RefusedItem as refused:
                result = ua.MonitoredItemCreateResult(ua.StatusCode(refused.code))
                result.FilterResult = refused.result
                results.append(struct_to_binary(result))
        for place, number, size in live.create():
            results[place] = _CREATED.pack(0, number, self._terms.scan_interval, size)
        header = response_header(_CREATE_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    def _create_one(
        self, call: Call, wanted: ua.MonitoredItemCreateRequest, timestamps: int, live: _LiveBatch
    ) -> bytes | None:
        """The result of an item, or None of a live value, which is created with the others in `live`."""
        item, session = wanted.ItemToMonitor, call.owner
        if item.AttributeId == A.EventNotifier:
            return self._create_event_item(call, live.subscription, wanted)
        plain = item.AttributeId == A.Value and not item.IndexRange and not item.DataEncoding.Name
        row = self._parser.row(item.NodeId) if plain else None
        if row is None or not self._may_read(session, np.array([row], np.intp)):
            return self._create_data_item(session, live.subscription, wanted, timestamps)
        self._add_live(wanted, row, timestamps, live)
        return None

    def _add_live(
        self, wanted: ua.MonitoredItemCreateRequest, row: int, timestamps: int, live: _LiveBatch
    ) -> None:
        how, mode = wanted.RequestedParameters, mode_of(wanted.MonitoringMode)
        trigger = self._terms.trigger(how.Filter)
        deadband = self._terms.live_deadband(how.Filter, row)
        size = self._subscriptions.item_memory.queue(how.QueueSize, MAX_QUEUE, QUEUE_COST)
        cost = LIVE_COST.item if trigger == STATUS_VALUE and size == 1 else QUEUE_COST.of(size)
        if not self._has_room(live.subscription, 1 + len(live.items), live.size + cost):
            raise RefusedItem(S.BadTooManyMonitoredItems)
        live.size += cost
        live.items.append(LiveItem(row, how.ClientHandle, timestamps, mode, deadband))
        live.terms.append(LiveTerms(trigger, size, bool(how.DiscardOldest)))

    def _check_room(self, subscription: Subscription, size: int) -> None:
        if not self._has_room(subscription, 1, size):
            raise RefusedItem(S.BadTooManyMonitoredItems)

    def _readable(self, item: ua.ReadValueId, session: Session) -> ua.DataValue:
        """The present value; refused where there will never be one.

        What the user may not read is told as a value, as rights may change (Part 4, 5.13.2.1).
        """
        now = self._attributes.read_one(item, session)
        if now.StatusCode.value in _UNMONITORABLE:
            raise RefusedItem(now.StatusCode.value)
        return now

    def _create_data_item(
        self,
        session: Session,
        subscription: Subscription,
        wanted: ua.MonitoredItemCreateRequest,
        timestamps: int,
    ) -> bytes:
        item, how = wanted.ItemToMonitor, wanted.RequestedParameters
        mode = mode_of(wanted.MonitoringMode)
        now = self._readable(item, session)
        trigger = self._terms.trigger(how.Filter)
        deadband = self._terms.deadband(how.Filter, item.AttributeId, now)
        size = self._subscriptions.item_memory.queue(how.QueueSize, MAX_QUEUE, SAMPLED_COST)
        self._check_room(subscription, SAMPLED_COST.of(size))
        made = DataItem(
            id=subscription.items.new_ids(),
            handle=how.ClientHandle,
            mode=mode,
            queue_size=size,
            discard_oldest=bool(how.DiscardOldest),
            attribute=int(item.AttributeId),
            timestamps=timestamps,
            interval=self._terms.interval(how.SamplingInterval, subscription.terms.interval),
            trigger=trigger,
            deadband=deadband,
            # While it waits for a transfer it is read for whom it was.
            read=lambda: self._attributes.read_one(item, subscription.session or session),
        )
        subscription.items.add_other(made)
        return _CREATED.pack(0, made.id, made.interval, made.queue_size)

    def _create_event_item(
        self, call: Call, subscription: Subscription, wanted: ua.MonitoredItemCreateRequest
    ) -> bytes:
        item, how = wanted.ItemToMonitor, wanted.RequestedParameters
        source = self._notifier(item.NodeId, call.owner)
        mode = mode_of(wanted.MonitoringMode)
        compiled, result = self._terms.event_filter(how.Filter, return_diagnostics(call.data))
        asked = self._terms.event_queue(how.QueueSize)
        size = self._subscriptions.item_memory.queue(asked, MAX_EVENT_QUEUE, EVENT_COST)
        self._check_room(subscription, EVENT_COST.of(size))
        made = EventItem(
            id=subscription.items.new_ids(),
            handle=how.ClientHandle,
            mode=mode,
            queue_size=size,
            discard_oldest=bool(how.DiscardOldest),
            source=source,
            filter=compiled,
        )
        subscription.items.add_other(made)
        created = ua.MonitoredItemCreateResult(ua.StatusCode(), made.id, 0.0, size, result)
        return bytes(struct_to_binary(created))

    def _notifier(self, node_id: ua.NodeId, session: Session) -> str:
        """What events name the notifier by."""
        node = self._space.get(node_id)
        if node is None:
            raise RefusedItem(S.BadNodeIdUnknown)
        notifier = node.attributes.get(A.EventNotifier)
        if notifier is None or not notifier.value.Value.Value & 1:
            raise RefusedItem(S.BadAttributeIdInvalid if notifier is None else S.BadNotSupported)
        refused = self._attributes.event_refusal(node_id, session)
        if refused:
            raise RefusedItem(refused)
        is_server = node_id == ua.NodeId(ua.ObjectIds.Server)
        return SERVER_NOTIFIER if is_server else str(node_id.Identifier)

    # -- modify

    def _modify(self, call: Call) -> Work:
        subscription, timestamps, _ = self._head(call)
        results = []
        for wanted in (yield from _decoded(call, ua.MonitoredItemModifyRequest)):
            yield
            _check_open(subscription)
            try:
                results.append(self._modify_one(call, subscription, wanted, timestamps))
            except RefusedItem as refused:
                result = ua.MonitoredItemModifyResult(ua.StatusCode(refused.code))
                result.FilterResult = refused.result
                results.append(struct_to_binary(result))
        header = response_header(_MODIFY_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    def _modify_one(
        self,
        call: Call,
        subscription: Subscription,
        wanted: ua.MonitoredItemModifyRequest,
        timestamps: int,
    ) -> bytes:
        number, how = wanted.MonitoredItemId, wanted.RequestedParameters
        item = subscription.items.others.get(number)
        if isinstance(item, EventItem):
            return self._modify_event_item(call, subscription, item, how)
        if isinstance(item, DataItem):
            return self._modify_data_item(subscription, item, how, timestamps)
        row = subscription.items.row_of(number)
        if row is None:
            raise RefusedItem(S.BadMonitoredItemIdInvalid)
        return self._modify_live(subscription, number, row, how, timestamps)

    def _modify_live(
        self, subscription: Subscription, number: int, row: int, how: ua.MonitoringParameters, timestamps: int
    ) -> bytes:
        trigger = self._terms.trigger(how.Filter)
        deadband = self._terms.live_deadband(how.Filter, row)
        items, interval = subscription.items, self._terms.scan_interval
        if number in items.live:
            if trigger == STATUS_VALUE and how.QueueSize <= 1:
                items.live.change(number, how.ClientHandle, timestamps, deadband)
                return _MODIFIED.pack(0, interval, 1)
            items.with_queue(number, LiveTerms())
        had = items.queues.size_of(number)
        size = self._room_for(subscription, how.QueueSize, had)
        changed = LiveItem(row, how.ClientHandle, timestamps, REPORTING, deadband)
        items.queues.change(number, changed, LiveTerms(trigger, size, bool(how.DiscardOldest)))
        items.account()
        return _MODIFIED.pack(0, interval, size)

    def _room_for(self, subscription: Subscription, asked: int, had: int) -> int:
        """Revised size of the queue of a live value that had room for `had`."""
        size = self._subscriptions.item_memory.queue(asked, MAX_QUEUE, QUEUE_COST)
        more = max(size - had, 0) * QUEUE_COST.entry
        return size if self._has_room(subscription, 0, more) else had

    def _modify_data_item(
        self, subscription: Subscription, item: DataItem, how: ua.MonitoringParameters, timestamps: int
    ) -> bytes:
        trigger = self._terms.trigger(how.Filter)
        deadband = self._terms.deadband(how.Filter, item.attribute, item.read())
        size = self._subscriptions.item_memory.queue(how.QueueSize, MAX_QUEUE, SAMPLED_COST)
        interval = self._terms.interval(how.SamplingInterval, subscription.terms.interval)
        item.handle = how.ClientHandle
        item.change(trigger, deadband, timestamps, interval)
        subscription.items.change_queue(item, size, bool(how.DiscardOldest))
        return _MODIFIED.pack(0, interval, size)

    def _modify_event_item(
        self, call: Call, subscription: Subscription, item: EventItem, how: ua.MonitoringParameters
    ) -> bytes:
        compiled, result = self._terms.event_filter(how.Filter, return_diagnostics(call.data))
        asked = self._terms.event_queue(how.QueueSize)
        size = self._subscriptions.item_memory.queue(asked, MAX_EVENT_QUEUE, EVENT_COST)
        item.filter, item.handle = compiled, how.ClientHandle
        subscription.items.change_queue(item, size, bool(how.DiscardOldest))
        return bytes(struct_to_binary(ua.MonitoredItemModifyResult(ua.StatusCode(), 0.0, size, result)))

    # -- mode, links, delete

    def _set_mode(self, call: Call) -> Work:
        params = call.params(ua.SetMonitoringModeParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        check_operations(len(params.MonitoredItemIds), MAX_ITEMS_PER_CALL)
        if params.MonitoringMode not in (0, 1, 2):
            raise ServiceError(S.BadMonitoringModeInvalid)
        response = ua.SetMonitoringModeResponse()
        for ids in _batches(params.MonitoredItemIds):
            _check_open(subscription)
            known = subscription.items.set_modes(ids, int(params.MonitoringMode))
            response.Parameters.Results += _codes(known)
            yield
        return response

    def _set_triggering(self, call: Call) -> Work:
        """Links to remove go before those to add (Part 4, 5.13.5)."""
        params = call.params(ua.SetTriggeringParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        items = subscription.items
        add, remove = params.LinksToAdd or [], params.LinksToRemove or []
        check_operations(len(add) + len(remove), MAX_ITEMS_PER_CALL)
        trigger = params.TriggeringItemId
        if trigger not in items:
            raise ServiceError(S.BadMonitoredItemIdInvalid)
        response = ua.SetTriggeringResponse()
        result = response.Parameters
        for ids in _batches(remove):
            result.RemoveResults += _codes([items.unlink(trigger, number) for number in ids.tolist()])
            yield
        for ids in _batches(add, _LINKED):
            _check_open(subscription)
            if trigger not in items:
                raise ServiceError(S.BadMonitoredItemIdInvalid)
            result.AddResults += _codes(items.link_all(trigger, ids.tolist()))
            yield
        return response

    def _delete(self, call: Call) -> Work:
        params = call.params(ua.DeleteMonitoredItemsParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        check_operations(len(params.MonitoredItemIds), MAX_ITEMS_PER_CALL)
        response = ua.DeleteMonitoredItemsResponse()
        for ids in _batches(params.MonitoredItemIds):
            _check_open(subscription)
            response.Results += _codes(subscription.items.remove(ids))
            yield
        return response


class _LiveBatch:
    """Live values of one request, which are created together once all of it has been looked at."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.items: list[LiveItem] = []
        self.terms: list[LiveTerms] = []
        self.places: list[int] = []  # of their results
        self.size = 0  # bytes

    def create(self) -> Iterator[tuple[int, int, int]]:
        """Create them; place, id and size of the queue of each."""
        plain = [i for i, terms in enumerate(self.terms) if terms in _PLAIN]
        others = sorted(set(range(len(self.items))) - set(plain))
        items = self.subscription.items
        for chosen, ids in (
            (plain, items.add_lives([self.items[i] for i in plain])),
            (others, items.add_queues([self.items[i] for i in others], [self.terms[i] for i in others])),
        ):
            for i, number in zip(chosen, ids.tolist(), strict=True):
                yield self.places[i], number, self.terms[i].size


_PLAIN: Final = (LiveTerms(), LiveTerms(discard_oldest=False))
_UNMONITORABLE: Final = frozenset(
    {
        S.BadNodeIdUnknown,
        S.BadAttributeIdInvalid,
        S.BadDataEncodingInvalid,
        S.BadDataEncodingUnsupported,
        S.BadIndexRangeInvalid,
    }
)
_KNOWN: Final = {
    True: ua.StatusCode(S.Good),
    False: ua.StatusCode(S.BadMonitoredItemIdInvalid),
}


def _batches(ids: list[int], size: int = _AT_ONCE) -> Iterator[NDArray[np.uint32]]:
    """Ids in parts; between two of them others may be served."""
    for i in range(0, len(ids), size):
        yield np.array(ids[i : i + size], np.uint32)


def _codes(known: NDArray[np.bool_] | list[bool]) -> list[ua.StatusCode]:
    """A StatusCode for each id that is known or not."""
    return [_KNOWN[bool(each)] for each in known]


def _decoded(call: Call, kind: type[_Wanted]) -> Generator[None, None, list[_Wanted]]:
    """The items of a request; none is acted upon before all are known to be right."""
    wanted: list[_Wanted] = []
    for each in call.elements(kind, call.header.end + _ITEMS_AT, MAX_ITEMS_PER_CALL, _PIECES):
        wanted.append(each)
        yield
    return wanted


def _check_open(subscription: Subscription) -> None:
    """It may have ended while a request had to pause."""
    if subscription.closed:
        raise ServiceError(S.BadSubscriptionIdInvalid)
