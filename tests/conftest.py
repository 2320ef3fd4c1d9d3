"""What tests share: a small fleet, a home that an unprivileged database may enter, and a real database."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest

from config.fleetfile import FleetFile
from historian.embedded import Embedded
from historian.migrate import HEAD, migrate
from nodeset.fleet import build_fleet
from nodeset.index import TagIndex

# How long an example takes is the machine's business, and no finding.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

_SHM = Path("/dev/shm")

# No package that these tests install has TimescaleDB: this names a server to make databases in.
TIMESCALEDB = os.environ.get("VOLTKEEP_TEST_TIMESCALEDB_URL", "")

Until = Callable[[Callable[[], bool]], Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs TimescaleDB where there is none."""
    skip = pytest.mark.skip(reason="VOLTKEEP_TEST_TIMESCALEDB_URL names no server with TimescaleDB")
    for item in items:
        if not TIMESCALEDB and item.get_closest_marker("timescaledb") is not None:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that runs in the tests' process sets up log and environment for good: not here."""
    monkeypatch.setattr("server.logs.configure", lambda settings: None)
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def until() -> Until:
    """Wait until a condition holds."""
    return _until


def _home() -> Iterator[Path]:
    """A folder unlike `tmp_path`: that one is closed to the user as whom PostgreSQL runs under root."""
    roomy = _SHM.is_dir() and shutil.disk_usage(_SHM).free > 2e9  # memory makes databases quick
    with tempfile.TemporaryDirectory(prefix="voltkeep-", dir=_SHM if roomy else None) as name:
        os.chmod(name, 0o711)
        yield Path(name)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home."""
    yield from _home()


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """A home whose database has been prepared, for copying; it does not wait for the disk."""
    for folder in _home():
        server = Embedded(folder)
        asyncio.run(server.start())
        asyncio.run(server.stop())
        with (folder / "postgres" / "postgresql.conf").open("a") as file:
            file.write("fsync = off\n")
        yield folder


def _copy(prepared: Path, home: Path) -> Path:
    subprocess.run(["cp", "-a", prepared / "postgres", home], check=True)
    return home


@pytest.fixture
def prepared_home(prepared: Path, home: Path) -> Path:
    """A home whose database starts in no time."""
    return _copy(prepared, home)


@pytest.fixture(scope="session")
def postgres(prepared: Path) -> Iterator[str]:
    """Connection string of a PostgreSQL server that the whole session shares."""
    for folder in _home():
        server = Embedded(_copy(prepared, folder))
        asyncio.run(server.start())
        yield server.conninfo
        asyncio.run(server.stop())


_EMPTY = f"""
DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT oid FROM pg_class WHERE relispartition AND relkind = 'r' LOOP
        EXECUTE format('DROP TABLE %s', part);
    END LOOP;
END $$;
ALTER TABLE audit DISABLE TRIGGER audit_append_only;
ALTER TABLE prediction DISABLE TRIGGER prediction_insert_only;
TRUNCATE asset, account, audit, condition_definition, event, simulation, outage, maintenance, capacity_test,
    model, prediction, schedule, execution, rollup_due, rollup_due_day, dropped_day, clustered_partition;
ALTER TABLE audit ENABLE TRIGGER audit_append_only;
ALTER TABLE prediction ENABLE ALWAYS TRIGGER prediction_insert_only;
DELETE FROM quality WHERE id <> 0;
UPDATE alembic_version SET version_num = '{HEAD}';
"""


@pytest.fixture(scope="session")
def _migrated(postgres: str) -> str:
    """Connection string of a database with the historian's schema."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE migrated")
    conninfo = psycopg.conninfo.make_conninfo(postgres, dbname="migrated")
    migrate(conninfo)
    return conninfo


@pytest.fixture
def database(_migrated: str) -> str:
    """Connection string of a historian's database with nothing in it."""
    with psycopg.connect(_migrated) as connection:
        connection.execute(_EMPTY.encode())
    return _migrated


@pytest.fixture
def timescale() -> Iterator[str]:
    """Connection string of a new database on the server with TimescaleDB, without a schema."""
    name = f"voltkeep_{uuid.uuid4().hex}"
    with psycopg.connect(TIMESCALEDB, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    conninfo = psycopg.conninfo.make_conninfo(TIMESCALEDB, dbname=name)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    yield conninfo
    with psycopg.connect(TIMESCALEDB, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["postgresql", pytest.param("timescaledb", marks=pytest.mark.timescaledb)])
def either(request: pytest.FixtureRequest) -> str:
    """Connection string of a historian's database with nothing in it, on either kind of server."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    conninfo = str(request.getfixturevalue("timescale"))
    migrate(conninfo)
    return conninfo


@pytest.fixture(scope="session")
def small_index() -> TagIndex:
    """The variables of one site with two strings of three jars."""
    string = {"model": "M", "jars": 3, "installed": "2024-01-01"}
    strings = {"S01": string | {"first_serial": "A001"}, "S02": string | {"first_serial": "B001"}}
    model = {"manufacturer": "Make", "nominal_voltage": 12, "cells": 6, "capacity": 100}
    model |= {"cutoff_voltage": 10.5, "float_voltage": 13.6, "baseline_resistance": 3.0}
    system = {"kind": "UPS", "rated_power": 100, "strings": strings}
    site = {"region": "Bangkok", "latitude": 13.7, "longitude": 100.5, "systems": {"UPS-1": system}}
    file = {"name": "Small", "models": {"M": model}, "sites": {"Bangrak": site}}
    return TagIndex(build_fleet(FleetFile.model_validate(file)))
