"""NumericRange: parts of arrays and strings, read and replaced (Part 4, 7.27)."""

from __future__ import annotations

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as some

from server.protocol.indexrange import BadRange, Mismatch, NoData, put, take

VT = ua.VariantType


@given(some.lists(some.integers(0, 9), min_size=1, max_size=9), some.integers(0, 12), some.integers(0, 12))
def test_a_range_is_a_slice_with_both_ends(values: list[int], low: int, high: int) -> None:
    variant = ua.Variant(values, ua.VariantType.Int32)
    text = f"{low}:{high}"
    if high <= low:
        with pytest.raises(BadRange):
            take(variant, text)
    elif low >= len(values):
        with pytest.raises(NoData):
            take(variant, text)
    else:
        assert take(variant, text).Value == values[low : high + 1]


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "-1", "1:", ":1", "1:2:3", "0,", ",", "0,1:0", "1e3", "٣", "99999999999999999999"],
)
def test_what_is_no_range_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadRange):
        take(ua.Variant([1, 2, 3], ua.VariantType.Int32), text)


NUMBERS = ua.Variant([[1, 2, 3], [4, 5, 6]], VT.Int32)
TEXTS = ua.Variant(["TestString", "Test", None], VT.String)


@pytest.mark.parametrize(
    ("whole", "text", "part"),
    [
        (NUMBERS, "0:1,1:2", [[2, 3], [5, 6]]),
        (NUMBERS, "1,0", [[4]]),
        (NUMBERS, "1:9,2:9", [[6]]),
        (TEXTS, "0:2,7:9", ["ing", None, None]),
        (TEXTS, "0:1,0:1", ["Te", "Te"]),
        (ua.Variant([b"abc", b"d"], VT.ByteString), "0:1,1:2", [b"bc", None]),
    ],
)
def test_a_range_of_each_dimension(whole: ua.Variant, text: str, part: object) -> None:
    """Strings in an array are a dimension of their own; what one has not is null (Part 4, 7.27)."""
    assert take(whole, text).Value == part


@pytest.mark.parametrize(
    ("whole", "text"),
    [
        (NUMBERS, "0"),
        (NUMBERS, "0,0,0"),
        (NUMBERS, "2,0"),
        (NUMBERS, "0,3"),
        (TEXTS, "0:2,10:11"),
        (TEXTS, "0,0,0"),
        (ua.Variant([1, 2, 3], VT.Int32), "0,1"),
        (ua.Variant("Volt", VT.String), "0,1"),
        (ua.Variant(1.0, VT.Double), "0"),
        (ua.Variant(None, VT.String), "0"),
        (None, "0"),
    ],
)
def test_a_range_that_the_value_has_not(whole: ua.Variant | None, text: str) -> None:
    with pytest.raises(NoData):
        take(whole, text)


@pytest.mark.parametrize(
    ("whole", "text", "part", "new"),
    [
        (ua.Variant([1, 2, 3], VT.Int32), "1", [9], [1, 9, 3]),
        (ua.Variant([1, 2, 3], VT.Int32), "0:2", [7, 8, 9], [7, 8, 9]),
        (NUMBERS, "0:1,1", [[8], [9]], [[1, 8, 3], [4, 9, 6]]),
        (ua.Variant("Voltage", VT.String), "0:1", "Bo", "Boltage"),
        (TEXTS, "0,0:3", ["Best"], ["BestString", "Test", None]),
    ],
)
def test_a_range_is_replaced(whole: ua.Variant, text: str, part: object, new: object) -> None:
    before = repr(whole)
    assert put(whole, text, ua.Variant(part, whole.VariantType)).Value == new
    assert repr(whole) == before


@pytest.mark.parametrize(
    ("text", "part", "error"),
    [
        ("0:1", [1], Mismatch),
        ("0", [1, 2], Mismatch),
        ("0", 1, Mismatch),
        ("2:3", [1, 2], NoData),
        ("3", [1], NoData),
        ("0,0", [[1]], NoData),
        ("a", [1], BadRange),
    ],
)
def test_a_range_that_cannot_be_replaced(text: str, part: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        put(ua.Variant([1, 2, 3], VT.Int32), text, ua.Variant(part, VT.Int32))


def test_a_range_of_a_string_or_bytes_is_a_part_of_it() -> None:
    assert take(ua.Variant("Voltage", ua.VariantType.String), "0:3").Value == "Volt"
    assert take(ua.Variant(b"Voltage", ua.VariantType.ByteString), "4").Value == b"a"


@pytest.mark.parametrize("variant", [None, ua.Variant(), ua.Variant(5.0, ua.VariantType.Double)])
def test_a_scalar_has_nothing_at_a_range(variant: ua.Variant | None) -> None:
    with pytest.raises(NoData):
        take(variant, "0")
