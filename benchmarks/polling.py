"""Read and Browse: how much a server answers in a second of its CPU time."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from asyncua import ua

from benchmarks import requests
from benchmarks.client import Connection, Request
from benchmarks.login import Door

SECONDS: Final = 1.5
IN_FLIGHT: Final = 16
BROWSED: Final = 50  # nodes a request
WARM: Final = 40  # different requests that are sent again and again
AHEAD: Final = 8 << 20  # bytes of requests that are sealed before their answers are measured
MOST_AHEAD: Final = 2000


def replay(connection: Connection, made: Sequence[Request], door: Door) -> float:
    """Send requests again and again, several in flight; how many are answered in a CPU second."""
    made = made[:WARM]
    for request in made:  # what a server remembers of a request, it may
        connection.finish(request)
    turn = itertools.cycle(made)
    most = min(MOST_AHEAD, max(IN_FLIGHT, AHEAD // max(request.size for request in made)))
    took, used, answered, count = 0.0, 0.0, 0, 4
    while took < SECONDS:
        ready = [connection.sealed(next(turn)) for _ in range(count)]
        cpu, began = door.process.cpu(), time.monotonic()
        connection.flow(ready, IN_FLIGHT)
        took += time.monotonic() - began
        used += door.process.cpu() - cpu
        answered += count
        count = max(1, min(most, int(answered / took * (SECONDS - took))))  # of a slow server fewer are asked
    return answered / used


def read_rate(door: Door, nodes: Sequence[ua.NodeId], size: int) -> float:
    """Values a CPU second, of `nodes` in turn, `size` a request; the first answer is looked at."""
    size = min(size, len(nodes))
    with closing(door.enter()) as connection:
        starts = range(0, max(1, min(len(nodes) - size + 1, 30 * size)), size)
        made = [requests.read(connection, nodes[at : at + size]) for at in starts]
        found = connection.call(made[0], ua.ReadResponse).Results
        if len(found) != size or sum(value.StatusCode.is_good() for value in found) < 0.9 * size:
            raise RuntimeError("a Read was not answered as it should be")
        return replay(connection, made, door) * size


def browse_rates(door: Door, nodes: Sequence[ua.NodeId]) -> tuple[float, float]:
    """References a CPU second: on the first walk over `nodes`, and when they are browsed again."""
    with closing(door.enter()) as connection:
        made = [requests.browse(connection, nodes[at : at + BROWSED]) for at in range(0, len(nodes), BROWSED)]
        cpu = door.process.cpu()
        for request in made:
            connection.finish(request)
        first = door.process.cpu() - cpu
        found = statistics.mean(_references(connection, request) for request in made[:4])
        return found * len(made) / max(first, 1e-6), replay(connection, made, door) * found


def _references(connection: Connection, request: Request) -> int:
    answer = connection.call(request, ua.BrowseResponse)
    return sum(len(result.References) for result in answer.Results)
