"""What the server does from time to time, beside everything else: its jobs.

They run in the server's event loop, which only waits for a database or for another process; what they find to
do goes by the plant's clock. A job that fails is logged once and tried again; how each did last is told by
health and metrics. Parts of the server add their own jobs before the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from historian.care import Care

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)


@dataclass
class Job:
    """One job: what it does every so often [s], for the first time `first` [s] after the start."""

    name: str
    run: Callable[[], Awaitable[int]]
    first: float
    every: float
    runs: int = 0
    done: int = 0  # hours, days, chunks, jars ... altogether
    failures: int = 0
    began: float = 0.0  # [s since 1970], of the last run
    seconds: float = 0.0
    error: str = ""

    async def __call__(self) -> None:
        """Run it, and note how that went."""
        self.began, began = time.time(), time.monotonic()
        try:
            done = await self.run()
        except Exception as error:  # one that fails must not end the others
            self._failed(str(error).strip() or type(error).__name__)
        else:
            if self.error:
                log.info("a job works again", job=self.name)
            self.error = ""
            self.done += done
        self.runs += 1
        self.seconds = time.monotonic() - began

    def _failed(self, reason: str) -> None:
        if not self.error:
            log.error("a job has failed and is tried again", job=self.name, reason=reason)
        self.error = reason
        self.failures += 1


def historian_jobs(care: Care) -> list[Job]:
    """What the database needs beside the writing; `care` does one thing at a time."""
    return [
        Job("roll up", care.roll_up, 5, 60),
        Job("make days ahead", care.make_ahead, 30, 600),
        Job("drop what is too old", care.expire, 60, 600),
        Job("compress" if care.timescale else "cluster", care.rearrange, 90, 600),
    ]


class Jobs:
    """All jobs of the server; `start` once it is ready."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.all = list(jobs)
        self._scheduler: AsyncIOScheduler | None = None
        self._running: set[asyncio.Task[Any]] = set()

    def add(self, *jobs: Job) -> None:
        """Further jobs, before `start`; each has a name of its own."""
        self.all += jobs

    async def start(self) -> None:
        """Begin. The scheduler is loaded only now, when nobody waits for it."""
        schedule = await asyncio.to_thread(_load)
        self._scheduler = schedule()
        now = dt.datetime.now(dt.UTC)
        for job in self.all:
            first = now + dt.timedelta(seconds=job.first)
            self._scheduler.add_job(
                self._run, "interval", (job,), seconds=job.every, next_run_time=first, coalesce=True
            )
        self._scheduler.start()

    async def close(self) -> None:
        """End, whatever runs: the database rolls it back."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def state(self) -> dict[str, Any]:
        """How each does, for JSON."""
        return {
            job.name: {
                "status": "failed" if job.error else "ok",
                "runs": job.runs,
                "done": job.done,
                "failures": job.failures,
                "last_run": round(job.began, 1),
                "last_seconds": round(job.seconds, 2),
                "last_error": job.error,
            }
            for job in self.all
        }

    async def _run(self, job: Job) -> None:
        task = asyncio.create_task(job(), name=job.name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # The scheduler tells a cancelled job as an error, with a traceback; at the end it is none.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(task, return_exceptions=True)


def _load() -> Callable[[], AsyncIOScheduler]:
    import logging

    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    # Else it warns of jobs that outlast their period.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    return lambda: AsyncIOScheduler(timezone=dt.UTC)
