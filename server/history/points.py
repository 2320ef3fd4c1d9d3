"""Continuation points of HistoryRead (Part 4, 7.9; Part 11, 6.3): where the history of a node goes on.

A point belongs to a session and goes with it; it is good for one use, for the node and the terms that it was
given for, and for a while. A session has so many, and all sessions together have. Where a session needs more,
those of its earlier requests are freed.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from server.errors import ServiceError
from server.history.reading import HistoryNode, Operation
from server.protocol.sessions import Session

S = ua.StatusCodes

MAX_POINTS: Final = 1000  # of a session: one for each node of a request
MAX_ALL_POINTS: Final = 20_000
LIFETIME: Final = 600.0  # s


@dataclass(frozen=True, slots=True)
class Goal:
    """What a point goes on with: the operation, the node, and what was asked of it."""

    operation: Operation
    node: HistoryNode
    terms: Hashable


@dataclass(frozen=True, slots=True)
class _Point:
    goal: Goal
    rest: Any  # where it goes on, as its reader says
    request: int
    until: float  # on the clock of `Points` [s]


class Points:
    """Gives continuation points, and takes them back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._request = 0
        self._most = 0  # that there can be: sessions that ended took theirs along

    def begin(self) -> int:
        """The number of a request that will keep points."""
        self._request += 1
        return self._request

    def keep(self, session: Session, request: int, goal: Goal, rest: Any) -> bytes:
        """Remember where a history goes on; Bad_NoContinuationPoints when there are too many."""
        self._expire(session)
        points = session.history_points
        while len(points) >= MAX_POINTS or self._are_too_many():
            oldest = next(iter(points), None)
            if oldest is None or points[oldest].request == request:
                raise ServiceError(S.BadNoContinuationPoints)
            self._drop(session, oldest)
        name = os.urandom(16)
        points[name] = _Point(goal, rest, request, self._clock() + LIFETIME)
        self._sessions.add(session)
        self._most += 1
        return name

    def take(self, session: Session, name: bytes, goal: Goal | None = None) -> Any:
        """Where the history goes on; the session has the point no more, whatever comes of it.

        Bad_ContinuationPointInvalid where it has none such, or one for another `goal`.
        """
        found: _Point | None = session.history_points.get(name)
        if found is None:
            raise ServiceError(S.BadContinuationPointInvalid)
        self._drop(session, name)
        if found.until < self._clock() or goal not in (None, found.goal):
            raise ServiceError(S.BadContinuationPointInvalid)
        return found.rest

    def _drop(self, session: Session, name: bytes) -> None:
        del session.history_points[name]
        self._most -= 1

    def _expire(self, session: Session) -> None:
        """Forget the session's points that nobody came back for; the oldest are first."""
        points, now = session.history_points, self._clock()
        while points and points[oldest := next(iter(points))].until < now:
            self._drop(session, oldest)

    def _are_too_many(self) -> bool:
        if self._most < MAX_ALL_POINTS:
            return False
        for session in self._sessions:
            self._expire(session)
        self._most = sum(len(session.history_points) for session in self._sessions)
        return self._most >= MAX_ALL_POINTS
