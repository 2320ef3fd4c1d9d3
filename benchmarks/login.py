"""Sessions for the benchmarks: anonymous without security, or a user's over a secured channel."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asyncua import ua
from asyncua.crypto import uacrypto
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256, encrypt_asymmetric
from asyncua.ua.ua_binary import nodeid_to_binary, struct_to_binary
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.client import Connection
from benchmarks.process import Process
from benchmarks.securechannel import Identity, Secured
from server.security.certificates import Application, own_certificate

USER: Final = "admin"
PASSWORD: Final = "Float-at-13.65-volt"
CLIENT_URI: Final = "urn:voltkeep:benchmarks"
_POLICY: Final = SecurityPolicyBasic256Sha256.URI
_ANONYMOUS: Final = ua.UserTokenType.Anonymous


def identity_in(folder: Path) -> Identity:
    """A client certificate, made in `folder` when it is not there, and the administrator."""
    made = own_certificate(folder, Application(CLIENT_URI, "Voltkeep benchmarks", "localhost"))
    return Identity(made.certificate, made.key, USER, PASSWORD)


@dataclass(frozen=True)
class Door:
    """How clients come in to a server: without security where there is no `identity`."""

    process: Process
    identity: Identity | None = None

    def enter(self) -> Connection:
        """A connection with a session."""
        if self.identity is None:
            return _entered(Connection(self.process.port), None)
        probe = Connection(self.process.port)
        endpoint = _secured_endpoint(probe)
        probe.socket.close()
        channel = Secured(self.identity, endpoint.ServerCertificate)
        return _entered(Connection(self.process.port, channel), self.identity)


def _secured_endpoint(connection: Connection) -> ua.EndpointDescription:
    wanted = ua.GetEndpointsParameters(EndpointUrl=connection.url)
    request = connection.request(ua.GetEndpointsRequest, struct_to_binary(wanted))
    return next(
        each for each in connection.call(request, ua.GetEndpointsResponse).Endpoints if _secured(each)
    )


def _secured(endpoint: ua.EndpointDescription) -> bool:
    mode = endpoint.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
    return bool(mode and endpoint.SecurityPolicyUri == _POLICY)


def _entered(connection: Connection, identity: Identity | None) -> Connection:
    wanted = ua.CreateSessionParameters()
    wanted.ClientDescription.ApplicationUri = CLIENT_URI
    wanted.EndpointUrl, wanted.SessionName = connection.url, "benchmarks"
    wanted.ClientNonce, wanted.RequestedSessionTimeout = secrets.token_bytes(32), 600_000.0
    if identity is not None:
        wanted.ClientCertificate = identity.certificate.public_bytes(Encoding.DER)
    create = connection.request(ua.CreateSessionRequest, struct_to_binary(wanted))
    session = connection.call(create, ua.CreateSessionResponse).Parameters
    connection.session = bytes(nodeid_to_binary(session.AuthenticationToken))
    activation = ua.ActivateSessionParameters()
    if identity is None:
        activation.UserIdentityToken = ua.AnonymousIdentityToken(_policy(session, False, _ANONYMOUS))
    else:
        _sign(activation, session, identity)
    request = connection.request(ua.ActivateSessionRequest, struct_to_binary(activation))
    connection.call(request, ua.ActivateSessionResponse)
    return connection


def _sign(
    activation: ua.ActivateSessionParameters, session: ua.CreateSessionResult, identity: Identity
) -> None:
    """Prove the certificate, and give name and password; anonymous where the server wants no name."""
    challenge = session.ServerCertificate + session.ServerNonce
    activation.ClientSignature.Signature = uacrypto.sign_sha256(identity.key, challenge)
    activation.ClientSignature.Algorithm = SecurityPolicyBasic256Sha256.AsymmetricSignatureURI
    try:
        policy = _policy(session, True, ua.UserTokenType.UserName)
    except StopIteration:
        activation.UserIdentityToken = ua.AnonymousIdentityToken(_policy(session, True, _ANONYMOUS))
        return
    secret = identity.password.encode()
    plain = struct.pack("<I", len(secret) + len(session.ServerNonce)) + secret + session.ServerNonce
    server_key = uacrypto.x509_from_der(session.ServerCertificate).public_key()
    password, algorithm = encrypt_asymmetric(server_key, plain, _POLICY)
    activation.UserIdentityToken = ua.UserNameIdentityToken(policy, identity.user, password, algorithm)


def _policy(session: ua.CreateSessionResult, secured: bool, kind: ua.UserTokenType) -> str:
    """Id of the policy of a kind of user token at the endpoint that is used."""
    none = ua.MessageSecurityMode.None_
    return next(
        str(policy.PolicyId)
        for endpoint in session.ServerEndpoints
        if (_secured(endpoint) if secured else endpoint.SecurityMode == none)
        for policy in endpoint.UserIdentityTokens
        if policy.TokenType == kind
    )
