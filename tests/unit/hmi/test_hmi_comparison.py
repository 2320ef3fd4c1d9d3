"""Spreads and declines, by hand-worked figures."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from hmi.comparison import SEASONS, Spread, declines, season_of, spread

BANGKOK = ZoneInfo("Asia/Bangkok")
HOT, RAINY, COOL = range(len(SEASONS))


def at(year: int, month: int, day: int = 1, hour: int = 0) -> int:
    return round(dt.datetime(year, month, day, hour, tzinfo=dt.UTC).timestamp() * 1e6)


def test_five_numbers() -> None:
    points = [(i, value) for i, value in enumerate([4.0, None, 1.0, 3.0, 2.0, 5.0])]
    assert spread(points) == Spread(1.0, 2.0, 3.0, 4.0, 5.0, 5)


def test_one_value_has_no_spread() -> None:
    assert spread([(0, 1.0), (1, None)]) is None


def test_seasons_are_those_of_thailand() -> None:
    assert [season_of(at(2026, month, 15), BANGKOK) for month in (3, 6, 11, 1)] == [HOT, RAINY, COOL, COOL]
    # The last evening of February in UTC is the first morning of March in Bangkok.
    assert season_of(at(2026, 2, 28, 18), BANGKOK) == HOT
    assert season_of(at(2026, 2, 28, 18), ZoneInfo("Asia/Kathmandu")) == COOL  # 23:45 there


def test_each_season_loses_its_own() -> None:
    points = [
        (at(2026, 3), 90.0),
        (at(2026, 4), 89.0),
        (at(2026, 5), None),
        (at(2026, 6), 87.0),
        (at(2026, 7), 86.5),
    ]
    hot, rainy, cool = declines(points, BANGKOK)
    month = 30.4375
    assert hot == pytest.approx(3.0 / (92 / month))
    assert rainy == pytest.approx(0.5 / (30 / month))
    assert cool is None
