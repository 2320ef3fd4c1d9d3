"""State, certificates and accounts: what outlives the process, and what a crash may leave of it."""

from __future__ import annotations

import asyncio
import ipaddress
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from historian.accounts import Account
from server.security import accounts as module
from server.security.accounts import LOCK_S, MAX_FAILURES, Accounts
from server.security.certificates import own_certificate
from server.security.users import Role, User
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
    first, key = own_certificate(folder, "urn:test", "127.0.0.1")
    again, same = own_certificate(folder, "urn:test", "127.0.0.1")
    assert first == again
    assert key.private_numbers() == same.private_numbers()
    assert stat.S_IMODE((folder / "own.key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:test"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    first.verify_directly_issued_by(first)


def test_half_a_pair_is_made_anew(tmp_path: Path) -> None:
    own_certificate(tmp_path, "urn:test", "plant.example")
    for lost in ("own.der", "own.key.pem"):
        (tmp_path / lost).unlink()
        certificate, key = own_certificate(tmp_path, "urn:test", "plant.example")
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


# -- accounts


@dataclass
class Store:
    """Accounts in memory."""

    kept: dict[str, Account] = field(default_factory=dict)

    async def all(self) -> tuple[Account, ...]:
        return tuple(self.kept.values())

    async def save(self, account: Account) -> None:
        self.kept[account.name] = account


@pytest.fixture
async def known() -> Accounts:
    store = Store()
    made = Accounts(store)  # type: ignore[arg-type]
    await made.set("ann", Role.OPERATOR, "right")
    again = Accounts(store)  # type: ignore[arg-type]
    assert "ann" not in again
    await again.load()
    assert "ann" in again
    assert "right" not in store.kept["ann"].password_hash
    return again


async def test_a_user_logs_in_with_the_right_password(known: Accounts) -> None:
    assert await known.authenticate("ann", "right") == User("ann", Role.OPERATOR)
    for name, password in (("ann", "wrong"), ("ann", ""), ("bob", "right"), ("", "")):
        assert await known.authenticate(name, password) is None


async def test_wrong_passwords_lock_for_a_while(known: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(MAX_FAILURES):
        await known.authenticate("ann", "wrong")
    assert await known.authenticate("ann", "right") is None
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + LOCK_S + 1)
    assert await known.authenticate("ann", "right") == User("ann", Role.OPERATOR)
    assert await known.authenticate("ann", "right") is not None


async def test_one_that_gets_in_starts_anew(known: Accounts) -> None:
    for _ in range(MAX_FAILURES - 1):
        await known.authenticate("ann", "wrong")
    assert await known.authenticate("ann", "right") is not None
    await known.authenticate("ann", "wrong")
    assert await known.authenticate("ann", "right") is not None


async def test_guesses_at_the_same_time_count(known: Accounts) -> None:
    guesses = [known.authenticate("ann", "wrong") for _ in range(MAX_FAILURES)]
    found = await asyncio.gather(*guesses, known.authenticate("ann", "right"))
    assert found == [None] * (MAX_FAILURES + 1)


def test_roles_include_those_below() -> None:
    assert User("a", Role.ADMIN).may(Role.ENGINEER)
    assert User("a", Role.VIEWER).may(Role.ANONYMOUS)
    assert not User("a", Role.VIEWER).may(Role.OPERATOR)
