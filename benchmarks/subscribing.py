"""Monitored items and data changes: what a server creates and delivers, and how late."""

from __future__ import annotations

import selectors
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from asyncua import ua

from benchmarks import requests
from benchmarks.client import Connection
from benchmarks.process import Process

BATCH: Final = 1000  # items a request
PUBLISH_REQUESTS: Final = 5
SETTLE: Final = 3.0  # s until the first values have been delivered
_MS: Final = 1000.0


@dataclass(frozen=True)
class Delivery:
    """Data changes a second of time and of CPU, the share of a core [%] that they took, lateness [ms]."""

    changes: float
    changes_per_cpu: float
    share: float
    p50: float
    p99: float


def idle_share(process: Process, seconds: float) -> float:
    """Share of a core [%] that a server takes by itself, while nobody asks anything."""
    cpu, began = process.cpu(), time.monotonic()
    time.sleep(seconds)
    return 100 * (process.cpu() - cpu) / (time.monotonic() - began)


def create_rate(process: Process, nodes: Sequence[ua.NodeId], seconds: float) -> float:
    """Monitored items created a CPU second; the subscription is new for each round over `nodes`."""
    items = requests.monitored_items(nodes, BATCH)
    cpu, made = 0.0, 0
    with closing(Connection(process.port)) as connection:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            subscription = requests.create_subscription(connection, 10_000.0)
            batches = [requests.create_items(connection, subscription, batch) for batch in items]
            before = process.cpu()
            for batch in batches:
                connection.finish(batch)
            cpu += process.cpu() - before
            made += len(nodes)
            connection.finish(requests.delete_subscription(connection, subscription))
    return made / max(cpu, 0.01)


@dataclass
class _Subscriber:
    """One client with one subscription; `late` [µs] is how old values were on arrival."""

    connection: Connection
    subscription: int
    changes: int = 0
    late: list[int] = field(default_factory=list)
    _source_time: int = 0

    def ask(self, sequence: int = 0) -> None:
        self.connection.send(requests.publish(self.connection, self.subscription, sequence))

    def take(self) -> None:
        """Count what has arrived and ask for more."""
        for head, final in self.connection.notifications():
            if head is not None:
                self.changes += head.changes
                self._source_time = head.source_time
                self.ask(head.sequence)
            if final and self._source_time:
                self.late.append(time.time_ns() // 1000 - self._source_time)
                self._source_time = 0


@contextmanager
def _subscribed(
    process: Process, nodes: Sequence[ua.NodeId], count: int, interval: float
) -> Iterator[list[_Subscriber]]:
    """`count` clients, each with a subscription to all nodes."""
    items = requests.monitored_items(nodes, BATCH)
    subscribers = []
    try:
        for _ in range(count):
            connection = Connection(process.port)
            subscription = requests.create_subscription(connection, interval)
            subscriber = _Subscriber(connection, subscription)
            subscribers.append(subscriber)
            for batch in items:
                connection.finish(requests.create_items(connection, subscription, batch))
            for _ in range(PUBLISH_REQUESTS):
                subscriber.ask()
        yield subscribers
    finally:
        for subscriber in subscribers:
            subscriber.connection.close()


def deliver(
    process: Process, nodes: Sequence[ua.NodeId], count: int, interval: float, seconds: float, idle: float
) -> Delivery:
    """Deliver the changes of all `nodes` to `count` subscribers; `idle` [%] is not counted as theirs."""
    with _subscribed(process, nodes, count, interval) as subscribers, selectors.DefaultSelector() as selector:
        for subscriber in subscribers:
            selector.register(subscriber.connection.socket, selectors.EVENT_READ, subscriber)
        _listen(selector, SETTLE)
        for subscriber in subscribers:
            subscriber.changes = 0
            subscriber.late.clear()
        cpu, began = process.cpu(), time.monotonic()
        _listen(selector, seconds)
        took, used = time.monotonic() - began, process.cpu() - cpu
    changes = sum(subscriber.changes for subscriber in subscribers)
    late = [late / _MS for subscriber in subscribers for late in subscriber.late]
    for_them = max(used - idle / 100 * took, 0.01)
    p50, p99 = np.percentile(late or [np.nan], (50, 99))
    return Delivery(changes / took, changes / for_them, 100 * used / took, float(p50), float(p99))


def _listen(selector: selectors.BaseSelector, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.take()
