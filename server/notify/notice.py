"""What notification needs of a condition's event: how the condition was, in plain words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from nodeset.index import MIRROR

LONGEST_TITLE = 120
LONGEST_LINE = 400
LONGEST_ADVICE = 1600


@dataclass(frozen=True, slots=True)
class Incident:
    """What alarm management says of what belongs together; `first_out` names a condition."""

    id: str
    cause: str
    first_out: str
    members: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A condition at one moment; times in µs since 1970, `number` is that of its event."""

    condition: str  # `<path>#<Name>`
    source: str
    name: str
    kind: str  # its class
    number: int
    event_id: str  # hexadecimal
    time: int
    active_time: int
    severity: int
    active: bool
    acked: bool
    quiet: bool  # disabled, shelved, suppressed or out of service: nobody is to be told
    title: str  # what it is about
    message: str  # what it told, with values
    advice: str
    simulated: bool
    user: str

    @property
    def place(self) -> str:
        """Path of the source, wherever it is shown."""
        return self.source.removeprefix(MIRROR)

    @property
    def site(self) -> str:
        """Name of the site; `Fleet` for the fleet's own conditions."""
        return self.place.partition("/")[0]

    @property
    def waits(self) -> bool:
        """Whether somebody has still to acknowledge it."""
        return not self.acked and not self.quiet


def plain(text: str, most: int) -> str:
    """Text from anywhere as one line of at most so many printable characters."""
    line = " ".join(text[: 4 * most].split())
    if not line.isprintable():
        line = "".join(character for character in line if character.isprintable())
    return line if len(line) <= most else f"{line[: max(most - 1, 0)]}…"


_NAMES = tuple(f.name for f in fields(Notice))


def to_list(notice: Notice) -> list[Any]:
    """Plain values, for JSON."""
    return [getattr(notice, name) for name in _NAMES]


def from_list(values: list[Any]) -> Notice:
    """What `to_list` gave; TypeError: not from it."""
    return Notice(*values)
