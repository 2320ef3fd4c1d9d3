"""Which passwords are refused, and which are not."""

from __future__ import annotations

import pytest

from server.security.passwords import MAX_LENGTH, PasswordRules

RULES = PasswordRules(12, ("Bangrak",))


@pytest.mark.parametrize(
    "password",
    [
        "Float-at-13.65-volt",
        "correct horse battery staple",
        "กุญแจของฉันอยู่ใต้เสื่อ",
        "x7 kQ,pZ r2+m",
        "passwordless jars",
    ],
)
def test_long_ones_of_any_kind_are_taken(password: str) -> None:
    assert RULES.fault("ann", password) is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 12"),
        ("x7kQpZr2m4t", "at least 12"),
        ("x7kQpZr2m4t" * 12, f"at most {MAX_LENGTH}"),
        ("annelieseannelies", None),
        ("aaaaaaaaaaaaaaaa", "first that are guessed"),
        ("abababababababab", "first that are guessed"),
        ("1234567890123", "first that are guessed"),
        ("qwertyuiopasdf", "first that are guessed"),
        ("zyxwvutsrqponm", "first that are guessed"),
        ("Password1234!", "first that are guessed"),
        ("PASSWORDpassword", "first that are guessed"),
        ("Voltkeep-Admin-2026", "first that are guessed"),
        ("bangrak-bangrak-1", "first that are guessed"),
    ],
)
def test_obvious_ones_are_refused(password: str, why: str | None) -> None:
    fault = RULES.fault("ann", password)
    assert fault is None if why is None else why in (fault or "")


@pytest.mark.parametrize(
    "password", ["Anneliese1234", "anneliese anneliese", "2026-eseilenna", "anneliese-admin"]
)
def test_the_user_name_is_no_password(password: str) -> None:
    assert RULES.fault("Anneliese", password) is not None


def test_characters_are_counted_as_they_are_shown() -> None:
    composed = "\u00e9" * 4 + "abcdefg"  # 11 characters; 15 when taken apart
    apart = composed.replace("\u00e9", "e\u0301")
    assert len(apart) >= 12
    assert "at least" in (RULES.fault("ann", apart) or "")
