"""node-opcua-client through the service sets of Part 4, plain and encrypted: see node/."""

from __future__ import annotations

from typing import Any

import pytest
from nodeclient import Step
from program import Voltkeep

pytestmark = pytest.mark.node

STRING = "Bangrak/UPS-1/S03"
JAR = f"{STRING}/J07"
SET_POINT = "Bangrak/UPS-1.FloatVoltageSetpoint"
# Well-known roles (Part 18, 4.2) and bits of their permissions (Part 3, 8.55).
ANONYMOUS, OPERATOR, ENGINEER = 15644, 15680, 16036
BROWSE, CALL = 1, 1 << 12
LOOK = BROWSE | 1 << 5 | 1 << 7
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
    # Registered nodes have numbers, and are the same nodes.
    assert seen["registered"]["types"] == [1, 1]
    assert seen["registered"]["values"] == [["Good", "number"]] * 2
    assert seen["registered"]["ids"] == [f"{JAR}.Voltage", f"{JAR}.Temperature"]


def test_attributes_are_read_and_written_by_the_rules(voltkeep: Voltkeep, node: Step, security: Any) -> None:
    seen = node(voltkeep, "attributes", jar=JAR, setPoint=SET_POINT, security=security)
    assert seen["ranges"] == [1, 2, "BadIndexRangeNoData", "BadIndexRangeInvalid", "BadIndexRangeInvalid"]
    assert seen["timestamps"] == {
        "Source": [True, False],
        "Server": [False, True],
        "Both": [True, True],
        "Neither": [False, False],
    }
    assert seen["refused"] == {
        "encoding": "BadDataEncodingInvalid",
        "otherEncoding": "BadDataEncodingInvalid",
        "scalarRange": "BadIndexRangeNoData",
        "attribute": "BadAttributeIdInvalid",
        "nothing": "BadNothingToDo",
        "age": "BadMaxAgeInvalid",
        "tooMany": "BadTooManyOperations",
    }
    found = seen["attributes"]
    assert (found["object"]["NodeClass"], found["variable"]["NodeClass"], found["method"]["NodeClass"]) == (
        1,
        2,
        4,
    )
    # CurrentRead, HistoryRead, and HistoryWrite for those who may correct it.
    assert found["variable"]["AccessLevel"] == found["variable"]["AccessLevelEx"] == 13
    assert found["variable"]["UserAccessLevel"] == (5 if security is None else 13)
    assert found["method"]["Executable"] is True
    assert found["method"]["UserExecutable"] is (security is not None)
    writes = seen["writes"]
    assert (writes["unknown"], writes["reading"], writes["name"]) == (
        "BadNodeIdUnknown",
        "BadNotWritable",
        "BadNotWritable",
    )
    by_role = [writes[name] for name in ("type", "rank", "range", "good")]
    if security is None:
        assert {found[each]["RolePermissions"] for each in found} == {"BadUserAccessDenied"}
        assert found["variable"]["UserRolePermissions"] == [f"{ANONYMOUS}:{LOOK}"]
        assert by_role == ["BadUserAccessDenied"] * 4
    else:
        assert f"{ENGINEER}:{BROWSE | CALL}" in found["method"]["RolePermissions"]
        assert f"{OPERATOR}:{BROWSE}" in found["method"]["RolePermissions"]
        assert by_role == ["BadTypeMismatch", "BadTypeMismatch", "BadOutOfRange", "Good"]


def test_methods_are_called_by_those_who_may(voltkeep: Voltkeep, node: Step, security: Any) -> None:
    seen = node(voltkeep, "calls", jar=JAR, security=security)
    assert seen["executable"] == [security is not None, True]
    assert seen["predict"] == {"status": "Good", "inputs": [], "outputs": 7}
    assert seen["start"]["status"] == ("Good" if security else "BadUserAccessDenied")
    assert seen["missing"]["status"] == "BadArgumentsMissing"
    assert seen["many"]["status"] == "BadTooManyArguments"
    assert (seen["type"]["status"], seen["type"]["inputs"]) == ("BadInvalidArgument", ["BadTypeMismatch"])
    assert seen["method"]["status"] == "BadMethodInvalid"
    assert seen["object"]["status"] == "BadNodeIdUnknown"
    assert (seen["wrong"]["status"], seen["wrong"]["inputs"]) == ("BadInvalidArgument", ["BadNodeIdUnknown"])


def test_the_server_object_tells_the_truth(voltkeep: Voltkeep, node: Step, security: Any) -> None:
    seen = node(voltkeep, "server", security=security)
    values = seen["values"]
    assert (values["serviceLevel"], values["state"], values["redundancy"]) == (255, 0, 0)
    assert values["auditing"] is values["enabled"] is True
    assert any(uri.endswith("/Server/StandardUA2017") for uri in values["profiles"])
    assert (values["perRead"], values["perBrowse"], values["perCall"]) == (100_000, 10_000, 1_000)
    assert values["browsePoints"] > 0
    assert {"urn:voltkeep:types", "urn:voltkeep:fleet"} <= set(values["namespaces"])
    assert seen["namespaces"] == {uri: uri for uri in values["namespaces"]}
    assert seen["summary"] == {"sessions": True, "more": 1, "cumulated": 1}
    if security is None:
        assert (seen["sessions"], seen["flag"]) == ("BadUserAccessDenied", ["BadUserAccessDenied"] * 2)
    else:
        assert seen["sessions"]["reads"] is seen["sessions"]["requests"] is True
        assert seen["flag"] == ["Good", "Good"]


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"])
@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
def test_every_policy_is_spoken(voltkeep: Voltkeep, node: Step, mode: str, policy: str) -> None:
    seen = node(voltkeep, "calls", jar=JAR, security={"mode": mode, "policy": policy})
    assert seen["predict"]["status"] == "Good"


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
    triggering = seen["triggering"]
    assert triggering["added"] == [["Good", "BadMonitoredItemIdInvalid"], []]
    assert triggering["heard"] == [1, 2]
    assert triggering["removed"] == [[], ["Good", "BadMonitoredItemIdInvalid"]]
    assert (triggering["nothing"], triggering["unknown"]) == ("BadNothingToDo", "BadMonitoredItemIdInvalid")
    methods = seen["methods"]
    assert (methods["ids"], methods["handles"]) == (True, [1, 2])
    assert (methods["before"], methods["resent"], methods["after"]) == (2, [], 2)
    assert methods["theirs"] == ["BadUserAccessDenied", "BadUserAccessDenied", "BadSubscriptionIdInvalid"]
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
