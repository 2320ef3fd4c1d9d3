"""The audit trail: who did what, when, from where, with which result (X4; Part 4, 6.5; Part 5, 6.4.3).

Whoever does something worth an entry calls `record` once, when its outcome is known. A flood of what is
alike is summed up (`auditthrottle`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from historian.audit import AuditRow
from server.protocol.wire import now_us
from server.security.auditthrottle import WINDOW, AuditThrottle

if TYPE_CHECKING:
    from asyncua import ua

    from server.protocol.dispatch import Call
    from server.protocol.sessions import Session
    from server.protocol.transport import Connection


@dataclass(frozen=True)
class AuditEntry:
    """One entry; `time` in µs since 1970, `kind` the ObjectIds identifier of its event type."""

    time: int
    kind: int
    action: str
    user: str
    peer: str
    session: str
    entry_id: str
    status: int
    target: str
    old: str
    new: str
    # Further fields of the event type by browse path, for its subscribers.
    fields: Mapping[tuple[str, ...], ua.Variant] = field(default_factory=dict)
    session_id: ua.NodeId | None = None
    channel: str = ""
    client: str = ""
    # Whether `user` is who they say: a refused log-in has a name too.
    known: bool = False
    repeats: int = 1
    event_id: bytes = field(default_factory=lambda: os.urandom(16))

    def row(self) -> AuditRow:
        """The entry as it is kept."""
        return AuditRow(
            self.time,
            self.kind,
            self.action,
            self.user,
            self.peer,
            self.session,
            self.entry_id,
            self.status,
            self.target,
            self.old,
            self.new,
            self.repeats,
            self.event_id,
        )


Sink = Callable[[AuditEntry], None]


class Audit:
    """Gathers entries, and hands each to whoever keeps or tells them."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []
        self._throttle = AuditThrottle()

    def record(
        self,
        kind: int,
        action: str,
        *,
        status: int = 0,
        call: Call | None = None,
        session: Session | None = None,
        connection: Connection | None = None,
        user: str | None = None,
        target: str = "",
        old: Any = None,
        new: Any = None,
        fields: Mapping[tuple[str, ...], ua.Variant] | None = None,
    ) -> None:
        """Take an entry.

        `kind` is the event type (`ua.ObjectIds.Audit...EventType`), `status` the StatusCode of the outcome.
        Session, connection and user are taken from `call` where it has them. Never give a secret here.
        """
        session = session or (call.session if call is not None else None)
        connection = connection or (call.connection if call is not None else None)
        connection = connection or (session.connection if session is not None else None)
        owner = session.user.name if session is not None else ""
        entry = AuditEntry(
            time=now_us(),
            kind=kind,
            action=action,
            user=_text(owner if user is None else user),
            peer=connection.peer if connection is not None else "",
            session=str(session.id.Identifier) if session is not None else "",
            entry_id=_text(call.header.audit_id if call is not None else None),
            status=status,
            target=_text(target),
            old=_text(old),
            new=_text(new),
            fields=fields or {},
            session_id=session.id if session is not None else None,
            channel=str(connection.channel.channel_id) if connection is not None else "",
            client=_text(session.client.ApplicationUri if session is not None else None),
            known=bool(owner) and user in (None, owner),
        )
        if self._throttle.admit(entry):
            self._give(entry)

    def flush(self, everything: bool = False) -> None:
        """Give the sums of what was only counted: of times that are over, or of all."""
        for entry in self._throttle.due(now_us() + (WINDOW if everything else 0)):
            self._give(entry)

    def _give(self, entry: AuditEntry) -> None:
        for sink in self.sinks:
            sink(entry)


_MOST_TEXT: Final = 1000


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:_MOST_TEXT]
