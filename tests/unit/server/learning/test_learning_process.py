"""The process beside the server: asked, failing, dying, hanging, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from server.learning import process as processes
from server.learning.process import ProcessError, WorkerProcess

LIMIT = 20.0
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is a module that Python finds."""
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")]), os.getcwd()]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0.01)


@asynccontextmanager
async def running(*begin: Any) -> AsyncIterator[WorkerProcess]:
    """A process for as long as the block lasts."""
    process = WorkerProcess("fakeworker")
    task = asyncio.create_task(process.run(lambda: begin))
    try:
        yield process
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_begins_with_what_it_is_given_and_answers() -> None:
    async with running("Bangrak", 7) as process:
        assert await process.ask("echo", 1, b"x" * 3_000_000, limit=LIMIT) == (
            "Bangrak",
            7,
            1,
            b"x" * 3_000_000,
        )
        assert await process.ask("niceness", limit=LIMIT) >= 10
        assert process.memory > 1_000_000
        pid = process.pid
        assert pid is not None
    assert not is_there(pid)
    assert not process.ready


async def test_what_fails_there_is_told_here_and_costs_nothing_else() -> None:
    async with running() as process:
        with pytest.raises(ProcessError, match="no such jar"):
            await process.ask("fail", limit=LIMIT)
        assert await process.ask("echo", 5, limit=LIMIT) == (5,)
        assert (process.starts, process.deaths) == (1, 0)


async def test_requests_do_not_wait_for_each_other() -> None:
    async with running() as process:
        slow = asyncio.create_task(process.ask("wait", 60.0, limit=LIMIT))
        assert await process.ask("echo", 1, limit=LIMIT) == (1,)
        assert not slow.done()
        slow.cancel()


async def test_one_that_dies_is_started_again_and_who_waited_is_told() -> None:
    with capture_logs() as logs:
        async with running("again") as process:
            await process.ask("echo", limit=LIMIT)
            waiting = asyncio.create_task(process.ask("wait", 60.0, limit=LIMIT))
            await asyncio.sleep(0)
            with pytest.raises(ProcessError, match="ended"):
                await process.ask("die", limit=LIMIT)
            with pytest.raises(ProcessError, match="ended"):
                await waiting
            assert await process.ask("echo", limit=LIMIT) == ("again",)
            assert (process.starts, process.deaths) == (2, 1)
    assert [entry["event"] for entry in logs] == ["a process has ended and is started again"]


async def test_one_that_is_killed_is_started_again(until: Until) -> None:
    async with running() as process:
        await process.ask("echo", limit=LIMIT)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        await until(lambda: process.starts == 2)
        assert await process.ask("echo", 2, limit=LIMIT) == (2,)


async def test_pauses_grow_while_it_dies_soon(monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(processes, "LONGEST_PAUSE", 0.04)
    with capture_logs() as logs:
        async with running("ill") as process:
            await until(lambda: process.starts == 4)
            assert process.error == "nothing to begin with"
            with pytest.raises(ProcessError, match="nothing to begin with"):
                await process.ask("echo", limit=0.01)
    pauses = [entry["pause"] for entry in logs if "pause" in entry]
    assert pauses[:3] == [0.02, 0.04, 0.04]


async def test_an_answer_that_comes_too_late_is_not_waited_for(until: Until) -> None:
    async with running() as process:
        await process.ask("echo", limit=LIMIT)
        began = time.monotonic()
        with pytest.raises(ProcessError, match="no answer within"):
            await process.ask("wait", 0.3, limit=0.05)
        assert time.monotonic() - began < 0.25
        await asyncio.sleep(0.4)  # its late answer is nobody's
        assert await process.ask("echo", 3, limit=LIMIT) == (3,)
        process.kill()
        await until(lambda: process.starts == 2)


async def test_it_does_not_outlive_its_parent() -> None:
    """The other end of the socket is closed when a server dies, however it does."""
    process = WorkerProcess("fakeworker")
    ours = process._spawn()
    child = process._child
    assert child is not None
    ours.close()
    await asyncio.to_thread(child.wait, LIMIT)
