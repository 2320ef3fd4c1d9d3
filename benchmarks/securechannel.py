"""Secure channels of the measuring client, as cheap as can be: policy None, and Basic256Sha256 that signs and
encrypts.

A chunk is sealed by one HMAC and one AES call over bytes that were made beforehand. Of an answer only the
first blocks are decrypted, where its type and counts stand; `opened` decrypts and verifies all of it.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import Any, Final, Protocol

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256, SecurityPolicyNone
from asyncua.crypto.uacrypto import p_sha256
from asyncua.ua.ua_binary import header_from_binary, struct_from_binary, struct_to_binary
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CHUNK: Final = 65_535
HEAD: Final = 256  # bytes of an answer that tell what it is
_HEADER: Final = struct.Struct("<3scIII")  # type, final, size, channel, token
_NUMBERS: Final = struct.Struct("<II")
_BODY_AT: Final = _HEADER.size + _NUMBERS.size
_SIGNATURE, _BLOCK, _KEYS = 32, 16, (32, 32, 16)
_LIFETIME: Final = 3_600_000  # ms


@dataclass(frozen=True)
class Identity:
    """Who connects over a secured channel: application certificate and key, user and password."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    user: str
    password: str


class SecureChannel(Protocol):
    """What a connection asks of its channel; a chunk is a whole one, from its type on."""

    room: int  # most bytes of a message in a chunk

    def opening(self) -> bytes:
        """The chunk that opens the channel."""

    def take_opened(self, chunk: bytes) -> None:
        """The chunk that answers it."""

    def sealed(self, final: bytes, number: int, request_id: int, part: bytes) -> bytes:
        """A chunk with a part of a message."""

    def head(self, chunk: memoryview) -> bytes:
        """The first bytes of the part of a message in a chunk."""

    def opened(self, chunk: memoryview) -> bytes:
        """The part of a message in a chunk, verified."""


def _open_request(mode: ua.MessageSecurityMode, nonce: bytes) -> bytes:
    request = ua.OpenSecureChannelRequest()
    request.Parameters.SecurityMode = mode
    request.Parameters.RequestedLifetime = _LIFETIME
    request.Parameters.ClientNonce = nonce
    return bytes(struct_to_binary(request))


class _Opening:
    """The handshake, by asyncua's own channel: it is no part of what is measured."""

    def __init__(self, policy: Any) -> None:
        self._channel = SecureConnection(policy, TransportLimits())

    def ask(self, mode: ua.MessageSecurityMode, nonce: bytes) -> bytes:
        return bytes(
            self._channel.message_to_binary(_open_request(mode, nonce), ua.MessageType.SecureOpen, 1)
        )

    def answer(self, chunk: bytes) -> Any:
        buffer = Buffer(chunk)
        header = header_from_binary(buffer)
        message = self._channel.receive_from_header_and_body(header, buffer)
        return struct_from_binary(ua.OpenSecureChannelResponse, message.body()).Parameters


class Plain:
    """Security policy None."""

    room = CHUNK - _BODY_AT

    def __init__(self) -> None:
        self._opening = _Opening(SecurityPolicyNone())
        self._channel = self._token = 0

    def opening(self) -> bytes:
        """See `SecureChannel`."""
        return self._opening.ask(ua.MessageSecurityMode.None_, b"")

    def take_opened(self, chunk: bytes) -> None:
        """See `SecureChannel`."""
        token = self._opening.answer(chunk).SecurityToken
        self._channel, self._token = token.ChannelId, token.TokenId

    def sealed(self, final: bytes, number: int, request_id: int, part: bytes) -> bytes:
        """See `SecureChannel`."""
        size = _BODY_AT + len(part)
        head = _HEADER.pack(b"MSG", final, size, self._channel, self._token)
        return b"".join((head, _NUMBERS.pack(number, request_id), part))

    def head(self, chunk: memoryview) -> bytes:
        """See `SecureChannel`."""
        return bytes(chunk[_BODY_AT : _BODY_AT + HEAD])

    def opened(self, chunk: memoryview) -> bytes:
        """See `SecureChannel`."""
        return bytes(chunk[_BODY_AT:])


class Secured:
    """Basic256Sha256, SignAndEncrypt."""

    room = CHUNK - _BODY_AT - _SIGNATURE - 2 * _BLOCK

    def __init__(self, identity: Identity, server_certificate: bytes) -> None:
        mode = ua.MessageSecurityMode.SignAndEncrypt
        self._opening = _Opening(
            SecurityPolicyBasic256Sha256(server_certificate, identity.certificate, identity.key, mode)
        )
        self._nonce = secrets.token_bytes(32)
        self._channel = self._token = 0
        self._sign_key = self._verify_key = b""
        self._encrypt: Cipher[modes.CBC]
        self._decrypt: Cipher[modes.CBC]

    def opening(self) -> bytes:
        """See `SecureChannel`."""
        return self._opening.ask(ua.MessageSecurityMode.SignAndEncrypt, self._nonce)

    def take_opened(self, chunk: bytes) -> None:
        """See `SecureChannel`; keys by Part 6, 6.7.5."""
        answer = self._opening.answer(chunk)
        self._channel, self._token = answer.SecurityToken.ChannelId, answer.SecurityToken.TokenId
        self._sign_key, key, vector = p_sha256(answer.ServerNonce, self._nonce, _KEYS)
        self._encrypt = Cipher(algorithms.AES(key), modes.CBC(vector))
        self._verify_key, key, vector = p_sha256(self._nonce, answer.ServerNonce, _KEYS)
        self._decrypt = Cipher(algorithms.AES(key), modes.CBC(vector))

    def sealed(self, final: bytes, number: int, request_id: int, part: bytes) -> bytes:
        """See `SecureChannel`."""
        content = _NUMBERS.size + len(part) + 1 + _SIGNATURE
        padding = -content % _BLOCK
        size = _HEADER.size + content + padding
        head = _HEADER.pack(b"MSG", final, size, self._channel, self._token)
        body = b"".join((_NUMBERS.pack(number, request_id), part, bytes((padding,)) * (padding + 1)))
        signature = hmac.digest(self._sign_key, head + body, "sha256")
        return head + self._encrypt.encryptor().update(body + signature)

    def head(self, chunk: memoryview) -> bytes:
        """See `SecureChannel`."""
        blocks = chunk[_HEADER.size : _HEADER.size + HEAD]
        return self._decrypt.decryptor().update(blocks)[_NUMBERS.size :]

    def opened(self, chunk: memoryview) -> bytes:
        """See `SecureChannel`."""
        body = self._decrypt.decryptor().update(chunk[_HEADER.size :])
        signed = bytes(chunk[: _HEADER.size]) + body[:-_SIGNATURE]
        if hmac.digest(self._verify_key, signed, "sha256") != body[-_SIGNATURE:]:
            raise ValueError("an answer's signature is wrong")
        return body[_NUMBERS.size : -_SIGNATURE - 1 - body[-_SIGNATURE - 1]]
