"""The fleet's last six months: a value a day, gaps as gaps."""

from __future__ import annotations

from hmi.fleettrend import TAGS, as_json
from hmi.trend import DAY, Point


def found(**points: list[Point]) -> dict[str, list[Point]]:
    """Answers of HistoryRead, nothing for a tag that is not named."""
    return {tag: points.get(tag, []) for tag in TAGS}


def test_days_are_those_of_all_tags_and_what_is_missing_is_a_gap() -> None:
    told = as_json(
        found(
            MeanStateOfHealth=[(DAY, 96.123), (2 * DAY, None)],
            MeanRemainingUsefulLife=[(2 * DAY, 1400.04), (3 * DAY, 1399.96)],
        )
    )
    assert told["t"] == [86_400_000, 172_800_000, 259_200_000]
    assert told["health"] == [96.12, None, None]
    assert told["life"] == [None, 1400.0, 1400.0]
    assert told["alarms"] == told["healthy"] == [None, None, None]


def test_the_share_of_healthy_jars_is_that_of_the_jars_there_were() -> None:
    told = as_json(
        found(
            HealthyJars=[(0, 1900.0), (DAY, 95.0), (2 * DAY, 3.0)],
            Jars=[(0, 1944.0), (DAY, 100.0), (2 * DAY, 0.0)],
        )
    )
    assert told["healthy"] == [97.74, 95.0, None]


def test_no_history_is_no_day() -> None:
    assert as_json(found())["t"] == []
