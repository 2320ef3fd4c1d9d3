"""Tags become columns."""

from __future__ import annotations

import pytest

from historian.columns import TABLES, snake
from nodeset.fleet import AssetType
from nodeset.tags import TAGS


def bits(asset: AssetType) -> dict[str, int]:
    return {column.name: column.bits for column in TABLES[asset].columns}


def test_every_tag_has_one_column() -> None:
    columns = [column for table in TABLES.values() for column in table.columns]
    assert sorted(column.tag.key for column in columns) == sorted(tag.key for tag in TAGS)
    for table in TABLES.values():
        assert len(set(table.names)) == len(table.names)


def test_widths_follow_the_ranges() -> None:
    jar = bits(AssetType.JAR)
    assert jar["voltage"] == 16  # 20 V in mV
    assert jar["current"] == 32  # 500 A in 10 mA would not fit
    assert jar["replacement_quarter"] == 16  # 2027-Q1 is 8108
    assert bits(AssetType.STRING)["weakest_jar"] == 32  # an asset id


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("RemainingUsefulLife", "remaining_useful_life"),
        ("StateOfHealthFrom0000To0070", "state_of_health_from_0000_to_0070"),
        ("RulMlDays", "rul_ml_days"),
    ],
)
def test_names(name: str, column: str) -> None:
    assert snake(name) == column


def test_wide_columns_come_first_so_that_rows_have_no_padding() -> None:
    for table in TABLES.values():
        widths = [column.bits for column in table.columns]
        assert widths == sorted(widths, reverse=True)


def test_partition_names_fit_postgresql() -> None:
    for table in TABLES.values():
        assert all(len(name) <= 63 for name in (*table.names, f"{table.readings}_20260101"))
