"""The files of home that make a server what it is: states, certificates and keys, secrets, and what waits.

The database's own files and what can be made again (`cache`, logs) are not among them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDERS: Final = ("state", "pki", "hmi", "models")
NOTE: Final = "state/backup.json"  # of the last backup: of this home, and no other
_PASSING: Final = (".new", ".partial")


def kept(home: Path) -> Iterator[str]:
    """Names of the files to keep, relative to home, in order."""
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            name = path.relative_to(home).as_posix()
            if path.is_file() and path.suffix not in _PASSING and name != NOTE:
                yield name


def waiting(home: Path) -> Iterator[Path]:
    """The SQLite files of what waits for the database."""
    yield from sorted(home.glob("*.sqlite"))


def copy_waiting(path: Path, target: Path) -> None:
    """A copy of a SQLite file that somebody may be writing to."""
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
