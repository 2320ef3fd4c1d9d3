"""Alarms.ListSuppressed: what operators are not shown as alarms of the plant, and why (ISA-18.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asyncua import ua

from server.alarms.heldback import held_back
from server.alarms.table import AlarmTable
from server.events.event import date
from server.security.permissions import Profile
from server.services.method import Invocation, MethodService, Outputs

VT = ua.VariantType
_NEVER: Final = ua.win_epoch_to_datetime(0)  # a null DateTime (Part 6, 5.2.2.5)


class HeldBackMethods:
    """The method on the plant's own conditions: nothing that is simulated is in it."""

    def __init__(self, table: AlarmTable) -> None:
        self._table = table

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the method of the Alarms object."""
        methods.add(node_id("Alarms.ListSuppressed"), Profile.CALL_VIEWER, self._list)

    def _list(self, call: Invocation) -> Outputs:
        state, identifier = self._table.state, self._table.index.identifier
        found = held_back(state)
        rows = [each.row for each in found]
        columns = (
            ([identifier(row) for row in rows], VT.String),
            ([each.reason.value for each in found], VT.String),
            ([date(each.since).Value or _NEVER for each in found], VT.DateTime),
            ([date(each.until).Value or _NEVER for each in found], VT.DateTime),
            (state.active[rows].tolist(), VT.Boolean),
            (state.severity[rows].tolist(), VT.UInt32),
            ([str(state.user[row]) for row in rows], VT.String),
            ([str(state.comment[row]) for row in rows], VT.String),
        )
        return [ua.Variant(values, kind, is_array=True) for values, kind in columns]
