"""Compressed chunks on TimescaleDB: written to, corrected, migrated and read like others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from rollupbench import MINUTE, START, Bench

from historian.columns import TABLES
from historian.compression import Compression
from historian.connections import connect
from historian.due import HOUR
from historian.migrate import BASE, HEAD, migrate
from historian.retention import Kept, Retention
from historian.rolledup import DAY
from historian.tagcolumns import add_columns, drop_columns
from nodeset.index import TagIndex

pytestmark = pytest.mark.timescaledb

NOW = START + 400 * DAY
_COMPRESSED = (
    "SELECT hypertable_name, count(*) FROM timescaledb_information.chunks WHERE is_compressed GROUP BY 1"
)


@pytest.fixture
async def bench(timescale: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    """A day of scans each 10 min, rolled up."""
    migrate(timescale)
    async with Bench.open(timescale, small_index) as bench:
        for minute in range(0, 24 * 60, 10):
            await bench.write(START + minute * MINUTE, 13.0 + minute / 10_000)
        await bench.roll(NOW)
        yield bench


async def _compress(bench: Bench, now: int = NOW, days: int = 7) -> int:
    done = 0
    async with await connect(bench.conninfo) as connection:
        while more := await Compression(days).run(connection, now):
            done += more
    return done


async def _all(bench: Bench) -> list[Any]:
    return [
        await bench.query(f"SELECT * FROM {name} ORDER BY asset_id, ts, quality")
        for table in TABLES.values()
        for name in (table.readings, table.hourly, table.daily)
    ]


async def test_what_is_old_is_compressed_and_reads_as_before(bench: Bench) -> None:
    before = await _all(bench)
    assert await _compress(bench, START + DAY) == 0
    assert await _compress(bench, START + 8 * DAY) == 5
    assert await _compress(bench) == 10
    assert dict(await bench.query(_COMPRESSED)) == {
        name: 1 for table in TABLES.values() for name in (table.readings, table.hourly, table.daily)
    }
    assert await _all(bench) == before
    assert await _compress(bench) == 0


async def test_a_day_that_is_due_is_not_compressed(bench: Bench) -> None:
    await bench.write(START + MINUTE)
    assert await _compress(bench, START + 8 * DAY) == 0
    await bench.roll(NOW)
    assert await _compress(bench, START + 8 * DAY) == 5


async def test_late_rows_and_replays_go_into_compressed_chunks(bench: Bench) -> None:
    await _compress(bench)
    await bench.write(START + MINUTE, 14.0)
    await bench.write(START, 15.0)  # it is there already
    await bench.roll(NOW)
    await bench.check()
    assert await bench.query("SELECT max(voltage) FROM jar_reading") == [(14_000,)]
    assert await _compress(bench) > 0  # again, with them
    assert await _compress(bench) == 0
    await bench.check()


async def test_corrections_in_compressed_chunks(bench: Bench) -> None:
    await _compress(bench)
    await bench.execute(f"UPDATE jar_reading SET voltage = 1 WHERE ts = to_timestamp({START / 1e6})")
    await bench.execute(f"DELETE FROM jar_reading WHERE ts = to_timestamp({(START + HOUR) / 1e6})")
    await bench.execute("INSERT INTO rollup_due (hour) SELECT DISTINCT ts FROM jar_hourly")
    await bench.roll(NOW)
    await bench.check()
    found = await bench.query("SELECT count(*) FILTER (WHERE voltage = 1), count(*) FROM jar_reading")
    assert found == [(6, 6 * 143)]


async def test_a_tag_comes_and_goes_where_there_are_compressed_chunks(bench: Bench) -> None:
    await _compress(bench)
    before = await _all(bench)
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: _psycopg(bench.conninfo))
    with engine.connect() as connection, Operations.context(MigrationContext.configure(connection)):
        add_columns("jar", {"humour": "smallint", "weight": "integer"}, states={"humour"})
        connection.commit()
        found = connection.execute(sa.text("SELECT count(*) FROM jar_reading WHERE weight IS NULL")).scalar()
        assert found == 6 * 144
        drop_columns("jar", ["humour", "weight"])
        connection.commit()
    engine.dispose()
    assert await _all(bench) == before
    await bench.write(START + MINUTE)
    await bench.roll(NOW)
    await bench.check()


async def test_migrations_go_down_and_up_again_over_compressed_chunks(bench: Bench) -> None:
    await _compress(bench)
    query = "SELECT asset_id, ts, quality, voltage FROM jar_reading ORDER BY 1, 2"
    readings = await bench.query(query)
    await bench.store.close()
    migrate(bench.conninfo, "0009")
    assert await bench.query(query) == readings
    migrate(bench.conninfo, HEAD)
    await bench.roll(NOW)
    await bench.check()
    await _compress(bench)
    migrate(bench.conninfo, BASE)


async def test_compressed_days_are_dropped(bench: Bench) -> None:
    await _compress(bench)
    async with await connect(bench.conninfo) as connection:
        await Retention(True, bench.partitions, Kept(1, 10_000, 10_000, 10_000, None)).run(connection, NOW)
    assert await bench.query("SELECT count(*) FROM jar_reading") == [(0,)]
    assert len(await bench.query("SELECT * FROM jar_daily")) == 6


def _psycopg(conninfo: str) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo)
