"""Who a user is, from the token that ActivateSession brings (Part 4, 7.40).

A password comes encrypted with the algorithm of the endpoint's policy and bound to the session's nonce; a
certificate comes with a signature over the same nonce. So neither can be used a second time. Nothing else is
taken: no password in the clear, no RSA 1.5, no issued tokens.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from server.errors import ServiceError
from server.security.accounts import Accounts
from server.security.errors import Busy
from server.security.gate import CertificateGate
from server.security.trust import der
from server.security.users import ANONYMOUS, User

if TYPE_CHECKING:
    from server.protocol.dispatch import Call

S = ua.StatusCodes

_MOST_SECRET: Final = 4  # blocks of the key's size: each costs a private operation
_MOST_CERTIFICATES: Final = 64 << 10  # bytes
_BASIC256: Final = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
_AES128: Final = "http://opcfoundation.org/UA/SecurityPolicy#Aes128_Sha256_RsaOaep"
_AES256: Final = "http://opcfoundation.org/UA/SecurityPolicy#Aes256_Sha256_RsaPss"
_OAEP: Final = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
_OAEP_SHA256: Final = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"
_RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_PSS_SHA256: Final = "http://opcfoundation.org/UA/security/rsa-pss-sha2-256"


def _oaep(kind: type[hashes.HashAlgorithm]) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(kind()), kind(), None)


_SHA1_OAEP: Final = _oaep(hashes.SHA1)
_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)

# Encryption and signature of a security policy (Part 7, 6.6): URI and padding each.
_Algorithms = tuple[str, padding.OAEP, str, padding.PKCS1v15 | padding.PSS]
_ALGORITHMS: Final[dict[str, _Algorithms]] = {
    _BASIC256: (_OAEP, _SHA1_OAEP, _RSA_SHA256, padding.PKCS1v15()),
    _AES128: (_OAEP, _SHA1_OAEP, _RSA_SHA256, padding.PKCS1v15()),
    _AES256: (_OAEP_SHA256, _oaep(hashes.SHA256), _PSS_SHA256, _PSS),
}


@dataclass(frozen=True)
class Challenge:
    """What a token answers to: policy of the endpoint, the nonce, and the server's certificate and chain."""

    policy_uri: str
    nonce: bytes
    certificate: bytes
    chain: bytes

    def signed_data(self) -> tuple[bytes, bytes]:
        """What a signature covers: the certificate and the nonce; some clients take the whole chain
        (Part 4, 6.1.8).
        """
        return self.certificate + self.nonce, self.chain + self.nonce


def signature_algorithm(policy_uri: str) -> str:
    """URI of a policy's signatures."""
    return _ALGORITHMS[policy_uri][2]


class UserTokens:
    """Checks tokens of the kinds that the endpoints offer; `ServiceError` says what Part 4 wants said."""

    def __init__(self, accounts: Accounts, gate: CertificateGate, key: RSAPrivateKey) -> None:
        self._accounts = accounts
        self._gate = gate
        self._key = key

    async def user(
        self,
        token: Any,
        signature: ua.SignatureData,
        offered: list[ua.UserTokenPolicy],
        challenge: Challenge,
        call: Call,
    ) -> User:
        """Whose token it is."""
        token = _or_anonymous(token)
        _check_offered(token, offered)
        if isinstance(token, ua.UserNameIdentityToken):
            password = self._password(token, challenge)
            user = await self._authenticate(token.UserName or "", password, call)
        elif isinstance(token, ua.X509IdentityToken):
            user = self._by_certificate(token, signature, challenge, call)
        else:
            user = ANONYMOUS
        if user is None:
            raise ServiceError(S.BadUserAccessDenied)
        return user

    # -- passwords

    async def _authenticate(self, name: str, password: str, call: Call) -> User | None:
        try:
            return await self._accounts.authenticate(name, password, call.connection.peer)
        except Busy:
            raise ServiceError(S.BadServerTooBusy) from None

    def _password(self, token: ua.UserNameIdentityToken, challenge: Challenge) -> str:
        """The password in the legacy format: length, password, nonce, else zeros (Part 4, 7.40.2.2)."""
        algorithm, oaep, _, _ = _ALGORITHMS[challenge.policy_uri]
        if not token.Password and not token.EncryptionAlgorithm:
            return ""  # which is nobody's, and need not be hidden
        if token.EncryptionAlgorithm != algorithm:
            raise ServiceError(S.BadIdentityTokenInvalid)
        plain = self._decrypt(token.Password or b"", oaep)
        end = 4 + int.from_bytes(plain[:4], "little")
        begin = end - len(challenge.nonce)
        fresh = begin >= 4 and hmac.compare_digest(plain[begin:end], challenge.nonce)
        if not fresh or plain[end:].strip(b"\0"):
            raise ServiceError(S.BadIdentityTokenInvalid)
        try:
            return plain[4:begin].decode("utf-8")
        except UnicodeDecodeError:
            raise ServiceError(S.BadIdentityTokenInvalid) from None

    def _decrypt(self, secret: bytes, oaep: padding.OAEP) -> bytes:
        size = self._key.key_size // 8
        if not secret or len(secret) > _MOST_SECRET * size:
            raise ServiceError(S.BadIdentityTokenInvalid)
        try:
            return b"".join(
                self._key.decrypt(secret[i : i + size], oaep) for i in range(0, len(secret), size)
            )
        except ValueError:
            raise ServiceError(S.BadIdentityTokenInvalid) from None

    # -- certificates

    def _by_certificate(
        self, token: ua.X509IdentityToken, signature: ua.SignatureData, challenge: Challenge, call: Call
    ) -> User | None:
        sent = token.CertificateData or b""
        if len(sent) > _MOST_CERTIFICATES:
            raise ServiceError(S.BadIdentityTokenInvalid)
        certificate = self._gate.check_user(sent, call)
        _, _, algorithm, kind = _ALGORITHMS[challenge.policy_uri]
        key = certificate.public_key()
        if signature.Algorithm != algorithm or not isinstance(key, RSAPublicKey):
            raise ServiceError(S.BadUserSignatureInvalid)
        if not any(_verify(key, signature.Signature, data, kind) for data in challenge.signed_data()):
            raise ServiceError(S.BadUserSignatureInvalid)
        return self._accounts.by_certificate(der(certificate))


def _verify(
    key: RSAPublicKey, signature: bytes | None, data: bytes, kind: padding.PKCS1v15 | padding.PSS
) -> bool:
    try:
        key.verify(signature or b"", data, kind, hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


# -- the kind of a token


_KINDS: Final = {
    ua.AnonymousIdentityToken: ua.UserTokenType.Anonymous,
    ua.UserNameIdentityToken: ua.UserTokenType.UserName,
    ua.X509IdentityToken: ua.UserTokenType.Certificate,
    ua.IssuedIdentityToken: ua.UserTokenType.IssuedToken,
}


def _or_anonymous(token: Any) -> Any:
    """Part 4, 5.7.3.2: no token is an anonymous one, of whatever policy the endpoint has for it."""
    empty = token is None or (isinstance(token, ua.ExtensionObject) and token.TypeId.is_null())
    return ua.AnonymousIdentityToken() if empty else token


def _check_offered(token: Any, offered: list[ua.UserTokenPolicy]) -> None:
    """The endpoint takes tokens of this kind, under this policy id."""
    kind = _KINDS.get(type(token))
    if kind is None:
        raise ServiceError(S.BadIdentityTokenInvalid)
    policies = [policy.PolicyId for policy in offered if policy.TokenType is kind]
    if not policies:
        raise ServiceError(S.BadIdentityTokenRejected)
    if token.PolicyId not in policies and not (token.PolicyId is None and kind is ua.UserTokenType.Anonymous):
        raise ServiceError(S.BadIdentityTokenInvalid)
