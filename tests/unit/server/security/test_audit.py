"""The audit trail's entries: what is told, what is only counted, and the events made of them."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua

from server.events.audit import audit_event
from server.protocol.stack import APPLICATION_URI
from server.security import audit as audit_module
from server.security.audit import Audit, AuditEntry
from server.security.auditthrottle import MOST_KINDS, TOLD, WINDOW

LOG_IN = int(ua.ObjectIds.AuditActivateSessionEventType)
WRITE = int(ua.ObjectIds.AuditWriteUpdateEventType)
DENIED = int(ua.StatusCodes.BadUserAccessDenied)


class Clock:
    """Time that a test sets [µs]."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(audit_module, "now_us", clock)
    return clock


@pytest.fixture
def told(clock: Clock) -> list[AuditEntry]:
    return []


@pytest.fixture
def audit(told: list[AuditEntry]) -> Audit:
    audit = Audit()
    audit.sinks.append(told.append)
    return audit


class Peer:
    """What `record` asks of a connection."""

    class channel:  # noqa: N801
        channel_id = 7

    def __init__(self, peer: str) -> None:
        self.peer = peer


class Someone:
    """What `record` asks of a session."""

    id = ua.NodeId("session-1", 1)
    connection = Peer("10.0.0.7:1")
    client = ua.ApplicationDescription()

    class user:  # noqa: N801
        name = "anna"


def guess(audit: Audit, peer: str = "10.0.0.9:4000", **fields: Any) -> None:
    fields = {"status": DENIED, "user": "admin", "target": "endpoint"} | fields
    audit.record(LOG_IN, "log in", connection=Peer(peer), **fields)  # type: ignore[arg-type]


def test_a_flood_of_refusals_is_told_a_few_times_and_then_counted(
    audit: Audit, told: list[AuditEntry], clock: Clock
) -> None:
    for number in range(5000):
        guess(audit, f"10.0.0.9:{number}", user=f"guess {number}")
    assert len(told) == TOLD
    audit.flush()
    assert len(told) == TOLD
    clock.now += WINDOW
    audit.flush()
    assert len(told) == TOLD + 1
    total = told[-1]
    assert (total.repeats, total.time, total.status) == (5000 - TOLD, clock.now, DENIED)
    assert (total.user, total.peer, total.target) == ("", "10.0.0.9:", "endpoint")
    assert total.event_id not in {entry.event_id for entry in told[:-1]}


def test_after_a_window_it_is_told_again(audit: Audit, told: list[AuditEntry], clock: Clock) -> None:
    for _ in range(2):
        for _ in range(TOLD):
            guess(audit)
        clock.now += WINDOW
        audit.flush()
    assert [entry.repeats for entry in told] == [1] * 2 * TOLD


def test_what_a_known_user_did_is_always_told(audit: Audit, told: list[AuditEntry]) -> None:
    for number in range(3 * TOLD):
        audit.record(WRITE, "write", session=Someone(), new=number)  # type: ignore[arg-type]
    assert [entry.new for entry in told] == [str(number) for number in range(3 * TOLD)]


def test_what_a_known_user_is_refused_is_counted(audit: Audit, told: list[AuditEntry]) -> None:
    for _ in range(3 * TOLD):
        audit.record(WRITE, "write", session=Someone(), status=DENIED)  # type: ignore[arg-type]
    assert len(told) == TOLD


def test_a_name_that_somebody_claims_is_not_a_known_user(audit: Audit, told: list[AuditEntry]) -> None:
    for number in range(3 * TOLD):
        guess(audit, status=0, user=f"guess {number}")
    assert len(told) == TOLD


def test_one_flood_hides_nobody_else(audit: Audit, told: list[AuditEntry]) -> None:
    for _ in range(3 * TOLD):
        guess(audit)
    guess(audit, "10.0.0.8:4000")
    audit.record(WRITE, "write", session=Someone())  # type: ignore[arg-type]
    assert [entry.peer for entry in told[TOLD:]] == ["10.0.0.8:4000", "10.0.0.7:1"]


def test_a_flood_from_many_hosts_takes_a_bounded_room(
    audit: Audit, told: list[AuditEntry], clock: Clock
) -> None:
    for number in range(3 * MOST_KINDS):
        guess(audit, f"10.{number >> 8}.{number & 255}.1:4000")
    assert len(audit._throttle._counts) <= MOST_KINDS + 1
    assert len(told) == MOST_KINDS + TOLD
    clock.now += WINDOW
    audit.flush()
    assert told[-1].repeats == 2 * MOST_KINDS - TOLD
    assert told[-1].peer == ""
    assert not audit._throttle._counts


def test_nothing_counted_is_lost_at_the_end(audit: Audit, told: list[AuditEntry]) -> None:
    for _ in range(TOLD + 3):
        guess(audit)
    audit.flush(everything=True)
    assert told[-1].repeats == 3


def test_long_texts_are_cut(audit: Audit, told: list[AuditEntry]) -> None:
    guess(audit, user="u" * 1_000_000, target="t" * 1_000_000, new="n" * 1_000_000)
    assert max(len(text) for text in (told[0].user, told[0].target, told[0].new)) == 1000


def test_an_entry_becomes_an_event_of_its_type(audit: Audit, told: list[AuditEntry]) -> None:
    node = ua.Variant(3, ua.VariantType.UInt32)
    audit.record(
        WRITE,
        "write",
        session=Someone(),  # type: ignore[arg-type]
        status=DENIED,
        target="Bangrak.Voltage",
        old=1.5,
        fields={("AttributeId",): node},
    )
    event = audit_event(told[0])
    expected = {
        "EventId": told[0].event_id,
        "EventType": ua.NodeId(WRITE),
        "SourceNode": ua.NodeId(ua.ObjectIds.Server),
        "SourceName": "Attribute/Write",
        "Severity": 500,
        "Status": False,
        "ServerId": APPLICATION_URI,
        "ClientUserId": "anna",
        "SecureChannelId": "7",
        "SessionId": ua.NodeId("session-1", 1),
        "OldValue": "1.5",
        "NewValue": None,
        "AttributeId": 3,
        "StatusCodeId": ua.StatusCode(DENIED),
    }
    assert {name: event.value((name,)).Value for name in expected} == expected
    message = event.value(("Message",)).Value.Text
    assert message == "anna (10.0.0.7:1): write Bangrak.Voltage: BadUserAccessDenied"
    assert event.value(("ActionTimeStamp",)) == event.value(("Time",))
