"""node-opcua-client through the service sets of Part 4, plain and encrypted: see node/."""

from __future__ import annotations

from typing import Any

import pytest
from nodeclient import Step
from program import Voltkeep

pytestmark = pytest.mark.node

STRING = "Bangrak/UPS-1/S03"
JAR = f"{STRING}/J07"
ENCRYPTED = {"mode": "SignAndEncrypt", "policy": "Basic256Sha256"}


@pytest.fixture(scope="module", params=[None, ENCRYPTED], ids=["plain", "encrypted"])
def security(request: pytest.FixtureRequest) -> Any:
    """Anonymous without security, or the administrator on an encrypted channel."""
    return request.param


@pytest.fixture(scope="module")
def subscriptions(voltkeep: Voltkeep, node: Step, security: Any) -> Any:
    """What the step of that name saw."""
    return node(voltkeep, "subscriptions", limit=90, jar=JAR, security=security)


def test_references_come_in_pages(voltkeep: Voltkeep, node: Step, security: Any) -> None:
    seen = node(voltkeep, "views", jar=JAR, string=STRING, security=security)
    # Each jar twice: it is a component, and a source of events.
    assert len(seen["whole"]) == 2 * 24 + 6
    assert seen["paged"] == seen["whole"]
    assert set(seen["points"]) == {"Good", "BadNoContinuationPoints"}
    assert (seen["used"], seen["released"]) == ("BadContinuationPointInvalid",) * 2
    assert seen["release"] == "Good"
    assert seen["refused"] == {"node": "BadNodeIdUnknown", "reference": "BadReferenceTypeIdInvalid"}
    assert seen["masks"]["names"] is True
    assert seen["masks"]["classes"] == [0]
    assert seen["paths"]["good"] == [f"{JAR}.Voltage"]
    assert (seen["paths"]["none"], seen["paths"]["start"]) == ("BadNoMatch", "BadNodeIdUnknown")


def test_subscriptions_keep_their_terms(subscriptions: Any) -> None:
    seen = subscriptions
    assert seen["terms"]["small"] == [50, 30, 10]
    assert seen["terms"]["huge"][0] == 3_600_000
    assert seen["terms"]["modified"] == [250, 30, 7]
    assert seen["terms"]["mode"] == ["Good", "BadSubscriptionIdInvalid"]
    assert seen["terms"]["gone"] == ["Good", "Good", "BadSubscriptionIdInvalid"]
    assert seen["terms"]["nothing"] == "BadNoSubscription"
    oldest, newest = seen["queues"]["oldest"], seen["queues"]["newest"]
    assert (oldest["size"], oldest["order"], oldest["overflow"]) == (3, True, [True, False, False])
    assert (newest["size"], newest["order"], newest["overflow"]) == (3, True, [False, False, True])
    # Discarding the oldest leaves three samples in a row; discarding the newest, the first two and the last.
    assert oldest["span"] < 500 < newest["span"]
    assert (seen["modes"]["first"], seen["modes"]["then"]) == ([4], [1, 2, 3])
    assert seen["modes"]["gone"] == ["Good", "BadMonitoredItemIdInvalid"]
    filters = seen["filters"]
    assert filters["results"][:3] == ["Good"] * 3
    assert filters["results"][3:] == [
        "BadDeadbandFilterInvalid",
        "BadFilterNotAllowed",
        "BadFilterNotAllowed",
    ]
    assert filters["counts"][:2] == [1, 1]
    assert filters["counts"][2] >= 3
    messages = seen["messages"]
    assert messages["available"] is messages["again"] is True
    assert messages["results"] == ["Good", "BadSequenceNumberUnknown", "BadSubscriptionIdInvalid"]
    assert messages["gone"] == "BadMessageNotAvailable"
    assert seen["refused"] == {
        "items": ["BadNodeIdUnknown", "BadAttributeIdInvalid", "BadAttributeIdInvalid"],
        "modified": "BadMonitoredItemIdInvalid",
        "strange": "BadSubscriptionIdInvalid",
    }


def test_a_subscription_moves_only_between_sessions_of_one_user(subscriptions: Any, security: Any) -> None:
    seen = subscriptions["transfer"]
    assert seen["first"] == 1
    if security is None:
        assert seen["results"] == ["BadUserAccessDenied", "BadSubscriptionIdInvalid"]
        return
    assert seen["results"] == ["Good", "BadSubscriptionIdInvalid"]
    assert (seen["told"], seen["initial"]) == ("GoodSubscriptionTransferred", 1)
    assert seen["late"] == "BadNoSubscription"
    assert seen["removed"] == [["BadSubscriptionIdInvalid"], ["Good"]]
