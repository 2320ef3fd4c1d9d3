"""What an administrator asks for becomes the calls of Part 18; what makes no sense becomes none."""

from __future__ import annotations

import json

import pytest
from asyncua import ua

from hmi import audit, users
from hmi.systemapi import wanted


def asked(action: str, **what: object) -> tuple[str, users.Calls] | None:
    return wanted(action, json.dumps(what).encode())


def test_a_new_user_has_a_one_time_password_and_a_role() -> None:
    found = asked("add", name="Nok", role="Engineer", description="shift 2")
    assert found is not None
    password, (add, role) = found
    assert [each.Value for each in add.InputArguments] == ["Nok", password, 8, "shift 2"]
    assert role.ObjectId == ua.NodeId(ua.ObjectIds.WellKnownRole_Engineer)
    assert role.InputArguments[0].Value.Criteria == "Nok"


def test_no_two_one_time_passwords_are_alike() -> None:
    assert users.resetting("Nok")[0] != users.resetting("Nok")[0]


def test_who_is_disabled_keeps_the_duty_to_change_the_password() -> None:
    found = asked("disable", name="Nok", must_change=True)
    assert found is not None
    (call,) = found[1]
    mask = ua.UserConfigurationMask
    assert call.InputArguments[4].Value == mask.Disabled | mask.MustChangePassword


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("add", {}),
        ("add", {"name": 7}),
        ("add", {"name": "Nok", "role": "King"}),
        ("add", {"name": "N" * 201}),
        ("crown", {"name": "Nok"}),
    ],
)
def test_nonsense_is_no_call(action: str, what: dict[str, object]) -> None:
    assert asked(action, **what) is None


def test_what_is_no_json_is_no_call() -> None:
    assert wanted("add", b"[1]") is None
    assert wanted("add", b"\xff") is None


@pytest.mark.parametrize(("start", "end"), [(5, 5), (-1, 5), (0, 10**18)])
def test_a_span_of_the_trail_must_be_one(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no "):
        audit.Question(start, end, 10)
