"""The rows of a fleet's mirror: as many again, and each knows which it mirrors."""

from __future__ import annotations

import numpy as np

from nodeset.fleet import AssetType
from nodeset.index import TagIndex

VOLTAGE = "Bangrak/UPS-1/S02/J03.Voltage"


def test_each_row_has_one_that_mirrors_it(small_index: TagIndex) -> None:
    index, n = small_index.mirrored(), small_index.size
    assert index.size == 2 * n
    for row in range(n):
        identifier = small_index.identifier(row)
        assert index.identifier(row) == identifier
        assert index.identifier(n + row) == f"Shadow/{identifier}"
        assert index.path(n + row) == f"Shadow/{small_index.path(row)}"
        assert index.row_of_id(f"Shadow/{identifier}") == n + row
        assert index.row_of_id(identifier) == row
        assert index.locate(n + row) == small_index.locate(row)
        assert (index.is_mirror(row), index.is_mirror(n + row)) == (False, True)


def test_what_is_of_the_plant_stays_so(small_index: TagIndex) -> None:
    index = small_index.mirrored()
    assert index.plant is small_index
    assert index.slice(AssetType.JAR, "Voltage") == small_index.slice(AssetType.JAR, "Voltage")
    np.testing.assert_array_equal(index.writable(), small_index.writable())
    np.testing.assert_array_equal(index.measured(), small_index.measured())
    assert index.first_mirrored == small_index.size


def test_without_a_mirror_nothing_is_called_shadow(small_index: TagIndex) -> None:
    assert small_index.row_of_id(f"Shadow/{VOLTAGE}") is None
    assert small_index.first_mirrored is None
    assert not small_index.is_mirror(small_index.size - 1)
    assert small_index.plant is small_index


def test_a_mirror_has_no_mirror(small_index: TagIndex) -> None:
    index = small_index.mirrored()
    assert index.mirrored() is index
    assert index.row_of_id(f"Shadow/Shadow/{VOLTAGE}") is None
    assert index.row_of_id("Shadow/Bangrak.Voltage") is None
