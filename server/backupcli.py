"""`voltkeep backup` and `voltkeep restore`: the whole server in one file, and back (H6)."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import Settings
from server.console import out
from server.progress import Bar, duration
from server.visit import Config, Home, plain_errors, settings_of, size, url_of

if TYPE_CHECKING:
    from historian.archive import Archive

_PERCENT: Final = 100.0


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write. It holds keys and password hashes.")],
    no_raw: Annotated[bool, typer.Option("--no-raw", help="Leave out the raw readings.")] = False,
    since: Annotated[
        dt.datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="Raw readings from this day on (UTC)."),
    ] = None,
    config: Config = None,
    home: Home = None,
) -> None:
    """Back up database and home into one file; a running server goes on meanwhile."""
    from historian.backup import Content, back_up
    from historian.visit import visited

    settings = settings_of(config, home)
    first = dt.date.min if since is None else since.date()
    content = Content(dt.date.max if no_raw else first)
    with (
        plain_errors(),
        visited(url_of(settings), settings.home, out.print) as database,
        Bar(out, "Backing up", _PERCENT, "%") as bar,
    ):
        manifest = back_up(database.conninfo, settings.home, file, content, lambda done: bar(_PERCENT * done))
    out.print(
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables and {len(manifest.files)} files of "
        f"{settings.home} are in {file}: {size(file.stat().st_size)}, in {duration(bar.seconds)}"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="The archive to read.")],
    verify: Annotated[bool, typer.Option("--verify", help="Check the archive and restore nothing.")] = False,
    database_only: Annotated[
        bool, typer.Option("--database-only", help="Leave home as it is: for a change to another database.")
    ] = False,
    config: Config = None,
    home: Home = None,
) -> None:
    """Restore a backup into an empty database and an empty home."""
    from historian.archive import Archive

    settings = settings_of(config, home)
    with plain_errors(), Archive(file) as archive:
        _tell(archive)
        if verify:
            _verify(archive)
        else:
            _restore(archive, settings, database_only)


def _restore(archive: Archive, settings: Settings, database_only: bool) -> None:
    from historian.restore import files_restored, fill, refuse_occupied
    from historian.visit import alone

    home = settings.home
    if not database_only:
        refuse_occupied(home)
    home.mkdir(parents=True, exist_ok=True)
    with alone(url_of(settings), home, out.print) as database:
        files = nullcontext() if database_only else files_restored(archive, home)
        with files, Bar(out, "Restoring", _PERCENT, "%") as bar:
            fill(archive, database.conninfo, lambda done: bar(_PERCENT * done))
    where = database.name if database_only else f"{database.name} and {home}"
    out.print(f"{where[0].upper()}{where[1:]}: {archive.manifest.rows:,} rows in {duration(bar.seconds)}")


def _verify(archive: Archive) -> None:
    from historian.restore import verify

    with Bar(out, "Checking", _PERCENT, "%") as bar:
        verify(archive, lambda done: bar(_PERCENT * done))
    out.print(f"Whole and as it was written: {archive.manifest.rows:,} rows in {duration(bar.seconds)}")


def _tell(archive: Archive) -> None:
    manifest = archive.manifest
    raw = "" if manifest.readings_since is None else f", raw readings since {manifest.readings_since}"
    out.print(
        f"Backup of {manifest.created_at} by Voltkeep {manifest.voltkeep} on {manifest.engine}, schema "
        f"{manifest.schema}: {manifest.rows:,} rows, {len(manifest.files)} files{raw}"
    )
