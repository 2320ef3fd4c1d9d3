"""Everything that touches asyncua beyond its public types and codec: channel, standard nodes, server object.

asyncua is pinned exactly; whoever raises the pin looks here first. Used of its insides are the
SecureConnection of `common.connection`, the security policies, and the node table of the address space.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

from asyncua import Server, ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto import security_policies
from asyncua.server.address_space import AttributeValue, NodeData
from asyncua.ua import ua_binary, uaprotocol_auto
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_to_binary,
    struct_from_binary,
    struct_to_binary,
    to_binary,
    uatcp_to_binary,
    variant_to_binary,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = [
    "AttributeValue",
    "Buffer",
    "Channel",
    "ChannelError",
    "DataChangeFilter",
    "Hello",
    "LoadedNodes",
    "Message",
    "MessageKind",
    "NodeData",
    "NodeTable",
    "Policy",
    "load_nodes",
    "nodeid_to_binary",
    "offered_policies",
    "struct_from_binary",
    "struct_to_binary",
    "to_binary",
    "variant_to_binary",
]

Hello: TypeAlias = ua.Hello
# What decoding makes: `ua.DataChangeFilter` is a class below it that only users of a client make.
DataChangeFilter: Final[Any] = uaprotocol_auto.DataChangeFilter

_MESSAGE: Final = struct.Struct("<3scIIIII")
_PLAIN_HEADER: Final = 24
_BAD_SEQUENCE: Final = 0x8088_0000
_BAD_CHANNEL_UNKNOWN: Final = 0x807F_0000
_BAD_SECURITY_CHECKS: Final = 0x8013_0000
_BAD_MESSAGE_TYPE: Final = 0x807E_0000
_BAD_CONNECTION_REJECTED: Final = 0x80AC_0000
_SEQUENCE_WRAP: Final = 0xFFFF_FFFF - 1024
_LEAST_BUFFER: Final = 8192  # Part 6, 7.1.2.3
_LIFETIME: Final = (10_000, 3_600_000)  # ms, of a channel's token


def _harden_decoder() -> None:
    """Refuse what lets a request of a few bytes cost gigabytes: arrays whose elements take no bytes, and
    dimensions that are filled up with empty lists.
    """
    stock = ua_binary.unpack_uatype_array

    def unpack_uatype_array(kind: ua.VariantType, data: Buffer) -> Any:
        if kind is ua.VariantType.Null:
            raise ua.UaError("an array of nothing")
        return stock(kind, data)

    ua_binary.unpack_uatype_array = unpack_uatype_array
    ua_binary.MAX_RESHAPE_ELEMENTS = 10_000


_harden_decoder()


class ChannelError(Exception):
    """The connection is closed with an error message of this StatusCode."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = code


class MessageKind(Enum):
    """What a secured message is."""

    OPEN = 0
    CLOSE = 1
    REQUEST = 2


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message: its kind, request id, body from the TypeId on, and security header."""

    kind: MessageKind
    request_id: int
    body: bytes
    security: Any = None
    sequence: Any = None


class Channel:
    """The secure channel of one connection, on asyncua's SecureConnection."""

    def __init__(
        self, policies: list[Any], new_channel_id: Callable[[], int], chunk: int, message: int, chunks: int
    ) -> None:
        limits = TransportLimits(chunk, chunk, chunks, message)
        self._limits = limits
        self._link = SecureConnection(security_policies.SecurityPolicyNone(), limits)
        self._link.set_policy_factories(policies)
        self._ids = _ChannelIds(new_channel_id)
        self._hello = False

    @property
    def plain(self) -> bool:
        """Whether messages are neither signed nor encrypted."""
        return self._link.is_open() and self.mode is ua.MessageSecurityMode.None_

    @property
    def mode(self) -> ua.MessageSecurityMode:
        """Security mode."""
        return self._link.security_policy.Mode

    @property
    def policy_uri(self) -> str:
        """URI of the security policy."""
        return str(self._link.security_policy.URI)

    @property
    def client_certificate(self) -> bytes | None:
        """The client's certificate [DER]."""
        certificate: bytes | None = self._link.security_policy.peer_certificate
        return certificate

    @property
    def server_certificate(self) -> bytes | None:
        """Our certificate [DER]."""
        certificate: bytes | None = self._link.security_policy.host_certificate
        return certificate

    @property
    def channel_id(self) -> int:
        """SecureChannelId."""
        return int(self._link.security_token.ChannelId)

    @property
    def max_response(self) -> int:
        """Largest message [bytes] that the client takes; 0 is no limit."""
        return int(self._limits.max_message_size)

    def sign(self, data: bytes) -> ua.SignatureData:
        """Our signature with the server's private key."""
        policy = self._link.security_policy
        signature = ua.SignatureData()
        signature.Algorithm = policy.AsymmetricSignatureURI
        signature.Signature = policy.asymmetric_cryptography.signature(data)
        return signature

    def verify(self, data: bytes, signature: bytes | None) -> bool:
        """Whether the client signed `data` with the key of its certificate."""
        if self.mode is ua.MessageSecurityMode.None_:
            return True
        try:
            self._link.security_policy.asymmetric_cryptography.verify(data, signature)
        except Exception:  # whatever the crypto library says, the signature does not hold
            return False
        return True

    # -- in

    def receive(self, frame: bytes) -> Hello | Message | None:
        """What a whole frame completes: a Hello, a message, or nothing yet."""
        buffer = Buffer(frame)
        try:
            header = header_from_binary(buffer)
        except Exception:
            raise ChannelError(_BAD_MESSAGE_TYPE) from None
        if header.MessageType == ua.MessageType.Hello:
            if self._hello:
                raise ChannelError(_BAD_MESSAGE_TYPE)
            self._hello = True
        elif not self._hello:
            raise ChannelError(_BAD_MESSAGE_TYPE)
        try:
            message = self._link.receive_from_header_and_body(header, buffer)
        except ua.UaStatusCodeError as error:
            raise ChannelError(error.code) from None
        except Exception:
            raise ChannelError(_BAD_SECURITY_CHECKS) from None
        if message is None or isinstance(message, ua.Hello):
            return message
        if not isinstance(message, ua.Message):
            raise ChannelError(_BAD_MESSAGE_TYPE)
        kind = {
            ua.MessageType.SecureOpen: MessageKind.OPEN,
            ua.MessageType.SecureClose: MessageKind.CLOSE,
        }.get(header.MessageType, MessageKind.REQUEST)
        sequence = message.SequenceHeader()
        return Message(kind, sequence.RequestId, bytes(message.body()), message.SecurityHeader(), sequence)

    def check_plain(self, channel_id: int, token_id: int, sequence: int) -> None:
        """Channel, token and sequence number of an unsecured chunk (Part 6, 6.7.2)."""
        link = self._link
        if channel_id != link.security_token.ChannelId:
            raise ChannelError(_BAD_CHANNEL_UNKNOWN)
        if token_id != link.security_token.TokenId:
            try:
                link._check_sym_header(ua.SymmetricAlgorithmHeader(token_id))
            except ua.UaError:
                raise ChannelError(_BAD_CHANNEL_UNKNOWN) from None
        last = link._peer_sequence_number
        if last is not None and sequence != last + 1 and not (sequence < 1024 and last >= _SEQUENCE_WRAP):
            raise ChannelError(_BAD_SEQUENCE)
        link._peer_sequence_number = sequence

    # -- out

    def acknowledge(self, hello: Hello) -> bytes:
        """The answer to a Hello."""
        if min(hello.ReceiveBufferSize, hello.SendBufferSize) < _LEAST_BUFFER:
            raise ChannelError(_BAD_CONNECTION_REJECTED)
        ack = self._limits.create_acknowledge_and_set_limits(hello)
        return bytes(uatcp_to_binary(ua.MessageType.Acknowledge, ack))

    def open(self, message: Message) -> bytes:
        """Open or renew the channel; the answer to the request."""
        try:
            request = struct_from_binary(ua.OpenSecureChannelRequest, Buffer(message.body))
        except Exception:
            raise ChannelError(_BAD_SECURITY_CHECKS) from None
        low, high = _LIFETIME
        request.Parameters.RequestedLifetime = min(max(request.Parameters.RequestedLifetime, low), high)
        link = self._link
        if not link.is_open():
            try:
                link.select_policy(
                    message.security.SecurityPolicyURI,
                    message.security.SenderCertificate,
                    request.Parameters.SecurityMode,
                )
            except ua.UaError:
                raise ChannelError(int(ua.StatusCodes.BadSecurityPolicyRejected)) from None
        response = ua.OpenSecureChannelResponse()
        response.Parameters = link.open(request.Parameters, self._ids)
        response.ResponseHeader.RequestHandle = request.RequestHeader.RequestHandle
        return bytes(
            link.message_to_binary(struct_to_binary(response), ua.MessageType.SecureOpen, message.request_id)
        )

    def encode(self, payload: bytes, request_id: int) -> bytes:
        """A response as one or more chunks."""
        link = self._link
        if not self.plain:
            return bytes(link.message_to_binary(payload, request_id=request_id))
        size = self._limits.max_send_buffer - _PLAIN_HEADER
        channel, token = link.security_token.ChannelId, link.security_token.TokenId
        parts = []
        for start in range(0, len(payload), size):
            part = payload[start : start + size]
            final = b"F" if start + size >= len(payload) else b"C"
            sequence = link._sequence_number = link._sequence_number % 0xFFFF_FFFF + 1
            parts += [
                _MESSAGE.pack(b"MSG", final, len(part) + _PLAIN_HEADER, channel, token, sequence, request_id),
                part,
            ]
        return b"".join(parts)


class _ChannelIds:
    """What SecureConnection.open asks of a server."""

    def __init__(self, new: Callable[[], int]) -> None:
        self.get_new_channel_id = new


class NodeTable(dict[ua.NodeId, NodeData]):
    """asyncua's node table with ours behind it: what it lacks is asked of `resolve`."""

    def __init__(
        self, nodes: Mapping[ua.NodeId, NodeData], resolve: Callable[[ua.NodeId], NodeData | None]
    ) -> None:
        super().__init__(nodes)
        self._resolve = resolve

    def get(self, key: ua.NodeId, default: Any = None) -> Any:
        node = dict.get(self, key)
        if node is None:
            node = self._resolve(key)
        return default if node is None else node

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or (isinstance(key, ua.NodeId) and self._resolve(key) is not None)

    def __missing__(self, key: ua.NodeId) -> NodeData:
        node = self._resolve(key)
        if node is None:
            raise KeyError(key)
        return node


APPLICATION_URI: Final = "urn:voltkeep:server"
_POLICIES: Final = (
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)


# Nodes by id, and the namespace array.
LoadedNodes: TypeAlias = tuple[dict[ua.NodeId, NodeData], list[str]]


async def load_nodes(node_sets: Iterable[Path]) -> LoadedNodes:
    """The standard address space and further NodeSet2 files; nodes by id, and the namespace array."""
    server = Server()
    await server.init()
    await server.set_application_uri(APPLICATION_URI)
    for path in node_sets:
        await server.import_xml(path)
    namespaces = await server.get_namespace_array()
    return dict(server.iserver.aspace._nodes), list(namespaces)


@dataclass(frozen=True)
class Policy:
    """A security policy and mode that is offered: its URI, mode, rank and asyncua's factory."""

    uri: str
    mode: ua.MessageSecurityMode
    level: int
    factory: Any


def offered_policies(certificate: x509.Certificate, key: RSAPrivateKey, plain: bool) -> list[Policy]:
    """The policies that are offered for sessions; None only where `plain` says so."""
    policies = []
    for kind in _POLICIES:
        policy, mode, level = security_policies.SECURITY_POLICY_TYPE_MAP[kind]
        factory = security_policies.SecurityPolicyFactory(policy, mode, certificate, key)
        policies.append(Policy(policy.URI, mode, level, factory))
    if plain:
        none = security_policies.SecurityPolicyNone
        factory = security_policies.SecurityPolicyFactory(none, ua.MessageSecurityMode.None_, certificate)
        policies.append(Policy(none.URI, ua.MessageSecurityMode.None_, 0, factory))
    return policies
