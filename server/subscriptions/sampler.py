"""Samples the items that are polled, of all subscriptions in turn and a few milliseconds at a time.

Whoever asks for more samples than there is time for gets them later: it costs that subscription's items, not
those of others and not the scan.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict
from typing import Final

import structlog

from server.subscriptions.sampleditems import DataItem

log = structlog.get_logger(__name__)

_SLICE: Final = 0.003  # s of work
_REST: Final = 0.006  # s for everybody else after a slice that did not get to its end
_AT_ONCE: Final = 16  # samples of a subscription before it is another's turn
_NEVER: Final = float("inf")

_Queue = list[tuple[float, int, DataItem]]


class Sampler:
    """Items by when their next sample is due; `owner` is the id of a subscription."""

    def __init__(self) -> None:
        self._queues: OrderedDict[int, _Queue] = OrderedDict()
        self._tickets = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._at = _NEVER

    def add(self, owner: int, item: DataItem) -> None:
        """Sample an item from now on at its interval, until it is closed or added again."""
        due = asyncio.get_running_loop().time() + item.interval / 1000
        item.ticket = next(self._tickets)
        heapq.heappush(self._queues.setdefault(owner, []), (due, item.ticket, item))
        self._wake(due)

    def forget(self, owner: int) -> None:
        """Sample no item of a subscription any more."""
        self._queues.pop(owner, None)

    def _wake(self, at: float) -> None:
        if at >= self._at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._run)

    def _run(self) -> None:
        self._timer, self._at = None, _NEVER
        clock = asyncio.get_running_loop().time
        end = clock() + _SLICE
        idle = 0  # subscriptions in a row that had nothing to do
        while idle < len(self._queues):
            now = clock()
            if now > end:
                self._wake(now + _REST)
                return
            owner, queue = next(iter(self._queues.items()))
            self._queues.move_to_end(owner)
            idle = 0 if _turn(queue, now) else idle + 1
        self._tidy()

    def _tidy(self) -> None:
        for owner in [owner for owner, queue in self._queues.items() if not queue]:
            del self._queues[owner]
        if self._queues:
            self._wake(min(queue[0][0] for queue in self._queues.values()))


def _turn(queue: _Queue, now: float) -> bool:
    """Sample some of what is due; whether there was anything."""
    for done in range(_AT_ONCE):
        if not queue or queue[0][0] > now:
            return done > 0
        due, ticket, item = queue[0]
        if item.closed or item.ticket != ticket:
            heapq.heappop(queue)
            continue
        _sample(item)
        period = item.interval / 1000
        # Samples that were missed are skipped, not caught up.
        again = due + period if due + period > now else now + period
        heapq.heapreplace(queue, (again, ticket, item))
    return True


def _sample(item: DataItem) -> None:
    try:
        item.sample()
    except Exception:  # a value that cannot be told must not end the sampling of the others
        log.exception("item cannot be sampled", item=item.id)
