"""90 days of a site at 60 s in a database, as they lie there once days are closed: clustered, or compressed.

The first day is simulated, evaluated and loaded as `voltkeep simulate --into historian` does it. The others
repeat it, so that every value has the noise, gaps and steps of the plant's own, which is what decides how it
compresses; each jar's day is compressed by itself, so that repetition gains nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import yaml

from config.fleetfile import FleetFile, read_fleet_file
from config.settings import Settings, load_settings
from historian.columns import TABLES
from historian.connections import connect
from historian.engine import detect
from historian.periods import Period, make
from historian.rollups import RollUps
from historian.tableparts import partitioned
from nodeset.fleet import AssetType, build_fleet
from nodeset.index import TagIndex
from server.historianload import load_job
from simulator.offline.job import job_of

DAYS: Final = 90
STEP: Final = 60.0  # s
SEED: Final = 7
DAY: Final = 86_400_000_000  # µs
JARS_VARIABLE: Final = "VOLTKEEP_BENCH_JARS"
FEW: Final = 24  # jars, unless the environment says more
_ROOM: Final = 2  # days between the last and today, which the server's own clock is in
_JARS: Final = TABLES[AssetType.JAR].readings
_COMPRESSED: Final = """
ALTER TABLE jar_reading SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'asset_id', timescaledb.compress_orderby = 'ts')
"""
_IS_SET: Final = """
SELECT count(*) > 0 FROM timescaledb_information.compression_settings WHERE hypertable_name = 'jar_reading'
"""
_DUE: Final = """
INSERT INTO rollup_due SELECT generate_series(%s, %s, interval '1 hour') ON CONFLICT DO NOTHING
"""
_CHUNK_BYTES: Final = """
SELECT coalesce(sum(total_bytes), 0) FROM chunks_detailed_size('jar_reading')
JOIN timescaledb_information.chunks USING (chunk_schema, chunk_name) WHERE range_start >= %s
"""
_PARTITION_BYTES: Final = """
SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits JOIN pg_class ON oid = inhrelid
WHERE inhparent = 'jar_reading'::regclass AND relname > %s
"""


@dataclass(frozen=True)
class Past:
    """What has been loaded: from `start` to before `end` [µs], of `jars` jars of the fleet in `file`."""

    settings: Settings
    index: TagIndex
    file: Path
    jars: int
    start: int
    end: int

    @property
    def rows(self) -> int:
        """Rows of jars."""
        return self.jars * (self.end - self.start) // round(STEP * 1e6)


def wanted_jars(site: int) -> int:
    """How many jars of a site with so many to load."""
    return min(int(os.environ.get(JARS_VARIABLE, FEW)), site)


def load(url: str | None, folder: Path) -> Past:
    """Load the past into the database at `url`, or the embedded one of the home `folder`."""
    shipped = read_fleet_file(Settings().fleet)
    first = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS + 1 + _ROOM)
    job = job_of(shipped, SEED, first, (0.0, 1.0), STEP, (next(iter(shipped.sites)),))
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(job.part.model_dump(mode="json")))
    settings = load_settings(overrides={"home": folder, "fleet": file, "historian": {"url": url}})
    asyncio.run(load_job(job, settings, lambda done: None))
    index = TagIndex(build_fleet(FleetFile.model_validate(yaml.safe_load(file.read_text()))))
    jars = wanted_jars(len(index.fleet.jars))
    return Past(settings, index, file, jars, job.start + DAY, job.start + (DAYS + 1) * DAY)


def repeat(conninfo: str, past: Past) -> float:
    """Repeat the first day over the others, a day a transaction; rows a second [1/s] of all tables."""
    began, rows = time.perf_counter(), 0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '64MB'")
        some = f"asset_id IN (SELECT id FROM asset WHERE type = 'Jar' ORDER BY id LIMIT {past.jars})"
        plain = partitioned(connection, _JARS)
        for day in range(1, DAYS + 1):
            date = _date(past.start) + dt.timedelta(day - 1)
            with connection.transaction():
                for table in TABLES.values():
                    if plain:
                        connection.execute(make(table.readings, Period.DAY, date))
                    where = some if table.readings == _JARS else "true"
                    rows += _repeated(connection, table.names, table.readings, day, past.start, where)
    return rows / (time.perf_counter() - began)


def _repeated(
    connection: psycopg.Connection[Any], names: tuple[str, ...], table: str, day: int, start: int, where: str
) -> int:
    query = (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT ts + %s, {', '.join(names[1:])} FROM {table} "
        f"WHERE ts < %s AND {where} ORDER BY asset_id, ts"
    )
    return connection.execute(query.encode(), (dt.timedelta(days=day), _moment(start))).rowcount


def roll_up(conninfo: str, past: Past) -> float:
    """Make all roll-ups; the time [s]."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(_DUE, (_moment(past.start), _moment(past.end - 1)))
    return asyncio.run(_roll_up(conninfo, past.end + DAY))


async def _roll_up(conninfo: str, now: int) -> float:
    async with await connect(conninfo) as connection:
        roll_ups = RollUps((await detect(connection)).timescale is not None)
        began = time.perf_counter()
        while await roll_ups.hours(connection, now) or await roll_ups.days(connection, now):
            pass
        return time.perf_counter() - began


def pack(conninfo: str, past: Past, timescale: bool) -> dict[str, float]:
    """Compress closed days where the database can; bytes [B] of a jar's row before and after."""
    since = _moment(past.start) if timescale else f"jar_reading_{_date(past.start - DAY):%Y%m%d}"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        query = _CHUNK_BYTES if timescale else _PARTITION_BYTES
        found = {"row_bytes": _size(connection, query, since) / past.rows}
        connection.execute("VACUUM ANALYZE")
        if not timescale:
            return found
        if connection.execute(_IS_SET).fetchone() != (True,):
            connection.execute(_COMPRESSED)
        began = time.perf_counter()
        connection.execute("SELECT compress_chunk(chunk, true) FROM show_chunks('jar_reading') AS chunk")
        found["pack_rate"] = past.rows / (time.perf_counter() - began)
        return found | {"packed_bytes": _size(connection, query, since) / past.rows}


def _size(connection: psycopg.Connection[Any], query: str, since: object) -> int:
    row = connection.execute(query.encode(), (since,)).fetchone()
    assert row is not None
    return int(row[0])


def _date(time: int) -> dt.date:
    return _moment(time).date()


def _moment(time: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time / 1e6, dt.UTC)
