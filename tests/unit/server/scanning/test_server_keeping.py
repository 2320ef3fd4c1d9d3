"""Which rows of simulations are forgotten: those of what has ended, and of all that adds it up."""

from __future__ import annotations

import numpy as np

from nodeset.index import TagIndex
from server.scanning.keeping import ended
from simulator.shadow import touched_by

STRING, OTHER = "Bangrak/UPS-1/S01", "Bangrak/UPS-1/S02"


def names(index: TagIndex, before: list[str], after: list[str]) -> set[str]:
    """Paths of the assets whose rows are forgotten when simulations of `before` become those of `after`."""
    old, new = (
        np.logical_or.reduce([touched_by(index, path) for path in paths], initial=False, axis=0)
        if paths
        else np.zeros(index.size, np.bool_)
        for paths in (before, after)
    )
    return {index.path(int(row)) for row in ended(index, old, new).nonzero()[0]}


def test_the_last_one_takes_all_with_it(small_index: TagIndex) -> None:
    jars = {f"{STRING}/J{n:02d}" for n in (1, 2, 3)}
    assert names(small_index, [STRING], []) == {STRING, "Bangrak/UPS-1", "Bangrak", "Fleet"} | jars


def test_of_two_strings_the_other_ones_rows_stay_but_not_the_sums(small_index: TagIndex) -> None:
    gone = names(small_index, [STRING, OTHER], [OTHER])
    assert gone == names(small_index, [STRING], [])
    assert not any(path.startswith(OTHER) for path in gone)


def test_of_a_jar_the_others_of_its_string_stay(small_index: TagIndex) -> None:
    first, second = f"{STRING}/J01", f"{STRING}/J02"
    gone = names(small_index, [first, second], [second])
    assert gone == {first, STRING, "Bangrak/UPS-1", "Bangrak", "Fleet"}


def test_a_start_forgets_nothing(small_index: TagIndex) -> None:
    assert names(small_index, [], [STRING]) == set()
    assert names(small_index, [STRING], [STRING, OTHER]) == set()
