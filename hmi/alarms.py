"""The retained conditions of the fleet, as events tell of them (Part 9, 5.5): pure, no OPC UA, no clock.

`AlarmList.take` takes one condition event; a condition that is no longer retained leaves the list. A
refresh brackets the events of all retained conditions, and what it does not name is gone. An `AlarmView`
is the part of the list under one path, told to browsers as `content` once and `changes` after.

What is shelved, suppressed, out of service or simulated stays in the list and says so, but counts for no
alarm of the plant (ISA-18.2).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

REMEMBERED: Final = 5000  # conditions that have left the list


@dataclass(frozen=True)
class Condition:
    """One condition (or branch of one) as its last event described it; times in ms since 1970, 0: never."""

    id: str
    event: str  # EventId, hexadecimal: what Acknowledge must name
    source: str
    name: str
    message: str
    severity: int
    time: int
    active: bool
    acknowledged: bool
    retain: bool
    since: int = 0  # of being active, or of being inactive again
    kind: str = ""  # its class: Process, Maintenance, Safety, System
    limit: str = ""  # which limit is passed
    bound: float | None = None  # its value
    confirmed: bool = True
    confirmable: bool = False
    shelved: str = ""  # "timed" or "once"
    until: int = 0  # when a shelving ends by itself
    suppressed: bool = False
    out_of_service: bool = False
    comment: str = ""
    user: str = ""
    branch: str = ""
    simulated: bool = False

    @property
    def key(self) -> str:
        """A condition can have several branches."""
        return f"{self.id}|{self.branch}" if self.branch else self.id

    @property
    def held(self) -> bool:
        """Whether somebody, or the plant's design, has taken it out of the operators' list (ISA-18.2)."""
        return bool(self.shelved) or self.suppressed or self.out_of_service

    @property
    def counts(self) -> bool:
        """Whether it is an alarm of the plant that asks for somebody."""
        return not self.held and not self.simulated

    def under(self, path: str) -> bool:
        """Whether its source is the asset at `path` or a part of it; the empty path is the fleet."""
        return not path or self.source == path or self.source.startswith(f"{path}/")


class AlarmList:
    """All retained conditions by key."""

    def __init__(self) -> None:
        self.conditions: dict[str, Condition] = {}
        self._departed: dict[str, Condition] = {}
        self._views: list[AlarmView] = []
        self._named: set[str] | None = None

    def take(self, condition: Condition) -> None:
        """Take a condition's newest event."""
        key = condition.key
        if self._named is not None:
            self._named.add(key)
        before = self.conditions.get(key)
        if condition.retain:
            self.conditions[key] = condition
        elif before is None:
            return
        else:
            del self.conditions[key]
            self._depart(condition)
        self._tell(condition)

    def last(self, key: str) -> Condition | None:
        """A condition as it was told last, also of those that have left the list lately."""
        return self.conditions.get(key) or self._departed.get(key)

    def _depart(self, condition: Condition) -> None:
        """Who acts on what has just gone is told who was before."""
        self._departed.pop(condition.key, None)
        self._departed[condition.key] = condition
        while len(self._departed) > REMEMBERED:
            del self._departed[next(iter(self._departed))]

    def begin_refresh(self) -> None:
        """A RefreshStartEvent came."""
        self._named = set()

    def end_refresh(self) -> None:
        """A RefreshEndEvent came: what was not named is no longer retained."""
        if self._named is None:
            return
        for key in self.conditions.keys() - self._named:
            self._tell(self.conditions.pop(key))
        self._named = None

    def counts(self) -> tuple[int, int, int]:
        """Of the plant's own: active, unacknowledged, and the highest severity among these.

        A branch is an earlier activation: it can wait for somebody, but is no alarm more.
        """
        active = unacknowledged = severity = 0
        for c in self.conditions.values():
            if not c.counts:
                continue
            active += c.active and not c.branch
            unacknowledged += not c.acknowledged
            if c.active or not c.acknowledged:
                severity = max(severity, c.severity)
        return active, unacknowledged, severity

    def view(self, path: str) -> AlarmView:
        """The part of the list at and below `path`."""
        view = AlarmView(self, path)
        self._views.append(view)
        return view

    def drop(self, view: AlarmView) -> None:
        """Nobody looks at a view any more."""
        self._views.remove(view)

    def _tell(self, condition: Condition) -> None:
        for view in self._views:
            if condition.under(view.path):
                view.changed.add(condition.key)


class AlarmView:
    """The conditions under one path, for browsers."""

    def __init__(self, alarms: AlarmList, path: str) -> None:
        self._alarms = alarms
        self.path = path
        self.changed: set[str] = set()

    def content(self) -> dict[str, Any]:
        """All of them."""
        rows = [c for c in self._alarms.conditions.values() if c.under(self.path)]
        return {"alarms": [row(c) for c in rows]}

    def changes(self) -> dict[str, Any] | None:
        """New and changed ones in full, gone ones by key; None where nothing changed."""
        if not self.changed:
            return None
        now = self._alarms.conditions
        patch = {
            "set": [row(now[key]) for key in self.changed if key in now],
            "gone": [key for key in self.changed if key not in now],
        }
        self.changed.clear()
        return patch


def row(condition: Condition) -> dict[str, Any]:
    """A condition for the browser."""
    return asdict(condition) | {"key": condition.key, "held": condition.held}
