"""Whether a certificate is trusted: the steps of Part 4, 6.1.3, over certificates, lists and time.

`parse_chain` makes certificates of what a client sent, `validate` takes them through the steps in the order
of the standard. What fails is a `CertificateError`, which says the step's StatusCode and, in words for the
log, why. Sizes and numbers are bounded before anything is worked out: a chain has at most ten certificates,
and each is asked for its issuer once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from itertools import pairwise
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

MAX_CHAIN: Final = 10
MAX_BYTES: Final = 16_384  # of one certificate
_MAX_KEY_BITS: Final = 8192  # beyond it a key is not even looked at
_KEY_BITS: Final = (2048, 4096)  # of all security policies that are offered (Part 7, 6.6)
_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_MAX_CANDIDATES: Final = 8  # issuers of one name that are tried


class Fault(IntEnum):
    """StatusCodes of the steps."""

    INVALID = 0x8012_0000  # BadCertificateInvalid
    CHAIN_INCOMPLETE = 0x810D_0000
    POLICY_CHECK_FAILED = 0x8114_0000
    UNTRUSTED = 0x801A_0000
    TIME_INVALID = 0x8014_0000
    ISSUER_TIME_INVALID = 0x8015_0000
    URI_INVALID = 0x8017_0000
    USE_NOT_ALLOWED = 0x8018_0000
    ISSUER_USE_NOT_ALLOWED = 0x8019_0000
    REVOCATION_UNKNOWN = 0x801B_0000
    ISSUER_REVOCATION_UNKNOWN = 0x801C_0000
    REVOKED = 0x801D_0000
    ISSUER_REVOKED = 0x801E_0000


class CertificateError(Exception):
    """A step failed: its StatusCode, and why; `certificate` is the one that failed, where it can be read."""

    def __init__(self, fault: Fault, reason: str, certificate: x509.Certificate | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.certificate = certificate


class Purpose(Enum):
    """What the certificate is shown for."""

    CLIENT = "to open a channel"
    USER = "to log in"


@dataclass(frozen=True)
class Rules:
    """What an administrator may change: whether a CA needs a revocation list, and whether anyone may in."""

    purpose: Purpose = Purpose.CLIENT
    crl_required: bool = True
    accept_unknown: bool = False


@dataclass(frozen=True)
class TrustList:
    """Certificates that are trusted, issuers that only complete chains, and revocation lists."""

    trusted: tuple[x509.Certificate, ...] = ()
    issuers: tuple[x509.Certificate, ...] = ()
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    _by_subject: dict[x509.Name, list[x509.Certificate]] = field(init=False, repr=False, compare=False)
    _trusted: frozenset[x509.Certificate] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_subject: dict[x509.Name, list[x509.Certificate]] = {}
        for certificate in (*self.trusted, *self.issuers):
            by_subject.setdefault(certificate.subject, []).append(certificate)
        object.__setattr__(self, "_by_subject", by_subject)
        object.__setattr__(self, "_trusted", frozenset(self.trusted))

    def trusts(self, certificate: x509.Certificate) -> bool:
        """Whether this very certificate is on the list of trusted ones."""
        return certificate in self._trusted

    def named(self, subject: x509.Name) -> Sequence[x509.Certificate]:
        """Certificates of the lists with this subject."""
        return self._by_subject.get(subject, ())


# -- reading


def parse_chain(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a ByteString: the client's, then issuers appended to it (Part 6, 6.2.6)."""
    found: list[x509.Certificate] = []
    at = 0
    while at < len(data):
        if len(found) == MAX_CHAIN:
            raise CertificateError(Fault.INVALID, f"more than {MAX_CHAIN} certificates")
        end = at + _der_size(data, at)
        found.append(parse(data[at:end]))
        at = end
    if not found:
        raise CertificateError(Fault.INVALID, "no certificate")
    return tuple(found)


def leaf_of(data: bytes) -> bytes:
    """The first certificate of a chain [DER], which is not looked into."""
    return data[: _der_size(data, 0)]


def _der_size(data: bytes, at: int) -> int:
    """Size [bytes] of the DER sequence that begins at `at`, header and all."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0x30:
        raise CertificateError(Fault.INVALID, "not DER")
    if head[1] < 0x80:
        size = 2 + head[1]
    elif head[1] == 0x81:
        size = 3 + head[2]
    elif head[1] == 0x82:
        size = 4 + int.from_bytes(head[2:4], "big")
    else:
        raise CertificateError(Fault.INVALID, "too large")
    if size > MAX_BYTES or at + size > len(data):
        raise CertificateError(Fault.INVALID, "too large, or cut off")
    return size


def parse(data: bytes) -> x509.Certificate:
    """A certificate [DER] whose structure is sound, so that nothing later has to expect that it is not."""
    try:
        certificate = x509.load_der_x509_certificate(data)
        fault = _structure_fault(certificate)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise CertificateError(Fault.INVALID, f"cannot be read: {error}") from None
    if fault:
        raise CertificateError(Fault.INVALID, fault, certificate)
    return certificate


_KNOWN_CRITICAL: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectAlternativeName,
)


def _structure_fault(certificate: x509.Certificate) -> str:
    """What is wrong with the parts of a certificate, all of which this reads."""
    if certificate.version is not x509.Version.v3:
        return "not X.509 v3"
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return "its key is not RSA"
    if key.key_size > _MAX_KEY_BITS:
        return "its key is too long"
    if certificate.not_valid_after_utc < certificate.not_valid_before_utc:
        return "ends before it begins"
    _ = certificate.subject, certificate.issuer, certificate.signature_hash_algorithm
    for extension in certificate.extensions:
        # RFC 5280, 4.2: what is critical and not understood is refused.
        if extension.critical and not isinstance(extension.value, _KNOWN_CRITICAL):
            return f"has a critical extension that is not supported: {extension.oid.dotted_string}"
    return ""


# -- the steps


def validate(
    chain: Sequence[x509.Certificate], trust: TrustList, now: dt.datetime, rules: Rules
) -> tuple[x509.Certificate, ...]:
    """The path from the first certificate of `chain` to a root; `CertificateError` where a step fails."""
    path = _build_path(chain, trust, now)
    for certificate in path:
        _check_strength(certificate)
    if not (rules.accept_unknown or any(trust.trusts(certificate) for certificate in path)):
        raise CertificateError(Fault.UNTRUSTED, "neither it nor an issuer of it is trusted", path[0])
    for certificate in path:
        _check_time(certificate, now, path[0])
    _check_use(path, rules.purpose)
    _check_revocation(path, trust, now, rules.crl_required)
    return path


def _build_path(
    chain: Sequence[x509.Certificate], trust: TrustList, now: dt.datetime
) -> tuple[x509.Certificate, ...]:
    """Each certificate followed by its issuer, up to one that signed itself.

    Of several issuers that fit, the first by preference is taken, and never another one later: the work is
    bounded by the path's length, and a loop ends because no certificate is taken twice.
    """
    path = [chain[0]]
    while not _is_root(path[-1]):
        if len(path) == MAX_CHAIN:
            raise CertificateError(Fault.CHAIN_INCOMPLETE, f"over {MAX_CHAIN} certificates", path[0])
        path.append(_issuer(path, chain, trust, now))
    return tuple(path)


def _issuer(
    path: list[x509.Certificate], chain: Sequence[x509.Certificate], trust: TrustList, now: dt.datetime
) -> x509.Certificate:
    certificate = path[-1]
    sent = [other for other in chain[1:] if other.subject == certificate.issuer]
    candidates = [
        other for other in dict.fromkeys((*trust.named(certificate.issuer), *sent)) if other not in path
    ]
    # A CA that was renewed has two certificates of one name and key: the one that still holds goes first.
    candidates.sort(key=lambda other: (not _in_time(other, now), not trust.trusts(other)))
    for candidate in candidates[:_MAX_CANDIDATES]:
        if _signed_by(certificate, candidate):
            return candidate
    if candidates or certificate.issuer == certificate.subject:
        raise CertificateError(Fault.INVALID, "its signature is not its issuer's", certificate)
    name = certificate.issuer.rfc4514_string()
    raise CertificateError(
        Fault.CHAIN_INCOMPLETE, f"the certificate of its issuer {name} is missing", path[0]
    )


def _is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer and _signed_by(certificate, certificate)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    # Of the security policies' check, which the standard has later: SHA-1 is not even verified any more.
    if not isinstance(certificate.signature_hash_algorithm, _HASHES):
        raise CertificateError(Fault.POLICY_CHECK_FAILED, "it is not signed with SHA-2", certificate)
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_strength(certificate: x509.Certificate) -> None:
    """Length of the key as the security policies want it (Part 7)."""
    key = certificate.public_key()
    low, high = _KEY_BITS
    if not isinstance(key, RSAPublicKey) or not low <= key.key_size <= high:
        raise CertificateError(
            Fault.POLICY_CHECK_FAILED, f"its key is not of {low} to {high} bits", certificate
        )
    if not isinstance(certificate.signature_hash_algorithm, _HASHES):
        raise CertificateError(Fault.POLICY_CHECK_FAILED, "it is not signed with SHA-2", certificate)


def _in_time(certificate: x509.Certificate, now: dt.datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _check_time(certificate: x509.Certificate, now: dt.datetime, leaf: x509.Certificate) -> None:
    if _in_time(certificate, now):
        return
    fault = Fault.TIME_INVALID if certificate is leaf else Fault.ISSUER_TIME_INVALID
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    raise CertificateError(fault, f"valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d} only", certificate)


def check_uri(certificate: x509.Certificate, uri: str | None) -> None:
    """Whether `uri` is the application that the certificate was issued to (Part 4, 5.7.2)."""
    if uri not in application_uris(certificate):
        raise CertificateError(Fault.URI_INVALID, "it was issued to another application URI", certificate)


def application_uris(certificate: x509.Certificate) -> list[str]:
    """URIs of a certificate's subjectAltName, of which an application instance certificate has one."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    return names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []


# -- use


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_use(path: Sequence[x509.Certificate], purpose: Purpose) -> None:
    fault = _leaf_use_fault(path, purpose)
    if fault:
        raise CertificateError(Fault.USE_NOT_ALLOWED, fault, path[0])
    for below, issuer in enumerate(path[1:]):
        fault = _issuer_use_fault(issuer, below)
        if fault:
            raise CertificateError(Fault.ISSUER_USE_NOT_ALLOWED, fault, issuer)


def _leaf_use_fault(path: Sequence[x509.Certificate], purpose: Purpose) -> str:
    """Why the first certificate of a path may not be used for this; empty when it may (Part 6, 6.2.2)."""
    leaf = path[0]
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return "its key may not sign"
    # Many tools mark whatever signs itself as a CA. It is one only where others carry its signature.
    if _is_ca(leaf) and len(path) > 1:
        return "it is a certificate authority's"
    if purpose is Purpose.USER:
        return ""
    if not application_uris(leaf):
        return "it names no application URI"
    if usage is None or not (usage.key_encipherment or usage.data_encipherment):
        return "its key may not encrypt"
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    allowed = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if extended is not None and not any(use in extended for use in allowed):
        return "it is not for clients"
    return ""


def _issuer_use_fault(issuer: x509.Certificate, below: int) -> str:
    """Why a certificate may not issue others, of which `below` issuers come before it; empty when it may.

    A certificate with an application URI belongs to an application, whatever else it claims: who trusts an
    application does not mean to trust whomever that application vouches for.
    """
    usage = _extension(issuer, x509.KeyUsage)
    if not _is_ca(issuer) or application_uris(issuer) or not (usage is None or usage.key_cert_sign):
        return "it may not issue certificates"
    constraints = _extension(issuer, x509.BasicConstraints)
    longest = constraints.path_length if constraints is not None else None
    if longest is not None and below > longest:
        return "there are more issuers below it than it allows"
    return ""


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


# -- revocation


def _check_revocation(
    path: Sequence[x509.Certificate], trust: TrustList, now: dt.datetime, required: bool
) -> None:
    for certificate, issuer in pairwise(path):
        first = certificate is path[0]
        lists = [crl for crl in trust.crls if _is_list_of(crl, issuer)]
        # A list that is out of date still says what it says.
        if any(crl.get_revoked_certificate_by_serial_number(certificate.serial_number) for crl in lists):
            raise CertificateError(
                Fault.REVOKED if first else Fault.ISSUER_REVOKED, "is revoked", certificate
            )
        if required and not any(_is_current(crl, now) for crl in lists):
            fault = Fault.REVOCATION_UNKNOWN if first else Fault.ISSUER_REVOCATION_UNKNOWN
            name = issuer.subject.rfc4514_string()
            raise CertificateError(fault, f"there is no current revocation list of {name}", certificate)


def _is_list_of(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether a list is a whole one, and signed by this issuer who may do so (RFC 5280, 6.3)."""
    if crl.issuer != issuer.subject:
        return False
    usage = _extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return False
    key = issuer.public_key()
    try:
        # What is critical says that a list is of changes only, or of some certificates only.
        whole = not any(extension.critical for extension in crl.extensions)
        return whole and isinstance(key, RSAPublicKey) and crl.is_signature_valid(key)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return False


def _is_current(crl: x509.CertificateRevocationList, now: dt.datetime) -> bool:
    return crl.last_update_utc <= now and (crl.next_update_utc is None or now <= crl.next_update_utc)


# -- names


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 of the certificate, by which OPC UA tools name it (Part 6, 6.2.3)."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def common_name(certificate: x509.Certificate) -> str:
    """The subject's common name, else its subject."""
    for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        return str(attribute.value)
    return certificate.subject.rfc4514_string()


def der(certificate: x509.Certificate) -> bytes:
    """The certificate's bytes."""
    return certificate.public_bytes(Encoding.DER)


def in_words(certificates: Iterable[x509.Certificate]) -> str:
    """Names of certificates, for a person."""
    return ", ".join(common_name(certificate) for certificate in certificates)
