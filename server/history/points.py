"""Continuation points of HistoryRead (Part 4, 7.9): where the history of a node goes on.

A point belongs to a session and goes with it; it is good for one use, for the node and the terms that it was
given for, and for a while. A session has so many, and all sessions together have.
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
class Point:
    """Where a history goes on: `rest` is its reader's."""

    operation: Operation
    node: HistoryNode
    terms: Hashable
    rest: Any
    until: float  # on the clock of `Points` [s]


class Points:
    """Gives continuation points, and takes them back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._most = 0  # that there can be: sessions that ended took theirs along

    def keep(
        self, session: Session, operation: Operation, node: HistoryNode, terms: Hashable, rest: Any
    ) -> bytes:
        """Remember where a history goes on; Bad_NoContinuationPoints when there are too many."""
        self._expire(session)
        if len(session.history_points) >= MAX_POINTS or self._are_too_many():
            raise ServiceError(S.BadNoContinuationPoints)
        name = os.urandom(16)
        session.history_points[name] = Point(operation, node, terms, rest, self._clock() + LIFETIME)
        self._sessions.add(session)
        self._most += 1
        return name

    def take(self, session: Session, name: bytes) -> Point:
        """A point of the session, which has it no more; Bad_ContinuationPointInvalid where there is none."""
        found: Point | None = session.history_points.pop(name, None)
        if found is None:
            raise ServiceError(S.BadContinuationPointInvalid)
        self._most -= 1
        if found.until < self._clock():
            raise ServiceError(S.BadContinuationPointInvalid)
        return found

    def _expire(self, session: Session) -> None:
        """Forget the session's points that nobody came back for; the oldest are first."""
        points, now = session.history_points, self._clock()
        while points and points[oldest := next(iter(points))].until < now:
            del points[oldest]
            self._most -= 1

    def _are_too_many(self) -> bool:
        if self._most < MAX_ALL_POINTS:
            return False
        for session in self._sessions:
            self._expire(session)
        self._most = sum(len(session.history_points) for session in self._sessions)
        return self._most >= MAX_ALL_POINTS
