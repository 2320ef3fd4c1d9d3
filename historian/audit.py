"""Storage of the audit trail: a table that is only added to, whose rows are chained by their hashes.

A row's hash is SHA-256 over the hash of the row before it and its own content, so that a row that was
changed, taken out or put in breaks the chain from there on (`verify`). Rows cut off the end leave no gap:
whoever wants to see that keeps the last hash somewhere else. What an entry means is the server's.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from historian.connections import Connections
from historian.moments import microseconds, moment, storable

AUDIT_EVENT_TYPE: Final = 2052
FIRST_HASH: Final = bytes(32)
VERIFIED_AT_ONCE: Final = 5000  # rows
_LOCK: Final = 0x766F_6C74_6175_6469  # one writer at a time, of however many servers
_COLUMNS: Final = (
    "ts, event_id, event_type, action, user_name, peer, session, entry_id, status, target, old, new, repeats"
)
# What `_COLUMNS` from the third on hold.
_FIELDS: Final = (
    "event_type", "action", "user", "peer", "session", "entry_id", "status", "target", "old", "new", "repeats"
)  # fmt: skip
_KNOWN: Final = "SELECT event_id FROM audit WHERE event_id = ANY(%s)"
_END: Final = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"
_INSERT: Final = f"INSERT INTO audit (id, {_COLUMNS}, hash) VALUES ({', '.join(['%s'] * 15)})"
_ROWS: Final = f"SELECT id, {_COLUMNS}, hash FROM audit WHERE id > %s ORDER BY id LIMIT {VERIFIED_AT_ONCE}"


@dataclass(frozen=True)
class AuditRow:
    """One entry as it is stored; `time` in µs since 1970, `repeats` how often the same happened."""

    time: int
    event_type: int
    action: str
    user: str = ""
    peer: str = ""
    session: str = ""
    entry_id: str = ""
    status: int = 0
    target: str = ""
    old: str = ""
    new: str = ""
    repeats: int = 1
    event_id: bytes = field(default_factory=lambda: os.urandom(16))

    def columns(self) -> list[Any]:
        """The values of its columns, without those of the chain."""
        return [
            moment(self.time),
            self.event_id,
            self.event_type,
            *(storable(text) for text in (self.action, self.user, self.peer, self.session, self.entry_id)),
            self.status,
            *(storable(text) for text in (self.target, self.old, self.new)),
            self.repeats,
        ]


@dataclass(frozen=True)
class Verdict:
    """How many rows are as they were written, the last one's hash, and the first row that is not."""

    rows: int
    hash: bytes
    broken: int | None


def chained(before: bytes, number: int, columns: Sequence[Any]) -> bytes:
    """The hash of row `number` with these columns, after a row with the hash `before`."""
    time, event_id, *rest = columns
    content = json.dumps([number, microseconds(time), bytes(event_id).hex(), *rest], separators=(",", ":"))
    return hashlib.sha256(before + content.encode()).digest()


async def append(connection: psycopg.AsyncConnection, rows: Sequence[AuditRow]) -> int:
    """Add rows in one transaction; those that are there already are left out. How many were added."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        cursor = await connection.execute(_KNOWN, ([row.event_id for row in rows],))
        known = {bytes(event_id) for (event_id,) in await cursor.fetchall()}
        end = await (await connection.execute(_END)).fetchone()
        number, link = (0, FIRST_HASH) if end is None else (int(end[0]), bytes(end[1]))
        new = []
        for row in rows:
            if row.event_id not in known:
                number, columns = number + 1, row.columns()
                link = chained(link, number, columns)
                new.append((number, *columns, link))
        if new:
            await connection.cursor().executemany(_INSERT, new)
    return len(new)


async def verify(connection: psycopg.AsyncConnection) -> Verdict:
    """Follow the chain from its first row to its last, or to the first that does not fit."""
    number, link = 0, FIRST_HASH
    after = -(1 << 63)
    while True:
        found = await (await connection.execute(_ROWS.encode(), (after,))).fetchall()
        for at, *columns, stored in found:
            if at != number + 1 or chained(link, at, columns) != bytes(stored):
                return Verdict(number, link, at)
            after, number, link = at, at, bytes(stored)
        if len(found) < VERIFIED_AT_ONCE:
            return Verdict(number, link, None)


class AuditTrail:
    """The table `audit` for readers."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def read(self, start: int, end: int, most: int) -> list[AuditRow]:
        """Up to `most` rows from `start` towards `end` [µs], which is not included; backwards when it is
        earlier."""
        order, low, high = ("ASC", ">=", "<") if start <= end else ("DESC", "<=", ">")
        query = (
            f"SELECT {_COLUMNS} FROM audit WHERE ts {low} %s AND ts {high} %s "
            f"ORDER BY ts {order}, id {order} LIMIT %s"
        )
        async with self._connections.use() as connection:
            cursor = await connection.execute(query.encode(), (moment(start), moment(end), most))
            return [_row(columns) for columns in await cursor.fetchall()]

    async def verify(self) -> Verdict:
        """Whether all of it is as it was written."""
        async with self._connections.use() as connection:
            return await verify(connection)


def packed(rows: Sequence[AuditRow]) -> bytes:
    """Rows as bytes, to wait on disk."""
    return json.dumps(
        [[row.time, row.event_id.hex(), row.event_type, *row.columns()[3:]] for row in rows],
        separators=(",", ":"),
    ).encode()


def unpacked(data: bytes) -> list[AuditRow]:
    """What `packed` has packed."""
    return [
        _row([moment(time), bytes.fromhex(event_id), *rest]) for time, event_id, *rest in json.loads(data)
    ]


def _row(columns: Sequence[Any]) -> AuditRow:
    time, event_id, *rest = columns
    fields = dict(zip(_FIELDS, rest, strict=True))
    return AuditRow(time=microseconds(time), event_id=bytes(event_id), **fields)


class AuditLedger:
    """The table `audit` for its writer."""

    name: Final = "the audit trail"

    def packed(self, rows: Sequence[AuditRow]) -> bytes:
        """Rows as bytes."""
        return packed(rows)

    def parts(self, data: bytes) -> list[bytes]:
        """Each row by itself."""
        return [packed([row]) for row in _readable(data)]

    async def append(self, connection: psycopg.AsyncConnection, data: bytes) -> int:
        """Add packed rows to the chain."""
        return await append(connection, _readable(data))

    def loss(self, count: int) -> AuditRow:
        """The entry that says how many are missing."""
        now = time.time_ns() // 1000
        return AuditRow(now, AUDIT_EVENT_TYPE, "lose entries", status=0x80B0_0000, repeats=count)


def _readable(data: bytes) -> list[AuditRow]:
    try:
        return unpacked(data)
    except TypeError as error:
        raise ValueError("not of the audit trail") from error
