"""An EventFilter, checked and compiled once, then applied to events (Part 4, 7.22.3 and 7.7).

`compile_filter` gives the filter, or None where it must be refused with Bad_EventFilterInvalid, and the
result with a StatusCode for each clause and operand. A select clause that is wrong costs only its own
field, which is then null. Elements are evaluated from the last to the first, each once: an ElementOperand
can only name a later element (Part 4, 7.7.4.2), so there are no loops and no recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from server.events.event import NULL, Event, Path
from server.events.likepattern import PatternError, compile_pattern
from server.events.operators import OPERATORS, Operation, Operator, variant
from server.events.types import BASE, EventTypes
from server.events.values import data_type, truth
from server.protocol.indexrange import BadRange, NoData, take

Accessor = Callable[[Event], ua.Variant]
# An operand's value, from the event and the values of later elements.
Operand = Callable[[Event, Sequence[ua.Variant]], ua.Variant]
Op = ua.FilterOperator
Codes = ua.StatusCodes

MAX_SELECT_CLAUSES: Final = 1000
MAX_ELEMENTS: Final = 256
MAX_OPERANDS: Final = 4096
_INSTANCE_ATTRIBUTES: Final = frozenset(
    {
        ua.AttributeIds.NodeId,
        ua.AttributeIds.NodeClass,
        ua.AttributeIds.BrowseName,
        ua.AttributeIds.DisplayName,
        ua.AttributeIds.Description,
    }
)
# Told to every subscriber, whatever its where clause says: they are about the subscription itself.
_ALWAYS: Final = frozenset(
    ua.NodeId(number)
    for number in (
        ua.ObjectIds.RefreshStartEventType,
        ua.ObjectIds.RefreshEndEventType,
        ua.ObjectIds.RefreshRequiredEventType,
        ua.ObjectIds.EventQueueOverflowEventType,
    )
)


@dataclass(frozen=True)
class CompiledFilter:
    """A filter ready for use. Filters with the same `key` select the same fields."""

    key: tuple[object, ...]
    _select: tuple[Accessor, ...]
    _where: tuple[tuple[int, Element], ...]
    _size: int

    def fields(self, event: Event) -> list[ua.Variant]:
        """The event's fields, one a select clause."""
        return [get(event) for get in self._select]

    def matches(self, event: Event) -> bool:
        """Whether the where clause is TRUE for the event; one that is null lets nothing through."""
        if not self._where or event.type in _ALWAYS:
            return True
        values: list[ua.Variant] = [NULL] * self._size
        for i, element in self._where:
            values[i] = element.apply([get(event, values) for get in element.operands])
        return truth(values[0]) is True


@dataclass(frozen=True)
class Element:
    """One operator with its operands; `uses` are the elements that it needs."""

    apply: Operation
    operands: tuple[Operand, ...]
    uses: tuple[int, ...]


class _Refused(Exception):
    """An operand, clause or element is wrong; `code` says how."""

    def __init__(self, code: int) -> None:
        self.code = code


def compile_filter(
    wanted: ua.EventFilter, types: EventTypes
) -> tuple[CompiledFilter | None, ua.EventFilterResult]:
    """Check and compile a client's filter."""
    clauses, elements = wanted.SelectClauses or [], wanted.WhereClause.Elements or []
    operands = sum(len(element.FilterOperands or []) for element in elements)
    if len(clauses) > MAX_SELECT_CLAUSES or len(elements) > MAX_ELEMENTS or operands > MAX_OPERANDS:
        return None, ua.EventFilterResult()
    selected = [_select(clause, types) for clause in clauses]
    compiled = [_Compiler(types, i, len(elements)).element(element) for i, element in enumerate(elements)]
    result = ua.EventFilterResult(
        SelectClauseResults=[ua.StatusCode(code) for _, code in selected],
        WhereClauseResult=ua.ContentFilterResult(ElementResults=[result for _, result in compiled]),
    )
    where = [element for element, _ in compiled if element is not None]
    if len(where) < len(elements) or all(code != Codes.Good for _, code in selected):
        return None, result
    key = tuple(_key(clause) for clause in clauses)
    return CompiledFilter(key, tuple(get for get, _ in selected), _reachable(where), len(where)), result


def _reachable(elements: list[Element]) -> tuple[tuple[int, Element], ...]:
    """The elements that the first one leads to, last first; the others are ignored (Part 4, 7.7.1)."""
    needed = {0}
    for i, element in enumerate(elements):
        if i in needed:
            needed.update(element.uses)
    return tuple((i, elements[i]) for i in sorted(needed, reverse=True) if i < len(elements))


def _select(clause: ua.SimpleAttributeOperand, types: EventTypes) -> tuple[Accessor, int]:
    try:
        return accessor(clause, types), Codes.Good
    except _Refused as refused:
        return lambda event: NULL, refused.code


def _key(clause: ua.SimpleAttributeOperand) -> tuple[object, ...]:
    path = tuple((name.NamespaceIndex, name.Name) for name in clause.BrowsePath or [])
    return clause.TypeDefinitionId, path, int(clause.AttributeId), clause.IndexRange


def accessor(clause: ua.SimpleAttributeOperand, types: EventTypes) -> Accessor:
    """How to get a clause's value from an event; raises for a clause that no event can answer."""
    kind, path = clause.TypeDefinitionId, clause.BrowsePath or []
    if kind.is_null():
        kind = BASE
    if not types.is_event_type(kind):
        raise _Refused(Codes.BadTypeDefinitionInvalid)
    if any(not name.Name for name in path):
        raise _Refused(Codes.BadBrowseNameInvalid)
    get = _field(clause, kind, path, types) if path else _attribute(clause)
    if clause.IndexRange:
        get = _ranged(get, clause.IndexRange)
    return get if kind == BASE else _restricted(get, kind, types)


def _attribute(clause: ua.SimpleAttributeOperand) -> Accessor:
    attribute = clause.AttributeId
    if attribute not in _INSTANCE_ATTRIBUTES:
        raise _Refused(Codes.BadAttributeIdInvalid)
    return lambda event: event.attribute(attribute)


def _field(
    clause: ua.SimpleAttributeOperand, kind: ua.NodeId, path: Sequence[ua.QualifiedName], types: EventTypes
) -> Accessor:
    found = types.find(kind, path)
    if found is None:
        raise _Refused(Codes.BadNodeIdUnknown)
    if found is not ua.NodeClass.Variable or clause.AttributeId != ua.AttributeIds.Value:
        raise _Refused(Codes.BadAttributeIdInvalid)
    names: Path = tuple(n.Name if not n.NamespaceIndex else f"{n.NamespaceIndex}:{n.Name}" for n in path)
    return lambda event: event.value(names)


def _restricted(get: Accessor, kind: ua.NodeId, types: EventTypes) -> Accessor:
    """Null for events of any other type than `kind` and its subtypes."""
    known: dict[ua.NodeId, bool] = {}

    def restricted(event: Event) -> ua.Variant:
        fits = known.get(event.type)
        if fits is None:
            fits = known[event.type] = types.is_subtype(event.type, kind)
        return get(event) if fits else NULL

    return restricted


def _ranged(get: Accessor, index_range: str) -> Accessor:
    """A part of a String, ByteString or array; null where there is none."""

    def ranged(event: Event) -> ua.Variant:
        try:
            return take(get(event), index_range)
        except NoData:
            return NULL

    try:
        take(NULL, index_range)
    except BadRange:
        raise _Refused(Codes.BadIndexRangeInvalid) from None
    except NoData:
        pass
    return ranged


class _Compiler:
    """Compiles element `number` of a where clause of `count` elements."""

    def __init__(self, types: EventTypes, number: int, count: int) -> None:
        self._types = types
        self._number = number
        self._count = count

    def element(
        self, element: ua.ContentFilterElement
    ) -> tuple[Element | None, ua.ContentFilterElementResult]:
        """The element, or None, and what its result says."""
        wanted = element.FilterOperands or []
        try:
            chosen = self._operator(element.FilterOperator, len(wanted))
        except _Refused as refused:
            return None, _result(refused.code, [])
        operands: list[Operand] = []
        codes: list[int] = []
        for place, operand in enumerate(wanted):
            try:
                operands.append(self._operand(operand))
                self._check_literal(element.FilterOperator, place, operand)
                codes.append(Codes.Good)
            except _Refused as refused:
                codes.append(refused.code)
        if any(code != Codes.Good for code in codes):
            return None, _result(Codes.BadFilterOperandInvalid, codes)
        uses = tuple(o.Index for o in wanted if isinstance(o, ua.ElementOperand))
        if element.FilterOperator == Op.OfType:
            operands.insert(0, lambda event, values: ua.Variant(event.type, ua.VariantType.NodeId))
        return Element(chosen.apply, tuple(operands), uses), _result(Codes.Good, codes)

    def _operator(self, wanted: int, operands: int) -> Operator:
        chosen = Operator(self._of_type, 1, 1) if wanted == Op.OfType else OPERATORS.get(wanted)
        if chosen is None:
            known = wanted in (Op.InView, Op.RelatedTo)
            raise _Refused(Codes.BadFilterOperatorUnsupported if known else Codes.BadFilterOperatorInvalid)
        if not chosen.least <= operands <= chosen.most:
            raise _Refused(Codes.BadFilterOperandCountMismatch)
        return chosen

    def _of_type(self, operands: Sequence[ua.Variant]) -> ua.Variant:
        kind, base = operands
        if not isinstance(base.Value, ua.NodeId):
            return variant(None)
        return variant(self._types.is_subtype(kind.Value, base.Value))

    def _operand(self, operand: Any) -> Operand:
        if isinstance(operand, ua.LiteralOperand):
            value = operand.Value
            return lambda event, values: value
        if isinstance(operand, ua.ElementOperand):
            index = operand.Index
            if not self._number < index < self._count:
                raise _Refused(Codes.BadFilterElementInvalid)
            return lambda event, values: values[index]
        if isinstance(operand, ua.AttributeOperand):
            operand = _simple(operand)
        if not isinstance(operand, ua.SimpleAttributeOperand):
            raise _Refused(Codes.BadFilterOperandInvalid)
        get = accessor(operand, self._types)
        return lambda event, values: get(event)

    def _check_literal(self, wanted: int, place: int, operand: Any) -> None:
        """Refuse a literal that could only ever make the operator fail."""
        if not isinstance(operand, ua.LiteralOperand):
            return
        value = operand.Value
        if wanted == Op.Like and place == 1:
            _check_pattern(value)
        elif wanted == Op.Cast and place == 1 and data_type(value) is None:
            raise _Refused(Codes.BadFilterLiteralInvalid)
        elif wanted == Op.OfType:
            if not isinstance(value.Value, ua.NodeId):
                raise _Refused(Codes.BadFilterLiteralInvalid)
            if not self._types.is_event_type(value.Value):
                raise _Refused(Codes.BadTypeDefinitionInvalid)


def _check_pattern(value: ua.Variant) -> None:
    if not isinstance(value.Value, str):
        return
    try:
        compile_pattern(value.Value)
    except PatternError:
        raise _Refused(Codes.BadFilterLiteralInvalid) from None


def _simple(operand: ua.AttributeOperand) -> ua.SimpleAttributeOperand:
    """An AttributeOperand that stays within the event, as the simple one that it is short for."""
    steps = operand.BrowsePath.Elements or []
    if any(step.IsInverse for step in steps):
        raise _Refused(Codes.BadFilterOperandInvalid)
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=operand.NodeId,
        BrowsePath=[step.TargetName for step in steps],
        AttributeId=operand.AttributeId,
        IndexRange=operand.IndexRange,
    )


def _result(code: int, operands: list[int]) -> ua.ContentFilterElementResult:
    return ua.ContentFilterElementResult(
        StatusCode=ua.StatusCode(code), OperandStatusCodes=[ua.StatusCode(c) for c in operands]
    )
