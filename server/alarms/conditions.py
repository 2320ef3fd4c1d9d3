"""Conditions for clients (Part 9): the alarm table's transitions as events, and how each condition is now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

import numpy as np

from nodeset.fleet import Index
from nodeset.frame import Frame
from nodeset.index import MIRROR, TagIndex
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.limits import Limits
from server.alarms.live import live_event
from server.alarms.management.management import Management
from server.alarms.mirror import ConditionMirror
from server.alarms.overlay import Overlay
from server.alarms.state import Flags, Transitions
from server.alarms.table import AlarmTable
from server.protocol.turns import Backlog, Work
from server.services.monitoreditem import SERVER_NOTIFIER
from server.services.subscription import SubscriptionService

FLEET: Final = "Fleet"
SIMULATION: Final = "Simulation"
_AT_ONCE: Final = 20  # conditions that are told before others may have their turn
_MOST_LEFT: Final = 10  # scans whose transitions may wait to be told
_DEPTH: Final = 3  # of jars below sites: they are no notifiers

Sink = Callable[[ConditionEvent], None]


class Conditions:
    """Tells subscribers what the alarm table says.

    Each of `sinks` is told every event once, in their order, before subscribers are; `keep` is the first.
    Before that `record` has what will be told of the plant, and `note` what changed and is not told.
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
        self.record: Callable[[Transitions], None] = _forget
        self.note: Callable[[Transitions], None] = _forget
        self._overlay: Overlay | None = None  # while simulations run
        self.mirror = ConditionMirror(table, self.tell, clock, self.management)  # where it has nodes
        self._subscriptions = subscriptions
        self._namespace = namespace
        self._clock = clock
        self._backlog = Backlog()

    def step(self, frame: Frame) -> None:
        """Evaluate a scan, tell what changed, and count alarms into the frame."""
        transitions = self.table.step(frame)
        self.management.step(frame, transitions)
        self._tell_plant(transitions)

    def configure(self, rows: Index, limits: Limits, user: str) -> None:
        """Set limits of some conditions; from the next scan on they count, and the retained tell it now."""
        time, overlay = self._clock(), self._overlay
        self.table.limits.put(rows, limits)
        if overlay is not None:
            shown = rows[overlay.shown[rows]]
            self.tell(overlay.simulated, overlay.simulated.configured(shown, user, time))
        self._tell_plant(self.table.configured(rows, user, time))
        self.mirror.configured(rows, user)

    def _tell_plant(self, transitions: Transitions) -> None:
        """Tell what of the plant's own transitions is shown."""
        if self._overlay is not None:
            shown = self._overlay.of_plant(transitions)
            if len(shown) < len(transitions):
                self.note(transitions)
            transitions = shown
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

    @property
    def namespace(self) -> int:
        """Index of the namespace of the fleet, and so of conditions."""
        return self._namespace

    def tell(self, table: AlarmTable, transitions: Transitions, at: str = "") -> None:
        """Send the events of transitions: a few at once, of many a slice at a time between others' turns.

        `at` stands before the paths of their sources.
        """
        if not len(transitions):
            return
        if not table.simulated:
            self.record(transitions)
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

    async def acknowledge_all(
        self, rows: Iterable[int], at: str, comment: str | None, user: str, *, simulated: bool
    ) -> int:
        """Acknowledge those of some conditions that wait for it, with their branches; how many there were.

        The plant's are left alone where a simulation hides them; simulated ones where they are no more.
        Others have their turn between.
        """
        done = 0
        for row in rows:
            table = self.table_of(row, at)
            if table is None or table.simulated is not simulated:
                continue
            waiting = table.waiting(row)
            for event_id in waiting:
                self.tell(table, table.acknowledge(row, event_id, comment, user, self._clock()), at)
            done += bool(waiting)
            if waiting and done % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return done

    # -- as they are now

    def table_of(self, row: int, at: str) -> AlarmTable | None:
        """The table that a condition is shown from and acted on in; None where the mirror has none."""
        if at:
            return self.mirror.table(row)
        return self.table if self._overlay is None else self._overlay.table(row)

    def event(self, row: int) -> ConditionEvent:
        """What a condition's event would tell now."""
        event = self._event(row, "")
        assert event is not None
        return event

    def retained_of_plant(self) -> list[ConditionEvent]:
        """What the plant's own conditions of interest would tell now, whatever is simulated."""
        return condition_events(self.table, self.table.retained(), self._namespace)

    def mirrored_event(self, row: int) -> ConditionEvent | None:
        """The same of its mirror, None where there is none."""
        return self._event(row, MIRROR)

    def _event(self, row: int, at: str) -> ConditionEvent | None:
        table = self.table_of(row, at)
        return None if table is None else live_event(table, row, self._namespace, at)

    def of_interest(self) -> list[tuple[str, Index]]:
        """Rows of the retained conditions, by what stands before their paths."""
        overlay = self._overlay
        rows = self.table.of_interest() if overlay is None else overlay.retained()
        return [("", rows), (MIRROR, self.mirror.retained()[1])]

    def retained(self, at: str, rows: Index) -> list[ConditionEvent]:
        """What those of some conditions, and their branches, that are retained now have told last."""
        overlay = self._overlay
        parts: tuple[tuple[AlarmTable, Index], ...] = ((self.table, rows),)
        if at:
            table, retained = self.mirror.retained()
            parts = ((table, np.intersect1d(rows, retained)),)
        elif overlay is not None:
            parts = overlay.split(rows)
        return [
            event
            for table, some in parts
            for event in condition_events(table, table.retained(some), self._namespace, at)
        ]

    async def idle(self) -> None:
        """Return once nothing waits to be told."""
        await self._backlog.idle()


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


def _forget(transitions: Transitions) -> None:
    """Where nothing outlives the process."""
