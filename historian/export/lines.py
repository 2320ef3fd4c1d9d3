"""The lines of an export as the database writes them, piece by piece: an asset, and as much of the range as
takes it a moment.

A piece is one short statement. A long one, or one transaction over all, would hold locks under which the
writer could not make tomorrow's partition nor drop an old one; and a slow reader of our output must not
hold any. So a piece is read whole before it is given on, and its length follows what the last one took.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import psycopg

from historian.columns import TABLES
from historian.export.headings import Heading, headings
from historian.export.query import copy_statement, table_of
from historian.export.request import ExportError, Request, Step
from historian.export.selection import Asset, Selection, Series, select
from historian.migrate import HEAD, version
from historian.quality import ALL_GOOD, Codes
from nodeset.fleet import AssetType

DAY: Final = 86_400_000_000  # µs
# A piece lasts between these, [s]; the first ones are short, because nobody knows how dense the rows are.
QUICK: Final = 0.15
SLOW: Final = 1.0
MOST_BYTES: Final = 16 << 20
ROWS_AT_ONCE: Final = 5_000
_FIRST_PIECE: Final = {Step.RAW: DAY, Step.HOURLY: 60 * DAY, Step.DAILY: 730 * DAY}
_SHORTEST: Final = DAY // 1440
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SETTINGS: Final = (
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO'",
    "SET extra_float_digits = 1",
    "SET statement_timeout = '10min'",
    "SET default_transaction_read_only = on",
    "SET jit = off",
)
Connection = psycopg.Connection[Any]
Progress = Callable[[float], None]  # share that is done, 0 to 1


class Lines:
    """What a request is of, and its lines as CSV without a heading."""

    def __init__(self, connection: Connection, request: Request) -> None:
        """Find out what the variables are; `ExportError` where they are nothing."""
        if request.end <= request.start:
            raise ExportError("An export must end after it begins.")
        self._connection = connection
        self._request = request
        for setting in _SETTINGS:
            connection.execute(setting)
        _check_schema(connection)
        self.selection = self._select()
        self.headings: tuple[Heading, ...] = headings(self.selection, request.step)
        self._piece = _FIRST_PIECE[request.step]
        self._longest = 64 * self._piece
        self._qualities: dict[AssetType, dict[int, Codes]] = {kind: {} for kind in AssetType}

    def pieces(self, progress: Progress) -> Iterator[bytes]:
        """All lines in order of assets and of time, whole lines in each piece."""
        series = self.selection.series
        for i, each in enumerate(series):
            start, end = self._range(each)
            low = start
            while low < end:
                high = min(low + self._piece, end)
                yield from self._read(each, low, high)
                low = high
                progress((i + (low - start) / (end - start)) / len(series))
            progress((i + 1) / len(series))

    def _select(self) -> Selection:
        rows = self._connection.execute("SELECT id, type, path FROM asset").fetchall()
        return select(
            (Asset(number, AssetType(kind), path) for number, kind, path in rows), self._request.variables
        )

    def _range(self, series: Series) -> tuple[int, int]:
        """The part of the range that has rows: nobody waits for the years before the first."""
        request = self._request
        name = table_of(series, request.step)
        found = self._connection.execute(
            f"SELECT min(ts), max(ts) FROM {name} WHERE asset_id = %s", (series.asset.number,)
        ).fetchone()
        if found is None or found[0] is None:
            return request.start, request.start
        return max(request.start, _time(found[0])), min(request.end, _time(found[1]) + 1)

    def _read(self, series: Series, low: int, high: int) -> Iterator[bytes]:
        """The lines of a piece: all at once, unless it was far denser than the one before."""
        kind, began = series.asset.type, time.monotonic()
        self._learn(kind)
        bounds = _text(low), _text(high)
        statement = copy_statement(series, self.headings, self._request.step, self._qualities[kind], *bounds)
        blocks: list[bytes] = []
        total = 0
        with self._connection.cursor().copy(statement) as copy:
            rows = iter(copy)
            while block := b"".join(islice(rows, ROWS_AT_ONCE)):
                blocks.append(block)
                total += len(block)
                if sum(map(len, blocks)) > MOST_BYTES:
                    yield b"".join(blocks)
                    blocks = []
        self._pace(time.monotonic() - began, total)
        if blocks:
            yield b"".join(blocks)

    def _pace(self, took: float, size: int) -> None:
        if took > SLOW or size > MOST_BYTES:
            self._piece = max(self._piece // 2, _SHORTEST)
        elif took < QUICK and size < MOST_BYTES // 4:
            self._piece = min(4 * self._piece, self._longest)

    def _learn(self, kind: AssetType) -> None:
        """Qualities that were entered since the last piece."""
        known = self._qualities[kind]
        rows = self._connection.execute(
            "SELECT id, codes FROM quality WHERE asset_type = %s AND id > %s",
            (TABLES[kind].asset.value, max(known, default=ALL_GOOD)),
        )
        known.update(rows.fetchall())


def _check_schema(connection: Connection) -> None:
    found = version(connection)
    if found != HEAD:
        raise ExportError(
            f"The historian's database has schema {found or 'none'}, and this Voltkeep knows {HEAD}: "
            "start the server once, which brings it up to date."
        )


def _time(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _text(time: int) -> str:
    """As PostgreSQL takes it."""
    return (_EPOCH + dt.timedelta(microseconds=time)).isoformat()
