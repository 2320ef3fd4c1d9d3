"""The audit trail in the database: added to, never changed, in order and once, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from historian.audit import (
    AUDIT_EVENT_TYPE,
    FIRST_HASH,
    AuditLedger,
    AuditRow,
    AuditTrail,
    Verdict,
    append,
    packed,
    unpacked,
    verify,
)
from historian.connections import Connections, connect
from historian.migrate import migrate
from historian.rowwriter import RowWriter
from historian.spill import Spill

Until = Callable[[Callable[[], bool]], "asyncio.Future[None]"]
START = 1_767_225_600_000_000  # 2026-01-01


def entry(number: int, **fields: object) -> AuditRow:
    made = AuditRow(
        START + number, 2100, "write", "anna", "10.0.0.7:4711", "session-1", f"ticket {number}", 0x8074_0000,
        "Bangrak.Voltage", "13.5", "13.65",
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


class Door:
    """A way to the database that can be closed."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.open = True

    async def connect(self) -> psycopg.AsyncConnection:
        if not self.open:
            raise psycopg.OperationalError("closed")
        return await connect(self.database)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await connect(database) as connection:
        yield connection


@pytest.fixture
def door(database: str) -> Door:
    return Door(database)


@pytest.fixture
async def trail(database: str) -> AsyncIterator[AuditTrail]:
    connections = Connections(lambda: connect(database))
    yield AuditTrail(connections)
    await connections.close()


async def everything(trail: AuditTrail) -> list[AuditRow]:
    return await trail.read(0, START * 2, 10_000)


async def test_entries_come_back_as_they_were(connection: psycopg.AsyncConnection, trail: AuditTrail) -> None:
    rows = [entry(1), entry(2, repeats=40), entry(3, user="", status=0)]
    assert await append(connection, rows) == 3
    assert await everything(trail) == rows
    assert await trail.read(START + 2, START + 3, 10) == rows[1:2]
    assert await trail.read(START + 3, START, 2) == [rows[2], rows[1]]


def test_entries_come_back_from_disk_as_they_were() -> None:
    rows = [entry(1), entry(2, repeats=40)]
    assert unpacked(packed(rows)) == rows


async def test_text_that_no_database_takes_is_taken(
    connection: psycopg.AsyncConnection, trail: AuditTrail
) -> None:
    await append(connection, [entry(1, user="a\0b", target="\ud800", old="ไทย")])
    (row,) = await everything(trail)
    assert (row.user, row.target, row.old) == ("a�b", "?", "ไทย")
    assert (await trail.verify()).broken is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET user_name = 'somebody else'",
        "DELETE FROM audit WHERE id = 1",
        "TRUNCATE audit",
        "DELETE FROM audit WHERE false",
    ],
)
async def test_nothing_is_changed_or_taken_out(
    connection: psycopg.AsyncConnection, trail: AuditTrail, statement: str
) -> None:
    await append(connection, [entry(1)])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="cannot be changed"):
        await connection.execute(statement.encode())
    assert await everything(trail) != []


async def test_the_rights_to_change_are_revoked_from_the_owner(
    connection: psycopg.AsyncConnection, database: str
) -> None:
    rights = "SELECT privilege_type FROM information_schema.table_privileges WHERE table_name = 'audit'"
    found = {right for (right,) in await (await connection.execute(rights.encode())).fetchall()}
    assert "INSERT" in found
    assert not found & {"UPDATE", "DELETE", "TRUNCATE"}


async def test_an_untouched_trail_is_in_order(connection: psycopg.AsyncConnection) -> None:
    assert await verify(connection) == Verdict(0, FIRST_HASH, None)
    await append(connection, [entry(n) for n in range(5)])
    await append(connection, [entry(n) for n in range(5, 7)])
    verdict = await verify(connection)
    assert (verdict.rows, verdict.broken) == (7, None)
    (last,) = await (await connection.execute("SELECT hash FROM audit WHERE id = 7")).fetchone() or ()
    assert verdict.hash == last


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET user_name = 'bert' WHERE id = 3", 3),
        ("UPDATE audit SET ts = ts + interval '1 microsecond' WHERE id = 3", 3),
        ("UPDATE audit SET status = 0 WHERE id = 5", 5),
        ("DELETE FROM audit WHERE id = 3", 4),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET id = 0 - id WHERE id = 3", -3),
        ("UPDATE audit SET hash = '\\x00' WHERE id = 6", 6),
    ],
)
async def test_tampering_shows(connection: psycopg.AsyncConnection, tampering: str, broken: int) -> None:
    await append(connection, [entry(n) for n in range(1, 7)])
    await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    await connection.execute(tampering.encode())
    await connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_append_only")
    assert (await verify(connection)).broken == broken


async def test_an_entry_is_written_once(connection: psycopg.AsyncConnection, trail: AuditTrail) -> None:
    rows = [entry(1), entry(2)]
    await append(connection, rows)
    assert await append(connection, [*rows, entry(3)]) == 1
    assert [row.time - START for row in await everything(trail)] == [1, 2, 3]


async def test_two_servers_write_one_chain(database: str, connection: psycopg.AsyncConnection) -> None:
    async with await connect(database) as other:
        for n in range(0, 40, 2):
            await asyncio.gather(append(connection, [entry(n)]), append(other, [entry(n + 1)]))
    assert await verify(connection) == replace(await verify(connection), rows=40, broken=None)


async def test_what_an_outage_kept_is_written_in_order_and_once(
    door: Door, trail: AuditTrail, tmp_path: Path, until: Until
) -> None:
    writer = RowWriter(door.connect, Spill(tmp_path / "audit.sqlite", 1e6), AuditLedger())
    writer.offer(entry(0))
    await until(lambda: writer.written == 1)
    door.open = False
    assert writer._connection is not None
    await writer._connection.close()
    for n in range(1, 4):
        writer.offer(entry(n))
        await until(lambda: writer._spill.count > 0 and not writer._waiting)
    assert not writer.healthy
    await writer.close()
    writer = RowWriter(door.connect, Spill(tmp_path / "audit.sqlite", 1e6), AuditLedger())
    writer.offer(entry(4))
    door.open = True
    await until(lambda: writer.idle)
    await writer.close()
    assert [row.time - START for row in await everything(trail)] == [0, 1, 2, 3, 4]
    assert (await trail.verify()).broken is None


async def test_a_batch_whose_commit_was_not_heard_of_is_not_written_twice(
    door: Door, trail: AuditTrail, tmp_path: Path, until: Until
) -> None:
    lost = iter([True])

    class Deaf(AuditLedger):
        async def append(self, connection: psycopg.AsyncConnection, data: bytes) -> int:
            count = await super().append(connection, data)
            if next(lost, False):
                raise psycopg.OperationalError("the connection is gone")
            return count

    writer = RowWriter(door.connect, Spill(tmp_path / "audit.sqlite", 1e6), Deaf())
    writer.offer(entry(1))
    writer.offer(entry(2))
    await until(lambda: writer.idle)
    await writer.close()
    assert [row.time - START for row in await everything(trail)] == [1, 2]


async def test_what_nothing_can_keep_is_counted_in_the_trail(
    door: Door, trail: AuditTrail, tmp_path: Path, until: Until
) -> None:
    door.open = False
    writer = RowWriter(door.connect, Spill(tmp_path / "audit.sqlite", 1), AuditLedger())
    with capture_logs() as logs:
        for n in range(7):
            writer.offer(entry(n))
        await until(lambda: writer.dropped == 7)
    assert [log["event"] for log in logs].count("rows of the audit trail are lost") == 1
    door.open = True
    await until(lambda: writer.idle)
    await writer.close()
    (row,) = await everything(trail)
    assert (row.event_type, row.action, row.repeats) == (AUDIT_EVENT_TYPE, "lose entries", 7)


async def test_entries_on_disk_that_cannot_be_read_do_not_block_the_others(
    door: Door, trail: AuditTrail, tmp_path: Path, until: Until
) -> None:
    spill = Spill(tmp_path / "audit.sqlite", 1e6)
    spill.append(b"[[1, 2")
    spill.append(packed([entry(1)]))
    writer = RowWriter(door.connect, spill, AuditLedger())
    writer.offer(entry(2))
    await until(lambda: writer.idle)
    await writer.close()
    written = await everything(trail)
    assert {row.time - START for row in written if row.event_type == 2100} == {1, 2}
    assert writer.dropped == 1


def test_the_migration_goes_down_and_up(database: str, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as administration:
        administration.execute("CREATE DATABASE audited")
        conninfo = psycopg.conninfo.make_conninfo(postgres, dbname="audited")
        migrate(conninfo)
        migrate(conninfo, "0001")
        with psycopg.connect(conninfo) as connection:
            found = connection.execute("SELECT to_regclass('audit'), to_regproc('audit_refuse')").fetchone()
            assert found == (None, None)
        migrate(conninfo)
        administration.execute("DROP DATABASE audited WITH (FORCE)")
