"""Conditions for clients (Part 9): the alarm table's transitions as events, and the methods of conditions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import numpy as np
from asyncua import ua

from nodeset.fleet import Index
from nodeset.frame import Frame
from nodeset.index import MIRROR, TagIndex
from server.alarms.errors import AlarmError
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.management.management import Management
from server.alarms.mirror import ConditionMirror
from server.alarms.overlay import Overlay
from server.alarms.state import Flags, Transitions
from server.alarms.table import AlarmTable
from server.events.event import Path, node_id, refresh_end, refresh_start, string
from server.protocol.turns import Backlog, Work
from server.security.permissions import Profile
from server.services.method import Fields, Invocation, MethodError, MethodService, Outputs
from server.services.monitoreditem import SERVER_NOTIFIER
from server.services.subscription import SubscriptionService
from server.space.conditionmembers import METHODS
from server.subscriptions.listeners import Encoded, Listeners
from server.subscriptions.sampleditems import EventItem

S = ua.StatusCodes
Ids = ua.ObjectIds

FLEET: Final = "Fleet"
SIMULATION: Final = "Simulation"
_AT_ONCE: Final = 20  # conditions that are told before others may have their turn
_MOST_LEFT: Final = 10  # scans whose transitions may wait to be told
_REMEMBERED: Final = 5000  # events that a refresh has told
_FILTERS: Final = 8  # of each
_DEPTH: Final = 3  # of jars below sites: they are no notifiers
_COMMENTED: Final[tuple[Path, ...]] = (("ConditionEventId",), ("Comment",))


Sink = Callable[[ConditionEvent], None]


class Conditions:
    """Tells subscribers what the alarm table says, and lets them act on it.

    Each of `sinks` is told every event once, in their order, before subscribers are; `keep` is the first.
    """

    def __init__(
        self,
        table: AlarmTable,
        subscriptions: SubscriptionService,
        keep: Sink,
        namespace: int,
        clock: Callable[[], int],
        management: Management | None = None,
    ) -> None:
        self.table = table
        self.management = management or Management(table)
        self.sinks: list[Sink] = [keep]
        self._overlay: Overlay | None = None  # while simulations run
        self.mirror = ConditionMirror(table, self.tell, clock, self.management)  # where it has nodes
        self._subscriptions = subscriptions
        self._namespace = namespace
        self._clock = clock
        self._refreshing: set[int] = set()  # subscriptions
        self._told = _Told()
        self._backlog = Backlog()

    def register(self, methods: MethodService) -> None:
        """Take on the methods of ConditionType and AcknowledgeableConditionType."""
        for name, function, audit in (
            ("Enable", self._enable, Ids.AuditConditionEnableEventType),
            ("Disable", self._disable, Ids.AuditConditionEnableEventType),
            ("AddComment", self._add_comment, Ids.AuditConditionCommentEventType),
            ("Acknowledge", self._acknowledge, Ids.AuditConditionAcknowledgeEventType),
        ):
            method_id = ua.NodeId(METHODS[name])
            fields = _audit_fields(name)
            methods.add(method_id, Profile.CALL_OPERATOR, function, audit, name, fields)
        refresh = ua.NodeId(Ids.ConditionType_ConditionRefresh)
        methods.add(refresh, Profile.CALL_OPEN, self._refresh)
        refresh_one = ua.NodeId(Ids.ConditionType_ConditionRefresh2)
        methods.add(refresh_one, Profile.CALL_OPEN, self._refresh_item)

    def step(self, frame: Frame) -> None:
        """Evaluate a scan, tell what changed, and count alarms into the frame."""
        transitions = self.table.step(frame)
        self.management.step(frame, transitions)
        if self._overlay is not None:
            transitions = self._overlay.of_plant(transitions)
        self.tell(self.table, transitions)

    # -- simulations

    def touch(self, touched: Flags, index: TagIndex) -> None:
        """From now on show conditions of these live variables as simulated, and only those.

        Who was shown as simulated before and is so no more is told again; what was done to it is forgotten.
        """
        rows = self.table.index.of_inputs(touched, index)
        overlay = self._overlay
        if overlay is None:
            overlay = Overlay(self.table)
            self.management.begin_simulation()
        try:
            for table, transitions in overlay.show(rows, self._clock()):
                self.tell(table, transitions)
        finally:  # whatever happens, what is not simulated is not hidden
            self._overlay = overlay if touched.any() else None
            if self._overlay is None:
                self.management.end_simulation(self._clock())
            else:
                self.management.keep_simulated(self._overlay, self._clock())

    def simulate(self, frame: Frame) -> None:
        """The same as `step` for a scan of what is simulated; the fork of the alarm table takes it."""
        assert self._overlay is not None
        transitions = self._overlay.step(frame)
        self.management.simulate(frame, self._overlay, transitions)
        self.tell(self._overlay.simulated, transitions)

    # -- telling

    def tell(self, table: AlarmTable, transitions: Transitions, at: str = "") -> None:
        """Send the events of transitions: a few at once, of many a slice at a time between others' turns.

        `at` stands before the paths of their sources.
        """
        if not len(transitions):
            return
        if len(self._backlog) >= _MOST_LEFT:
            self._backlog.finish()
        self._backlog.add(self._telling(table, transitions, at))

    def _telling(self, table: AlarmTable, transitions: Transitions, at: str) -> Work:
        for first in range(0, len(transitions), _AT_ONCE):
            listeners = self._subscriptions.listeners()
            some = transitions.part(first, first + _AT_ONCE)
            for event in condition_events(table, some, self._namespace, at):
                for sink in self.sinks:
                    sink(event)
                if listeners:
                    listeners.offer(event, notifiers(event.source))
            yield

    def finish(self) -> None:
        """Tell at once what is still to be told."""
        self._backlog.finish()

    def event(self, row: int) -> ConditionEvent:
        """What a condition's event would tell now."""
        return self._event(self._shown(row), row, "")

    def mirrored_event(self, row: int) -> ConditionEvent | None:
        """The same of its mirror, None where there is none."""
        table = self.mirror.table(row)
        return None if table is None else self._event(table, row, MIRROR)

    def _event(self, table: AlarmTable, row: int, at: str) -> ConditionEvent:
        rows, unchanged = np.array([row], np.intp), np.zeros(1, np.uint32)
        now = Transitions(0, rows, unchanged, table.snapshot(row))
        return condition_events(table, now, self._namespace, at)[0]

    def _shown(self, row: int) -> AlarmTable:
        """The table that a condition is shown from."""
        return self.table if self._overlay is None else self._overlay.table(row)

    # -- methods

    def _find(self, call: Invocation) -> tuple[AlarmTable, int, str]:
        """Table and row of the condition that is meant, and what stands before its path."""
        identifier = call.object_id.Identifier
        row, at = None, ""
        if call.object_id.NamespaceIndex == self._namespace and isinstance(identifier, str):
            at = MIRROR if identifier.startswith(MIRROR) else ""
            row = self.table.index.row_of_id(identifier.removeprefix(at))
        if row is None:
            raise MethodError(S.BadNodeIdInvalid)
        table = self.mirror.table(row) if at else self._shown(row)
        if table is None:
            raise MethodError(S.BadConditionDisabled)
        return table, row, at

    def _act(self, act: Callable[..., Transitions], call: Invocation, *arguments: Any) -> Outputs:
        """`act` is what a table does to one of its rows."""
        table, row, at = self._find(call)
        try:
            transitions = act(table, row, *arguments, call.session.user.name, self._clock())
        except AlarmError as error:
            raise MethodError(error.status) from None
        self.tell(table, transitions, at)
        return ()

    def _enable(self, call: Invocation) -> Outputs:
        return self._act(AlarmTable.enable, call)

    def _disable(self, call: Invocation) -> Outputs:
        return self._act(AlarmTable.disable, call)

    def _add_comment(self, call: Invocation) -> Outputs:
        event_id, comment = call.values
        return self._act(AlarmTable.add_comment, call, event_id or b"", _text(comment))

    def _acknowledge(self, call: Invocation) -> Outputs:
        event_id, comment = call.values
        return self._act(AlarmTable.acknowledge, call, event_id or b"", _text(comment))

    async def acknowledge_all(
        self, rows: Iterable[int], at: str, comment: str | None, user: str, *, simulated: bool
    ) -> int:
        """Acknowledge those of some conditions that wait for it, a slice at a time; how many there were.

        The plant's are left alone where a simulation hides them; simulated ones where they are no more.
        """
        done = 0
        for row in rows:
            table = self.mirror.table(row) if at else self._shown(row)
            if table is None or table.simulated is not simulated or table.state.acked[row]:
                continue
            event_id = table.event_id(row, int(table.state.event[row]))
            try:
                transitions = table.acknowledge(row, event_id, comment, user, self._clock())
            except AlarmError:  # disabled since
                continue
            self.tell(table, transitions, at)
            done += 1
            if done % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return done

    async def _refresh(self, call: Invocation) -> Outputs:
        """Part 9, 5.5.7: every retained condition, to this subscription only."""
        (number,) = call.values
        subscription = call.session.subscriptions.get(number)
        if subscription is None:
            raise MethodError(S.BadSubscriptionIdInvalid)
        events = subscription.items.events
        await self._tell_again(number, lambda: [*events.values()])
        return ()

    async def _refresh_item(self, call: Invocation) -> Outputs:
        """Part 9, 5.5.8: the same to one monitored item."""
        number, item_number = call.values
        subscription = call.session.subscriptions.get(number)
        if subscription is None:
            raise MethodError(S.BadSubscriptionIdInvalid)
        events = subscription.items.events
        item = events.get(item_number)
        if item is None:
            raise MethodError(S.BadMonitoredItemIdInvalid)
        await self._tell_again(number, lambda: [item] if events.get(item_number) is item else [])
        return ()

    async def _tell_again(self, subscription: int, items: Callable[[], list[EventItem]]) -> None:
        """A slice at a time, so that thousands of conditions keep nobody waiting; each as it is by then."""
        if subscription in self._refreshing:
            raise MethodError(S.BadRefreshInProgress)
        self._refreshing.add(subscription)
        try:
            Listeners(items()).offer(refresh_start(self._clock()))
            overlay = self._overlay
            rows = self.table.of_interest() if overlay is None else overlay.retained()
            for offer, of in ((self._offer_again, rows), (self._offer_mirrored, self.mirror.retained()[1])):
                for at in range(0, len(of), _AT_ONCE):
                    await self._backlog.idle()  # what is told again has been told before
                    offer(of[at : at + _AT_ONCE], Listeners(items()))
                    await asyncio.sleep(0)
            Listeners(items()).offer(refresh_end(self._clock()))
        finally:
            self._refreshing.discard(subscription)

    def _offer_again(self, rows: Index, listeners: Listeners) -> None:
        overlay = self._overlay
        for table, some in ((self.table, rows),) if overlay is None else overlay.split(rows):
            for event in condition_events(table, table.retained(some), self._namespace):
                listeners.offer(event, notifiers(event.source), self._told.of(event))

    def _offer_mirrored(self, rows: Index, listeners: Listeners) -> None:
        table, retained = self.mirror.retained()
        for event in condition_events(
            table, table.retained(np.intersect1d(rows, retained)), self._namespace, MIRROR
        ):
            listeners.offer(event, notifiers(event.source))


class _Told:
    """What a refresh has encoded is there for the next one: a listener that comes back asks for all of it."""

    def __init__(self) -> None:
        self._encoded: OrderedDict[bytes, Encoded] = OrderedDict()

    def of(self, event: ConditionEvent) -> Encoded:
        """The event's fields by the filter that asked for them; its EventId says which event it is."""
        if not event.event_id or event.simulated:  # not told before, or with another mark
            return {}
        encoded = self._encoded.setdefault(event.event_id, {})
        self._encoded.move_to_end(event.event_id)
        if len(self._encoded) > _REMEMBERED:
            self._encoded.popitem(last=False)
        if len(encoded) > _FILTERS:
            encoded.clear()
        return encoded


def notifiers(source: str) -> frozenset[str]:
    """Objects that tell an event of the asset at `source`: those above it, fleet and server (N3).

    Of one in the mirror: those in the mirror, the object that the mirror is part of, fleet and server.
    """
    at = MIRROR if source.startswith(MIRROR) else ""
    path = source.removeprefix(at)
    return _notifiers(at, path.rpartition("/")[0] if path.count("/") >= _DEPTH else path)


@lru_cache(maxsize=4096)
def _notifiers(at: str, path: str) -> frozenset[str]:
    """The asset at `path`, those above it, fleet and server."""
    parts = path.split("/")
    above = {"/".join(parts[:n]) for n in range(1, len(parts) + 1)} | {FLEET}
    outside = {SIMULATION, FLEET} if at else set()
    return frozenset({at + each for each in above} | outside | {SERVER_NOTIFIER})


def _audit_fields(name: str) -> Fields:
    """What the audit event of a condition's method says besides (Part 9, 5.10)."""

    def fields(wanted: ua.CallMethodRequest) -> dict[Path, ua.Variant]:
        found = {("SourceNode",): node_id(wanted.ObjectId), ("SourceName",): string(f"Method/{name}")}
        return found | dict(zip(_COMMENTED, wanted.InputArguments, strict=False))

    return fields


def _text(comment: Any) -> str | None:
    """A comment that is null leaves the one that is there (Part 9, 5.7.3)."""
    text = getattr(comment, "Text", None)
    return None if text is None else str(text)
