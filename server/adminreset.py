"""A way in when nobody knows the administrator's password: on the database itself, while no server runs.

Whoever can read the server's home or its database URL may do it; there is no other proof.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import psycopg
from argon2 import PasswordHasher

from config.settings import Settings
from historian.accounts import Account, Accounts, Role
from historian.connections import Connections
from historian.database import Database
from historian.errors import HistorianError
from historian.migrate import migrate
from server.endpoint import check_port
from server.errors import StartError
from server.protocol.wire import now_us
from server.security.passwords import normal

ADMIN: Final = "admin"


async def reset(settings: Settings, password: str) -> None:
    """Let `admin` log in as administrator with a one-time password; `StartError` says why it cannot be."""
    opcua = settings.opcua
    try:
        check_port("OPC UA", opcua.host, opcua.port, "VOLTKEEP_OPCUA_PORT")
    except StartError:
        raise StartError(
            f"A server answers at {settings.endpoint}. Stop it first, for it would not notice the change."
        ) from None
    url = settings.historian.url
    if url is None and not settings.home.exists():
        raise StartError(f"There is no database in {settings.home}: no server has run there.")
    database = Database(None if url is None else url.get_secret_value(), settings.home, lambda _text: None)
    try:
        await database.start()
        try:
            await asyncio.to_thread(migrate, database.conninfo)
            connections = Connections(database.connect)
            await _reset(Accounts(connections), password)
            await connections.close()
        finally:
            await database.stop()
    except (HistorianError, psycopg.Error) as error:
        raise StartError(f"{database.name} cannot be used: {str(error).strip()}") from None


async def _reset(accounts: Accounts, password: str) -> None:
    hashed = PasswordHasher().hash(normal(password))
    found = await accounts.get(ADMIN)
    if found is None:
        found = Account(ADMIN, Role.ADMIN, hashed, must_change=True, created_at=now_us())
    await accounts.save(replace(found, role=Role.ADMIN, password_hash=hashed, must_change=True, enabled=True))
