"""What commands on the historian's database share: settings, the database, and errors in plain words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from server import logs
from server.console import out
from server.errors import RequestError

Config = Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")]
Home = Annotated[Path | None, typer.Option("--home", help="Directory that holds all state.")]


def settings_of(config: Path | None, home: Path | None) -> Settings:
    """The settings of a command; it logs warnings only."""
    for variable, value in ((CONFIG_VARIABLE, config), ("VOLTKEEP_HOME", home)):
        if value is not None:
            os.environ[variable] = str(value)
    settings = load_settings()
    logs.configure(settings.log.model_copy(update={"level": "warning"}))
    return settings


def url_of(settings: Settings) -> str | None:
    """Where the database is; None for the embedded one."""
    url = settings.historian.url
    return None if url is None else url.get_secret_value()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Tell what goes wrong in the block as a paragraph for the user."""
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


def size(count: int) -> str:
    """`16 kB`, `20.1 MB`, `1.23 GB`."""
    for factor, unit, digits in ((1e9, "GB", 2), (1e6, "MB", 1), (1e3, "kB", 0)):
        if count >= factor:
            return f"{count / factor:.{digits}f} {unit}"
    return f"{count} bytes"
