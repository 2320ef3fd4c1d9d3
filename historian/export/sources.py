"""A connection to read a home's history with: beside a server that runs on it, or without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from historian.export.request import ExportError
from historian.visit import visited

Connection = psycopg.Connection[Any]


@contextmanager
def opened(url: str | None, home: Path) -> Iterator[Connection]:
    """A connection for the block; it blocks, in a thread without an event loop."""
    with visited(url, home, lambda _text: None) as database:
        try:
            with psycopg.connect(
                database.conninfo, autocommit=True, application_name="voltkeep export"
            ) as connection:
                yield connection
        except psycopg.Error as error:
            raise ExportError(f"{database.name} cannot be read: {str(error).strip()}") from error
