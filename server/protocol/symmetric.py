"""Signing and encryption of MSG and CLO chunks (Part 6, 6.7.2): HMAC-SHA256 over all, AES-CBC below it.

A chunk is its header, the TokenId, and what is encrypted: sequence header, body, padding and signature.
All policies that are offered share these algorithms and differ in the length of the key.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CLEAR: Final = 16  # bytes that are never encrypted: header, SecureChannelId and TokenId
SIGNATURE: Final = 32
_NUMBERS: Final = struct.Struct("<II")
_SEQUENCE_HEADER: Final = _NUMBERS.size
_BLOCK: Final = 16
# Padding by its size, with the byte that tells it.
_PADDING: Final = tuple(bytes((size,)) * (size + 1) for size in range(_BLOCK))


class BrokenSeal(Exception):
    """A chunk is not what the other side signed and encrypted."""


@dataclass(frozen=True)
class KeySet:
    """What P_SHA256 gave for one direction (Part 6, 6.7.5)."""

    signing: bytes
    encryption: bytes
    vector: bytes


class Sealer:
    """Signs and encrypts chunks, or only signs them."""

    def __init__(self, keys: KeySet, encrypts: bool) -> None:
        self._hmac = hmac.new(keys.signing, digestmod="sha256")
        self._cipher = Cipher(algorithms.AES(keys.encryption), modes.CBC(keys.vector)) if encrypts else None

    def room(self, chunk: int) -> int:
        """Bytes of a body that go into a chunk of `chunk` bytes."""
        if self._cipher is None:
            return chunk - CLEAR - _SEQUENCE_HEADER - SIGNATURE
        return (chunk - CLEAR) // _BLOCK * _BLOCK - _SEQUENCE_HEADER - SIGNATURE - 1

    def size(self, body: int) -> int:
        """Size of the chunk around a body of `body` bytes."""
        size = _SEQUENCE_HEADER + body + SIGNATURE
        if self._cipher is not None:
            size += _BLOCK - size % _BLOCK
        return CLEAR + size

    def seal(self, head: bytes, body: bytes | memoryview) -> bytes | bytearray:
        """The chunk of `body`; `head` is its header with sequence header, and the size that `size` gave."""
        mac = self._hmac.copy()
        if self._cipher is None:
            mac.update(head)
            mac.update(body)
            return b"".join((head, body, mac.digest()))
        size = (_SEQUENCE_HEADER + len(body) + SIGNATURE) % _BLOCK
        signed = b"".join((head, body, _PADDING[_BLOCK - 1 - size]))
        mac.update(signed)
        chunk = bytearray(len(signed) + SIGNATURE + _BLOCK - 1)  # with the room that `update_into` asks for
        chunk[:CLEAR] = head[:CLEAR]
        encryptor = self._cipher.encryptor()
        with memoryview(chunk) as room:
            done = CLEAR + encryptor.update_into(memoryview(signed)[CLEAR:], room[CLEAR:])
            encryptor.update_into(mac.digest(), room[done:])
        del chunk[1 - _BLOCK :]
        return chunk


class Opener:
    """Decrypts and verifies what a `Sealer` of the same keys made."""

    def __init__(self, keys: KeySet, encrypts: bool) -> None:
        self._hmac = hmac.new(keys.signing, digestmod="sha256")
        self._cipher = Cipher(algorithms.AES(keys.encryption), modes.CBC(keys.vector)) if encrypts else None

    def open(self, chunk: bytes) -> tuple[int, int, bytes]:
        """Sequence number, request id and body; raises `BrokenSeal`."""
        content: bytes | memoryview = memoryview(chunk)[CLEAR:]
        if self._cipher is not None:
            if len(content) % _BLOCK:
                raise BrokenSeal("no whole blocks")
            content = self._cipher.decryptor().update(content)
        end = len(content) - SIGNATURE
        if end < _SEQUENCE_HEADER:
            raise BrokenSeal("too short")
        mac = self._hmac.copy()
        mac.update(memoryview(chunk)[:CLEAR])
        mac.update(memoryview(content)[:end])
        if not hmac.compare_digest(mac.digest(), content[end:]):
            raise BrokenSeal("signature")
        if self._cipher is not None:
            end = _before_padding(content, end)
        sequence, request_id = _NUMBERS.unpack_from(content)
        return sequence, request_id, bytes(content[_NUMBERS.size : end])


def _before_padding(content: bytes | memoryview, end: int) -> int:
    """Where the padding begins; all its bytes tell its size. It was signed, so it gives away nothing."""
    size = content[end - 1]
    start = end - size - 1
    if start < _SEQUENCE_HEADER or content[start:end] != bytes((size,)) * (size + 1):
        raise BrokenSeal("padding")
    return start
