"""What happened beside a trend: outages, alarms and simulations, out of the journal; pure but for `read`.

A marker is a moment or, where its end is known, a span; times in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from asyncua import Client

from hmi import journal
from hmi.topology import FLEET, Topology

MOST: Final = 200  # events that a picture can bear
LEAST_SEVERITY: Final = 400  # low ones would bury the others
_OUTAGE: Final = "MainsLost"


@dataclass(frozen=True)
class Marker:
    """One thing that happened: `Outage`, `Alarm` or `Simulation`; `until` is None where it is not known."""

    kind: str
    time: int
    until: int | None
    text: str
    source: str


async def read(
    client: Client, topology: Topology, paths: Sequence[str], start: int, end: int
) -> list[dict[str, Any]]:
    """Markers of some assets, of their sites' mains, and of what was simulated; oldest first."""
    asked = [
        journal.Question(start, end, path, severity=LEAST_SEVERITY, alarms=True, most=MOST)
        for path in set(paths) - {FLEET}
    ]
    asked += [
        journal.Question(start, end, condition=f"{site}#{_OUTAGE}", most=MOST)
        for site in {path.split("/")[0] for path in paths} - {FLEET}
    ]
    found: dict[str, dict[str, Any]] = {}
    for question in asked:
        for event in await journal.read(client, topology, question):
            if event["source"] in paths or event["name"] == _OUTAGE:
                found[event["id"]] = event
    return [asdict(each) for each in markers(sorted(found.values(), key=lambda event: event["time"]))]


def markers(events: Sequence[dict[str, Any]]) -> list[Marker]:
    """Activations with the moment of their end; `events` oldest first."""
    made: list[Marker] = []
    open_: dict[str, int] = {}
    for event in events:
        condition = event["condition"]
        if not condition:
            continue
        if event["active"] and condition not in open_:
            open_[condition] = len(made)
            kind = "Simulation" if event["simulated"] else "Outage" if event["name"] == _OUTAGE else "Alarm"
            made.append(Marker(kind, event["time"], None, event["message"], event["source"]))
        elif event["active"] is False and condition in open_:
            at = open_.pop(condition)
            begun = made[at]
            made[at] = Marker(begun.kind, begun.time, event["time"], begun.text, begun.source)
    return made
