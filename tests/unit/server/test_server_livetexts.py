"""Texts of String rows: gathered or one by one, they are what was said, whatever was known before."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from server import livetexts
from server.livetexts import Texts

ROWS = np.array([3, 5, 6, 900])
asked = some.lists(
    some.tuples(
        some.sampled_from([(3, 2), (5, 3), (6, 2), (900, 3)]),  # a row's shape never changes
        some.one_of(some.integers(-3, 300).map(float), some.sampled_from((math.nan, math.inf, -0.0))),
    ),
    max_size=30,
)


def say(shape: int, value: float) -> bytes:
    if not math.isfinite(value):
        return b""
    return f"{shape}:{int(value)}".encode() + b"\xe0\xb8\x81" * (abs(int(value)) % 20)


def expected(shape: int, value: float) -> bytes:
    return struct.pack("<i", len(say(shape, value))) + say(shape, value)


def gathered(texts: Texts, wanted: list[tuple[int, int, float]]) -> list[bytes]:
    rows, shapes, values = (np.array([each[i] for each in wanted]) for i in range(3))
    cells, sizes = texts.gather(rows.astype(np.intp), shapes.astype(np.uint8), values.astype(np.float64))
    assert cells.shape == (len(wanted), max(sizes, default=0))
    return [cell[:size].tobytes() for cell, size in zip(cells, sizes, strict=True)]


@given(some.lists(asked, min_size=1, max_size=6))
def test_what_is_gathered_is_what_is_said(batches: list[list[tuple[tuple[int, int], float]]]) -> None:
    """One row may be asked for several times with several values: those were sampled before."""
    texts = Texts(ROWS, say)
    for batch in batches:
        wanted = [(*row, value) for row, value in batch]
        assert gathered(texts, wanted) == [expected(shape, value) for _, shape, value in wanted]
        assert [texts.one(shape, value) for _, shape, value in wanted] == gathered(texts, wanted)


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livetexts, "KNOWN", 50)
    texts = Texts(ROWS, say)
    for first in range(0, 300, 7):
        wanted = [(int(ROWS[i % 4]), 2, float(first + i)) for i in range(20)]
        assert gathered(texts, wanted) == [expected(2, value) for _, _, value in wanted]
        assert texts.one(3, first) == expected(3, first)
        assert len(texts._encoded) <= 52


def test_a_text_is_made_once() -> None:
    made: list[float] = []

    def count(shape: int, value: float) -> bytes:
        made.append(value)
        return say(shape, value)

    texts = Texts(ROWS, count)
    for _ in range(3):
        gathered(texts, [(3, 2, 1.0), (5, 2, 1.0), (3, 2, 2.0), (6, 2, math.nan)])
        texts.one(2, 1.0)
    assert made == [1.0, 2.0]
