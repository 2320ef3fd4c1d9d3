"""Accounts that a first start makes: the administrator, and the HMI's own to read with (I4)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from server.errors import StartError
from server.security.accounts import HMI_USER, Accounts
from server.security.users import Role

ADMIN: Final = "admin"


async def make_accounts(accounts: Accounts, home: Path, preset: SecretStr | None) -> str | None:
    """Make what is missing; gives the administrator's one-time password where one was made up.

    `StartError` where the password that is preset does not follow the rules.
    """
    told = None
    if ADMIN not in accounts:
        password = preset.get_secret_value() if preset else secrets.token_urlsafe(12)
        fault = accounts.rules.fault(ADMIN, password) if preset else None
        if fault is not None:
            raise StartError(f"VOLTKEEP_ADMIN_PASSWORD: {fault}")
        await accounts.set(ADMIN, Role.ADMIN, password, must_change=not preset)
        told = None if preset else password
    secret = home / "hmi" / "service.secret"
    if HMI_USER not in accounts or not secret.exists():
        password = secrets.token_urlsafe(32)
        await accounts.set(HMI_USER, Role.VIEWER, password)
        _write_secret(secret, password)
    return told


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
