"""All that is measured on a running OPC UA server, the same way on ours and on the stock one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from benchmarks import polling, requests, subscribing
from benchmarks.client import Connection
from benchmarks.process import Process
from benchmarks.securing import Identity, SecuredConnection
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

FLEET_URI: Final = "urn:voltkeep:fleet"
SETTLE: Final = 3.0  # s, what a start leaves to do
IDLE: Final = 5.0  # s
Say = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """How many items a subscriber has, and for how long deliveries are watched [s]."""

    items: int
    few_items: int  # with several subscribers
    jars: int  # to be browsed
    seconds: float = 6.0


def measure_secured(process: Process, index: TagIndex, identity: Identity, say: Say) -> dict[str, float]:
    """Read, signed and encrypted."""
    say("Read, signed and encrypted")

    def connect(port: int) -> Connection:
        return SecuredConnection(port, identity)

    with closing(connect(process.port)) as connection:
        namespace = requests.namespace(connection, FLEET_URI)
    stop = index.slice(AssetType.JAR, "RulConfidence").start
    nodes = [ua.NodeId(index.identifier(row), namespace) for row in range(stop)]
    sizes = (1, 100, 1000, 10_000)
    return {f"secured_{size}": polling.read_rate(process, nodes, size, connect) for size in sizes}


def measure(process: Process, index: TagIndex, load: Load, say: Say) -> dict[str, float]:
    """Figures by the lines of the table."""
    with closing(Connection(process.port)) as connection:
        namespace = requests.namespace(connection, FLEET_URI)
    nodes = [ua.NodeId(index.identifier(row), namespace) for row in range(index.size)]
    jars = [ua.NodeId(jar.path, namespace) for jar in index.fleet.assets(AssetType.JAR)[: load.jars]]
    time.sleep(SETTLE)
    found = {"memory": process.memory(), "idle": subscribing.idle_share(process, IDLE)}
    say("Read")
    doubles = nodes[: index.slice(AssetType.JAR, "RulConfidence").start]
    found |= {f"read_{size}": polling.read_rate(process, doubles, size) for size in (1, 100, 1000, 10_000)}
    found["read_all"] = polling.read_rate(process, nodes, 1000)
    say("Browse")
    found["browse"], found["browse_again"] = polling.browse_rates(process, jars)
    say("monitored items")
    found["create"] = subscribing.create_rate(process, nodes[: load.items], polling.SECONDS)
    return found | _deliveries(process, nodes, load, found["idle"], say)


def _deliveries(
    process: Process, nodes: list[ua.NodeId], load: Load, idle: float, say: Say
) -> dict[str, float]:
    say("data changes")
    seconds = load.seconds
    one = subscribing.deliver(process, nodes[: load.items], 1, 1000.0, seconds, idle)
    five = subscribing.deliver(process, nodes[: load.few_items], 5, 1000.0, seconds, idle)
    quick = subscribing.deliver(process, nodes[: load.few_items], 10, 100.0, 2 * seconds, idle)
    return {
        "changes_1": one.changes_per_cpu,
        "share_1": one.share,
        "changes_5": five.changes_per_cpu,
        "share_5": five.share,
        "changes_a_scan": one.changes,
        "p50": quick.p50,
        "p99": quick.p99,
    }
