"""The general path: items with queues, strings and events; and what the fast path does beside it.

Alarms come from scenarios (five sites get hot at once), and after that from ConditionRefresh, which sends all
of them again as often as it is called; what seldom changes is sent again by ResendData.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
from asyncua import ua

from benchmarks import requests, subscribing
from benchmarks.client import Connection
from benchmarks.login import Door
from benchmarks.subscribing import SETTLE, Subscriber, Watch
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

QUEUE: Final = 10
LISTENERS: Final = 5
HOT_SITES: Final = 5  # scenarios at once (S4)
BUSY_ITEMS: Final = 2000
RISE: Final = 18.0  # K: over the limit of TemperatureHigh, within what a sensor can read
_REFRESH: Final = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
_RESEND: Final = ua.NodeId(ua.ObjectIds.Server_ResendData)
_SERVER: Final = ua.NodeId(ua.ObjectIds.Server)
_CONDITION: Final = ua.NodeId(ua.ObjectIds.ConditionType)


@dataclass(frozen=True)
class Fleet:
    """The variables of a server: all of them, and where they are."""

    index: TagIndex
    namespace: int
    nodes: Sequence[ua.NodeId]

    def column(self, asset: AssetType, tag: str) -> list[ua.NodeId]:
        """The variables of a tag."""
        return list(self.nodes[self.index.slice(asset, tag)])

    def node(self, identifier: str) -> ua.NodeId:
        """A node of the fleet."""
        return ua.NodeId(identifier, self.namespace)


def queued(door: Door, fleet: Fleet, items: int, seconds: float, idle: float) -> float:
    """Changes a CPU second of items with a queue, to one subscriber."""
    watch = Watch(fleet.column(AssetType.JAR, "Voltage")[:items], queue=QUEUE)
    return subscribing.deliver(door, watch, 1, seconds, idle).changes_per_cpu


def strings(door: Door, fleet: Fleet, items: int, seconds: float, idle: float) -> float:
    """Changes a CPU second of String variables, each watched by many items of one subscriber.

    They change seldom: ResendData has all of them sent again and again, by a server that knows it.
    """
    nodes = fleet.column(AssetType.STRING, "WeakestJar")
    watch = Watch((nodes * math.ceil(items / len(nodes)))[:items], 100.0)
    with subscribing.subscribed(door, watch, 1) as subscribers:
        subscribing.listen(subscribers, SETTLE)
        again = _Again(subscribers, items, _SERVER, _RESEND)
        cpu, began = door.process.cpu(), time.monotonic()
        subscribing.listen(subscribers, seconds, again.go_on)
        used = door.process.cpu() - cpu - idle / 100 * (time.monotonic() - began)
        return subscribers[0].changes / max(used, 1e-3)


def events(door: Door, fleet: Fleet, seconds: float) -> dict[str, float]:
    """A burst of alarms to some listeners, and events a CPU second when they are sent again and again."""
    with _listening(door) as listeners, _hot(door, fleet, listeners) as (alarms, took):
        refreshes = _Again(listeners, alarms + 2, _CONDITION, _REFRESH)  # RefreshStart and -End
        cpu = door.process.cpu()
        subscribing.listen(listeners, seconds, refreshes.go_on)
        used = door.process.cpu() - cpu
        sent = sum(listener.changes for listener in listeners)
        return {"alarms": alarms, "alarms_s": took, "events": sent / used}


def beside(busy: Door, door: Door, fleet: Fleet, seconds: float) -> dict[str, float]:
    """The fast path alone, and while clients at the door `busy` use the general one."""
    watch = Watch(fleet.nodes, 100.0)
    with subscribing.subscribed(door, watch, LISTENERS) as quick, closing(door.enter()) as connection:
        reader = Subscriber(connection, 0)
        subscribing.listen(quick, SETTLE)
        alone = _watched(quick, reader, fleet, seconds, [], _never)
        queues = Watch(fleet.column(AssetType.JAR, "Voltage")[:BUSY_ITEMS], 100.0, QUEUE)
        with (
            _listening(busy) as listeners,
            subscribing.subscribed(busy, queues, LISTENERS) as slow,
            _hot(busy, fleet, [*listeners, *slow, *quick]) as (alarms, _),
        ):
            refreshes = _Again(listeners, alarms + 2, _CONDITION, _REFRESH)  # RefreshStart and -End
            loaded = _watched(quick, reader, fleet, seconds, [*listeners, *slow], refreshes.go_on)
            loaded["general"] = sum(each.changes for each in [*listeners, *slow]) / seconds
    return {f"alone_{key}": value for key, value in alone.items()} | {
        f"beside_{key}": value for key, value in loaded.items()
    }


def _watched(
    quick: Sequence[Subscriber],
    reader: Subscriber,
    fleet: Fleet,
    seconds: float,
    others: Sequence[Subscriber],
    go_on: Callable[[], bool],
) -> dict[str, float]:
    """What subscribers, and a client that reads one value again and again, see in some seconds."""
    request = requests.read(reader.connection, fleet.nodes[:1])
    trips: list[float] = []
    sent = time.monotonic()

    def again() -> None:
        nonlocal sent
        now = time.monotonic()
        trips.append(1000 * (now - sent))
        if now < until:
            sent = now
            reader.connection.send(request)

    for each in [*quick, *others]:
        each.forget()
    until = sent + seconds
    reader.answered = again
    reader.connection.send(request)
    subscribing.listen([*quick, *others, reader], seconds, go_on)
    subscribing.listen([*quick, *others, reader], 0.5)
    p50, p99 = subscribing.lateness(quick)
    trip50, trip99 = np.percentile(trips, (50, 99))
    changes = sum(each.changes for each in quick) / (seconds + 0.5)
    return {"p50": p50, "p99": p99, "changes": changes, "trip_p50": float(trip50), "trip_p99": float(trip99)}


def _never() -> bool:
    return False


class _Again:
    """Has every listener sent everything again by a method, as soon as it has had it the time before."""

    def __init__(
        self, listeners: Sequence[Subscriber], count: int, owner: ua.NodeId, method: ua.NodeId
    ) -> None:
        self._listeners = listeners
        self._count = count
        self._owner, self._method = owner, method
        self._wanted = [0] * len(listeners)
        for listener in listeners:
            listener.forget()

    def go_on(self) -> bool:
        """Ask for more where it is time; never enough."""
        for i, listener in enumerate(self._listeners):
            if listener.changes >= self._wanted[i]:
                self._wanted[i] = listener.changes + self._count
                number = ua.Variant(listener.subscription, ua.VariantType.UInt32)
                call = requests.call(listener.connection, self._owner, self._method, number)
                listener.connection.send(call)
        return False


@contextmanager
def _listening(door: Door) -> Iterator[list[Subscriber]]:
    """Clients that are told of every event."""
    with ExitStack() as stack:
        listeners = []
        for _ in range(LISTENERS):
            listener = Subscriber.enter(door, 100.0, [requests.event_item()])
            stack.callback(listener.connection.close)
            listeners.append(listener)
        yield listeners


@contextmanager
def _hot(door: Door, fleet: Fleet, all_of_them: Sequence[Subscriber]) -> Iterator[tuple[int, float]]:
    """Make some sites hot: how many alarms every listener got, and how long after their scan the last [s]."""
    listeners = all_of_them[:LISTENERS]
    sites = fleet.index.fleet.sites[:HOT_SITES]
    jars = fleet.index.fleet.jars_of_site(len(sites) - 1).stop
    with closing(door.enter()) as connection:
        for listener in listeners:
            listener.forget()
        started = [_start(connection, fleet, site.path) for site in sites]
        subscribing.listen(all_of_them, 20.0, lambda: all(each.changes >= jars for each in listeners))
        subscribing.listen(all_of_them, 1.5)
        took = max(late for each in listeners for late in each.late) / 1e6
        yield min(each.changes for each in listeners), took
        for simulation in started:
            _call(connection, fleet, "Stop", ua.Variant(simulation, ua.VariantType.String))
        subscribing.listen(all_of_them, 2.0)


def _start(connection: Connection, fleet: Fleet, site: str) -> str:
    text, number = ua.VariantType.String, ua.VariantType.Double
    outputs = _call(
        connection,
        fleet,
        "Start",
        ua.Variant("TemperatureSpike", text),
        ua.Variant(site, text),
        ua.Variant(0.0, number),
        ua.Variant(["Rise"], text),
        ua.Variant([RISE], number),
    )
    return str(outputs[0].Value)


def _call(connection: Connection, fleet: Fleet, method: str, *arguments: ua.Variant) -> list[ua.Variant]:
    owner, node = fleet.node("Simulation"), fleet.node(f"Simulation.{method}")
    request = requests.call(connection, owner, node, *arguments)
    (result,) = connection.call(request, ua.CallResponse).Results
    if not result.StatusCode.is_good():
        raise RuntimeError(f"{method} was refused: {result.StatusCode.name}")
    return list(result.OutputArguments)
