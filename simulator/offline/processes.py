"""Tasks in processes of their own: started, watched, and ended together.

A worker tells how far it is through a pipe. When that breaks, for the parent is no more, it ends by itself.
Ctrl-C is the parent's business: it ends the workers.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final, Generic, TypeVar

from simulator.offline.errors import OfflineError

PATIENCE: Final = 0.5  # s between two words of progress when workers say nothing
_END: Final = 10.0  # s that a worker may take to end

Task = TypeVar("Task")
Result = TypeVar("Result")
Tell = Callable[[int], None]  # hears how many steps of a task are done
Work = Callable[[Task, Tell], Result]  # must be found by its name: a process of its own looks it up


@dataclass(frozen=True)
class _Failure:
    """Why a task was not done."""

    reason: str


@dataclass
class _Worker:
    """A task at work: its number, and the process that does it."""

    number: int
    process: SpawnProcess
    pipe: Connection


@dataclass
class _Run(Generic[Task, Result]):
    """What waits, what works, and what there is to show for it."""

    work: Work[Task, Result]
    tasks: Sequence[Task]
    nice: int
    steps: list[int]
    started: int = 0
    working: list[_Worker] = field(default_factory=list)
    results: dict[int, Result] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a task has not been begun."""
        return self.started < len(self.tasks)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


def in_processes(
    work: Work[Task, Result],
    tasks: Sequence[Task],
    processes: int,
    progress: Callable[[Sequence[int]], None] = lambda steps: None,
    nice: int = 0,
) -> list[Result]:
    """Do `work` on each task, `processes` at a time, and give the results in the order of the tasks.

    `progress` hears how many steps each task has done; what it raises ends all. `OfflineError` says why a
    task could not be done.
    """
    run = _Run(work, tasks, nice, [0] * len(tasks))
    with _interruptible():
        try:
            while run.waits or run.working:
                while run.waits and len(run.working) < max(processes, 1):
                    _start(run)
                _listen(run)
                progress(run.steps)
        finally:
            _end(run.working)
    return [run.results[number] for number in range(len(tasks))]


def _start(run: _Run[Task, Result]) -> None:
    context = mp.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    arguments = (run.work, run.tasks[run.started], run.nice, there)
    process = context.Process(target=_work, args=arguments, daemon=True)
    process.start()
    there.close()
    run.working.append(_Worker(run.started, process, here))
    run.started += 1


def _listen(run: _Run[Task, Result]) -> None:
    """Take in what workers say within `PATIENCE`."""
    ready = set(wait([worker.pipe for worker in run.working], PATIENCE))
    for worker in [worker for worker in run.working if worker.pipe in ready]:
        try:
            said = worker.pipe.recv()
        except EOFError:
            worker.process.join(_END)
            raise OfflineError(f"a process has ended unexpectedly ({worker.process.exitcode})") from None
        if isinstance(said, int):
            run.steps[worker.number] = said
        elif isinstance(said, _Failure):
            raise OfflineError(said.reason)
        else:
            (run.results[worker.number],) = said
            run.working.remove(worker)
            worker.process.join(_END)


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(_END)


def _work(work: Work[Task, Result], task: Task, nice: int, pipe: Connection) -> None:
    """A worker's life: numbers of steps, at last what has become of its task, or why nothing has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(nice)
    try:
        pipe.send((work(task, pipe.send),))
    except BrokenPipeError:
        return
    except OfflineError as error:
        pipe.send(_Failure(str(error)))


@contextmanager
def _interruptible() -> Iterator[None]:
    """A polite kill is as good as Ctrl-C, which counts also where a shell lets its jobs ignore it.

    A thread beside the main one hears no signals; that one has to decide.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
