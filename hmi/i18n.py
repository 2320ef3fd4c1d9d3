"""Words in the operator's language: `text` for pages made here, `catalogue` for the pages' scripts.

English is the key. Translations are gettext catalogues, `locale/<language>/LC_MESSAGES/voltkeep.po`, in the
order of their keys. What has no translation is shown in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

LANGUAGES: Final = ("en", "th")
LOCALE: Final = Path(__file__).parent / "locale"


def text(key: str, lang: str) -> str:
    """`key` in a language."""
    return catalogue(lang).get(key, key)


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All translations into a language; empty for English."""
    if lang not in LANGUAGES or lang == "en":
        return {}
    with (LOCALE / lang / "LC_MESSAGES" / "voltkeep.po").open("rb") as file:
        return {str(entry.id): str(entry.string) for entry in read_po(file, locale=lang) if entry.id}
