"""The table `event`: every event that the server has told, as it was told.

An event of a condition is kept as the condition's state, and its definition beside it, once for all events
under the same definition: limits and texts may be configured anew without a change to the past. Any other
event is kept as its fields. What the rows mean to OPC UA is the server's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

import psycopg

from historian.connections import Connections
from historian.moments import iso, moment, storable
from nodeset.index import MIRROR

STATEMENTS: Final = {
    "definition": "INSERT INTO condition_definition (id, content) SELECT id, content::jsonb FROM "
    "json_to_recordset(%s::json) AS new (id bigint, content text) ON CONFLICT DO NOTHING",
    "event": "INSERT INTO event SELECT * FROM json_populate_recordset(NULL::event, %s::json) "
    "ON CONFLICT DO NOTHING",
}
_STATE: Final = ("change", "enabled", "level", "acked", "last_severity", "quality", "value")
_TIMES: Final = ("active_ts", "acked_ts", "enabled_ts", "quality_ts", "severity_ts", "comment_ts")
_FIRST_TIME: Final = 9  # of the fields of a ConditionRow
# What is NULL where a condition is as it begins, and what it is then.
_DEFAULTS: Final = {
    "confirmed": True, "shelved": 0, "suppressed": 0, "out_of_service": False, "branch": 0, "branches": 0
}  # fmt: skip
_LATER_TIMES: Final = ("confirmed_ts", "shelved_ts", "shelved_until", "suppressed_ts", "service_ts")
_FIRST_DEFAULT: Final = 17
_FIRST_LATER_TIME: Final = _FIRST_DEFAULT + len(_DEFAULTS)
_INFINITY: Final = float("inf")
_MICROSECONDS: Final = "(extract(epoch FROM {}) * 1000000)::bigint"
_COLUMNS: Final = ", ".join(
    (
        _MICROSECONDS.format("ts"),
        "number, encode(event_id, 'hex'), event_type, source, severity, simulated, message, fields",
        "condition, definition",
        *_STATE,
        *map(_MICROSECONDS.format, _TIMES),
        "comment, user_name",
        *_DEFAULTS,
        *map(_MICROSECONDS.format, _LATER_TIMES),
    )
)
# One text for all rows: unpacking columns would keep the event loop busy.
_READ: Final = (
    "SELECT json_agg(found ORDER BY ts {order}, number {order})::text, array_agg(DISTINCT definition) "
    "FROM (SELECT ts, number, definition, json_build_array({columns}) AS found FROM event WHERE {where} "
    "ORDER BY ts {order}, number {order} LIMIT %(most)s) AS rows"
)
_DEFINITIONS: Final = "SELECT id, content::text FROM condition_definition WHERE id = ANY(%s)"
_IS_HYPERTABLE: Final = (
    "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb' AND to_regclass('event') IS NOT NULL"
)
_EXPIRE: Final = (
    "DELETE FROM event WHERE (ts, event_id) IN "
    "(SELECT ts, event_id FROM event WHERE ts < %s ORDER BY ts LIMIT %s)"
)
_COMMON: Final = 9  # columns before those of conditions


class ConditionRow(NamedTuple):
    """The state of a condition that an event told; `definition` is JSON. Times in µs, 0 is never."""

    name: str
    definition: str
    change: int
    enabled: bool
    level: int
    acked: bool
    last_severity: int
    quality: int
    value: float
    active_time: int
    acked_time: int
    enabled_time: int
    quality_time: int
    severity_time: int
    comment_time: int
    comment: str
    user: str
    confirmed: bool = True
    shelved: int = 0
    suppressed: int = 0
    out_of_service: bool = False
    branch: int = 0
    branches: int = 0
    confirmed_time: int = 0
    shelved_time: int = 0
    shelved_until: int = 0
    suppressed_time: int = 0
    service_time: int = 0

    def columns(self) -> dict[str, Any]:
        """Its columns as JSON has them; what is NULL is left out."""
        value = self.value
        columns: dict[str, Any] = {
            "condition": self.name,
            "definition": definition_number(self.definition),
            "change": self.change,
            "enabled": self.enabled,
            "level": self.level,
            "acked": self.acked,
            "last_severity": self.last_severity,
            "quality": self.quality,
            "value": value if abs(value) < _INFINITY else repr(value),
        }
        for name, time in self._times():
            if time:
                columns[name] = iso(time)
        for (name, first), now in zip(_DEFAULTS.items(), self[_FIRST_DEFAULT:], strict=False):
            if now != first:
                columns[name] = now
        if self.comment:
            columns["comment"] = storable(self.comment)
        if self.user:
            columns["user_name"] = storable(self.user)
        return columns

    def _times(self) -> Iterator[tuple[str, int]]:
        yield from zip(_TIMES, self[_FIRST_TIME:], strict=False)
        yield from zip(_LATER_TIMES, self[_FIRST_LATER_TIME:], strict=True)


class EventRow(NamedTuple):
    """An event; `time` in µs, `number` rises in the order in which events are told.

    `type` is the text of its type's NodeId, `fields` what it has beyond those of every event.
    """

    time: int
    number: int
    event_id: bytes
    type: str
    source: str
    severity: int
    simulated: bool
    message: str
    fields: dict[str, Any] | None = None
    condition: ConditionRow | None = None

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written: its columns, and the definition that they refer to."""
        record: dict[str, Any] = {
            "ts": iso(self.time),
            "number": self.number,
            "event_id": f"\\x{self.event_id.hex()}",
            "event_type": self.type,
            "source": self.source,
            "site": site_of(self.source),
            "severity": self.severity,
            "simulated": self.simulated,
            "message": storable(self.message),
        }
        if self.fields is not None:
            record["fields"] = self.fields
        if self.condition is not None:
            columns = self.condition.columns()
            yield "definition", {"id": columns["definition"], "content": self.condition.definition}
            record |= columns
        yield "event", record


@lru_cache(maxsize=1024)
def definition_number(content: str) -> int:
    """The number of a definition: the same for the same content, on every server."""
    return int.from_bytes(sha256(content.encode()).digest()[:8], "big", signed=True)


@lru_cache(maxsize=4096)
def site_of(source: str) -> str:
    """The first part of a source's path, within the mirror too: what events are found by."""
    at = MIRROR if source.startswith(MIRROR) else ""
    return at + source.removeprefix(at).partition("/")[0]


@dataclass(frozen=True)
class Scope:
    """Whose events are meant, as a condition and its parameters; without arguments: all."""

    where: str = "true"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_assets(cls) -> Scope:
        """Those of anything but the server itself."""
        return cls("source <> ''")

    @classmethod
    def below(cls, path: str) -> Scope:
        """Those of the asset at a path, and of all below it."""
        where = "site = %(site)s AND (source = %(path)s OR starts_with(source, %(path)s || '/'))"
        return cls(where, {"site": site_of(path), "path": path})

    @classmethod
    def mirrored(cls, *more: str) -> Scope:
        """Those of the whole mirror, and of some sources besides."""
        where = "(starts_with(source, %(mirror)s) OR source = ANY(%(sources)s))"
        return cls(where, {"mirror": MIRROR, "sources": list(more)})


EVERYTHING: Final = Scope()


@dataclass(frozen=True)
class Extent:
    """Which events of a scope: those from `low` up to `high` [µs, not included], in one direction.

    `after` is the time and number of the event that was read last.
    """

    low: int
    high: int
    backwards: bool = False
    after: tuple[int, int] | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """A condition and its parameters."""
        where, parameters = "ts >= %(low)s AND ts < %(high)s", {"low": self.low, "high": self.high}
        if self.after is None:
            return where, {name: moment(time) for name, time in parameters.items()}
        time, number = self.after
        beyond = "<" if self.backwards else ">"
        parameters["high" if self.backwards else "low"] = time + int(self.backwards)
        told = {"at": moment(time), "number": number}
        where += f" AND (ts, number) {beyond} (%(at)s, %(number)s)"
        return where, {**{name: moment(time) for name, time in parameters.items()}, **told}


class EventJournal:
    """The table `event` for readers."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._definitions: dict[int, str] = {}

    async def read(
        self, scope: Scope, extent: Extent, most: int, narrow: Scope = EVERYTHING
    ) -> list[EventRow]:
        """Up to `most` events of a scope in the order of `extent`, of those that `narrow` has too."""
        within, parameters = extent.where()
        where = f"{scope.where} AND {within} AND {narrow.where}"
        order = "DESC" if extent.backwards else "ASC"
        query = _READ.format(columns=_COLUMNS, where=where, order=order)
        given = {**scope.parameters, **parameters, **narrow.parameters, "most": most}
        async with self._connections.use() as connection:
            row = await (await connection.execute(query.encode(), given)).fetchone()
            text, numbers = row or (None, None)
            if text is None:
                return []
            await self._define(connection, {int(n) for n in numbers or () if n is not None})
        return await asyncio.to_thread(_rows, text, self._definitions)

    async def _define(self, connection: psycopg.AsyncConnection, numbers: set[int]) -> None:
        """Know the definitions with these numbers."""
        missing = numbers - self._definitions.keys()
        if missing:
            cursor = await connection.execute(_DEFINITIONS, ([*missing],))
            self._definitions |= {int(number): str(content) for number, content in await cursor.fetchall()}


def _rows(text: str, definitions: Mapping[int, str]) -> list[EventRow]:
    return [_row(columns, definitions) for columns in json.loads(text)]


def _row(columns: list[Any], definitions: Mapping[int, str]) -> EventRow:
    time, number, event_id, *common = columns[:_COMMON]
    of_condition = columns[_COMMON:]
    condition = None if of_condition[0] is None else _condition(of_condition, definitions)
    return EventRow(*[time, number, bytes.fromhex(event_id), *common, condition])


def _condition(columns: list[Any], definitions: Mapping[int, str]) -> ConditionRow:
    name, definition, *state = columns[: 1 + len(_STATE)]
    value, *times = columns[1 + len(_STATE) : _FIRST_DEFAULT - 2]
    never = [at or 0 for at in times]
    comment, user = (text or "" for text in columns[_FIRST_DEFAULT - 2 : _FIRST_DEFAULT])
    later = [first if now is None else now for first, now in _with_defaults(columns[_FIRST_DEFAULT:])]
    return ConditionRow(*[name, definitions[definition], *state, float(value), *never, comment, user, *later])


def _with_defaults(columns: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The newer columns, each after what it is where it is NULL."""
    return zip((*_DEFAULTS.values(), *(0 for _ in _LATER_TIMES)), columns, strict=True)


async def expire_events(connection: psycopg.AsyncConnection, before: int, most: int = 10_000) -> int:
    """Remove events from before a time [µs], up to `most` and the oldest first; how many there were."""
    return (await connection.execute(_EXPIRE, (moment(before), most))).rowcount


async def drop_event_chunks(connection: psycopg.AsyncConnection, before: int) -> None:
    """On TimescaleDB, drop the chunks that end before a time [µs]."""
    found = await (await connection.execute(_IS_HYPERTABLE)).fetchone()
    if found is not None:
        await connection.execute("SELECT drop_chunks('event', older_than => %s)", (moment(before),))
