"""What waits on disk while the database is away: a SQLite file of packed scans or entries, oldest first.

`append`, `first` and `delete` block; call them in a thread, one at a time. What `append` has accepted
survives a power cut (WAL, synchronous FULL). A file that is damaged is set aside and a new one begun.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import structlog

_log = structlog.get_logger("historian")


class Spill:
    """A first-in, first-out queue on disk, of at most `max_bytes`."""

    def __init__(self, path: Path, max_bytes: float) -> None:
        self._path = path
        self._max_bytes = max_bytes
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            self._open()

    @property
    def count(self) -> int:
        """How many wait."""
        return self._count

    def append(self, blob: bytes) -> bool:
        """Keep what was packed; False when there is no room."""
        if self._bytes + len(blob) > self._max_bytes:
            return False
        with self._file:
            self._file.execute("INSERT INTO scan (data) VALUES (?)", (blob,))
        self._count += 1
        self._bytes += len(blob)
        return True

    def first(self) -> tuple[int, bytes]:
        """Number and data of the oldest."""
        number, blob = self._file.execute("SELECT id, data FROM scan ORDER BY id LIMIT 1").fetchone()
        return number, blob

    def delete(self, number: int) -> None:
        """Forget one that the database has."""
        with self._file:
            row = self._file.execute(
                "DELETE FROM scan WHERE id = ? RETURNING length(data)", (number,)
            ).fetchone()
        self._count -= 1
        self._bytes -= row[0]
        if self._count == 0:  # give the disk space back
            self._file.execute("VACUUM")
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        self._file = sqlite3.connect(self._path, check_same_thread=False)
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("CREATE TABLE IF NOT EXISTS scan (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
            row = self._file.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM scan").fetchone()
        except sqlite3.DatabaseError:
            self._file.close()
            raise
        self._count: int = row[0]
        self._bytes: int = row[1]

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
        _log.error("the spill file is damaged; it is set aside", kept_as=str(aside), error=str(error))
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
