"""Words: English is the key, Thai where there is some, and every page's words exist."""

from __future__ import annotations

import re
from pathlib import Path

import hmi
from hmi.i18n import catalogue, text
from hmi.pages import GROUPS, PAGES, WORDS

HERE = Path(hmi.__file__).parent


def test_english_is_the_key() -> None:
    assert text("Alarms", "en") == "Alarms"


def test_thai() -> None:
    assert text("Alarms", "th") == "สัญญาณเตือน"


def test_what_is_not_translated_is_english() -> None:
    assert text("Quite another word", "th") == "Quite another word"


def test_frames_and_scripts_are_translated() -> None:
    thai = catalogue("th")
    said = {*GROUPS.values(), *(page.title for page in PAGES)}
    for frame in (HERE / "frames").glob("*.html"):
        said |= set(WORDS.findall(frame.read_text(encoding="utf-8")))
    for script in (HERE / "assets").glob("*.js"):
        said |= set(re.findall(r'\bt\("([^"]+)"\)', script.read_text(encoding="utf-8")))
    assert not said - thai.keys()


def test_placeholders_survive_translation() -> None:
    for english, thai in catalogue("th").items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", thai))


def test_the_catalogue_is_in_the_order_of_its_keys() -> None:
    keys = list(catalogue("th"))
    assert keys == sorted(keys)
