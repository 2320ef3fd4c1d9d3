"""Times as a user gives them to `voltkeep export`."""

from __future__ import annotations

import datetime as dt

import pytest

from server.errors import RequestError
from server.exportcli import moment

NOW = round(dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-10-01", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T06:00", "2026-10-01T06:00:00+00:00"),
        ("2026-10-01T06:00:00.5Z", "2026-10-01T06:00:00.500000+00:00"),
        ("2026-10-01T06:00+07:00", "2026-09-30T23:00:00+00:00"),
        ("-0s", "2026-10-31T12:00:00+00:00"),
        ("-1.5h", "2026-10-31T10:30:00+00:00"),
        ("-90d", "2026-08-02T12:00:00+00:00"),
        ("-2w", "2026-10-17T12:00:00+00:00"),
    ],
)
def test_moments(text: str, meant: str) -> None:
    found = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=moment(text, NOW))
    assert found.isoformat() == meant


@pytest.mark.parametrize("text", ["", "yesterday", "90d", "-d", "2026-13-01", "-5x"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(RequestError):
        moment(text, NOW)
