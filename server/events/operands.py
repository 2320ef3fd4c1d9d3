"""Operands of a where clause: what each resolves to in an event, and which literals an operator refuses.

A literal that could only ever make its operator fail is refused when the filter is made, with the code of
Part 4, 7.7.2, instead of a filter that lets nothing through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncua import ua

from server.events.clauses import Refused, compile_clause
from server.events.event import Event
from server.events.likepattern import PatternError, compile_pattern
from server.events.types import EventTypes
from server.events.values import data_type, hops

# An operand's value, from the event and the values of later elements.
Operand = Callable[[Event, Sequence[ua.Variant]], ua.Variant]
Op = ua.FilterOperator
Codes = ua.StatusCodes

ENDS: Final = (0, 1)  # operands of RelatedTo: types of both ends, type of reference, hops, two flags
_REFERENCE, _HOPS = 2, 3


def compile_operand(operand: Any, number: int, count: int, types: EventTypes) -> Operand:
    """How to get what an operand of element `number` of `count` resolves to; raises `Refused`."""
    if isinstance(operand, ua.LiteralOperand):
        value = operand.Value
        return lambda event, values: value
    if isinstance(operand, ua.ElementOperand):
        index = operand.Index
        if not number < index < count:
            raise Refused(Codes.BadFilterElementInvalid, f"element {index} does not come after this one")
        return lambda event, values: values[index]
    if isinstance(operand, ua.AttributeOperand):
        # Part 4, 7.22.3: not in the filter of events, whose fields are simple attributes.
        raise Refused(Codes.BadFilterOperandInvalid, "an event filter takes no AttributeOperand")
    if not isinstance(operand, ua.SimpleAttributeOperand):
        raise Refused(Codes.BadFilterOperandInvalid, "an operand of an unknown type")
    get = compile_clause(operand, types).value
    return lambda event, values: get(event)


def check_literal(operator: int, place: int, operand: Any, types: EventTypes) -> None:
    """Refuse a literal that could only ever make the operator fail."""
    if not isinstance(operand, ua.LiteralOperand):
        return
    value = operand.Value
    if operator == Op.Like and place == 1:
        _check_pattern(value)
    elif operator == Op.Cast and place == 1 and data_type(value) is None:
        raise Refused(Codes.BadFilterLiteralInvalid, "not the NodeId of a data type that there is a cast to")
    elif operator == Op.OfType:
        _check_node(value)
        if not types.is_event_type(value.Value):
            raise Refused(Codes.BadTypeDefinitionInvalid, f"{value.Value.to_string()} is no type of events")
    elif operator == Op.RelatedTo:
        _check_relation(place, value, types)


def _check_node(value: ua.Variant) -> None:
    if not isinstance(value.Value, ua.NodeId):
        raise Refused(Codes.BadFilterLiteralInvalid, "not a NodeId")


def _check_relation(place: int, value: ua.Variant, types: EventTypes) -> None:
    if place in ENDS:
        _check_node(value)
        if not types.is_type_definition(value.Value):
            raise Refused(Codes.BadTypeDefinitionInvalid, f"{value.Value.to_string()} is no type of nodes")
    elif place == _REFERENCE:
        _check_node(value)
        if not types.is_reference_type(value.Value):
            raise Refused(Codes.BadFilterLiteralInvalid, f"{value.Value.to_string()} is no ReferenceType")
    elif place == _HOPS and hops(value) is None:
        raise Refused(Codes.BadFilterLiteralInvalid, "not a number of hops")


def _check_pattern(value: ua.Variant) -> None:
    if not isinstance(value.Value, str):
        return
    try:
        compile_pattern(value.Value)
    except PatternError as error:
        raise Refused(Codes.BadFilterLiteralInvalid, str(error)) from None
