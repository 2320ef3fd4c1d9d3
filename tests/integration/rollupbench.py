"""A historian's database with frames to write and roll-ups to make and check, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from historian.assets import AssetIds, register
from historian.columns import TABLES, Table
from historian.connections import connect
from historian.engine import Engine, detect
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.rolledup import DAY, RolledUp
from historian.rollups import RollUps
from historian.rows import scan_of
from historian.store import Store
from nodeset import status as st
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex

START: Final = 20_454 * DAY  # 2026-01-01
MINUTE: Final = 60_000_000
JAR: Final = "Bangrak/UPS-1/S01/J02"


class Bench:
    """A database with a store and roll-ups, and frames to write."""

    def __init__(self, conninfo: str, index: TagIndex, engine: Engine, ids: AssetIds) -> None:
        self.conninfo, self.index, self.ids = conninfo, index, ids
        self.quality = QualityDictionary()
        self.engine = engine
        self.partitions = Partitions(engine, 10_000)
        self.store = Store(lambda: connect(conninfo), self.partitions, self.quality)
        self.rollups = RollUps(engine.timescale is not None)
        self.rolledup = RolledUp(index, ids, self.quality)

    @classmethod
    @asynccontextmanager
    async def open(cls, conninfo: str, index: TagIndex) -> AsyncIterator[Bench]:
        async with await connect(conninfo) as connection:
            engine = await detect(connection)
            bench = cls(conninfo, index, engine, await register(connection, index.fleet))
        try:
            yield bench
        finally:
            await bench.store.close()

    def frame(self, time: int, voltage: float = 13.5, status: int = st.GOOD) -> Frame:
        frame = first_frame(self.index, time)
        for table in TABLES.values():
            for column in table.columns:
                frame.put(table.asset, column.tag.name, column.tag.low)
        row = self.row("Voltage")
        frame.value[row], frame.status[row] = voltage, status
        return frame.freeze()

    def row(self, tag: str) -> int:
        row = self.index.row(JAR, tag)
        assert row is not None
        return row

    async def write(self, time: int, voltage: float = 13.5, status: int = st.GOOD) -> None:
        await self.store.write(scan_of(self.frame(time, voltage, status), self.ids))

    async def roll(self, now: int) -> tuple[int, int]:
        """Roll up all that is due; how many hours and days that were."""
        hours = days = 0
        async with await connect(self.conninfo) as connection:
            while more := await self.rollups.hours(connection, now):
                hours += more
            while more := await self.rollups.days(connection, now):
                days += more
        return hours, days

    async def query(self, query: str) -> list[Any]:
        async with await connect(self.conninfo) as connection:
            return await (await connection.execute(query.encode())).fetchall()

    async def execute(self, query: str) -> None:
        async with await connect(self.conninfo) as connection:
            await connection.execute(query.encode())

    async def check(self) -> None:
        """Hourly and daily roll-ups are those of the readings, and of nothing else."""
        for table in TABLES.values():
            for unit, name in (("hour", table.hourly), ("day", table.daily)):
                kept = await self.query(_kept(table, name))
                assert kept == await self.query(_from_readings(table, unit)), name


def _parts(table: Table) -> list[tuple[str, str]]:
    return [(column.name, part) for column in table.columns for part in column.rolled]


def _kept(table: Table, name: str) -> str:
    parts = ", ".join(f"{column}_{part}" for column, part in _parts(table))
    return f"SELECT asset_id, ts, quality, rows, {parts} FROM {name} ORDER BY 1, 2, 3"


def _from_readings(table: Table, unit: str) -> str:
    """Days from the readings, too: not by way of the hours, as the program has it."""
    parts = ", ".join(f"{part}({column})" for column, part in _parts(table))
    return (
        f"SELECT asset_id, date_trunc('{unit}', ts, 'UTC'), quality, count(*), {parts} FROM {table.readings} "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
