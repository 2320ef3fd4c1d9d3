"""NumericRange of Part 4, 7.27: a part of an array, a string or a byte string, read or replaced.

Arrays of strings and byte strings have one dimension more: that of the characters or bytes.
"""

from __future__ import annotations

import re
from typing import Any, Final

from asyncua import ua

_RANGE: Final = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")

Span = tuple[int, int]  # first and last index


class BadRange(Exception):
    """The text is no NumericRange."""


class NoData(Exception):
    """The value has nothing at that range."""


class Mismatch(Exception):
    """What is to be written is not as large as the range."""


def parse(text: str) -> list[Span]:
    """First and last index of each dimension."""
    spans = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise BadRange(text)
        low = int(found[1])
        high = int(found[2]) if found[2] else low
        if found[2] and high <= low:
            raise BadRange(text)
        spans.append((low, high))
    return spans


def take(variant: ua.Variant | None, text: str) -> ua.Variant:
    """The elements of `variant` that `text` names; what is beyond the end is left out."""
    spans = parse(text)
    if variant is None:
        raise NoData(text)
    part = _cut(variant.Value, spans)
    if _is_empty(part):
        raise NoData(text)
    return ua.Variant(part, variant.VariantType)


def _cut(value: Any, spans: list[Span]) -> Any:
    (low, high), rest = spans[0], spans[1:]
    if not isinstance(value, list | str | bytes) or low >= len(value):
        raise NoData
    part = value[low : high + 1]
    if not isinstance(part, list):
        if rest:
            raise NoData
        return part
    if not rest:
        if any(isinstance(each, list) for each in part):
            raise NoData  # all dimensions are to be given
        return part
    if all(isinstance(each, list) for each in part):
        return [_cut(each, rest) for each in part]
    return [_cut_text(each, rest) for each in part]


def _cut_text(value: Any, spans: list[Span]) -> Any:
    """A part of a string in an array, null where it has none."""
    if len(spans) > 1 or not isinstance(value, str | bytes | None):
        raise NoData
    (low, high) = spans[0]
    return None if value is None or low >= len(value) else value[low : high + 1]


def _is_empty(part: Any) -> bool:
    """Whether there is nothing but nulls where strings were cut."""
    if not isinstance(part, list):
        return False
    return all(each is None or (isinstance(each, list) and _is_empty(each)) for each in part)


def put(whole: ua.Variant, text: str, part: ua.Variant) -> ua.Variant:
    """`whole` with the elements that `text` names replaced by those of `part`, which are as many."""
    spans = parse(text)
    value = _replaced(whole.Value, spans, part.Value)
    return ua.Variant(value, whole.VariantType, whole.Dimensions, whole.is_array)


def _replaced(value: Any, spans: list[Span], part: Any) -> Any:
    (low, high), rest = spans[0], spans[1:]
    if not isinstance(value, list | str | bytes) or high >= len(value):
        raise NoData
    if not isinstance(part, type(value)) or len(part) != high - low + 1:
        raise Mismatch
    if rest:
        part = [_replaced(old, rest, new) for old, new in zip(value[low : high + 1], part, strict=True)]
    elif isinstance(value, list) and any(isinstance(each, list) for each in value):
        raise NoData
    return value[:low] + part + value[high + 1 :]
