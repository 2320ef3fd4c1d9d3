"""Requests: neighbours together, over gaps where the map allows it, and never more than a device takes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from drivers.spans import Region, RequestLimits, Spans, coalesced, cut, spans_of


def spans(*pairs: tuple[int, int]) -> Spans:
    """Spans of unit 1 by address and width."""
    address, width = np.array(pairs).T
    return spans_of(np.ones(len(pairs), int), address, width)


def requests_of(found: Spans, limits: RequestLimits) -> list[tuple[int, int]]:
    """Address and count of each request."""
    parts = [part for region in coalesced(found, limits.gap) for part in cut(region, found, limits)]
    return [(part.address, part.count) for part in parts]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (RequestLimits(), [(10, 4), (16, 2), (30, 2)]),
        (RequestLimits(gap=1), [(10, 4), (16, 2), (30, 2)]),
        (RequestLimits(gap=2), [(10, 8), (30, 2)]),
        (RequestLimits(gap=12), [(10, 22)]),
        (RequestLimits(gap=12, longest=8), [(10, 8), (30, 2)]),
        (RequestLimits(gap=12, longest=7), [(10, 4), (16, 2), (30, 2)]),
        (RequestLimits(longest=2), [(10, 2), (12, 2), (16, 2), (30, 2)]),
        (RequestLimits(longest=3), [(10, 2), (12, 2), (16, 2), (30, 2)]),
        (RequestLimits(gap=12, page=16), [(10, 4), (16, 16)]),
        (RequestLimits(page=12), [(10, 2), (12, 2), (16, 2), (30, 2)]),
    ],
)
def test_requests_keep_to_the_limits(limits: RequestLimits, expected: list[tuple[int, int]]) -> None:
    assert requests_of(spans((10, 2), (12, 2), (16, 2), (30, 2)), limits) == expected


def test_a_span_that_no_request_can_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="no request can read all of register 7 of unit 1"):
        requests_of(spans((7, 2)), RequestLimits(page=8))


def test_units_are_read_apart_and_the_image_has_them_one_after_the_other() -> None:
    found = spans_of(np.array([2, 1, 1]), np.array([0, 1, 0]), np.array([1, 1, 1]))
    assert coalesced(found, gap=125) == (Region(1, 0, 2, 0), Region(2, 0, 1, 2))


@given(
    some.lists(some.tuples(some.integers(0, 40), some.sampled_from([1, 2, 4])), min_size=1, max_size=120),
    some.integers(4, 125),
    some.integers(0, 125),
    some.sampled_from([0, 16, 100]),
)
def test_every_span_is_in_one_request_and_none_in_two(
    steps: list[tuple[int, int]], longest: int, gap: int, page: int
) -> None:
    """`steps` are pairs of the gap to the span before and the width of the span."""
    pairs, at = [], 0
    for before, width in steps:
        pairs.append((at + before, width))
        at += before + width
    assume(not page or all(a // page == (a + w - 1) // page for a, w in pairs))
    parts = requests_of(spans(*pairs), RequestLimits(longest, gap, page))
    holders = [[a <= s and s + w <= a + n for a, n in parts].count(True) for s, w in pairs]
    assert holders == [1] * len(pairs)
    assert all(n <= longest for _, n in parts)
    assert all(a + n <= b for (a, n), (b, _) in pairwise(parts))
    assert {a for a, _ in parts} <= {a for a, _ in pairs}
    assert {a + n for a, n in parts} <= {a + w for a, w in pairs}
    if page:
        assert all(a // page == (a + n - 1) // page for a, n in parts)
