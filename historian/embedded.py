"""The embedded database: PostgreSQL 18 as a direct child that neither outlives us nor needs set-up.

`Embedded.start` makes the data directory `home/postgres` on the first start and returns once a
connection works; `stop` ends the server cleanly. Nothing is written outside of home: the server
listens on a unix socket inside its own data directory (mode 0700, so that is all the access control
there is) and never on the network. If this process dies, however it dies, the kernel sends the server
SIGINT. Start it from a thread that lives on, because to the kernel the parent is the thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from historian import postmaster
from historian.errors import HistorianError
from historian.launch import NO_ENTRY
from historian.programs import identity, launch, no_entry

VERSION = "18"
START_TIMEOUT = 600.0  # s; recovery after a crash can take minutes, an end of the process is seen at once
STOP_TIMEOUT = 60.0
_SLOW = 2.0  # s after which the wait is worth a word
_SUN_PATH = 107  # bytes of a unix socket's path, unix(7)
_LOG_TAIL = 5  # lines

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # relative to the data directory, so that its path can be any length
    "unix_socket_permissions": "0700",
    "port": str(postmaster.PORT),
    "recovery_init_sync_method": "syncfs",
    "max_connections": "20",
    "max_locks_per_transaction": "512",  # a query over two years opens 3,650 days, each with its index
    "shared_buffers": "32MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class Embedded:
    """Supervisor of one PostgreSQL server in `home/postgres`."""

    def __init__(self, home: Path, say: Callable[[str], None] = lambda text: None) -> None:
        self.home = home.resolve()
        self.data = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._folder: int | None = None

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the server."""
        return None if self._process is None else self._process.pid

    @property
    def conninfo(self) -> str:
        """How libpq reaches the server from this process."""
        host = str(self.data)
        if len(os.fsencode(self.data / postmaster.SOCKET)) > _SUN_PATH:
            if self._folder is None:
                self._folder = os.open(self.data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            host = f"/proc/self/fd/{self._folder}"
        return psycopg.conninfo.make_conninfo(
            host=host, port=postmaster.PORT, user="voltkeep", dbname="postgres", connect_timeout=5
        )

    async def start(self) -> None:
        """Start the server and wait until it answers."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if self._lock is None:
                self._lock = postmaster.lock(self.home / "postgres.lock")
            await self._start()
        except OSError as error:
            raise HistorianError(
                f"The embedded database cannot use the home {self.home}: {error.strerror or error}. Make it "
                "a folder that Voltkeep may write to, on a disk with room, or name another one with --home."
            ) from error

    async def _start(self) -> None:
        try:
            await self._await_orphan()
            if not (self.data / "PG_VERSION").exists():
                await self._initialise()
            self._check_version()
            postmaster.clear(self.data)
            self._process = launch(self.home, self.log, ["postgres", "-D", str(self.data), *_flags()])
            await self._await_ready()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server; open transactions are rolled back, all else is on disk."""
        if self._process is not None:
            for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if await self._end_by(sign):
                    break
            self._process = None
        for descriptor in (self._folder, self._lock):
            if descriptor is not None:
                os.close(descriptor)
        self._folder = self._lock = None

    async def _end_by(self, sign: signal.Signals) -> bool:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(sign)
        return await _until(lambda: not self.running, STOP_TIMEOUT)

    async def _await_orphan(self) -> None:
        """Let a server whose Voltkeep was killed finish its shutdown: we hold the lock, so it is one."""
        pid = postmaster.running(self.data)
        if pid is None:
            return
        self._say(f"Waiting for the database of an earlier run (process {pid}) to end ...")
        if not await _until(lambda: postmaster.running(self.data) is None, STOP_TIMEOUT):
            raise HistorianError(
                f"A database server (process {pid}) that this Voltkeep did not start runs on {self.data} "
                f"and does not end. Stop it with: kill -INT {pid}"
            )

    async def _initialise(self) -> None:
        """Make the data directory aside and rename it, so that an interrupted start leaves no half one."""
        self._say(f"Preparing the embedded database in {self.data} (first start only) ...")
        new = self.home / "postgres.new"
        if new.exists():
            await asyncio.to_thread(shutil.rmtree, new)
        new.mkdir(mode=0o700)
        uid, gid = identity(self.home)
        if os.geteuid() == 0:
            os.chown(new, uid, gid)
        words = ["initdb", "-D", str(new), "-U", "voltkeep", "-A", "trust", "-E", "UTF8", "--locale=C"]
        self._process = launch(self.home, self.log, [*words, "--sync-method=syncfs", "--no-instructions"])
        await _until(lambda: not self.running, START_TIMEOUT)
        if self._process.returncode != 0:
            raise self._failure("The embedded database could not be prepared")
        self._process = None
        new.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise HistorianError(
                f"The database in {self.data} was made by PostgreSQL {found}, and this Voltkeep brings "
                f"PostgreSQL {VERSION}. Restore a backup into a new home, or use the Voltkeep that made it."
            )

    async def _await_ready(self) -> None:
        begin = time.monotonic()
        said = False
        while self.running:
            with contextlib.suppress(psycopg.OperationalError):
                connection = await psycopg.AsyncConnection.connect(self.conninfo)
                await connection.close()
                return
            waited = time.monotonic() - begin
            if waited > START_TIMEOUT:
                break
            if waited > _SLOW and not said:
                said = True
                self._say("The database is recovering from a hard stop; this can take a while ...")
            await asyncio.sleep(0.02)
        raise self._failure("The embedded database did not start")

    def _failure(self, what: str) -> HistorianError:
        """A paragraph with the end of the log and what to do."""
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        words = [line.strip() for line in lines if line.strip()]
        tail = words[-_LOG_TAIL:]
        if self._process is not None and self._process.returncode == NO_ENTRY and tail:
            return HistorianError(f"{what}. {no_entry(self.home, tail[-1])}")
        full = [line for line in words[:-_LOG_TAIL] if os.strerror(errno.ENOSPC) in line]
        tail = full[-1:] + tail  # the cause of what follows it
        return HistorianError(
            f"{what}. The end of its log, {self.log}: {' | '.join(tail) or '(empty)'}. Check free disk space "
            f"and the owner of {self.data}; or set historian.url to a PostgreSQL server of your own; or "
            f"move {self.data} away to begin with an empty history."
        )


def _flags() -> Iterator[str]:
    for name, value in _OPTIONS.items():
        yield from ("-c", f"{name}={value}")


async def _until(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait for a condition that nobody announces."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True
