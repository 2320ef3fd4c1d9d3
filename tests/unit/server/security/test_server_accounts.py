"""Accounts: log-in, lock-out, the rules of changes, and certificates, over a store in memory."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from historian.accounts import Account
from historian.errors import HistorianError
from server.security import accounts as module
from server.security import errors, usercertificates
from server.security.accounts import MAX_DELAYED, Accounts
from server.security.lockout import FREE_FAILURES, Lockout
from server.security.users import Role, User

FAILURES, LOCK_S = 5, 60.0
HERE, THERE = "10.0.0.1:1000", "10.0.0.2:1000"
RIGHT, NEW = "right as rain", "quite another one"


@dataclass
class Store:
    """Accounts in memory."""

    kept: dict[str, Account] = field(default_factory=dict)
    away: bool = False

    async def all(self) -> tuple[Account, ...]:
        return tuple(self.kept.values())

    async def save(self, account: Account) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise HistorianError("away")
        self.kept[account.name] = account

    async def delete(self, name: str) -> bool:
        await asyncio.sleep(0)
        if self.away:
            raise HistorianError("away")
        return self.kept.pop(name, None) is not None


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def known(store: Store) -> Accounts:
    """An operator and an administrator, read from the store."""
    made = Accounts(store)  # type: ignore[arg-type]
    await made.set("ann", Role.OPERATOR, RIGHT)
    await made.set("root", Role.ADMIN, RIGHT)
    again = Accounts(store, lockout=Lockout(FAILURES, LOCK_S))  # type: ignore[arg-type]
    assert "ann" not in again
    await again.load()
    assert "ann" in again
    assert RIGHT not in store.kept["ann"].password_hash
    return again


# -- log-in


async def test_a_user_logs_in_with_the_right_password(known: Accounts) -> None:
    assert await known.authenticate("ann", RIGHT) == User("ann", Role.OPERATOR)
    for name, password in (("ann", "wrong"), ("ann", ""), ("bob", RIGHT), ("", "")):
        assert await known.authenticate(name, password) is None


async def test_wrong_passwords_lock_for_a_while(known: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    known.locked_out = lambda name, peer: told.append((name, peer))
    for _ in range(FAILURES):
        await known.authenticate("ann", "wrong", HERE)
    assert await known.authenticate("ann", RIGHT, HERE) is None
    assert told == [("ann", HERE)]
    assert await known.authenticate("ann", RIGHT, THERE) == User("ann", Role.OPERATOR)
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + LOCK_S + 1)
    assert await known.authenticate("ann", RIGHT, HERE) == User("ann", Role.OPERATOR)
    assert await known.authenticate("ann", RIGHT, HERE) is not None


async def test_one_that_gets_in_starts_anew(known: Accounts) -> None:
    for _ in range(FAILURES - 1):
        await known.authenticate("ann", "wrong")
    assert await known.authenticate("ann", RIGHT) is not None
    await known.authenticate("ann", "wrong")
    assert await known.authenticate("ann", RIGHT) is not None


async def test_guesses_at_the_same_time_count(known: Accounts) -> None:
    guesses = [known.authenticate("ann", "wrong") for _ in range(FAILURES)]
    found = await asyncio.gather(*guesses, known.authenticate("ann", RIGHT))
    assert found == [None] * (FAILURES + 1)


async def test_every_refusal_costs_a_hash(known: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name, a disabled or locked account and one without a password take as long as a guess."""
    await known.add_certificate("0A" * 32, Role.VIEWER)
    await known.modify("ann", enabled=False)
    hashed: list[str] = []
    verify = known._hashing._hasher.verify
    monkeypatch.setattr(
        type(known._hashing._hasher), "verify", lambda _, h, p: bool(hashed.append(h)) or verify(h, p)
    )
    for name in ("nobody", "ann", "x509-" + "0A" * 8, "root"):
        for _ in range(FAILURES + 1):
            assert await known.authenticate(name, "wrong", HERE) is None
    assert len(hashed) == 4 * (FAILURES + 1)
    assert all(each.startswith("$argon2id$") for each in hashed)


async def test_many_addresses_wait_and_few_may(known: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3 * FREE_FAILURES):
        known.lockout.begin("ann", f"10.1.0.{i}", time.monotonic())
    slept: list[float] = []
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await gate.wait()

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    waiting = [
        asyncio.create_task(known.authenticate("ann", RIGHT, f"10.2.0.{i}:1")) for i in range(MAX_DELAYED)
    ]
    await asyncio.wait(waiting, timeout=0.05)
    with pytest.raises(errors.Busy):
        await known.authenticate("ann", RIGHT, "10.3.0.1:1")
    gate.set()
    assert await asyncio.gather(*waiting) == [User("ann", Role.OPERATOR)] * MAX_DELAYED
    assert len(slept) == MAX_DELAYED
    assert all(seconds > 1 for seconds in slept)
    assert not known._delayed
    assert await known.authenticate("ann", RIGHT, "10.2.0.0:2") is not None  # known from before
    assert len(slept) == MAX_DELAYED


async def test_an_account_that_changes_while_its_password_is_looked_at(known: Accounts) -> None:
    looking = asyncio.create_task(known.authenticate("ann", RIGHT))
    await asyncio.sleep(0)
    await known.modify("ann", enabled=False)
    assert await looking is None


async def test_a_one_time_password_gives_no_role(known: Accounts) -> None:
    await known.add("bob", "first of all, this", must_change=True)
    assert await known.authenticate("bob", "first of all, this") == User("bob", Role.ANONYMOUS, True)
    await known.change_password("bob", "first of all, this", NEW)
    assert await known.authenticate("bob", "first of all, this") is None
    assert await known.authenticate("bob", NEW) == User("bob", Role.VIEWER)


# -- changes


async def test_changes_are_kept(known: Accounts, store: Store) -> None:
    await known.add("bob", NEW, must_change=False, description="Night shift")
    await known.set_role("bob", Role.ENGINEER)
    await known.modify("ann", enabled=False, description="On leave")
    again = Accounts(store)  # type: ignore[arg-type]
    await again.load()
    assert [(a.name, a.role, a.enabled, a.description) for a in again.all()] == [
        ("ann", "Operator", False, "On leave"),
        ("bob", "Engineer", True, "Night shift"),
        ("root", "Admin", True, ""),
    ]
    assert await again.authenticate("bob", NEW) == User("bob", Role.ENGINEER)
    assert await again.authenticate("ann", RIGHT) is None


async def test_what_the_database_does_not_take_is_not_changed(known: Accounts, store: Store) -> None:
    store.away = True
    for change in (
        known.set_role("ann", Role.ADMIN),
        known.remove("ann"),
        known.modify("ann", enabled=False),
        known.add("bob", NEW, must_change=False),
        known.change_password("ann", RIGHT, NEW),
    ):
        with pytest.raises(HistorianError):
            await change
    assert await known.authenticate("ann", RIGHT) == User("ann", Role.OPERATOR)  # log-in works without it
    assert "bob" not in known


async def test_the_last_administrator_stays(known: Accounts) -> None:
    for change in (
        known.remove("root"),
        known.set_role("root", Role.ENGINEER),
        known.modify("root", enabled=False),
    ):
        with pytest.raises(errors.LastAdmin):
            await change
    await known.set_role("ann", Role.ADMIN)
    await known.modify("ann", enabled=False)
    with pytest.raises(errors.LastAdmin):  # a disabled one does not count
        await known.remove("root")
    await known.modify("ann", enabled=True)
    await known.remove("root")
    with pytest.raises(errors.LastAdmin):
        await known.remove("ann")


async def test_two_administrators_cannot_remove_each_other(known: Accounts) -> None:
    await known.set_role("ann", Role.ADMIN)
    done = await asyncio.gather(
        known.remove("ann"), known.set_role("root", Role.VIEWER), return_exceptions=True
    )
    assert [type(each) for each in done] == [type(None), errors.LastAdmin]


@pytest.mark.parametrize("name", ["", " ann", "ann\n", "x" * 65, "a\x00b"])
async def test_bad_names(known: Accounts, name: str) -> None:
    with pytest.raises(errors.BadName):
        await known.add(name, NEW, must_change=False)


async def test_one_name_however_it_is_typed(known: Accounts) -> None:
    await known.add("Andre\u0301", NEW, must_change=False)
    assert await known.authenticate("Andr\u00e9", NEW) is not None
    with pytest.raises(errors.AccountExists):
        await known.add("Andr\u00e9", NEW, must_change=False)


async def test_refused_changes(known: Accounts) -> None:
    with pytest.raises(errors.BadPassword):
        await known.add("bob", "short", must_change=False)
    with pytest.raises(errors.BadPassword):
        await known.modify("ann", password="Password1234")
    with pytest.raises(errors.BadPassword):
        await known.change_password("ann", RIGHT, "short")
    with pytest.raises(errors.SamePassword):
        await known.change_password("ann", RIGHT, RIGHT)
    with pytest.raises(errors.WrongPassword):
        await known.change_password("ann", "wrong", NEW)
    for change in (known.remove("bob"), known.set_role("bob", Role.ADMIN), known.modify("bob", enabled=True)):
        with pytest.raises(errors.UnknownAccount):
            await change


async def test_the_hmis_own_account_is_only_disabled(known: Accounts) -> None:
    await known.set("hmi", Role.VIEWER, NEW)
    for change in (
        known.remove("hmi"),
        known.set_role("hmi", Role.ADMIN),
        known.modify("hmi", password=RIGHT),
        known.change_password("hmi", NEW, RIGHT),
    ):
        with pytest.raises(errors.ServiceAccount):
            await change
    await known.modify("hmi", enabled=False)


async def test_old_passwords_are_not_guessed_either(known: Accounts) -> None:
    for _ in range(FAILURES):
        with pytest.raises(errors.WrongPassword):
            await known.change_password("ann", "wrong", NEW, HERE)
    with pytest.raises(errors.WrongPassword):
        await known.change_password("ann", RIGHT, NEW, HERE)
    await known.modify("ann", enabled=True)  # an administrator unlocks
    await known.change_password("ann", RIGHT, NEW, HERE)


async def test_a_password_is_changed_once(known: Accounts) -> None:
    changes = [known.change_password("ann", RIGHT, NEW), known.change_password("ann", RIGHT, NEW + "!")]
    done = await asyncio.gather(*changes, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["NoneType", "WrongPassword"]


# -- certificates


def certificate(common_name: str, organisation: str = "Plant") -> bytes:
    """A certificate as a user has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common_name)]
    name = x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


async def test_a_user_is_known_by_thumbprint_or_subject(known: Accounts, store: Store) -> None:
    card, badge = certificate("ann"), certificate("eve")
    sha256, sha1, subject = usercertificates.known_by(card)
    assert subject == 'CN="ann"/O="Plant"'
    assert known.by_certificate(card) is None
    for criterion in (sha256, sha1, subject):
        name = await known.add_certificate(criterion, Role.ENGINEER)
        assert known.by_certificate(card) == User(name, Role.ENGINEER)
        assert known.by_certificate(badge) is None
        await known.remove_certificate(criterion)
        assert known.by_certificate(card) is None
    assert set(store.kept) == {"ann", "root"}  # ann has a password, the others had nothing else
    assert store.kept["ann"].role == "Engineer"


async def test_a_certificate_alone_gives_no_password(known: Accounts) -> None:
    name = await known.add_certificate('CN="eve"', Role.ADMIN)
    assert name == "eve"
    assert await known.authenticate("eve", "") is None
    await known.remove("root")
    with pytest.raises(errors.LastAdmin):
        await known.remove_certificate('CN="eve"')
    with pytest.raises(errors.UnknownAccount):
        await known.remove_certificate('CN="nobody"')


async def test_a_disabled_user_does_not_come_in_with_a_certificate(known: Accounts) -> None:
    card = certificate("ann")
    await known.add_certificate(usercertificates.known_by(card)[0], Role.VIEWER)
    await known.modify("x509-" + usercertificates.known_by(card)[0][:16], enabled=False)
    assert known.by_certificate(card) is None
    assert known.by_certificate(b"no certificate") is None


def test_a_subject_cannot_pass_as_another() -> None:
    forged = certificate('ann"/O="Plant', "Elsewhere")
    assert len(usercertificates.known_by(forged)) == 2


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('CN="ann"', "ann"),
        ('CN="ann"/O="Plant"', "ann"),
        ("CN=ann", None),
        ('O="Plant"', None),
        ("", None),
        ('CN=""', None),
    ],
)
def test_subjects(written: str, name: str | None) -> None:
    assert usercertificates.name_in(written) == name


def test_thumbprints() -> None:
    assert usercertificates.is_thumbprint("0A" * 20)
    assert usercertificates.is_thumbprint("0A" * 32)
    assert not usercertificates.is_thumbprint("0a" * 20)
    assert not usercertificates.is_thumbprint("0A" * 21)


def test_roles_include_those_below() -> None:
    assert User("a", Role.ADMIN).may(Role.ENGINEER)
    assert User("a", Role.VIEWER).may(Role.ANONYMOUS)
    assert not User("a", Role.VIEWER).may(Role.OPERATOR)
