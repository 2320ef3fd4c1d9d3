"""The client of the benchmarks on a secured channel: Basic256Sha256, signed and encrypted.

Requests are sealed anew each time, as their numbers change; answers are counted by their headers, which are
in clear. asyncua's policy opens the channel and signs for the session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua
from asyncua.common.connection import MessageChunk
from asyncua.common.utils import Buffer
from asyncua.crypto import uacrypto
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256, encrypt_asymmetric
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_to_binary,
    struct_from_binary,
    struct_to_binary,
    uatcp_to_binary,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.client import CHUNK, Connection, Request
from server.protocol.symmetric import KeySet, Opener, Sealer

_NUMBERED: Final = 24  # header, token, sequence number and request id
_SIZES: Final = (32, 32, 16)  # bytes of a signing key, an encryption key and an initial vector


@dataclass(frozen=True)
class Identity:
    """Who a client is: its certificate and key, the server's certificate, and a user's name and password."""

    certificate: x509.Certificate
    key: RSAPrivateKey
    server: x509.Certificate
    user: str
    password: str


class SecuredConnection(Connection):
    """A connection that is signed and encrypted."""

    def __init__(self, port: int, identity: Identity) -> None:
        self._identity = identity
        self._sealer: Sealer
        self._opener: Opener
        super().__init__(port)

    def request(self, kind: type[Any], parameters: bytes) -> Request:
        """A request of a service with its encoded parameters."""
        self.room = self._sealer.room(CHUNK)
        return super().request(kind, parameters)

    def numbered(self, request: Request) -> bytearray:
        """The request's chunks with the next numbers, sealed."""
        data = super().numbered(request)
        ends = (*request.starts[1:], len(data))
        sealed = bytearray()
        for start, end in zip(request.starts, ends, strict=True):
            head = data[start : start + _NUMBERED]
            head[4:8] = self._sealer.size(end - start - _NUMBERED).to_bytes(4, "little")
            sealed += self._sealer.seal(bytes(head), bytes(data[start + _NUMBERED : end]))
        return sealed

    def _body(self, chunk: bytes) -> bytes:
        return self._opener.open(chunk)[2]

    def _check(self, start: int) -> None:
        """Whether an answer is a fault is not seen from outside."""

    def _open(self) -> None:
        who = self._identity
        policy = SecurityPolicyBasic256Sha256(
            who.server, who.certificate, who.key, ua.MessageSecurityMode.SignAndEncrypt
        )
        self.socket.sendall(uatcp_to_binary(ua.MessageType.Hello, ua.Hello(0, CHUNK, CHUNK, 0, 0, self._url)))
        self._next()
        nonce = os.urandom(32)
        opening = ua.OpenSecureChannelRequest()
        opening.Parameters.SecurityMode = ua.MessageSecurityMode.SignAndEncrypt
        opening.Parameters.RequestedLifetime = 3_600_000
        opening.Parameters.ClientNonce = nonce
        (chunk,) = MessageChunk.message_to_chunks(
            policy, struct_to_binary(opening), 0, ua.MessageType.SecureOpen, 0, 1
        )
        self._number = chunk.SequenceHeader.SequenceNumber = 1
        self.socket.sendall(chunk.to_binary())
        buffer = Buffer(self._next())
        answer = MessageChunk.from_header_and_body(policy, header_from_binary(buffer), buffer)
        found = struct_from_binary(ua.OpenSecureChannelResponse, Buffer(answer.Body)).Parameters
        self._channel, self._token = found.SecurityToken.ChannelId, found.SecurityToken.TokenId
        self._sealer = Sealer(KeySet(*uacrypto.p_sha256(found.ServerNonce, nonce, _SIZES)), True)
        self._opener = Opener(KeySet(*uacrypto.p_sha256(nonce, found.ServerNonce, _SIZES)), True)
        self._policy = policy

    def _log_in(self) -> None:
        who = self._identity
        wanted = ua.CreateSessionParameters()
        wanted.ClientDescription.ApplicationUri = "urn:voltkeep:benchmarks"
        wanted.EndpointUrl, wanted.SessionName = self._url, "benchmarks"
        wanted.ClientNonce, wanted.RequestedSessionTimeout = os.urandom(32), 600_000.0
        wanted.ClientCertificate = who.certificate.public_bytes(Encoding.DER)
        create = self.request(ua.CreateSessionRequest, struct_to_binary(wanted))
        session = self.call(create, ua.CreateSessionResponse).Parameters
        self._session = bytes(nodeid_to_binary(session.AuthenticationToken))
        identity = ua.ActivateSessionParameters()
        signed = session.ServerCertificate + session.ServerNonce
        identity.ClientSignature.Algorithm = self._policy.AsymmetricSignatureURI
        identity.ClientSignature.Signature = self._policy.asymmetric_cryptography.signature(signed)
        # Part 4, 7.40.2.2: length, password and the server's nonce.
        secret = who.password.encode() + session.ServerNonce
        encrypted, algorithm = encrypt_asymmetric(
            who.server.public_key(), len(secret).to_bytes(4, "little") + secret, self._policy.URI
        )
        identity.UserIdentityToken = ua.UserNameIdentityToken(
            _password_policy(session.ServerEndpoints), who.user, encrypted, algorithm
        )
        request = self.request(ua.ActivateSessionRequest, struct_to_binary(identity))
        self.call(request, ua.ActivateSessionResponse)


def _password_policy(endpoints: list[ua.EndpointDescription]) -> str:
    """Id of the policy by which one may log in with a name and a password."""
    names: Iterator[str] = (
        str(policy.PolicyId)
        for endpoint in endpoints
        if endpoint.SecurityPolicyUri == SecurityPolicyBasic256Sha256.URI
        and endpoint.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
        for policy in endpoint.UserIdentityTokens
        if policy.TokenType == ua.UserTokenType.UserName
    )
    return next(names)
