"""Questions to the journal, and the filters that they become."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua

from hmi.journal import Question, all_of, escaped, event_filter, notifier, question
from hmi.topology import Topology

Op = ua.FilterOperator
NOW = 1_790_000_000_000
JAR = "Bangrak/UPS-1/S03/J07"


def holds(elements: list[ua.ContentFilterElement], true: set[Any], at: int = 0) -> bool:
    """Work the elements out as Part 4, 7.7 says; leaves are true where their first operand is in `true`."""
    element = elements[at]
    if element.FilterOperator != Op.And:
        return element.FilterOperands[0] in true
    return all(holds(elements, true, operand.Index) for operand in element.FilterOperands)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_all_elements_have_to_hold(count: int) -> None:
    elements = all_of([(Op.Equals, [i]) for i in range(count)])
    assert len(elements) == 2 * count - 1
    everything = set(range(count))
    assert holds(elements, everything)
    for i in range(count):
        assert not holds(elements, everything - {i})


def test_no_elements_are_no_filter() -> None:
    assert all_of([]) == []


def test_a_browser_asks() -> None:
    asked = question({"from": "5", "to": "9", "path": "Bangrak", "severity": "600", "alarms": "1"}, NOW)
    assert asked == Question(5, 9, "Bangrak", severity=600, alarms=True)
    assert question({}, NOW) == Question(0, NOW)
    assert question({"most": "1000000"}, NOW) == Question(0, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "x"},
        {"from": "9", "to": "5"},
        {"severity": "1001"},
        {"to": "9" * 30},
        {"from": "-1"},
        {"most": ""},
    ],
    ids=str,
)
def test_what_is_no_question_is_none(wrong: dict[str, str]) -> None:
    assert question(wrong, NOW) is None


@pytest.mark.parametrize(
    ("asked", "node"),
    [
        (Question(0, 1), ua.NodeId(ua.ObjectIds.Server)),
        (Question(0, 1, "Bangrak"), ua.NodeId("Bangrak", 2)),
        (Question(0, 1, condition=f"{JAR}#TemperatureHigh"), ua.NodeId("Bangrak/UPS-1/S03", 2)),
        (Question(0, 1, condition="Fleet#HistoryBehind"), ua.NodeId("Fleet", 2)),
    ],
    ids=lambda each: str(getattr(each, "source", "")),
)
def test_who_tells_it(asked: Question, node: ua.NodeId) -> None:
    assert notifier(Topology(2, ()), asked) == node


def test_one_condition_is_asked_for_by_source_and_name() -> None:
    elements = event_filter(Question(0, 1, condition=f"{JAR}#TemperatureHigh")).WhereClause.Elements
    equal = {
        each.FilterOperands[0].BrowsePath[0].Name: each.FilterOperands[1].Value.Value
        for each in elements
        if each.FilterOperator == Op.Equals
    }
    assert equal == {"SourceName": JAR, "ConditionName": "TemperatureHigh"}


def test_words_are_words_and_no_pattern() -> None:
    assert escaped("80 % of [it]") == "80 \\% of \\[it\\]"
    (like,) = event_filter(Question(0, 1, words="high")).WhereClause.Elements
    assert like.FilterOperands[1].Value.Value == "%high%"
