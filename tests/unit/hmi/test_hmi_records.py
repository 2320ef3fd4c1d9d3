"""What the page of records sends becomes the methods' plain arguments; nonsense becomes no call."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua

from hmi.maintenanceapi import fault_of
from hmi.records import Question, wanted
from hmi.topology import Topology

FLEET = Topology(3, ())
BEGAN = 1_795_262_400_000  # 2026-11-21 12:00 UTC
WORK = {"assets": ["Bangrak/UPS-1/S01"], "kind": "Cleaning", "began": BEGAN, "ended": BEGAN + 60_000}
TEST = {
    "assets": ["Bangrak/UPS-1/S01/J01"],
    "began": BEGAN,
    "ended": BEGAN + 3_600_000,
    "current": 20.5,
    "end_voltage": 10.8,
    "temperature": 27,
    "capacity": 88.2,
    "note": " quarterly ",
}


def arguments(action: str, **asked: Any) -> list[list[Any]]:
    return [[each.Value for each in call.InputArguments] for call in wanted(FLEET, action, asked)]


def test_work_that_has_ended() -> None:
    ((asset, kind, began, ended, who, note, serial, baseline),) = arguments("work", **WORK)
    assert (asset, kind) == ("Bangrak/UPS-1/S01", "Cleaning")
    assert (began.isoformat(), (ended - began).total_seconds()) == ("2026-11-21T12:00:00+00:00", 60)
    assert (who, note, serial, baseline) == ("", "", "", 0.0)


def test_work_that_lasts_has_a_null_end() -> None:
    ((_, _, _, ended, *_),) = arguments("work", **WORK | {"ended": None})
    assert ended.year == 1601


def test_a_round_is_one_call_an_asset() -> None:
    replaced = WORK | {"kind": "Replacement", "assets": ["A/B/C", "A/B/D/J1"], "baseline": 3.4}
    calls = arguments("work", **replaced)
    assert [(call[0], call[1], call[7]) for call in calls] == [
        ("A/B/C", "Replacement", 3.4),
        ("A/B/D/J1", "Replacement", 3.4),
    ]


def test_a_capacity_test() -> None:
    ((asset, began, ended, *rest),) = arguments("test", **TEST)
    assert asset == "Bangrak/UPS-1/S01/J01"
    assert (ended - began).total_seconds() == 3600
    assert rest == [20.5, 10.8, 27.0, 88.2, 0.0, "", "quarterly"]


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("explode", WORK),
        ("work", WORK | {"assets": []}),
        ("work", WORK | {"assets": ["A"] * 301}),
        ("work", WORK | {"assets": [3]}),
        ("work", WORK | {"note": "x" * 2001}),
        ("work", WORK | {"began": 10**18}),
        ("work", WORK | {"baseline": "nan"}),
        ("test", TEST | {"assets": ["A/B/C", "A/B/D"]}),
        ("test", TEST | {"ended": None}),
        ("test", TEST | {"capacity": "much"}),
    ],
)
def test_nonsense_is_no_call(action: str, asked: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        wanted(FLEET, action, asked)


@pytest.mark.parametrize(
    ("which", "start", "end"), [("rumours", 0, 1), ("work", 5, 5), ("work", -1, 5), ("work", 0, 10**18)]
)
def test_no_question(which: str, start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no "):
        Question(which, "", start, end)


def test_refusals_are_said_in_words() -> None:
    assert "recorded already" in fault_of(ua.StatusCode(ua.StatusCodes.BadEntryExists))
    assert fault_of(ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)) == "You are not allowed to do this."
