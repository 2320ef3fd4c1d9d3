"""State, certificates and accounts: what outlives the process, and what a crash may leave of it."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from server.security.certificates import Application, own_certificate
from server.statefiles import read_arrays, write_arrays


def test_arrays_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "twin.npz"
    write_arrays(path, {"soc": np.arange(3.0), "name": np.array(["a", "b"])})
    write_arrays(path, {"soc": np.arange(4.0), "name": np.array(["a", "b"])})
    found = read_arrays(path)
    assert found is not None
    assert found["soc"].tolist() == [0, 1, 2, 3]
    assert found["name"].tolist() == ["a", "b"]
    assert [p.name for p in path.parent.iterdir()] == ["twin.npz"]


def test_no_file_is_nothing(tmp_path: Path) -> None:
    assert read_arrays(tmp_path / "twin.npz") is None


def test_a_torn_file_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "twin.npz"
    write_arrays(path, {"soc": np.arange(20.0), "soh": np.arange(20.0)})
    whole = path.read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        assert read_arrays(path) is None, end
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        read_arrays(path)  # maybe it is still whole enough, but it never raises


def test_objects_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "twin.npz"
    with path.open("wb") as file:
        np.savez(file, evil=np.array([{}], dtype=object))
    assert read_arrays(path) is None


# -- the certificate


def test_the_certificate_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    application = Application("urn:test", "Test", "127.0.0.1")
    made = own_certificate(folder, application)
    assert own_certificate(folder, application).sent == made.sent
    first = made.certificate
    assert stat.S_IMODE((folder / "own.key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:test"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    first.verify_directly_issued_by(first)


def test_half_a_pair_is_made_anew(tmp_path: Path) -> None:
    application = Application("urn:test", "Test", "plant.example")
    own_certificate(tmp_path, application)
    for lost in ("own.der", "own.key.pem"):
        (tmp_path / lost).unlink()
        made = own_certificate(tmp_path, application)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert made.certificate.public_key().public_bytes(*form) == made.key.public_key().public_bytes(*form)
