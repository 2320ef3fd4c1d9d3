"""Keeps a flood from filling the audit trail: what repeats itself is told a few times, then counted.

What a named user did is always told. Refusals, and what nobody in particular did, count as the same when
kind, action, status, user's rights and the peer's host are the same, whatever names an attacker makes up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from server.security.audit import AuditEntry

WINDOW: Final = 10_000_000  # µs
TOLD: Final = 10  # of each kind in a window
MOST_KINDS: Final = 1000  # told apart; what is beyond them counts together, by kind of event
_BAD: Final = 0xC000_0000
_Key = tuple[int, str, int, str, str]


@dataclass
class _Count:
    """How often something happened since `began`, and the last of those that were only counted."""

    began: int
    told: int = 0
    held: int = 0
    last: AuditEntry | None = None

    def hold(self, entry: AuditEntry) -> None:
        """Count an entry; what it shares with the ones before it is kept."""
        last = self.last
        self.held += 1
        self.last = entry if last is None else _common(entry, last)


class AuditThrottle:
    """Decides which entries are told, and sums up those that are not."""

    def __init__(self) -> None:
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()

    def admit(self, entry: AuditEntry) -> bool:
        """Whether an entry is told now; otherwise it will be part of a sum."""
        if entry.user and entry.known and not entry.status & _BAD:
            return True
        count = self._count(entry)
        if count.told < TOLD:
            count.told += 1
            return True
        count.hold(entry)
        return False

    def due(self, now: int) -> list[AuditEntry]:
        """The sums of what was counted in windows that are over at `now` [µs]."""
        over = [key for key, count in self._counts.items() if now - count.began >= WINDOW]
        counts = [self._counts.pop(key) for key in over]
        return [replace(c.last, repeats=c.held, time=now) for c in counts if c.last is not None]

    def _count(self, entry: AuditEntry) -> _Count:
        host = entry.peer.rpartition(":")[0]
        key = (entry.kind, entry.action, entry.status, host, entry.user if entry.known else "")
        count = self._counts.get(key)
        if count is None and len(self._counts) >= MOST_KINDS:
            key = (entry.kind, "", 0, "", "")
            count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count(entry.time)
        return count


def _common(entry: AuditEntry, last: AuditEntry) -> AuditEntry:
    """The entry, with what differs from the last one left empty; of the peer the host stays."""
    differs: dict[str, Any] = {
        name: ""
        for name in ("action", "user", "session", "entry_id", "target", "old", "new")
        if getattr(entry, name) != getattr(last, name)
    }
    host, before = (each.peer.rpartition(":")[0] for each in (entry, last))
    if entry.peer != last.peer:
        differs["peer"] = f"{host}:" if host == before else ""
    return replace(entry, fields={}, **differs)
