"""The time domain of a request."""

from __future__ import annotations

import pytest

from historian.span import FIRST, LAST, Span


@pytest.mark.parametrize(
    ("start", "end", "limits"),
    [
        (10, 20, (10, 19)),  # the end is not in the domain, the start is
        (20, 10, (11, 20)),
        (10, 10, (10, 10)),
        (10, None, (10, LAST)),
        (None, 10, (FIRST, 10)),
    ],
)
def test_domains(start: int | None, end: int | None, limits: tuple[int, int]) -> None:
    assert Span.of(start, end).limits() == limits


def test_what_follows_a_reply() -> None:
    assert Span.of(10, 20).limits(after=15) == (16, 19)
    assert Span.of(10, 20).limits(after=5) == (10, 19)  # that was a bound before the start
    assert Span.of(20, 10).limits(after=15) == (11, 14)
    assert Span.of(20, 10).limits(after=25) == (11, 20)


def test_neither_start_nor_end() -> None:
    with pytest.raises(ValueError, match="start, an end, or both"):
        Span.of(None, None)
