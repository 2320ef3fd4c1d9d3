"""Everything that touches asyncua beyond its public types and codec: policies, decoder, standard nodes.

asyncua is pinned exactly; whoever raises the pin looks here first. Used of its insides are the security
policies, the MessageChunk of `common.connection` for OpenSecureChannel, how it makes decoders of lists, and
the nodes of the address space.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from asyncua import Server, ua
from asyncua.common.connection import MessageChunk
from asyncua.common.utils import Buffer
from asyncua.crypto import security_policies, uacrypto
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.ua import ua_binary, uaprotocol_auto
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_from_binary,
    nodeid_to_binary,
    struct_from_binary,
    struct_to_binary,
    to_binary,
    variant_from_binary,
    variant_to_binary,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from server.protocol.symmetric import KeySet, Opener, Sealer

__all__ = [
    "AggregateFilter",
    "AttributeValue",
    "Buffer",
    "DataChangeFilter",
    "LoadedNodes",
    "NodeData",
    "NodeSetError",
    "Policy",
    "Security",
    "empty_null_arrays",
    "guard_lists",
    "load_nodes",
    "nodeid_from_binary",
    "nodeid_to_binary",
    "offered_policies",
    "struct_from_binary",
    "struct_to_binary",
    "to_binary",
    "variant_from_binary",
    "variant_to_binary",
]

# What decoding makes: `ua.DataChangeFilter` is a class below it that only users of a client make.
DataChangeFilter: Final[Any] = uaprotocol_auto.DataChangeFilter
AggregateFilter: Final[Any] = uaprotocol_auto.AggregateFilter


def guard_lists(check: Callable[[Any, int], None]) -> None:
    """Have `check` called with the buffer and the length before a list of structures is decoded."""

    def create(kind: Any) -> Callable[[Any], list[Any]]:
        element: Callable[[Any], Any] | None = None

        def decode(data: Any) -> list[Any]:
            nonlocal element
            length = ua_binary.Primitives.Int32.unpack(data)
            check(data, length)
            if element is None:  # not before, as types may hold each other
                element = ua_binary._create_type_deserializer(kind, type(None))
            return [element(data) for _ in range(length)]

        return decode

    ua_binary._create_list_deserializer = functools.cache(create)


def empty_null_arrays(of: type[Any]) -> Callable[[Any, Any], Any]:
    """Have arrays of built-in types in structures that are decoded from an `of` be empty where they are null.

    Part 6, 5.2.5: a null array and an empty one mean the same in a service's parameters. Returns what
    decodes an array of a type as it is, for Variants.
    """
    stock = ua_binary._create_uatype_array_deserializer

    def create(kind: Any) -> Callable[[Any], Any]:
        decode_any = stock(kind)

        def decode(data: Any) -> Any:
            found = decode_any(data)
            return [] if found is None and isinstance(data, of) else found

        return decode

    ua_binary._create_uatype_array_deserializer = functools.cache(create)
    return lambda kind, data: stock(kind)(data)


class Security:
    """The security policy of one channel: what is done with private keys, certificates and nonces."""

    def __init__(self, policy: Any, sent: bytes) -> None:
        self._policy = policy
        self.sent = sent  # the certificates as the client sent them
        self.uri = str(policy.URI)
        self.mode: ua.MessageSecurityMode = policy.Mode
        self.client_certificate: bytes | None = policy.peer_certificate or None
        self.server_certificate: bytes | None = policy.host_certificate or None

    @classmethod
    def none(cls) -> Security:
        """No security, as a channel is before it is opened."""
        return cls(security_policies.SecurityPolicyNone(), b"")

    @classmethod
    def of_none(cls, policies: Sequence[Policy]) -> Security:
        """No security, with our certificate where endpoints without security have one."""
        plain = next((p for p in policies if p.mode is ua.MessageSecurityMode.None_), None)
        return cls.none() if plain is None else cls.of(plain, b"")

    @classmethod
    def of(cls, policy: Policy, certificates: bytes) -> Security:
        """A policy with a client's certificate; raises what the parser of certificates raises."""
        return cls(policy.factory.create(certificates), certificates)

    @property
    def thumbprint(self) -> bytes:
        """SHA-1 of our certificate, as a client must name it."""
        return hashlib.sha1(self.server_certificate or b"").digest()

    def sign(self, data: bytes) -> ua.SignatureData:
        """Our signature with the server's private key."""
        signature = ua.SignatureData()
        signature.Algorithm = self._policy.AsymmetricSignatureURI
        signature.Signature = self._policy.asymmetric_cryptography.signature(data)
        return signature

    def verify(self, data: bytes, signature: bytes | None) -> bool:
        """Whether the client signed `data` with the key of its certificate."""
        if self.mode is ua.MessageSecurityMode.None_:
            return True
        try:
            self._policy.asymmetric_cryptography.verify(data, signature)
        except Exception:  # whatever the crypto library says, the signature does not hold
            return False
        return True

    def read_opening(self, frame: bytes) -> tuple[int, int, bytes]:
        """Sequence number, request id and body of an OPN chunk, decrypted and verified.

        Raises many kinds of exceptions when it is not right.
        """
        buffer = Buffer(frame)
        chunk = MessageChunk.from_header_and_body(self._policy, header_from_binary(buffer), buffer)
        numbers = chunk.SequenceHeader
        return numbers.SequenceNumber, numbers.RequestId, bytes(chunk.Body)

    def write_opening(self, body: bytes, channel_id: int, sequence: int, request_id: int) -> bytes:
        """The OPN chunk of a response."""
        (chunk,) = MessageChunk.message_to_chunks(
            self._policy, body, 0, ua.MessageType.SecureOpen, channel_id, request_id
        )
        chunk.SequenceHeader.SequenceNumber = sequence
        return bytes(chunk.to_binary())

    def derive(self, client_nonce: bytes) -> tuple[bytes, Sealer | None, Opener | None]:
        """Our nonce, and the keys for what we send and receive (Part 6, 6.7.5)."""
        if self.mode is ua.MessageSecurityMode.None_:
            return b"", None, None
        nonce = os.urandom(self._policy.secure_channel_nonce_length)
        sizes = (self._policy.signature_key_size, self._policy.symmetric_key_size, 16)
        encrypts = self.mode is ua.MessageSecurityMode.SignAndEncrypt
        ours = KeySet(*uacrypto.p_sha256(client_nonce, nonce, sizes))
        theirs = KeySet(*uacrypto.p_sha256(nonce, client_nonce, sizes))
        return nonce, Sealer(ours, encrypts), Opener(theirs, encrypts)


APPLICATION_URI: Final = "urn:voltkeep:server"
_POLICIES: Final = (
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)


class NodeSetError(Exception):
    """A NodeSet2 file cannot be loaded."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


# Nodes by id, and the namespace array.
LoadedNodes: TypeAlias = tuple[dict[ua.NodeId, NodeData], list[str]]


async def load_nodes(node_sets: Iterable[Path]) -> LoadedNodes:
    """The standard address space and further NodeSet2 files; nodes by id, and the namespace array."""
    server = Server()
    await server.init()
    await server.set_application_uri(APPLICATION_URI)
    for path in node_sets:
        try:
            await server.import_xml(path)
        except Exception as error:  # whatever is wrong with a user's file, its name is what they need
            raise NodeSetError(path, f"{error}" or type(error).__name__) from error
    namespaces = await server.get_namespace_array()
    return dict(server.iserver.aspace._nodes), list(namespaces)


@dataclass(frozen=True)
class Policy:
    """A security policy and mode that is offered: its URI, mode, rank and asyncua's factory."""

    uri: str
    mode: ua.MessageSecurityMode
    level: int
    factory: Any


def offered_policies(
    certificate: x509.Certificate, key: RSAPrivateKey, issuers: Sequence[x509.Certificate], plain: bool
) -> list[Policy]:
    """The policies that are offered for sessions; None only where `plain` says so."""
    policies = []
    for kind in _POLICIES:
        policy, mode, level = security_policies.SECURITY_POLICY_TYPE_MAP[kind]
        factory = security_policies.SecurityPolicyFactory(
            policy, mode, certificate, key, certificate_chain=list(issuers)
        )
        policies.append(Policy(policy.URI, mode, level, factory))
    if plain:
        none = security_policies.SecurityPolicyNone
        factory = security_policies.SecurityPolicyFactory(none, ua.MessageSecurityMode.None_, certificate)
        policies.append(Policy(none.URI, ua.MessageSecurityMode.None_, 0, factory))
    return policies
