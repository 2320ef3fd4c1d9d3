"""The historian on the embedded database: writing a scan against bare COPY, and reading a day of a jar."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from benchmarks.scanning import START, plant_scan
from historian.assets import AssetIds, register
from historian.columns import TABLES
from historian.copyformat import encode
from historian.database import Database
from historian.engine import detect
from historian.migrate import migrate
from historian.partitions import Partitions
from historian.quality import QualityDictionary
from historian.reader import Reader
from historian.rows import Scan, scan_of
from historian.series import Variables
from historian.span import Span
from historian.spill import Spill
from historian.store import Store
from historian.writer import Writer
from nodeset.fleet import AssetType
from nodeset.index import TagIndex

SCANS: Final = 40
READS: Final = 20
OFFERS: Final = 200
BUFFER: Final = 60  # scans in memory, as the setting is
SECOND: Final = 1_000_000  # µs
DAY: Final = 86_400 * SECOND
DAY_START: Final = (START // DAY + 2) * DAY
_READINGS: Final = TABLES[AssetType.JAR]

# A day of a quarter of the fleet, a scan a minute, in the order in which scans arrive.
_FILL: Final = """
INSERT INTO jar_reading ({columns})
SELECT to_timestamp({start}) + minute * interval '1 minute', {others}
FROM generate_series(0, 1439) AS minute, jar_reading AS seen
WHERE seen.ts = (SELECT min(ts) FROM jar_reading) AND seen.asset_id % 4 = {rest}
ORDER BY minute
"""


def measure(index: TagIndex, folder: Path) -> dict[str, float]:
    """Rows a second [1/s] written and by bare COPY, and a day's read [ms]."""
    return asyncio.run(_measure(index, folder))


async def _measure(index: TagIndex, folder: Path) -> dict[str, float]:
    database = Database(None, folder, lambda text: None)
    await database.start()
    try:
        async with await database.connect() as connection:
            engine = await detect(connection)
            await asyncio.to_thread(migrate, database.conninfo)
            ids = await register(connection, index.fleet)
            quality = QualityDictionary()
            partitions = Partitions(engine, 730)
            store = Store(database.connect, partitions, quality)
            found = await _ingest(index, ids, store, connection, quality)
            await store.close()
            await partitions.ensure(connection, DAY_START)
            variables = Variables(index, ids, quality, lambda asset, i: None)
            found |= await _read_day(Reader(variables), connection)
    finally:
        await database.stop()
    return found | await _offers(index, ids, Store(_hangs, partitions, quality), folder)


async def _hangs() -> psycopg.AsyncConnection:
    """A database that takes a connection and never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def _offers(index: TagIndex, ids: AssetIds, store: Store, folder: Path) -> dict[str, float]:
    """What the scan waits for the historian while the database hangs and scans go to disk."""
    spill = Spill(folder / "spill.sqlite", 1e9)
    writer = Writer(store, spill, ids, BUFFER)
    plant, times = plant_scan(index), []
    for _ in range(OFFERS):
        frame = await plant.once()
        began = time.perf_counter()
        writer.offer(frame)
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0)
    stats = writer.stats
    if stats.scans_dropped or not stats.scans_spilled:
        raise RuntimeError("the historian has not kept what it was offered on disk")
    await writer.close()
    return {"offer": 1000 * statistics.median(times), "offer_most": 1000 * max(times)}


async def _ingest(
    index: TagIndex,
    ids: AssetIds,
    store: Store,
    connection: psycopg.AsyncConnection,
    quality: QualityDictionary,
) -> dict[str, float]:
    """The same scans by turns through the store and as ready-made bytes into tables without keys."""
    for table in TABLES.values():
        await connection.execute(f"CREATE TABLE bare_{table.readings} (LIKE {table.readings})".encode())
    plant = plant_scan(index)
    ours, bare, rows = [], [], 0
    for _ in range(SCANS):
        scan = scan_of(await plant.once(), ids)
        ours.append(await _seconds(lambda scan=scan: store.write(scan)))  # type: ignore[misc]
        streams = await _streams(scan, connection, quality)
        bare.append(await _seconds(lambda streams=streams: _bare(connection, streams)))  # type: ignore[misc]
        rows = sum(len(part.assets) for part in scan.rows)
    median = statistics.median(ours)
    share = 100 * statistics.median(bare) / median
    return {"ingest": rows / median, "ingest_share": share, "ingest_ms": 1000 * median}


async def _streams(
    scan: Scan, connection: psycopg.AsyncConnection, quality: QualityDictionary
) -> dict[str, bytes]:
    return {
        rows.table.readings: encode(rows, scan.time, await quality.ids(connection, rows))
        for rows in scan.rows
    }


async def _bare(connection: psycopg.AsyncConnection, streams: dict[str, bytes]) -> None:
    async with connection.transaction():
        for name, stream in streams.items():
            table = TABLES[next(asset for asset, table in TABLES.items() if table.readings == name)]
            statement = f"COPY bare_{name} ({', '.join(table.names)}) FROM STDIN (FORMAT binary)"
            async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                await copy.write(stream)


async def _seconds(run: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await run()
    return time.perf_counter() - began


async def _read_day(reader: Reader, connection: psycopg.AsyncConnection) -> dict[str, float]:
    jar = int(reader.variables.ids.of[AssetType.JAR][0])
    columns = _READINGS.names
    others = [sql.SQL("seen.") + sql.Identifier(name) for name in columns[1:]]
    fill = sql.SQL(_FILL).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        start=sql.Literal(DAY_START // SECOND),
        others=sql.SQL(", ").join(others),
        rest=sql.Literal(jar % 4),
    )
    await connection.execute(fill)
    row = reader.variables.index.slice(AssetType.JAR, "Voltage").start
    span = Span.of(DAY_START, DAY_START + DAY)
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        history = await reader.read_raw(connection, row, span, 0, False)
        times.append(time.perf_counter() - began)
    if len(history.value) != 1440:
        raise RuntimeError("the day is not whole")
    return {"day": 1000 * statistics.median(times)}
