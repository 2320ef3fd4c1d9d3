"""What a password must be. Length counts, not composition (NIST SP 800-63B, 3.1.1.2).

Refused are passwords that are short, or little more than the user's name, a word that everybody tries
first, a row of keys or the same few characters. Pure; characters are counted as they are shown (NFKC).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_LENGTH: Final = 128
LEAST_DIFFERENT: Final = 5

# What guessers try first, without the digits and signs around it. A plant adds its own by a setting.
_WORDS: Final = """
admin administrator battery batteries changeit changeme default engineer fleet guest iloveyou
letmein login manager monitor operator passw0rd p@ssw0rd p@ssword passwort password pa55word
qwerty root scada secret security server service supervisor system trustno1 user viewer voltkeep
welcome รหัสผ่าน
"""
OBVIOUS: Final = frozenset(_WORDS.split())
_ROWS: Final = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz" * 2, "qwertyuiopasdfghjklzxcvbnm")
_AROUND: Final = "0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def normal(password: str) -> str:
    """The password as it is hashed: however a keyboard composes characters, it is the same one."""
    return unicodedata.normalize("NFKC", password)


@dataclass(frozen=True)
class PasswordRules:
    """What a new password must be; `forbidden` are words of the plant's own."""

    min_length: int = 12
    forbidden: tuple[str, ...] = ()

    def fault(self, name: str, password: str) -> str | None:
        """Why this cannot be the password of user `name`, or None."""
        plain = normal(password)
        if len(plain) < self.min_length:
            return f"A password has at least {self.min_length} characters."
        if len(plain) > MAX_LENGTH:
            return f"A password has at most {MAX_LENGTH} characters."
        folded = plain.casefold()
        if _is_made_of(folded, {name.casefold(), name.casefold()[::-1]}):
            return "A password is not made of the user name."
        if _is_few(folded) or _is_made_of(
            folded, {*OBVIOUS, *map(str.casefold, self.forbidden), name.casefold()}
        ):
            return "This password is among the first that are guessed."
        return None

    @property
    def text(self) -> str:
        """The rules in words."""
        return (
            f"{self.min_length} to {MAX_LENGTH} characters of any kind; not the user name, not a common "
            "password, not a row of keys."
        )


def _is_few(folded: str) -> bool:
    """Whether a password is a few characters again and again, or keys as they lie side by side."""
    if len(set(folded)) < LEAST_DIFFERENT:
        return True
    return any(folded in row or folded[::-1] in row for row in _ROWS)


def _is_made_of(folded: str, words: Iterable[str]) -> bool:
    """Whether a password is nothing but words with digits and signs around them."""
    rest = folded
    for word in sorted(filter(None, words), key=len, reverse=True):
        rest = rest.replace(word, " ")
    return rest != folded and not rest.strip(_AROUND)
