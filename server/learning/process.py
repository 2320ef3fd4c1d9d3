"""A process of our own that works beside the server: asked over a socket, started again when it dies, ended
with the server.

While it is away requests wait for it, each as long as its own time allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

from server.learning.messages import Answer, Request, receive, send

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 1.0  # s until it is started again
LONGEST_PAUSE: Final = 60.0  # s
SETTLED: Final = 60.0  # s after which a process that dies is taken for a sound one
BEGIN_LIMIT: Final = 60.0  # s that a start may take
END_LIMIT: Final = 5.0  # s that an end may take
# Its share of the machine is one core at most, whatever its libraries think.
_ENVIRONMENT: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class ProcessError(Exception):
    """A request has come to nothing; the text says why."""


class WorkerProcess:
    """Runs the Python module `module`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._child: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self.starts = 0
        self.deaths = 0
        self.error = ""  # why it is not there

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return self._ready.is_set()

    @property
    def pid(self) -> int | None:
        """Of the process, None while there is none."""
        return None if self._child is None else self._child.pid

    @property
    def memory(self) -> int:
        """Bytes that it has in memory, 0 while there is none."""
        with contextlib.suppress(OSError):
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")
        return 0

    def kill(self) -> None:
        """End a process that hangs; another takes its place."""
        if self._child is not None:
            self._child.kill()

    async def run(self, begin: Callable[[], tuple[Any, ...]]) -> None:
        """Keep a process running until cancelled; each new one first has to begin with what `begin` gives."""
        pause = FIRST_PAUSE
        try:
            while True:
                began = time.monotonic()
                await self._live(begin)
                self.deaths += 1
                pause = FIRST_PAUSE if time.monotonic() - began > SETTLED else pause
                log.error("a process has ended and is started again", module=self._module, pause=pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            await self._end("the server is stopped")

    async def ask(self, name: str, *arguments: Any, limit: float) -> Any:
        """What `name` answers within `limit` [s]; `ProcessError` where nothing comes of it."""
        try:
            async with asyncio.timeout(limit):
                await self._ready.wait()
                return await self._ask(name, *arguments)
        except TimeoutError:
            raise ProcessError(self.error or f"there was no answer within {limit:g} s") from None

    async def _ask(self, name: str, *arguments: Any) -> Any:
        assert self._writer is not None
        self._number += 1
        number, answer = self._number, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await send(self._writer, Request(number, name, arguments))
            return await answer
        except OSError:
            raise ProcessError("the process has ended") from None
        finally:
            self._waiting.pop(number, None)

    async def _live(self, begin: Callable[[], tuple[Any, ...]]) -> None:
        """One life of a process."""
        try:
            reader, self._writer = await asyncio.open_connection(sock=self._spawn())
            beginning = asyncio.create_task(self._greet(*begin()))
            while isinstance(message := await receive(reader), Answer):
                self._take(message)
            beginning.cancel()
            await asyncio.gather(beginning, return_exceptions=True)
        finally:
            await self._end("the process has ended")

    def _spawn(self) -> socket.socket:
        """Start a process, from the thread with which it is to end; the socket to it."""
        ours, its = socket.socketpair()
        with its:
            command = (sys.executable, "-m", self._module, str(its.fileno()), str(os.getpid()))
            environment = os.environ | _ENVIRONMENT
            self._child = subprocess.Popen(command, pass_fds=(its.fileno(),), env=environment)
        self.starts += 1
        return ours

    async def _greet(self, *arguments: Any) -> None:
        try:
            async with asyncio.timeout(BEGIN_LIMIT):
                await self._ask("begin", *arguments)
        except (ProcessError, TimeoutError) as error:
            self.error = str(error) or "it took too long to begin"
            log.error("a process cannot begin", module=self._module, reason=self.error)
            self.kill()
            return
        self.error = ""
        self._ready.set()

    def _take(self, answer: Answer) -> None:
        waiting = self._waiting.pop(answer.number, None)
        if waiting is None or waiting.done():
            return  # nobody waits for it any more
        if answer.error:
            waiting.set_exception(ProcessError(answer.error))
        else:
            waiting.set_result(answer.result)

    async def _end(self, reason: str) -> None:
        """End the process, in earnest after a while, and answer whoever waits for it."""
        self._ready.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ProcessError(reason))
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None
        child, self._child = self._child, None
        if child is not None:
            await asyncio.to_thread(_end, child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
