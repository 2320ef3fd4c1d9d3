"""Continuation points of HistoryRead: whose they are, how many, and for how long (Part 4, 7.9)."""

from __future__ import annotations

from typing import Any, cast

import pytest
from asyncua import ua

from server.errors import ServiceError
from server.history import points as module
from server.history.points import Goal, Points
from server.history.reading import HistoryNode, NodeKind, Operation
from server.protocol.sessions import Session

S = ua.StatusCodes


class _Session:
    """What `Points` need of a session."""

    def __init__(self) -> None:
        self.history_points: dict[bytes, Any] = {}


class Clock:
    """Moved by hand [s]."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def points(clock: Clock) -> Points:
    return Points(clock)


def session() -> Session:
    return cast(Session, _Session())


def goal(row: int = 1, terms: Any = "all") -> Goal:
    node = HistoryNode(ua.NodeId(row, 2), NodeKind.VARIABLE, row)
    return Goal(Operation.RAW, node, terms)


def refusal(call: Any, *arguments: Any) -> int:
    with pytest.raises(ServiceError) as refused:
        call(*arguments)
    return refused.value.code


def test_a_point_is_good_for_one_use_in_its_session(points: Points) -> None:
    mine, other = session(), session()
    name = points.keep(mine, points.begin(), goal(), 42)
    assert refusal(points.take, other, name, goal()) == S.BadContinuationPointInvalid
    assert points.take(mine, name, goal()) == 42
    assert refusal(points.take, mine, name, goal()) == S.BadContinuationPointInvalid


@pytest.mark.parametrize("other", [goal(2), goal(terms="some")])
def test_a_point_for_something_else_is_refused_and_gone(points: Points, other: Goal) -> None:
    mine = session()
    name = points.keep(mine, points.begin(), goal(), 42)
    assert refusal(points.take, mine, name, other) == S.BadContinuationPointInvalid
    assert refusal(points.take, mine, name, goal()) == S.BadContinuationPointInvalid


def test_whatever_it_is_for_a_point_can_be_released(points: Points) -> None:
    mine = session()
    assert points.take(mine, points.keep(mine, points.begin(), goal(), 42)) == 42
    assert not mine.history_points


def test_a_point_expires(points: Points, clock: Clock) -> None:
    mine = session()
    first, second = (points.keep(mine, points.begin(), goal(), i) for i in range(2))
    clock.now += module.LIFETIME
    assert points.take(mine, first, goal()) == 0
    clock.now += 1
    assert refusal(points.take, mine, second, goal()) == S.BadContinuationPointInvalid


def test_points_that_expired_are_forgotten_when_there_are_new_ones(points: Points, clock: Clock) -> None:
    mine = session()
    for _ in range(10):
        points.keep(mine, points.begin(), goal(), None)
    clock.now += module.LIFETIME + 1
    points.keep(mine, points.begin(), goal(), None)
    assert len(mine.history_points) == 1


def test_those_of_earlier_requests_make_room_not_those_of_this_one(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_POINTS", 3)
    mine = session()
    old = [points.keep(mine, points.begin(), goal(), i) for i in range(3)]
    request = points.begin()
    new = [points.keep(mine, request, goal(), i) for i in range(3)]
    assert refusal(points.keep, mine, request, goal(), 4) == S.BadNoContinuationPoints
    assert refusal(points.take, mine, old[-1]) == S.BadContinuationPointInvalid
    assert [points.take(mine, name) for name in new] == [0, 1, 2]


def test_all_sessions_together_have_so_many(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ALL_POINTS", 4)
    one, other, late = session(), session(), session()
    for each in (one, other):
        request = points.begin()
        for i in range(2):
            points.keep(each, request, goal(), i)
    assert refusal(points.keep, late, points.begin(), goal(), 0) == S.BadNoContinuationPoints
    points.keep(one, points.begin(), goal(), 2)  # in the place of one that it had
    one.history_points.clear()  # as when a session is closed
    request = points.begin()
    for i in range(2):
        points.keep(late, request, goal(), i)
    assert refusal(points.keep, late, request, goal(), 2) == S.BadNoContinuationPoints


def test_sessions_that_are_gone_keep_nothing(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ALL_POINTS", 4)
    for _ in range(20):
        points.keep(session(), points.begin(), goal(), None)
