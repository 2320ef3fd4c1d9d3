"""Discovery, sessions and log-in (Part 4, 5.5 and 5.7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto import uacrypto
from opcuaserver import CLIENT_URI, PASSWORD, OpcUaTestServer, answer, raw, read_request, read_time

from config.settings import Settings
from server.security.accounts import Accounts
from server.security.users import Role

S = ua.StatusCodes
MAX_FAILURES = Settings().security.lockout_failures
STATE = ua.ObjectIds.Server_ServerStatus_State


@asynccontextmanager
async def connected(
    server: OpcUaTestServer, home: Path, mode: str = "SignAndEncrypt"
) -> AsyncIterator[Client]:
    """A client with a created session that is not activated."""
    client = await server.secured(home, mode)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
        yield client
    finally:
        client.disconnect_socket()


def accounts(server: OpcUaTestServer) -> Accounts:
    return server.app._opcua.accounts


@pytest.fixture(autouse=True)
def nobody_is_locked(server: OpcUaTestServer) -> None:
    server.inside(lambda: accounts(server).lockout.unlock("admin"))
    server.inside(server.app._opcua.session_service.slow_down.clear)


async def test_endpoints_offer_the_secure_policies_and_anonymous_on_none(server: OpcUaTestServer) -> None:
    endpoints = await Client(server.url).connect_and_get_server_endpoints()
    offered = {(e.SecurityPolicyUri.rpartition("#")[2], e.SecurityMode.name) for e in endpoints}
    secure = ("Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss")
    assert offered == {(p, m) for p in secure for m in ("Sign", "SignAndEncrypt")} | {("None", "None_")}
    for endpoint in endpoints:
        kinds = {token.TokenType for token in endpoint.UserIdentityTokens}
        plain = endpoint.SecurityMode is ua.MessageSecurityMode.None_
        secured = {ua.UserTokenType.UserName, ua.UserTokenType.Certificate}
        assert kinds == ({ua.UserTokenType.Anonymous} if plain else secured)
        assert endpoint.EndpointUrl == server.url


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_the_administrator_logs_in(server: OpcUaTestServer, client_home: Path, mode: str) -> None:
    async with server.admin(client_home, mode=mode) as client:
        assert await client.get_node(STATE).read_value() == 0


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "wrong"), ("admin", ""), ("admin", PASSWORD + " "), ("nobody", PASSWORD), ("", PASSWORD)],
)
async def test_a_wrong_name_or_password_is_refused(
    server: OpcUaTestServer, client_home: Path, name: str, password: str
) -> None:
    async with connected(server, client_home) as client:
        client.set_user(name or "x")
        client._username = name
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await client.activate_session(username=name, password=password)
        assert refused.value.code in (S.BadUserAccessDenied, S.BadIdentityTokenRejected)
        with pytest.raises(ua.UaStatusCodeError):
            await client.get_node(STATE).read_value()


async def test_nobody_is_anonymous_on_a_secure_channel(server: OpcUaTestServer, client_home: Path) -> None:
    async with connected(server, client_home) as client:
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = ua.AnonymousIdentityToken("anonymous")
        request.Parameters.ClientSignature = _signed(client)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == S.BadIdentityTokenRejected


async def test_no_password_travels_over_a_plain_channel(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        token = (await connection.create_session()).Parameters.AuthenticationToken
        request = connection.activation(token)
        request.Parameters.UserIdentityToken = ua.UserNameIdentityToken(
            "username", "admin", PASSWORD.encode()
        )
        assert await connection.fault(request) == S.BadIdentityTokenRejected


def _signed(client: Client) -> ua.SignatureData:
    challenge = (client.security_policy.peer_certificate or b"") + client._server_nonce
    return ua.SignatureData(
        client.security_policy.AsymmetricSignatureURI,
        client.security_policy.asymmetric_cryptography.signature(challenge),
    )


async def _log_in(client: Client, password: bytes, nonce: bytes, name: str = "admin") -> None:
    """Activate with a password that is encrypted for `nonce`."""
    key = uacrypto.x509_from_der(client.security_policy.peer_certificate).public_key()
    token = ua.UserNameIdentityToken("username", name)
    plain = (len(password) + len(nonce)).to_bytes(4, "little") + password + nonce
    token.Password = uacrypto.encrypt_rsa_oaep(key, plain)
    token.EncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
    request = ua.ActivateSessionRequest()
    request.Parameters.UserIdentityToken = token
    request.Parameters.ClientSignature = _signed(client)
    response = await answer(client, ua.ActivateSessionResponse, request)
    client._server_nonce = response.Parameters.ServerNonce


async def test_a_password_counts_for_one_log_in_only(server: OpcUaTestServer, client_home: Path) -> None:
    async with connected(server, client_home) as client:
        nonce = client._server_nonce
        await _log_in(client, PASSWORD.encode(), nonce)
        assert client._server_nonce != nonce
        assert len(client._server_nonce) == 32
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await _log_in(client, PASSWORD.encode(), nonce)
        assert refused.value.code == S.BadIdentityTokenInvalid
        await _log_in(client, PASSWORD.encode(), client._server_nonce)


@pytest.mark.parametrize("secret", [b"", b"short", bytes(256), bytes(255), b"\xff" * 512])
async def test_a_secret_that_cannot_be_decrypted_is_refused(
    server: OpcUaTestServer, client_home: Path, secret: bytes
) -> None:
    async with connected(server, client_home) as client:
        token = ua.UserNameIdentityToken("username", "admin", secret)
        token.EncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = token
        request.Parameters.ClientSignature = _signed(client)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == S.BadIdentityTokenInvalid


async def test_rsa_1_5_is_not_taken(server: OpcUaTestServer, client_home: Path) -> None:
    async with connected(server, client_home) as client:
        token = ua.UserNameIdentityToken("username", "admin", bytes(256))
        token.EncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = token
        request.Parameters.ClientSignature = _signed(client)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == S.BadIdentityTokenInvalid


async def test_a_wrong_signature_is_refused(server: OpcUaTestServer, client_home: Path) -> None:
    async with connected(server, client_home) as client:
        client._server_nonce = bytes(32)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await _log_in(client, PASSWORD.encode(), bytes(32))
        assert refused.value.code == S.BadApplicationSignatureInvalid


async def test_guesses_at_the_same_time_are_not_more_guesses(server: OpcUaTestServer) -> None:
    """The lock-out counts what is being tried, not only what was found wrong already."""
    known = accounts(server)

    async def guess() -> list[str | None]:
        tried = [known.authenticate("admin", f"guess {i}") for i in range(3 * MAX_FAILURES)]
        users = await asyncio.gather(*tried, known.authenticate("admin", PASSWORD))
        return [user.name if user else None for user in users]

    future = asyncio.run_coroutine_threadsafe(guess(), server.loop)
    assert set(await asyncio.wrap_future(future)) == {None}


async def test_an_account_is_locked_after_wrong_passwords(server: OpcUaTestServer, client_home: Path) -> None:
    async with connected(server, client_home) as client:
        for _ in range(MAX_FAILURES):
            with pytest.raises(ua.UaStatusCodeError):
                await _log_in(client, b"wrong", client._server_nonce)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await _log_in(client, PASSWORD.encode(), client._server_nonce)
        assert refused.value.code == S.BadUserAccessDenied
        server.inside(lambda: accounts(server).lockout.unlock("admin"))
        await _log_in(client, PASSWORD.encode(), client._server_nonce)


async def test_roles_are_those_of_the_account(server: OpcUaTestServer, client_home: Path) -> None:
    future = asyncio.run_coroutine_threadsafe(
        accounts(server).set("viola", Role.VIEWER, "Evening-shift"), server.loop
    )
    await asyncio.wrap_future(future)
    async with server.admin(client_home, "viola", "Evening-shift"):
        users = server.inside(lambda: [s.user for s in server.app._opcua.sessions.by_token.values()])
    assert ("viola", Role.VIEWER) in [(user.name, user.role) for user in users]


# -- tokens, channels and ends


async def test_tokens_are_random_and_long(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        tokens = [(await connection.create_session()).Parameters.AuthenticationToken for _ in range(3)]
    assert len({token.Identifier for token in tokens}) == 3
    assert all(len(token.Identifier) == 32 for token in tokens)


async def test_a_token_is_worth_nothing_on_another_channel(server: OpcUaTestServer) -> None:
    async with raw(server) as owner, raw(server) as thief:
        await owner.log_in()
        request = read_time()
        request.RequestHeader.AuthenticationToken = owner.session
        assert await thief.fault(request) == S.BadSessionIdInvalid
        close = ua.CloseSessionRequest()
        close.RequestHeader.AuthenticationToken = owner.session
        assert await thief.fault(close) == S.BadSessionIdInvalid
        assert len(await owner.ask(read_time())) > 24


async def test_a_created_session_cannot_be_activated_by_another_channel(server: OpcUaTestServer) -> None:
    async with raw(server) as owner, raw(server) as thief:
        token = (await owner.create_session()).Parameters.AuthenticationToken
        assert await thief.fault(thief.activation(token)) == S.BadSecureChannelIdInvalid


async def test_an_anonymous_channel_cannot_take_a_users_session(
    server: OpcUaTestServer, client_home: Path
) -> None:
    async with server.admin(client_home) as admin, raw(server) as thief:
        token = admin.uaclient.protocol.authentication_token
        assert await thief.fault(thief.activation(token)) == S.BadSecureChannelIdInvalid


async def test_a_session_moves_to_a_new_channel_of_the_same_client(
    server: OpcUaTestServer, client_home: Path
) -> None:
    async with connected(server, client_home) as old, connected(server, client_home) as new:
        await _log_in(old, PASSWORD.encode(), old._server_nonce)
        new.uaclient.protocol.authentication_token = old.uaclient.protocol.authentication_token
        new._server_nonce = old._server_nonce
        await _log_in(new, PASSWORD.encode(), new._server_nonce)
        assert await new.get_node(STATE).read_value() == 0
        with pytest.raises(ua.UaStatusCodeError):
            await old.get_node(STATE).read_value()


async def test_a_service_before_activation_ends_the_session(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        token = (await connection.create_session()).Parameters.AuthenticationToken
        request = read_time()
        request.RequestHeader.AuthenticationToken = token
        assert await connection.fault(request) == S.BadSessionNotActivated
        assert await connection.fault(connection.activation(token)) == S.BadSessionIdInvalid


async def test_a_closed_session_is_gone(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        await connection.ask(ua.CloseSessionRequest())
        assert await connection.fault(read_time()) == S.BadSessionIdInvalid


async def test_the_time_out_is_revised_and_holds(server: OpcUaTestServer) -> None:
    sessions = server.app._opcua.sessions
    async with raw(server) as connection:
        request = ua.CreateSessionRequest()
        request.Parameters.RequestedSessionTimeout = 1.0
        response = ua.ua_binary.struct_from_binary(
            ua.CreateSessionResponse, ua.utils.Buffer(await connection.ask(request))
        )
        assert response.Parameters.RevisedSessionTimeout == 10_000
        token = response.Parameters.AuthenticationToken
        session = next(s for s in server.inside(lambda: list(sessions.by_token.values())) if s.token == token)
        session.last_contact -= 9
        await connection.ask(connection.activation(token))  # which is contact, too
        connection.session = token
        session.last_contact -= 9
        server.inside(sessions.sweep)  # of what other tests left behind
        assert not session.closed
        assert server.inside(sessions.sweep) == []
        await connection.ask(read_time())
        session.last_contact -= 11
        assert server.inside(sessions.sweep) == [session]
        assert await connection.fault(read_time()) == S.BadSessionIdInvalid


async def test_sessions_that_are_never_activated_make_room(server: OpcUaTestServer) -> None:
    """Part 4, 5.7.2.1: the oldest that is not activated goes when there are too many."""
    async with raw(server) as hoarder, raw(server) as user:
        await user.log_in()
        for _ in range(server.settings.opcua.max_sessions + 3):
            await hoarder.create_session()
        async with raw(server) as late:
            await late.log_in()
            assert len(await late.ask(read_time())) > 24
        assert len(await user.ask(read_time())) > 24


async def test_a_lost_connection_keeps_the_session_for_its_client(server: OpcUaTestServer) -> None:
    async with raw(server) as first:
        await first.log_in()
        token = first.session
        assert token is not None
    async with raw(server) as second:
        await second.ask(second.activation(token))
        second.session = token
        assert len(await second.ask(read_time())) > 24


async def test_an_unknown_service_is_refused(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        assert await connection.fault(ua.AddNodesRequest()) == S.BadServiceUnsupported


async def test_an_answer_that_is_too_large_for_the_client_is_refused(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        request = ua.CreateSessionRequest()
        request.Parameters.MaxResponseMessageSize = 2000
        response = ua.ua_binary.struct_from_binary(
            ua.CreateSessionResponse, ua.utils.Buffer(await connection.ask(request))
        )
        connection.session = response.Parameters.AuthenticationToken
        await connection.ask(connection.activation(connection.session))
        voltage = ua.ReadValueId(server.node_id("Bangrak/UPS-1/S01/J01.Voltage"), 13)
        assert len(await connection.ask(read_request([voltage] * 60))) > 60 * 30
        assert await connection.fault(read_request([voltage] * 70)) == S.BadResponseTooLarge


async def test_cancel_ends_waiting_publish_requests(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        await client.create_subscription(1000, _Nobody())
        waiting = client.uaclient.protocol._send_request(ua.PublishRequest(), 10)
        handle = client.uaclient.protocol._request_handle
        request = ua.CancelRequest()
        request.Parameters.RequestHandle = handle
        response = await answer(client, ua.CancelResponse, request)
        assert response.Parameters.CancelCount == 1
        data = await waiting
    fault = ua.ua_binary.struct_from_binary(ua.ServiceFault, data)
    assert fault.ResponseHeader.ServiceResult.value == S.BadRequestCancelledByClient


class _Nobody:
    """A subscription handler that does not care."""

    def datachange_notification(self, node: object, value: object, data: object) -> None:
        """Not of interest."""


# -- what ActivateSession takes


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (ua.UserNameIdentityToken("username", "admin", PASSWORD.encode()), S.BadIdentityTokenInvalid),
        (ua.UserNameIdentityToken("certificate", "admin", b"x"), S.BadIdentityTokenInvalid),
        (ua.UserNameIdentityToken(None, "admin", b"x"), S.BadIdentityTokenInvalid),
        (ua.IssuedIdentityToken("issued", b"x", ""), S.BadIdentityTokenRejected),
        (ua.X509IdentityToken("certificate", b"garbage"), S.BadIdentityTokenInvalid),
        (ua.X509IdentityToken("certificate", b"\x30\x82\xff\xff" * 10_000), S.BadIdentityTokenInvalid),
        (ua.X509IdentityToken("certificate", None), S.BadIdentityTokenInvalid),
        (ua.AnonymousIdentityToken("username"), S.BadIdentityTokenRejected),
        (ua.ReadValueId(), S.BadIdentityTokenInvalid),
    ],
)
async def test_tokens_that_are_not_offered_or_not_right_are_refused(
    server: OpcUaTestServer, client_home: Path, token: object, code: int
) -> None:
    """Part 4, 7.40: not even an encrypted channel makes a password in the clear acceptable."""
    async with connected(server, client_home) as client:
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = token
        request.Parameters.ClientSignature = _signed(client)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == code


async def test_a_long_secret_is_not_decrypted(server: OpcUaTestServer, client_home: Path) -> None:
    """Each block costs an operation with the private key: a megabyte of them would cost seconds."""
    async with connected(server, client_home) as client:
        token = ua.UserNameIdentityToken("username", "admin", bytes(256 * 200))
        token.EncryptionAlgorithm = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
        request = ua.ActivateSessionRequest()
        request.Parameters.UserIdentityToken = token
        request.Parameters.ClientSignature = _signed(client)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == S.BadIdentityTokenInvalid


@pytest.mark.parametrize("algorithm", ["", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"])
async def test_a_signature_of_another_algorithm_is_refused(
    server: OpcUaTestServer, client_home: Path, algorithm: str
) -> None:
    async with connected(server, client_home) as client:
        request = ua.ActivateSessionRequest()
        request.Parameters.ClientSignature = _signed(client)
        request.Parameters.ClientSignature.Algorithm = algorithm
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ActivateSessionResponse, request)
        assert refused.value.code == S.BadApplicationSignatureInvalid


async def test_a_session_does_not_move_to_a_less_secure_channel(
    server: OpcUaTestServer, client_home: Path
) -> None:
    async with connected(server, client_home) as old, connected(server, client_home, "Sign") as new:
        await _log_in(old, PASSWORD.encode(), old._server_nonce)
        new.uaclient.protocol.authentication_token = old.uaclient.protocol.authentication_token
        new._server_nonce = old._server_nonce
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await _log_in(new, PASSWORD.encode(), new._server_nonce)
        assert refused.value.code == S.BadSecureChannelIdInvalid
        assert await old.get_node(STATE).read_value() == 0


async def test_a_user_may_change_on_the_same_channel_but_not_while_moving(
    server: OpcUaTestServer, client_home: Path
) -> None:
    adding = accounts(server).set("zoe", Role.VIEWER, "Zinc-plates-88")
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(adding, server.loop))
    async with connected(server, client_home) as old, connected(server, client_home) as new:
        await _log_in(old, b"Zinc-plates-88", old._server_nonce, "zoe")
        await _log_in(old, PASSWORD.encode(), old._server_nonce)
        new.uaclient.protocol.authentication_token = old.uaclient.protocol.authentication_token
        new._server_nonce = old._server_nonce
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await _log_in(new, b"Zinc-plates-88", new._server_nonce, "zoe")
        assert refused.value.code == S.BadIdentityTokenRejected
        assert await old.get_node(STATE).read_value() == 0


@pytest.mark.parametrize("size", [0, 31, 129])
async def test_the_clients_nonce_has_a_length(server: OpcUaTestServer, client_home: Path, size: int) -> None:
    client = await server.secured(client_home)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        request = ua.CreateSessionRequest()
        request.Parameters.ClientNonce = bytes(size)
        request.Parameters.ClientCertificate = client.security_policy.host_certificate
        request.Parameters.ClientDescription.ApplicationUri = CLIENT_URI
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.CreateSessionResponse, request)
        assert refused.value.code == S.BadNonceInvalid
    finally:
        client.disconnect_socket()


async def test_a_session_that_nobody_can_activate_ends(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        token = (await connection.create_session()).Parameters.AuthenticationToken
        request = connection.activation(token)
        request.Parameters.UserIdentityToken = ua.X509IdentityToken("certificate", b"x")
        for _ in range(10):
            server.inside(server.app._opcua.session_service.slow_down.clear)
            assert await connection.fault(request) == S.BadIdentityTokenRejected
        assert await connection.fault(connection.activation(token)) == S.BadSessionIdInvalid


async def test_failures_slow_down_and_success_does_not(server: OpcUaTestServer) -> None:
    slow = server.app._opcua.session_service.slow_down
    waits = server.inside(lambda: [slow.failed("127.0.0.1") for _ in range(4)])
    assert waits[:2] == [0, 0]
    async with raw(server) as connection:
        token = (await connection.create_session()).Parameters.AuthenticationToken
        began = asyncio.get_running_loop().time()
        wrong = connection.activation(token)
        wrong.Parameters.UserIdentityToken = ua.X509IdentityToken("certificate", b"x")
        assert await connection.fault(wrong) == S.BadIdentityTokenRejected
        assert asyncio.get_running_loop().time() - began > 2 * waits[-1] * 0.9
        await connection.ask(connection.activation(token))
    assert server.inside(lambda: slow.failed("127.0.0.1")) == 0
