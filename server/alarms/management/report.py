"""What clients are told of incidents, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from server.alarms.management.annunciation import Seen
from server.alarms.management.incident import Incident


@dataclass(frozen=True)
class Report:
    """An incident at `time`; times in µs since 1970, 0 is not yet; `first_out` names a condition."""

    time: int
    id: str
    site: str
    cause: str
    first_out: str
    opened: int
    closed: int
    members: int
    active: int
    peak: int
    suppressed: int
    unacknowledged: int
    severity: int
    simulated: bool

    @property
    def state(self) -> str:
        """Open or Closed."""
        return "Closed" if self.closed else "Open"


@dataclass(frozen=True)
class Member:
    """A condition of an incident: when it first and last became active, how often, and how it is now."""

    condition: str
    first: int
    last: int
    activations: int
    severity: int
    active: bool
    acknowledged: bool
    suppressed: bool


def report(incident: Incident, time: int, site: str, first_out: str, seen: Seen | None) -> Report:
    """How an incident is; `seen` is what operators see of all conditions, None where that is gone."""
    return Report(
        time,
        incident.id,
        site,
        incident.cause,
        first_out,
        incident.opened,
        incident.closed,
        incident.size,
        incident.active,
        incident.peak,
        incident.unseen,
        0 if seen is None else incident.unacknowledged(seen),
        max(incident.worst, 1),
        incident.simulated,
    )
