"""All that is measured on a running OPC UA server, the same way on ours and on the stock one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from benchmarks import general, polling, requests, subscribing
from benchmarks.general import Fleet
from benchmarks.login import Door
from benchmarks.subscribing import Watch
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

FLEET_URI: Final = "urn:voltkeep:fleet"
SETTLE: Final = 2.0  # s, what a start leaves to do
IDLE: Final = 3.0  # s
SECONDS: Final = 4.0  # that deliveries are watched
SIZES: Final = (1, 100, 1000, 10_000)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """What a server is asked: items of a subscriber by how many subscribers there are, and jars to browse."""

    items: dict[int, int]
    jars: int


def fleet_of(door: Door, index: TagIndex) -> Fleet:
    """The variables of a server."""
    with closing(door.enter()) as connection:
        namespace = requests.namespace(connection, FLEET_URI)
    return Fleet(index, namespace, [ua.NodeId(index.identifier(row), namespace) for row in range(index.size)])


def footprint(door: Door) -> dict[str, float]:
    """Memory, and what the server does by itself."""
    time.sleep(SETTLE)
    return {"memory": door.process.memory(), "idle": subscribing.idle_share(door.process, IDLE)}


def measure(door: Door, fleet: Fleet, load: Load, idle: float, say: Say) -> dict[str, float]:
    """Figures by the lines of the table."""
    say("  Read")
    doubles = fleet.nodes[: fleet.index.slice(AssetType.JAR, "RulConfidence").start]
    found = {f"read_{size}": polling.read_rate(door, doubles, size) for size in SIZES}
    found["read_all"] = polling.read_rate(door, fleet.nodes, 1000)
    if load.jars:
        say("  Browse")
        found |= _browsed(door, fleet, load.jars)
    say("  monitored items")
    created = fleet.nodes[: load.items[1]]
    found["create"] = subscribing.create_rate(door, created, polling.SECONDS)
    for count, items in load.items.items():
        say(f"  data changes to {count}")
        found |= _delivered(door, fleet.nodes[:items], count, idle)
    return found


def _browsed(door: Door, fleet: Fleet, jars: int) -> dict[str, float]:
    nodes = [fleet.node(jar.path) for jar in fleet.index.fleet.assets(AssetType.JAR)[:jars]]
    first, again = polling.browse_rates(door, nodes)
    return {"browse": first, "browse_again": again}


def _delivered(door: Door, nodes: Sequence[ua.NodeId], count: int, idle: float) -> dict[str, float]:
    one = subscribing.deliver(door, Watch(nodes), count, SECONDS, idle)
    return {
        f"changes_{count}": one.changes_per_cpu,
        f"share_{count}": one.share,
        f"seen_{count}": one.changes,
    }


def lateness(door: Door, nodes: Sequence[ua.NodeId], idle: float) -> dict[str, float]:
    """How late values reach ten subscribers that publish each 100 ms."""
    found = subscribing.deliver(door, Watch(nodes, 100.0), 10, 2 * SECONDS, idle)
    return {"p50": found.p50, "p99": found.p99}


def general_path(door: Door, fleet: Fleet, items: int, idle: float, say: Say) -> dict[str, float]:
    """What goes the general way, on either server."""
    say("  general path")
    texts = fleet.column(AssetType.JAR, "ReplacementQuarter")
    return {
        "read_text": polling.read_rate(door, texts, 1000),
        "queued": general.queued(door, fleet, items, SECONDS, idle),
        "strings": general.strings(door, fleet, items, SECONDS, idle),
    }
