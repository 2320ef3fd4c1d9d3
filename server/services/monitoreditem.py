"""The monitored item service set (Part 4, 5.13).

Most of a fleet's items are live values with a queue of one: they become columns (`LiveItems`). All
others get a queue of their own (`DataItem`, `EventItem`).
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from nodeset.tags import Kind
from server.errors import ServiceError
from server.events.filter import compile_filter
from server.events.types import EventTypes
from server.livetable import BOTH, LiveTable
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.stack import DataChangeFilter
from server.protocol.wire import I32, response_header
from server.services.attribute import AttributeService
from server.services.subscription import SubscriptionService
from server.space.addressspace import AddressSpace
from server.space.rowparser import RowParser
from server.subscriptions.liveitems import NO_DEADBAND, REPORTING
from server.subscriptions.sampleditems import STATUS_VALUE, DataItem, EventItem, Item
from server.subscriptions.subscription import Subscription

S = ua.StatusCodes
A = ua.AttributeIds

MAX_QUEUE: Final = 1000
MAX_EVENT_QUEUE: Final = 10_000
MIN_SAMPLING: Final = 100.0
SERVER_NOTIFIER: Final = "Server"
_CREATE_RESPONSE: Final = int(ua.ObjectIds.CreateMonitoredItemsResponse_Encoding_DefaultBinary)
_CREATE_HEAD: Final = struct.Struct("<Iii")
# What follows the ReadValueId of an item without a filter, and the result of one (Part 4, 5.13.2).
_PLAIN_ITEM: Final = np.dtype(
    [
        ("mode", "<u4"),
        ("handle", "<u4"),
        ("sampling", "<f8"),
        ("filter", "u1", 3),
        ("queue", "<u4"),
        ("discard", "u1"),
    ]
)
_RESULT: Final = np.dtype(
    [("status", "<u4"), ("id", "<u4"), ("interval", "<f8"), ("queue", "<u4"), ("filter", "u1", 3)]
)
_NONE: Final = b"\xff\xff\xff\xff"


class _RefusedItem(Exception):
    """An item that is not created or changed; `result` is its filter result, if it has one."""

    def __init__(self, code: int, result: Any = None) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = code
        self.result = result


@dataclass(frozen=True, slots=True)
class _LiveRequest:
    """A live value with a queue of one, asked for."""

    row: int
    handle: int
    mode: int
    deadband: float


class MonitoredItemService:
    """Creates, changes and deletes monitored items."""

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
        self._table = table
        self._parser = parser
        self._attributes = attributes
        self._subscriptions = subscriptions
        self._max = max_items
        self._scan_interval = scan_period * 1000
        self._types = EventTypes(self._references)

    def _references(self, node_id: ua.NodeId) -> list[ua.ReferenceDescription]:
        node = self._space.get(node_id)
        return node.references if node is not None else []

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CreateMonitoredItemsRequest, self._create)
        dispatcher.serve(ua.ModifyMonitoredItemsRequest, self._modify)
        dispatcher.serve(ua.SetMonitoringModeRequest, self._set_mode)
        dispatcher.serve(ua.DeleteMonitoredItemsRequest, self._delete)

    # -- create

    def _create(self, call: Call) -> bytes | ua.CreateMonitoredItemsResponse:
        answer = self._create_all_live(call)
        if answer is not None:
            return answer
        params = call.params(ua.CreateMonitoredItemsParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        _check_request(params.ItemsToCreate, params.TimestampsToReturn)
        timestamps = int(params.TimestampsToReturn)
        live: list[tuple[int, _LiveRequest]] = []
        results: list[ua.MonitoredItemCreateResult | None] = []
        for i, wanted in enumerate(params.ItemsToCreate):
            result = ua.MonitoredItemCreateResult()
            try:
                if subscription.item_count() + len(live) >= self._max:
                    raise _RefusedItem(S.BadTooManyMonitoredItems)
                request = self._live_request(wanted)
                if request is not None:
                    live.append((i, request))
                    results.append(None)
                    continue
                self._create_queued(subscription, wanted, timestamps, result)
            except _RefusedItem as refused:
                result.StatusCode = ua.StatusCode(refused.code)
                result.FilterResult = refused.result
            results.append(result)
        first = self._create_live(subscription, [request for _, request in live], timestamps)
        for number, (i, _) in enumerate(live, first):
            results[i] = ua.MonitoredItemCreateResult(
                MonitoredItemId=number,
                RevisedSamplingInterval=self._scan_interval,
                RevisedQueueSize=1,
            )
        subscription.start_sampler()
        response = ua.CreateMonitoredItemsResponse()
        response.Results = results
        return response

    def _create_all_live(self, call: Call) -> bytes | None:
        """A request of nothing but live values with a queue of one and no filter, taken from its bytes."""
        try:
            number, timestamps, count = _CREATE_HEAD.unpack_from(call.data, call.header.end)
        except struct.error:
            return None
        data = call.data[call.header.end + _CREATE_HEAD.size :]
        found = self._parser.records(data, count, _PLAIN_ITEM.itemsize) if count > 0 else None
        if found is None or not 0 <= timestamps <= 3:
            return None
        rows, rests = found
        raw = np.frombuffer(data, np.uint8)[rests[:, None] + np.arange(_PLAIN_ITEM.itemsize)]
        items = raw.view(_PLAIN_ITEM)[:, 0]
        if items["filter"].any() or items["queue"].max() > 1 or items["mode"].max() > REPORTING:
            return None
        subscription = self._subscriptions.own(call.owner, number)
        if subscription.item_count() + count > self._max:
            return None
        first = subscription.new_ids(count)
        ids = np.arange(first, first + count, dtype=np.uint32)
        modes = items["mode"].astype(np.uint8)
        deadbands = np.full(count, NO_DEADBAND)
        subscription.live.add(rows, ids, items["handle"], modes, timestamps, deadbands)
        return self._live_response(call, ids)

    def _live_request(self, wanted: ua.MonitoredItemCreateRequest) -> _LiveRequest | None:
        item, how = wanted.ItemToMonitor, wanted.RequestedParameters
        if item.AttributeId != A.Value or how.QueueSize > 1 or item.IndexRange:
            return None
        row = self._parser.row(item.NodeId)
        if row is None or item.DataEncoding.Name:
            return None
        trigger, deadband = self._data_filter(how.Filter, row)
        if trigger != STATUS_VALUE:
            return None
        return _LiveRequest(row, how.ClientHandle, _mode(wanted.MonitoringMode), deadband)

    def _create_live(self, subscription: Subscription, live: list[_LiveRequest], timestamps: int) -> int:
        first = subscription.new_ids(len(live))
        if live:
            subscription.live.add(
                np.array([r.row for r in live], np.intp),
                np.arange(first, first + len(live), dtype=np.uint32),
                np.array([r.handle for r in live], np.uint32),
                np.array([r.mode for r in live], np.uint8),
                timestamps,
                np.array([r.deadband for r in live]),
            )
        return first

    def _live_response(self, call: Call, ids: NDArray[np.uint32]) -> bytes:
        results = np.zeros(len(ids), _RESULT)
        results["id"], results["interval"], results["queue"] = ids, self._scan_interval, 1
        header = response_header(_CREATE_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(ids)), results.tobytes(), _NONE))

    def _create_queued(
        self,
        subscription: Subscription,
        wanted: ua.MonitoredItemCreateRequest,
        timestamps: int,
        result: ua.MonitoredItemCreateResult,
    ) -> None:
        made: Item
        if wanted.ItemToMonitor.AttributeId == A.EventNotifier:
            made, result.FilterResult = self._event_item(subscription, wanted)
        else:
            made = self._data_item(subscription, wanted, timestamps)
            result.RevisedSamplingInterval = made.interval
        subscription.queued[made.id] = made
        result.MonitoredItemId = made.id
        result.RevisedQueueSize = made.queue_size

    def _data_item(
        self, subscription: Subscription, wanted: ua.MonitoredItemCreateRequest, timestamps: int
    ) -> DataItem:
        item, how = wanted.ItemToMonitor, wanted.RequestedParameters
        first = self._attributes.read_one(item)
        if first.StatusCode.value in _UNMONITORABLE:
            raise _RefusedItem(first.StatusCode.value)
        row = self._parser.row(item.NodeId) if item.AttributeId == A.Value else None
        trigger, deadband = self._data_filter(how.Filter, row)
        made = DataItem(
            id=subscription.new_id(),
            handle=how.ClientHandle,
            mode=_mode(wanted.MonitoringMode),
            queue_size=min(max(how.QueueSize, 1), MAX_QUEUE),
            discard_oldest=bool(how.DiscardOldest),
            attribute=int(item.AttributeId),
            timestamps=timestamps,
            interval=self._interval(how.SamplingInterval, subscription, row),
            row=row,
            trigger=trigger,
            deadband=deadband,
            read=lambda: self._attributes.read_one(item),
        )
        made.sample(time.monotonic())
        return made

    def _interval(self, asked: float, subscription: Subscription, row: int | None) -> float:
        """Revised sampling interval [ms]: live values are sampled by the scan."""
        if row is not None:
            return self._scan_interval
        if not asked >= 0:  # -1 and NaN: the publishing interval
            return subscription.terms.interval
        return min(max(asked, MIN_SAMPLING), 3_600_000.0)

    def _event_item(
        self, subscription: Subscription, wanted: ua.MonitoredItemCreateRequest
    ) -> tuple[EventItem, ua.EventFilterResult]:
        item, how = wanted.ItemToMonitor, wanted.RequestedParameters
        node = self._space.get(item.NodeId)
        if node is None:
            raise _RefusedItem(S.BadNodeIdUnknown)
        notifier = node.attributes.get(A.EventNotifier)
        if notifier is None or not notifier.value.Value.Value & 1:
            raise _RefusedItem(S.BadAttributeIdInvalid if notifier is None else S.BadNotSupported)
        compiled, result = self._compiled(how.Filter)
        is_server = item.NodeId == ua.NodeId(ua.ObjectIds.Server)
        made = EventItem(
            id=subscription.new_id(),
            handle=how.ClientHandle,
            mode=_mode(wanted.MonitoringMode),
            queue_size=_event_queue(how.QueueSize),
            discard_oldest=bool(how.DiscardOldest),
            source=SERVER_NOTIFIER if is_server else str(item.NodeId.Identifier),
            filter=compiled,
        )
        return made, result

    def _compiled(self, wanted: Any) -> tuple[Any, ua.EventFilterResult]:
        if not isinstance(wanted, ua.EventFilter):
            raise _RefusedItem(S.BadEventFilterInvalid)
        compiled, result = compile_filter(wanted, self._types)
        if compiled is None:
            raise _RefusedItem(S.BadEventFilterInvalid, result)
        return compiled, result

    def _data_filter(self, wanted: Any, row: int | None) -> tuple[int, float]:
        """Trigger and deadband, the latter in the value's own unit (Part 4, 7.22.2; Part 8, 7.2)."""
        if wanted is None or (isinstance(wanted, ua.ExtensionObject) and wanted.TypeId.is_null()):
            return STATUS_VALUE, NO_DEADBAND
        if not isinstance(wanted, DataChangeFilter):
            raise _RefusedItem(S.BadFilterNotAllowed)
        if wanted.Trigger not in (0, 1, 2):
            raise _RefusedItem(S.BadMonitoredItemFilterInvalid)
        kind, value = int(wanted.DeadbandType), float(wanted.DeadbandValue)
        if kind == ua.DeadbandType.None_:
            return int(wanted.Trigger), NO_DEADBAND
        if row is None:
            raise _RefusedItem(S.BadFilterNotAllowed)
        return int(wanted.Trigger), self._deadband(kind, value, row)

    def _deadband(self, kind: int, value: float, row: int) -> float:
        tag, _ = self._table.index.locate(row)
        if tag.kind in (Kind.QUARTER, Kind.JAR):
            raise _RefusedItem(S.BadFilterNotAllowed)
        if not value >= 0:
            raise _RefusedItem(S.BadDeadbandFilterInvalid)
        if kind == ua.DeadbandType.Absolute:
            return value
        if kind != ua.DeadbandType.Percent or tag.kind is not Kind.ANALOG or value > 100:
            raise _RefusedItem(S.BadDeadbandFilterInvalid)
        return value / 100 * (tag.high - tag.low)

    # -- modify, mode, delete

    def _modify(self, call: Call) -> ua.ModifyMonitoredItemsResponse:
        params = call.params(ua.ModifyMonitoredItemsParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        _check_request(params.ItemsToModify, params.TimestampsToReturn)
        response = ua.ModifyMonitoredItemsResponse()
        for wanted in params.ItemsToModify:
            result = ua.MonitoredItemModifyResult()
            try:
                self._modify_one(subscription, wanted, int(params.TimestampsToReturn), result)
            except _RefusedItem as refused:
                result.StatusCode = ua.StatusCode(refused.code)
                result.FilterResult = refused.result
            response.Results.append(result)
        subscription.start_sampler()
        return response

    def _modify_one(
        self,
        subscription: Subscription,
        wanted: ua.MonitoredItemModifyRequest,
        timestamps: int,
        result: ua.MonitoredItemModifyResult,
    ) -> None:
        number, how = wanted.MonitoredItemId, wanted.RequestedParameters
        item = subscription.queued.get(number)
        if item is None:
            row = subscription.live.row_of(number)
            if row is None:
                raise _RefusedItem(S.BadMonitoredItemIdInvalid)
            result.RevisedSamplingInterval, result.RevisedQueueSize = self._scan_interval, 1
            trigger, deadband = self._data_filter(how.Filter, row)
            if trigger == STATUS_VALUE and how.QueueSize <= 1:
                subscription.live.change(number, how.ClientHandle, timestamps, deadband)
                return
            item = self._with_queue(subscription, number, row)
        if isinstance(item, EventItem):
            item.filter, result.FilterResult = self._compiled(how.Filter)
            item.change_queue(_event_queue(how.QueueSize), bool(how.DiscardOldest))
        if isinstance(item, DataItem):
            item.trigger, item.deadband = self._data_filter(how.Filter, item.row)
            item.timestamps = timestamps
            item.interval = self._interval(how.SamplingInterval, subscription, item.row)
            item.change_queue(min(max(how.QueueSize, 1), MAX_QUEUE), bool(how.DiscardOldest))
            result.RevisedSamplingInterval = item.interval
        item.handle = how.ClientHandle
        result.RevisedQueueSize = item.queue_size

    def _with_queue(self, subscription: Subscription, number: int, row: int) -> DataItem:
        """Turn a live item into one that has a queue of its own; it reports from the next change on."""
        wanted = ua.MonitoredItemCreateRequest()
        wanted.ItemToMonitor.NodeId = self._parser.node_id(row)
        wanted.ItemToMonitor.AttributeId = A.Value
        wanted.MonitoringMode = subscription.live.mode_of(number)
        due = subscription.live.is_due(number)
        item = self._data_item(subscription, wanted, BOTH)
        item.id = number
        if not due:
            item.waiting.clear()
        subscription.live.remove_all([number])
        subscription.queued[number] = item
        return item

    def _set_mode(self, call: Call) -> ua.SetMonitoringModeResponse:
        params = call.params(ua.SetMonitoringModeParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        check_operations(len(params.MonitoredItemIds))
        if params.MonitoringMode not in (0, 1, 2):
            raise ServiceError(S.BadMonitoringModeInvalid)
        response = ua.SetMonitoringModeResponse()
        for number in params.MonitoredItemIds:
            item = subscription.queued.get(number)
            known = item is not None or number in subscription.live
            if item is not None:
                item.set_mode(int(params.MonitoringMode))
            elif known:
                subscription.live.set_mode(number, int(params.MonitoringMode))
            code = S.Good if known else S.BadMonitoredItemIdInvalid
            response.Parameters.Results.append(ua.StatusCode(code))
        return response

    def _delete(self, call: Call) -> ua.DeleteMonitoredItemsResponse:
        params = call.params(ua.DeleteMonitoredItemsParameters)
        subscription = self._subscriptions.own(call.owner, params.SubscriptionId)
        check_operations(len(params.MonitoredItemIds))
        known = subscription.live.remove_all(list(params.MonitoredItemIds))
        response = ua.DeleteMonitoredItemsResponse()
        for number, was_live in zip(params.MonitoredItemIds, known, strict=True):
            gone = bool(was_live) or subscription.queued.pop(number, None) is not None
            code = S.Good if gone else S.BadMonitoredItemIdInvalid
            response.Results.append(ua.StatusCode(code))
        return response


_UNMONITORABLE: Final = frozenset(
    {
        S.BadNodeIdUnknown,
        S.BadAttributeIdInvalid,
        S.BadDataEncodingInvalid,
        S.BadDataEncodingUnsupported,
        S.BadIndexRangeInvalid,
    }
)


def _check_request(items: list[Any], timestamps: int) -> None:
    check_operations(len(items))
    if timestamps not in (0, 1, 2, 3):
        raise ServiceError(S.BadTimestampsToReturnInvalid)


def _event_queue(asked: int) -> int:
    """Revised size: 0 and 1 ask for the server's own for events (Part 4, 7.21)."""
    return MAX_EVENT_QUEUE if asked <= 1 else min(asked, MAX_EVENT_QUEUE)


def _mode(wanted: int) -> int:
    if wanted not in (0, 1, 2):
        raise _RefusedItem(S.BadMonitoringModeInvalid)
    return int(wanted)
