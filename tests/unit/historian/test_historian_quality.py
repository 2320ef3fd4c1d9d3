"""Combinations of statuses are told apart, whatever their codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import array_shapes, arrays

from historian import quality
from historian.quality import distinct
from nodeset import status as st

CODES = some.sampled_from([st.GOOD, st.BAD_NO_COMMUNICATION, st.UNCERTAIN_EU_EXCEEDED, 0xFFFF_FFFF, 1])
STATUS = arrays(np.uint32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=CODES)


@given(STATUS)
def test_each_row_is_found_in_its_combination(status: np.ndarray) -> None:
    combinations, which = distinct(status)
    np.testing.assert_array_equal(combinations[which].T, status)
    assert len({row.tobytes() for row in combinations}) == len(combinations)


def test_combinations_that_mix_to_the_same_number_are_still_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quality, "_MIX", np.ones(256, np.uint64))
    status = np.array([[1, 2, 1], [2, 1, 2]], np.uint32)
    combinations, which = distinct(status)
    assert len(combinations) == 2
    np.testing.assert_array_equal(combinations[which].T, status)
