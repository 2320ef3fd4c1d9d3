"""What a user's X.509 certificate is known by: its thumbprint, or its subject (Part 18, 4.4.3).

A thumbprint is hexadecimal in upper case, of SHA-1 as OPC UA has it or of SHA-256; a subject is written as
`CN="ann"/O="Plant"`, in the order of Part 18, Table 9. Whether a certificate is trusted is decided elsewhere.
"""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

MAX_SUBJECT: Final = 1000
_THUMBPRINT: Final = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_SUBJECT: Final = re.compile(r'CN="(?P<name>[^"]+)"(/[A-Za-z]+="[^"]*")*')
_PARTS: Final = (
    ("CN", NameOID.COMMON_NAME),
    ("O", NameOID.ORGANIZATION_NAME),
    ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ("DC", NameOID.DOMAIN_COMPONENT),
    ("L", NameOID.LOCALITY_NAME),
    ("S", NameOID.STATE_OR_PROVINCE_NAME),
    ("C", NameOID.COUNTRY_NAME),
    ("dnQualifier", NameOID.DN_QUALIFIER),
    ("serialNumber", NameOID.SERIAL_NUMBER),
)


def is_thumbprint(text: str) -> bool:
    """Whether this is a thumbprint."""
    return _THUMBPRINT.fullmatch(text) is not None


def name_in(subject: str) -> str | None:
    """The common name of a subject that is written as it should be, or None."""
    found = _SUBJECT.fullmatch(subject) if len(subject) <= MAX_SUBJECT else None
    return found["name"] if found else None


def known_by(der: bytes) -> tuple[str, ...]:
    """Thumbprints and subject of a certificate; `ValueError` when it is none."""
    certificate = x509.load_der_x509_certificate(der)
    thumbprints = [certificate.fingerprint(kind).hex().upper() for kind in (hashes.SHA256(), hashes.SHA1())]
    written = subject(certificate.subject)
    return (*thumbprints, written) if written else tuple(thumbprints)


def subject(name: x509.Name) -> str:
    """A subject as Part 18 writes it; empty where a value holds a quote, for it could pass as another."""
    values = [(short, str(part.value)) for short, oid in _PARTS for part in name.get_attributes_for_oid(oid)]
    if any('"' in value for _, value in values):
        return ""
    return "/".join(f'{short}="{value}"' for short, value in values)
