"""What diagnostics tell (Part 5, 6.3.3, 12.9 to 12.15): counters of server, sessions and subscriptions.

Whoever does the counted thing increments a plain integer; structures are made when somebody looks.
"""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Final

from asyncua import ua

from server.protocol.dispatch import Dispatcher
from server.protocol.sessions import Session, Sessions
from server.protocol.stack import nodeid_to_binary
from server.protocol.wire import I32, now_us, string, ticks
from server.services.subscription import SubscriptionService
from server.subscriptions.subscription import Subscription

Ids = ua.ObjectIds

_TRANSPORT: Final = "opc.tcp"
_ENCODING: Final = "UA Binary"
_MOST: Final = 0xFFFF_FFFF
# Counters of SessionDiagnosticsDataType, by the request that they count.
_SERVICES: Final = {
    field.name: int(getattr(Ids, f"{field.name.removesuffix('Count')}Request_Encoding_DefaultBinary"))
    for field in fields(ua.SessionDiagnosticsDataType)
    if "ServiceCounter" in str(field.type) and field.name != "TotalRequestCount"
}
_SECURITY: Final = ua.NodeId(Ids.SessionSecurityDiagnosticsDataType_Encoding_DefaultBinary)


class Diagnostics:
    """Reads the counters."""

    def __init__(
        self, sessions: Sessions, dispatcher: Dispatcher, subscriptions: SubscriptionService
    ) -> None:
        self._sessions = sessions
        self._dispatcher = dispatcher
        self._subscriptions = subscriptions
        self.enabled = True

    def sessions(self) -> list[Session]:
        """All activated sessions, in the order of their creation; none while diagnostics are off."""
        return [s for s in self._sessions.by_token.values() if s.activated] if self.enabled else []

    def subscriptions(self) -> list[Subscription]:
        """All subscriptions."""
        return list(self._subscriptions.all.values())

    def summary(self) -> ua.ServerDiagnosticsSummaryDataType:
        """The server as a whole."""
        counts, subscriptions = self._sessions.counts, self.subscriptions()
        return ua.ServerDiagnosticsSummaryDataType(
            ServerViewCount=0,
            CurrentSessionCount=sum(s.activated for s in self._sessions.by_token.values()),
            CumulatedSessionCount=counts.created,
            SecurityRejectedSessionCount=counts.security_rejected,
            RejectedSessionCount=counts.rejected,
            SessionTimeoutCount=counts.timed_out,
            SessionAbortCount=counts.aborted,
            CurrentSubscriptionCount=len(subscriptions),
            CumulatedSubscriptionCount=self._subscriptions.created,
            PublishingIntervalCount=len({s.terms.interval for s in subscriptions}),
            SecurityRejectedRequestsCount=self._dispatcher.security_rejected,
            RejectedRequestsCount=self._dispatcher.rejected,
        )

    def session(self, session: Session) -> ua.SessionDiagnosticsDataType:
        """One session."""
        found = ua.SessionDiagnosticsDataType(
            SessionId=session.id,
            SessionName=session.name,
            ClientDescription=session.client,
            ServerUri=session.server_uri,
            EndpointUrl=session.endpoint_url,
            LocaleIds=list(session.locales),
            ActualSessionTimeout=session.timeout,
            MaxResponseMessageSize=session.max_response,
            ClientConnectionTime=_moment(session.created),
            ClientLastContactTime=_moment(session.last_contact),
            CurrentSubscriptionsCount=len(session.subscriptions),
            CurrentMonitoredItemsCount=sum(len(s.items) for s in session.subscriptions.values()),
            CurrentPublishRequestsInQueue=len(session.publish_queue),
            TotalRequestCount=ua.ServiceCounterDataType(
                sum(session.requests.values()), sum(session.errors.values())
            ),
            UnauthorizedRequestCount=session.unauthorized,
        )
        for name, request in _SERVICES.items():
            counter = ua.ServiceCounterDataType(
                session.requests.get(request, 0), session.errors.get(request, 0)
            )
            setattr(found, name, counter)
        return found

    @staticmethod
    def security(session: Session) -> dict[str, object]:
        """How a session is secured, by the fields of SessionSecurityDiagnosticsDataType, in their order."""
        channel = session.connection.channel if session.connection is not None else None
        return {
            "SessionId": session.id,
            "ClientUserIdOfSession": session.user.name or None,
            "ClientUserIdHistory": list(session.users),
            "AuthenticationMechanism": session.mechanism,
            "Encoding": _ENCODING,
            "TransportProtocol": _TRANSPORT,
            "SecurityMode": channel.mode if channel is not None else ua.MessageSecurityMode.Invalid,
            "SecurityPolicyUri": channel.policy_uri if channel is not None else None,
            "ClientCertificate": session.certificate,
        }

    def security_structure(self, session: Session) -> ua.ExtensionObject:
        """The same as a structure, encoded here: asyncua's has a Byte where the standard has a String."""
        of = self.security(session)
        history = of["ClientUserIdHistory"]
        assert isinstance(history, list)
        certificate = session.certificate
        body = b"".join(
            (
                nodeid_to_binary(session.id),
                string(session.user.name or None),
                I32.pack(len(history)),
                *(string(name) for name in history),
                string(session.mechanism),
                string(_ENCODING),
                string(_TRANSPORT),
                I32.pack(int(of["SecurityMode"])),  # type: ignore[call-overload]
                string(of["SecurityPolicyUri"]),  # type: ignore[arg-type]
                I32.pack(-1) if certificate is None else I32.pack(len(certificate)) + certificate,
            )
        )
        return ua.ExtensionObject(_SECURITY, body)

    @staticmethod
    def subscription(subscription: Subscription) -> ua.SubscriptionDiagnosticsDataType:
        """One subscription."""
        terms, counts, items = subscription.terms, subscription.counts, subscription.items
        session = subscription.session
        return ua.SubscriptionDiagnosticsDataType(
            SessionId=session.id if session is not None else ua.NodeId(),
            SubscriptionId=subscription.id,
            Priority=terms.priority,
            PublishingInterval=terms.interval,
            MaxKeepAliveCount=terms.keep_alive,
            MaxLifetimeCount=terms.lifetime,
            MaxNotificationsPerPublish=terms.max_notifications,
            PublishingEnabled=subscription.enabled,
            ModifyCount=counts.modified,
            EnableCount=counts.enabled,
            DisableCount=counts.disabled,
            RepublishRequestCount=counts.republish_requests,
            RepublishMessageRequestCount=counts.republish_requests,
            RepublishMessageCount=counts.republished,
            TransferRequestCount=counts.transfer_requests,
            TransferredToAltClientCount=counts.transferred_to_other,
            TransferredToSameClientCount=counts.transferred_to_same,
            PublishRequestCount=counts.publish_requests,
            DataChangeNotificationsCount=counts.data_changes & _MOST,
            EventNotificationsCount=counts.events & _MOST,
            NotificationsCount=counts.notifications & _MOST,
            LatePublishRequestCount=counts.late,
            CurrentKeepAliveCount=subscription.silent_cycles,
            CurrentLifetimeCount=subscription.lonely_cycles,
            UnacknowledgedMessageCount=len(subscription.sent),
            DiscardedMessageCount=subscription.sent.discarded,
            MonitoredItemCount=len(items),
            DisabledMonitoredItemCount=items.disabled(),
            MonitoringQueueOverflowCount=items.overflows(events=False) & _MOST,
            NextSequenceNumber=subscription.next_sequence,
            EventQueueOverflowCount=items.overflows(events=True) & _MOST,
        )


def _moment(monotonic: float) -> object:
    """A DateTime for a time of the monotonic clock."""
    return ua.win_epoch_to_datetime(ticks(now_us() - round((time.monotonic() - monotonic) * 1e6)))
