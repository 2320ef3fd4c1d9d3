"""Audit events (Part 5, 6.4.3): entries of the audit trail, for subscribers of the Server object.

They name users and what they did: only who has the role Admin is told. Everybody else can subscribe and
gets none.
"""

from __future__ import annotations

from typing import Final

from asyncua import ua

from server.events.event import FALSE, NULL, TRUE, Path, PlainEvent, date, node_id, string
from server.protocol.stack import APPLICATION_URI
from server.security.audit import AuditEntry
from server.security.users import Role
from server.services.monitoreditem import SERVER_NOTIFIER
from server.services.subscription import SubscriptionService
from server.subscriptions.listeners import Listeners

Ids = ua.ObjectIds

_NOTIFIERS: Final = frozenset({SERVER_NOTIFIER})
_SEVERITY, _SEVERITY_REFUSED = 100, 500
_BAD: Final = 0x8000_0000
_SOURCES: Final = {
    Ids.AuditChannelEventType: "SecureChannel/CloseSecureChannel",
    Ids.AuditOpenSecureChannelEventType: "SecureChannel/OpenSecureChannel",
    Ids.AuditSessionEventType: "Session/CloseSession",
    Ids.AuditCreateSessionEventType: "Session/CreateSession",
    Ids.AuditUrlMismatchEventType: "Session/CreateSession",
    Ids.AuditActivateSessionEventType: "Session/ActivateSession",
    Ids.AuditCancelEventType: "Session/Cancel",
    Ids.AuditCertificateEventType: "Security/Certificate",
    Ids.AuditCertificateDataMismatchEventType: "Security/Certificate",
    Ids.AuditCertificateExpiredEventType: "Security/Certificate",
    Ids.AuditCertificateInvalidEventType: "Security/Certificate",
    Ids.AuditCertificateUntrustedEventType: "Security/Certificate",
    Ids.AuditCertificateRevokedEventType: "Security/Certificate",
    Ids.AuditCertificateMismatchEventType: "Security/Certificate",
    Ids.AuditWriteUpdateEventType: "Attribute/Write",
    Ids.AuditHistoryUpdateEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryEventUpdateEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryValueUpdateEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryAnnotationUpdateEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryDeleteEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryRawModifyDeleteEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryAtTimeDeleteEventType: "Attribute/HistoryUpdate",
    Ids.AuditHistoryEventDeleteEventType: "Attribute/HistoryUpdate",
    Ids.AuditUpdateMethodEventType: "Attribute/Call",
}


class AuditEvents:
    """Tells audit entries to the administrators among the subscribers."""

    def __init__(self, subscriptions: SubscriptionService) -> None:
        self._subscriptions = subscriptions

    def tell(self, entry: AuditEntry) -> None:
        """Offer an entry to every subscription whose user is an administrator now."""
        told = [s for s in self._subscriptions.all.values() if s.user.may(Role.ADMIN)]
        if not told:
            return
        listeners = Listeners(item for each in told for item in each.items.events.values())
        if listeners:
            listeners.offer(audit_event(entry), _NOTIFIERS)


def audit_event(entry: AuditEntry) -> PlainEvent:
    """The event that tells of an entry; fields that its type does not have stay unused."""
    refused = bool(entry.status & _BAD)
    return PlainEvent(
        ua.NodeId(entry.kind),
        entry.time,
        _message(entry),
        _SEVERITY_REFUSED if refused else _SEVERITY,
        source=_SOURCES.get(entry.kind, ""),
        more={**_fields(entry, refused), **entry.fields},
        event_id=entry.event_id,
    )


def _fields(entry: AuditEntry, refused: bool) -> dict[Path, ua.Variant]:
    """What audit events of all types tell, and of those whose fields are in every entry."""
    return {
        ("ActionTimeStamp",): date(entry.time),
        ("Status",): FALSE if refused else TRUE,
        ("ServerId",): string(APPLICATION_URI),
        ("ClientAuditEntryId",): string(entry.entry_id),
        ("ClientUserId",): string(entry.user),
        ("ClientApplicationUri",): string(entry.client),
        ("StatusCodeId",): ua.Variant(ua.StatusCode(entry.status), ua.VariantType.StatusCode),
        ("SecureChannelId",): string(entry.channel),
        ("SessionId",): node_id(entry.session_id) if entry.session_id is not None else NULL,
        ("OldValue",): string(entry.old) if entry.old else NULL,
        ("NewValue",): string(entry.new) if entry.new else NULL,
    }


def _message(entry: AuditEntry) -> str:
    """For people: who did what on what, and why it was refused."""
    who = entry.user or "anonymous"
    what = f"{who} ({entry.peer}): {entry.action} {entry.target}".rstrip()
    often = f", {entry.repeats} times" if entry.repeats > 1 else ""
    return f"{what}: {ua.StatusCode(entry.status).name}{often}"
