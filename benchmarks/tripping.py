"""Whole sites trip in one scan (SPEC A8): what event subscribers get, and whether the scan keeps its period.

Registers of a Modbus plant change at once, so that all alarms are due in the same scan: of one site with
several conditions a jar, and of the whole fleet with two. Of the five subscribers one is slow: its queue is
small and it asks for nothing until the others have all. What fits its queue is kept for it, and where more
was told it gets an EventQueueOverflowEvent.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml
from asyncua import ua

from benchmarks import failingplant, requests, servers, subscribing
from benchmarks.login import Door
from benchmarks.process import HOST, Process, free_ports, free_run, running
from benchmarks.subscribing import PUBLISH_REQUESTS, SETTLE, Subscriber
from nodeset.index import TagIndex

FAST: Final = 4
SLOW_QUEUE: Final = 2500  # above what a site tells, below what the fleet does
PER_SITE: Final = 8  # conditions a jar where a site trips
PER_FLEET: Final = 2
LOW, LOWER = 12.6, 12.0  # V: limits of those that trip first, and of the others
_DOWN: Final = 60.0  # s until whatever comes has come
_QUIET: Final = 1.5  # s without an event after the last
_OVERFLOW: Final = ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType)


@dataclass(frozen=True)
class Trip:
    """What came of it; memory in MB."""

    told: int  # events, to each of the fast subscribers
    took: float  # s from the scan to the last of them
    slow: int  # events that the slow one got
    overflowed: bool  # whether it was told that it lost some
    scans: int
    overruns: int
    memory: float
    grown: float  # of it since before


def measure(index: TagIndex, file: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Trip one site, then the whole fleet, each on a server of its own."""
    sites = [site.name for site in index.fleet.sites]
    found = {}
    for key, voltage, fallen in (("site", LOWER - 0.2, sites[:1]), ("fleet", LOW - 0.2, sites)):
        say(f"Voltkeep: the whole {key} trips")
        due = sum(_due(index, site, PER_SITE if key == "site" else PER_FLEET) for site in range(len(fallen)))
        trip = _measured(file, len(sites), voltage, fallen, due)
        found |= {f"{key}_{name}": float(value) for name, value in vars(trip).items()} | {f"{key}_due": due}
    return found


def _due(index: TagIndex, site: int, conditions: int) -> int:
    """How many alarms a site raises: of its jars, and one of each string."""
    fleet = index.fleet
    jars, strings = fleet.jars_of_site(site), fleet.strings_of_site(site)
    return conditions * (jars.stop - jars.start) + strings.stop - strings.start


def _measured(file: Path, sites: int, voltage: float, fallen: list[str], due: int) -> Trip:
    with servers.home() as folder:
        identity = servers.trusted(folder)
        (folder / "alarms.yaml").write_text(yaml.safe_dump({"conditions": _conditions()}))
        fall = partial(failingplant.order, folder, voltage, fallen)
        with _plant(folder, file, sites) as port, _server(folder, file, port) as (process, metrics):
            return _trip(Door(process, identity), metrics, fall, due)


def _conditions() -> dict[str, Any]:
    """Conditions of every jar, and one of every string; all of them at once, without delay."""

    def low(asset: str, limit: float) -> dict[str, Any]:
        return {
            "asset": asset,
            "tag": "Voltage",
            "class": "process",
            "limits": {"low": {"value": limit, "severity": 600}},
            "message": f"{asset} voltage is low",
            "advice": "Look at the mains.",
        }

    jars = {f"Low{i}": low("Jar", LOW if i < PER_FLEET else LOWER) for i in range(PER_SITE)}
    return jars | {"StringLow": low("String", LOW * 24)}


@contextmanager
def _plant(folder: Path, file: Path, sites: int) -> Iterator[int]:
    """The gateways of the fleet, each on a port of its own; the first."""
    port = free_run(sites)
    arguments = ["-m", "benchmarks.failingplant", str(file), str(port), str(folder)]
    with running(port + sites - 1, folder / "plant.log", arguments, {}):
        yield port


@contextmanager
def _server(folder: Path, file: Path, gateways: int) -> Iterator[tuple[Process, int]]:
    """A server that reads these gateways each second, and the port of its metrics."""
    (metrics,) = free_ports(1)
    with servers.voltkeep(
        folder,
        file,
        VOLTKEEP_ALARMS=str(folder / "alarms.yaml"),
        VOLTKEEP_SOURCE="modbus",
        VOLTKEEP_MODBUS_PORT=str(gateways),
        VOLTKEEP_MODBUS_SIMULATE="0",
        VOLTKEEP_METRICS_PORT=str(metrics),
    ) as process:
        yield process, metrics


def _trip(door: Door, metrics: int, act: Callable[[], None], due: int) -> Trip:
    with ExitStack() as stack:
        fast = [_enter(stack, door, requests.event_item()) for _ in range(FAST)]
        slow = _enter(stack, door, requests.event_item(SLOW_QUEUE), publishes=0)
        subscribing.listen(fast, SETTLE)
        for each in fast:
            each.forget()
        before, memory = _after_a_scan(metrics), door.process.memory()
        act()
        subscribing.listen(fast, _DOWN, lambda: all(each.changes >= due for each in fast))
        subscribing.listen(fast, _QUIET)
        after = _after_a_scan(metrics)
        told, overflowed = _late(slow)
        return Trip(
            min(each.changes for each in fast),
            max((late for each in fast for late in each.late), default=0) / 1e6,
            told,
            overflowed,
            after["scans"] - before["scans"],
            after["overruns"] - before["overruns"],
            door.process.memory(),
            door.process.memory() - memory,
        )


def _enter(stack: ExitStack, door: Door, item: bytes, publishes: int = PUBLISH_REQUESTS) -> Subscriber:
    made = Subscriber.enter(door, 100.0, [item], publishes)
    stack.callback(made.connection.close)
    return made


def _after_a_scan(metrics: int) -> dict[str, int]:
    """What /health says of scans, just after one: what changes now is read by the next as a whole."""

    def scan() -> dict[str, int]:
        with urllib.request.urlopen(f"http://{HOST}:{metrics}/health", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)["scan"]
            return found

    first = scan()
    while (now := scan())["scans"] == first["scans"]:
        time.sleep(0.01)
    return now


def _late(slow: Subscriber) -> tuple[int, bool]:
    """What a subscriber that has asked for nothing so far gets: events, and whether it is told of a loss."""
    told, overflowed = 0, False
    deadline = time.monotonic() + _DOWN
    connection = slow.connection
    sequence, more = 0, True
    while more and time.monotonic() < deadline:
        answer = connection.call(
            requests.publish(connection, slow.subscription, sequence), ua.PublishResponse
        )
        message = answer.Parameters.NotificationMessage
        sequence, more = message.SequenceNumber, answer.Parameters.MoreNotifications
        kinds = [
            event.EventFields[2].Value for part in message.NotificationData or () for event in part.Events
        ]
        overflowed |= _OVERFLOW in kinds
        told += sum(kind != _OVERFLOW for kind in kinds)
    return told, overflowed
