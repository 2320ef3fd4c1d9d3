"""Certificates on disk: the store's folders, `voltkeep trust`, and what Voltkeep makes for itself."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from config.settings import load_settings
from server.cli import program
from server.endpoint import make_hmi_certificate
from server.errors import StartError
from server.security import certificates
from server.security.certificates import Application, host_names, own_certificate
from server.security.certificatestore import CertificateStore, file_name
from server.security.trust import thumbprint
from tests.pki import DAY, NOW, Made, Plan, authority, crl, make, name_of

CLIENT = Plan()
OWN = Application("urn:test", "Test", "plant.example")


@pytest.fixture
def store(tmp_path: Path) -> CertificateStore:
    return CertificateStore(tmp_path / "pki")


def trusted_names(store: CertificateStore) -> list[str]:
    return sorted(file.name for file in store.trusted.iterdir())


# -- the store


def test_only_the_owner_may_look(store: CertificateStore) -> None:
    CertificateStore(store.root / "users")
    folders = [store.root, *(path for path in store.root.rglob("*") if path.is_dir())]
    assert len(folders) == 16
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert stat.S_IMODE(store.trust(make(CLIENT).certificate).stat().st_mode) == 0o600


def test_what_is_moved_is_found_by_the_next_look(store: CertificateStore) -> None:
    client = make(CLIENT).certificate
    file = store.reject(client)
    assert not store.trust_list().trusts(client)
    file.rename(store.trusted / file.name)
    assert store.trust_list().trusts(client)
    assert not store.was_rejected(client)
    (store.trusted / file.name).rename(store.rejected / file.name)
    assert not store.trust_list().trusts(client)


def test_a_file_that_is_written_over_is_read_again(store: CertificateStore) -> None:
    first, second = make(CLIENT), make(CLIENT)
    file = store.trusted / "client.der"
    for number, made in enumerate((first, second)):
        file.write_bytes(made.der)
        os.utime(file, ns=(number, number))
        assert store.trust_list().trusts(made.certificate)
    assert not store.trust_list().trusts(first.certificate)


def test_nothing_is_read_again_while_nothing_changes(store: CertificateStore) -> None:
    store.trust(make(CLIENT).certificate)
    assert store.trust_list() is store.trust_list()


def test_der_and_pem_issuers_and_lists_are_read(store: CertificateStore) -> None:
    root, middle, client = authority("root"), authority("middle"), make(CLIENT)
    both = b"".join(made.certificate.public_bytes(Encoding.PEM) for made in (root, middle))
    (store.root / "issuers" / "certs" / "all.pem").write_bytes(b"\n" + both)
    (store.trusted / "client.crt").write_bytes(client.der)
    (store.root / "trusted" / "crl" / "root.crl").write_bytes(crl(root).public_bytes(Encoding.DER))
    (store.root / "issuers" / "crl" / "middle.pem").write_bytes(crl(middle).public_bytes(Encoding.PEM))
    found = store.trust_list()
    assert found.trusted == (client.certificate,)
    assert set(found.issuers) == {root.certificate, middle.certificate}
    assert {each.issuer for each in found.crls} == {root.certificate.subject, middle.certificate.subject}


@pytest.mark.parametrize(
    "data", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_cannot_be_read_is_left_out(store: CertificateStore, data: bytes) -> None:
    client = make(CLIENT)
    store.trust(client.certificate)
    (store.trusted / "aaa.der").write_bytes(data)
    (store.trusted / "folder").mkdir()
    (store.root / "trusted" / "crl" / "aaa.crl").write_bytes(data)
    (store.trusted / "torn.der").write_bytes(client.der[:-1])
    assert store.trust_list().trusted == (client.certificate,)


def test_the_newest_rejected_are_kept(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path, max_rejected=3)
    made = [make(replace(CLIENT, name=f"client {number}")).certificate for number in range(5)]
    for number, certificate in enumerate(made):
        os.utime(store.reject(certificate), (number, number))
    assert [store.was_rejected(certificate) for certificate in made] == [False, False, True, True, True]
    store.reject(made[2])  # comes again, and is the newest
    store.reject(made[0])
    assert [store.was_rejected(certificate) for certificate in made] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("UaExpert@host", "UaExpert_host-"),
        ("../../etc/passwd", "etc_passwd-"),
        ("\x1b[31m\n", "31m-"),
        ("...", "certificate-"),
        ("x" * 64, "x" * 60 + "-"),
        ("ชาร์จ", "certificate-"),
    ],
)
def test_a_file_is_named_so_that_a_person_knows_it_and_a_stranger_cannot_choose_it(
    name: str, begins: str
) -> None:
    certificate = make(replace(CLIENT, name=name)).certificate
    assert file_name(certificate) == f"{begins}{thumbprint(certificate)}.der"


# -- the command


def test_the_command_lists_and_moves(tmp_path: Path) -> None:
    store = CertificateStore(tmp_path / "pki")
    client = make(replace(CLIENT, name="Scada")).certificate
    store.reject(client)
    store.reject(make(replace(CLIENT, name="Other")).certificate)
    run = CliRunner().invoke
    listed = run(program, ["trust", "list", "--home", str(tmp_path)])
    assert listed.exit_code == 0
    assert file_name(client) in listed.output
    assert "'Scada', urn:test:client, until" in listed.output
    assert run(program, ["trust", "accept", "scada", "--home", str(tmp_path)]).exit_code == 0
    assert store.trust_list().trusts(client)
    assert run(program, ["trust", "reject", file_name(client), "--home", str(tmp_path)]).exit_code == 0
    assert not store.trust_list().trusts(client)


@pytest.mark.parametrize("name", ["nobody", ".der"])
def test_the_command_moves_nothing_when_it_is_not_clear_what(tmp_path: Path, name: str) -> None:
    store = CertificateStore(tmp_path / "pki" / "users")
    for each in ("Ann", "Bob"):
        store.reject(make(replace(CLIENT, name=each)).certificate)
    result = CliRunner().invoke(program, ["trust", "accept", name, "--users", "--home", str(tmp_path)])
    assert result.exit_code == 2
    assert trusted_names(store) == []


# -- certificates of our own


def write(folder: Path, made: Made, *issuers: Made) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "own.der").write_bytes(made.der + b"".join(issuer.der for issuer in issuers))
    (folder / "own.key.pem").write_bytes(made.pem)


def test_ours_is_made_anew_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "VALID_DAYS", 29)
    first = own_certificate(tmp_path, OWN)
    monkeypatch.setattr(certificates, "VALID_DAYS", 3650)
    second = own_certificate(tmp_path, OWN)
    assert second.certificate != first.certificate
    assert second.certificate.not_valid_after_utc > NOW + 3000 * DAY
    assert own_certificate(tmp_path, OWN).certificate == second.certificate


def test_that_of_the_hmi_is_made_anew_and_trusted_unless_a_person_refused_it(
    tmp_path: Path, store: CertificateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a job of the server does daily; the count is what it tells."""
    settings = load_settings(overrides={"home": tmp_path / "home"})
    own = own_certificate(tmp_path / "own", OWN)

    def hmi() -> x509.Certificate:
        return x509.load_der_x509_certificate((tmp_path / "home" / "hmi" / "client.der").read_bytes())

    monkeypatch.setattr(certificates, "VALID_DAYS", 29)
    assert make_hmi_certificate(settings, store, own)
    first = hmi()
    monkeypatch.setattr(certificates, "VALID_DAYS", 3650)
    assert make_hmi_certificate(settings, store, own)
    second = hmi()
    assert second.not_valid_after_utc > NOW + 3000 * DAY
    assert all(store.trust_list().trusts(each) for each in (first, second)), "the old one is still in use"
    assert not make_hmi_certificate(settings, store, own), "there is nothing to do on the next day"
    (store.trusted / file_name(second)).unlink()
    store.reject(second)
    assert not make_hmi_certificate(settings, store, own)
    assert not store.trust_list().trusts(second)


def test_one_that_was_brought_is_kept_with_its_chain(tmp_path: Path) -> None:
    root = authority("root")
    brought = make(replace(CLIENT, end=NOW + DAY), root)
    write(tmp_path, brought, root)
    found = own_certificate(tmp_path, OWN)
    assert (found.certificate, found.issuers) == (brought.certificate, (root.certificate,))
    assert found.sent == brought.der + root.der


def test_a_key_of_another_certificate_stops_the_start(tmp_path: Path) -> None:
    own_certificate(tmp_path, OWN)
    (tmp_path / "own.der").write_bytes(make(CLIENT).der)
    with pytest.raises(StartError, match="is not the key of"):
        own_certificate(tmp_path, OWN)
    (tmp_path / "own.key.pem").write_bytes(b"garbage")
    with pytest.raises(StartError, match="cannot be read"):
        own_certificate(tmp_path, OWN)


def test_a_certificate_without_its_key_is_put_aside_not_lost(tmp_path: Path) -> None:
    brought = make(CLIENT)
    (tmp_path / "own.der").write_bytes(brought.der)
    assert own_certificate(tmp_path, OWN).certificate != brought.certificate
    assert (tmp_path / "own.der.old").read_bytes() == brought.der


def test_other_host_names_are_said_and_keep_the_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = own_certificate(tmp_path, OWN)
    assert {"plant.example", "localhost"} <= host_names(first.certificate)
    assert own_certificate(tmp_path, replace(OWN, host="10.0.0.7")).certificate == first.certificate
    assert "certificate does not name this host" in capsys.readouterr().out


def test_all_addresses_are_no_host(tmp_path: Path) -> None:
    made = own_certificate(tmp_path, replace(OWN, host="0.0.0.0", key_bits=3072))
    assert "0.0.0.0" not in host_names(made.certificate)
    assert made.key.key_size == 3072
    assert made.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == "Test"
    assert made.certificate.subject != name_of("Test")
