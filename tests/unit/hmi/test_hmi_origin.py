"""Where a request comes from, by its headers."""

from __future__ import annotations

import pytest

from hmi.origin import COOKIE, SECURE_COOKIE, local_path, right_origin, session_token

HOST = "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("origin", "host", "must_tell", "right"),
    [
        ("http://127.0.0.1:8080", HOST, True, True),
        ("https://127.0.0.1:8080", HOST, True, True),
        ("http://127.0.0.1:9000", HOST, True, False),
        ("http://evil.example", HOST, False, False),
        ("null", HOST, False, False),
        ("http://127.0.0.1:8080.evil.example", HOST, True, False),
        ("http://user@127.0.0.1:8080", HOST, True, False),
        (None, HOST, True, False),
        (None, HOST, False, True),
        ("http://", "", True, False),
        ("http://hmi.plant", "hmi.plant:80", True, True),
        ("http://HMI.plant:80", "hmi.plant", True, True),
        ("http://hmi.plant:443", "hmi.plant", True, False),
    ],
)
def test_origin(origin: str | None, host: str, must_tell: bool, right: bool) -> None:
    headers = {"host": host} | ({"origin": origin} if origin is not None else {})
    assert right_origin(headers, "http", must_tell) is right


def test_behind_tls_the_origin_is_encrypted_too() -> None:
    for scheme in ("https", "wss"):
        assert right_origin({"host": "hmi.plant", "origin": "https://hmi.plant"}, scheme, True)
        assert not right_origin({"host": "hmi.plant", "origin": "http://hmi.plant"}, scheme, True)


def test_the_browsers_own_word_stands_for_an_origin() -> None:
    assert right_origin({"host": HOST, "sec-fetch-site": "same-origin"}, "http", True)
    for site in ("same-site", "cross-site", "none"):
        assert not right_origin({"host": HOST, "sec-fetch-site": site}, "http", True)


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/site/Hat Yai", "/site/Hat Yai"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_log_in_leads_nowhere_else(target: str, safe: str) -> None:
    assert local_path(target) == safe


def test_token_among_cookies() -> None:
    assert session_token(f"a=b; {COOKIE}=xyz; c=d", False) == "xyz"
    assert session_token('odd={"a": [1, 2]}; ' + f"{COOKIE}=xyz", False) == "xyz"
    assert session_token(f"{SECURE_COOKIE}=s; {COOKIE}=xyz", True) == "s"
    assert session_token(f"{SECURE_COOKIE}=s", False) is None
    assert session_token("a=b", False) is None
    assert session_token("", True) is None
