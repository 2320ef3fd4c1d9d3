"""The schema: declarations, metadata and migrations agree; days come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from historian import migrations
from historian.columns import TABLES
from historian.connections import connect
from historian.engine import Engine, detect
from historian.errors import HistorianError
from historian.migrate import BASE, HEAD, migrate, version
from historian.partitions import DAY, Partitions
from historian.schema import METADATA, include_object
from historian.tagcolumns import add_columns, drop_columns

PLAIN = Engine("18.0", None)
START = 20_454 * DAY  # 2026-01-01


def tables(conninfo: str) -> set[str]:
    query = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    with psycopg.connect(conninfo) as connection:
        return {name for (name,) in connection.execute(query).fetchall()}


def columns(connection: sa.Connection, table: str) -> dict[str, str]:
    query = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"
    return {row[0]: row[1] for row in connection.execute(sa.text(query), {"table": table})}


@contextmanager
def connected(conninfo: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def days(conninfo: str) -> list[str]:
    return sorted(name[-8:] for name in tables(conninfo) if name.startswith("jar_reading_"))


def test_up_and_down_and_up_again(empty: str) -> None:
    migrate(empty)
    assert tables(empty) == set(METADATA.tables) | {"alembic_version"}
    migrate(empty, BASE)
    assert tables(empty) == {"alembic_version"}
    migrate(empty)
    with psycopg.connect(empty) as connection:
        assert version(connection) == HEAD


def test_the_newest_migration_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_metadata_and_migrations_agree(database: str) -> None:
    async with await connect(database) as connection:
        await Partitions(PLAIN, 1).ensure(connection, START)
    options = {"include_object": include_object}
    with connected(database) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []


def test_a_column_for_every_tag_and_of_its_width(database: str) -> None:
    with connected(database) as connection:
        for table in TABLES.values():
            types = {c.name: "smallint" if c.bits == 16 else "integer" for c in table.columns}
            types |= {"ts": "timestamp with time zone", "asset_id": "integer", "quality": "integer"}
            for name in (table.readings, table.latest, table.simulated):
                assert columns(connection, name) == types


def test_roll_ups_of_every_tag_and_of_what_has_a_meaning(database: str) -> None:
    key = {"ts": "timestamp with time zone", "asset_id": "integer", "quality": "integer", "rows": "integer"}
    with connected(database) as connection:
        for table in TABLES.values():
            found = columns(connection, table.hourly)
            assert columns(connection, table.daily) == found
            assert len(found) == len(key) + sum(len(c.rolled) for c in table.columns)
            assert found.items() >= key.items()
        jar = columns(connection, "jar_hourly")
    assert {name: jar[name] for name in jar if name.startswith("voltage_")} == {
        "voltage_sum": "bigint",
        "voltage_count": "integer",
        "voltage_min": "smallint",
        "voltage_max": "smallint",
    }
    assert [name for name in jar if name.startswith("health_status")] == [
        "health_status_count",
        "health_status_min",
        "health_status_max",
    ]


def test_a_tags_column_comes_and_goes_in_every_table_of_its_asset(database: str) -> None:
    tables = ("jar_reading", "jar_simulated", "jar_latest")
    with connected(database) as connection, Operations.context(MigrationContext.configure(connection)):
        before = [columns(connection, name) for name in tables]
        add_columns("jar", {"humour": "smallint", "weight": "integer"})
        for name, old in zip(tables, before, strict=True):
            assert columns(connection, name) == old | {"humour": "smallint", "weight": "integer"}
        drop_columns("jar", ["humour", "weight"])
        assert [columns(connection, name) for name in tables] == before


def test_a_tags_roll_up_columns_come_and_go_with_it(database: str) -> None:
    tables = ("jar_hourly", "jar_daily")
    with connected(database) as connection, Operations.context(MigrationContext.configure(connection)):
        before = [columns(connection, name) for name in tables]
        add_columns("jar", {"weight": "integer", "humour": "smallint"}, states={"humour"})
        new = {"weight_sum": "bigint", "weight_count": "integer", "humour_count": "integer"}
        new |= {f"weight_{end}": "integer" for end in ("min", "max")}
        new |= {f"humour_{end}": "smallint" for end in ("min", "max")}
        for name, old in zip(tables, before, strict=True):
            assert columns(connection, name) == old | new
        drop_columns("jar", ["weight", "humour"])
        assert [columns(connection, name) for name in tables] == before


def test_a_database_of_a_newer_program_is_left_alone(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(HistorianError, match="schema 9999, made by a newer Voltkeep"):
        migrate(database)


async def test_days_are_made_ahead(database: str) -> None:
    async with await connect(database) as connection:
        partitions = Partitions(PLAIN, raw_days=2)
        assert await partitions.ensure(connection, START + 5)
        assert days(database) == ["20260101", "20260102"]
        assert not await partitions.ensure(connection, START + DAY - 1)
        again = Partitions(PLAIN, raw_days=2)
        await again.load(connection)
        assert not await again.ensure(connection, START)
        assert await again.ensure(connection, START + DAY)
        assert days(database) == ["20260101", "20260102", "20260103"]


async def test_a_day_is_made_beside_a_reader_who_takes_long(database: str) -> None:
    with psycopg.connect(database) as reader:
        reader.execute("SELECT count(*) FROM jar_reading")  # and its transaction goes on
        async with await connect(database) as connection:
            await connection.execute("SET lock_timeout = '5s'")
            both = (Partitions(PLAIN, raw_days=2) for _ in range(2))
            assert [await partitions.ensure(connection, START) for partitions in both] == [True, True]
    assert days(database) == ["20260101", "20260102"]


async def test_plain_postgresql_is_recognised(database: str) -> None:
    async with await connect(database) as connection:
        engine = await detect(connection)
    assert engine.timescale is None
    assert engine.name.startswith("PostgreSQL 18.")
