"""User accounts: who may log in, and what an administrator may change about them.

Accounts are kept in the historian's database and held in memory, so that operators can log in while the
database is away; a change is written there first. An account has one role, however its user logs in. A
log-in that is refused does not tell why: an unknown name, a disabled or locked account and a wrong password
are answered alike, after the same work.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from historian.accounts import Account
from historian.accounts import Accounts as Store
from historian.accounts import Role as StoredRole
from server.protocol.wire import now_us
from server.security import errors, usercertificates
from server.security.hashing import Hashing
from server.security.lockout import MAX_NAME, Lockout, address_of
from server.security.passwords import PasswordRules
from server.security.users import Role, User

MAX_ACCOUNTS: Final = 1000
MAX_DESCRIPTION: Final = 200
MAX_DELAYED: Final = 8  # log-ins of one name that wait because it is being guessed at
HMI_USER: Final = "hmi"
SERVICE_ACCOUNTS: Final = frozenset({HMI_USER})


class Accounts:
    """All accounts; `locked_out` is told the name and the peer when a lock-out begins."""

    def __init__(
        self, store: Store, rules: PasswordRules | None = None, lockout: Lockout | None = None
    ) -> None:
        self._store = store
        self.rules = rules or PasswordRules()
        self.lockout = lockout or Lockout()
        self.locked_out: Callable[[str, str], None] = lambda _name, _peer: None
        self._hashing = Hashing()
        self._accounts: dict[str, Account] = {}
        self._delayed: dict[str, int] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read the accounts from the store."""
        self._accounts = {account.name: account for account in await self._store.all()}

    def __contains__(self, name: str) -> bool:
        return name in self._accounts

    def all(self) -> list[Account]:
        """Every account, by name."""
        return sorted(self._accounts.values(), key=lambda account: account.name)

    # -- log-in

    async def authenticate(self, name: str, password: str, peer: str = "") -> User | None:
        """The user, or None when the log-in is refused; `Busy` when too many are being looked at."""
        account = await self._proven(_normal(name), password, peer)
        if account is None:
            return None
        role = Role.ANONYMOUS if account.must_change else Role[account.role.name]
        return User(account.name, role, account.must_change)

    def by_certificate(self, der: bytes) -> User | None:
        """The user with this X.509 certificate, or None; whether it is trusted was found out before."""
        try:
            known_by = usercertificates.known_by(der)
        except ValueError:
            return None
        for criterion in known_by:
            account = self.with_certificate(criterion)
            if account is not None:
                return (
                    User(account.name, Role[account.role.name], certified=True) if account.enabled else None
                )
        return None

    def with_certificate(self, criterion: str) -> Account | None:
        """The account whose user has the certificate of this thumbprint or subject."""
        return next((a for a in self._accounts.values() if criterion in a.certificates), None)

    async def _proven(self, name: str, password: str, peer: str) -> Account | None:
        address = address_of(peer)
        await self._delay(name, address)
        now = time.monotonic()
        locked, locks = self.lockout.locked(name, address, now), False
        if not locked:
            locks = self.lockout.begin(name, address, now)
        account = self._accounts.get(name)
        usable = account is not None and account.enabled and not locked
        hashed = account.password_hash if account is not None and usable else None
        right = await self._hashing.verify(hashed, password, address)
        if right and account is not None and self._accounts.get(name) is account:
            self.lockout.succeed(name, address, time.monotonic())
            return account
        if locks:
            self.locked_out(name, peer)
        return None

    async def _delay(self, name: str, address: str) -> None:
        """Where a name is guessed at from many addresses, each attempt waits, and few may."""
        wait = self.lockout.delay(name, address, time.monotonic())
        if wait <= 0:
            return
        key = name[:MAX_NAME]
        waiting = self._delayed.get(key, 0)
        if waiting >= MAX_DELAYED:
            raise errors.Busy("This name is being guessed at from many addresses.")
        self._delayed[key] = waiting + 1
        try:
            await asyncio.sleep(wait)
        finally:
            self._delayed[key] -= 1
            if not self._delayed[key]:
                del self._delayed[key]

    # -- changes

    async def set(self, name: str, role: Role, password: str, must_change: bool = False) -> None:
        """Add an account, or give it a new role and password; for accounts of the server's own making."""
        hashed = await self._hashing.hash(password)
        async with self._changing:
            account = Account(name, StoredRole(role.title), hashed, must_change, now_us())
            await self._keep(account)

    async def add(
        self, name: str, password: str, *, must_change: bool, enabled: bool = True, description: str = ""
    ) -> None:
        """Add an account with the least of the roles."""
        name = _checked_name(name)
        self._check_new(name)
        self._check_password(name, password)
        _check_description(description)
        hashed = await self._hashing.hash(password)
        async with self._changing:
            self._check_new(name)
            account = Account(name, StoredRole.VIEWER, hashed, must_change, now_us(), enabled, description)
            await self._keep(account)

    async def modify(
        self,
        name: str,
        *,
        password: str | None = None,
        must_change: bool | None = None,
        enabled: bool | None = None,
        description: str | None = None,
    ) -> None:
        """Change what is given; whoever was locked out may try again."""
        account = self.get(name)
        hashed = None
        if password is not None:
            _check_own(account)
            self._check_password(account.name, password)
            hashed = await self._hashing.hash(password)
        if description is not None:
            _check_description(description)
        async with self._changing:
            account = self.get(name)
            if enabled is False:
                self._check_not_last(account)
            await self._keep(
                replace(
                    account,
                    password_hash=account.password_hash if hashed is None else hashed,
                    must_change=account.must_change if must_change is None else must_change,
                    enabled=account.enabled if enabled is None else enabled,
                    description=account.description if description is None else description,
                )
            )
            self.lockout.unlock(account.name)

    async def set_role(self, name: str, role: Role) -> None:
        """Give an account another role."""
        async with self._changing:
            account = self.get(name)
            _check_own(account)
            if role is not Role.ADMIN:
                self._check_not_last(account)
            await self._keep(replace(account, role=StoredRole(role.title)))

    async def remove(self, name: str) -> None:
        """Remove an account."""
        async with self._changing:
            account = self.get(name)
            _check_own(account)
            self._check_not_last(account)
            await self._drop(account)

    async def change_password(self, name: str, old: str, new: str, peer: str = "") -> None:
        """A user's own change; a wrong old password is a guess like any other."""
        account = self.get(name)
        _check_own(account)
        if await self._proven(name, old, peer) is None:
            raise errors.WrongPassword("The old password is not right.")
        if new == old:
            raise errors.SamePassword("The new password is the old one.")
        self._check_password(name, new)
        hashed = await self._hashing.hash(new, address_of(peer))
        async with self._changing:
            if self.get(name).password_hash != account.password_hash:
                raise errors.WrongPassword("The password has been changed meanwhile.")
            await self._keep(replace(self.get(name), password_hash=hashed, must_change=False))

    async def add_certificate(self, criterion: str, role: Role) -> str:
        """Give the user of a certificate a role; the name of the account, which is made where there is none.

        A subject belongs to the account of its common name, a thumbprint to one that is named after it.
        """
        async with self._changing:
            account = self.with_certificate(criterion)
            if account is None:
                name = _checked_name(usercertificates.name_in(criterion) or f"x509-{criterion[:16]}")
                account = self._accounts.get(name)
            if account is None:
                self._check_room()
                account = Account(name, StoredRole.VIEWER, "", must_change=False, created_at=now_us())
            _check_own(account)
            if role is not Role.ADMIN:
                self._check_not_last(account)
            certificates = tuple(dict.fromkeys((*account.certificates, criterion)))
            await self._keep(replace(account, role=StoredRole(role.title), certificates=certificates))
            return account.name

    async def remove_certificate(self, criterion: str) -> str:
        """Take a certificate from its account, and the account away that has nothing else to log in with."""
        async with self._changing:
            account = self.with_certificate(criterion)
            if account is None:
                raise errors.UnknownAccount("No account has this certificate.")
            left = replace(account, certificates=tuple(c for c in account.certificates if c != criterion))
            if not _can_log_in(left):
                self._check_not_last(account)
                await self._drop(account)
            else:
                await self._keep(left)
            return account.name

    # -- rules

    def get(self, name: str) -> Account:
        """The account of that name; `UnknownAccount` when there is none."""
        account = self._accounts.get(_normal(name))
        if account is None:
            raise errors.UnknownAccount(f"There is no user {name!r}.")
        return account

    def _check_new(self, name: str) -> None:
        if name in self._accounts:
            raise errors.AccountExists(f"There is a user {name!r} already.")
        self._check_room()

    def _check_room(self) -> None:
        if len(self._accounts) >= MAX_ACCOUNTS:
            raise errors.TooManyAccounts(f"There are {MAX_ACCOUNTS} accounts already.")

    def _check_password(self, name: str, password: str) -> None:
        fault = self.rules.fault(name, password)
        if fault is not None:
            raise errors.BadPassword(fault)

    def _check_not_last(self, account: Account) -> None:
        if not _is_admin(account):
            return
        if not any(_is_admin(other) for other in self._accounts.values() if other.name != account.name):
            raise errors.LastAdmin("This is the last administrator.")

    async def _keep(self, account: Account) -> None:
        await self._store.save(account)
        self._accounts[account.name] = account

    async def _drop(self, account: Account) -> None:
        await self._store.delete(account.name)
        del self._accounts[account.name]
        self.lockout.forget(account.name)


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _checked_name(name: str) -> str:
    name = _normal(name)
    if not name or len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
        raise errors.BadName(f"A user name has 1 to {MAX_NAME} characters, without spaces around it.")
    return name


def _check_description(description: str) -> None:
    if len(description) > MAX_DESCRIPTION or not description.isprintable():
        raise errors.BadName(f"A description has at most {MAX_DESCRIPTION} characters, in one line.")


def _check_own(account: Account) -> None:
    if account.name in SERVICE_ACCOUNTS:
        raise errors.ServiceAccount(f"User {account.name!r} is Voltkeep's own; it can only be disabled.")


def _is_admin(account: Account) -> bool:
    return account.role is StoredRole.ADMIN and account.enabled and _can_log_in(account)


def _can_log_in(account: Account) -> bool:
    return bool(account.password_hash or account.certificates)
