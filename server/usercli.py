"""`voltkeep user`: users and roles of the running server, and a way in when nobody knows the password."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from server.console import out
from server.errors import RequestError

if TYPE_CHECKING:
    from server.userclient import UserClient

PASSWORD_VARIABLE: Final = "VOLTKEEP_PASSWORD"
NEW_PASSWORD_VARIABLE: Final = "VOLTKEEP_NEW_PASSWORD"
ONE_TIME_BYTES: Final = 12

users = typer.Typer(
    no_args_is_help=True,
    help=f"Users and roles of the running server. {PASSWORD_VARIABLE} is the password of who asks; without "
    "it, it is asked for.",
)


class RoleName(StrEnum):
    """The roles, each including those before it."""

    VIEWER = "Viewer"
    OPERATOR = "Operator"
    ENGINEER = "Engineer"
    ADMIN = "Admin"


Name = Annotated[str, typer.Argument(help="Name of the user.")]
As = Annotated[str, typer.Option("--as", help="The administrator who asks.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]
Act = Callable[["UserClient"], Awaitable[None]]


@users.command("list")
def list_(who: As = "admin", config: Config = None, home: Home = None) -> None:
    """List all users."""

    async def act(client: UserClient) -> None:
        for user in await client.all():
            out.print(f"{user.name:24} {user.role:10} {user.marks}".rstrip())

    _run(act, who, config, home)


@users.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option("--role", help="What the user may do.")] = RoleName.VIEWER,
    description: Annotated[str, typer.Option("--description", help="Who this is.")] = "",
    who: As = "admin",
    config: Config = None,
    home: Home = None,
) -> None:
    """Add a user with a one-time password, which is shown this once."""

    async def act(client: UserClient) -> None:
        password = one_timepassword_of()
        await client.add(name, password, description)
        if role is not RoleName.VIEWER:
            await client.give_role(role.value, name)
        out.print(f"One-time password of user {name}: {password}")

    _run(act, who, config, home)


@users.command()
def remove(name: Name, who: As = "admin", config: Config = None, home: Home = None) -> None:
    """Remove a user, and end what the user has open."""
    _run(lambda client: client.remove(name), who, config, home)


@users.command()
def role(
    name: Name,
    role: Annotated[RoleName, typer.Argument(help="What the user may do.")],
    who: As = "admin",
    config: Config = None,
    home: Home = None,
) -> None:
    """Give a user another role."""
    _run(lambda client: client.give_role(role.value, name), who, config, home)


@users.command()
def password(
    name: Annotated[str | None, typer.Argument(help="Whose; without it, of who asks.")] = None,
    who: As = "admin",
    config: Config = None,
    home: Home = None,
) -> None:
    """Change one's own password, or give another user a one-time password."""
    settings, old = _settings(config, home), password_of(who)
    if name is not None and name != who:
        fresh = one_timepassword_of()
        _do(lambda client: client.configure(name, one_time_password=fresh), settings, who, old)
        out.print(f"One-time password of user {name}: {fresh}")
        return
    new = os.environ.get(NEW_PASSWORD_VARIABLE) or typer.prompt(
        "New password", hide_input=True, confirmation_prompt=True, err=True
    )
    _do(lambda client: client.change_password(old, new), settings, who, old)
    out.print(f"The password of {who} is changed.")


@users.command()
def unlock(name: Name, who: As = "admin", config: Config = None, home: Home = None) -> None:
    """End the lock-out of a user after wrong passwords."""
    _run(lambda client: client.configure(name), who, config, home)


@users.command()
def enable(name: Name, who: As = "admin", config: Config = None, home: Home = None) -> None:
    """Let a disabled user log in again."""
    _run(lambda client: client.configure(name, enabled=True), who, config, home)


@users.command()
def disable(name: Name, who: As = "admin", config: Config = None, home: Home = None) -> None:
    """Let a user not log in, and end what the user has open."""
    _run(lambda client: client.configure(name, enabled=False), who, config, home)


@users.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="The user's certificate (DER or PEM).")],
    role: Annotated[RoleName, typer.Option("--role", help="What the user may do.")] = RoleName.VIEWER,
    pin: Annotated[
        bool, typer.Option("--pin", help="This one only, not every trusted one of its subject.")
    ] = False,
    who: As = "admin",
    config: Config = None,
    home: Home = None,
) -> None:
    """Let the owner of a trusted certificate log in."""
    from server.security.usercertificates import known_by

    try:
        thumbprint, _, *subject = known_by(_der(file))
    except (OSError, ValueError) as error:
        raise RequestError(f"{file} is no certificate: {error}") from None
    if not pin and not subject:
        raise RequestError(f"{file} has no subject that can be told from others: use --pin")
    kind = "Thumbprint" if pin else "X509Subject"
    criterion = thumbprint if pin else subject[0]
    _run(lambda client: client.give_role(role.value, criterion, kind), who, config, home)
    out.print(f"{criterion} is {role.value}. The certificate must be trusted, too.")


@users.command("reset-admin")
def reset_admin(config: Config = None, home: Home = None) -> None:
    """Give `admin` a new one-time password while the server is stopped."""
    from server.adminreset import reset

    fresh = one_timepassword_of()
    asyncio.run(reset(_settings(config, home), fresh))
    out.print(f"One-time password of user admin: {fresh}")


def one_timepassword_of() -> str:
    """A password that nobody guesses and that can be read out."""
    return secrets.token_urlsafe(ONE_TIME_BYTES)


def _run(act: Act, who: str, config: Path | None, home: Path | None) -> None:
    _do(act, _settings(config, home), who, password_of(who))


def _do(act: Act, settings: Settings, who: str, secret: str) -> None:
    from server.userclient import connected

    async def run() -> None:
        async with connected(settings, who, secret) as client:
            await act(client)

    asyncio.run(run())


def password_of(who: str) -> str:
    """The password of who asks, of the environment or asked for."""
    found = os.environ.get(PASSWORD_VARIABLE)
    return found or str(typer.prompt(f"Password of {who}", hide_input=True, err=True))


def _settings(config: Path | None, home: Path | None) -> Settings:
    import logging

    for variable, value in ((CONFIG_VARIABLE, config), ("VOLTKEEP_HOME", home)):
        if value is not None:
            os.environ[variable] = str(value)
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what matters is said in plain words
    return load_settings()


def _der(file: Path) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    content = file.read_bytes()
    if content.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
    return content
