"""Monitored items and data changes: what a server creates and delivers, and how late."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from asyncua import ua

from benchmarks import requests
from benchmarks.client import Connection
from benchmarks.login import Door
from benchmarks.process import Process

BATCH: Final = 1000  # items a request
PUBLISH_REQUESTS: Final = 5
SETTLE: Final = 2.0  # s until the first values have been delivered
_MS: Final = 1000.0


@dataclass(frozen=True)
class Delivery:
    """Data changes a second of time and of CPU, the share of a core [%] that they took, lateness [ms]."""

    changes: float
    changes_per_cpu: float
    share: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Watch:
    """What each subscriber watches, at which publishing interval [ms], with queues of which size."""

    nodes: Sequence[ua.NodeId]
    interval: float = 1000.0
    queue: int = 1


def idle_share(process: Process, seconds: float) -> float:
    """Share of a core [%] that a server takes by itself, while nobody asks anything."""
    cpu, began = process.cpu(), time.monotonic()
    time.sleep(seconds)
    return 100 * (process.cpu() - cpu) / (time.monotonic() - began)


def create_rate(door: Door, nodes: Sequence[ua.NodeId], seconds: float) -> float:
    """Monitored items created a CPU second; the subscription is new for each round over `nodes`."""
    items = requests.monitored_items(nodes, BATCH)
    used, took, made = 0.0, 0.0, 0
    with closing(door.enter()) as connection:
        while took < seconds:
            subscription = requests.create_subscription(connection, 10_000.0)
            ready = [
                connection.sealed(requests.create_items(connection, subscription, batch)) for batch in items
            ]
            cpu, began = door.process.cpu(), time.monotonic()
            connection.flow(ready, 1)
            took += time.monotonic() - began
            used += door.process.cpu() - cpu
            made += len(nodes)
            connection.finish(requests.delete_subscription(connection, subscription))
    return made / used


@dataclass
class Subscriber:
    """One client with one subscription; `late` [µs] is how old values were on arrival."""

    connection: Connection
    subscription: int
    changes: int = 0
    late: list[int] = field(default_factory=list)
    answered: Callable[[], None] = lambda: None  # something else than a notification has come
    _source_time: int = 0

    @classmethod
    def enter(
        cls, door: Door, interval: float, items: Sequence[bytes], publishes: int = PUBLISH_REQUESTS
    ) -> Subscriber:
        """A new client with items that `requests` has encoded; it has so many Publish requests under way."""
        connection = door.enter()
        subscription = requests.create_subscription(connection, interval)
        for batch in items:
            connection.finish(requests.create_items(connection, subscription, batch))
        made = cls(connection, subscription)
        for _ in range(publishes):
            made.ask()
        return made

    def ask(self, sequence: int = 0) -> None:
        """Send a Publish request that acknowledges a notification."""
        self.connection.send(requests.publish(self.connection, self.subscription, sequence))

    def take(self) -> None:
        """Count what has arrived and ask for more."""
        for head, final in self.connection.notifications():
            if head is not None and not head.subscription:
                self.answered()
            elif head is not None:
                self.changes += head.changes
                self._source_time = head.source_time
                self.ask(head.sequence)
            if final and self._source_time:
                self.late.append(time.time_ns() // 1000 - self._source_time)
                self._source_time = 0

    def forget(self) -> None:
        """Count from now on."""
        self.changes = 0
        self.late.clear()


@contextmanager
def subscribed(door: Door, watch: Watch, count: int) -> Iterator[list[Subscriber]]:
    """`count` clients that watch the same."""
    items = requests.monitored_items(watch.nodes, BATCH, watch.queue)
    with ExitStack() as stack:
        subscribers = []
        for _ in range(count):
            subscriber = Subscriber.enter(door, watch.interval, items)
            stack.callback(subscriber.connection.close)
            subscribers.append(subscriber)
        yield subscribers


def deliver(door: Door, watch: Watch, count: int, seconds: float, idle: float) -> Delivery:
    """Deliver to `count` subscribers; `idle` [%] is not counted as theirs."""
    with subscribed(door, watch, count) as subscribers:
        listen(subscribers, SETTLE)
        for subscriber in subscribers:
            subscriber.forget()
        cpu, began = door.process.cpu(), time.monotonic()
        listen(subscribers, seconds)
        took, used = time.monotonic() - began, door.process.cpu() - cpu
    changes = sum(subscriber.changes for subscriber in subscribers)
    for_them = max(used - idle / 100 * took, 1e-3)
    p50, p99 = lateness(subscribers)
    return Delivery(changes / took, changes / for_them, 100 * used / took, p50, p99)


def lateness(subscribers: Sequence[Subscriber]) -> tuple[float, float]:
    """Median and 99th percentile of how late values came [ms]."""
    late = [late / _MS for subscriber in subscribers for late in subscriber.late]
    p50, p99 = np.percentile(late or [np.nan], (50, 99))
    return float(p50), float(p99)


def listen(
    subscribers: Sequence[Subscriber], seconds: float, enough: Callable[[], bool] = lambda: False
) -> None:
    """Take what arrives for some time, or until there is `enough`."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for subscriber in subscribers:
            selector.register(subscriber.connection.socket, selectors.EVENT_READ, subscriber)
        while (left := deadline - time.monotonic()) > 0 and not enough():
            for key, _ in selector.select(left):
                key.data.take()
