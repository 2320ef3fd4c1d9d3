"""Storage of the users' accounts; what a password is, how it is hashed and when it locks is the server's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from historian.connections import Connections

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_COLUMNS: Final = "name, role, password_hash, must_change, created_at, enabled, description, certificates"
_SAVE: Final = f"""
INSERT INTO account ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET (role, password_hash, must_change, enabled, description, certificates) =
    (excluded.role, excluded.password_hash, excluded.must_change, excluded.enabled,
     excluded.description, excluded.certificates)
"""


class Role(StrEnum):
    """What a user may do; each role may all that the ones before it may."""

    VIEWER = "Viewer"
    OPERATOR = "Operator"
    ENGINEER = "Engineer"
    ADMIN = "Admin"


@dataclass(frozen=True)
class Account:
    """One user; times are µs since 1970.

    `password_hash` is opaque here, and empty where no password is right. `certificates` are what the user's
    X.509 certificate is known by: thumbprints or subjects, opaque here too.
    """

    name: str
    role: Role
    password_hash: str
    must_change: bool
    created_at: int
    enabled: bool = True
    description: str = ""
    certificates: tuple[str, ...] = ()


class Accounts:
    """The table `account`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        return await self._select("ORDER BY name")

    async def get(self, name: str) -> Account | None:
        """The account of that name, or None."""
        found = await self._select("WHERE name = %s", (name,))
        return found[0] if found else None

    async def save(self, account: Account) -> None:
        """Add an account, or change the one of its name; `created_at` stays as it was."""
        row = (
            account.name,
            account.role.value,
            account.password_hash,
            account.must_change,
            _datetime(account.created_at),
            account.enabled,
            account.description,
            [*account.certificates],
        )
        async with self._connections.use() as connection:
            await connection.execute(_SAVE, row)

    async def delete(self, name: str) -> bool:
        """Remove an account; False when there was none."""
        async with self._connections.use() as connection:
            cursor = await connection.execute("DELETE FROM account WHERE name = %s", (name,))
            return cursor.rowcount == 1

    async def _select(self, clause: str, values: Sequence[Any] = ()) -> tuple[Account, ...]:
        async with self._connections.use() as connection:
            cursor = await connection.execute(f"SELECT {_COLUMNS} FROM account {clause}".encode(), values)
            return tuple(_account(*row) for row in await cursor.fetchall())


def _account(
    name: str,
    role: str,
    password_hash: str,
    must_change: bool,
    created_at: dt.datetime,
    enabled: bool,
    description: str,
    certificates: list[str],
) -> Account:
    created = _microseconds(created_at)
    known_by = tuple(certificates)
    return Account(name, Role(role), password_hash, must_change, created, enabled, description, known_by)


def _microseconds(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _datetime(time: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=time)
