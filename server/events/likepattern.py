"""The pattern language of the Like operator (Part 4, 7.7.3, table "Wildcard characters").

`%` is any run of characters, `_` any one, `[]` one of a set such as `[13-68]`, `[^]` one that is not of
the set, and a backslash takes the next character as it is. Matching takes time in proportion to pattern
times text at most, whatever a client sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ANY_RUN = ""  # never the regular expression of one character


class PatternError(ValueError):
    """The pattern breaks off: an open set, an empty one, a range upside down or a lone backslash."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`.

    Between two `%` the first place that fits is as good as any later one, so what was matched up to there
    is never tried again (atomic groups): no pattern makes the search exponential.
    """
    first, *others = _segments(pattern)
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    groups = "".join(f"(?>.*?{segment})" for segment in middle if segment)
    return re.compile(f"{first}{groups}.*{last}", re.DOTALL)


def _segments(pattern: str) -> list[str]:
    """What stands between the `%`, each as a regular expression of fixed length."""
    segments = [""]
    for piece in _pieces(pattern):
        if piece == _ANY_RUN:
            segments.append("")
        else:
            segments[-1] += piece
    return segments


def _pieces(pattern: str) -> Iterator[str]:
    """The pattern character by character."""
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            yield _ANY_RUN
        elif character == "_":
            yield "."
        elif character == "\\":
            yield re.escape(_next(characters))
        elif character == "[":
            yield _set(characters)
        else:
            yield re.escape(character)


def _next(characters: Iterator[str]) -> str:
    character = next(characters, None)
    if character is None:
        raise PatternError("the pattern breaks off")
    return character


def _set(characters: Iterator[str]) -> str:
    """The rest of a set, as far as its closing bracket."""
    members: list[tuple[str, bool]] = []
    character = _next(characters)
    negated = character == "^"
    if negated:
        character = _next(characters)
    while character != "]":
        escaped = character == "\\"
        members.append((_next(characters) if escaped else character, escaped))
        character = _next(characters)
    if not members:
        raise PatternError("an empty set")
    return f"[{'^' if negated else ''}{''.join(_ranges(members))}]"


def _ranges(members: list[tuple[str, bool]]) -> Iterator[str]:
    """Members of a set; a dash that is neither escaped nor at an end makes a range."""
    i = 0
    while i < len(members):
        low = members[i][0]
        if i + 2 < len(members) and members[i + 1] == ("-", False):
            high = members[i + 2][0]
            if low > high:
                raise PatternError(f"the range {low}-{high} is upside down")
            yield f"{re.escape(low)}-{re.escape(high)}"
            i += 3
        else:
            yield re.escape(low)
            i += 1
