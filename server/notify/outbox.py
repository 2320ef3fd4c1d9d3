"""What is still to be sent, and what alerts there are, on disk: a kill loses neither and repeats little.

A delivery is one message to one mail address or webhook. It is kept before it is tried and deleted when the
other side has it, so it arrives at least once; its id stays the same, so that a repeat can be told. All but
the properties block: call them in a thread, one at a time. What a method has done survives a power cut (WAL,
synchronous FULL). A file that is damaged is set aside and a new one begun.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from server.notify.alert import Alert, alert_from_json, member_from_list, member_to_list
from server.notify.alerts import Changes
from server.notify.delivery import Delivery

_log = structlog.get_logger("notify")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS mark (one INTEGER PRIMARY KEY CHECK (one = 1), heard INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS alert (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS member (
    alert TEXT NOT NULL, condition TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (alert, condition)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS flow (team TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY, channel TEXT NOT NULL, target TEXT NOT NULL, message TEXT NOT NULL,
    severity INTEGER NOT NULL, created REAL NOT NULL, due REAL NOT NULL, tries INTEGER NOT NULL,
    content BLOB NOT NULL, UNIQUE (message, channel, target)
);
CREATE INDEX IF NOT EXISTS by_due ON delivery (channel, due);
"""


@dataclass
class Remembered:
    """What was kept: the number of the last event, None at the first start, and the alerts and flows."""

    heard: int | None
    alerts: list[Alert]
    flows: dict[str, str]


class Outbox:
    """The file of one server; at most `most` deliveries wait."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._db: sqlite3.Connection | None = None
        self.waiting = 0
        self.dropped = 0  # deliveries that had no room, since the start

    def open(self) -> Remembered:
        """Open the file, or a new one."""
        try:
            return self._open()
        except (ValueError, TypeError) as error:
            _log.warning("alerts of another version are forgotten; messages are not", reason=str(error))
            with self._file as file:
                for table in ("alert", "member", "flow"):
                    file.execute(f"DELETE FROM {table}")
            return self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # a full disk, a folder without rights
                raise
            self._set_aside(error)
            return self._open()

    def keep(self, changes: Changes, heard: int, deliveries: list[Delivery]) -> None:
        """All or nothing: what the alerts have become, and what is to be sent of it."""
        with self._file as file:
            file.execute("INSERT OR REPLACE INTO mark VALUES (1, ?)", (heard,))
            for alert, data in changes.alerts.items():
                if data is None:
                    file.execute("DELETE FROM member WHERE alert = ?", (alert,))
                    file.execute("DELETE FROM alert WHERE id = ?", (alert,))
                else:
                    file.execute("INSERT OR REPLACE INTO alert VALUES (?, ?)", (alert, data))
            self._keep_members(file, changes)
            file.executemany("INSERT OR REPLACE INTO flow VALUES (?, ?)", changes.flows.items())
            self._insert(file, deliveries)
        self._count()

    def due(self, channel: str, now: float, most: int) -> list[Delivery]:
        """The next deliveries of a channel, the most severe first, then the oldest."""
        rows = self._file.execute(
            "SELECT channel, target, message, severity, created, content, number, tries FROM delivery"
            " WHERE channel = ? AND due <= ? ORDER BY severity DESC, number LIMIT ?",
            (channel, now, most),
        )
        return [Delivery(*row) for row in rows]

    def next_due(self, channel: str) -> float | None:
        """When the next delivery of a channel is due; None where there is none."""
        row = self._file.execute("SELECT min(due) FROM delivery WHERE channel = ?", (channel,)).fetchone()
        return None if row[0] is None else float(row[0])

    def add(self, deliveries: list[Delivery]) -> None:
        """Keep what is to be sent."""
        with self._file as file:
            self._insert(file, deliveries)
        self._count()

    def settle(self, done: list[int], later: dict[int, float]) -> None:
        """Forget what was sent or given up; others are tried again, when it is said by their number."""
        with self._file as file:
            file.executemany("DELETE FROM delivery WHERE number = ?", [(number,) for number in done])
            file.executemany(
                "UPDATE delivery SET due = ?, tries = tries + 1 WHERE number = ?",
                [(due, number) for number, due in later.items()],
            )
        self._count()

    def forget_others(self, channels: list[str]) -> int:
        """Forget deliveries of all other channels; how many they were."""
        known = ", ".join("?" * len(channels))
        with self._file as file:
            gone = file.execute(f"DELETE FROM delivery WHERE channel NOT IN ({known})", channels).rowcount
        self._count()
        return int(gone)

    def go_on_in_memory(self) -> None:
        """The file cannot be written: go on with a copy, or with nothing if it cannot be read either."""
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.backup(memory)
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        memory.executescript(_SCHEMA)
        self._db = memory
        self._count()

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    @property
    def _file(self) -> sqlite3.Connection:
        assert self._db is not None
        return self._db

    def _open(self) -> Remembered:
        if self._db is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
        file = self._db
        alerts = {id: alert_from_json(data) for id, data in file.execute("SELECT id, data FROM alert")}
        for id, condition, data in file.execute("SELECT alert, condition, data FROM member"):
            if id in alerts:
                alerts[id].members[condition] = member_from_list(json.loads(data))
        row = file.execute("SELECT heard FROM mark").fetchone()
        flows = dict(file.execute("SELECT team, data FROM flow").fetchall())
        self._count()
        return Remembered(None if row is None else int(row[0]), list(alerts.values()), flows)

    def _keep_members(self, file: sqlite3.Connection, changes: Changes) -> None:
        gone = {alert for alert, data in changes.alerts.items() if data is None}
        rows: list[tuple[Any, ...]] = []
        for (alert, condition), member in changes.members.items():
            if alert in gone:
                continue
            if member is None:
                file.execute("DELETE FROM member WHERE alert = ? AND condition = ?", (alert, condition))
            else:
                rows.append((alert, condition, json.dumps(member_to_list(member))))
        file.executemany("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", rows)

    def _insert(self, file: sqlite3.Connection, deliveries: list[Delivery]) -> None:
        file.executemany(
            "INSERT OR IGNORE INTO delivery (channel, target, message, severity, created, due, tries,"
            " content) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            [
                (d.channel, d.target, d.message, d.severity, d.created, d.created, d.content)
                for d in deliveries
            ],
        )
        self._make_room(file)

    def _make_room(self, file: sqlite3.Connection) -> None:
        """Of too many, the least severe go, the oldest of them first."""
        (count,) = file.execute("SELECT count(*) FROM delivery").fetchone()
        if count > self._most:
            file.execute(
                "DELETE FROM delivery WHERE number IN"
                " (SELECT number FROM delivery ORDER BY severity, number LIMIT ?)",
                (count - self._most,),
            )
            self.dropped += count - self._most

    def _count(self) -> None:
        (self.waiting,) = self._file.execute("SELECT count(*) FROM delivery").fetchone()

    def _set_aside(self, error: Exception) -> None:
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns() // 1000}")
        _log.error("the outbox is damaged; it is set aside", kept_as=str(aside), error=str(error))
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
