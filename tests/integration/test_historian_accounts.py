"""Accounts are stored and come back as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import psycopg
import pytest

from historian.accounts import Account, Accounts, Role
from historian.connections import Connections, connect
from historian.errors import HistorianError
from historian.migrate import migrate

ADMIN = Account("admin", Role.ADMIN, "$argon2id$x", must_change=True, created_at=1_767_225_600_000_001)


@pytest.fixture
async def accounts(database: str) -> AsyncIterator[Accounts]:
    connections = Connections(lambda: connect(database))
    yield Accounts(connections)
    await connections.close()


async def test_save_change_and_delete(accounts: Accounts) -> None:
    assert await accounts.all() == ()
    viewer = Account("นภา", Role.VIEWER, "h", must_change=False, created_at=5)
    await accounts.save(viewer)
    await accounts.save(ADMIN)
    assert await accounts.all() == (ADMIN, viewer)
    changed = replace(
        ADMIN,
        password_hash="new",
        must_change=False,
        enabled=False,
        description="ช่าง's key card",
        certificates=("0A" * 32, 'CN="ann"/O="Plant"'),
    )
    await accounts.save(replace(changed, created_at=99))
    assert await accounts.get("admin") == changed  # created_at stays
    assert await accounts.delete("admin")
    assert not await accounts.delete("admin")
    assert await accounts.get("admin") is None


async def test_the_database_knows_the_roles_too(accounts: Accounts, database: str) -> None:
    async with await connect(database) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            await connection.execute("INSERT INTO account VALUES ('x', 'Root', '', false, now())")


async def test_a_database_that_is_away_is_one_clear_error() -> None:
    accounts = Accounts(Connections(lambda: connect("host=127.0.0.1 port=1 dbname=x connect_timeout=1")))
    with pytest.raises(HistorianError, match="database is away"):
        await accounts.all()


def test_accounts_outlive_the_schema_before(postgres: str) -> None:
    """Up from the first schema with an account, and down again."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE accounts")
    conninfo = psycopg.conninfo.make_conninfo(postgres, dbname="accounts")
    try:
        migrate(conninfo, "0001")
        with psycopg.connect(conninfo) as connection:
            connection.execute("INSERT INTO account VALUES ('ann', 'Viewer', 'h', false, now(), 0, NULL)")
        migrate(conninfo)
        with psycopg.connect(conninfo) as connection:
            found = connection.execute("SELECT name, enabled, description, certificates FROM account")
            assert found.fetchall() == [("ann", True, "", [])]
        migrate(conninfo, "0001")
        with psycopg.connect(conninfo) as connection:
            found = connection.execute("SELECT name, failed_logins, locked_until FROM account")
            assert found.fetchall() == [("ann", 0, None)]
    finally:
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("DROP DATABASE accounts WITH (FORCE)")
