"""What the clauses of an event filter name: a field of an event by its browse path, or a node of it.

`compile_clause` checks a clause against the types (Part 4, 7.22.3): one that no event could ever answer is
refused, with the code that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from asyncua import ua

from server.events.event import ENCODED_NULL, NULL, Event, Path
from server.events.types import BASE, EventTypes
from server.protocol.indexrange import BadRange, NoData, take
from server.protocol.stack import variant_to_binary

Found = TypeVar("Found", ua.Variant, bytes)
Codes = ua.StatusCodes

_INSTANCE_ATTRIBUTES: Final = frozenset(
    {
        ua.AttributeIds.NodeId,
        ua.AttributeIds.NodeClass,
        ua.AttributeIds.BrowseName,
        ua.AttributeIds.DisplayName,
        ua.AttributeIds.Description,
    }
)


class Refused(Exception):
    """An operand, clause or element is wrong; `code` says how, `text` what, for who asks for diagnostics."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or f"0x{code:08X}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Field:
    """What a clause names: its value in an event, and the same encoded."""

    value: Callable[[Event], ua.Variant]
    encoded: Callable[[Event], bytes]


NO_FIELD: Final = Field(lambda event: NULL, lambda event: ENCODED_NULL)


def compile_clause(clause: ua.SimpleAttributeOperand, types: EventTypes) -> Field:
    """How to get what a clause names; raises `Refused` for a clause that no event can answer."""
    kind, path = clause.TypeDefinitionId, clause.BrowsePath or []
    if kind.is_null():
        kind = BASE
    if not types.is_event_type(kind):
        raise Refused(Codes.BadTypeDefinitionInvalid, f"{kind.to_string()} is no type of events")
    if any(not name.Name for name in path):
        raise Refused(Codes.BadBrowseNameInvalid, "an element of the browse path is empty")
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
        raise Refused(Codes.BadAttributeIdInvalid, f"an event's instance has no attribute {attribute}")
    return Field(lambda event: event.attribute(attribute), lambda event: event.encoded_attribute(attribute))


def _field(
    clause: ua.SimpleAttributeOperand, kind: ua.NodeId, path: Sequence[ua.QualifiedName], types: EventTypes
) -> Field:
    """The value of a variable, or the NodeId of an object (Part 4, 7.22.3)."""
    found = types.find(kind, path)
    names: Path = tuple(n.Name if not n.NamespaceIndex else f"{n.NamespaceIndex}:{n.Name}" for n in path)
    if found is None:
        raise Refused(Codes.BadNodeIdUnknown, f"{kind.to_string()} declares no {'/'.join(names)}")
    if found is ua.NodeClass.Variable and clause.AttributeId == ua.AttributeIds.Value:
        return Field(lambda event: event.value(names), lambda event: event.encoded(names))
    if found is ua.NodeClass.Object and clause.AttributeId == ua.AttributeIds.NodeId:
        return Field(
            lambda event: event.member(names), lambda event: bytes(variant_to_binary(event.member(names)))
        )
    what = "Value of a variable" if found is ua.NodeClass.Variable else "NodeId of an object"
    raise Refused(
        Codes.BadAttributeIdInvalid, f"only the {what} can be had, not attribute {clause.AttributeId}"
    )


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
        raise Refused(Codes.BadIndexRangeInvalid, f"{index_range} is no range of indices") from None
    except NoData:
        pass
    return Field(ranged, lambda event: variant_to_binary(ranged(event)))
