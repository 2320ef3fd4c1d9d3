"""The catalogue against what is said: no entry that nobody says, and no English that passes it by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nicegui
import pytest

import hmi
from hmi.i18n import catalogue
from nodeset.tags import STATES_OF
from server.reports import words as reports

HERE = Path(hmi.__file__).parent
ROOT = HERE.parent
FOLDERS = ("analytics", "config", "hmi", "nodeset", "server", "simulator")  # what is said comes from here
GRIDS = Path(nicegui.__file__).parent / "elements" / "aggrid" / "dist" / "index.js"
THAI = catalogue("th")
# What is put together out of words of which none stands as it is said.
MADE = re.compile(
    r"Process|Safety"  # of ProcessConditionClassType
    r"|\w+From\{low\}To\{high\}"  # tags of a distribution
    r"|\w+ at \{site\}|incident (opened|changed)"
    r"|(High|Low)+ limit \{value\}"
)
PLACE = re.compile(r"\$?\{\w+\}")
BY_WHOM = re.compile(r" by \{user\}$")  # what is told of any action
# Names, the same in every language: of programs, formats, keys, fields, and of a language in itself.
NAMES = re.compile(
    r"Voltkeep|English|PDF|Excel|CSV|Parquet|Enter|Escape|voltkeep\.yaml: reports\.schedules"
    r"|Delay|Suppression"
)
# What a report says otherwise than a page: in full where there is room, or for want of it.
OTHERWISE = {
    "Jars",
    "SOH [%]",
    "Lower [d]",
    "Upper [d]",
    "Replace in",
    "active",
    "Jars by remaining life",
    "Bangkok",
}
WORDS = re.compile(r"\b[A-Z]?[a-z]{2,} [a-z]{2,}|^[A-Z][a-z]{2,}( \[.*\])?$")
CLASSES = re.compile(r"vk-[\w-]+( [\w-]+)*")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
TEMPLATE = re.compile(r"`((?:[^`\\]|\\.)*)`", re.DOTALL)
HOLE = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")


@cache
def sources() -> str:
    """All that can say something, on one line, without comments; literals of several lines as one."""
    kinds = (".py", ".js", ".html", ".yaml")
    files = (p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*")) if p.suffix in kinds)
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    text = re.sub(r'"\n\s*f?"', "", re.sub(r"(^|\s)(#|//) .*", "", text)).replace('\\"', '"')
    return " ".join(text.split())


@cache
def of_grids() -> str:
    """What AG Grid says by itself."""
    return GRIDS.read_text(encoding="utf-8")


def is_said(english: str) -> bool:
    """Whether an entry still stands somewhere: as a literal, or, where it has places, in parts."""
    said = sources()
    parts = [part.strip() for part in PLACE.split(BY_WHOM.sub("", english)) if part.strip()]
    if len(parts) > 1 or parts != [english]:
        return all(part in said for part in parts) or english in of_grids()
    # Not as the beginning of something longer.
    if " " in english and re.search(re.escape(english) + r"(?!\.? [A-Za-z]+\b(?!:))", said):
        return True
    if any(f"{before}{english}{after}" in said for before, after in ('""', "``", ("[[", "]]"))):
        return True
    return f" {english}: " in said or f'"{english}"' in of_grids() or f"`{english}`" in of_grids()


def test_nothing_is_translated_that_nobody_says() -> None:
    states = {state for states in STATES_OF.values() for state in states}
    assert not [
        english
        for english in THAI
        if english not in states and not MADE.fullmatch(english) and not is_said(english)
    ]


def test_the_finder_tells_what_is_said_from_what_is_not() -> None:
    assert all(map(is_said, ("Alarm list", "shelved until {time} by {user}", "Songkran")))
    part = "The server does not trust the certificate of this HMI."  # of what is said, which is longer
    assert not any(map(is_said, (part, "Alarm lists", "shelved since {time} by {user}", "Songkrans")))


def test_a_report_calls_things_as_the_pages_do() -> None:
    common = reports.THAI.keys() & THAI.keys() - OTHERWISE
    assert {word: reports.THAI[word] for word in common} == {word: THAI[word] for word in common}


def of_frame(html: str) -> Iterator[str]:
    """English in a frame that is not marked as words: texts, and attributes that are read out."""
    bare = re.sub(r"\[\[.*?\]\]|\{\w+\}|<script.*?</script>", "", html, flags=re.DOTALL)
    yield from re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', bare)
    yield from re.split(r"<[^>]*>", bare)


def of_script(script: str) -> Iterator[str]:
    """English in a script that the catalogue does not have."""
    code = re.sub(r"(^|\s)//.*", "", script)
    for text in LITERAL.findall(code):
        if WORDS.search(text) and text not in THAI and not CLASSES.fullmatch(text):
            yield text
    for template in TEMPLATE.findall(code):
        for part in HOLE.split(template):
            for words in re.findall(r"[A-Za-z]{2,}(?: [a-z]{2,})+", part):
                if not any(words in english for english in THAI) and "[" not in template:
                    yield words


def english_left(texts: Iterator[str]) -> list[str]:
    return [text.strip() for text in texts if re.search("[A-Za-z]{2}", NAMES.sub("", text))]


@pytest.mark.parametrize("frame", sorted((HERE / "frames").glob("*.html")), ids=lambda path: path.stem)
def test_frames_say_nothing_that_is_not_translated(frame: Path) -> None:
    assert not english_left(of_frame(frame.read_text(encoding="utf-8")))


@pytest.mark.parametrize("script", sorted((HERE / "assets").glob("*.js")), ids=lambda path: path.stem)
def test_scripts_say_nothing_that_is_not_translated(script: Path) -> None:
    assert not english_left(of_script(script.read_text(encoding="utf-8")))


def test_what_passes_the_catalogue_by_is_found() -> None:
    assert english_left(of_frame('<p title="Quite new">[[Alarms]]</p> here')) == ["Quite new", "here"]
    found = english_left(
        of_script('say("Quite new words"); say(t("Alarms")); say(`${n} gone astray`); by("Quite")')
    )
    assert found == ["Quite new words", "Quite", "gone astray"]
