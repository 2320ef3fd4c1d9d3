"""node-opcua-client reads history of every kind; aggregates are compared with its own raw values."""

from __future__ import annotations

import datetime as dt
import time
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any

import pytest
from nodeclient import Step
from program import Voltkeep

pytestmark = pytest.mark.node

JAR = "Bangrak/UPS-1/S03/J07"
SCANS = 12  # s, of scans of a second
INTERVAL = 3000  # ms
# Aggregates that need no more than the values of an interval.
OF_VALUES = {
    "Average": fmean,
    "Count": len,
    "Minimum": min,
    "Maximum": max,
    "Range": lambda values: max(values) - min(values),
    "Start": lambda values: values[0],
    "End": lambda values: values[-1],
    "StandardDeviationPopulation": pstdev,
}
OTHERS = ("Interpolative", "TimeAverage2", "PercentGood", "DurationGood", "WorstQuality", "MinimumActualTime")
BAD = {
    "domain": "BadHistoryOperationInvalid",
    "bounds": "BadInvalidArgument",
    "times": "BadHistoryOperationInvalid",
    "interval": "BadInvalidArgument",
    "instant": "BadInvalidArgument",
    "list": "BadAggregateListMismatch",
    "aggregate": "BadAggregateNotSupported",
    "configuration": "BadAggregateConfigurationRejected",
    "node": "BadNodeIdUnknown",
    "object": "BadHistoryOperationUnsupported",
    "range": "BadIndexRangeNoData",
    "encoding": "BadDataEncodingInvalid",
    "point": "BadContinuationPointInvalid",
    "release": "BadContinuationPointInvalid",
    "server": "BadTimestampNotSupported",
    "neither": "BadTimestampsToReturnInvalid",
}
Values = list[dict[str, Any]]


@pytest.fixture(scope="module")
def seen(voltkeep: Voltkeep, node: Step) -> Any:
    """What the client saw of a time that is over."""
    written = voltkeep.ready + dt.timedelta(seconds=SCANS + 3)
    time.sleep(max(0, (written - dt.datetime.now(dt.UTC)).total_seconds()))
    start = voltkeep.ready.replace(microsecond=0) + dt.timedelta(seconds=1)
    end = start + dt.timedelta(seconds=SCANS - 2, milliseconds=500)
    return node(
        voltkeep,
        "historyaccess",
        jar=JAR,
        start=start.isoformat(),
        end=end.isoformat(),
        interval=INTERVAL,
        aggregates=[*OF_VALUES, *OTHERS],
    )


def intervals(seen: Any) -> list[list[float]]:
    """The raw values by the interval that they are in, as the starts that the server tells have it."""
    starts = [each["time"] for each in seen["processed"]["Count"]["values"]]
    assert {later - earlier for earlier, later in pairwise(starts)} == {INTERVAL}
    return [
        [each["value"] for each in seen["raw"] if start <= each["time"] < start + INTERVAL]
        for start in starts
    ]


def test_raw_values_come_with_their_bounds_and_in_pages(seen: Any) -> None:
    raw: Values = seen["raw"]
    assert len(raw) >= 8
    assert not any(each["server"] for each in raw)
    assert seen["bounds"]["forward"] == raw[1:7]
    assert seen["bounds"]["backward"] == raw[6:0:-1]
    assert seen["pages"]["forward"]["values"] == raw
    assert seen["pages"]["forward"]["count"] == -(-len(raw) // 3)
    back = seen["pages"]["backward"]["values"]
    assert [each["time"] for each in back] == [each["time"] for each in raw[::-1]]


def test_values_at_times_are_stored_or_between(seen: Any) -> None:
    raw, at = seen["raw"], seen["atTime"]
    found: Values = at["values"]
    assert [each["time"] for each in found] == pytest.approx(at["times"], abs=1)
    # A time has milliseconds there: what was stored within one is between two values, too.
    codes = [each["status"].partition("#")[0] for each in found]
    assert codes == ["Good", "Good", "BadNoData", "Good"]
    middle = (raw[1]["value"] + raw[2]["value"]) / 2
    assert found[0]["value"] == pytest.approx(raw[3]["value"], abs=0.002)
    assert found[1]["value"] == pytest.approx(middle, abs=0.002)
    assert found[1]["bits"] & 0x3 == 2  # interpolated
    assert found[2]["value"] is None


@pytest.mark.parametrize("name", OF_VALUES)
def test_aggregates_are_those_of_the_raw_values(seen: Any, name: str) -> None:
    told = seen["processed"][name]
    assert told["status"] == "Good"
    expected = [OF_VALUES[name](values) for values in intervals(seen)]
    assert [each["value"] for each in told["values"]] == pytest.approx(expected, abs=1e-6)


def test_aggregates_of_time_and_quality(seen: Any) -> None:
    raw, processed = seen["raw"], seen["processed"]
    low, high = min(each["value"] for each in raw), max(each["value"] for each in raw)
    count = len(intervals(seen))
    for name in ("Interpolative", "TimeAverage2"):
        values = [each["value"] for each in processed[name]["values"]]
        assert len(values) == count
        assert all(low - 0.01 <= value <= high + 0.01 for value in values)
    assert [each["value"] for each in processed["PercentGood"]["values"]] == [100] * count
    whole = [INTERVAL] * (count - 1)
    assert [each["value"] for each in processed["DurationGood"]["values"]][:-1] == whole
    assert {each["value"]["value"] for each in processed["WorstQuality"]["values"]} == {0}
    found = processed["MinimumActualTime"]["values"]
    known = {(each["time"], each["value"]) for each in raw}
    assert all((each["time"], each["value"]) in known for each in found)
    (end, average) = seen["texts"]
    assert end[0] == "Good"
    assert end[1][0] is None or end[1][0][4:6] == "-Q"
    assert average == ["BadAggregateNotSupported", []]


def test_the_address_space_says_how_history_is_kept(seen: Any) -> None:
    configuration = seen["configuration"]
    assert configuration["name"] == "HA Configuration"
    assert configuration["own"]["Stepped"] is False
    assert configuration["own"]["MaxTimeInterval"] == 1000
    assert configuration["rules"] == {
        "TreatUncertainAsBad": True,
        "PercentDataBad": 100,
        "PercentDataGood": 100,
        "UseSlopedExtrapolation": False,
    }
    capabilities = seen["capabilities"]
    assert capabilities["values"]["AccessHistoryDataCapability"] is True
    assert capabilities["values"]["ServerTimestampSupported"] is False
    assert capabilities["values"]["MaxReturnDataValues"] == 100_000
    assert {*OF_VALUES, *OTHERS} <= set(capabilities["aggregates"])


def test_wrong_requests_have_their_codes(seen: Any) -> None:
    assert seen["wrong"] == BAD
