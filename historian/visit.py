"""The database for a command: that of a running server, or started for as long as the command takes.

Both block, in a thread without an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from historian import postmaster
from historian.database import Database
from historian.errors import AlreadyRunning, HistorianError


@contextmanager
def visited(url: str | None, home: Path, say: Callable[[str], None]) -> Iterator[Database]:
    """The database at `url`, or the embedded one of `home`, which a running server may be using.

    `HistorianError` where there is none.
    """
    if url is None and not (home / "postgres" / "PG_VERSION").exists():
        raise HistorianError(f"There is no history in {home.resolve()}: no server has run there yet.")
    database = Database(url, home, say)
    try:
        _start_or_join(database, home)
        yield database
    finally:  # Ctrl-C may come in the midst of the start
        asyncio.run(database.stop())


def _start_or_join(database: Database, home: Path) -> None:
    try:
        asyncio.run(database.start())
    except AlreadyRunning:
        if postmaster.running(home.resolve() / "postgres") is None:  # it starts or stops just now
            raise


@contextmanager
def alone(url: str | None, home: Path, say: Callable[[str], None]) -> Iterator[Database]:
    """The same, made when it is not there; `AlreadyRunning` where a server uses the embedded one."""
    database = Database(url, home, say)
    try:
        asyncio.run(database.start())
        yield database
    finally:
        asyncio.run(database.stop())
