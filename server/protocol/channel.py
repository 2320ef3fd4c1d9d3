"""The secure channel of one connection: opened, renewed and used (Part 4, 5.5; Part 6, 6.7 and 7.1).

What is wrong with a message raises `ChannelError`: the connection ends with its StatusCode (Part 6, 7.1.5).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from typing import Final

from asyncua import ua

from server.protocol.decoder import Reader, structure
from server.protocol.opening import Hello, Opening, opening
from server.protocol.stack import Policy, Security, struct_to_binary
from server.protocol.symmetric import BrokenSeal
from server.protocol.tokens import Token, Tokens, UnknownToken

S = ua.StatusCodes

# May a client with this certificate (DER, and its issuers behind it) open or renew a channel?
# Raises `ChannelError` when it may not.
Approve = Callable[[bytes, str], None]
# Tells of what a client sent instead of a certificate that could be used.
Unusable = Callable[[bytes], None]

LEAST_BUFFER: Final = 8192  # Part 6, 7.1.2.3
MOST_URL: Final = 4096
LIFETIME: Final = (10_000, 3_600_000)  # ms, of a token
NONCE: Final = 32
_HEAD: Final = struct.Struct("<4sIIIII")
_ACKNOWLEDGE: Final = struct.Struct("<4sIIIIII")
_PLAIN_HEADER: Final = 24
_LAST_SEQUENCE: Final = 0xFFFF_FFFF
_WRAP: Final = 1024  # how far from its end, and from its start, a sequence number may begin again
_ISSUE: Final = ua.SecurityTokenRequestType.Issue
_NONE: Final = ua.MessageSecurityMode.None_


class ChannelError(Exception):
    """The connection is closed with an error message of this StatusCode."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = int(code)


def _approve_all(_certificates: bytes, _policy: str) -> None:
    """Whoever holds the key of any certificate may open a channel."""


def _tell_nobody(_certificates: bytes) -> None:
    """For channels that are watched by nobody."""


class Channel:
    """Numbers, tokens and keys of a channel; `chunk` and `message` [bytes] are what clients are told."""

    def __init__(
        self,
        policies: Sequence[Policy],
        new_id: Callable[[], int],
        chunk: int,
        message: int,
        chunks: int,
        approve: Approve = _approve_all,
        unusable: Unusable = _tell_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policies = policies
        self._new_id = new_id
        self._approve = approve
        self._unusable = unusable
        self._clock = clock
        self._message, self._chunks = message, chunks
        self._tokens = Tokens()
        self._security = Security.none()
        self._nonce = b""  # of the client's last OpenSecureChannel
        self.chunk_in = self.chunk_out = chunk
        self.max_response = 0  # bytes of a message that the client takes; 0 is no limit
        self.last_in: int | None = None
        self.last_out = 0
        self.channel_id = 0
        self.greeted = False
        self.plain = False  # open, and messages are neither signed nor encrypted

    @property
    def opened(self) -> bool:
        """Whether requests may come."""
        return self._tokens.current is not None

    @property
    def mode(self) -> ua.MessageSecurityMode:
        """Security mode."""
        return self._security.mode

    @property
    def policy_uri(self) -> str:
        """URI of the security policy."""
        return self._security.uri

    @property
    def client_certificate(self) -> bytes | None:
        """The client's certificate [DER]."""
        return self._security.client_certificate

    @property
    def server_certificate(self) -> bytes | None:
        """Our certificate [DER]."""
        return self._security.server_certificate

    def sign(self, data: bytes) -> ua.SignatureData:
        """Our signature with the server's private key."""
        return self._security.sign(data)

    def verify(self, data: bytes, signature: bytes | None) -> bool:
        """Whether the client signed `data` with the key of its certificate."""
        return self._security.verify(data, signature)

    def expired(self) -> bool:
        """Whether the channel is past its life: no token of it is accepted any more."""
        return self.opened and self._tokens.expired(self._clock())

    # -- opening

    def acknowledge(self, hello: Hello) -> bytes:
        """The answer to a Hello, which must come first and once."""
        if self.greeted:
            raise ChannelError(S.BadTcpMessageTypeInvalid)
        if len(hello.url) > MOST_URL:
            raise ChannelError(S.BadTcpEndpointUrlInvalid)
        if min(hello.receive, hello.send) < LEAST_BUFFER:
            raise ChannelError(S.BadConnectionRejected)
        self.greeted = True
        self.chunk_in = min(self.chunk_in, hello.send)
        self.chunk_out = min(self.chunk_out, hello.receive)
        self.max_response = hello.message
        if hello.chunks:
            most = hello.chunks * (self.chunk_out - _PLAIN_HEADER - 64)
            self.max_response = min(most, hello.message or most)
        return _ACKNOWLEDGE.pack(b"ACKF", 28, 0, self.chunk_in, self.chunk_out, self._message, self._chunks)

    def open(self, frame: bytes) -> bytes:
        """Open or renew the channel; the answer to the request."""
        if not self.greeted:
            raise ChannelError(S.BadTcpMessageTypeInvalid)
        found = opening(frame)
        if found is None:
            raise ChannelError(S.BadSecurityChecksFailed)
        security = self._agreed(found)
        try:
            sequence, request_id, body = security.read_opening(frame)
            request = structure(ua.OpenSecureChannelRequest, Reader(body))
        except Exception:  # of many kinds, and no business of whoever sent it
            raise ChannelError(S.BadSecurityChecksFailed) from None
        self._count(sequence)
        wanted = request.Parameters
        if not self.opened:
            security = self._chosen(found, wanted)
        self._check(found, wanted, security)
        if security.mode is not _NONE:  # not before it has shown that it has the key
            self._approve(found.certificates, found.policy)
        token, answer = self._token(wanted, security)
        if not self.opened:
            self.channel_id = self._new_id()
            self._security = security
            self.plain = security.mode is _NONE
        self._tokens.add(token)
        self._nonce = wanted.ClientNonce or b""
        answer.Parameters.SecurityToken.ChannelId = self.channel_id
        answer.ResponseHeader.RequestHandle = request.RequestHeader.RequestHandle
        return security.write_opening(struct_to_binary(answer), self.channel_id, self._number(), request_id)

    def _agreed(self, found: Opening) -> Security:
        """The policy that the opening is secured with; a renewal keeps policy and certificate."""
        if self.opened:
            if found.channel_id != self.channel_id:
                raise ChannelError(S.BadTcpSecureChannelUnknown)
            if found.policy != self._security.uri:
                raise ChannelError(S.BadSecurityPolicyRejected)
            if not self.plain and found.certificates != self._security.sent:
                raise ChannelError(S.BadSecurityChecksFailed)
            return self._security
        if found.channel_id != 0:
            raise ChannelError(S.BadTcpSecureChannelUnknown)
        if found.policy == Security.none().uri:
            return Security.none()
        policy = next((p for p in self._policies if p.uri == found.policy), None)
        if policy is None:
            raise ChannelError(S.BadSecurityPolicyRejected)
        return self._secured(policy, found)

    def _secured(self, policy: Policy, found: Opening) -> Security:
        try:
            security = Security.of(policy, found.certificates)
        except Exception:  # the parser of certificates raises of many kinds
            self._unusable(found.certificates)
            raise ChannelError(S.BadSecurityChecksFailed) from None
        if found.thumbprint != security.thumbprint:
            raise ChannelError(S.BadCertificateInvalid)
        return security

    def _chosen(self, found: Opening, wanted: ua.OpenSecureChannelParameters) -> Security:
        """The policy with the mode that was asked for; None is open to all, for discovery."""
        mode = wanted.SecurityMode
        if found.policy == Security.none().uri:
            if mode is not _NONE:
                raise ChannelError(S.BadSecurityModeRejected)
            return Security.of_none(self._policies)
        policy = next((p for p in self._policies if p.uri == found.policy and p.mode is mode), None)
        if policy is None:
            raise ChannelError(S.BadSecurityModeRejected)
        return self._secured(policy, found)

    def _check(self, found: Opening, wanted: ua.OpenSecureChannelParameters, security: Security) -> None:
        """Part 4, 5.5.2: type of request, mode and nonce."""
        if (wanted.RequestType == _ISSUE) is self.opened:
            raise ChannelError(S.BadTcpSecureChannelUnknown if not self.opened else S.BadRequestTypeInvalid)
        if wanted.SecurityMode is not security.mode:
            raise ChannelError(S.BadSecurityModeRejected)
        nonce = wanted.ClientNonce or b""
        if security.mode is not _NONE and (len(nonce) != NONCE or nonce == self._nonce):
            raise ChannelError(S.BadNonceInvalid)

    def _token(
        self, wanted: ua.OpenSecureChannelParameters, security: Security
    ) -> tuple[Token, ua.OpenSecureChannelResponse]:
        low, high = LIFETIME
        lifetime = min(max(int(wanted.RequestedLifetime), low), high)
        nonce, sealer, opener = security.derive(wanted.ClientNonce or b"")
        token = Token(self._tokens.number(), self._clock(), lifetime / 1000, sealer, opener)
        answer = ua.OpenSecureChannelResponse()
        answer.Parameters.ServerNonce = nonce
        told = answer.Parameters.SecurityToken
        told.TokenId, told.RevisedLifetime = token.id, lifetime
        return token, answer

    # -- in

    def check_plain(self, channel_id: int, token_id: int, sequence: int) -> None:
        """Channel, token and sequence number of an unsecured chunk."""
        token = self._tokens.current
        now = self._clock()
        if channel_id != self.channel_id:
            raise ChannelError(S.BadTcpSecureChannelUnknown)
        if token is None or token_id != token.id or now > token.end:
            self._tokens.use(self._found(token_id, now))
        if sequence - 1 == self.last_in:
            self.last_in = sequence
        else:
            self._count(sequence)

    def unseal(self, frame: bytes) -> tuple[int, bytes]:
        """Request id and body of a chunk, once all is found right."""
        if len(frame) < _PLAIN_HEADER:
            raise ChannelError(S.BadTcpMessageTypeInvalid)
        _, _, channel_id, token_id, sequence, request_id = _HEAD.unpack_from(frame)
        if self.plain:
            self.check_plain(channel_id, token_id, sequence)
            return request_id, frame[_PLAIN_HEADER:]
        if channel_id != self.channel_id:
            raise ChannelError(S.BadTcpSecureChannelUnknown)
        token = self._found(token_id, self._clock())
        if token.opener is None:
            raise ChannelError(S.BadSecurityChecksFailed)
        try:
            sequence, request_id, body = token.opener.open(frame)
        except BrokenSeal:
            raise ChannelError(S.BadSecurityChecksFailed) from None
        self._tokens.use(token)
        self._count(sequence)
        return request_id, body

    def _found(self, token_id: int, now: float) -> Token:
        try:
            return self._tokens.find(token_id, now)
        except UnknownToken:
            raise ChannelError(S.BadTcpSecureChannelUnknown) from None

    def _count(self, sequence: int) -> None:
        """Part 6, 6.7.2.4: numbers go up by one, and may start again near their end."""
        last = self.last_in
        wraps = last is not None and last >= _LAST_SEQUENCE - _WRAP and sequence < _WRAP
        if last is not None and sequence != last + 1 and not wraps:
            raise ChannelError(S.BadSequenceNumberInvalid)
        self.last_in = sequence

    # -- out

    def _number(self) -> int:
        self.last_out = self.last_out % _LAST_SEQUENCE + 1
        return self.last_out

    def encode(self, payload: bytes, request_id: int) -> bytes:
        """A response as one or more chunks."""
        token = self._tokens.sending(self._clock())
        sealer = token.sealer
        room = self.chunk_out - _PLAIN_HEADER if sealer is None else sealer.room(self.chunk_out)
        if sealer is None and len(payload) <= room:
            size, number = len(payload) + _PLAIN_HEADER, self._number()
            return _HEAD.pack(b"MSGF", size, self.channel_id, token.id, number, request_id) + payload
        view = memoryview(payload)
        parts: list[bytes | bytearray | memoryview] = []
        for start in range(0, len(payload), room):
            part = view[start : start + room]
            kind = b"MSGF" if start + room >= len(payload) else b"MSGC"
            size = len(part) + _PLAIN_HEADER if sealer is None else sealer.size(len(part))
            head = _HEAD.pack(kind, size, self.channel_id, token.id, self._number(), request_id)
            parts += (head, part) if sealer is None else (sealer.seal(head, part),)
        return b"".join(parts)
