"""Outputs of methods as rows for the browser: no NaN, no DateTime, null where there is no time."""

from __future__ import annotations

import datetime as dt
import json
import math

from asyncua import ua

from hmi.management import rows


def test_columns_become_rows_that_json_can_hold() -> None:
    at = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    columns = [["A#Hot", "B#Hot"], [at, ua.win_epoch_to_datetime(0)], [math.nan, 1.5], [True, False]]
    found = rows(("condition", "since", "value", "active"), columns)
    assert found == [
        {"condition": "A#Hot", "since": 1_795_262_400_000, "value": None, "active": True},
        {"condition": "B#Hot", "since": 0, "value": 1.5, "active": False},
    ]
    assert "NaN" not in json.dumps(found)


def test_null_arrays_are_no_rows() -> None:
    assert rows(("condition", "since"), [None, None]) == []
