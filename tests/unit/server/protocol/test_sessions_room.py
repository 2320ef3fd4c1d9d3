"""Who makes room when there are too many sessions, and how many one address or user may have."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asyncua import ua

from server.errors import ServiceError
from server.protocol.repeats import Repeats
from server.protocol.sessions import Session, Sessions
from server.protocol.transport import Connection
from server.security.users import ANONYMOUS, Role, User

S = ua.StatusCodes
OPERATOR = User("operator", Role.OPERATOR)


@dataclass(eq=False)
class _Peer:
    """As much of a connection as sessions need."""

    address: str
    closed: bool = False
    channel: Any = field(
        default_factory=lambda: SimpleNamespace(
            client_certificate=None, policy_uri="", mode=ua.MessageSecurityMode.None_
        )
    )

    def await_session(self) -> None:
        """Nothing waits here."""


def _peer(address: str) -> Connection:
    return cast(Connection, _Peer(address))


def _log_in(sessions: Sessions, peer: Connection, user: User = ANONYMOUS) -> Session:
    session = sessions.create(peer, ua.CreateSessionParameters())
    sessions.admit(session, user)
    session.become(user)
    session.activated = True
    return session


def _lose(sessions: Sessions, session: Session, when: float) -> Session:
    assert session.connection is not None
    sessions.detach(session.connection)
    session.lost = when
    return session


def _create(sessions: Sessions, address: str) -> Session:
    return sessions.create(_peer(address), ua.CreateSessionParameters())


def test_who_makes_room_comes_in_order() -> None:
    sessions = Sessions(5)
    named = _lose(sessions, _log_in(sessions, _peer("10.0.0.1"), OPERATOR), 1.0)
    later = _lose(sessions, _log_in(sessions, _peer("10.0.0.2")), 3.0)
    sooner = _lose(sessions, _log_in(sessions, _peer("10.0.0.3")), 2.0)
    here = _log_in(sessions, _peer("10.0.0.4"))
    idle = _create(sessions, "10.0.0.5")
    for gone in (idle, sooner, later, named):
        assert not gone.closed
        _log_in(sessions, _peer("10.0.0.6"))
        assert gone.closed
    assert sessions.counts.aborted == 3
    assert not here.closed
    with pytest.raises(ServiceError) as refused:
        _create(sessions, "10.0.0.7")
    assert refused.value.code == S.BadTooManySessions


def test_an_address_has_half_of_all_places() -> None:
    sessions = Sessions(40)
    peer = _peer("10.0.0.1")
    held = [_log_in(sessions, peer, User(f"user{i}", Role.VIEWER)) for i in range(20)]
    with pytest.raises(ServiceError) as refused:
        _create(sessions, "10.0.0.1")
    assert refused.value.code == S.BadTooManySessions
    _create(sessions, "10.0.0.2")
    sessions.close(held[0])
    idle = _create(sessions, "10.0.0.1")
    _create(sessions, "10.0.0.1")
    assert idle.closed  # it makes room among its own


def test_this_machine_may_have_all_places() -> None:
    sessions = Sessions(40)
    for i in range(40):
        _log_in(sessions, _peer("127.0.0.1"), User(f"user{i}", Role.VIEWER))


def test_a_user_has_half_of_all_places_and_others_come_in() -> None:
    sessions = Sessions(40)
    held = [_log_in(sessions, _peer(f"10.0.0.{i}")) for i in range(20)]
    late = _create(sessions, "10.0.1.1")
    with pytest.raises(ServiceError) as refused:
        sessions.admit(late, ANONYMOUS)
    assert refused.value.code == S.BadTooManySessions
    sessions.admit(late, OPERATOR)
    _lose(sessions, held[3], 1.0)
    sessions.admit(late, ANONYMOUS)
    assert held[3].closed


def test_few_sessions_are_nobodys_half() -> None:
    sessions = Sessions(4)
    for _ in range(4):
        _log_in(sessions, _peer("10.0.0.1"), OPERATOR)


# -- log lines


def test_a_line_is_written_once_in_a_span_and_says_how_often_it_was_not() -> None:
    now = 0.0
    repeats = Repeats(600.0, lambda: now)
    assert repeats.due("a") == 0
    assert [repeats.due("a") for _ in range(3)] == [None] * 3
    assert repeats.due("b") == 0
    now = 599.0
    assert repeats.due("a") is None
    now = 600.0
    assert repeats.due("a") == 4
    assert repeats.due("a") is None


def test_what_was_told_is_not_remembered_without_end() -> None:
    repeats = Repeats()
    for number in range(5000):
        assert repeats.due(number) == 0
    assert len(repeats._told) == 1000
    assert repeats.due(0) == 0
    assert repeats.due(4999) is None
