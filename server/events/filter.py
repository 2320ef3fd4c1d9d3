"""An EventFilter, checked and compiled once, then applied to events (Part 4, 7.22.3 and 7.7).

`compile_filter` gives the filter, or None where it must be refused with Bad_EventFilterInvalid, and the
result with a StatusCode for each clause and operand, and with words for who asks for diagnostics. A select
clause that is wrong costs only its own field, which is then null; an element that the first one does not lead
to costs nothing. Elements are evaluated from the last to the first, each once: an ElementOperand can only
name a later element (Part 4, 7.7.4.2), so there are no loops and no recursion.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from asyncua import ua

from server.events.clauses import NO_FIELD, Field, Refused, compile_clause
from server.events.event import NULL, Event, node_id
from server.events.operands import ENDS, Operand, check_literal, compile_operand
from server.events.operators import OPERATORS, Operation, Operator, variant
from server.events.relatedto import MAX_RELATIONS, check_end, compile_relation
from server.events.types import EventTypes
from server.events.values import truth
from server.protocol.stack import struct_to_binary
from server.protocol.wire import I32

Op = ua.FilterOperator
Codes = ua.StatusCodes

MAX_SELECT_CLAUSES: Final = 1000
MAX_ELEMENTS: Final = 256
MAX_OPERANDS: Final = 4096
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
    """A filter ready for use.

    Filters with the same `key` select the same fields, and those with the same `where` let the same through.
    """

    key: bytes
    where: bytes
    looks: bool  # at the address space, for each event
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
    """One operator with its operands."""

    apply: Operation
    operands: tuple[Operand, ...]


def compile_filter(
    wanted: ua.EventFilter, types: EventTypes
) -> tuple[CompiledFilter | None, ua.EventFilterResult]:
    """Check and compile a client's filter."""
    clauses, elements = wanted.SelectClauses or [], wanted.WhereClause.Elements or []
    if _is_too_much(clauses, elements):
        return None, ua.EventFilterResult()
    selected = [_select(clause, types) for clause in clauses]
    compiled = [_Compiler(types, i, elements).element() for i in range(len(elements))]
    result = _result(selected, compiled)
    reachable = _reachable(elements)
    where = [(i, compiled[i].element) for i in reachable]
    if any(element is None for _, element in where) or all(code != Codes.Good for _, code, _ in selected):
        return None, result
    select = tuple(field for field, _, _ in selected)
    looks = any(elements[i].FilterOperator == Op.RelatedTo for i in reachable)
    sound = tuple((i, element) for i, element in where if element is not None)
    return CompiledFilter(_key(clauses), _key(elements), looks, select, sound, len(elements)), result


def without_diagnostics(result: ua.EventFilterResult) -> ua.EventFilterResult:
    """The same for a client that did not ask for words."""
    elements = result.WhereClauseResult.ElementResults
    return ua.EventFilterResult(
        SelectClauseResults=result.SelectClauseResults,
        WhereClauseResult=ua.ContentFilterResult(
            ElementResults=[
                ua.ContentFilterElementResult(each.StatusCode, each.OperandStatusCodes) for each in elements
            ]
        ),
    )


def _is_too_much(
    clauses: Sequence[ua.SimpleAttributeOperand], elements: Sequence[ua.ContentFilterElement]
) -> bool:
    operands = sum(len(element.FilterOperands or []) for element in elements)
    relations = sum(element.FilterOperator == Op.RelatedTo for element in elements)
    return (
        len(clauses) > MAX_SELECT_CLAUSES
        or len(elements) > MAX_ELEMENTS
        or operands > MAX_OPERANDS
        or relations > MAX_RELATIONS
    )


def _key(parts: Sequence[Any]) -> bytes:
    """The same for the same clauses or elements; what cannot be encoded again is like nothing else."""
    try:
        data = b"".join(struct_to_binary(part) for part in parts)
    except Exception:  # whatever the codec says of a literal that it decoded
        return os.urandom(32)
    return hashlib.sha256(data).digest()


def _reachable(elements: Sequence[ua.ContentFilterElement]) -> list[int]:
    """The elements that the first one leads to, last first; the others are ignored (Part 4, 7.7.1)."""
    needed = {0} if elements else set()
    for i, element in enumerate(elements):
        if i in needed:
            named = [o.Index for o in element.FilterOperands or [] if isinstance(o, ua.ElementOperand)]
            needed.update(index for index in named if i < index < len(elements))
    return sorted(needed, reverse=True)


def _select(clause: ua.SimpleAttributeOperand, types: EventTypes) -> tuple[Field, int, str]:
    try:
        return compile_clause(clause, types), Codes.Good, ""
    except Refused as refused:
        return NO_FIELD, refused.code, refused.text


# The type of an event as a value; there are not many.
_type_of = lru_cache(maxsize=256)(node_id)


@dataclass(frozen=True)
class _Compiled:
    """An element, None where it is wrong, and what is said of it and of its operands."""

    element: Element | None
    code: int
    text: str = ""
    codes: Sequence[int] = ()
    texts: Sequence[str] = ()

    def result(self) -> ua.ContentFilterElementResult:
        """The same as the structure of Part 4, 7.7.2."""
        result = ua.ContentFilterElementResult(
            ua.StatusCode(self.code), [ua.StatusCode(c) for c in self.codes]
        )
        result.OperandDiagnosticInfos = _diagnostics(self.texts)
        return result


class _Compiler:
    """Compiles element `number` of the `elements` of a where clause."""

    def __init__(self, types: EventTypes, number: int, elements: Sequence[ua.ContentFilterElement]) -> None:
        self._types = types
        self._number = number
        self._elements = elements
        self._wanted = elements[number]

    def element(self) -> _Compiled:
        """The element and what its result says."""
        wanted = self._wanted.FilterOperands or []
        try:
            chosen = self._operator(len(wanted))
        except Refused as refused:
            return _Compiled(None, refused.code, refused.text)
        operands = [self._operand(place, operand) for place, operand in enumerate(wanted)]
        codes, texts = [code for _, code, _ in operands], [text for _, _, text in operands]
        sound = [operand for operand, _, _ in operands if operand is not None]
        if len(sound) < len(wanted):
            return _Compiled(None, Codes.BadFilterOperandInvalid, "see its operands", codes, texts)
        if self._wanted.FilterOperator == Op.OfType:
            sound.insert(0, lambda event, values: _type_of(event.type))
        elif self._wanted.FilterOperator == Op.RelatedTo:
            return self._relation(codes, texts)
        return _Compiled(Element(chosen.apply, tuple(sound)), Codes.Good, "", codes, texts)

    def _relation(self, codes: list[int], texts: list[str]) -> _Compiled:
        try:
            related = compile_relation(self._elements, self._number, self._types)
        except Refused as refused:
            return _Compiled(None, Codes.BadFilterOperandInvalid, refused.text, codes, texts)
        return _Compiled(Element(_OF_RELATION.apply, (related,)), Codes.Good, "", codes, texts)

    def _operand(self, place: int, operand: Any) -> tuple[Operand | None, int, str]:
        operator = self._wanted.FilterOperator
        try:
            compiled = compile_operand(operand, self._number, len(self._elements), self._types)
            check_literal(operator, place, operand, self._types)
            if operator == Op.RelatedTo and place in ENDS:
                check_end(operand, self._elements)
        except Refused as refused:
            return None, refused.code, refused.text
        return compiled, Codes.Good, ""

    def _operator(self, operands: int) -> Operator:
        wanted = self._wanted.FilterOperator
        chosen = Operator(self._of_type(), 1, 1) if wanted == Op.OfType else _KNOWN.get(wanted)
        if chosen is None and wanted == Op.InView:
            raise Refused(Codes.BadFilterOperatorUnsupported, "there are no views")
        if chosen is None:
            raise Refused(Codes.BadFilterOperatorInvalid, f"there is no operator {int(wanted)}")
        if not chosen.least <= operands <= chosen.most:
            text = f"{Op(wanted).name} does not take {operands} operands"
            raise Refused(Codes.BadFilterOperandCountMismatch, text)
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


_OF_RELATION: Final = Operator(lambda operands: operands[0], 6, 6)
_KNOWN: Final = {**OPERATORS, Op.RelatedTo: _OF_RELATION}


def _result(
    selected: Sequence[tuple[Field, int, str]], compiled: Sequence[_Compiled]
) -> ua.EventFilterResult:
    """A StatusCode for each clause, element and operand, and what there is to say of those that are wrong."""
    return ua.EventFilterResult(
        [ua.StatusCode(code) for _, code, _ in selected],
        _diagnostics([text for _, _, text in selected]),
        ua.ContentFilterResult(
            [each.result() for each in compiled], _diagnostics([each.text for each in compiled])
        ),
    )


def _diagnostics(texts: Sequence[str]) -> list[ua.DiagnosticInfo]:
    """A text for each of several, none at all where there is nothing to say (Part 4, 7.22.3)."""
    return [ua.DiagnosticInfo(AdditionalInfo=text or None) for text in texts] if any(texts) else []
