"""The gate of certificates: who may open a channel, and whose user certificate counts (X1; Part 4, 6.1.3).

A client is told little of why it is refused; the log and the audit trail say precisely. A refused certificate
lands among the rejected ones, and the log names the file to move where the certificate should be trusted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog
from asyncua import ua
from cryptography import x509

from server.errors import ServiceError
from server.protocol.channel import ChannelError
from server.protocol.repeats import Repeats
from server.security.audit import Audit
from server.security.certificatestore import CertificateStore, file_name
from server.security.trust import (
    CertificateError,
    Fault,
    Purpose,
    Rules,
    check_uri,
    common_name,
    der,
    in_words,
    parse_chain,
    validate,
)

if TYPE_CHECKING:
    from server.protocol.dispatch import Call
    from server.protocol.transport import Connection

log = structlog.get_logger(__name__)

Ids = ua.ObjectIds
Fields = dict[tuple[str, ...], ua.Variant]
_TOLD: Final = (Fault.TIME_INVALID, Fault.USE_NOT_ALLOWED, Fault.REVOCATION_UNKNOWN)
_AUDITED: Final = {
    Fault.INVALID: Ids.AuditCertificateInvalidEventType,
    Fault.CHAIN_INCOMPLETE: Ids.AuditCertificateInvalidEventType,
    Fault.POLICY_CHECK_FAILED: Ids.AuditCertificateInvalidEventType,
    Fault.UNTRUSTED: Ids.AuditCertificateUntrustedEventType,
    Fault.TIME_INVALID: Ids.AuditCertificateExpiredEventType,
    Fault.ISSUER_TIME_INVALID: Ids.AuditCertificateExpiredEventType,
    Fault.URI_INVALID: Ids.AuditCertificateDataMismatchEventType,
    Fault.USE_NOT_ALLOWED: Ids.AuditCertificateMismatchEventType,
    Fault.ISSUER_USE_NOT_ALLOWED: Ids.AuditCertificateMismatchEventType,
    Fault.REVOCATION_UNKNOWN: Ids.AuditCertificateRevokedEventType,
    Fault.ISSUER_REVOCATION_UNKNOWN: Ids.AuditCertificateRevokedEventType,
    Fault.REVOKED: Ids.AuditCertificateRevokedEventType,
    Fault.ISSUER_REVOKED: Ids.AuditCertificateRevokedEventType,
}


class CertificateGate:
    """Validation of clients' and users' certificates against their stores."""

    def __init__(
        self, applications: CertificateStore, users: CertificateStore, rules: Rules, audit: Audit
    ) -> None:
        self._applications = applications
        self._users = users
        self._rules = rules
        self._audit = audit
        self._logged = Repeats()

    def admit(self, sent: bytes, connection: Connection) -> None:
        """Let a channel open for the certificates that its client sent, or raise `ChannelError`."""
        store = self._applications
        try:
            chain = parse_chain(sent)
        except CertificateError as error:
            self._refused(error, None, connection=connection)
            raise ChannelError(int(ua.StatusCodes.BadSecurityChecksFailed)) from None
        try:
            trust = store.trust_list()
            path = validate(chain, trust, dt.datetime.now(dt.UTC), self._rules)
        except CertificateError as error:
            kept = self._reject(store, chain[0], error.fault)
            self._refused(error, chain[0], connection=connection, to_trust_it=kept)
            code = error.fault if error.fault in _TOLD else ua.StatusCodes.BadSecurityChecksFailed
            raise ChannelError(int(code)) from None
        if not any(trust.trusts(certificate) for certificate in path):
            self._tell_suppressed(chain[0], connection)

    def refuse_unusable(self, sent: bytes, connection: Connection) -> None:
        """Tell of what came instead of a certificate; nobody knows who sent it, so it is not kept."""
        fault = CertificateError(Fault.INVALID, "its key is of no use to the security policy")
        try:
            parse_chain(sent)
        except CertificateError as error:
            fault = error
        self._refused(fault, None, connection=connection)

    def check_application(self, certificate: bytes, uri: str | None, call: Call) -> None:
        """The application URI that a client claims is its certificate's; else BadCertificateUriInvalid."""
        try:
            check_uri(parse_chain(certificate)[0], uri)
        except CertificateError as error:
            fields: Fields = {("InvalidUri",): ua.Variant(uri, ua.VariantType.String)}
            self._refused(error, error.certificate, call=call, fields=fields)
            raise ServiceError(int(error.fault)) from None

    def check_user(self, sent: bytes, call: Call) -> x509.Certificate:
        """A user's certificate that is trusted and holds; whose it is, is the accounts' business.

        `ServiceError` BadIdentityTokenInvalid when it cannot be read, else BadIdentityTokenRejected
        (Part 4, 7.40.5).
        """
        try:
            chain = parse_chain(sent)
        except CertificateError as error:
            self._refused(error, None, call=call)
            raise ServiceError(int(ua.StatusCodes.BadIdentityTokenInvalid)) from None
        rules = replace(self._rules, purpose=Purpose.USER, accept_unknown=False)
        try:
            validate(chain, self._users.trust_list(), dt.datetime.now(dt.UTC), rules)
        except CertificateError as error:
            kept = self._reject(self._users, chain[0], error.fault)
            self._refused(error, chain[0], call=call, to_trust_it=kept)
            raise ServiceError(int(ua.StatusCodes.BadIdentityTokenRejected)) from None
        return chain[0]

    def _reject(self, store: CertificateStore, certificate: x509.Certificate, fault: Fault) -> str | None:
        """Keep a refused certificate; what a person does who trusts it, where that is all it lacks."""
        if store.trust_list().trusts(certificate):
            return None
        try:
            file = store.reject(certificate)
        except OSError as error:
            log.error("rejected certificate cannot be kept", reason=error.strerror)
            return None
        if fault is not Fault.UNTRUSTED:
            return None
        users = " --users" if store is self._users else ""
        return f"move {file} to {store.trusted}, or: voltkeep trust accept {file.name}{users}"

    def _refused(
        self,
        error: CertificateError,
        shown: x509.Certificate | None,
        *,
        call: Call | None = None,
        connection: Connection | None = None,
        fields: Fields | None = None,
        to_trust_it: str | None = None,
    ) -> None:
        failed = error.certificate or shown
        peer = connection or (call.connection if call is not None else None)
        more: dict[str, str | int | None] = {
            "issuer": common_name(failed) if failed is not None and failed is not shown else None,
            "to_trust_it": to_trust_it,
        }
        name = file_name(shown) if shown is not None else "?"
        quiet = self._logged.due((name, error.fault, None if shown else peer and peer.address))
        if quiet is not None:  # a client tries again and again
            more["again"] = quiet
            log.warning(
                "certificate refused",
                certificate=name,
                reason=error.reason,
                status=ua.StatusCode(int(error.fault)).name,
                peer=peer.peer if peer is not None else "?",
                **{key: value for key, value in more.items() if value},
            )
        self._audit.record(
            _AUDITED[error.fault],
            "refuse certificate",
            status=int(error.fault),
            call=call,
            connection=connection,
            target=in_words([failed]) if failed is not None else "",
            new=error.reason,
            fields=_certificate(failed) | (fields or {}),
        )

    def _tell_suppressed(self, certificate: x509.Certificate, connection: Connection) -> None:
        """Part 4, 6.1.3: what is let pass that the standard would refuse is audited nevertheless."""
        name = common_name(certificate)
        log.warning("unknown certificate accepted, as security.accept_unknown says", certificate=name)
        self._audit.record(
            Ids.AuditCertificateUntrustedEventType,
            "accept unknown certificate",
            connection=connection,
            target=name,
            fields=_certificate(certificate),
        )


def _certificate(certificate: x509.Certificate | None) -> Fields:
    data = der(certificate) if certificate is not None else None
    return {("Certificate",): ua.Variant(data, ua.VariantType.ByteString)}
