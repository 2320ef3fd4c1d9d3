"""Application instance certificates that Voltkeep makes for itself, or that an administrator brought (X1).

The server's lies in `pki/own`, the HMI's in `hmi`: a certificate (`.der`, its issuers' appended to it where
an authority signed it) and its key (`.key.pem`). One that we made is made anew before it ends. One that was
brought is never touched. Changed host names do not make a new one, because every client would have to
trust it anew: the log says so, and removing the files makes one.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.errors import StartError
from server.security.trust import CertificateError, der, parse_chain

log = structlog.get_logger(__name__)

VALID_DAYS: Final = 3650
RENEW_DAYS: Final = 30
KEY_BITS: Final = 2048
ORGANIZATION: Final = "Voltkeep"


@dataclass(frozen=True)
class OwnCertificate:
    """A certificate with its key, and the certificates of its issuers."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def sent(self) -> bytes:
        """What others are shown: the certificate, then its issuers (Part 6, 6.2.6)."""
        return b"".join(map(der, (self.certificate, *self.issuers)))


@dataclass(frozen=True)
class Application:
    """Whom a certificate is made for: its application URI, name, host, and the length of its key."""

    uri: str
    name: str
    host: str
    key_bits: int = KEY_BITS


def own_certificate(folder: Path, application: Application, stem: str = "own") -> OwnCertificate:
    """The certificate of `application` in `folder`, made where there is none or ours is about to end.

    Raises `StartError` for files that cannot be used.
    """
    certificate_path, key_path = folder / f"{stem}.der", folder / f"{stem}.key.pem"
    if certificate_path.exists() and key_path.exists():
        found = _read(certificate_path, key_path)
        if not _ends_soon(found.certificate):
            _warn_of_names(found.certificate, application, certificate_path)
            return found
        if not _is_ours(found.certificate):
            log.warning("certificate ends soon, and was not made by us", file=str(certificate_path))
            return found
        log.info("certificate ends soon: a new one is made", file=str(certificate_path))
    return _make(certificate_path, key_path, application)


def _read(certificate_path: Path, key_path: Path) -> OwnCertificate:
    try:
        chain = parse_chain(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    except (OSError, ValueError, TypeError, CertificateError) as error:
        raise StartError(f"{certificate_path} and {key_path.name} cannot be read: {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != chain[0].public_key():
        raise StartError(f"{key_path} is not the key of {certificate_path}")
    return OwnCertificate(chain[0], key, chain[1:])


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - dt.datetime.now(dt.UTC) < dt.timedelta(days=RENEW_DAYS)


def _is_ours(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return certificate.subject == certificate.issuer and [name.value for name in names] == [ORGANIZATION]


def _warn_of_names(certificate: x509.Certificate, application: Application, path: Path) -> None:
    known = host_names(certificate)
    if not known.issuperset(_hosts(application.host)):
        log.warning(
            "certificate does not name this host: clients may refuse it",
            named=sorted(known),
            to_make_a_new_one=f"remove {path}",
        )


def _make(certificate_path: Path, key_path: Path, application: Application) -> OwnCertificate:
    certificate_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if certificate_path.exists():
        certificate_path.replace(certificate_path.with_suffix(".der.old"))
    key = rsa.generate_private_key(public_exponent=65537, key_size=application.key_bits)
    certificate = _self_signed(key, application)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    # Moved into place: a certificate that is there is whole, and belongs to the key that is there.
    beside = certificate_path.with_suffix(".new")
    beside.write_bytes(der(certificate))
    beside.replace(certificate_path)
    return OwnCertificate(certificate, key)


def _self_signed(key: rsa.RSAPrivateKey, application: Application) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, application.name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    # Part 6, 6.2.2: the URI comes first in the subjectAltName; both usages, and it signs itself.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(application)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


# -- names of the host


def host_names(certificate: x509.Certificate) -> frozenset[str]:
    """Hosts that a certificate names, in small letters."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return frozenset(hosts) | {str(address) for address in names.get_values_for_type(x509.IPAddress)}


def _hosts(host: str) -> list[str]:
    """Names under which clients reach us: this machine's, the loopback's, and the one of the settings."""
    names = [socket.gethostname().lower(), "localhost"]
    if _address(host) is None or not ipaddress.ip_address(host).is_unspecified:
        names.append(host.lower())
    return list(dict.fromkeys(names))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _names(application: Application) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application.uri)]
    for host in _hosts(application.host):
        address = _address(host)
        names.append(x509.DNSName(host) if address is None else x509.IPAddress(address))
    return names
