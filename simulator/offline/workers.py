"""Groups in processes of their own: started, watched, and ended together.

A worker tells how far it is through a pipe. When that breaks, for the parent is no more, it ends by itself.
Ctrl-C is the parent's business: it ends the workers and removes the files that they have begun.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

from simulator.offline.errors import OfflineError
from simulator.offline.files import remove_parts, told
from simulator.offline.groups import Group
from simulator.offline.job import Job
from simulator.offline.recorder import Rows, record

PATIENCE: Final = 0.5  # s between two words of progress when workers say nothing
_END: Final = 10.0  # s that a worker may take to end

Progress = Callable[[int], None]  # hears steps of the whole fleet's jars: jars times steps


@dataclass
class _Worker:
    """A group at work; `done` are its steps."""

    group: Group
    process: SpawnProcess
    pipe: Connection
    done: int = 0


@dataclass
class _Run:
    """What waits, what works, and what there is to show for it."""

    waiting: list[Group]
    working: list[_Worker] = field(default_factory=list)
    finished: int = 0
    rows: Rows = field(default_factory=dict)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def record_all(job: Job, out: Path, processes: int, progress: Progress) -> Rows:
    """Write all files of a job, `processes` groups at a time; gives the rows of each file, by path."""
    run = _Run(list(job.groups))
    with _interruptible():
        try:
            while run.waiting or run.working:
                while run.waiting and len(run.working) < max(processes, 1):
                    run.working.append(_start(job, run.waiting.pop(0), out))
                _listen(run)
                progress(run.finished + sum(worker.done * worker.group.jars for worker in run.working))
        finally:
            _end(run.working)
            remove_parts(out)
    return dict(sorted(run.rows.items()))


def _start(job: Job, group: Group, out: Path) -> _Worker:
    context = mp.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, group, out, there), daemon=True)
    process.start()
    there.close()
    return _Worker(group, process, here)


def _listen(run: _Run) -> None:
    """Take in what workers say within `PATIENCE`."""
    ready = set(wait([worker.pipe for worker in run.working], PATIENCE))
    for worker in [worker for worker in run.working if worker.pipe in ready]:
        try:
            said = worker.pipe.recv()
        except EOFError:
            worker.process.join(_END)
            raise OfflineError(f"a process has ended unexpectedly ({worker.process.exitcode})") from None
        if isinstance(said, int):
            worker.done = said
        elif isinstance(said, str):
            raise OfflineError(said)
        else:
            run.rows |= said
            run.finished += worker.done * worker.group.jars
            run.working.remove(worker)
            worker.process.join(_END)


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_END)


def _work(job: Job, group: Group, out: Path, pipe: Connection) -> None:
    """A worker's life: numbers of steps, at last the rows of its files, or why there are none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        pipe.send(record(job, group, out, pipe.send))
    except BrokenPipeError:
        return
    except OSError as error:
        pipe.send(str(told(error, out)))


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite kill is as good as Ctrl-C, which counts also where a shell lets its jobs ignore it."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
