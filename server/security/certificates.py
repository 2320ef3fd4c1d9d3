"""The server's own certificate and key, made at first start and kept under the home directory (X1)."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS: Final = 3650
KEY_BITS: Final = 2048


def own_certificate(directory: Path, uri: str, host: str) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """The application instance certificate for `uri` in `directory`; made when it is not there."""
    certificate_path, key_path = directory / "own.der", directory / "own.key.pem"
    if certificate_path.exists() and key_path.exists():
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return x509.load_der_x509_certificate(certificate_path.read_bytes()), key
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate_path.unlink(missing_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    certificate = _self_signed(key, uri, host)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    # Moved into place: a certificate that is there is whole, and belongs to the key that is there.
    beside = certificate_path.with_suffix(".new")
    beside.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
    beside.replace(certificate_path)
    return certificate, key


def _self_signed(key: rsa.RSAPrivateKey, uri: str, host: str) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Voltkeep"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Voltkeep"),
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
        .add_extension(x509.SubjectAlternativeName(_names(uri, host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _names(uri: str, host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri)]
    names += [x509.DNSName(name) for name in dict.fromkeys([socket.gethostname(), "localhost"])]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return names
