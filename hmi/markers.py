"""What happened beside a trend: outages, alarms, simulations and work on the plant; pure but for `read`.

A marker is a moment or, where it lasted, a span; times in ms since 1970.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from asyncua import Client, ua

from hmi import journal, upkeep
from hmi.events import clause, milliseconds
from hmi.history import read_history, time_of
from hmi.topology import FLEET, Topology

MOST: Final = 200  # events that a picture can bear
LOOK_BACK: Final = 86_400_000  # ms: what began so long before may have lasted until then
LEAST_SEVERITY: Final = 400  # of alarms of more than a jar: low ones would bury the others
TYPES: Final = "urn:voltkeep:types"
SIMULATION: Final = "Simulation"
STARTED: Final = "SimulationStartedEventType"
_OUTAGE: Final = "MainsLost"
_JAR_DEPTH: Final = 3
_MILLISECOND: Final = 1_000  # µs
_OF_SIMULATIONS: Final = ("SimulationId", "Scenario", "Target", "User")


@dataclass(frozen=True)
class Marker:
    """One thing that happened: `Outage`, `Alarm`, `Simulation`, `Maintenance` or `Test`.

    `until` is None for what `lasts` still, and where it is not known. `severity` is that of an alarm, 0 for
    others; `detail` says more in the words of whoever did it.
    """

    kind: str
    time: int
    until: int | None
    text: str
    source: str
    severity: int = 0
    detail: str = ""
    simulated: bool = False
    lasts: bool = False


async def read(
    client: Client, topology: Topology, paths: Sequence[str], start: int, end: int
) -> list[dict[str, Any]]:
    """Markers of some assets, of their sites' mains, and of what was simulated; oldest first."""
    parts = await asyncio.gather(
        _events(client, topology, paths, start, end),
        _simulations(client, topology, paths, start, end),
        _work(client, topology, paths, start, end),
    )
    return [asdict(each) for each in sorted((m for part in parts for m in part), key=lambda m: m.time)]


async def _events(
    client: Client, topology: Topology, paths: Sequence[str], start: int, end: int
) -> list[Marker]:
    """Alarms of the assets and outages of their sites; also such as began within `LOOK_BACK` before."""
    since = max(0, start - LOOK_BACK)
    asked = [journal.Question(since, end, condition=f"{site}#{_OUTAGE}", most=MOST) for site in _sites(paths)]
    for path in set(paths) - {FLEET}:
        least = 0 if path.count("/") == _JAR_DEPTH else LEAST_SEVERITY
        asked.append(journal.Question(since, end, path, severity=least, alarms=True, own=True, most=MOST))
    told = await asyncio.gather(*(journal.read(client, topology, question) for question in asked))
    found = {event["id"]: event for events in told for event in events}
    made = activations(sorted(found.values(), key=lambda event: event["time"]))
    return [each for each in made if each.lasts or (each.until or each.time) >= start]


def activations(events: Iterable[dict[str, Any]]) -> list[Marker]:
    """Every time that a condition became active, with its end; `events` oldest first."""
    made: list[Marker] = []
    open_: dict[str, int] = {}
    for event in events:
        condition = event["condition"]
        if condition and event["active"] and condition not in open_:
            open_[condition] = len(made)
            made.append(_activation(event))
        elif condition and event["active"] is False and condition in open_:
            at = open_.pop(condition)
            made[at] = replace(made[at], until=event["time"], lasts=False)
    return made


def _activation(event: dict[str, Any]) -> Marker:
    kind = "Outage" if event["name"] == _OUTAGE else "Alarm"
    severity, simulated = event["severity"], event["simulated"]
    return Marker(
        kind, event["time"], None, event["message"], event["source"], severity, "", simulated, lasts=True
    )


async def _simulations(
    client: Client, topology: Topology, paths: Sequence[str], start: int, end: int
) -> list[Marker]:
    """What was simulated on the assets, on what they are part of, or on a part of them."""
    types = ua.NodeId(STARTED, await client.get_namespace_index(TYPES))
    own = [clause(name, types.NamespaceIndex) for name in _OF_SIMULATIONS]
    details = ua.ReadEventDetails(
        NumValuesPerNode=MOST,
        StartTime=time_of(end * _MILLISECOND),  # the later one first: backwards
        EndTime=time_of(max(0, start - LOOK_BACK) * _MILLISECOND),
        Filter=ua.EventFilter(SelectClauses=[clause("Time"), clause("EventType"), clause("Message"), *own]),
    )
    node = ua.HistoryReadValueId(NodeId=topology.node(SIMULATION))
    (result,) = await read_history(client, details, [node])
    if result.ContinuationPoint:
        node.ContinuationPoint = result.ContinuationPoint
        await read_history(client, details, [node], release=True)
    told = [[field.Value for field in each.EventFields] for each in result.HistoryData.Events or ()]
    found = simulations([(milliseconds(t), kind == types, *own) for t, kind, _, *own in reversed(told)])
    return [
        each
        for each in found
        if (each.lasts or (each.until or 0) >= start) and any(_touches(each.source, path) for path in paths)
    ]


def simulations(events: Iterable[tuple[int, bool, str, str, str, str]]) -> list[Marker]:
    """Simulations with their end; an event is when, whether it began, its id, scenario, target and user."""
    made: dict[str, Marker] = {}
    for time, began, number, scenario, target, user in events:
        if began:
            made[number] = Marker(
                "Simulation", time, None, scenario, target, detail=user, simulated=True, lasts=True
            )
        elif number in made:
            made[number] = replace(made[number], until=time, lasts=False)
    return list(made.values())


async def _work(
    client: Client, topology: Topology, paths: Sequence[str], start: int, end: int
) -> list[Marker]:
    """Work on the assets, or on what they are part of, and capacity tests."""
    found: list[Marker] = []
    for site in _sites(paths):
        done = await upkeep.work(client, topology, site, start, end)
        tested = await upkeep.tests(client, topology, site, start, end)
        found += [_marker("Maintenance", row, row["kind"], row["note"]) for row in done]
        found += [_marker("Test", row, "Capacity test", f"{row['health']:.1f} %") for row in tested]
    return [each for each in found if any(upkeep.concerns(each.source, path) for path in paths)]


def _marker(kind: str, row: dict[str, Any], text: str, detail: str) -> Marker:
    until = row["ended"] or None
    return Marker(kind, row["began"], until, text, row["asset"], detail=detail, lasts=until is None)


def _sites(paths: Iterable[str]) -> set[str]:
    return {path.split("/")[0] for path in paths} - {FLEET}


def _touches(target: str, path: str) -> bool:
    return path == FLEET or upkeep.concerns(target, path) or upkeep.concerns(path, target)
