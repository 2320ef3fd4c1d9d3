"""User accounts: who may log in, checked with Argon2 outside the event loop.

Accounts are kept in the historian's database and held in memory, so that operators can log in while
the database is away. An unknown name costs as much time as a wrong password.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from historian.accounts import Account
from historian.accounts import Accounts as Store
from historian.accounts import Role as StoredRole
from server.protocol.wire import now_us
from server.security.users import Role, User

MAX_FAILURES: Final = 5
LOCK_S: Final = 60.0


class Accounts:
    """Log-in, with a lock-out after repeated failures."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._accounts: dict[str, Account] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        # A hash takes 64 MiB and 50 ms of a core: guesses queue here, and leave threads for others.
        self._hashing = asyncio.Semaphore(2)

    async def load(self) -> None:
        """Read the accounts from the store."""
        self._accounts = {account.name: account for account in await self._store.all()}

    def __contains__(self, name: str) -> bool:
        return name in self._accounts

    async def set(self, name: str, role: Role, password: str) -> None:
        """Add an account, or give it a new role and password."""
        hashed = await asyncio.to_thread(self._hasher.hash, password)
        account = Account(name, StoredRole(role.title), hashed, must_change=False, created_at=now_us())
        await self._store.save(account)
        self._accounts[name] = account

    async def authenticate(self, name: str, password: str) -> User | None:
        """The user, or None when name or password are wrong or the account is locked."""
        async with self._hashing:
            if self._locked(name):
                return None
            self._note_failure(name)  # until it is known to be none: guesses at the same time count
            account = self._accounts.get(name)
            hashed = account.password_hash if account else self._nobody
            right = await asyncio.to_thread(self._verify, hashed, password)
        if account is None or not right:
            return None
        self._failures.pop(name, None)
        return User(name, Role[account.role.name])

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _locked(self, name: str) -> bool:
        count, since = self._failures.get(name, (0, 0.0))
        return count >= MAX_FAILURES and time.monotonic() - since < LOCK_S

    def _note_failure(self, name: str) -> None:
        if len(self._failures) > 10_000:
            self._failures.clear()
        count, _ = self._failures.get(name, (0, 0.0))
        self._failures[name] = (count + 1, time.monotonic())
