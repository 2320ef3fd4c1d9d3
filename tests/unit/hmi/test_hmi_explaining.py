"""What the server says of a jar's life becomes JSON for the page: no NaN, past cases taken apart."""

from __future__ import annotations

import datetime as dt
import json
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from asyncua import ua

from analytics.features import FEATURES
from analytics.outcomes import Ending
from analytics.workcalendar import TEXTS, quarter_name, replacement_quarters
from hmi.explaining import comparison, explanation, what_if
from hmi.i18n import catalogue
from hmi.quarters import replacement_quarter
from hmi.topology import Topology
from server.learning.forecast import SimilarCase

DAY = 86_400_000_000  # µs
CASE = SimilarCase(1500.0, 212.0, Ending.SHORTED, 0.4)


def columns(similar: list[str]) -> list[object]:
    lived = [212.0] * len(similar)
    return [
        ["Age", "Temperature"],
        [0.7, 0.3],
        [math.nan, -120.0],
        similar,
        lived,
        [0.4] * len(similar),
        2070.4,
        math.nan,
        0.0,
        "",
        "2030-Q2",
        ["Monsoon"],
        "twin-1",
        math.nan,
        b"the same in one",
    ]


def test_factors_and_facts() -> None:
    found = explanation(columns([]))
    assert found["factors"] == [
        {"name": "Age", "share": 0.7, "days": None},
        {"name": "Temperature", "share": 0.3, "days": -120.0},
    ]
    assert (found["twin_days"], found["model_days"], found["model_weight"]) == (2070.4, None, 0.0)
    assert (found["review"], found["quarter"], found["notes"]) == ("", "2030-Q2", ["Monsoon"])
    assert (found["version"], found["test_error"]) == ("twin-1", None)
    assert "NaN" not in json.dumps(found)


@pytest.mark.parametrize("ending", Ending)
def test_a_past_case_as_the_server_words_it_is_taken_apart(ending: Ending) -> None:
    text = str(SimilarCase(1500.0, 212.0, ending, 0.4))
    (case,) = explanation(columns([text]))["similar"]
    assert case["age"] == 4.1
    assert case["ending"]
    assert text == f"A jar of 4.1 years {case['ending']} after another 212 days"


def test_a_past_case_in_other_words_stays_as_it_is() -> None:
    (case,) = explanation(columns(["Something else"]))["similar"]
    assert (case["text"], case["age"], case["lived"]) == ("Something else", None, 212.0)


def test_what_if_names_jar_shift_and_load() -> None:
    call = what_if(Topology(3, ()), "A/B/C/D", 5.0, 120.0)
    assert call.MethodId == ua.NodeId("Analytics.WhatIf", 3)
    assert [each.Value for each in call.InputArguments] == ["A/B/C/D", 5.0, 120.0]
    found = comparison([900.0, 500.0, 1300.0, 2000.0, math.nan, 2800.0, "twin-1"])
    assert found["then"] == {"days": 900.0, "lower": 500.0, "upper": 1300.0}
    assert found["now"]["lower"] is None
    assert found["version"] == "twin-1"


def test_the_quarter_of_a_supposed_life_is_by_the_servers_rule() -> None:
    random = np.random.default_rng(1)
    for time in random.integers(20_000 * DAY, 24_000 * DAY, 50).tolist():
        lower = random.uniform(0, 3000, 20)
        for zone in (ZoneInfo("Asia/Bangkok"), ZoneInfo("Asia/Kathmandu")):
            expected = [quarter_name(int(each)) for each in replacement_quarters(time, lower, zone)]
            assert [replacement_quarter(time, each, zone) for each in lower.tolist()] == expected


def test_the_quarter_turns_with_the_zone() -> None:
    turn = round(dt.datetime(2026, 12, 31, 18, 15, tzinfo=dt.UTC).timestamp() * 1e6)  # midnight in Kathmandu
    zones = Topology(3, (), {"Fleet": "Asia/Kathmandu", "Far": "Asia/Bangkok", "Odd": "Mars/Olympus"})
    assert [replacement_quarter(turn + each, 0.0, zones.zone()) for each in (-1, 0)] == ["2026-Q4", "2027-Q1"]
    assert replacement_quarter(turn - 1, 0.0, zones.zone("Far")) == "2027-Q1"
    assert zones.zone("Near") == zones.zone()
    assert zones.zone("Odd") == dt.UTC
    assert str(Topology(3, ()).zone()) == "UTC"


def test_a_life_without_end_has_a_quarter() -> None:
    assert replacement_quarter(20_000 * DAY, math.inf, dt.UTC) > "2100"


def test_what_the_server_says_of_a_life_has_thai_words() -> None:
    twin = {"Age", "Temperature", "Resistance", "Discharges", "Capacity"}
    cases = [str(SimilarCase(1500.0, 212.0, ending, 0.4)) for ending in Ending]
    endings = {case["ending"] for case in explanation(columns(cases))["similar"]}
    said = twin | endings | {feature.description for feature in FEATURES} | set(TEXTS.values())
    assert not said - catalogue("th").keys()
