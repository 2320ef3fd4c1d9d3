"""The ledger of alarms: a file in which every transition and operator's action stands before it is told.

`record` and `note` append to the file and return; they never raise and never wait for the disk, so what they
took survives the end of the process at any moment. A thread sees that it also survives a power cut, for all
that came in the meantime at once. From time to time the file begins anew with a snapshot, moved into its
place; events that the journal has not taken over by then go along, and are offered to it again after a
restart: their EventIds are the same, so none is kept twice. While the disk takes nothing the server goes
on, and `error` says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import structlog

from server.alarms.events import ConditionEvent
from server.alarms.ledgerrecords import Heading, Kind, Record, framed
from server.alarms.recovery import Written, read, replay
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable
from server.statefiles import read_arrays

log = structlog.get_logger(__name__)

MOST: Final = 4 << 20  # bytes after a snapshot, before the next is due
FULL: Final = 64 << 20  # bytes after a snapshot that can only be there while none could be made
PERIOD: Final = 60.0  # s between snapshots, where there is something new
RETRY: Final = 5.0  # s


class Journal(Protocol):
    """Who takes events over for good, in the order in which they are offered to it."""

    @property
    def offered(self) -> int:
        """How many it was given."""

    @property
    def settled(self) -> int:
        """How many of them, oldest first, survive the process."""


class Ledger:
    """The file at `path` of the conditions of `table`."""

    def __init__(self, path: Path, table: AlarmTable) -> None:
        self._path = path
        self._table = table
        self._file: int | None = None
        self._size = 0  # of the file, as far as it is whole
        self._began = 0  # what of it is heading and snapshot
        self._written = time.monotonic()  # when that was
        self._beside: list[bytes] | None = None  # frames, while a snapshot is written
        self._wake = asyncio.Event()
        self._compacting = asyncio.Lock()
        self._heading = self._heading_of()
        self._heading_content = self._heading.packed()
        self._unsettled: deque[tuple[int, bytes, bytes]] = deque()  # last event, heading, frame
        self._journal: Journal | None = None
        self._offered: deque[tuple[int, int]] = deque()  # count of the journal's, event
        self.error = ""

    # -- start

    async def begin(self, older: Path) -> list[Written]:
        """Set the table as it was; gives the records whose events the journal may not have.

        `older` is the file of a Voltkeep that had no ledger: it is taken over where there is none.
        """
        told = self._recover(older)
        self._unsettled.extend(
            (each.record.newest, each.heading_content, framed(Kind.TOLD, each.content)) for each in told
        )
        self._heading = self._heading_of()  # EventIds go on as they were
        self._heading_content = self._heading.packed()
        await self.compact()
        if not self.error:
            await asyncio.to_thread(older.unlink, missing_ok=True)
        return told

    def _recover(self, older: Path) -> list[Written]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            self._take_over(older)
            return []
        except OSError as error:
            log.error("saved alarms cannot be read: they start anew", reason=str(error))
            return []
        return self._replay(data)

    def _replay(self, data: bytes) -> list[Written]:
        try:
            written, whole = read(data)
            replay(self._table, written)
        except (ValueError, KeyError, TypeError) as error:
            self._set_aside(repr(error))
            return []
        if not written:
            self._set_aside("it has no whole record")
        elif whole < len(data):
            log.warning("the torn end of the alarms' ledger is left out", bytes=len(data) - whole)
        return [each for each in written if each.kind is Kind.TOLD]

    def _set_aside(self, reason: str) -> None:
        """Keep a file that means nothing here for whoever may know what it does."""
        aside = self._path.with_suffix(".damaged")
        log.error("saved alarms cannot be read: they start anew", reason=reason, kept_as=str(aside))
        with contextlib.suppress(OSError):
            self._path.replace(aside)

    def _take_over(self, older: Path) -> None:
        arrays = read_arrays(older)
        if arrays is None:
            return
        try:
            self._table.restore(arrays)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("saved alarms are of another version: they start anew", reason=repr(error))

    def follow(self, journal: Journal) -> None:
        """Keep events until this one has them."""
        self._journal = journal

    # -- what happens

    def record(self, transitions: Transitions) -> None:
        """Write down what will be told."""
        if len(transitions):
            frame = framed(Kind.TOLD, self._heading.pack(self._record_of(transitions)))
            self._unsettled.append((int(transitions.state.event.max()), self._heading_content, frame))
            self._append(frame)

    def note(self, transitions: Transitions) -> None:
        """Write down what nobody is told of."""
        if len(transitions):
            self._append(framed(Kind.SILENT, self._heading.pack(self._record_of(transitions))))

    def told(self, event: ConditionEvent) -> None:
        """The journal was just offered an event."""
        if self._journal is not None and not event.simulated:
            self._offered.append((self._journal.offered, event.state.event))

    def _append(self, frame: bytes) -> None:
        if self._beside is not None:
            self._beside.append(frame)
        if self._file is None:
            return
        try:
            if self._size - self._began > FULL:
                raise OSError("no snapshot can be made")
            _write(self._file, frame)
        except OSError as error:
            self._failed(error)
            with contextlib.suppress(OSError):  # what is half there would end the file at the next start
                os.ftruncate(self._file, self._size)
        else:
            self._size += len(frame)
            self._wake.set()

    # -- beside the event loop

    async def run(self) -> None:
        """See that it all reaches the disk, and that the file stays small; until cancelled."""
        while True:
            await self._pause()
            self._forget_settled()
            due = time.monotonic() - self._written > PERIOD or self._size - self._began > MOST
            if self.error or (due and self._is_news):
                await asyncio.shield(self.compact())  # `close` waits for it
            elif self._file is not None:
                await self._flush(self._file)

    async def _pause(self) -> None:
        """Until there is something to do."""
        if self.error:
            await asyncio.sleep(RETRY)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PERIOD):
                await self._wake.wait()
        self._wake.clear()

    @property
    def _is_news(self) -> bool:
        """Whether a snapshot would say anything else than the last one."""
        return self._size > self._began or bool((self._table.state.since > 0).any())

    async def _flush(self, file: int) -> None:
        try:
            await asyncio.to_thread(os.fdatasync, file)
        except OSError as error:
            self._failed(error)

    async def compact(self) -> None:
        """Begin the file anew with the state of now, and the events that the journal may not have yet."""
        async with self._compacting:
            self._beside = []
            snapshot, unsettled = self._snapshot(), [*self._unsettled]
            try:
                file, size = await asyncio.to_thread(self._write_new, snapshot, unsettled)
            except OSError as error:
                self._beside = None
                self._failed(error)
                return
            self._replace(file, size)
            await self._flush(file)

    def _replace(self, file: int, size: int) -> None:
        """Add what came in the meantime, and take the old one's place."""
        frames, self._beside = self._beside or [], None
        old = self._file
        try:
            for frame in frames:
                _write(file, frame)
            self._new.replace(self._path)
        except OSError as error:
            os.close(file)
            self._failed(error)
            return
        self._file, self._began, self._written = file, size, time.monotonic()
        self._size = size + sum(map(len, frames))
        if old is not None:
            os.close(old)
        if self.error:
            log.info("alarms are kept again")
            self.error = ""

    def _write_new(self, snapshot: Record, unsettled: Sequence[tuple[int, bytes, bytes]]) -> tuple[int, int]:
        """A file beside the old one, and its size."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            heading, parts = b"", []
            for _, of, frame in unsettled:
                if of != heading:
                    parts.append(framed(Kind.HEADING, of))
                heading = of
                parts.append(frame)
            if heading != self._heading_content:
                parts.append(framed(Kind.HEADING, self._heading_content))
            parts.append(framed(Kind.SNAPSHOT, self._heading.pack(snapshot)))
            data = b"".join(parts)
            _write(file, data)
            os.fsync(file)
        except OSError:
            os.close(file)
            raise
        return file, len(data)

    async def close(self) -> None:
        """Leave a snapshot behind."""
        self._forget_settled()
        await self.compact()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    # -- parts

    @property
    def _new(self) -> Path:
        return self._path.with_suffix(".new")

    @property
    def bytes(self) -> int:
        """Size of the file."""
        return self._size

    def _snapshot(self) -> Record:
        return self._record_of(self._table.kept())

    def _record_of(self, transitions: Transitions) -> Record:
        return Record.of(transitions, self._table.limits, self._table.ids.last)

    def _heading_of(self) -> Heading:
        table = self._table
        nothing = table.retained(np.empty(0, np.intp))
        return Heading.of(table.index, table.ids.nonce, self._record_of(nothing))

    def _forget_settled(self) -> None:
        """Let go of events that the journal has."""
        if self._journal is None:
            return
        settled, reached = self._journal.settled, 0
        while self._offered and self._offered[0][0] <= settled:
            reached = max(reached, self._offered.popleft()[1])
        while self._unsettled and self._unsettled[0][0] <= reached:
            self._unsettled.popleft()

    def _failed(self, error: OSError) -> None:
        if not self.error:
            log.error("alarms cannot be kept; the server goes on without", reason=str(error))
        self.error = str(error) or repr(error)
        self._wake.set()


def _write(file: int, data: bytes) -> None:
    """All of it."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
