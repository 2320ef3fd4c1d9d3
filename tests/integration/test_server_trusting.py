"""Whom the server lets in by certificate, over real sockets (X1; Part 4, 6.1.3 and 5.7)."""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyAes256Sha256RsaPss, SecurityPolicyBasic256Sha256
from asyncua.crypto.uacrypto import CertProperties
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from opcuaserver import OpcUaTestServer, raw, read_time

from server.security.audit import AuditEntry
from server.security.certificatestore import CertificateStore, file_name
from server.security.trust import thumbprint
from server.security.users import Role
from tests.pki import DAY, NOW, URI, Made, Plan, authority, crl, key, make

S = ua.StatusCodes
Ids = ua.ObjectIds
CLIENT = Plan()
STATE = ua.ObjectIds.Server_ServerStatus_State


@pytest.fixture
def pki(server: OpcUaTestServer) -> Iterator[CertificateStore]:
    """The server's store, which is as it was afterwards."""
    store = CertificateStore(server.settings.home / "pki")
    before = {file for file in store.root.rglob("*") if file.is_file()}
    yield store
    for file in store.root.rglob("*"):
        if file.is_file() and file not in before:
            file.unlink()


@pytest.fixture
def audited(server: OpcUaTestServer) -> Iterator[list[AuditEntry]]:
    """What is audited meanwhile."""
    entries: list[AuditEntry] = []
    audit = server.app._opcua.audit
    server.inside(lambda: audit.flush(everything=True))  # what other tests repeated is not held against these
    server.inside(lambda: audit.sinks.append(entries.append))
    yield entries
    server.inside(lambda: server.app._opcua.audit.sinks.remove(entries.append))


async def client_of(
    server: OpcUaTestServer, made: Made, *issuers: Made, uri: str = URI, policy: Any = None
) -> Client:
    """A client with a certificate that is not yet connected."""
    client = Client(server.url, timeout=5)
    client.application_uri = uri
    await client.set_security(
        policy or SecurityPolicyBasic256Sha256,
        made.der,
        CertProperties(made.pem, "pem"),
        certificate_chain=[issuer.der for issuer in issuers],
    )
    return client


async def told(server: OpcUaTestServer, made: Made, *issuers: Made) -> int:
    """What a client is told that opens a channel: 0 when it may."""
    client = await client_of(server, made, *issuers)
    await client.connect_socket()
    protocol = client.uaclient.protocol
    assert protocol is not None
    codes: asyncio.Queue[int] = asyncio.Queue()
    process = protocol._process_received_message

    def spy(message: Any) -> None:
        if isinstance(message, ua.ErrorMessage):
            codes.put_nowait(message.Error.value)
            return
        process(message)

    protocol._process_received_message = spy
    try:
        await client.send_hello()
        opening = asyncio.create_task(client.open_secure_channel())
        refused = asyncio.create_task(codes.get())
        await asyncio.wait({opening, refused}, return_when=asyncio.FIRST_COMPLETED)
        code = 0 if not refused.done() else refused.result()
        for task in (opening, refused):
            task.cancel()
        await asyncio.gather(opening, refused, return_exceptions=True)
        return code
    finally:
        client.disconnect_socket()


def put(folder: Path, *made: Made) -> None:
    for each in made:
        (folder / file_name(each.certificate)).write_bytes(each.der)


def put_crl(pki: CertificateStore, issuer: Made, *revoked: Made) -> None:
    data = crl(issuer, *revoked).public_bytes(Encoding.DER)
    (pki.root / "trusted" / "crl" / f"{len(revoked)}.crl").write_bytes(data)


def kinds(entries: list[AuditEntry]) -> list[tuple[int, int]]:
    return [(entry.kind, entry.status) for entry in entries if "certificate" in entry.action]


# -- channels


async def test_a_stranger_comes_in_once_a_person_has_moved_a_file(
    server: OpcUaTestServer, pki: CertificateStore, audited: list[AuditEntry]
) -> None:
    made = make(CLIENT)
    assert await told(server, made) == S.BadSecurityChecksFailed
    file = pki.rejected / file_name(made.certificate)
    assert file.read_bytes() == made.der
    assert kinds(audited) == [(Ids.AuditCertificateUntrustedEventType, S.BadCertificateUntrusted)]
    [entry] = [entry for entry in audited if entry.action == "refuse certificate"]
    assert entry.fields[("Certificate",)].Value == made.der
    assert entry.peer.startswith("127.0.0.1:")
    shutil.move(file, pki.trusted)
    assert await told(server, made) == 0
    (pki.trusted / file.name).unlink()
    assert await told(server, made) == S.BadSecurityChecksFailed


async def test_a_client_that_cannot_prove_its_certificate_is_not_even_rejected(
    server: OpcUaTestServer, pki: CertificateStore, audited: list[AuditEntry]
) -> None:
    """Or else anyone could fill the list of rejected ones, and try which certificates are trusted."""
    made = make(CLIENT)
    put(pki.trusted, made)
    assert await told(server, Made(made.certificate, key(1))) == S.BadSecurityChecksFailed
    assert kinds(audited) == []
    assert not pki.was_rejected(made.certificate)


@pytest.mark.parametrize(
    "sent", [b"no certificate", b"\x30\x03\x02\x01\x05", b""], ids=["text", "der", "none"]
)
async def test_what_is_no_certificate_is_refused_like_any_other(
    server: OpcUaTestServer, audited: list[AuditEntry], sent: bytes
) -> None:
    uri = b"http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
    parts = (uri, sent, bytes(20))
    body = struct.pack("<I", 0) + b"".join(struct.pack("<i", len(part)) + part for part in parts) + bytes(256)
    async with raw(server, opened=False) as connection:
        await connection.hello()
        connection.write(b"OPNF" + struct.pack("<I", len(body) + 8) + body)
        assert await connection.error() == S.BadSecurityChecksFailed
    assert kinds(audited) == [(Ids.AuditCertificateInvalidEventType, S.BadCertificateInvalid)]


async def test_a_trusted_authority_vouches_for_its_clients(
    server: OpcUaTestServer, pki: CertificateStore, audited: list[AuditEntry]
) -> None:
    root = authority("Plant root")
    middle = authority("Plant clients", root)
    made, other = make(CLIENT, middle), make(CLIENT, middle)
    put(pki.trusted, root)
    assert await told(server, made) == S.BadSecurityChecksFailed
    assert kinds(audited) == [(Ids.AuditCertificateInvalidEventType, S.BadCertificateChainIncomplete)]
    assert await told(server, made, middle) == S.BadCertificateRevocationUnknown
    put_crl(pki, root)
    (pki.root / "issuers" / "crl" / "middle.crl").write_bytes(crl(middle).public_bytes(Encoding.PEM))
    assert await told(server, made, middle) == 0
    put(pki.root / "issuers" / "certs", middle)
    assert await told(server, made) == 0
    (pki.root / "issuers" / "crl" / "new.crl").write_bytes(crl(middle, made).public_bytes(Encoding.DER))
    audited.clear()
    assert await told(server, made) == S.BadSecurityChecksFailed
    assert kinds(audited) == [(Ids.AuditCertificateRevokedEventType, S.BadCertificateRevoked)]
    assert await told(server, other) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"end": NOW - DAY / 2}, S.BadCertificateTimeInvalid),
        ({"begin": NOW + DAY}, S.BadCertificateTimeInvalid),
        ({"extended": (ExtendedKeyUsageOID.SERVER_AUTH,)}, S.BadCertificateUseNotAllowed),
        ({"uses": None}, S.BadCertificateUseNotAllowed),
    ],
)
async def test_a_trusted_client_is_told_what_it_can_mend(
    server: OpcUaTestServer, pki: CertificateStore, changes: dict[str, Any], code: int
) -> None:
    made = make(replace(CLIENT, **changes))
    assert await told(server, made) == S.BadSecurityChecksFailed
    put(pki.trusted, made)
    assert await told(server, made) == code


async def test_loops_and_long_chains_end_at_once(server: OpcUaTestServer, pki: CertificateStore) -> None:
    one = authority("one")
    two = authority("two", one)
    crossed = authority("one", two)  # one again, signed by two
    made = make(CLIENT, crossed)
    assert await told(server, made, crossed, two) == S.BadSecurityChecksFailed
    assert await told(server, made, *[two] * 20) == S.BadSecurityChecksFailed
    async with raw(server) as connection:
        await connection.log_in()
        assert len(await connection.ask(read_time())) > 24


# -- sessions


async def refusal(client: Client) -> int:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.connect()
    return int(refused.value.code)


async def test_the_application_uri_must_be_the_certificates(
    server: OpcUaTestServer, pki: CertificateStore, audited: list[AuditEntry]
) -> None:
    made = make(CLIENT)
    put(pki.trusted, made)
    client = await client_of(server, made, uri="urn:test:another")
    assert await refusal(client) == S.BadCertificateUriInvalid
    mismatch, created = [entry for entry in audited if entry.status]
    assert mismatch.kind == Ids.AuditCertificateDataMismatchEventType
    assert mismatch.fields[("InvalidUri",)].Value == "urn:test:another"
    assert (created.kind, created.status) == (Ids.AuditCreateSessionEventType, S.BadCertificateUriInvalid)


async def test_creation_activation_and_end_are_audited(
    server: OpcUaTestServer, client_home: Path, audited: list[AuditEntry]
) -> None:
    async with server.admin(client_home) as client:
        certificate = client.security_policy.host_certificate
    found = {entry.kind: entry for entry in audited}
    created = found[Ids.AuditCreateSessionEventType]
    assert created.fields[("ClientCertificate",)].Value == certificate
    assert len(created.fields[("ClientCertificateThumbprint",)].Value) == 40
    activated = found[Ids.AuditActivateSessionEventType]
    assert (activated.user, activated.status) == ("admin", 0)
    assert activated.fields[("UserIdentityToken",)].Value.Password is None
    assert found[Ids.AuditSessionEventType].user == "admin"
    assert created.session == activated.session == found[Ids.AuditSessionEventType].session


async def test_a_url_that_is_not_ours_is_audited_and_served(
    server: OpcUaTestServer, audited: list[AuditEntry]
) -> None:
    client = Client(server.url)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        client._server_url = client.server_url._replace(netloc="plant.example:4840")
        await client.create_session()
    finally:
        client.disconnect_socket()
    [mismatch] = [entry for entry in audited if entry.kind == Ids.AuditUrlMismatchEventType]
    assert mismatch.fields[("EndpointUrl",)].Value == "opc.tcp://plant.example:4840/voltkeep"


@pytest.mark.parametrize(("host", "shown"), [("localhost", "localhost"), ("LOCALHOST", "localhost")])
async def test_endpoints_have_the_host_that_the_client_used(
    server: OpcUaTestServer, host: str, shown: str
) -> None:
    client = Client(server.url.replace("127.0.0.1", host))
    endpoints = await client.connect_and_get_server_endpoints()
    assert {e.EndpointUrl for e in endpoints} == {server.url.replace("127.0.0.1", shown)}
    [found] = await client.connect_and_find_servers()
    assert found.DiscoveryUrls == [server.url.replace("127.0.0.1", shown)]


@pytest.mark.parametrize(
    "url", ["", "opc.tcp://evil.example:1/x", "opc.tcp://[::", "nonsense", "opc.tcp://127.0.0.1.:4840"]
)
async def test_a_host_that_is_not_ours_is_not_repeated(server: OpcUaTestServer, url: str) -> None:
    async with raw(server) as connection:
        request = ua.GetEndpointsRequest()
        request.Parameters.EndpointUrl = url
        answer = ua.ua_binary.struct_from_binary(
            ua.GetEndpointsResponse, ua.utils.Buffer(await connection.ask(request))
        )
    assert {e.EndpointUrl for e in answer.Endpoints} == {server.url}


# -- users with certificates


@pytest.fixture
async def ann(server: OpcUaTestServer, pki: CertificateStore) -> Made:
    """A user's certificate that belongs to an account."""
    made = make(Plan(name="ann", uri=None, extended=None, uses=("digital_signature",), key=key(2)))
    accounts = server.app._opcua.accounts
    adding = accounts.add_certificate(thumbprint(made.certificate), Role.OPERATOR)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(adding, server.loop))
    return made


async def with_user(server: OpcUaTestServer, home: Path, user: Made, policy: Any = None) -> Client:
    client = await server.secured(home)
    if policy is not None:
        folder = home / "client"
        await client.set_security(policy, folder / "own.der", folder / "own.key.pem")
    client.user_certificate, client.user_private_key = user.certificate, user.key
    return client


@pytest.mark.parametrize("policy", [SecurityPolicyBasic256Sha256, SecurityPolicyAes256Sha256RsaPss])
async def test_a_user_logs_in_with_a_trusted_certificate(
    server: OpcUaTestServer, client_home: Path, pki: CertificateStore, ann: Made, policy: Any
) -> None:
    put(pki.root / "users" / "trusted" / "certs", ann)
    async with await with_user(server, client_home, ann, policy) as client:
        assert await client.get_node(STATE).read_value() == 0
        sessions = server.app._opcua.sessions.by_token
        users = server.inside(lambda: [(s.user.name[:5], s.user.role) for s in sessions.values()])
    assert ("x509-", Role.OPERATOR) in users


async def test_an_account_makes_no_certificate_trusted(
    server: OpcUaTestServer, client_home: Path, pki: CertificateStore, ann: Made
) -> None:
    assert await refusal(await with_user(server, client_home, ann)) == S.BadIdentityTokenRejected
    assert (pki.root / "users" / "rejected" / file_name(ann.certificate)).exists()


async def test_trust_makes_no_account(
    server: OpcUaTestServer, client_home: Path, pki: CertificateStore
) -> None:
    bob = make(Plan(name="bob", uri=None, extended=None, key=key(3)))
    put(pki.root / "users" / "trusted" / "certs", bob)
    assert await refusal(await with_user(server, client_home, bob)) == S.BadUserAccessDenied


async def test_a_users_certificate_needs_its_key(
    server: OpcUaTestServer, client_home: Path, pki: CertificateStore, ann: Made
) -> None:
    put(pki.root / "users" / "trusted" / "certs", ann)
    stolen = Made(ann.certificate, key(1))
    assert await refusal(await with_user(server, client_home, stolen)) == S.BadUserSignatureInvalid


async def test_a_clients_certificate_is_no_users(server: OpcUaTestServer, client_home: Path) -> None:
    client = await server.secured(client_home)
    folder = client_home / "client"
    await client.load_client_certificate(folder / "own.der")
    await client.load_private_key(folder / "own.key.pem")
    assert await refusal(client) == S.BadIdentityTokenRejected
