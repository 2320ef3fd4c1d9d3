"""Channels that are signed or encrypted, with asyncua's client at the other end, and their tokens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from opcuaserver import CLIENT_URI, PASSWORD, OpcUaTestServer, answer, read_request, send

from server.protocol.transport import Connection

S = ua.StatusCodes
MODES = ("Sign", "SignAndEncrypt")
POLICIES = (
    SecurityPolicyBasic256Sha256,
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
)


async def _client(server: OpcUaTestServer, home: Path, policy: Any, mode: str) -> Client:
    await server.secured(home)  # which makes the certificate
    client = Client(server.url, timeout=10)
    client.application_uri = CLIENT_URI
    folder = home / "client"
    await client.set_security(
        policy, folder / "own.der", folder / "own.key.pem", mode=ua.MessageSecurityMode[mode]
    )
    client.set_user("admin")
    client.set_password(PASSWORD)
    return client


def _items(server: OpcUaTestServer, count: int) -> list[ua.ReadValueId]:
    names = [f"Bangrak/UPS-1/S01/J{1 + i % 6:02}.SerialNumber" for i in range(count)]
    return [ua.ReadValueId(server.node_id(name), 13) for name in names]


def _inside(server: OpcUaTestServer, client: Client) -> Connection:
    """The server's end of a client's connection."""
    transport = client.uaclient.protocol.transport  # type: ignore[union-attr]
    port = transport.get_extra_info("sockname")[1]  # type: ignore[union-attr]
    ends = server.inside(lambda: list(server.app._opcua.dispatcher.connections))
    return next(c for c in ends if c.peer.endswith(f":{port}"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_policy_carries_messages_of_all_sizes(
    server: OpcUaTestServer, client_home: Path, policy: Any, mode: str
) -> None:
    """Requests and answers of one chunk and of many are the same as on a channel without security."""
    async with await _client(server, client_home, policy, mode) as secured, server.client() as plain:
        for count in (1, 2, 100, 5000):
            sent = read_request(_items(server, count))
            ours, theirs = [
                [value.Value for value in (await answer(client, ua.ReadResponse, sent)).Results]
                for client in (secured, plain)
            ]
            assert ours == theirs
            assert len(ours) == count


@pytest.mark.parametrize("mode", ["None_", *MODES])
async def test_a_channel_is_renewed_under_load(server: OpcUaTestServer, client_home: Path, mode: str) -> None:
    client = (
        Client(server.url, timeout=10)
        if mode == "None_"
        else await _client(server, client_home, SecurityPolicyBasic256Sha256, mode)
    )
    async with client:
        inside = _inside(server, client)
        first = inside.channel._tokens.current
        for _ in range(3):
            sent = read_request(_items(server, 50))
            reading = [asyncio.ensure_future(send(client, sent)) for _ in range(20)]
            await client.open_secure_channel(renew=True)
            reading += [asyncio.ensure_future(send(client, sent)) for _ in range(20)]
            assert all(len(data) > 1000 for data in await asyncio.gather(*reading))
        last = inside.channel._tokens.current
        assert first is not None
        assert last is not None
        assert last.id == first.id + 3


@pytest.mark.parametrize("mode", MODES)
async def test_a_chunk_that_was_tampered_with_or_replayed_ends_the_connection(
    server: OpcUaTestServer, client_home: Path, mode: str
) -> None:
    for spoil in (_flip_last_bit, _repeat):
        client = await _client(server, client_home, SecurityPolicyBasic256Sha256, mode)
        async with client:
            inside = _inside(server, client)
            transport = client.uaclient.protocol.transport  # type: ignore[union-attr]
            taken: list[bytes] = []
            stock = transport.write  # type: ignore[union-attr]
            transport.write = lambda data, taken=taken: taken.append(bytes(data))  # type: ignore
            reading = asyncio.ensure_future(send(client, read_request(_items(server, 1))))
            await asyncio.sleep(0)
            transport.write = stock  # type: ignore[union-attr]
            stock(spoil(taken[0]))
            await asyncio.wait([reading], timeout=10)
            assert server.inside(lambda inside=inside: inside.closed)


def _flip_last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


def _repeat(data: bytes) -> bytes:
    return data + data


async def test_a_channel_past_its_life_is_closed(server: OpcUaTestServer, client_home: Path) -> None:
    client = await _client(server, client_home, SecurityPolicyBasic256Sha256, "Sign")
    async with client:
        inside = _inside(server, client)
        token = inside.channel._tokens.current
        assert token is not None
        channel = inside.channel

        def later(lives: float) -> bool:
            channel._clock = lambda: token.made + lives * token.lifetime
            inside.check(0.0)
            return inside.closed

        assert not server.inside(lambda: later(1.24))
        assert server.inside(lambda: later(1.26))


async def test_openings_are_audited(server: OpcUaTestServer, client_home: Path) -> None:
    seen: list[str] = []
    audit = server.app._opcua.audit
    stock = audit.record

    def record(kind: int, action: str, **terms: Any) -> None:
        seen.append(action)
        stock(kind, action, **terms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "record", record)
        async with await _client(server, client_home, SecurityPolicyBasic256Sha256, "Sign") as client:
            await client.open_secure_channel(renew=True)
    assert {"open channel", "renew channel", "close channel"} <= set(seen)
