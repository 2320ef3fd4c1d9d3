"""A condition as it is at the moment when it is looked at: an event whose state is read out of the arrays.

For nodes, of which thousands may be sampled every second: a row of all columns costs 50 times what the one
that a node shows does. What is never asked for is never looked up.
"""

from __future__ import annotations

from typing import Any, cast

from server.alarms.events import ConditionEvent, ConditionState
from server.alarms.limits import ConditionLimits, Limits
from server.alarms.state import AlarmState
from server.alarms.table import AlarmTable


class _LiveState:
    """What `ConditionState` has, of a row, each column when it is asked for."""

    __slots__ = ("_row", "_state")

    def __init__(self, state: AlarmState, row: int) -> None:
        self._state = state
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name).item(self._row)

    retain = ConditionState.retain
    hidden = ConditionState.hidden


class _LiveLimits:
    """What `ConditionLimits` has, of a row."""

    __slots__ = ("_limits", "_row")

    def __init__(self, limits: Limits, row: int) -> None:
        self._limits = limits
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._limits, name).item(self._row)

    @property
    def values(self) -> tuple[float, float, float, float]:
        """Limits from the lowest to the highest."""
        return self._limits.values(self._row)

    @property
    def severities(self) -> list[int]:
        """Their severities."""
        found: list[int] = self._limits.severity[self._row].tolist()
        return found


def live_event(table: AlarmTable, row: int, namespace: int, at: str) -> ConditionEvent:
    """What a condition's event would tell now; it is not to be kept."""
    definition, asset = table.index.locate(row)
    path = table.index.fleet.assets(definition.asset)[asset].path
    number = table.state.event.item(row)
    event_id = table.event_id_of(f"{path}#{definition.name}", number) if number else b""
    state = cast(ConditionState, _LiveState(table.state, row))
    limits = cast(ConditionLimits, _LiveLimits(table.limits, row))
    return ConditionEvent(
        definition, at + path, namespace, event_id, 0, state, limits, simulated=table.simulated
    )
