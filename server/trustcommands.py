"""`voltkeep trust`: look at certificates that were refused, and trust them or not (X1).

It moves files of the store and needs no running server: the next connection finds them where they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from config.settings import load_settings
from server.console import out, tell_error
from server.security.certificatestore import CertificateStore, certificates_of
from server.security.trust import CertificateError, application_uris, common_name

program = typer.Typer(no_args_is_help=True, help="Certificates: list them, accept or reject one.")

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]
Users = Annotated[bool, typer.Option("--users", help="Certificates of users, not of programs.")]
Name = Annotated[str, typer.Argument(help="File name of the certificate, or a part that only it has.")]


@program.command("list")
def list_(config: Config = None, home: Home = None, users: Users = False) -> None:
    """List trusted and rejected certificates."""
    store = _store(config, home, users)
    for title, folder in (("Trusted", store.trusted), ("Rejected", store.rejected)):
        files = sorted(folder.iterdir())
        out.print(f"{title} ({folder}):" if files else f"{title} ({folder}): none")
        for file in files:
            out.print(f"  {file.name}\n    {_in_words(file)}")


@program.command()
def accept(name: Name, config: Config = None, home: Home = None, users: Users = False) -> None:
    """Trust a certificate that was rejected."""
    store = _store(config, home, users)
    out.print(f"Trusted: {_moved(store, name, store.rejected, store.trusted)}")


@program.command()
def reject(name: Name, config: Config = None, home: Home = None, users: Users = False) -> None:
    """Trust a certificate no longer; a channel that is open lasts until it is renewed."""
    store = _store(config, home, users)
    out.print(f"Rejected: {_moved(store, name, store.trusted, store.rejected)}")


def _store(config: Path | None, home: Path | None, users: bool) -> CertificateStore:
    root = (home or load_settings(config).home) / "pki"
    applications = CertificateStore(root)
    return CertificateStore(root / "users") if users else applications


def _moved(store: CertificateStore, name: str, source: Path, target: Path) -> Path:
    try:
        return store.move(name, source, target)
    except LookupError as error:
        tell_error("No certificate was moved.", f"{error}. See them all: voltkeep trust list")
        raise typer.Exit(2) from None


def _in_words(file: Path) -> str:
    """What a person compares before trusting a certificate."""
    try:
        return "; ".join(map(_described, certificates_of(file.read_bytes())))
    except (OSError, ValueError, CertificateError) as error:
        return f"cannot be read: {error}"


def _described(certificate: x509.Certificate) -> str:
    uris = ", ".join(application_uris(certificate)) or "no application URI"
    return f"{common_name(certificate)!r}, {uris}, until {certificate.not_valid_after_utc:%Y-%m-%d}"
