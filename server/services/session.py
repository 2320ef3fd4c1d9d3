"""The session service set: created, activated by a user, moved, cancelled and closed (Part 4, 5.7)."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, Final

import structlog
from asyncua import ua
from cryptography import x509

from server.errors import ServiceError
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session, Sessions
from server.protocol.stack import APPLICATION_URI
from server.security.audit import Audit
from server.security.gate import CertificateGate
from server.security.slowdown import SlowDown
from server.security.trust import CertificateError, leaf_of, thumbprint
from server.security.users import User
from server.security.usertokens import Challenge, UserTokens, signature_algorithm
from server.services.discovery import DiscoveryService, user_token_policies

log = structlog.get_logger(__name__)

S = ua.StatusCodes
Ids = ua.ObjectIds
_NONCE: Final = (32, 128)  # bytes, Part 4, 5.7.2.2
_MAX_FAILURES: Final = 10  # activations that fail until the session ends
_NONE: Final = ua.MessageSecurityMode.None_
Fields = dict[tuple[str, ...], ua.Variant]
# What diagnostics call the ways to log in (Part 5, 12.12).
_MECHANISMS: Final = {
    ua.UserNameIdentityToken: "UserName",
    ua.X509IdentityToken: "Certificate",
    ua.IssuedIdentityToken: "IssuedToken",
}


class SessionService:
    """Answers CreateSession, ActivateSession, CloseSession and Cancel."""

    def __init__(
        self,
        sessions: Sessions,
        discovery: DiscoveryService,
        tokens: UserTokens,
        gate: CertificateGate,
        audit: Audit,
        certificates: bytes,
    ) -> None:
        self._sessions = sessions
        self._discovery = discovery
        self._tokens = tokens
        self._gate = gate
        self._audit = audit
        self._chain = certificates
        self._certificate = leaf_of(certificates)
        self.slow_down = SlowDown()

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.CreateSessionRequest, self._create, session=False)
        dispatcher.serve(ua.ActivateSessionRequest, self._activate, session=False)
        dispatcher.serve(ua.CloseSessionRequest, self._close, session=False)
        dispatcher.serve(ua.CancelRequest, self._cancel)

    # -- create

    def _create(self, call: Call) -> ua.CreateSessionResponse:
        params = call.params(ua.CreateSessionParameters)
        try:
            self._check_new(call, params)
            session = self._sessions.create(call.connection, params)
        except ServiceError as error:
            self._audit_create(call, params, None, error.code)
            raise
        self._audit_create(call, params, session, 0)
        return self._created(call, params, session)

    def _check_new(self, call: Call, params: ua.CreateSessionParameters) -> None:
        channel = call.connection.channel
        if self._discovery.policy(channel.policy_uri, channel.mode) is None:
            raise ServiceError(S.BadSecurityModeRejected)  # the channel is for discovery only
        if params.ServerUri and params.ServerUri != APPLICATION_URI:
            raise ServiceError(S.BadServerUriInvalid)
        if channel.mode is _NONE:
            return
        low, high = _NONCE
        if not low <= len(params.ClientNonce or b"") <= high:
            raise ServiceError(S.BadNonceInvalid)
        certificate = channel.client_certificate or b""
        if not certificate or _leaf(params.ClientCertificate) != certificate:
            raise ServiceError(S.BadCertificateInvalid)
        self._gate.check_application(certificate, params.ClientDescription.ApplicationUri, call)

    def _created(
        self, call: Call, params: ua.CreateSessionParameters, session: Session
    ) -> ua.CreateSessionResponse:
        channel = call.connection.channel
        response = ua.CreateSessionResponse()
        result = response.Parameters
        result.SessionId = session.id
        result.AuthenticationToken = session.token
        result.RevisedSessionTimeout = session.timeout
        result.ServerNonce = session.nonce
        result.ServerCertificate = self._chain
        result.ServerEndpoints = self._discovery.endpoints(params.EndpointUrl)
        result.MaxRequestMessageSize = call.connection.limits.message
        if channel.mode is not _NONE:
            result.ServerSignature = channel.sign(
                (channel.client_certificate or b"") + (params.ClientNonce or b"")
            )
        return response

    # -- activate

    async def _activate(self, call: Call) -> ua.ActivateSessionResponse:
        params = call.params(ua.ActivateSessionParameters)
        session = self._sessions.by_token.get(call.header.token)
        if session is None:
            raise ServiceError(S.BadSessionIdInvalid)
        try:
            user = await self._activated(call, params, session)
        except ServiceError as error:
            self._audit_activate(call, params, session, error.code)
            await self._failed(call, session, error.code)
            raise
        self.slow_down.succeeded(_client(session, call))
        self._audit_activate(call, params, session, 0)
        session.mechanism = _MECHANISMS.get(type(params.UserIdentityToken), "Anonymous")
        response = ua.ActivateSessionResponse()
        response.ResponseHeader.ServiceResult = ua.StatusCode(_service_result(user))
        response.Parameters.ServerNonce = session.nonce
        return response

    async def _activated(self, call: Call, params: ua.ActivateSessionParameters, session: Session) -> User:
        """Check who asks and which user it is for, and bind the session to both."""
        channel = call.connection.channel
        challenge = Challenge(channel.policy_uri, session.nonce, self._certificate, self._chain)
        self._check_signature(call, params.ClientSignature, challenge)
        if session.connection is not call.connection and not _same_client(session, call):
            raise ServiceError(S.BadSecureChannelIdInvalid)
        session.last_contact = time.monotonic()
        policy = self._discovery.policy(channel.policy_uri, channel.mode)
        offered = user_token_policies(policy) if policy is not None else []
        user = await self._tokens.user(
            params.UserIdentityToken, params.UserTokenSignature, offered, challenge, call
        )
        if session.closed or call.connection.closed:
            raise ServiceError(S.BadSessionClosed)
        if session.nonce != challenge.nonce:  # another request with it was faster
            raise ServiceError(S.BadNonceInvalid)
        if session.connection is not call.connection and user != session.user:
            raise ServiceError(S.BadIdentityTokenRejected)
        self._sessions.admit(session, user)
        self._bind(session, call, user, params.LocaleIds or [])
        return user

    @staticmethod
    def _check_signature(call: Call, signature: ua.SignatureData, challenge: Challenge) -> None:
        """The client still is the one that created the session (Part 4, 5.7.3.1)."""
        channel = call.connection.channel
        if channel.mode is _NONE:
            return
        right = signature.Algorithm == signature_algorithm(challenge.policy_uri) and any(
            channel.verify(data, signature.Signature) for data in dict.fromkeys(challenge.signed_data())
        )
        if not right:
            raise ServiceError(S.BadApplicationSignatureInvalid)

    def _bind(self, session: Session, call: Call, user: User, locales: list[str]) -> None:
        if session.connection is not call.connection:
            session.publish_queue.clear()
            before, session.connection = session.connection, call.connection
            session.address = call.connection.address
            self._sessions.left(before)
        session.become(user)
        session.locales = locales or session.locales
        session.nonce = os.urandom(32)
        session.activated = True
        session.failures = 0
        call.connection.activated = True
        log.info("session activated", user=user.name or "anonymous", peer=call.connection.peer)

    async def _failed(self, call: Call, session: Session, code: int) -> None:
        """Tell of it later and later; too many failures end a session that nobody has activated."""
        log.warning("session not activated", status=ua.StatusCode(code).name, peer=call.connection.peer)
        session.failures += 1
        if session.failures >= _MAX_FAILURES and not session.activated and not session.closed:
            self._sessions.close(session)
        delay = self.slow_down.failed(_client(session, call))
        if delay:
            await asyncio.sleep(delay)

    # -- close and cancel

    def _close(self, call: Call) -> ua.CloseSessionResponse:
        session = self._sessions.by_token.get(call.header.token)
        if session is None or session.connection is not call.connection:
            raise ServiceError(S.BadSessionIdInvalid)
        delete = call.data[call.header.end : call.header.end + 1] != b"\x00"
        self._sessions.close(session, delete)
        self._audit.record(Ids.AuditSessionEventType, "close session", call=call, session=session)
        return ua.CloseSessionResponse()

    def _cancel(self, call: Call) -> ua.CancelResponse:
        """Cancel queued Publish requests of a handle; other requests are answered at once anyway."""
        handle = call.params(ua.CancelParameters).RequestHandle
        session = call.owner
        queue = session.publish_queue
        cancelled = [waiting for waiting in queue if waiting.call.header.handle == handle]
        for waiting in cancelled:
            queue.remove(waiting)
            waiting.fault(S.BadRequestCancelledByClient)
        fields: Fields = {("RequestHandle",): ua.Variant(handle, ua.VariantType.UInt32)}
        self._audit.record(
            Ids.AuditCancelEventType, "cancel", call=call, new=f"{len(cancelled)} requests", fields=fields
        )
        response = ua.CancelResponse()
        response.Parameters.CancelCount = len(cancelled)
        return response

    # -- audit (Part 5, 6.4.7 to 6.4.10)

    def _audit_create(
        self, call: Call, params: ua.CreateSessionParameters, session: Session | None, status: int
    ) -> None:
        fields = _created_fields(call, session)
        self._audit.record(
            Ids.AuditCreateSessionEventType,
            "create session",
            status=status,
            call=call,
            session=session,
            user="System/CreateSession",
            target=str(params.ClientDescription.ApplicationUri or ""),
            fields=fields,
        )
        if session is not None and params.EndpointUrl and not self._discovery.is_known(params.EndpointUrl):
            url = ua.Variant(params.EndpointUrl, ua.VariantType.String)
            self._audit.record(
                Ids.AuditUrlMismatchEventType,
                "create session by a URL that is not ours",
                call=call,
                session=session,
                user="System/CreateSession",
                target=params.EndpointUrl,
                fields=fields | {("EndpointUrl",): url},
            )

    def _audit_activate(
        self, call: Call, params: ua.ActivateSessionParameters, session: Session, status: int
    ) -> None:
        shown = _without_secret(params.UserIdentityToken)
        self._audit.record(
            Ids.AuditActivateSessionEventType,
            "log in",
            status=status,
            call=call,
            session=session,
            user=_claimed(params.UserIdentityToken) if status else session.user.name,
            fields={("UserIdentityToken",): ua.Variant(shown, ua.VariantType.ExtensionObject)},
        )


def _service_result(user: User) -> int:
    """Good, or GoodPasswordChangeRequired for a user who may do nothing else yet (Part 18, 5.2.8)."""
    return int(S.GoodPasswordChangeRequired if user.must_change else S.Good)


def _leaf(certificates: bytes | None) -> bytes:
    """The first certificate of what a client sent; empty when there is none."""
    try:
        return leaf_of(certificates or b"")
    except CertificateError:
        return b""


def _same_client(session: Session, call: Call) -> bool:
    """Whether another channel may take the session over: same client, and not less security."""
    channel = call.connection.channel
    return (
        session.activated
        and channel.client_certificate == session.certificate
        and (channel.policy_uri, channel.mode) == session.security
    )


def _client(session: Session, call: Call) -> str:
    """Whom failures count for: an application that proved its name, else an address."""
    if session.certificate is not None and call.connection.channel.mode is not _NONE:
        return str(session.client.ApplicationUri)
    return call.connection.address


# -- fields of audit events


def _created_fields(call: Call, session: Session | None) -> Fields:
    channel = call.connection.channel
    certificate = channel.client_certificate if channel.mode is not _NONE else None
    mark = thumbprint(x509.load_der_x509_certificate(certificate)) if certificate else None
    timeout = session.timeout if session is not None else 0.0
    return {
        ("ClientCertificate",): ua.Variant(certificate, ua.VariantType.ByteString),
        ("ClientCertificateThumbprint",): ua.Variant(mark, ua.VariantType.String),
        ("RevisedSessionTimeout",): ua.Variant(timeout, ua.VariantType.Double),
    }


def _without_secret(token: Any) -> Any:
    """A user's token as others may see it."""
    if isinstance(token, ua.UserNameIdentityToken):
        return ua.UserNameIdentityToken(token.PolicyId, token.UserName, None, token.EncryptionAlgorithm)
    known = isinstance(token, ua.AnonymousIdentityToken | ua.X509IdentityToken)
    return token if known else None


def _claimed(token: Any) -> str:
    """Whom a token that was refused is for."""
    return str(token.UserName or "") if isinstance(token, ua.UserNameIdentityToken) else ""
