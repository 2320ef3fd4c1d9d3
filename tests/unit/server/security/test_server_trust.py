"""Validation of certificates, step by step (Part 4, 6.1.3)."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from server.security.trust import (
    MAX_BYTES,
    MAX_CHAIN,
    CertificateError,
    Fault,
    Purpose,
    Rules,
    TrustList,
    check_uri,
    common_name,
    leaf_of,
    parse_chain,
    validate,
)
from tests.pki import (
    CA_USES,
    CLIENT_USES,
    DAY,
    NOW,
    URI,
    Made,
    Plan,
    authority,
    crl,
    curve_key,
    key,
    make,
    signed_with_sha1,
)

ROOT = authority("root")
MIDDLE = authority("middle", ROOT)
CLIENT = Plan()
STRICT = Rules()


def listed(*trusted: Made, issuers: tuple[Made, ...] = (), crls: tuple[Any, ...] = ()) -> TrustList:
    return TrustList(tuple(m.certificate for m in trusted), tuple(m.certificate for m in issuers), crls)


def fault(chain: tuple[Made, ...] | Made, trust: TrustList, rules: Rules = STRICT) -> Fault | None:
    """The step at which a chain fails; None when it is trusted."""
    sent = chain if isinstance(chain, tuple) else (chain,)
    try:
        path = validate(parse_chain(b"".join(m.der for m in sent)), trust, NOW, rules)
    except CertificateError as error:
        return error.fault
    assert path[0] == sent[0].certificate
    return None


ALL_CRLS = (crl(ROOT), crl(MIDDLE))


# -- trust


def test_a_certificate_that_is_on_the_list_is_trusted() -> None:
    client = make(CLIENT)
    assert fault(client, listed(client)) is None
    assert fault(client, listed()) is Fault.UNTRUSTED
    assert fault(client, listed(make(replace(CLIENT, key=key(1))))) is Fault.UNTRUSTED


def test_the_same_name_with_another_key_is_another_certificate() -> None:
    assert fault(make(replace(CLIENT, key=key(1))), listed(make(CLIENT))) is Fault.UNTRUSTED


@pytest.mark.parametrize("trusted", [(ROOT,), (MIDDLE,)])
def test_one_trusted_certificate_in_the_chain_is_enough(trusted: tuple[Made, ...]) -> None:
    client = make(CLIENT, MIDDLE)
    trust = listed(*trusted, issuers=(ROOT, MIDDLE), crls=ALL_CRLS)
    assert fault(client, trust) is None
    assert fault((client, MIDDLE, ROOT), listed(*trusted, issuers=(ROOT,), crls=ALL_CRLS)) is None


def test_issuers_complete_a_chain_and_are_not_trusted_for_it() -> None:
    client = make(CLIENT, MIDDLE)
    assert fault(client, listed(issuers=(ROOT, MIDDLE), crls=ALL_CRLS)) is Fault.UNTRUSTED
    assert fault((client, MIDDLE, ROOT), listed(crls=ALL_CRLS)) is Fault.UNTRUSTED


def test_what_is_unknown_may_be_accepted_but_nothing_else() -> None:
    lenient = Rules(accept_unknown=True)
    assert fault(make(CLIENT), listed(), lenient) is None
    assert fault(make(replace(CLIENT, end=NOW - DAY / 2)), listed(), lenient) is Fault.TIME_INVALID
    assert fault(make(CLIENT, MIDDLE), listed(), lenient) is Fault.CHAIN_INCOMPLETE


def test_an_incomplete_chain_is_not_trusted_though_its_end_is() -> None:
    client = make(CLIENT, MIDDLE)
    assert fault(client, listed(client, issuers=(MIDDLE,), crls=ALL_CRLS)) is Fault.CHAIN_INCOMPLETE
    assert fault((client, ROOT), listed(client, ROOT, crls=ALL_CRLS)) is Fault.CHAIN_INCOMPLETE


# -- signatures


def test_a_signature_that_is_not_the_issuers_is_refused() -> None:
    forged = make(CLIENT, MIDDLE, signed_with=key(1))
    assert fault(forged, listed(forged, ROOT, MIDDLE, crls=ALL_CRLS)) is Fault.INVALID
    alone = make(CLIENT, signed_with=key(1))
    assert fault(alone, listed(alone)) is Fault.INVALID


def test_every_changed_bit_of_a_trusted_certificate_is_noticed() -> None:
    client = make(CLIENT, MIDDLE)
    trust = listed(ROOT, issuers=(MIDDLE,), crls=ALL_CRLS)
    for at in range(4, len(client.der), 37):
        changed = client.der[:at] + bytes([client.der[at] ^ 1]) + client.der[at + 1 :]
        with pytest.raises(CertificateError):
            validate(parse_chain(changed), trust, NOW, STRICT)


def test_a_renewed_authority_is_found_beside_its_old_certificate() -> None:
    old = authority("root", end=NOW - DAY / 2)
    client = make(CLIENT, old)
    for both in ((old, ROOT), (ROOT, old)):
        assert fault(client, listed(*both, crls=ALL_CRLS)) is None


# -- loops and lengths


def crossed(count: int) -> list[Made]:
    """Authorities of which each one is signed by the next, and the last by the first."""
    plans = [
        Plan(f"ca{i}", key(i % 7 + 10), uri=None, uses=CA_USES, extended=None, ca=True) for i in range(count)
    ]
    names = [make(plan) for plan in plans]
    return [make(plan, names[(i + 1) % count]) for i, plan in enumerate(plans)]


@pytest.mark.parametrize("count", [2, 3, 9])
def test_authorities_that_sign_each_other_lead_nowhere(count: int) -> None:
    loop = crossed(count)
    client = make(CLIENT, loop[0])
    assert fault((client, *loop), listed(*loop, client)) is Fault.CHAIN_INCOMPLETE


def chain_of(count: int) -> list[Made]:
    """A chain of certificates, the client's first and the root's last."""
    issuers = [authority("ca0")]
    for number in range(1, count - 1):
        issuers.append(authority(f"ca{number}", issuers[-1], key=key(number % 7 + 10)))
    return [make(CLIENT, issuers[-1]), *reversed(issuers)]


def test_a_chain_of_ten_is_taken_and_of_eleven_not() -> None:
    chain = chain_of(MAX_CHAIN)
    crls = tuple(crl(each) for each in chain[1:])
    assert fault(tuple(chain), listed(chain[-1], crls=crls)) is None
    longer = chain_of(MAX_CHAIN + 1)
    assert fault(tuple(longer), listed(longer[-1])) is Fault.INVALID
    assert fault(longer[0], listed(*longer)) is Fault.CHAIN_INCOMPLETE


def test_fifty_certificates_are_not_even_looked_at() -> None:
    client = make(CLIENT).der
    with pytest.raises(CertificateError, match="more than 10"):
        parse_chain(client * 50)


def test_many_issuers_of_one_name_cost_little() -> None:
    """What could be exponential is not: ten names, with a hundred authorities each that fit none."""
    client = make(CLIENT, ROOT)
    others = [authority("root", key=key(20 + i % 4), end=NOW + (i + 1) * DAY) for i in range(100)]
    began = time.perf_counter()
    assert fault(client, listed(*others)) is Fault.INVALID
    assert time.perf_counter() - began < 1


# -- reading


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(CertificateError) as refused:
        parse_chain(data)
    assert refused.value.fault is Fault.INVALID


@given(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 10_000))
@settings(max_examples=200)
def test_a_torn_certificate_is_refused_or_read_and_nothing_else(at: int, byte: int, end: int) -> None:
    data = bytearray(make_once().der)
    data[at % len(data)] = byte
    with contextlib.suppress(CertificateError):
        parse_chain(bytes(data[: len(data) - end % 300]))


_ONCE: list[Made] = []


def make_once() -> Made:
    if not _ONCE:
        _ONCE.append(make(CLIENT))
    return _ONCE[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x83\x01\x00\x00" + bytes(65_536),
        b"\x30\x82\xff\xff" + bytes(65_535),
        b"\x30\x84\xff\xff\xff\xff",
        b"\x31\x03\x02\x01\x00",
    ],
)
def test_sizes_are_looked_at_before_anything_else(data: bytes) -> None:
    with pytest.raises(CertificateError):
        parse_chain(data)


def test_the_first_of_a_chain_is_cut_out_unseen() -> None:
    client = make_once().der
    assert leaf_of(client + ROOT.der) == client
    assert len(client) < MAX_BYTES
    with pytest.raises(CertificateError):
        leaf_of(client[:-1])


def test_what_is_critical_and_unknown_is_refused() -> None:
    oid = x509.ObjectIdentifier("1.2.3.4")
    strange = x509.Extension(oid, True, x509.UnrecognizedExtension(oid, b"\x05\x00"))
    limits = x509.NameConstraints([x509.DNSName("plant.example")], None)
    narrow = x509.Extension(limits.oid, True, limits)
    for extension in (strange, narrow):
        client = make(replace(CLIENT, more=(extension,)))
        assert fault(client, listed(client)) is Fault.INVALID
    harmless = make(replace(CLIENT, more=(x509.Extension(oid, False, strange.value),)))
    assert fault(harmless, listed(harmless)) is None


# -- strength


def test_weak_keys_and_signatures_are_refused() -> None:
    short = make(replace(CLIENT, key=key(0, 1024)))
    assert fault(short, listed(short)) is Fault.POLICY_CHECK_FAILED
    sha1 = signed_with_sha1(make(CLIENT))
    assert isinstance(sha1.certificate.signature_hash_algorithm, hashes.SHA1)
    assert fault(sha1, listed(sha1)) is Fault.POLICY_CHECK_FAILED
    under_weak = make(CLIENT, weak := authority("weak", key=key(0, 1024)))
    assert fault(under_weak, listed(weak, crls=(crl(weak),))) is Fault.POLICY_CHECK_FAILED
    other = make(replace(CLIENT, key=curve_key()))
    assert fault(other, TrustList((other.certificate,))) is Fault.INVALID


def test_strong_keys_are_taken() -> None:
    strong = make(replace(CLIENT, key=key(0, 4096), hash=hashes.SHA512()))
    assert fault(strong, listed(strong)) is None


# -- time


@pytest.mark.parametrize(("begin", "end"), [(NOW - 2 * DAY, NOW - DAY), (NOW + DAY, NOW + 2 * DAY)])
def test_certificates_hold_for_a_time(begin: Any, end: Any) -> None:
    client = make(replace(CLIENT, begin=begin, end=end))
    assert fault(client, listed(client)) is Fault.TIME_INVALID
    assert fault(client, listed()) is Fault.UNTRUSTED  # trust comes first: nobody else learns of the rest
    past = authority("past", begin=begin, end=end)
    assert fault(make(CLIENT, past), listed(past, crls=(crl(past),))) is Fault.ISSUER_TIME_INVALID


# -- use


@pytest.mark.parametrize(
    "changes",
    [
        {"uses": None},
        {"uses": ("key_encipherment",)},
        {"uses": ("digital_signature",)},
        {"extended": (ExtendedKeyUsageOID.SERVER_AUTH,)},
        {"extended": (ExtendedKeyUsageOID.CODE_SIGNING,)},
        {"uri": None},
    ],
)
def test_a_client_needs_a_certificate_for_clients(changes: dict[str, Any]) -> None:
    client = make(replace(CLIENT, **changes))
    assert fault(client, listed(client)) is Fault.USE_NOT_ALLOWED


def test_an_authority_is_no_client() -> None:
    both = authority("both", ROOT, uri=URI, uses=(*CLIENT_USES, *CA_USES))
    assert fault(both, listed(ROOT, crls=ALL_CRLS)) is Fault.USE_NOT_ALLOWED


def test_tools_that_mark_their_own_certificate_as_an_authority_are_borne_with() -> None:
    marked = make(replace(CLIENT, ca=True, path_length=0, uses=(*CLIENT_USES, "key_cert_sign")))
    assert fault(marked, listed(marked)) is None


@pytest.mark.parametrize("ca", [False, True])
def test_a_trusted_application_vouches_for_nobody(ca: bool) -> None:
    """Or else who trusts one client lets in whomever that client signs a certificate for."""
    friend = make(replace(CLIENT, name="friend", key=key(1), ca=ca, uses=(*CLIENT_USES, *CA_USES)))
    stranger = make(CLIENT, friend)
    assert fault((stranger, friend), listed(friend, crls=(crl(friend),))) is Fault.ISSUER_USE_NOT_ALLOWED


def test_an_authority_may_only_issue_what_it_may() -> None:
    unsigning = authority("unsigning", uses=("crl_sign",))
    client = make(CLIENT, unsigning)
    assert fault(client, listed(unsigning, crls=(crl(unsigning),))) is Fault.ISSUER_USE_NOT_ALLOWED
    short = authority("short", path_length=0)
    below = authority("below", short)
    trust = listed(short, issuers=(below,), crls=(crl(short), crl(below)))
    assert fault(make(CLIENT, below), trust) is Fault.ISSUER_USE_NOT_ALLOWED
    assert fault(make(CLIENT, short), trust) is None


def test_a_user_needs_no_application() -> None:
    user = make(replace(CLIENT, uri=None, extended=None, uses=("digital_signature",)))
    rules = Rules(purpose=Purpose.USER)
    assert fault(user, listed(user), rules) is None
    unsigning = make(replace(CLIENT, uses=("key_encipherment",)))
    assert fault(unsigning, listed(unsigning), rules) is Fault.USE_NOT_ALLOWED


def test_the_application_uri_is_the_certificates() -> None:
    certificate = make(CLIENT).certificate
    check_uri(certificate, URI)
    for wrong in ("urn:test", "", None, URI.upper()):
        with pytest.raises(CertificateError) as refused:
            check_uri(certificate, wrong)
        assert refused.value.fault is Fault.URI_INVALID


# -- revocation


def test_a_revoked_certificate_is_refused() -> None:
    client, other = make(CLIENT, MIDDLE), make(CLIENT, MIDDLE)
    trust = listed(ROOT, issuers=(MIDDLE,), crls=(crl(ROOT), crl(MIDDLE, client)))
    assert fault(client, trust) is Fault.REVOKED
    assert fault(other, trust) is None
    revoked = listed(ROOT, issuers=(MIDDLE,), crls=(crl(ROOT, MIDDLE), crl(MIDDLE)))
    assert fault(other, revoked) is Fault.ISSUER_REVOKED


def test_without_a_list_nobody_knows() -> None:
    client = make(CLIENT, MIDDLE)
    assert fault(client, listed(ROOT, issuers=(MIDDLE,))) is Fault.REVOCATION_UNKNOWN
    only_middle = listed(ROOT, issuers=(MIDDLE,), crls=(crl(MIDDLE),))
    assert fault(client, only_middle) is Fault.ISSUER_REVOCATION_UNKNOWN
    assert fault(client, listed(ROOT, issuers=(MIDDLE,)), Rules(crl_required=False)) is None


@pytest.mark.parametrize(("begin", "end"), [(NOW - 3 * DAY, NOW - DAY), (NOW + DAY, NOW + 2 * DAY)])
def test_a_list_out_of_date_still_says_what_it_says(begin: Any, end: Any) -> None:
    client, other = make(CLIENT, ROOT), make(CLIENT, ROOT)
    trust = listed(ROOT, crls=(crl(ROOT, client, begin=begin, end=end),))
    assert fault(other, trust) is Fault.REVOCATION_UNKNOWN
    assert fault(client, trust) is Fault.REVOKED
    assert fault(client, trust, Rules(crl_required=False)) is Fault.REVOKED


def test_a_list_counts_only_with_its_issuers_signature() -> None:
    client = make(CLIENT, ROOT)
    forged = crl(ROOT, client, signer=key(1))
    assert fault(client, listed(ROOT, crls=(forged,))) is Fault.REVOCATION_UNKNOWN
    assert fault(client, listed(ROOT, crls=(forged, crl(ROOT)))) is None
    silent = authority("silent", uses=("key_cert_sign",))
    assert fault(make(CLIENT, silent), listed(silent, crls=(crl(silent),))) is Fault.REVOCATION_UNKNOWN


def test_names_are_for_people() -> None:
    assert common_name(ROOT.certificate) == "root"
