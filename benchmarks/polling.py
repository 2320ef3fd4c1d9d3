"""Read and Browse: how much a server answers in a second of its CPU time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Final

from asyncua import ua

from benchmarks import requests
from benchmarks.client import Connection, Request
from benchmarks.process import Process

SECONDS: Final = 3.0
IN_FLIGHT: Final = 16
_BATCH: Final = 8 << 20  # bytes of requests that are numbered, and sealed, before they are sent
_MOST: Final = 4000
BROWSED: Final = 50  # nodes a request


def replay(connection: Connection, made: Sequence[Request], process: Process, seconds: float) -> float:
    """Send requests again and again, several in flight; how many are answered in a CPU second."""
    turn = itertools.cycle(made)
    for request in made:  # what a server remembers of a request, it may
        connection.finish(request)
    size = max(len(request.data) for request in made)
    count = min(max(_BATCH // size, IN_FLIGHT), _MOST)
    began, cpu, answered = time.monotonic(), process.cpu(), 0
    while time.monotonic() - began < seconds:
        _exchange(connection, [bytes(connection.numbered(next(turn))) for _ in range(count)])
        answered += count
    return answered / max(process.cpu() - cpu, 0.01)


def _exchange(connection: Connection, messages: list[bytes]) -> None:
    """Send messages that are made already, several in flight, until all are answered."""
    sent = IN_FLIGHT
    connection.socket.sendall(b"".join(messages[:sent]))
    left = len(messages)
    while left:
        done = sum(connection.heads(wait=True))
        left -= done
        connection.socket.sendall(b"".join(messages[sent : sent + done]))
        sent += done


def read_rate(
    process: Process,
    nodes: Sequence[ua.NodeId],
    size: int,
    connect: Callable[[int], Connection] = Connection,
) -> float:
    """Values a CPU second, of `nodes` in turn, `size` a request."""
    connection = connect(process.port)
    starts = range(0, max(1, min(len(nodes) - size + 1, 30 * size)), size)
    made = [requests.read(connection, nodes[at : at + size]) for at in starts]
    rate = replay(connection, made, process, SECONDS) * size
    connection.close()
    return rate


def browse_rates(process: Process, nodes: Sequence[ua.NodeId]) -> tuple[float, float]:
    """References a CPU second: on the first walk over `nodes`, and when they are browsed again."""
    connection = Connection(process.port)
    made = [requests.browse(connection, nodes[at : at + BROWSED]) for at in range(0, len(nodes), BROWSED)]
    cpu = process.cpu()
    for request in made:
        connection.finish(request)
    first = process.cpu() - cpu
    found = [_references(connection, request) for request in made]
    again = replay(connection, made, process, SECONDS) * sum(found) / len(found)
    connection.close()
    return sum(found) / max(first, 0.01), again


def _references(connection: Connection, request: Request) -> int:
    answer = connection.call(request, ua.BrowseResponse)
    return sum(len(result.References) for result in answer.Results)
