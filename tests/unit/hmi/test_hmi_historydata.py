"""Histories of values are decoded as asyncua decodes them, but for what a trend cannot show."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as some

from hmi.historydata import History, Sample, histories, samples

VT = ua.VariantType
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NUMBERS = (VT.Boolean, VT.Byte, VT.Int16, VT.UInt32, VT.Int32, VT.Int64, VT.Double)


def answer(*results: ua.HistoryReadResult) -> Buffer:
    response = ua.HistoryReadResponse(Results=list(results))
    return Buffer(struct_to_binary(response))


def result(values: list[ua.DataValue], rest: bytes | None = None) -> ua.HistoryReadResult:
    return ua.HistoryReadResult(
        StatusCode=ua.StatusCode(0), ContinuationPoint=rest, HistoryData=ua.HistoryData(DataValues=values)
    )


def value(content: Any, kind: ua.VariantType | None, status: int, time: int) -> ua.DataValue:
    moment = EPOCH + dt.timedelta(microseconds=time)
    variant = ua.Variant() if kind is None else ua.Variant(content, kind)
    return ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=moment)


@given(
    some.lists(
        some.tuples(
            some.sampled_from([*NUMBERS, VT.String, None]),
            some.integers(0, 1),
            some.sampled_from([0, 0x4209_0000, 0x8031_0000, 0x401]),
            some.integers(0, 2_000_000_000_000_000),
        ),
        max_size=20,
    )
)
def test_values_of_all_kinds_side_by_side(told: list[tuple[ua.VariantType | None, int, int, int]]) -> None:
    values, expected = [], list[Sample]()
    for kind, number, status, time in told:
        content = f"Q{number} ไทย" if kind is VT.String else number
        values.append(value(content, kind, status, time))
        expected.append((time, None if kind is None else content, status))
    assert histories(answer(result(values))) == [History(0, expected, None)]


def test_results_stand_one_behind_the_other() -> None:
    refused = ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
    first, second, third = histories(
        answer(result([value(1.5, VT.Double, 0, 10)], rest=b"more"), refused, result([]))
    )
    assert first == History(0, [(10, 1.5, 0)], b"more")
    assert second == History(ua.StatusCodes.BadNodeIdUnknown, [], None)
    assert third == History(0, [], None)


def test_a_value_without_status_and_time_is_good() -> None:
    body = b"\x01\x00\x00\x00" + b"\x01" + ua.uatypes.VariantType.Float.value.to_bytes() + b"\x00\x00\x80\x3f"
    assert list(samples(body)) == [(0, 1.0, 0)]


def test_what_no_trend_can_show_is_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        histories(answer(result([value(dt.datetime.now(dt.UTC), VT.DateTime, 0, 1)])))


def test_a_fault_of_the_whole_answer_is_raised() -> None:
    header = ua.ResponseHeader(ServiceResult=ua.StatusCode(ua.StatusCodes.BadTooManyOperations))
    response = ua.HistoryReadResponse(ResponseHeader=header)
    with pytest.raises(ua.UaStatusCodeError):
        histories(Buffer(struct_to_binary(response)))
