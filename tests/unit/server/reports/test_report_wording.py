"""Reports in two languages and two calendars."""

from __future__ import annotations

import ast
import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import server.reports
from server.reports.blocks import lines
from server.reports.dates import Dates
from server.reports.period import period_of
from server.reports.wording import Wording, number
from server.reports.words import THAI

FOLDER = Path(server.reports.__file__).parent
ZONE = ZoneInfo("Asia/Bangkok")


@pytest.mark.parametrize(
    ("language", "calendar", "month", "week", "day", "quarter"),
    [
        ("en", "common", "October 2026", "Week 53, 28 Dec – 3 Jan 2027", "5 Oct 2026", "Q4 2026"),
        ("en", "buddhist", "October 2569 BE", "Week 53, 28 Dec – 3 Jan 2570", "5 Oct 2569", "Q4 2569"),
        ("th", "common", "ตุลาคม ค.ศ. 2026", "สัปดาห์ที่ 53, 28 ธ.ค. – 3 ม.ค. 2027", "5 ต.ค. 2026", "Q4/2026"),
        ("th", "buddhist", "ตุลาคม พ.ศ. 2569", "สัปดาห์ที่ 53, 28 ธ.ค. – 3 ม.ค. 2570", "5 ต.ค. 2569", "Q4/2569"),
    ],
)
def test_dates_are_written_as_people_do(
    language: str, calendar: str, month: str, week: str, day: str, quarter: str
) -> None:
    dates = Dates(language, calendar)
    assert dates.period(period_of("2026-10", ZONE)) == month
    assert dates.period(period_of("2026-W53", ZONE)) == week
    assert dates.day(dt.date(2026, 10, 5)) == day
    assert dates.quarter(2026 * 4 + 3) == quarter


def test_every_word_that_is_said_is_there_in_thai() -> None:
    """Whatever is given to `say(...)` as a literal."""
    said = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                first = node.args[0]
                said |= {each.value for each in ast.walk(first) if isinstance(each, ast.Constant)}
    missing = {word for word in said if isinstance(word, str) and word not in THAI}
    assert not missing - {"Weekly", "Monthly", " battery report, {period}"}
    assert len(said) > 100


def test_thai_words_have_the_same_places_for_values() -> None:
    for english, thai in THAI.items():
        places = [set(text.split("{")[1:]) for text in (english, thai)]
        english_names, thai_names = ({part.partition("}")[0] for part in each} for each in places)
        assert english_names == thai_names, english


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1944.0, 0, "1,944"), (-0.04, 1, "0.0"), (-1.26, 1, "−1.3"), (None, 1, "–"), (float("nan"), 1, "–")],
)
def test_numbers(value: float | None, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


def test_spans_of_time() -> None:
    say = Wording("en", "common")
    assert [say.duration(each) for each in (0, 45, 720, 12_600)] == ["–", "45 s", "12.0 min", "3.5 h"]
    assert [say.life(each) for each in (None, 240.0, 1241.85)] == ["–", "240 d", "3.4 y"]


def test_the_scale_of_a_drawing_is_round_and_holds_all_values() -> None:
    drawing = lines("T", ["1", "2"], [[96.81, None], [96.98, 96.85]])
    assert (drawing["low"], drawing["high"]) == (pytest.approx(96.8), pytest.approx(97.0))
    assert [tick["text"] for tick in drawing["ticks"]] == ["96.80", "96.85", "96.90", "96.95", "97.00"]
    flat = lines("T", ["1"], [[50.0]])
    assert flat["low"] < flat["high"]
