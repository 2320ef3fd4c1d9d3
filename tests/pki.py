"""Certificates, authorities and revocation lists for tests, sound ones and faulty ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
URI = "urn:test:client"
CLIENT_AUTH = (ExtendedKeyUsageOID.CLIENT_AUTH,)

_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
CLIENT_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
CA_USES = ("key_cert_sign", "crl_sign")


@cache
def key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key; making one takes time, so they are shared by number."""
    return rsa.generate_private_key(65537, bits)


@cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    """A key that is not RSA."""
    return ec.generate_private_key(ec.SECP256R1())


def usage(*uses: str) -> x509.KeyUsage:
    """A KeyUsage with these uses."""
    return x509.KeyUsage(**{use: use in uses for use in _USES})


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The key."""
        return bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


@dataclass(frozen=True)
class Plan:
    """What a certificate says; the defaults are those of a sound client."""

    name: str = "client"
    key: Any = field(default_factory=key)
    begin: dt.datetime = NOW - DAY
    end: dt.datetime = NOW + 365 * DAY
    uri: str | None = URI
    uses: tuple[str, ...] | None = CLIENT_USES
    extended: tuple[x509.ObjectIdentifier, ...] | None = CLIENT_AUTH
    ca: bool = False
    path_length: int | None = None
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    more: tuple[x509.Extension[Any], ...] = ()


def name_of(text: str) -> x509.Name:
    """A subject."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(plan: Plan, issuer: Made | None = None, signed_with: Any = None) -> Made:
    """A certificate that its issuer signed, or itself; `signed_with` is a wrong key."""
    subject = name_of(plan.name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(plan.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(plan.begin)
        .not_valid_after(plan.end)
        .add_extension(x509.BasicConstraints(plan.ca, plan.path_length), critical=True)
    )
    if plan.uses is not None:
        builder = builder.add_extension(usage(*plan.uses), critical=True)
    if plan.extended is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(plan.extended)), critical=False)
    if plan.uri is not None:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(plan.uri)])
        builder = builder.add_extension(names, critical=False)
    for extension in plan.more:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    signer = signed_with or (issuer.key if issuer else plan.key)
    return Made(builder.sign(signer, plan.hash), plan.key)


def authority(name: str, issuer: Made | None = None, **changes: Any) -> Made:
    """A certificate authority with a key of its own."""
    terms: dict[str, Any] = {
        "name": name,
        "key": key(sum(name.encode())),
        "uri": None,
        "uses": CA_USES,
        "extended": None,
        "ca": True,
    }
    return make(Plan(**(terms | changes)), issuer)


def signed_with_sha1(made: Made) -> Made:
    """A certificate that signed itself, with SHA-1 in place of SHA-256, which no tool makes any more."""
    sha256, sha1 = (bytes.fromhex(f"06092a864886f70d0101{end}") for end in ("0b", "05"))
    data = made.der.replace(sha256, sha1)
    body = x509.load_der_x509_certificate(data).tbs_certificate_bytes
    signature = made.key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Made(x509.load_der_x509_certificate(data[: -len(signature)] + signature), made.key)


def crl(
    issuer: Made,
    *revoked: Made,
    begin: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + DAY,
    signer: Any = None,
) -> x509.CertificateRevocationList:
    """A revocation list of an authority."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(begin)
        .next_update(end)
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
    return builder.sign(signer or issuer.key, hashes.SHA256())
