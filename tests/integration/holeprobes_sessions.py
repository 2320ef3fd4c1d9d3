"""Probes of holes around sessions, log-in and transport; each asserts what a server must do."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncua import Client, ua
from asyncua.crypto import uacrypto
from holetargets import PASSWORD, Target, code_of
from opcuaserver import RawConnection, answer, raw, read_request, read_time

S = ua.StatusCodes
MEGABYTE = 1 << 20
RSA_15 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
RSA_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"


async def refusal(connection: RawConnection, sent: ua.ActivateSessionRequest | bytes) -> int:
    """The code of a ServiceFault, or 0 for any other answer."""
    data = await connection.ask(sent)
    if not data or struct.unpack_from("<H", data, 2)[0] != ua.ObjectIds.ServiceFault_Encoding_DefaultBinary:
        return 0
    return int(struct.unpack_from("<I", data, 4 + 8 + 4)[0])


@asynccontextmanager
async def created(target: Target) -> AsyncIterator[Client]:
    """A client on a secure channel with a session that is not activated."""
    client = await target.server.secured(target.home)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
        yield client
    finally:
        client.disconnect_socket()


async def activate(client: Client, token: ua.UserNameIdentityToken) -> ua.ActivateSessionResponse:
    """Activate with a token, and a signature that is right."""
    challenge = (client.security_policy.peer_certificate or b"") + client._server_nonce
    made = ua.ActivateSessionRequest()
    made.Parameters.UserIdentityToken = token
    made.Parameters.ClientSignature = ua.SignatureData(
        client.security_policy.AsymmetricSignatureURI,
        client.security_policy.asymmetric_cryptography.signature(challenge),
    )
    return await answer(client, ua.ActivateSessionResponse, made)


def token(client: Client, password: str, nonce: bytes, algorithm: str) -> ua.UserNameIdentityToken:
    """The administrator with an encrypted password."""
    key = uacrypto.x509_from_der(client.security_policy.peer_certificate).public_key()
    encrypt = uacrypto.encrypt_rsa15 if algorithm == RSA_15 else uacrypto.encrypt_rsa_oaep
    secret = password.encode()
    made = ua.UserNameIdentityToken("username", "admin")
    made.Password = encrypt(key, (len(secret) + len(nonce)).to_bytes(4, "little") + secret + nonce)
    made.EncryptionAlgorithm = algorithm
    return made


async def authentication_tokens_are_random(target: Target) -> None:
    async with raw(target.server) as one, raw(target.server) as other:
        tokens = [(await each.create_session()).Parameters.AuthenticationToken for each in (one, other)]
        for each in tokens:
            assert isinstance(each.Identifier, bytes), "a number can be guessed"
            assert len(each.Identifier) >= 16
        assert tokens[0] != tokens[1]


async def a_fresh_channel_cannot_take_a_session_over(target: Target) -> None:
    async with target.user() as client, raw(target.server) as thief:
        code = await refusal(thief, thief.activation(client.uaclient.protocol.authentication_token))
        assert code in (S.BadSecureChannelIdInvalid, S.BadSessionIdInvalid)


async def an_unknown_token_reads_nothing(target: Target) -> None:
    async with raw(target.server) as connection:
        await connection.log_in()
        sent = read_time()
        sent.RequestHeader.AuthenticationToken = ua.NodeId(b"x" * 32, 0, ua.NodeIdType.ByteString)
        assert await refusal(connection, connection.body(sent)) == S.BadSessionIdInvalid


async def sessions_never_activated_end_with_their_connection(target: Target) -> None:
    async with raw(target.server) as connection:
        first = (await connection.create_session()).Parameters.AuthenticationToken
        await connection.create_session()
    await asyncio.sleep(0.2)
    async with raw(target.server) as connection:
        assert await refusal(connection, connection.activation(first)) == S.BadSessionIdInvalid


async def a_password_is_bound_to_the_nonce(target: Target) -> None:
    async with created(target) as client:
        made = token(client, PASSWORD, b"\x01" * 32, RSA_OAEP)
        code = await code_of(activate(client, made))
        assert code in (S.BadIdentityTokenInvalid, S.BadIdentityTokenRejected, S.BadUserAccessDenied)


async def an_administrator_needs_the_right_password(target: Target) -> None:
    async with created(target) as client:
        made = token(client, "whatever it may be", client._server_nonce, RSA_OAEP)
        assert await code_of(activate(client, made)) == S.BadUserAccessDenied


async def rsa_1_5_is_refused(target: Target) -> None:
    async with created(target) as client:
        made = token(client, PASSWORD, client._server_nonce, RSA_15)
        code = await code_of(activate(client, made))
        assert code in (S.BadIdentityTokenInvalid, S.BadIdentityTokenRejected)


async def a_null_array_variant_costs_nothing(target: Target) -> None:
    """In the identity token's place, before log-in: an extension object whose body is a Variant."""
    async with raw(target.server) as connection:
        made = connection.activation((await connection.create_session()).Parameters.AuthenticationToken)
        body = connection.body(made)
        at = body.rindex(b"\x01\x00\x41\x01")  # AnonymousIdentityToken, 321
        literal = b"\x80" + struct.pack("<i", 20_000_000)  # nothing, twenty million times
        evil = b"\x01\x00\x55\x02\x01" + struct.pack("<i", len(literal)) + literal
        before, began = target.resident(), time.monotonic()
        connection.request += 1
        connection.write(connection.chunk(body[:at] + evil + body[-8:]))
        answered = asyncio.create_task(connection.frame())
        peak = before
        while not answered.done():
            peak = max(peak, target.resident())
            await asyncio.sleep(0.01)
        await answered
        assert max(peak, target.resident()) - before < 64 * MEGABYTE
        assert time.monotonic() - began < 1


async def a_frame_before_hello_is_bounded(target: Target) -> None:
    async with raw(target.server, opened=False) as connection:
        connection.write(struct.pack("<3scI", b"HEL", b"F", 100 * MEGABYTE))
        try:
            async with asyncio.timeout(2):
                found = await connection.frame()
        except TimeoutError:
            raise AssertionError("the server waits for the rest") from None
        assert found[:3] in (b"ERR", b"")


async def a_client_that_reads_nothing_is_not_answered_without_end(target: Target) -> None:
    async with raw(target.server) as connection:
        await connection.log_in()
        before = target.resident()
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = connection.body(read_request(target.much))
        for _ in range(300):
            connection.request += 1
            connection.write(connection.chunk(sent))
        peak = before
        for _ in range(40):
            await asyncio.sleep(0.05)
            peak = max(peak, target.resident())
        assert peak - before < 100 * MEGABYTE


PROBES = [
    authentication_tokens_are_random,
    a_fresh_channel_cannot_take_a_session_over,
    an_unknown_token_reads_nothing,
    sessions_never_activated_end_with_their_connection,
    a_password_is_bound_to_the_nonce,
    an_administrator_needs_the_right_password,
    rsa_1_5_is_refused,
    a_null_array_variant_costs_nothing,
    a_frame_before_hello_is_bounded,
    a_client_that_reads_nothing_is_not_answered_without_end,
]
