"""Histories as OPC UA Binary: what asyncua's codec reads is what was to be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import extensionobject_from_binary
from smallfleets import index_of

from historian.aggregation import Result
from historian.series import History
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from server.history.encoding import NO_VALUES, ValueEncoder

BAD_BOUND = 0x80D7_0000
UNCERTAIN = 0x40A4_0000
TIME = 1_700_000_000_000_000
VT = ua.VariantType


@pytest.fixture(scope="module")
def index() -> TagIndex:
    return index_of({"Bangrak": {"UPS-1": (60, {"S01": 4})}})


def history(values: list[float], statuses: list[int]) -> History:
    times = TIME + 1_000_000 * np.arange(len(values), dtype=np.int64)
    return History(np.array(values), np.array(statuses, np.uint32), times, False)


def decoded(index: TagIndex, name: str, asset: AssetType, *columns: Any) -> list[ua.DataValue]:
    row = index.slice(asset, name).start
    return read(ValueEncoder(index).stored(row, history(*columns)))


def read(body: bytes) -> list[ua.DataValue]:
    buffer = Buffer(body)
    found = extensionobject_from_binary(buffer)
    assert len(buffer) == 0
    assert isinstance(found, ua.HistoryData)
    values: list[ua.DataValue] = found.DataValues
    for i, value in enumerate(values):
        assert (
            ua.datetime_to_win_epoch(value.SourceTimestamp) == (TIME + i * 1_000_000) * 10 + 116444736 * 10**9
        )
        assert value.ServerTimestamp is None
    return values


def plain(values: list[ua.DataValue]) -> list[tuple[Any, Any, int]]:
    return [
        (None, None, value.StatusCode.value)
        if value.Value is None or value.Value.VariantType is VT.Null
        else (value.Value.VariantType, value.Value.Value, value.StatusCode.value)
        for value in values
    ]


def test_numbers(index: TagIndex) -> None:
    found = decoded(index, "Voltage", AssetType.JAR, [13.65, 13.5], [0, UNCERTAIN])
    assert plain(found) == [(VT.Double, 13.65, 0), (VT.Double, 13.5, UNCERTAIN)]


def test_states(index: TagIndex) -> None:
    found = decoded(index, "HealthStatus", AssetType.JAR, [2.0, 0.0], [0, 0])
    assert plain(found) == [(VT.UInt32, 2, 0), (VT.UInt32, 0, 0)]


def test_a_bound_that_is_not_there_has_no_value(index: TagIndex) -> None:
    found = decoded(index, "Voltage", AssetType.JAR, [np.nan, 13.5, np.nan], [BAD_BOUND, 0, BAD_BOUND])
    assert plain(found) == [(None, None, BAD_BOUND), (VT.Double, 13.5, 0), (None, None, BAD_BOUND)]


def test_texts_of_several_lengths(index: TagIndex) -> None:
    quarters = [2027 * 4 + 1, np.nan, 2030 * 4, 2027 * 4 + 1]
    found = decoded(index, "ReplacementQuarter", AssetType.JAR, quarters, [0, UNCERTAIN, 0, 0])
    assert plain(found) == [
        (VT.String, "2027-Q2", 0),
        (None, None, UNCERTAIN),
        (VT.String, "2030-Q1", 0),
        (VT.String, "2027-Q2", 0),
    ]
    jars = index.fleet.assets(AssetType.JAR)
    name = next(tag.name for tag in index.tags if tag.asset is AssetType.STRING and tag.kind == "jar")
    found = decoded(index, name, AssetType.STRING, [1.0, np.nan, 0.0], [0, BAD_BOUND, 0])
    assert plain(found) == [
        (VT.String, jars[1].path, 0),
        (None, None, BAD_BOUND),
        (VT.String, jars[0].path, 0),
    ]


@pytest.mark.parametrize(
    ("result", "name", "values", "kind"),
    [
        (Result.DOUBLE, "HealthStatus", [0.5, 60_000.0], VT.Double),
        (Result.INT32, "Voltage", [3, 0], VT.Int32),
        (Result.STATUS_CODE, "Voltage", [0x8005_0000, 0x40A4_0000], VT.StatusCode),
        (Result.SOURCE, "Voltage", [13.65, 13.5], VT.Double),
        (Result.SOURCE, "HealthStatus", [2, 0], VT.UInt32),
        (Result.INT32, "ReplacementQuarter", [3, 0], VT.Int32),
    ],
)
def test_what_was_worked_out_has_the_type_of_its_result(
    index: TagIndex, result: Result, name: str, values: list[float], kind: VT
) -> None:
    row = index.slice(AssetType.JAR, name).start
    statuses = [0x0000_0401, 0x8005_0000, 0x40A4_0405]
    found = read(ValueEncoder(index).made(row, history([values[0], np.nan, values[1]], statuses), result))
    told = [ua.StatusCode(v) if kind is VT.StatusCode else v for v in values]
    assert plain(found) == [
        (kind, told[0], statuses[0]),
        (None, None, statuses[1]),
        (kind, told[1], statuses[2]),
    ]


def test_nothing(index: TagIndex) -> None:
    for name in ("Voltage", "HealthStatus", "ReplacementQuarter"):
        row = index.slice(AssetType.JAR, name).start
        assert ValueEncoder(index).stored(row, history([], [])) == NO_VALUES
    assert extensionobject_from_binary(Buffer(NO_VALUES)) == ua.HistoryData()
