"""The operators of a content filter on Variants, in three-valued logic (Part 4, 7.7.3).

An operator takes its operands' values and gives TRUE, FALSE or NULL, or for Cast and the bitwise
operators a value. A null operand makes a comparison null, a conversion that does not exist makes it
FALSE. OfType needs the event and stands in `server.events.filter`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from asyncua import ua

from server.events.event import FALSE, NULL, TRUE
from server.events.likepattern import PatternError, compile_pattern
from server.events.values import as_string, cast, common, data_type, integer, is_null, order, truth, wider

Operation = Callable[[Sequence[ua.Variant]], ua.Variant]
Three = bool | None
Op = ua.FilterOperator

UNBOUNDED: Final = 1 << 31


@dataclass(frozen=True)
class Operator:
    """An operator and how many operands it takes."""

    apply: Operation
    least: int
    most: int


def variant(value: Three) -> ua.Variant:
    """TRUE, FALSE or NULL."""
    return NULL if value is None else TRUE if value else FALSE


def both(a: Three, b: Three) -> Three:
    """And."""
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def either(a: Three, b: Three) -> Three:
    """Or."""
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def _compare(a: ua.Variant, b: ua.Variant, holds: Callable[[Any, Any], bool]) -> Three:
    if is_null(a) or is_null(b):
        return None
    pair = common(a, b) if holds is operator.eq else order(a, b)
    return pair is not None and bool(holds(*pair))


def _comparison(holds: Callable[[Any, Any], bool]) -> Operation:
    return lambda operands: variant(_compare(operands[0], operands[1], holds))


def _is_null(operands: Sequence[ua.Variant]) -> ua.Variant:
    return variant(is_null(operands[0]))


def _not(operands: Sequence[ua.Variant]) -> ua.Variant:
    value = truth(operands[0])
    return variant(None if value is None else not value)


def _and(operands: Sequence[ua.Variant]) -> ua.Variant:
    return variant(both(truth(operands[0]), truth(operands[1])))


def _or(operands: Sequence[ua.Variant]) -> ua.Variant:
    return variant(either(truth(operands[0]), truth(operands[1])))


def _between(operands: Sequence[ua.Variant]) -> ua.Variant:
    value, low, high = operands
    return variant(both(_compare(value, low, operator.ge), _compare(value, high, operator.le)))


def _in_list(operands: Sequence[ua.Variant]) -> ua.Variant:
    found: Three = False
    for candidate in operands[1:]:
        found = either(found, _compare(operands[0], candidate, operator.eq))
        if found:
            break
    return variant(found)


def _like(operands: Sequence[ua.Variant]) -> ua.Variant:
    if is_null(operands[0]) or is_null(operands[1]):
        return NULL
    value, pattern = as_string(operands[0]), as_string(operands[1])
    if value is None or pattern is None:
        return FALSE
    try:
        return variant(_pattern(pattern).fullmatch(value) is not None)
    except PatternError:
        return FALSE


_pattern = lru_cache(maxsize=256)(compile_pattern)


def _cast(operands: Sequence[ua.Variant]) -> ua.Variant:
    target = data_type(operands[1])
    return NULL if target is None else cast(operands[0], target)


def _bitwise(combine: Callable[[int, int], int]) -> Operation:
    def apply(operands: Sequence[ua.Variant]) -> ua.Variant:
        kind = wider(operands[0], operands[1])
        return NULL if kind is None else integer(combine(operands[0].Value, operands[1].Value), kind)

    return apply


OPERATORS: Final = {
    Op.Equals: Operator(_comparison(operator.eq), 2, 2),
    Op.IsNull: Operator(_is_null, 1, 1),
    Op.GreaterThan: Operator(_comparison(operator.gt), 2, 2),
    Op.LessThan: Operator(_comparison(operator.lt), 2, 2),
    Op.GreaterThanOrEqual: Operator(_comparison(operator.ge), 2, 2),
    Op.LessThanOrEqual: Operator(_comparison(operator.le), 2, 2),
    Op.Like: Operator(_like, 2, 2),
    Op.Not: Operator(_not, 1, 1),
    Op.Between: Operator(_between, 3, 3),
    Op.InList: Operator(_in_list, 2, UNBOUNDED),
    Op.And: Operator(_and, 2, 2),
    Op.Or: Operator(_or, 2, 2),
    Op.Cast: Operator(_cast, 2, 2),
    Op.BitwiseAnd: Operator(_bitwise(operator.and_), 2, 2),
    Op.BitwiseOr: Operator(_bitwise(operator.or_), 2, 2),
}
