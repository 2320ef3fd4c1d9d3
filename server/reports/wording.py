"""Words, numbers and dates of a report in its language; English words are the key to the others (pure)."""

from __future__ import annotations

import re
from typing import Final

from server.reports.dates import Dates
from server.reports.facts import Value
from server.reports.words import THAI

NONE: Final = "–"
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")  # begins there


class Wording:
    """How a report of a language and a calendar puts things."""

    def __init__(self, language: str, calendar: str) -> None:
        self.language = language
        self.dates = Dates(language, calendar)

    def __call__(self, key: str, **values: object) -> str:
        """Words, with values in their places."""
        text = THAI[key] if self.language == "th" else key
        return text.format(**values) if values else text

    def name(self, key: str) -> str:
        """What may have a name of the plant's own, which is left as it is: a condition, a kind of work."""
        return THAI.get(key, key) if self.language == "th" else key

    def condition(self, name: str) -> str:
        """A condition in words: `Jar temperature high` of `JarTemperatureHigh`."""
        if self.language == "th" and name in THAI:
            return THAI[name]
        return _WORD.sub(" ", name).capitalize().replace("Hvac", "HVAC")

    def duration(self, seconds: float) -> str:
        """`45 s`, `6.6 min`, `3.5 h`: such that those of a table add up."""
        if not seconds:
            return NONE
        if seconds < 60:
            return f"{seconds:.0f} {self('s')}"
        if seconds < 5400:
            return f"{seconds / 60:.1f} {self('min')}"
        return f"{number(seconds / 3600, 1)} {self('h')}"

    def life(self, days: Value) -> str:
        """`240 d` up to two years, `3.4 y` beyond."""
        if days is None:
            return NONE
        return f"{days:.0f} {self('d')}" if days < 730 else f"{days / 365.25:.1f} {self('y')}"


def number(value: Value, decimals: int = 0) -> str:
    """`1,944`, `87.4`; a dash for what is not known. Nothing is minus zero."""
    if value is None or value != value:
        return NONE
    rounded = round(value, decimals) + 0.0
    return f"{rounded:,.{decimals}f}".replace("-", "\u2212")
