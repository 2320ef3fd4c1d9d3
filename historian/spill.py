"""What waits on disk while the database is away: a SQLite file of packed scans or entries, oldest first.

All but the properties block; call them in a thread, one at a time. What `append` has accepted survives a
power cut (WAL, synchronous FULL). A file that is damaged is set aside and a new one begun. A full disk keeps
nobody from reading: what could not be deleted is passed over, and comes again only after a restart.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

_log = structlog.get_logger("historian")


class Spill:
    """A first-in, first-out queue on disk, of at most `max_bytes`."""

    def __init__(self, path: Path, max_bytes: float) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._db: sqlite3.Connection | None = None
        self._count = self._bytes = self._last = 0
        self.damaged = 0  # entries that damage to the file has cost since the start
        self._done = 0  # up to here it is forgotten, even if it is there
        try:
            self._file  # noqa: B018 - it opens
        except sqlite3.OperationalError as error:  # a full disk, a folder without rights
            _log.error("nothing can wait on disk; see that it has room", file=str(path), error=str(error))

    @property
    def count(self) -> int:
        """How many wait."""
        return self._count

    @property
    def used(self) -> float:
        """Share of `max_bytes` that they take."""
        return self._bytes / self._max_bytes

    @property
    def last(self) -> int:
        """Number of the newest."""
        return self._last

    def append(self, *blobs: bytes) -> bool:
        """Keep what was packed, all or nothing; False when there is no room."""
        size = sum(map(len, blobs))
        if self._bytes + size > self._max_bytes:
            return False
        try:
            self._insert(blobs)
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            self._insert(blobs)
        self._count += len(blobs)
        self._bytes += size
        return True

    def first(self) -> tuple[int, bytes]:
        """Number and data of the oldest."""
        (oldest,) = self.oldest(1, 0)
        return oldest

    def oldest(self, count: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Numbers and data of up to `count` of the oldest, and no more than the first beyond `max_bytes`."""
        found: list[tuple[int, bytes]] = []
        size = 0
        with self._undamaged() as file:
            query = "SELECT id, data FROM scan WHERE id > ? ORDER BY id LIMIT ?"
            for number, blob in file.execute(query, (self._done, count)):
                size += len(blob)
                if found and size > max_bytes:
                    break
                found.append((number, blob))
        return found

    def delete(self, number: int) -> None:
        """Forget what the database has: the oldest up to `number`."""
        with self._undamaged() as file:
            query = "SELECT count(*), coalesce(sum(length(data)), 0) FROM scan WHERE id > ? AND id <= ?"
            count, size = file.execute(query, (self._done, number)).fetchone()
            self._done = number
            self._count -= count
            self._bytes -= size
            with contextlib.suppress(sqlite3.OperationalError):
                self._remove(file)

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()

    @property
    def _file(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                self._set_aside(error)
        assert self._db is not None
        return self._db

    def _insert(self, blobs: tuple[bytes, ...]) -> None:
        file = self._file
        with file:
            for blob in blobs:
                row = file.execute("INSERT INTO scan (data) VALUES (?) RETURNING id", (blob,)).fetchone()
                self._last = row[0]

    def _remove(self, file: sqlite3.Connection) -> None:
        with file:
            file.execute("DELETE FROM scan WHERE id <= ?", (self._done,))
        if self._count == 0:  # give the disk space back
            self._done = 0  # numbers begin anew
            file.execute("VACUUM")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _undamaged(self) -> Iterator[sqlite3.Connection]:
        """The file; if it turns out to be damaged there is an error, and a new one to go on with."""
        try:
            yield self._file
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            raise

    def _open(self) -> None:
        file = sqlite3.connect(self._path, check_same_thread=False)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")
            file.execute("CREATE TABLE IF NOT EXISTS scan (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
            row = file.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM scan").fetchone()
        except sqlite3.DatabaseError:
            file.close()
            raise
        self._db = file
        self._count, self._bytes = row
        self._done = 0

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Go on with a new file, or raise `error` again when the file is not damaged."""
        if type(error) is not sqlite3.DatabaseError:  # others say that the disk is full, or closed, or slow
            raise error
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns() // 1000}")
        _log.error(
            "the spill file is damaged; it is set aside",
            kept_as=str(aside),
            error=str(error),
            held=self._count,
        )
        self.damaged += self._count
        self.close()
        self._db = None
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open()
