"""The RelatedTo operator of a where clause (Part 4, 7.7.3, table of advanced operators).

Its operands: the types of both ends, the type of the references between, the number of hops, whether subtypes
of the ends count, and whether those of the references do. An end can be a later element that is a RelatedTo
itself: the node there must meet that relation. Operands that resolve to nothing of use make it FALSE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from asyncua import ua

from server.events.clauses import Refused
from server.events.event import Event
from server.events.operands import Operand, compile_operand
from server.events.operators import variant
from server.events.relations import Kind, Relation
from server.events.types import EventTypes
from server.events.values import hops, truth

MAX_RELATIONS: Final = 8  # in a filter: each may name the next one twice
_OPERANDS: Final = 6
_KEPT: Final = 256  # types that were looked up
_SOURCE_NODE: Final = ("SourceNode",)

_Values = Sequence[ua.Variant]
# An end of a relation in an event; the flag says whether subtypes count.
_End = Callable[[Event, _Values, bool], Kind | Relation | None]
_Resolve = Callable[[Event, _Values], Relation | None]


def compile_relation(elements: Sequence[ua.ContentFilterElement], number: int, types: EventTypes) -> Operand:
    """Whether an event's condition or source is related as element `number` says; raises `Refused`."""
    resolve = _Compiler(elements, types).relation(number)

    def related(event: Event, values: _Values) -> ua.Variant:
        relation = resolve(event, values)
        return variant(
            relation is not None and any(types.relations.holds(n, relation) for n in _nodes(event))
        )

    return related


def check_end(operand: Any, elements: Sequence[ua.ContentFilterElement]) -> None:
    """Refuse an end that is an element, but no RelatedTo with all its operands."""
    if not isinstance(operand, ua.ElementOperand) or operand.Index >= len(elements):
        return
    named = elements[operand.Index]
    whole = len(named.FilterOperands or []) == _OPERANDS
    if named.FilterOperator != ua.FilterOperator.RelatedTo or not whole:
        raise Refused(ua.StatusCodes.BadFilterElementInvalid, f"element {operand.Index} is no RelatedTo")


def _nodes(event: Event) -> list[ua.NodeId]:
    """The nodes that are the target: the condition, where it is one, and the source."""
    found = event.attribute(ua.AttributeIds.NodeId).Value, event.value(_SOURCE_NODE).Value
    return [node for node in found if isinstance(node, ua.NodeId)]


class _Compiler:
    """Compiles relations of a where clause."""

    def __init__(self, elements: Sequence[ua.ContentFilterElement], types: EventTypes) -> None:
        self._elements = elements
        self._types = types
        self._is_type = lru_cache(_KEPT)(types.is_type_definition)
        self._is_reference = lru_cache(_KEPT)(types.is_reference_type)

    def relation(self, number: int) -> _Resolve:
        """How to get what element `number` asks; where it is the same of all events, worked out once."""
        wanted = self._elements[number].FilterOperands
        near, far = (self._end(number, operand) for operand in wanted[:2])
        others = [compile_operand(o, number, len(self._elements), self._types) for o in wanted[2:]]

        def resolve(event: Event, values: _Values) -> Relation | None:
            reference, count, of_ends, of_references = [get(event, values) for get in others]
            subtypes = truth(of_ends) is True
            ends = near(event, values, subtypes), far(event, values, subtypes)
            return self._made(*ends, reference.Value, truth(of_references) is True, hops(count))

        return resolve

    def _made(
        self, near: Any, far: Any, reference: Any, subtypes: bool, count: int | None
    ) -> Relation | None:
        if near is None or far is None or count is None or not isinstance(reference, ua.NodeId):
            return None
        if not self._is_reference(reference):
            return None
        return Relation(near, far, reference, subtypes, count)

    def _end(self, number: int, operand: Any) -> _End:
        check_end(operand, self._elements)
        get = compile_operand(operand, number, len(self._elements), self._types)
        if isinstance(operand, ua.ElementOperand):
            resolve = self.relation(operand.Index)
            return lambda event, values, subtypes: resolve(event, values)
        return lambda event, values, subtypes: self._kind(get(event, values).Value, subtypes)

    def _kind(self, node: Any, subtypes: bool) -> Kind | None:
        known = isinstance(node, ua.NodeId) and self._is_type(node)
        return Kind(node, subtypes) if known else None
