"""The discovery and session service sets (Part 4, 5.5 and 5.7)."""

from __future__ import annotations

import hmac
import os
import time
from typing import Any, Final

import structlog
from asyncua import ua
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from server.errors import ServiceError
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session, Sessions
from server.protocol.stack import APPLICATION_URI, Policy
from server.security.accounts import Accounts
from server.security.errors import Busy
from server.security.users import ANONYMOUS, User

log = structlog.get_logger(__name__)

S = ua.StatusCodes
PRODUCT_URI: Final = "urn:voltkeep"
_TRANSPORT: Final = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
_OAEP: Final = {
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep": hashes.SHA1,
    "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256": hashes.SHA256,
}


class SessionService:
    """Answers GetEndpoints, FindServers, CreateSession, ActivateSession, CloseSession and Cancel."""

    def __init__(
        self,
        sessions: Sessions,
        accounts: Accounts,
        policies: list[Policy],
        url: str,
        certificate: bytes,
        key: RSAPrivateKey,
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._key = key
        self._url = url
        self.endpoints = [self._endpoint(policy, certificate) for policy in policies]

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.GetEndpointsRequest, self._get_endpoints, session=False)
        dispatcher.serve(ua.FindServersRequest, self._find_servers, session=False)
        dispatcher.serve(ua.CreateSessionRequest, self._create, session=False)
        dispatcher.serve(ua.ActivateSessionRequest, self._activate, session=False)
        dispatcher.serve(ua.CloseSessionRequest, self._close, session=False)
        dispatcher.serve(ua.CancelRequest, self._cancel)

    # -- discovery

    def _application(self) -> ua.ApplicationDescription:
        application = ua.ApplicationDescription()
        application.ApplicationUri = APPLICATION_URI
        application.ProductUri = PRODUCT_URI
        application.ApplicationName = ua.LocalizedText("Voltkeep")
        application.ApplicationType = ua.ApplicationType.Server
        application.DiscoveryUrls = [self._url]
        return application

    def _endpoint(self, policy: Policy, certificate: bytes) -> ua.EndpointDescription:
        endpoint = ua.EndpointDescription()
        endpoint.EndpointUrl = self._url
        endpoint.Server = self._application()
        endpoint.ServerCertificate = certificate
        endpoint.SecurityMode = policy.mode
        endpoint.SecurityPolicyUri = policy.uri
        endpoint.TransportProfileUri = _TRANSPORT
        endpoint.SecurityLevel = policy.level
        token = ua.UserTokenPolicy()
        if policy.mode is ua.MessageSecurityMode.None_:
            token.PolicyId, token.TokenType = "anonymous", ua.UserTokenType.Anonymous
        else:
            token.PolicyId, token.TokenType = "username", ua.UserTokenType.UserName
            token.SecurityPolicyUri = policy.uri
        endpoint.UserIdentityTokens = [token]
        return endpoint

    def _get_endpoints(self, call: Call) -> ua.GetEndpointsResponse:
        params = call.params(ua.GetEndpointsParameters)
        response = ua.GetEndpointsResponse()
        wanted = params.ProfileUris
        response.Endpoints = [] if wanted and _TRANSPORT not in wanted else self.endpoints
        return response

    def _find_servers(self, call: Call) -> ua.FindServersResponse:
        params = call.params(ua.FindServersParameters)
        response = ua.FindServersResponse()
        wanted = params.ServerUris
        response.Servers = [] if wanted and APPLICATION_URI not in wanted else [self._application()]
        return response

    # -- sessions

    def _offers(self, call: Call) -> bool:
        channel = call.connection.channel
        return any(
            e.SecurityPolicyUri == channel.policy_uri and e.SecurityMode is channel.mode
            for e in self.endpoints
        )

    def _create(self, call: Call) -> ua.CreateSessionResponse:
        params = call.params(ua.CreateSessionParameters)
        channel = call.connection.channel
        if not self._offers(call):
            raise ServiceError(S.BadSecurityModeRejected)
        secured = channel.mode is not ua.MessageSecurityMode.None_
        if secured and len(params.ClientNonce or b"") < 32:
            raise ServiceError(S.BadNonceInvalid)
        if secured and params.ClientCertificate != channel.client_certificate:
            raise ServiceError(S.BadCertificateInvalid)
        session = self._sessions.create(call.connection, params)
        response = ua.CreateSessionResponse()
        result = response.Parameters
        result.SessionId = session.id
        result.AuthenticationToken = session.token
        result.RevisedSessionTimeout = session.timeout
        result.ServerNonce = session.nonce
        result.ServerCertificate = channel.server_certificate
        result.ServerEndpoints = self.endpoints
        result.MaxRequestMessageSize = 0
        if secured:
            result.ServerSignature = channel.sign(
                (params.ClientCertificate or b"") + (params.ClientNonce or b"")
            )
        return response

    async def _activate(self, call: Call) -> ua.ActivateSessionResponse:
        params = call.params(ua.ActivateSessionParameters)
        session = self._sessions.by_token.get(call.header.token)
        if session is None:
            raise ServiceError(S.BadSessionIdInvalid)
        channel = call.connection.channel
        signed = (channel.server_certificate or b"") + session.nonce
        if not channel.verify(signed, params.ClientSignature.Signature):
            raise ServiceError(S.BadApplicationSignatureInvalid)
        if session.connection is not call.connection and not self._same_client(session, call):
            raise ServiceError(S.BadSecureChannelIdInvalid)
        nonce = session.nonce
        session.last_contact = time.monotonic()
        user = await self._user(call, session, params.UserIdentityToken)
        if session.closed or call.connection.closed:
            raise ServiceError(S.BadSessionClosed)
        if session.nonce != nonce:  # another request with it was faster
            raise ServiceError(S.BadNonceInvalid)
        if session.activated and session.connection is not call.connection and user != session.user:
            raise ServiceError(S.BadIdentityTokenRejected)
        self._bind(session, call, user)
        response = ua.ActivateSessionResponse()
        response.Parameters.ServerNonce = session.nonce
        if user.must_change:  # Part 18, 5.2.8
            response.ResponseHeader.ServiceResult = ua.StatusCode(S.GoodPasswordChangeRequired)
        return response

    def _bind(self, session: Session, call: Call, user: User) -> None:
        if session.connection is not call.connection:
            session.publish_queue.clear()
        session.connection = call.connection
        session.user = user
        session.nonce = os.urandom(32)
        session.activated = True
        call.connection.activated = True
        log.info("session activated", user=user.name or "anonymous", peer=call.connection.peer)

    @staticmethod
    def _same_client(session: Session, call: Call) -> bool:
        """Whether another channel may take the session over (Part 4, 5.7.3)."""
        certificate = call.connection.channel.client_certificate
        return session.activated and certificate == session.certificate

    async def _user(self, call: Call, session: Session, token: Any) -> User:
        if token is None or (isinstance(token, ua.ExtensionObject) and token.TypeId.is_null()):
            token = ua.AnonymousIdentityToken()
        plain = call.connection.channel.mode is ua.MessageSecurityMode.None_
        if isinstance(token, ua.AnonymousIdentityToken):
            if not plain:
                raise ServiceError(S.BadIdentityTokenRejected)
            return ANONYMOUS
        if not isinstance(token, ua.UserNameIdentityToken) or plain:
            raise ServiceError(S.BadIdentityTokenRejected)
        password = self._password(call, session, token)
        try:
            user = await self._accounts.authenticate(token.UserName or "", password, call.connection.peer)
        except Busy:
            raise ServiceError(S.BadServerTooBusy) from None
        if user is None:
            log.warning("log-in refused", user=token.UserName, peer=call.connection.peer)
            raise ServiceError(S.BadUserAccessDenied)
        return user

    def _password(self, call: Call, session: Session, token: ua.UserNameIdentityToken) -> str:
        secret = token.Password or b""
        if not token.EncryptionAlgorithm:
            if call.connection.channel.mode is not ua.MessageSecurityMode.SignAndEncrypt:
                raise ServiceError(S.BadIdentityTokenInvalid)
            return self._text(secret)
        algorithm = _OAEP.get(token.EncryptionAlgorithm)
        if algorithm is None:
            raise ServiceError(S.BadIdentityTokenInvalid)
        size = self._key.key_size // 8
        oaep = padding.OAEP(padding.MGF1(algorithm()), algorithm(), None)
        try:
            plain = b"".join(
                self._key.decrypt(secret[i : i + size], oaep) for i in range(0, len(secret), size)
            )
        except ValueError:
            raise ServiceError(S.BadIdentityTokenInvalid) from None
        # Part 4, 7.40.2.2: length, password, and the nonce that this session was last given.
        length = int.from_bytes(plain[:4], "little")
        end = 4 + length - len(session.nonce)
        if end < 4 or not hmac.compare_digest(plain[end : 4 + length], session.nonce):
            raise ServiceError(S.BadIdentityTokenInvalid)
        return self._text(plain[4:end])

    @staticmethod
    def _text(secret: bytes) -> str:
        try:
            return secret.decode("utf-8")
        except UnicodeDecodeError:
            raise ServiceError(S.BadIdentityTokenInvalid) from None

    def _close(self, call: Call) -> ua.CloseSessionResponse:
        session = self._sessions.by_token.get(call.header.token)
        if session is None or session.connection is not call.connection:
            raise ServiceError(S.BadSessionIdInvalid)
        delete = call.data[call.header.end : call.header.end + 1] != b"\x00"
        self._sessions.close(session, delete)
        return ua.CloseSessionResponse()

    @staticmethod
    def _cancel(call: Call) -> ua.CancelResponse:
        """Cancel queued Publish requests of a handle; other requests are answered at once anyway."""
        handle = call.params(ua.CancelParameters).RequestHandle
        queue = call.owner.publish_queue
        cancelled = [waiting for waiting in queue if waiting.call.header.handle == handle]
        for waiting in cancelled:
            queue.remove(waiting)
            waiting.fault(S.BadRequestCancelledByClient)
        response = ua.CancelResponse()
        response.Parameters.CancelCount = len(cancelled)
        return response
