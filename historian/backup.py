"""A backup of the whole historian: every table in one snapshot, and the files of home, into one archive.

The server goes on writing meanwhile; what it writes after the snapshot is not in the backup. Only the care of
old days waits (`historian.carelock`). It blocks, for as long as the database takes to send all its rows.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Final

import psycopg

from historian import homefiles, tableparts
from historian.archive import MEMBER_BYTES, ArchiveWriter, Block
from historian.carelock import keep_as_it_is
from historian.columns import TABLES
from historian.engine import engine_of
from historian.errors import HistorianError
from historian.manifest import Manifest, Member, Part, TableContent
from historian.migrate import version
from historian.tableparts import Source

_READINGS: Final = frozenset(table.readings for table in TABLES.values())
# Text is the same whatever the session's settings would make of it.
_PLAIN_TEXT: Final = (
    "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 1"
)

Told = Callable[[float], None]  # hears how much is done, from 0 to 1


@dataclass(frozen=True)
class Content:
    """What to keep of the raw readings: those from a day on (UTC), `dt.date.max` for none."""

    since: dt.date = dt.date.min

    def has(self, table: str, source: Source) -> bool:
        """Whether these rows are to be kept."""
        if table not in _READINGS or self.since == dt.date.min:
            return True
        return source.high is not None and source.high[:10] > self.since.isoformat()


def back_up(conninfo: str, home: Path, target: Path, content: Content, told: Told) -> Manifest:
    """Write the archive `target`; `HistorianError` says why not, and then there is none."""
    if target.exists():
        raise HistorianError(f"{target} is there already. Choose another name, or remove it first.")
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection, ArchiveWriter(target) as archive:
            files = _files(home, archive, target.parent)
            manifest = replace(_Tables(connection, archive, content, told).write(), files=files)
            archive.finish(manifest)
    except OSError as error:
        raise HistorianError(f"{target} cannot be written: {error.strerror}") from None
    _note(home, target, manifest)
    return manifest


def _files(home: Path, archive: ArchiveWriter, roomy: Path) -> tuple[Member, ...]:
    """The files of home. They come before the snapshot: what waits then and is written between is in both."""
    files = [archive.add_file(name, home / name) for name in homefiles.kept(home)]
    for path in homefiles.waiting(home):
        with tempfile.TemporaryDirectory(dir=roomy) as folder:
            copy = Path(folder) / path.name
            homefiles.copy_waiting(path, copy)
            copy.chmod(path.stat().st_mode)
            files.append(archive.add_file(path.name, copy))
    return tuple(files)


class _Tables:
    """The tables of one database."""

    def __init__(
        self, connection: psycopg.Connection[Any], archive: ArchiveWriter, content: Content, told: Told
    ) -> None:
        self._connection, self._archive = connection, archive
        self._content, self._told = content, told

    def write(self) -> Manifest:
        """Add all in one snapshot; the manifest of them."""
        connection = self._connection
        schema = version(connection)
        if schema is None:
            raise HistorianError("There is nothing to back up: no server has used the database yet.")
        engine, since = engine_of(connection), self._content.since
        connection.execute(_PLAIN_TEXT)
        keep_as_it_is(connection)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            began = dt.datetime.now(dt.UTC)
            names = tableparts.tables(connection)
            return Manifest(
                schema=schema,
                engine=engine.name,
                voltkeep=version_of("voltkeep"),
                created_at=began.isoformat(timespec="seconds"),
                readings_since=None if since == dt.date.min else since.isoformat(),
                sequences=tableparts.sequences(connection, names),
                tables=self._all(names, engine.timescale is not None),
                files=(),
            )

    def _all(self, names: list[str], timescale: bool) -> tuple[TableContent, ...]:
        wanted = {
            name: [
                source
                for source in tableparts.sources(self._connection, name, timescale)
                if self._content.has(name, source)
            ]
            for name in names
        }
        total = sum(source.bytes for sources in wanted.values() for source in sources)
        done, found = 0, []
        for name, sources in wanted.items():
            parts = []
            for source in sources:
                members = self._archive.add_rows(f"{name}/{source.name}", _blocks(self._connection, source))
                done += source.bytes
                self._told(done / max(total, 1))
                if members:
                    parts.append(Part(source.low, source.high, members))
            found.append(TableContent(name, tableparts.columns(self._connection, name), tuple(parts)))
        return tuple(found)


def _blocks(connection: psycopg.Connection[Any], source: Source) -> Iterator[Block]:
    """Rows as COPY text, some at a time; the rollback lets go of the locks on this part of the table."""
    with connection.transaction(force_rollback=True), connection.cursor().copy(source.query) as copy:
        block, rows = bytearray(), 0
        for row in copy:
            block += row
            rows += 1
            if len(block) > MEMBER_BYTES:
                yield bytes(block), rows
                block, rows = bytearray(), 0
        if rows:
            yield bytes(block), rows


def _note(home: Path, target: Path, manifest: Manifest) -> None:
    """Leave a word for `voltkeep historian status`."""
    note = home / homefiles.NOTE
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = target.stat().st_size
    said = {"file": str(target.resolve()), "created_at": manifest.created_at, "bytes": size}
    beside = note.with_suffix(".new")
    beside.write_text(json.dumps(said) + "\n")
    beside.replace(note)
