"""`voltkeep backup` and `voltkeep restore`: the whole server in one file, and back (H6)."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from server import logs
from server.console import out
from server.errors import RequestError
from server.progress import Bar, duration

if TYPE_CHECKING:
    from historian.archive import Archive

_PERCENT: Final = 100.0

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]


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

    settings = _settings(config, home)
    first = dt.date.min if since is None else since.date()
    content = Content(dt.date.max if no_raw else first)
    with (
        _told(),
        visited(_url(settings), settings.home, out.print) as database,
        Bar(out, "Backing up", _PERCENT, "%") as bar,
    ):
        manifest = back_up(database.conninfo, settings.home, file, content, lambda done: bar(_PERCENT * done))
    out.print(
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables and {len(manifest.files)} files of "
        f"{settings.home} are in {file}: {_size(file.stat().st_size)}, in {duration(bar.seconds)}"
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

    settings = _settings(config, home)
    with _told(), Archive(file) as archive:
        _tell(archive)
        if verify:
            _verify(archive)
        else:
            _restore(archive, settings, database_only)


def _restore(archive: Archive, settings: Settings, database_only: bool) -> None:
    from historian.restore import files_restored, fill, refuse_occupied
    from historian.visit import started

    home = settings.home
    if not database_only:
        refuse_occupied(home)
    home.mkdir(parents=True, exist_ok=True)
    with started(_url(settings), home, out.print) as database:
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


@contextmanager
def _told() -> Iterator[None]:
    """Errors in plain words."""
    import psycopg

    from historian.errors import HistorianError

    try:
        yield
    except HistorianError as error:
        raise RequestError(str(error)) from None
    except psycopg.Error as error:
        raise RequestError(f"The database cannot be used: {str(error).strip()}") from None
    except OSError as error:
        raise RequestError(f"{error.filename or 'A file'}: {error.strerror}") from None
    except KeyboardInterrupt:
        out.print("Interrupted. Nothing half is left.")
        raise typer.Exit(130) from None


def _url(settings: Settings) -> str | None:
    url = settings.historian.url
    return None if url is None else url.get_secret_value()


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _settings(config: Path | None, home: Path | None) -> Settings:
    for variable, value in ((CONFIG_VARIABLE, config), ("VOLTKEEP_HOME", home)):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings()
    logs.configure(settings.log.model_copy(update={"level": "warning"}))
    return settings
