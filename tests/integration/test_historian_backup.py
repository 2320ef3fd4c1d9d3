"""Backup and restore: every table and file comes back, on another engine too, and nothing half ever does."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from historian import homefiles, tableparts
from historian.archive import Archive
from historian.audit import AuditRow, append
from historian.audit import verify as verify_audit
from historian.backup import Content, back_up
from historian.carelock import may_rearrange
from historian.columns import TABLES
from historian.connections import connect
from historian.embedded import Embedded
from historian.errors import HistorianError
from historian.migrate import HEAD, RESTORING, migrate, version
from historian.periods import Period, make
from historian.restore import files_restored, fill, refuse_occupied, verify
from historian.spill import Spill
from historian.visit import visited

ROOT = Path(__file__).parents[2]
FIRST_DAY = dt.date(2026, 1, 1)
ALL = Content()

READINGS = """
INSERT INTO {table} (ts, asset_id, quality, {columns})
SELECT '2026-01-01'::timestamptz + minute * interval '10 minutes', asset, minute % 3, {values}
FROM generate_series(0, 300) AS minute, generate_series(1, 3) AS asset
"""
ROLLED_UP = """
INSERT INTO {table} (ts, asset_id, quality, rows, voltage_sum, voltage_count, voltage_min)
SELECT ts, n, 0, 60, 1e12, 60, NULL
FROM generate_series(1, 3) AS n, unnest('{{2026-01-30, 2027-02-11}}'::timestamptz[]) AS ts
"""
# Rows of the tables that are no readings, with what text makes difficult.
OTHERS = (
    "INSERT INTO asset (id, type, path) SELECT n, 'Jar', 'Bangrak/J' || n FROM generate_series(1, 5) AS n",
    r"""INSERT INTO quality (asset_type, codes) VALUES ('Jar', '{"voltage": 2147483648}'), ('Jar', '{}')""",
    r"INSERT INTO account VALUES ('kanya', 'Operator', E'$argon2id$\\tab\t', false, now(), true, "
    r"E'a\nline, a \\ and a \\. กัญญา', ARRAY['a,b', NULL, E'\"q\"\n'])",
    "INSERT INTO model VALUES ('m1', 'rul', now(), now(), now(), '\\x00ff', '{}', 'Candidate')",
    "INSERT INTO prediction VALUES ('m1', 1, now(), 30, 1.1, 1.0, 'NaN', 'high', '[0.1]')",
    "INSERT INTO outage (asset_id, began, ended) VALUES (1, now() - interval '1 h', now()), (2, now(), NULL)",
    "INSERT INTO maintenance (asset_id, kind, began, done_by, note, recorded, recorded_by) "
    "VALUES (1, 'Repair', now(), '', E'\\n', now(), 'x')",
    "INSERT INTO schedule VALUES (1, 'night', 1, now(), interval '1 day 01:02:03.4', '[1]', 'x', now(), 'x')",
    "INSERT INTO execution VALUES (1, 'night', 1, now(), 0, 0.1, 'Done', '')",
)


def filled(conninfo: str) -> None:
    """Put rows into a database that has the schema and nothing else."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for kept in TABLES.values():
            for day in range(3):
                connection.execute(make(kept.readings, Period.DAY, FIRST_DAY + dt.timedelta(day)))
            names = [column.name for column in kept.columns]
            values = ["NULLIF(minute * asset % 97, 5)"] * len(names)
            query = READINGS.format(table=kept.readings, columns=", ".join(names), values=", ".join(values))
            connection.execute(query.encode())
        for statement in OTHERS:
            connection.execute(statement.encode())
        for table, period in (("jar_hourly", Period.MONTH), ("jar_daily", Period.YEAR)):
            for first in (FIRST_DAY, dt.date(2027, 2, 11)):
                connection.execute(make(table, period, first))
            connection.execute(ROLLED_UP.format(table=table).encode())
    asyncio.run(_audited(conninfo))


async def _audited(conninfo: str) -> None:
    async with await connect(conninfo) as connection:
        await append(connection, [AuditRow(n, 2052, "wrote", new="13.6\n") for n in range(20)])


def contents(conninfo: str) -> dict[str, list[Any]]:
    """All rows of all tables, in an order of their own."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        return {
            name: connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1".encode()).fetchall()
            for name in tableparts.tables(connection)
        }


def saved(conninfo: str, home: Path, target: Path, content: Content = ALL) -> Archive:
    back_up(conninfo, home, target, content, lambda done: None)
    return Archive(target)


def restored(file: Path, conninfo: str) -> None:
    with Archive(file) as archive:
        fill(archive, conninfo, lambda done: None)


class Databases:
    """Empty databases of one server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._names: list[str] = []

    def new(self) -> str:
        name = f"voltkeep_{uuid.uuid4().hex}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self._names.append(name)
        return make_conninfo(self._url, dbname=name)

    def drop(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            for name in self._names:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def databases(postgres: str) -> Iterator[Databases]:
    made = Databases(postgres)
    yield made
    made.drop()


@pytest.fixture
def full(database: str) -> str:
    """Connection string of a database with rows in its tables."""
    filled(database)
    return database


def test_every_row_comes_back_from_engine_to_engine(
    full: str, prepared_home: Path, databases: Databases, tmp_path: Path
) -> None:
    before = contents(full)
    assert len([name for name, rows in before.items() if rows]) > 12
    saved(full, tmp_path, tmp_path / "one")
    server = Embedded(prepared_home)
    asyncio.run(server.start())
    try:
        restored(tmp_path / "one", server.conninfo)
        assert contents(server.conninfo) == before
        saved(server.conninfo, tmp_path, tmp_path / "two")
    finally:
        asyncio.run(server.stop())
    other = databases.new()
    restored(tmp_path / "two", other)
    assert contents(other) == before
    with psycopg.connect(other, autocommit=True) as connection:
        assert version(connection) == HEAD
        assert connection.execute(
            "INSERT INTO asset (type, path) VALUES ('Jar', 'x') RETURNING id"
        ).fetchone() > (5,)
        for statement in ("UPDATE audit SET old = ''", "DELETE FROM prediction"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
    assert asyncio.run(_broken(other)) is None


async def _broken(conninfo: str) -> int | None:
    async with await connect(conninfo) as connection:
        verdict = await verify_audit(connection)
        assert verdict.rows == 20
        return verdict.broken


@pytest.mark.timescaledb
def test_every_row_comes_to_timescaledb_and_back(
    full: str, timescale: str, databases: Databases, tmp_path: Path
) -> None:
    before = contents(full)
    saved(full, tmp_path, tmp_path / "plain")
    restored(tmp_path / "plain", timescale)
    assert contents(timescale) == before
    with psycopg.connect(timescale) as connection:
        query = "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'jar_reading'"
        assert connection.execute(query).fetchone() == (3,)
    with saved(timescale, tmp_path, tmp_path / "hyper") as archive:
        jars = next(table for table in archive.manifest.tables if table.name == "jar_reading")
        assert [part.low for part in jars.parts] == [f"2026-01-0{day} 00:00:00+00" for day in (1, 2, 3)]
        verify(archive, lambda done: None)
    plain = databases.new()
    restored(tmp_path / "hyper", plain)
    assert contents(plain) == before


def test_what_an_older_program_kept_is_brought_up_to_date(databases: Databases, tmp_path: Path) -> None:
    old, new = databases.new(), databases.new()
    migrate(old, "0003")
    with psycopg.connect(old) as connection:
        connection.execute("INSERT INTO account VALUES ('a', 'Admin', 'h', false, now(), true, '', '{}')")
        connection.execute(make("system_reading", Period.DAY, FIRST_DAY))
        connection.execute("INSERT INTO system_reading (ts, asset_id, quality) VALUES ('2026-01-01', 7, 0)")
    with saved(old, tmp_path, tmp_path / "old") as archive:
        assert archive.manifest.schema == "0003"
    restored(tmp_path / "old", new)
    with psycopg.connect(new) as connection:
        assert version(connection) == HEAD
        assert connection.execute("SELECT name FROM account").fetchall() == [("a",)]
        found = connection.execute("SELECT asset_id, float_voltage_setpoint FROM system_reading").fetchall()
    assert found == [(7, None)]


def test_raw_readings_can_be_left_out(full: str, tmp_path: Path) -> None:
    def rows(name: str, since: dt.date) -> dict[str, int]:
        with saved(full, tmp_path, tmp_path / name, Content(since)) as archive:
            return {table.name: table.rows for table in archive.manifest.tables}

    whole, later, none = (
        rows(name, since)
        for name, since in (("a", dt.date.min), ("b", FIRST_DAY + dt.timedelta(2)), ("c", dt.date.max))
    )
    assert [found["jar_reading"] for found in (whole, later, none)] == [903, 13 * 3, 0]
    assert [found["audit"] for found in (whole, later, none)] == [20, 20, 20]


def _half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _without_end(file: Path) -> None:
    with tarfile.open(file) as archive:
        end = archive.getmember("manifest.sha256").offset
    os.truncate(file, end)


def _change(file: Path, member: str, content: bytes) -> None:
    with tarfile.open(file) as archive:
        info = next(info for info in archive if info.name.startswith(member))
    with file.open("r+b") as opened:
        opened.seek(info.offset_data + info.size // 2)
        opened.write(content)


def _rows_changed(file: Path) -> None:
    _change(file, "tables/jar_reading/2026-01-02", b"\xa5")


def _file_changed(file: Path) -> None:
    _change(file, "home/state/alarms.npz", b"!")


def _manifest_changed(file: Path) -> None:
    _change(file, "manifest.json", b"0")


def _no_archive(file: Path) -> None:
    file.write_text("CREATE TABLE ...")


@pytest.mark.parametrize(
    "damage", [_half, _without_end, _rows_changed, _file_changed, _manifest_changed, _no_archive]
)
def test_a_damaged_archive_is_refused_and_leaves_no_trace(
    full: str, databases: Databases, tmp_path: Path, damage: Any
) -> None:
    source, target = _home(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    file = tmp_path / "file"
    saved(full, source, file)
    damage(file)
    empty = databases.new()
    with pytest.raises(HistorianError, match="no whole backup"), Archive(file) as archive:
        verify(archive, lambda done: None)
    with (
        pytest.raises(HistorianError, match="no whole backup"),
        Archive(file) as archive,
        files_restored(archive, target),
    ):
        fill(archive, empty, lambda done: None)
    assert list(target.iterdir()) == []
    with psycopg.connect(empty) as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE '%reading%'").fetchall()
    assert left == []


def test_files_of_home_keep_content_and_modes(full: str, databases: Databases, tmp_path: Path) -> None:
    source, target = _home(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    spill = Spill(source / "spill.sqlite", 1e6)
    spill.append(b"a scan")
    saved(full, source, tmp_path / "file")
    spill.close()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    with Archive(tmp_path / "file") as archive, files_restored(archive, target):
        assert not (target / "pki").exists()
    names = ["pki/own/own.key.pem", "pki/trusted/a.der", "state/alarms.npz"]
    assert sorted(homefiles.kept(target)) == names
    for name in names:
        assert (target / name).read_bytes() == (source / name).read_bytes()
        assert (target / name).stat().st_mode == (source / name).stat().st_mode
    waits = Spill(target / "spill.sqlite", 1e6)
    assert waits.first()[1] == b"a scan"
    waits.close()
    with pytest.raises(HistorianError, match="is in use: it has state"):
        refuse_occupied(target)


def _home(folder: Path) -> Path:
    for name, mode in (
        ("pki/own/own.key.pem", 0o600),
        ("pki/trusted/a.der", 0o644),
        ("state/alarms.npz", 0o640),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
        path.chmod(mode)
    for name in ("cache/nodes", "postgres/PG_VERSION", "state/alarms.new"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    return folder


def test_a_database_with_rows_is_left_alone(full: str, databases: Databases, tmp_path: Path) -> None:
    saved(full, tmp_path, tmp_path / "file")
    before = contents(full)
    with pytest.raises(HistorianError, match="The database is in use: its table account has rows"):
        restored(tmp_path / "file", full)
    assert contents(full) == before
    migrated = databases.new()
    migrate(migrated)
    restored(tmp_path / "file", migrated)
    assert contents(migrated) == before


def test_a_restore_that_was_killed_lets_no_server_start_and_can_be_repeated(
    full: str, databases: Databases, tmp_path: Path
) -> None:
    saved(full, tmp_path, tmp_path / "file")
    target = databases.new()
    migrate(target, "0005")
    with psycopg.connect(target) as connection:
        connection.execute("INSERT INTO asset (type, path) VALUES ('Jar', 'half')")
        connection.execute("UPDATE alembic_version SET version_num = %s", (f"{RESTORING}0005",))
    with pytest.raises(HistorianError, match=r"A restore .* was not finished"):
        migrate(target)
    restored(tmp_path / "file", target)
    assert contents(target) == contents(full)


def test_a_restore_that_is_interrupted_is_undone(full: str, databases: Databases, tmp_path: Path) -> None:
    target = databases.new()
    with saved(full, tmp_path, tmp_path / "file") as archive:

        def interrupt(done: float) -> None:
            if done > 0.5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fill(archive, target, interrupt)
    with psycopg.connect(target) as connection:
        assert version(connection) is None


def test_a_backup_that_fails_leaves_no_file(full: str, tmp_path: Path) -> None:
    def fail(done: float) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(HistorianError, match="No space left on device"):
        back_up(full, tmp_path, tmp_path / "file", ALL, fail)
    (tmp_path / "there").write_text("")
    with pytest.raises(HistorianError, match="is there already"):
        back_up(full, tmp_path, tmp_path / "there", ALL, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_writing_goes_on_beside_a_backup_and_care_waits(
    full: str, databases: Databases, tmp_path: Path
) -> None:
    told: list[float] = []
    before = contents(full)
    target = databases.new()

    def meanwhile(done: float) -> None:
        if not told:
            with psycopg.connect(full, options="-c lock_timeout=5s") as writer:
                writer.execute(make("jar_reading", Period.DAY, FIRST_DAY + dt.timedelta(3)))
                writer.execute(
                    "INSERT INTO jar_reading (ts, asset_id, quality) VALUES ('2026-01-01 00:00:01', 1, 0)"
                )
                writer.execute("INSERT INTO jar_reading (ts, asset_id, quality) VALUES ('2026-01-04', 1, 0)")
            assert not asyncio.run(_may(full))
        told.append(done)

    back_up(full, tmp_path, tmp_path / "file", ALL, meanwhile)
    assert told == sorted(told)
    assert told[-1] == 1
    assert asyncio.run(_may(full))
    restored(tmp_path / "file", target)
    assert contents(target) == before


async def _may(conninfo: str) -> bool:
    async with await connect(conninfo) as connection:
        return await may_rearrange(connection)


def test_the_commands_beside_a_running_database_and_without_one(prepared_home: Path, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "server", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    file, home = str(tmp_path / "file"), str(prepared_home)
    nothing = run("backup", file, "--home", home)
    assert (nothing.returncode, nothing.stderr.splitlines()[1][:27]) == (1, "There is nothing to back up")
    server = Embedded(prepared_home)
    asyncio.run(server.start())
    try:
        migrate(server.conninfo)
        filled(server.conninfo)
        with visited(None, prepared_home, lambda text: None) as database:
            before = contents(database.conninfo)
        beside = run("backup", file, "--home", home)
    finally:
        asyncio.run(server.stop())
    assert beside.returncode == 0, beside.stderr
    assert "rows of" in beside.stdout
    assert "Whole and as it was written" in run("restore", "--verify", file).stdout
    again = run("restore", file, "--home", home)
    assert (again.returncode, "Traceback" in again.stderr) == (1, False)
    assert "is in use" in again.stderr
    new = prepared_home / "new"
    (new / "state").mkdir(parents=True)
    (new / "state" / "alarms.npz").write_text("")
    assert "give --database-only" in run("restore", file, "--home", str(new)).stderr
    made = run("restore", file, "--home", str(new), "--database-only")
    assert made.returncode == 0, made.stderr
    with visited(None, new, lambda text: None) as database:
        assert contents(database.conninfo) == before
