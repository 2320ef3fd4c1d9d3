"""What the server tells of itself and the plant, for the tables of events, simulations and outages.

All of it goes through one queue (`rowwriter`), in the order in which it happened. A batch is text: lines of
a kind and a JSON array of records, which the database takes as they are, from memory or from disk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, Protocol

import psycopg

from historian import events, maintenance, outages, simulations
from historian.events import EventRow

Record = tuple[str, dict[str, Any]]

STATEMENTS: Final = {
    kind: statement.encode()
    for kind, statement in (
        events.STATEMENTS | simulations.STATEMENTS | outages.STATEMENTS | maintenance.STATEMENTS
    ).items()
}
_OVERFLOW: Final = "i=3035"  # EventQueueOverflowEventType (Part 5, 6.4.27)
_OVERFLOW_SEVERITY: Final = 800


class Entry(Protocol):
    """Something for the journal; it may make its records as late as they are asked for, in a thread."""

    def records(self) -> Iterator[Record]:
        """A kind and columns of each, as JSON has them; what they refer to comes first."""


class JournalLedger:
    """The journal's tables for their writer."""

    name: Final = "the journal of events"

    def packed(self, rows: Sequence[Entry]) -> bytes:
        """Entries as text; each definition once, before all else."""
        records = [record for row in rows for record in row.records()]
        definitions = {each["id"]: each for kind, each in records if kind == "definition"}
        others = [record for record in records if record[0] != "definition"]
        return _lines([*(("definition", each) for each in definitions.values()), *others])

    def parts(self, data: bytes) -> list[bytes]:
        """Each entry by itself, with all definitions."""
        records = [(kind, each) for kind, rows in _read(data) for each in json.loads(rows)]
        definitions = [record for record in records if record[0] == "definition"]
        return [_lines([*definitions, record]) for record in records if record[0] != "definition"]

    async def append(self, connection: psycopg.AsyncConnection, data: bytes) -> int:
        """Write a batch in one transaction."""
        batch = [(STATEMENTS[kind], rows) for kind, rows in _read(data)]
        written = 0
        async with connection.transaction():
            for statement, rows in batch:
                written += (await connection.execute(statement, (rows,))).rowcount
        return written

    def loss(self, count: int) -> EventRow:
        """The event that says how many entries are missing."""
        now = time.time_ns() // 1000
        message = f"{count} entries of the journal were lost: neither database nor disk took them"
        return EventRow(now, now, os.urandom(16), _OVERFLOW, "", _OVERFLOW_SEVERITY, False, message)


def _lines(records: Sequence[Record]) -> bytes:
    return b"\n".join(
        f"{kind} {json.dumps([each for _, each in same], separators=(',', ':'))}".encode()
        for kind, same in groupby(records, itemgetter(0))
    )


def _read(data: bytes) -> list[tuple[str, str]]:
    """Kinds and their records; ValueError where it is no batch."""
    lines = [line.partition(" ") for line in data.decode().split("\n")]
    if not all(kind in STATEMENTS for kind, _, _ in lines):
        raise ValueError("not of the journal")
    return [(kind, rows) for kind, _, rows in lines]
