"""Words in the operator's language: `text` for pages made here, `catalogue` for the pages' scripts.

English is the key. What has no translation is shown in English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

LANGUAGE_COOKIE: Final = "voltkeep_language"
LANGUAGES: Final = ("en", "th")
ASSETS: Final = Path(__file__).parent / "assets"


def text(key: str, lang: str) -> str:
    """`key` in a language."""
    return catalogue(lang).get(key, key)


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All translations into a language; empty for English."""
    if lang not in LANGUAGES or lang == "en":
        return {}
    words: dict[str, str] = json.loads((ASSETS / f"{lang}.json").read_text(encoding="utf-8"))
    return words


def language(cookies: Mapping[str, str]) -> str:
    """The language that a browser chose."""
    chosen = cookies.get(LANGUAGE_COOKIE, "en")
    return chosen if chosen in LANGUAGES else "en"
