"""Rows, identifiers and columns of a scan name each other, and a frozen frame stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from config.fleetfile import read_fleet_file
from config.settings import HERE
from nodeset import status as st
from nodeset.fleet import AssetType, build_fleet
from nodeset.frame import Readings, first_frame
from nodeset.index import TagIndex
from nodeset.tags import TAGS, Origin, quarter_text, tags_of

JAR = "Bangrak/UPS-1/S03/J07"


@pytest.fixture(scope="module")
def index() -> TagIndex:
    return TagIndex(build_fleet(read_fleet_file(HERE / "fleet.yaml")))


def test_every_row_is_found_by_its_identifier(index: TagIndex) -> None:
    assert index.size == sum(index.fleet.count(tag.asset) for tag in TAGS)
    for row in [*range(0, index.size, 97), index.size - 1]:
        assert index.row_of_id(index.identifier(row)) == row
        assert index.identifier(row) == f"{index.path(row)}.{index.locate(row)[0].name}"


def test_identifiers_are_those_of_the_interface(index: TagIndex) -> None:
    row = index.row_of_id(f"{JAR}.Voltage")
    assert row is not None
    tag, i = index.locate(row)
    assert (tag.key, index.fleet.jars[i].path) == ((AssetType.JAR, "Voltage"), JAR)


@pytest.mark.parametrize(
    "identifier",
    ["", "Voltage", JAR, f"{JAR}.", f"{JAR}.voltage", f"{JAR}.Voltage.EURange", "Bangrak.Voltage", ".Jars"],
)
def test_what_is_no_variable_has_no_row(index: TagIndex, identifier: str) -> None:
    assert index.row_of_id(identifier) is None


def test_a_column_is_a_view(index: TagIndex) -> None:
    frame = first_frame(index, 0)
    column = frame.column(AssetType.JAR, "Voltage")
    column[0] = 13.5
    row = index.row(index.fleet.jars[0].path, "Voltage")
    assert frame.value[row] == 13.5
    assert column.shape == (1944,)


def test_rows_of_tags_follow_their_order(index: TagIndex) -> None:
    measured = [tag for tag in TAGS if tag.origin is Origin.MEASURED]
    rows = index.measured()
    assert len(rows) == sum(index.fleet.count(tag.asset) for tag in measured)
    assert [index.locate(int(row))[0] for row in rows[[0, -1]]] == [measured[0], measured[-1]]
    assert index.rows(tags_of(AssetType.FLEET)).tolist() == [
        index.row("Fleet", tag.name) for tag in tags_of(AssetType.FLEET)
    ]


def test_nothing_is_good_before_the_first_scan(index: TagIndex) -> None:
    frame = first_frame(index, 5)
    assert not st.is_good(frame.status).any()
    assert st.is_bad(frame.status).all()
    assert set(frame.source_time.tolist()) == {5}


def test_a_scan_starts_from_the_last_and_leaves_it_alone(index: TagIndex) -> None:
    last = first_frame(index, 0).freeze()
    frame = last.next(1_000_000)
    rows = np.array([0, 1])
    status = np.array([st.GOOD, st.BAD_SENSOR_FAILURE], np.uint32)
    frame.take(Readings(rows, np.array([13.6, 0.0]), status, np.array([900_000, 800_000])))
    frame.put(AssetType.FLEET, "Jars", 1944.0)
    frame.freeze()
    assert (frame.number, frame.time) == (1, 1_000_000)
    assert frame.value[:2].tolist() == [13.6, 0.0]
    assert frame.source_time[:3].tolist() == [900_000, 800_000, 0]
    assert st.is_good(frame.status[:3]).tolist() == [True, False, False]
    assert frame.source_time[index.row("Fleet", "Jars")] == 1_000_000
    assert last.value[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        frame.put(AssetType.FLEET, "Jars", 0.0)


def test_severity_of_a_status() -> None:
    statuses = np.array([st.GOOD, st.UNCERTAIN_EU_EXCEEDED, st.BAD_NO_COMMUNICATION], np.uint32)
    assert st.is_good(statuses).tolist() == [True, False, False]
    assert st.is_bad(statuses).tolist() == [False, False, True]


def test_quarters_read_as_people_write_them() -> None:
    assert [quarter_text(2027 * 4), quarter_text(2026 * 4 + 3)] == ["2027-Q1", "2026-Q4"]
