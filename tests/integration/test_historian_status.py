"""`voltkeep historian`: its state on every engine, the audit trail's chain, the way to an older schema."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from historian.audit import AuditRow, append
from historian.backup import Content, back_up
from historian.connections import connect
from historian.embedded import Embedded
from historian.errors import HistorianError
from historian.migrate import HEAD, migrate
from historian.periods import Period, make
from historian.spill import Spill
from historian.status import Status, status_of
from server.historiancli import lines

ROOT = Path(__file__).parents[2]
FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LAST = FIRST + dt.timedelta(days=2, hours=23)
TABLES = ("jar_reading", "fleet_reading")


def filled(conninfo: str, *, partitions: bool = True) -> None:
    """Three days of hourly readings of a jar and of the fleet, and an hour that is due."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("INSERT INTO asset (id, type, path) VALUES (1, 'Fleet', 'Fleet'), (2, 'Jar', 'J')")
        for number, table in enumerate(TABLES[::-1], 1):
            for day in range(3 if partitions else 0):
                connection.execute(make(table, Period.DAY, FIRST.date() + dt.timedelta(day)))
            query = (
                f"INSERT INTO {table} (ts, asset_id, quality) SELECT hour, {number}, 0 "
                "FROM generate_series(%s, %s, interval '1 hour') AS hour"
            )
            connection.execute(query.encode(), (FIRST, LAST))
        connection.execute("INSERT INTO rollup_due (hour) VALUES (%s)", (FIRST,))
        connection.execute("ANALYZE")


def checked(found: Status) -> None:
    assert (found.schema, found.oldest, found.newest, found.days) == (HEAD, FIRST, LAST, 3)
    assert (found.roll_ups.due, found.roll_ups.due_since, found.roll_ups.newest_hour) == (1, FIRST, None)
    tables = {table.name: table for table in found.tables}
    assert [(tables[name].rows, tables[name].parts) for name in TABLES] == [(72, 3), (72, 3)]
    assert tables["asset"].parts == 0
    assert found.bytes > sum(table.bytes for table in found.tables) > 3 * 8192


def test_state_of_a_database_and_of_what_waits_for_it(database: str, home: Path) -> None:
    filled(database)
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO clustered_partition VALUES ('jar_reading_20260101'), ('fleet_x')")
    spill = Spill(home / "spill.sqlite", 1e6)
    spill.append(b"12345")
    back_up(database, home, home / "file", Content(), lambda done: None)
    found = status_of(database, home)
    spill.close()
    checked(found)
    assert (found.packed_days, found.packing) == (1, "clustered")
    assert [(each.file, each.entries, each.bytes) for each in found.waiting] == [("spill.sqlite", 1, 5)]
    assert found.backup is not None
    assert (found.backup.file, found.backup.bytes) == (str(home / "file"), (home / "file").stat().st_size)
    text = list(lines(found, LAST + dt.timedelta(minutes=5)))
    assert "Readings     2026-01-01 00:00 to 2026-01-03 23:00 UTC, the newest 5 min old" in text
    assert "Roll-ups     none yet; hours due: 1, the first 2026-01-01 00:00" in text
    assert "Waiting      1 in spill.sqlite (5 bytes)" in text
    assert any(line.split()[:2] == ["jar_reading", "72"] for line in text)


@pytest.mark.timescaledb
def test_state_of_a_timescaledb(timescale: str, home: Path) -> None:
    migrate(timescale)
    filled(timescale, partitions=False)
    found = status_of(timescale, home)
    checked(found)
    assert (found.packed_days, found.packing) == (0, "compressed")
    assert found.engine.startswith("TimescaleDB ")


def test_state_of_an_older_database(empty: str, home: Path) -> None:
    with pytest.raises(HistorianError, match="no history yet"):
        status_of(empty, home)
    migrate(empty, "0003")
    found = status_of(empty, home)
    assert (found.schema, found.oldest, found.backup, found.waiting) == ("0003", None, None, ())
    assert "Readings     none yet" in list(lines(found, LAST))


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(prepared_home: Path) -> Run:
    """Runs `voltkeep historian` on a home."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "server", "historian", *words, "--home", str(prepared_home)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_the_commands(prepared_home: Path, run: Run) -> None:
    server = Embedded(prepared_home)
    asyncio.run(server.start())
    try:
        migrate(server.conninfo)
        asyncio.run(_audited(server.conninfo))
        beside = run("status", "--json")
        refused = run("migrate", "--to", "0009", "--yes")
    finally:
        asyncio.run(server.stop())
    assert json.loads(beside.stdout)["schema"] == HEAD
    assert (refused.returncode, "already uses the home" in refused.stderr) == (1, True)
    whole = run("verify-audit")
    assert (whole.returncode, whole.stdout[:34]) == (0, "20 rows, each as it was written. H")
    asyncio.run(server.start())
    try:
        with psycopg.connect(server.conninfo) as connection:
            connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
            connection.execute("UPDATE audit SET new = 'other' WHERE id = 7")
    finally:
        asyncio.run(server.stop())
    broken = run("verify-audit")
    assert broken.returncode == 1
    assert "Row 7 of the audit trail is not as it was written" in broken.stderr
    assert run("migrate", "--to", "0666").returncode == 1
    down = run("migrate", "--to", "0009", "--yes")
    assert (down.returncode, "has schema 0009" in down.stdout) == (0, True), down.stderr
    assert run("status").stdout.startswith("Engine       embedded PostgreSQL 18.")
    assert "schema 0009" in run("status").stdout


async def _audited(conninfo: str) -> None:
    async with await connect(conninfo) as connection:
        await append(connection, [AuditRow(n, 2052, "wrote") for n in range(20)])
