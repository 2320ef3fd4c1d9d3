"""Closed days on plain PostgreSQL are rewritten by asset, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from rollupbench import MINUTE, START, Bench

from historian import clustering
from historian.carelock import keep_as_it_is
from historian.clustering import Clustering
from historian.connections import connect
from historian.due import HOUR
from historian.rolledup import DAY
from nodeset.index import TagIndex

NOW = START + DAY
PHYSICAL = "SELECT asset_id, ts FROM jar_reading ORDER BY tableoid, ctid"


@pytest.fixture
async def bench(database: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    async with Bench.open(database, small_index) as bench:
        for minute in range(20):
            await bench.write(START + minute * MINUTE, 13.0 + minute / 100)
        yield bench


async def _cluster(bench: Bench, now: int = NOW) -> int:
    """Until nothing is left; how many partitions."""
    done = 0
    async with await connect(bench.conninfo) as connection:
        await connection.execute("SET lock_timeout = '300ms'")
        while more := await Clustering().run(connection, now):
            done += more
    return done


async def _is_clustered(bench: Bench) -> bool:
    found = await bench.query("SELECT name FROM clustered_partition WHERE name = 'jar_reading_20260101'")
    return bool(found)


async def _state(bench: Bench) -> list[Any]:
    return await bench.query("SELECT * FROM jar_reading ORDER BY asset_id, ts")


async def test_rows_of_an_asset_lie_together_when_the_day_is_over(bench: Bench) -> None:
    before = await _state(bench)
    assert await _cluster(bench, NOW - 1) == 0
    assert await _cluster(bench) == 0  # not rolled up
    await bench.roll(NOW)
    assert await bench.query(PHYSICAL) != sorted(await bench.query(PHYSICAL))
    assert await _cluster(bench) == 5
    assert await bench.query(PHYSICAL) == sorted(await bench.query(PHYSICAL))
    assert await _state(bench) == before
    assert await _cluster(bench) == 0


async def test_a_clustered_day_is_a_partition_like_any_other(bench: Bench) -> None:
    query = """
        SELECT child.relname, pg_get_expr(child.relpartbound, child.oid), index.relname, conname
        FROM pg_inherits
        JOIN pg_class child ON child.oid = inhrelid JOIN pg_index ON indrelid = child.oid
        JOIN pg_class index ON index.oid = indexrelid JOIN pg_constraint ON conrelid = child.oid
        WHERE inhparent = 'jar_reading'::regclass AND contype <> 'n' ORDER BY 1, 3
    """
    attached = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'jar_reading_pkey'::regclass"
    before = await bench.query(query), await bench.query(attached)
    await bench.roll(NOW)
    assert await _cluster(bench) == 5
    assert (await bench.query(query), await bench.query(attached)) == before
    with pytest.raises(psycopg.errors.UniqueViolation):
        await bench.query("INSERT INTO jar_reading SELECT * FROM jar_reading LIMIT 1")


async def test_months_of_hours_are_clustered_too(bench: Bench) -> None:
    for hour in range(1, 4):
        await bench.write(START + hour * HOUR)
    await bench.roll(START + 31 * DAY)
    await _cluster(bench, START + 31 * DAY)
    physical = await bench.query("SELECT asset_id, ts FROM jar_hourly ORDER BY tableoid, ctid")
    assert physical == sorted(physical)
    await bench.check()


async def test_late_rows_make_a_day_be_clustered_again(bench: Bench) -> None:
    await bench.roll(NOW)
    await _cluster(bench)
    await bench.write(START + HOUR)
    assert await _cluster(bench) == 0
    await bench.roll(NOW)
    assert await _cluster(bench) == 5
    assert await bench.query(PHYSICAL) == sorted(await bench.query(PHYSICAL))


async def test_a_row_that_comes_while_a_day_is_copied_is_not_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.roll(NOW)
    # The copy is made; then a scan comes, then the swap.
    further = clustering._further_indexes

    async def late(*given: Any) -> list[str]:
        await bench.write(START + HOUR)
        return await further(*given)

    monkeypatch.setattr(clustering, "_further_indexes", late)
    async with await connect(bench.conninfo) as connection:
        assert await Clustering().run(connection, NOW) == 0
    assert len(await _state(bench)) == 21 * 6
    assert await bench.query("SELECT relname FROM pg_class WHERE relname ~ 'sorted'") == []
    monkeypatch.setattr(clustering, "_further_indexes", further)
    await bench.roll(NOW)
    assert await _cluster(bench) == 5
    assert len(await _state(bench)) == 21 * 6


async def test_a_writer_with_rows_under_way_is_waited_for_a_moment_only(bench: Bench) -> None:
    await bench.roll(NOW)
    with psycopg.connect(bench.conninfo) as writer:
        writer.execute(
            "INSERT INTO jar_reading (ts, asset_id, quality) SELECT ts, 0, 0 FROM fleet_reading LIMIT 1"
        )
        async with asyncio.timeout(10):
            await _cluster(bench)
        assert not await _is_clustered(bench)
        writer.commit()
    assert len(await _state(bench)) == 20 * 6 + 1


async def test_readers_go_on_while_a_day_is_copied(bench: Bench) -> None:
    """One who has read the table and not ended his transaction keeps the swap away, and loses nothing."""
    await bench.roll(NOW)
    with psycopg.connect(bench.conninfo) as reader:
        reader.execute("SELECT count(*) FROM jar_reading")
        await _cluster(bench)
        assert not await _is_clustered(bench)
        assert len(await _state(bench)) == 20 * 6
    await _cluster(bench)
    assert await _is_clustered(bench)


async def test_what_a_crash_has_left_is_dropped(bench: Bench) -> None:
    await bench.execute("CREATE TABLE jar_reading_20260101_sorted (LIKE jar_reading)")
    await bench.roll(NOW)
    assert await _cluster(bench) == 5
    assert await bench.query("SELECT relname FROM pg_class WHERE relname ~ 'sorted'") == []


async def test_no_day_is_clustered_while_all_of_the_past_is_read(bench: Bench) -> None:
    await bench.roll(NOW)
    with psycopg.connect(bench.conninfo) as reader:
        keep_as_it_is(reader)
        assert await _cluster(bench) == 0
    assert await _cluster(bench) == 5
