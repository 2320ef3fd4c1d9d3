"""What a client asks of a monitored item and gets: filter, deadband, interval (Part 4, 7.21 and 7.22)."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from nodeset.tags import Kind
from server.events.filter import compile_filter, without_diagnostics
from server.events.types import EventTypes
from server.livetable import LiveTable
from server.protocol.stack import AggregateFilter, DataChangeFilter
from server.protocol.wire import OPERATION_ADDITIONAL_INFO
from server.space.addressspace import AddressSpace
from server.subscriptions.limits import MAX_EVENT_QUEUE
from server.subscriptions.liveitems import NO_DEADBAND
from server.subscriptions.livequeues import STATUS_VALUE
from server.subscriptions.sampleditems import is_number

S = ua.StatusCodes

MIN_SAMPLING: Final = 100.0
MAX_SAMPLING: Final = 3_600_000.0


class RefusedItem(Exception):
    """An item that is not created or changed; `result` is its filter result, if it has one."""

    def __init__(self, code: int, result: Any = None) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = code
        self.result = result


class ItemTerms:
    """Revises requested parameters; `scan_interval` [ms] is how often live values are sampled."""

    def __init__(self, space: AddressSpace, table: LiveTable, scan_interval: float) -> None:
        self._space = space
        self._table = table
        self.event_types = EventTypes(self._references, space.targets)
        self.scan_interval = scan_interval

    def _references(self, node_id: ua.NodeId) -> list[ua.ReferenceDescription]:
        node = self._space.get(node_id)
        return node.references if node is not None else []

    # -- data

    def trigger(self, wanted: Any) -> int:
        """What makes a value news; 1 without a filter."""
        if _is_null(wanted):
            return STATUS_VALUE
        if isinstance(wanted, AggregateFilter):
            raise RefusedItem(S.BadMonitoredItemFilterUnsupported)
        if not isinstance(wanted, DataChangeFilter):
            raise RefusedItem(S.BadFilterNotAllowed)
        if wanted.Trigger not in (0, 1, 2):
            raise RefusedItem(S.BadMonitoredItemFilterInvalid)
        return int(wanted.Trigger)

    def live_deadband(self, wanted: Any, row: int) -> float:
        """Deadband of a live value in its own unit (Part 8, 7.2)."""
        kind, value = _deadband(wanted)
        if kind == ua.DeadbandType.None_:
            return NO_DEADBAND
        tag, _ = self._table.index.locate(row)
        if tag.kind in (Kind.QUARTER, Kind.JAR):
            raise RefusedItem(S.BadFilterNotAllowed)
        if not value >= 0:
            raise RefusedItem(S.BadDeadbandFilterInvalid)
        if kind == ua.DeadbandType.Absolute:
            return value
        if kind != ua.DeadbandType.Percent or tag.kind is not Kind.ANALOG or value > 100:
            raise RefusedItem(S.BadDeadbandFilterInvalid)
        return value / 100 * (tag.high - tag.low)

    @staticmethod
    def deadband(wanted: Any, attribute: int, now: ua.DataValue) -> float:
        """Deadband of any other value: absolute, on numbers only, as nothing else has an EURange."""
        kind, value = _deadband(wanted)
        if kind == ua.DeadbandType.None_:
            return NO_DEADBAND
        if attribute != ua.AttributeIds.Value or not is_number(now):
            raise RefusedItem(S.BadFilterNotAllowed)
        if kind != ua.DeadbandType.Absolute or not value >= 0:
            raise RefusedItem(S.BadDeadbandFilterInvalid)
        return value

    @staticmethod
    def interval(asked: float, publishing: float) -> float:
        """Revised sampling interval [ms] of what is polled; -1 and NaN mean the publishing interval."""
        if not asked >= 0:
            return publishing
        return min(max(asked, MIN_SAMPLING), MAX_SAMPLING)

    # -- events

    def event_filter(self, wanted: Any, diagnostics: int) -> tuple[Any, ua.EventFilterResult]:
        """The compiled filter and the result that tells its faults, in words where they are asked for."""
        if not isinstance(wanted, ua.EventFilter):
            raise RefusedItem(S.BadEventFilterInvalid)
        compiled, result = compile_filter(wanted, self.event_types)
        if not diagnostics & OPERATION_ADDITIONAL_INFO:
            result = without_diagnostics(result)
        if compiled is None:
            raise RefusedItem(S.BadEventFilterInvalid, result)
        return compiled, result

    @staticmethod
    def event_queue(asked: int) -> int:
        """Queue size: 0 and 1 ask for the server's own for events (Part 4, 7.21)."""
        return asked if asked > 1 else MAX_EVENT_QUEUE


def mode_of(wanted: int) -> int:
    """A monitoring mode."""
    if wanted not in (0, 1, 2):
        raise RefusedItem(S.BadMonitoringModeInvalid)
    return int(wanted)


def _is_null(wanted: Any) -> bool:
    return wanted is None or (isinstance(wanted, ua.ExtensionObject) and wanted.TypeId.is_null())


def _deadband(wanted: Any) -> tuple[int, float]:
    if _is_null(wanted):
        return int(ua.DeadbandType.None_), 0.0
    return int(wanted.DeadbandType), float(wanted.DeadbandValue)
