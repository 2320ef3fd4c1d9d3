"""Filter operators: truth tables with null, conversions, Cast, and Like against another matcher."""

from __future__ import annotations

import datetime as dt
import uuid
from itertools import product
from typing import Any

import pytest
from asyncua import ua
from hypothesis import example, given
from hypothesis import strategies as some

from server.events.likepattern import PatternError, compile_pattern
from server.events.operators import OPERATORS

Op, Type = ua.FilterOperator, ua.VariantType
NOTHING = ua.Variant()


def v(value: Any, kind: ua.VariantType | None = None) -> ua.Variant:
    return ua.Variant(value, kind)


def apply(operator: ua.FilterOperator, *operands: Any) -> Any:
    values = [o if isinstance(o, ua.Variant) else v(o) for o in operands]
    return OPERATORS[operator].apply(values).Value


@pytest.mark.parametrize(
    ("operator", "table"),
    # Rows TRUE, FALSE, null by columns TRUE, FALSE, null (Part 4, 7.7.3).
    [(Op.And, "TFN FFF NFN"), (Op.Or, "TTT TFN TNN")],
)
def test_and_or(operator: ua.FilterOperator, table: str) -> None:
    three = (True, False, None)
    expected = [{"T": True, "F": False, "N": None}[c] for c in table.replace(" ", "")]
    assert [apply(operator, a, b) for a, b in product(three, three)] == expected


def test_not() -> None:
    assert [apply(Op.Not, value) for value in (True, False, None, 7)] == [False, True, None, None]


COMPARED = (Op.Equals, Op.GreaterThan, Op.LessThan, Op.GreaterThanOrEqual, Op.LessThanOrEqual)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 2, "FFTFT"),
        (2, 2, "TFFTT"),
        (3, 2, "FTFTF"),
        (v(2, Type.Byte), v(2.5, Type.Double), "FFTFT"),
        (v(-1, Type.Int64), v(1, Type.UInt64), "FFTFT"),
        (True, 1, "TFFTT"),
        ("10", 9, "FTFTF"),
        ("nine", 9, "FFFFF"),
        ("300", v(44, Type.Byte), "FFFFF"),
        ("abc", "abd", "FFTFT"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 1, 1, tzinfo=dt.UTC), "FTFTF"),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 5, "FFFFF"),
        (ua.LocalizedText("hot", "en"), "hot", "TFFFF"),
        (ua.LocalizedText("hot"), ua.QualifiedName("hot"), "TFFFF"),
        (ua.NodeId(85), ua.NodeId(85), "TFFFF"),
        (ua.NodeId(85), "i=85", "TFFFF"),
        (ua.NodeId(85), 85, "FFFFF"),
        (v(0x80340000, Type.UInt32), ua.StatusCode(0x80340000), "TFFTT"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007", "TFFTT"),
        (b"ab", b"ab", "TFFTT"),
        (b"ab", "ab", "FFFFF"),
        ([1, 2], [1, 2], "T****"),
        ([1, 2], 1, "FFFFF"),
        # An array of one element is that element where the other operand is no array.
        (v([2], Type.Int32), 2.0, "T****"),
        (v([2], Type.Int32), [2, 2], "FFFFF"),
        (float("nan"), 1.0, "FFFFF"),
        (None, 1, "NNNNN"),
        (1, None, "NNNNN"),
        (None, None, "NNNNN"),
        (v(None, Type.String), "x", "NNNNN"),
        (ua.NodeId(), ua.NodeId(85), "NNNNN"),
    ],
)
def test_comparisons(a: Any, b: Any, expected: str) -> None:
    names = {True: "T", False: "F", None: "N"}
    got = [names[apply(operator, a, b)] for operator in COMPARED]
    assert [g for g, e in zip(got, expected, strict=True) if e != "*"] == [e for e in expected if e != "*"]


@pytest.mark.parametrize(
    ("value", "null"),
    [
        (None, True),
        (v(None, Type.String), True),
        (ua.NodeId(), True),
        (ua.LocalizedText(), True),
        (ua.QualifiedName(), True),
        ("", False),
        (0, False),
        (False, False),
        (ua.NodeId(1), False),
        (ua.LocalizedText(""), False),
    ],
)
def test_is_null(value: Any, null: bool) -> None:
    assert apply(Op.IsNull, value) is null


@pytest.mark.parametrize(
    ("operands", "expected"),
    [
        ((5, 1, 9), True),
        ((1, 1, 9), True),
        ((9, 1, 9), True),
        ((0, 1, 9), False),
        ((10, 1, 9), False),
        ((5, 9, 1), False),
        ((None, 1, 9), None),
        ((5, None, 9), None),
        ((10, None, 9), False),
        ((5, 1, "x"), False),
    ],
)
def test_between(operands: tuple[Any, ...], expected: bool | None) -> None:
    assert apply(Op.Between, *operands) is expected


@pytest.mark.parametrize(
    ("operands", "expected"),
    [
        ((5, 1, 5), True),
        ((5, 1, 2), False),
        ((5, None, 5), True),
        ((5, None, 2), None),
        ((None, 1, 2), None),
        ((5, "5"), True),
    ],
)
def test_in_list(operands: tuple[Any, ...], expected: bool | None) -> None:
    assert apply(Op.InList, *operands) is expected


@pytest.mark.parametrize(
    ("a", "b", "both", "either", "kind"),
    [
        (v(6, Type.Byte), v(3, Type.UInt32), 2, 7, Type.UInt32),
        (v(6, Type.Int32), v(3, Type.Int32), 2, 7, Type.Int32),
        (v(-1, Type.Int64), v(5, Type.Byte), 5, -1, Type.Int64),
    ],
)
def test_bitwise(a: Any, b: Any, both: int, either: int, kind: ua.VariantType) -> None:
    assert OPERATORS[Op.BitwiseAnd].apply([a, b]) == v(both, kind)
    assert OPERATORS[Op.BitwiseOr].apply([a, b]) == v(either, kind)


@pytest.mark.parametrize("pair", [(1, None), (None, 1), (1, 1.0), (True, 1), ("1", 1), ([1], 1)])
def test_bitwise_of_what_is_no_integer(pair: tuple[Any, Any]) -> None:
    assert apply(Op.BitwiseAnd, *pair) is None


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        (3, Type.String, "3"),
        (True, Type.String, "true"),
        ("42", Type.Int32, 42),
        ("4_2", Type.Int32, None),
        ("1e2", Type.Double, 100.0),
        (2.5, Type.Int32, 3),
        (-2.5, Type.Int32, -3),
        (300, Type.Byte, None),
        (float("inf"), Type.Int64, None),
        (float("nan"), Type.Int64, None),
        (0, Type.Boolean, False),
        ("true", Type.Boolean, True),
        ("perhaps", Type.Boolean, None),
        ("i=85", Type.NodeId, ua.NodeId(85)),
        ("85", Type.NodeId, None),
        (ua.NodeId(85), Type.String, "i=85"),
        ("00000000-0000-0000-0000-000000000007", Type.Guid, uuid.UUID(int=7)),
        ("seven", Type.Guid, None),
        ("2026-01-01T00:00:00Z", Type.DateTime, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ("today", Type.DateTime, None),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), Type.String, "2026-01-01T00:00:00Z"),
        ("hot", Type.LocalizedText, ua.LocalizedText("hot")),
        ("hot", Type.QualifiedName, ua.QualifiedName("hot")),
        (v(0x80340000, Type.UInt32), Type.StatusCode, ua.StatusCode(0x80340000)),
        (ua.StatusCode(5), Type.Int32, 5),
        # The upper half of a StatusCode is what 16 bits take; signed integers take its bits as they are.
        (ua.StatusCode(0x80340000), Type.UInt16, 0x8034),
        (ua.StatusCode(0x80340000), Type.Int16, 0x8034 - 0x10000),
        (ua.StatusCode(0x80340000), Type.Int32, 0x80340000 - 0x1_0000_0000),
        (ua.StatusCode(0x80340000), Type.UInt64, 0x80340000),
        (ua.StatusCode(0x80340000), Type.Byte, None),
        (v(0x8034, Type.UInt16), Type.StatusCode, ua.StatusCode(0x80340000)),
        (v(-1, Type.Int32), Type.StatusCode, ua.StatusCode(0xFFFFFFFF)),
        (v(1 << 32, Type.UInt64), Type.StatusCode, None),
        (b"\x01\xab", Type.String, "01AB"),
        (uuid.UUID(int=7), Type.ByteString, uuid.UUID(int=7).bytes_le),
        (uuid.UUID(int=7).bytes_le, Type.Guid, uuid.UUID(int=7)),
        (b"short", Type.Guid, None),
        (True, Type.Double, 1.0),
        (-1, Type.UInt32, None),
        (ua.LocalizedText("hot", "en"), Type.String, "hot"),
        (ua.QualifiedName("hot", 3), Type.String, "hot"),
        (ua.QualifiedName("hot", 3), Type.LocalizedText, ua.LocalizedText("hot")),
        (None, Type.String, None),
        # Arrays element by element, and not at all where one element fails.
        ([1, 2], Type.String, ["1", "2"]),
        (["1", "x"], Type.Int32, None),
        (v([], Type.Int32), Type.String, []),
    ],
)
def test_cast(value: Any, target: ua.VariantType, expected: Any) -> None:
    assert apply(Op.Cast, value, ua.NodeId(target.value)) == expected


def test_cast_by_the_name_of_a_type_of_part_3() -> None:
    assert apply(Op.Cast, "1.5", ua.NodeId(ua.ObjectIds.Duration)) == 1.5
    for no_type in (ua.NodeId(2041), ua.NodeId("String", 2), 12, None):
        assert apply(Op.Cast, "1.5", no_type) is None


@pytest.mark.parametrize(
    ("pattern", "texts", "others"),
    [
        # The examples of Part 4, 7.7.3, and the corners around them.
        ("main%", ["main", "main street"], ["the main"]),
        ("%en%", ["en", "Ken", "entail"], ["e n"]),
        ("_e", ["he", "we", "\ne"], ["e", "the"]),
        ("abc[13-68]", ["abc1", "abc3", "abc5", "abc6", "abc8"], ["abc2", "abc7", "abc", "abc13"]),
        ("xyz[a-f]", ["xyza", "xyzf"], ["xyzg"]),
        ("ABC[^13-5]", ["ABC2", "ABC6"], ["ABC1", "ABC3", "ABC4", "ABC5", "ABC"]),
        ("5\\%", ["5%"], ["50"]),
        ("a\\_b\\\\", ["a_b\\"], ["axb\\"]),
        ("[\\]-]", ["]", "-"], ["\\", "a"]),
        ("[-a]", ["-", "a"], ["b"]),
        ("[a^]", ["a", "^"], ["b"]),
        ("a.c*", ["a.c*"], ["abc", "a.ccc"]),
        ("%", ["", "a\nb"], []),
        ("", [""], ["a"]),
        ("%a%%b%", ["ab", "xaxbx"], ["ba"]),
        ("%ab", ["aab", "abab"], ["aba"]),
        ("ไฟ%", ["ไฟดับ"], ["ดับไฟ"]),
    ],
)
def test_like(pattern: str, texts: list[str], others: list[str]) -> None:
    assert [text for text in texts + others if apply(Op.Like, text, pattern)] == texts


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        (None, "%", None),
        ("a", None, None),
        (5, "5", False),
        ("5", 5, False),
        (ua.LocalizedText("hot", "en"), "h%", True),
        (ua.NodeId("A/J01", 2), "ns=2;s=A/%", True),
        ("a", "[", False),
    ],
)
def test_like_of_what_is_no_string(value: Any, pattern: Any, expected: bool | None) -> None:
    assert apply(Op.Like, value, pattern) is expected


@pytest.mark.parametrize("pattern", ["[", "[a", "a\\", "[]", "[^]", "[z-a]", "[\\"])
def test_pattern_that_breaks_off(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


PIECES = some.one_of(
    some.just(("run", "")),
    some.just(("one", "")),
    some.tuples(some.just("is"), some.sampled_from("abc%_[]^-\\.*")),
    some.tuples(some.just("in"), some.text("abcd", min_size=1, max_size=3)),
    some.tuples(some.just("not"), some.text("abcd", min_size=1, max_size=3)),
)


def written(piece: tuple[str, str]) -> str:
    kind, what = piece
    escaped = f"\\{what}" if what in "%_[]^-\\" else what
    return {"run": "%", "one": "_", "is": escaped, "in": f"[{what}]", "not": f"[^{what}]"}[kind]


def fits(pieces: list[tuple[str, str]], text: str) -> bool:
    """The set of text positions that can be reached, piece by piece."""
    reached = {0}
    for kind, what in pieces:
        if kind == "run":
            reached = set(range(min(reached), len(text) + 1)) if reached else reached
            continue
        takes = {
            "one": lambda c: True,
            "is": lambda c, what=what: c == what,
            "in": lambda c, what=what: c in what,
            "not": lambda c, what=what: c not in what,
        }[kind]
        reached = {i + 1 for i in reached if i < len(text) and takes(text[i])}
    return len(text) in reached


@given(some.lists(PIECES, max_size=8), some.text("abcd%_[]^-\\.*\n", max_size=10))
@example([("run", ""), ("is", "a"), ("run", ""), ("is", "a"), ("is", "b")], "aaab")
def test_like_against_another_matcher(pieces: list[tuple[str, str]], text: str) -> None:
    pattern = "".join(map(written, pieces))
    assert (compile_pattern(pattern).fullmatch(text) is not None) is fits(pieces, text)


def test_no_pattern_takes_for_ever() -> None:
    """Backtracking would try more than 10**30 ways here."""
    pattern = compile_pattern("%a" * 40 + "%b")
    assert pattern.fullmatch("a" * 4000) is None
