"""A backup brought back: its rows into an empty database on any engine, its files into an empty home.

The schema is made as it was when the backup was made, filled, and then brought up to date by the migrations.
All or nothing: what fails is undone, and until it is whole the database says of itself that it is being
restored, so that no server starts on a half one and a restore that was killed can be repeated.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from historian import homefiles, tableparts
from historian.archive import Archive
from historian.connections import connect
from historian.engine import detect
from historian.errors import HistorianError
from historian.manifest import Member, Part, TableContent
from historian.migrate import BASE, HEAD, RESTORING, migrate, version
from historian.periods import Period, make

STAGED: Final = "restore.new"  # in home, until the database is whole
# What the migrations have put there themselves; the backup has it, too.
_SEEDS: Final = {"quality": "id = 0"}

Told = Callable[[float], None]  # hears how much is done, from 0 to 1


def verify(archive: Archive, told: Told) -> None:
    """Read all of an archive; `HistorianError` names what is not as it was written."""
    manifest, done = archive.manifest, 0
    for member in manifest.files:
        archive.verify(member)
    for table in manifest.tables:
        for part in table.parts:
            for member in part.members:
                done += len(archive.rows(member))
                told(done / max(manifest.bytes, 1))


def refuse_occupied(home: Path) -> None:
    """`HistorianError` when a home has files that a restore would have to replace."""
    for name in (*homefiles.kept(home), *(path.name for path in homefiles.waiting(home))):
        raise HistorianError(
            f"The home {home} is in use: it has {name}. Restore into an empty one (--home), or, to fill an "
            "empty database beside this home's certificates and states, give --database-only."
        )


@contextmanager
def files_restored(archive: Archive, home: Path) -> Iterator[None]:
    """Files of home, which come into their places when all that is done in the block has succeeded."""
    staged = home / STAGED
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    try:
        for member in archive.manifest.files:
            archive.extract(member, staged)
        yield
        _settle(staged, home)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def fill(archive: Archive, conninfo: str, told: Told) -> None:
    """Restore the rows into the database, which has to be empty."""
    schema = archive.manifest.schema
    if schema > HEAD:
        raise HistorianError(
            f"The backup has schema {schema}, made by a newer Voltkeep; this one knows {HEAD}. "
            "Use the newer one."
        )
    asyncio.run(_detect(conninfo))
    _refuse_rows(conninfo)
    try:
        _clear(conninfo)
        migrate(conninfo, schema)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            _mark(connection, RESTORING + schema)
            _Filling(connection, archive, told).run()
            _mark(connection, schema)
        migrate(conninfo)
    except BaseException as error:
        _undo(conninfo, error)
        raise


class _Filling:
    """Rows on their way into a database that has the schema of the archive."""

    def __init__(self, connection: psycopg.Connection[Any], archive: Archive, told: Told) -> None:
        self._connection, self._archive, self._told = connection, archive, told
        self._done = 0

    def run(self) -> None:
        """Fill all tables; a part of a table is a transaction, so that locks and memory are bounded."""
        self._connection.execute("SET timezone = 'UTC'")
        self._connection.execute("SET synchronous_commit = off")  # the last commit waits for all before it
        manifest = self._archive.manifest
        for seeded, condition in _SEEDS.items():
            self._connection.execute(f"DELETE FROM {seeded} WHERE {condition}".encode())
        for table in manifest.tables:
            partitioned = tableparts.partitioned(self._connection, table.name)
            for part in table.parts:
                with self._connection.transaction():
                    if partitioned:
                        self._make_partitions(table.name, part)
                    self._copy(table, part)
        for name, last in manifest.sequences.items():
            self._continue(name, last)
        self._connection.execute("SET synchronous_commit = on")

    def _make_partitions(self, table: str, part: Part) -> None:
        if part.low is None or part.high is None:
            return
        day, end = (dt.date.fromisoformat(bound[:10]) for bound in (part.low, part.high))
        while day < end:
            self._connection.execute(make(table, _period(table), day))
            day = _period(table).after(day)

    def _copy(self, table: TableContent, part: Part) -> None:
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
        )
        for member, content in self._contents(part.members):
            with self._connection.cursor() as cursor:
                with cursor.copy(statement) as copy:
                    copy.write(content)
                if cursor.rowcount != member.rows:
                    raise HistorianError(f"Of {member.name} the database took {cursor.rowcount:,} rows.")
            self._done += member.bytes
            self._told(self._done / max(self._archive.manifest.bytes, 1))

    def _contents(self, members: tuple[Member, ...]) -> Iterator[tuple[Member, bytes]]:
        """What members hold; the next is unpacked and checked while the database takes one."""
        with ThreadPoolExecutor(1) as unpacker:
            coming = None
            for member in (*members, None):
                ready = coming
                coming = None if member is None else (member, unpacker.submit(self._archive.rows, member))
                if ready is not None:
                    yield ready[0], ready[1].result()

    def _continue(self, name: str, last: int) -> None:
        """Let the sequence of `table.column` go on after the last number that it has given."""
        table, column = name.split(".")
        query = sql.SQL(
            "SELECT setval(pg_get_serial_sequence({}, {}), greatest(max({}), {}, 1)) FROM {}"
        ).format(
            sql.Literal(table),
            sql.Literal(column),
            sql.Identifier(column),
            sql.Literal(last),
            sql.Identifier(table),
        )
        self._connection.execute(query)


def _period(table: str) -> Period:
    """How long the partitions of a table are."""
    if table.endswith("_hourly"):
        return Period.MONTH
    return Period.YEAR if table.endswith("_daily") else Period.DAY


async def _detect(conninfo: str) -> None:
    async with await connect(conninfo) as connection:
        await detect(connection)


def _refuse_rows(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        at = version(connection)
        if at is None or at.startswith(RESTORING):
            return
        for table in tableparts.tables(connection):
            condition = _SEEDS.get(table, "false")
            query = f"SELECT 1 FROM {table} WHERE NOT ({condition}) LIMIT 1"
            if connection.execute(query.encode()).fetchone() is not None:
                raise HistorianError(
                    f"The database is in use: its table {table} has rows. Restore into an empty database "
                    "(createdb), or into another home (--home)."
                )


def _clear(conninfo: str) -> None:
    """Remove the schema, whatever is in it by now."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        at = version(connection) or ""
        if at.startswith(RESTORING):
            _mark(connection, at.removeprefix(RESTORING))
    migrate(conninfo, BASE)


def _mark(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute("UPDATE alembic_version SET version_num = %s", (schema,))


def _undo(conninfo: str, error: BaseException) -> None:
    try:
        _clear(conninfo)
    except (psycopg.Error, HistorianError) as again:
        raise HistorianError(
            f"The restore failed: {error}. What is half restored could not be removed ({again}); the same "
            "command removes it and begins anew once the database can be used again."
        ) from error


def _settle(staged: Path, home: Path) -> None:
    """Move files into their places, as the owner of home."""
    owner = home.stat()
    for path in sorted(staged.rglob("*")):
        target = home / path.relative_to(staged)
        if path.is_dir():
            target.mkdir(mode=0o700, exist_ok=True)
        else:
            path.replace(target)
        if os.geteuid() == 0:
            os.chown(target, owner.st_uid, owner.st_gid)
