"""What of a where clause the database can look at itself: conditions that every event of the answer meets.

Only comparisons that the clause demands altogether (joined by And) and that mean the same in SQL are taken;
the filter itself is applied to what the database gives. So this may leave out any part, and never needs to
be complete.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua

from historian.events import Scope
from server.events.types import EventTypes
from server.history.nametexts import NameTexts

Op = ua.FilterOperator
VT = ua.VariantType

_ORDERS: Final = {
    Op.Equals: "=",
    Op.GreaterThan: ">",
    Op.LessThan: "<",
    Op.GreaterThanOrEqual: ">=",
    Op.LessThanOrEqual: "<=",
}
_FLIPPED: Final = {"=": "=", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
_NUMBERS: Final = {("Severity",): "severity"}
_TEXTS: Final = {("SourceName",): "source", ("ConditionName",): "condition"}
_TIME: Final = ("Time",)
# States of conditions; NULL as they begin, and of what is no condition.
_RETAINED: Final = "level <> 0 OR NOT acked OR confirmed IS FALSE OR coalesce(branches, 0) > 0"
_STATES: Final = {
    ("EnabledState", "Id"): "enabled",
    ("ActiveState", "Id"): "level <> 0",
    ("AckedState", "Id"): "acked",
    ("Retain",): f"enabled AND ({_RETAINED})",
}
_USER: Final = ("ClientUserId",)
_SERVER: Final = "Server"  # what the server's own events, which have no source, call theirs
_WHOLE: Final = frozenset({VT.SByte, VT.Byte, VT.Int16, VT.UInt16, VT.Int32, VT.UInt32, VT.Int64, VT.UInt64})
_MOST: Final = 64  # conditions
# Passes whatever the where clause says: a note that events were lost (Part 4, 7.22.3).
_ALWAYS: Final = "event_type = 'i=3035'"


def narrowed(where: ua.ContentFilter, types: EventTypes, names: NameTexts) -> Scope:
    """What the database may be asked for, given a where clause that was found valid."""
    return _Narrowing(where.Elements or [], types, names).scope()


@dataclass
class _Narrowing:
    elements: Sequence[ua.ContentFilterElement]
    types: EventTypes
    names: NameTexts
    parameters: dict[str, Any] = field(default_factory=dict)

    def scope(self) -> Scope:
        """All conditions together."""
        if not self.elements:
            return Scope()
        found = [text for element in self._demanded(0) for text in self._condition(element)]
        if not found:
            return Scope()
        return Scope(f"(({' AND '.join(found)}) OR {_ALWAYS})", self.parameters)

    def _demanded(self, number: int) -> Iterator[ua.ContentFilterElement]:
        """The elements that must all be TRUE for element `number` to be so."""
        waiting = [number]
        for at in waiting:
            element = self.elements[at]
            if element.FilterOperator != Op.And:
                yield element
                continue
            waiting += [o.Index for o in element.FilterOperands if isinstance(o, ua.ElementOperand)]
            if len(waiting) > _MOST:
                return

    def _condition(self, element: ua.ContentFilterElement) -> Iterator[str]:
        operands = element.FilterOperands or []
        wanted = element.FilterOperator
        if wanted == Op.OfType:
            yield from self._of_type(operands)
        elif wanted in _ORDERS:
            yield from self._comparison(_ORDERS[wanted], *operands)
        elif wanted == Op.Between:
            value, low, high = operands
            yield from self._comparison(">=", value, low)
            yield from self._comparison("<=", value, high)
        elif wanted == Op.InList:
            yield from self._in_list(*operands)

    def _of_type(self, operands: Sequence[Any]) -> Iterator[str]:
        (operand,) = operands
        if isinstance(operand, ua.LiteralOperand):
            kinds = self.types.subtypes(operand.Value.Value)
            yield f"event_type = ANY({self._given([self.names.node_id(kind) for kind in kinds])})"

    def _comparison(self, order: str, left: Any, right: Any) -> Iterator[str]:
        if isinstance(left, ua.LiteralOperand):
            left, right, order = right, left, _FLIPPED[order]
        path = _path(left)
        if path is None or not isinstance(right, ua.LiteralOperand) or right.Value.is_array:
            return
        kind, value = right.Value.VariantType, right.Value.Value
        if path in _NUMBERS and kind in _WHOLE:
            yield f"{_NUMBERS[path]} {order} {self._given(value)}"
        elif path in _TEXTS and order == "=" and kind is VT.String and _is_plain(value):
            yield f"{_TEXTS[path]} = {self._given(value)}"
        elif path in _STATES and order == "=" and kind is VT.Boolean:
            yield _of_conditions(f"({_STATES[path]}) = {self._given(value)}")
        elif path == _USER and order == "=" and kind is VT.String and _is_plain(value):
            yield _of_conditions(f"user_name = {self._given(value)}")
        elif path == _TIME and kind is VT.DateTime:
            yield f"ts {order} {self._given(value if value.tzinfo else value.replace(tzinfo=dt.UTC))}"

    def _in_list(self, operand: Any, *candidates: Any) -> Iterator[str]:
        path = _path(operand)
        if path not in _TEXTS or not all(isinstance(each, ua.LiteralOperand) for each in candidates):
            return
        values = [each.Value for each in candidates]
        if all(each.VariantType is VT.String and _is_plain(each.Value) for each in values):
            yield f"{_TEXTS[path]} = ANY({self._given([each.Value for each in values])})"

    def _given(self, value: Any) -> str:
        name = f"narrow{len(self.parameters)}"
        self.parameters[name] = value
        return f"%({name})s"


def _of_conditions(text: str) -> str:
    """Other events have fields of these names elsewhere, or not at all."""
    return f"(condition IS NULL OR {text})"


def _path(operand: Any) -> tuple[str, ...] | None:
    """The field that an operand names, None where that is more than a field by its name."""
    if not isinstance(operand, ua.SimpleAttributeOperand) or operand.IndexRange:
        return None
    names = operand.BrowsePath or []
    if operand.AttributeId != ua.AttributeIds.Value or any(name.NamespaceIndex for name in names):
        return None
    return tuple(name.Name for name in names)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", _SERVER) and "\0" not in value
