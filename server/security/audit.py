"""The audit trail: who did what, when, from where, with which result (X4; Part 4, 6.5; Part 5, 6.4.3).

Whoever does something worth an entry calls `record` once, when its outcome is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from server.protocol.wire import now_us

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


Sink = Callable[[AuditEntry], None]


class Audit:
    """Gathers entries, and hands each to whoever keeps or tells them."""

    def __init__(self) -> None:
        self.sinks: list[Sink] = []

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
        entry = AuditEntry(
            time=now_us(),
            kind=kind,
            action=action,
            user=user if user is not None else (session.user.name if session is not None else ""),
            peer=connection.peer if connection is not None else "",
            session=str(session.id.Identifier) if session is not None else "",
            entry_id=(call.header.audit_id or "") if call is not None else "",
            status=status,
            target=target,
            old=_text(old),
            new=_text(new),
            fields=fields or {},
        )
        for sink in self.sinks:
            sink(entry)


_MOST_TEXT: Final = 1000


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:_MOST_TEXT]
