"""A connection to read a home's history with: beside a server that runs on it, or without one.

The embedded database of a home is started for as long as it is needed when nobody has started it; where
there is none yet, none is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from historian.database import Database
from historian.embedded import Embedded
from historian.errors import AlreadyRunning
from historian.export.request import ExportError

Connection = psycopg.Connection[Any]


@contextmanager
def opened(url: str | None, home: Path, runner: asyncio.Runner) -> Iterator[Connection]:
    """A connection for the block; `runner` starts and stops the embedded database where that is wanted."""
    if url is None and not (home / "postgres" / "PG_VERSION").exists():
        raise ExportError(f"There is no history in {home.resolve()}: no server has run there yet.")
    database = Database(url, home, lambda _text: None)
    try:
        conninfo = runner.run(_reach(database, home))
        with psycopg.connect(conninfo, autocommit=True, application_name="voltkeep export") as connection:
            yield connection
    except psycopg.Error as error:
        raise ExportError(f"{database.name} cannot be read: {str(error).strip()}") from error
    finally:
        runner.run(database.stop())


async def _reach(database: Database, home: Path) -> str:
    try:
        await database.start()
    except AlreadyRunning:  # its holder is the server, and the socket is open to us
        return Embedded(home).conninfo
    return database.conninfo
