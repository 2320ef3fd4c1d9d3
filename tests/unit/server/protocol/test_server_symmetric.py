"""Sealed chunks are those of asyncua, and whatever is changed in one is noticed."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.connection import MessageChunk
from asyncua.common.utils import Buffer
from asyncua.crypto import uacrypto
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as some

from server.protocol.symmetric import BrokenSeal, KeySet, Opener, Sealer
from server.security.certificates import Application, _self_signed

MODES = (ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt)
POLICIES = (
    SecurityPolicyBasic256Sha256,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
)
KEYS = KeySet(b"s" * 32, b"e" * 32, b"v" * 16)
NONCES = (b"client's nonce of thirty-two byte", b"server's nonce of thirty-two byte")


@pytest.fixture(scope="module")
def credentials() -> tuple[Any, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _self_signed(key, Application("urn:test", "test", "localhost")), key


def _head(size: int, number: int = 7, request: int = 9) -> bytes:
    return struct.pack("<4sIIIII", b"MSGF", size, 5, 3, number, request)


def _pair(kind: Any, mode: ua.MessageSecurityMode, credentials: tuple[Any, Any]) -> tuple[Any, KeySet]:
    """asyncua's policy at one end, whose both directions have the same keys, and those keys."""
    certificate, key = credentials
    policy = kind(certificate, certificate, key, mode)
    policy.make_local_symmetric_key(*NONCES)
    policy.make_remote_symmetric_key(*NONCES, 3_600_000)
    return policy, KeySet(*uacrypto.p_sha256(*NONCES, (32, kind.symmetric_key_size, 16)))


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("kind", POLICIES)
def test_asyncua_and_we_read_each_others_chunks(
    kind: Any, mode: ua.MessageSecurityMode, credentials: tuple[Any, Any]
) -> None:
    policy, keys = _pair(kind, mode, credentials)
    encrypts = mode is ua.MessageSecurityMode.SignAndEncrypt
    sealer, opener = Sealer(keys, encrypts), Opener(keys, encrypts)
    for size in (*range(1, 70), 5000):
        body = os.urandom(size)
        sealed = bytes(sealer.seal(_head(sealer.size(size)), body))
        assert len(sealed) == sealer.size(size)
        chunk = MessageChunk.from_binary(policy, Buffer(sealed))
        assert (chunk.Body, chunk.SequenceHeader.SequenceNumber) == (body, 7)
        assert (chunk.SequenceHeader.RequestId, chunk.SecurityHeader.TokenId) == (9, 3)
        (theirs,) = MessageChunk.message_to_chunks(
            policy, body, 65_535, channel_id=5, request_id=9, token_id=3
        )
        theirs.SequenceHeader.SequenceNumber = 8
        assert opener.open(theirs.to_binary()) == (8, 9, body)


@pytest.mark.parametrize("encrypts", [False, True])
@pytest.mark.parametrize("chunk", [8192, 8193, 8200, 65_535])
def test_a_chunk_is_filled_as_far_as_it_goes(chunk: int, encrypts: bool) -> None:
    sealer = Sealer(KEYS, encrypts)
    room = sealer.room(chunk)
    assert chunk - 16 < sealer.size(room) <= chunk < sealer.size(room + 1)


@pytest.mark.parametrize("encrypts", [False, True])
def test_every_changed_bit_breaks_the_seal(encrypts: bool) -> None:
    sealer, opener = Sealer(KEYS, encrypts), Opener(KEYS, encrypts)
    sealed = sealer.seal(_head(sealer.size(20)), b"twenty bytes of body")
    assert opener.open(bytes(sealed)) == (7, 9, b"twenty bytes of body")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(BrokenSeal):
            opener.open(bytes(changed))


@pytest.mark.parametrize("encrypts", [False, True])
@given(data=some.binary(max_size=120))
def test_any_bytes_are_a_broken_seal(encrypts: bool, data: bytes) -> None:
    with pytest.raises(BrokenSeal):
        Opener(KEYS, encrypts).open(data)


def test_padding_that_is_signed_but_wrong_is_refused() -> None:
    sealer, plain = Sealer(KEYS, True), Sealer(KEYS, False)
    head = _head(sealer.size(7))
    signed = plain.seal(head, b"1234567" + b"\x00")  # 16 + 32 bytes: one byte of padding, which says so
    cipher = sealer._cipher
    assert cipher is not None
    good = signed[:16] + cipher.encryptor().update(bytes(signed[16:]))
    assert Opener(KEYS, True).open(good)[2] == b"1234567"
    signed = plain.seal(head, b"1234567" + b"\xff")
    with pytest.raises(BrokenSeal):
        Opener(KEYS, True).open(signed[:16] + cipher.encryptor().update(bytes(signed[16:])))
