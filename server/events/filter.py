"""An EventFilter, checked and compiled once, then applied to events (Part 4, 7.22.3 and 7.7).

`compile_filter` gives the filter, or None where it must be refused with Bad_EventFilterInvalid, and the
result with a StatusCode for each clause and operand. A select clause that is wrong costs only its own
field, which is then null. Elements are evaluated from the last to the first, each once: an ElementOperand
can only name a later element (Part 4, 7.7.4.2), so there are no loops and no recursion.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from asyncua import ua

from server.events.event import ENCODED_NULL, NULL, Event, Path, node_id
from server.events.likepattern import PatternError, compile_pattern
from server.events.operators import OPERATORS, Operation, Operator, variant
from server.events.types import BASE, EventTypes
from server.events.values import data_type, truth
from server.protocol.indexrange import BadRange, NoData, take
from server.protocol.stack import struct_to_binary, variant_to_binary
from server.protocol.wire import I32

Found = TypeVar("Found", ua.Variant, bytes)
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


@dataclass(frozen=True, slots=True)
class Field:
    """What a clause names: its value in an event, and the same encoded."""

    value: Callable[[Event], ua.Variant]
    encoded: Callable[[Event], bytes]


@dataclass(frozen=True)
class CompiledFilter:
    """A filter ready for use.

    Filters with the same `key` select the same fields, and those with the same `where` let the same through.
    """

    key: bytes
    where: bytes
    _select: tuple[Field, ...]
    _where: tuple[tuple[int, Element], ...]
    _size: int

    def fields(self, event: Event) -> list[ua.Variant]:
        """The event's fields, one a select clause."""
        return [field.value(event) for field in self._select]

    def encoded(self, event: Event) -> bytes:
        """The same as an array of Variants."""
        return b"".join((I32.pack(len(self._select)), *[field.encoded(event) for field in self._select]))

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
    select = tuple(field for field, _ in selected)
    reachable = _reachable(where)
    return CompiledFilter(_key(clauses), _key(elements), select, reachable, len(where)), result


def _key(parts: Sequence[Any]) -> bytes:
    """The same for the same clauses or elements; what cannot be encoded again is like nothing else."""
    try:
        data = b"".join(struct_to_binary(part) for part in parts)
    except Exception:  # whatever the codec says of a literal that it decoded
        return os.urandom(32)
    return hashlib.sha256(data).digest()


def _reachable(elements: list[Element]) -> tuple[tuple[int, Element], ...]:
    """The elements that the first one leads to, last first; the others are ignored (Part 4, 7.7.1)."""
    needed = {0}
    for i, element in enumerate(elements):
        if i in needed:
            needed.update(element.uses)
    return tuple((i, elements[i]) for i in sorted(needed, reverse=True) if i < len(elements))


def _select(clause: ua.SimpleAttributeOperand, types: EventTypes) -> tuple[Field, int]:
    try:
        return compile_clause(clause, types), Codes.Good
    except _Refused as refused:
        return Field(lambda event: NULL, lambda event: ENCODED_NULL), refused.code


def compile_clause(clause: ua.SimpleAttributeOperand, types: EventTypes) -> Field:
    """How to get what a clause names; raises for a clause that no event can answer."""
    kind, path = clause.TypeDefinitionId, clause.BrowsePath or []
    if kind.is_null():
        kind = BASE
    if not types.is_event_type(kind):
        raise _Refused(Codes.BadTypeDefinitionInvalid)
    if any(not name.Name for name in path):
        raise _Refused(Codes.BadBrowseNameInvalid)
    field = _field(clause, kind, path, types) if path else _attribute(clause)
    if clause.IndexRange:
        field = _ranged(field, clause.IndexRange)
    if kind == BASE:
        return field
    return Field(
        _restricted(field.value, NULL, kind, types), _restricted(field.encoded, ENCODED_NULL, kind, types)
    )


def _attribute(clause: ua.SimpleAttributeOperand) -> Field:
    attribute = clause.AttributeId
    if attribute not in _INSTANCE_ATTRIBUTES:
        raise _Refused(Codes.BadAttributeIdInvalid)
    return Field(lambda event: event.attribute(attribute), lambda event: event.encoded_attribute(attribute))


def _field(
    clause: ua.SimpleAttributeOperand, kind: ua.NodeId, path: Sequence[ua.QualifiedName], types: EventTypes
) -> Field:
    found = types.find(kind, path)
    if found is None:
        raise _Refused(Codes.BadNodeIdUnknown)
    if found is not ua.NodeClass.Variable or clause.AttributeId != ua.AttributeIds.Value:
        raise _Refused(Codes.BadAttributeIdInvalid)
    names: Path = tuple(n.Name if not n.NamespaceIndex else f"{n.NamespaceIndex}:{n.Name}" for n in path)
    return Field(lambda event: event.value(names), lambda event: event.encoded(names))


def _restricted(
    get: Callable[[Event], Found], null: Found, kind: ua.NodeId, types: EventTypes
) -> Callable[[Event], Found]:
    """Null for events of any other type than `kind` and its subtypes."""
    known: dict[ua.NodeId, bool] = {}
    last, last_fits = ua.NodeId(), False  # most events are of the type of the one before

    def restricted(event: Event) -> Found:
        nonlocal last, last_fits
        if event.type is not last:
            fits = known.get(event.type)
            if fits is None:
                fits = known[event.type] = types.is_subtype(event.type, kind)
            last, last_fits = event.type, fits
        return get(event) if last_fits else null

    return restricted


def _ranged(field: Field, index_range: str) -> Field:
    """A part of a String, ByteString or array; null where there is none."""

    def ranged(event: Event) -> ua.Variant:
        try:
            return take(field.value(event), index_range)
        except NoData:
            return NULL

    try:
        take(NULL, index_range)
    except BadRange:
        raise _Refused(Codes.BadIndexRangeInvalid) from None
    except NoData:
        pass
    return Field(ranged, lambda event: variant_to_binary(ranged(event)))


# The type of an event as a value; there are not many.
_type_of = lru_cache(maxsize=256)(node_id)


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
            operands.insert(0, lambda event, values: _type_of(event.type))
        return Element(chosen.apply, tuple(operands), uses), _result(Codes.Good, codes)

    def _operator(self, wanted: int, operands: int) -> Operator:
        chosen = Operator(self._of_type(), 1, 1) if wanted == Op.OfType else OPERATORS.get(wanted)
        if chosen is None:
            known = wanted in (Op.InView, Op.RelatedTo)
            raise _Refused(Codes.BadFilterOperatorUnsupported if known else Codes.BadFilterOperatorInvalid)
        if not chosen.least <= operands <= chosen.most:
            raise _Refused(Codes.BadFilterOperandCountMismatch)
        return chosen

    def _of_type(self) -> Operation:
        kind, base, last = NULL, NULL, NULL  # most events are of the type of the one before

        def of_type(operands: Sequence[ua.Variant]) -> ua.Variant:
            nonlocal kind, base, last
            if operands[0] is not kind or operands[1] is not base:
                kind, base = operands
                known = isinstance(base.Value, ua.NodeId)
                last = variant(self._types.is_subtype(kind.Value, base.Value) if known else None)
            return last

        return of_type

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
        get = compile_clause(operand, self._types).value
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
