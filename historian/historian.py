"""The historian as the server sees it: offer frames, read history, keep accounts.

`start` gets the database ready, embedded or the user's own, and says what it does; from then on an
outage of the database is no error: scans wait in memory and on disk, and only reading fails, with
`HistorianError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray

import config.settings
from historian.accounts import Accounts
from historian.aggregation import Aggregation
from historian.annotations import Annotations
from historian.assets import AssetIds, register
from historian.attime import AtTimeReader
from historian.audit import AuditLedger, AuditTrail
from historian.care import Care
from historian.connections import Connections
from historian.database import Database
from historian.edits import Edits
from historian.engine import Engine, detect
from historian.errors import HistorianError
from historian.events import EventJournal
from historian.journal import Entry, JournalLedger
from historian.latest import newest_stored, read_latest
from historian.migrate import migrate
from historian.models import Models
from historian.outages import MainsWatch, Outage, read_outages
from historian.partitions import Partitions
from historian.plantclock import Steady
from historian.processed import ProcessedReader
from historian.quality import QualityDictionary
from historian.reader import Reader
from historian.retention import Kept
from historian.rolledup import RolledUp
from historian.rowwriter import RowWriter
from historian.series import History, Variables
from historian.simulated import Simulated, SimulatedStats
from historian.simulatedtables import SimulatedTables
from historian.simulations import SimulationRow, read_simulations
from historian.span import Span
from historian.spill import Spill
from historian.store import Store
from historian.writer import Stats, Writer
from nodeset.frame import Frame, Readings, Times
from nodeset.index import TagIndex

_log = structlog.get_logger("historian")
AUDIT_SPILL_BYTES: Final = 100e6
JOURNAL_SPILL_BYTES: Final = 500e6


class Historian:
    """Keeps every scan, and reads it back."""

    def __init__(
        self,
        settings: config.settings.Historian,
        home: Path,
        index: TagIndex,
        database: Database,
        engine: Engine,
        ids: AssetIds,
        quality: QualityDictionary,
        simulated: SimulatedTables,
        newest: int | None,
    ) -> None:
        """Only `start` calls this."""
        partitions = Partitions(engine, settings.raw_days)
        spill = Spill(home / "spill.sqlite", settings.spill_gb * 1e9)
        self.engine = f"embedded {engine.name}" if database.embedded else engine.name
        self._database = database
        self._connections = Connections(database.connect)
        self._simulated = Simulated(index, ids, simulated, settings.simulated_gb * 1e9)
        self._variables = Variables(index, ids, quality, self._simulated.shown_since)
        self._rolled_up = RolledUp(index, ids, quality)
        self._writer = Writer(Store(database.connect, partitions, quality), spill, ids, settings.buffer_scans)
        self._steady = Steady()
        self._offered = 0
        max_bytes = settings.max_gb * 1e9 if database.embedded else None
        days = (settings.raw_days, settings.hourly_days, settings.daily_days, settings.event_days)
        kept = Kept(*days, max_bytes)
        self.care = Care(
            database.connect,
            database.embedded,
            engine,
            partitions,
            kept,
            settings.compress_days,
            lambda: self._offered,
            newest,
        )
        self.accounts = Accounts(self._connections)
        self.models = Models(self._connections)
        self.annotations = Annotations(self._connections, self._variables)
        self.edits = Edits(self._connections, self._variables, partitions)
        audit = Spill(home / "audit.sqlite", AUDIT_SPILL_BYTES)
        self.audit_writer = RowWriter(database.connect, audit, AuditLedger())
        self.audit_trail = AuditTrail(self._connections)
        journal = Spill(home / "journal.sqlite", JOURNAL_SPILL_BYTES)
        self.journal_writer = RowWriter[Entry](database.connect, journal, JournalLedger())
        self.events = EventJournal(self._connections)
        self._mains = MainsWatch(index)

    @classmethod
    async def start(
        cls, settings: config.settings.Historian, home: Path, index: TagIndex, say: Callable[[str], None]
    ) -> Historian:
        """Get the database ready, bring its schema up to date, and begin to write."""
        url = None if settings.url is None else settings.url.get_secret_value()
        database = Database(url, home, say)
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
        try:
            await database.start()
            connection = await database.connect()
            async with connection:
                engine = await detect(connection)
                await asyncio.to_thread(migrate, database.conninfo)
                ids = await register(connection, index.fleet)
                newest = await newest_stored(connection)
            quality = QualityDictionary()
            simulated = SimulatedTables(database.connect, index.fleet, ids, quality)
            await simulated.clear()  # what a killed server left
            return cls(settings, home, index, database, engine, ids, quality, simulated, newest)
        except psycopg.Error as error:
            await database.stop()
            raise HistorianError(f"{database.name} cannot be used: {str(error).strip()}") from error
        except BaseException:
            await database.stop()
            raise

    @property
    def connections(self) -> Connections:
        """For readers of single tables, such as `maintenance`."""
        return self._connections

    @property
    def conninfo(self) -> str:
        """How libpq reaches the database, for processes beside the server; it may hold a password."""
        return self._database.conninfo

    @property
    def stats(self) -> Stats:
        """How it does, as a snapshot."""
        return self._writer.stats

    def offer(self, frame: Frame) -> None:
        """Take a frozen frame for writing; returns at once."""
        doubted = self._steady.jumped
        self._offered = self._steady(frame.time)
        if self._steady.jumped != doubted:
            _log.warning(
                "the plant's clock is believed again" if doubted else "the plant's clock has jumped by years",
                clock=frame.time,
                stored=self._offered,
            )
        if self._offered != frame.time:
            frame = frame.next(self._offered).freeze()
        self._writer.offer(frame)
        for seen in self._mains.step(frame):
            self.journal_writer.offer(seen)

    async def simulations(self, low: int, high: int, most: int) -> list[SimulationRow]:
        """Up to `most` simulations that ran between two times [µs], in the order of their start."""
        return await read_simulations(self._connections, low, high, most)

    async def outages(self, low: int, high: int, most: int) -> list[Outage]:
        """Up to `most` mains outages that lasted between two times [µs], in the order of their beginning."""
        return await read_outages(self._connections, low, high, most)

    @property
    def scans_moved(self) -> int:
        """Scans that are stored under another time than the plant's clock had, which had jumped by years."""
        return self._steady.moved

    @property
    def simulated_stats(self) -> SimulatedStats:
        """How simulated readings do, as a snapshot."""
        return self._simulated.stats

    def offer_simulated(self, frame: Frame, touched: NDArray[np.bool_]) -> None:
        """Take a frozen frame of which scenarios have touched some rows; returns at once.

        Of each asset with such a row this scan's row is kept beside the plant's own, until it is purged.
        """
        self._simulated.offer(frame, touched)

    def purge(self, touched: NDArray[np.bool_]) -> None:
        """Forget all simulated rows of the assets that have a touched row; nobody is shown them any more."""
        self._simulated.purge(touched)

    async def purged(self) -> None:
        """Until nothing that was purged is left in the database."""
        await self._simulated.purged()

    async def read_raw(
        self,
        row: int,
        start: int | None,
        end: int | None,
        limit: int,
        bounds: bool,
        after: int | None = None,
    ) -> History:
        """Raw values of the variable in `row` from `start` towards `end` [µs], as Part 11, 6.5.3 has it.

        While scenarios run, the simulated rows of an asset stand in the place of the plant's; where the index
        has a mirror, they are told of the row there instead.
        At most `limit` values, 0 being as many as a reply holds (`reader.MAX_VALUES`). When the result
        says `more`, the same request with `after` set to its last time goes on from there.
        """
        async with self._connections.use() as connection:
            reader = Reader(self._variables)
            return await reader.read_raw(connection, row, Span.of(start, end), limit, bounds, after)

    async def read_at_time(self, row: int, times: Times, simple_bounds: bool) -> History:
        """The value of the variable in `row` at each of `times` [µs], as Part 11, 6.5.5 has it."""
        async with self._connections.use() as connection:
            reader = AtTimeReader(self._variables, self._rolled_up)
            return await reader.read(connection, row, times, simple_bounds)

    async def read_processed(self, row: int, aggregation: Aggregation, first: int, limit: int) -> History:
        """An aggregate of the variable in `row`, as Part 11, 6.5.4 has it.

        Up to `limit` intervals from `first` on. When the result says `more`, the same request with
        `first + limit` goes on from there.
        """
        async with self._connections.use() as connection:
            reader = ProcessedReader(self._variables, self._rolled_up, self.annotations.times)
            return await reader.read(connection, row, aggregation, first, limit)

    async def latest(self) -> Readings:
        """The last stored value of every variable that has one."""
        async with self._connections.use() as connection:
            known = self._variables
            return await read_latest(connection, known.index, known.ids, known.quality)

    async def close(self) -> None:
        """Write what waits, then let go of the database; what it does not take stays on disk."""
        await self._writer.close()
        await self._simulated.close()
        await self.audit_writer.close()
        await self.journal_writer.close()
        await self._connections.close()
        await self._database.stop()
