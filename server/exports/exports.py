"""All files that are made for clients: how many there may be, how large, and for how long.

A file goes when its last handle is closed, when nobody has asked for it for `IDLE`, with its session, and
with the server. Two are made at a time; others wait their turn.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from historian.export.order import Order
from historian.export.request import Format, Request
from server.exports.file import ExportFile
from server.exports.making import Making
from server.protocol.sessions import Session

EXPORT: Final = "historian.export"
IDLE: Final = 60.0  # s, ClientProcessingTimeout of Part 20, 4.4.1
MOST: Final = 16  # files
MOST_OF_SESSION: Final = 4
AT_A_TIME: Final = 2
MAX_BYTES: Final = 2_000_000_000  # of one
MEDIA: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.EXCEL: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
}


class TooManyFiles(Exception):
    """The session, or the server, has as many files as it may."""


class Exports:
    """Files by name, in `home/exports`."""

    def __init__(self, url: str | None, home: Path) -> None:
        self._url = url
        self._home = home.resolve()
        self._folder = self._home / "exports"
        self._files: dict[str, ExportFile] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed server left

    def add(self, session: Session, request: Request) -> ExportFile:
        """Begin to make a file of history for a session."""

        def making(path: Path) -> Making:
            order = Order(self._url, str(self._home), request.to_json(), str(path), MAX_BYTES)
            return Making(EXPORT, order.to_json())

        return self.begin(session, request.format, making)

    def begin(self, session: Session, form: Format, making: Callable[[Path], Making]) -> ExportFile:
        """Begin to make a file for a session, in the way that `making` gives for its path."""
        theirs = sum(file.session is session for file in self._files.values())
        if len(self._files) >= MOST or theirs >= MOST_OF_SESSION:
            raise TooManyFiles
        name = f"export-{secrets.token_hex(16)}"
        folder = self._folder / name  # of its own: what a format puts aside goes with it
        folder.mkdir(mode=0o700, parents=True)
        path = folder / f"export.{form}"
        file = ExportFile(name, path, MEDIA[form], session, making(path))
        self._files[name] = file
        self._tasks[name] = asyncio.create_task(self._make(file))
        return file

    def find(self, name: str) -> ExportFile | None:
        """A file by its name."""
        return self._files.get(name)

    def remove(self, file: ExportFile) -> None:
        """Remove a file, and end its making."""
        if self._files.pop(file.name, None) is None:
            return
        task = self._tasks.pop(file.name)
        task.cancel()
        shutil.rmtree(file.path.parent, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what nobody will read any more."""
        now = time.monotonic()
        for file in list(self._files.values()):
            if not file.whole:
                file.used = now
            if file.session.closed or now - file.used > IDLE:
                self.remove(file)

    async def close(self) -> None:
        """Remove all."""
        tasks = list(self._tasks.values())
        for file in list(self._files.values()):
            self.remove(file)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, file: ExportFile) -> None:
        try:
            async with self._turns:
                await file.make()
        finally:
            if file.name not in self._files:  # removed meanwhile, when the process may have written on
                shutil.rmtree(file.path.parent, ignore_errors=True)
