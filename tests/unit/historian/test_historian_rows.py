"""Frames become scaled integers."""

from __future__ import annotations

import numpy as np

from historian.assets import AssetIds
from historian.columns import NO_VALUE, TABLES
from historian.rows import Rows, scan_of
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex


def ids(index: TagIndex) -> AssetIds:
    """Ids unlike any index: jars 100, 99, 98 ..."""
    return AssetIds({a: 100 - np.arange(index.fleet.count(a), dtype=np.int32) for a in AssetType})


def rows_of(frame: Frame, asset: AssetType) -> Rows:
    scan = scan_of(frame, ids(frame.index))
    return next(rows for rows in scan.rows if rows.table.asset is asset)


def cell(rows: Rows, name: str) -> tuple[list[int], list[int]]:
    i = [column.name for column in rows.table.columns].index(name)
    return rows.value[i].tolist(), rows.status[i].tolist()


def test_values_are_rounded_to_their_step(small_index: TagIndex) -> None:
    frame = first_frame(small_index, 5)
    frame.put(AssetType.JAR, "Voltage", np.array([13.5004, 13.5006, -0.0, 12.0, 0.0015, 0.0025]))
    rows = rows_of(frame, AssetType.JAR)
    assert cell(rows, "voltage") == ([13500, 13501, 0, 12000, 2, 2], [0] * 6)
    assert rows.assets.tolist() == [100, 99, 98, 97, 96, 95]


def test_what_is_no_number_is_no_value_and_keeps_its_status(small_index: TagIndex) -> None:
    frame = first_frame(small_index, 5)
    frame.put(AssetType.JAR, "Voltage", np.nan, st.BAD_NO_COMMUNICATION)
    values, statuses = cell(rows_of(frame, AssetType.JAR), "voltage")
    assert values == [NO_VALUE] * 6
    assert statuses == [st.BAD_NO_COMMUNICATION] * 6


def test_what_is_no_number_is_never_good(small_index: TagIndex) -> None:
    """Good with NULL would say that nothing is stored; other codes of any severity stay as they are."""
    frame = first_frame(small_index, 5)
    codes = np.array(
        [st.GOOD, st.GOOD, 0x0030_0000, st.BAD_TIMEOUT, st.UNCERTAIN_INITIAL_VALUE, 0], np.uint32
    )
    value = np.array([np.nan, 13.0, np.nan, np.nan, np.nan, np.nan])
    frame.put(AssetType.JAR, "Voltage", value, codes)
    frame.put(AssetType.STRING, "WeakestJar", np.array([99.0, -1.0]))  # no such jars
    _, statuses = cell(rows_of(frame, AssetType.JAR), "voltage")
    assert statuses == [st.BAD_NO_DATA, 0, *codes[2:5].tolist(), st.BAD_NO_DATA]
    assert cell(rows_of(frame, AssetType.STRING), "weakest_jar") == ([NO_VALUE] * 2, [st.BAD_NO_DATA] * 2)


def test_a_value_beyond_its_column_is_clipped_and_no_longer_good(small_index: TagIndex) -> None:
    frame = first_frame(small_index, 5)
    value = np.array([40.0, -np.inf, 32.767, 13.0, np.inf, 1e300])
    status = np.array([0, 0, 0, 0, st.BAD_SENSOR_FAILURE, 0], np.uint32)
    frame.put(AssetType.JAR, "Voltage", value, status)
    values, statuses = cell(rows_of(frame, AssetType.JAR), "voltage")
    assert values == [32767, -32767, 32767, 13000, 32767, 32767]
    beyond = st.UNCERTAIN_EU_EXCEEDED
    assert statuses == [beyond, beyond, 0, 0, st.BAD_SENSOR_FAILURE, beyond]


def test_a_jar_is_stored_by_its_id_and_found_again(small_index: TagIndex) -> None:
    frame = first_frame(small_index, 5)
    frame.put(AssetType.STRING, "WeakestJar", np.array([2.0, np.nan]))
    values, _ = cell(rows_of(frame, AssetType.STRING), "weakest_jar")
    assert values == [98, NO_VALUE]
    back = ids(small_index).jar_indices(np.array([98, NO_VALUE, 7, 100], np.int32))
    assert back.tolist() == [2, NO_VALUE, NO_VALUE, 0]  # 7 is a jar that the fleet no longer has


def test_all_tables_are_in_a_scan(small_index: TagIndex) -> None:
    scan = scan_of(first_frame(small_index, 77), ids(small_index))
    assert scan.time == 77
    assert [rows.table for rows in scan.rows] == list(TABLES.values())
