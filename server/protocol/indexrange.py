"""NumericRange of Part 4, 7.27: a part of an array, a string or a byte string."""

from __future__ import annotations

import re
from typing import Final

from asyncua import ua

_RANGE: Final = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")


class BadRange(Exception):
    """The text is no NumericRange."""


class NoData(Exception):
    """The value has nothing at that range."""


def take(variant: ua.Variant | None, text: str) -> ua.Variant:
    """The elements of `variant` that `text` names; only one dimension, as no value here has more."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise BadRange(text)
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    if found[2] and high <= low:
        raise BadRange(text)
    value = None if variant is None else variant.Value
    if not isinstance(value, list | str | bytes) or low >= len(value):
        raise NoData(text)
    assert variant is not None
    return ua.Variant(value[low : high + 1], variant.VariantType)
