"""Tasks in processes of their own: results in order, progress, failures and interruptions."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence

import pytest

from simulator.offline.errors import OfflineError
from simulator.offline.processes import Tell, in_processes


def squared(task: int, tell: Tell) -> int:
    for step in range(task):
        tell(step + 1)
    return task * task


def refuses(task: int, tell: Tell) -> int:
    raise OfflineError(f"task {task} cannot be done")


def dies(task: int, tell: Tell) -> int:
    os._exit(3)


def waits(task: int, tell: Tell) -> int:
    tell(os.getpid())
    time.sleep(600)
    return 0


def nice(task: int, tell: Tell) -> int:
    return os.nice(0)


def test_results_are_in_the_order_of_tasks_and_progress_is_told() -> None:
    heard: list[list[int]] = []
    assert in_processes(squared, [3, 1, 2], 2, lambda steps: heard.append(list(steps))) == [9, 1, 4]
    assert heard[-1] == [3, 1, 2]


def test_workers_are_as_nice_as_asked() -> None:
    assert in_processes(nice, [0], 1, nice=3) == [os.nice(0) + 3]


def test_a_task_says_why_it_cannot_be_done() -> None:
    with pytest.raises(OfflineError, match="task 5 cannot be done"):
        in_processes(refuses, [5], 1)


def test_a_worker_that_dies_is_noticed() -> None:
    with pytest.raises(OfflineError, match=r"ended unexpectedly \(3\)"):
        in_processes(dies, [0], 1)


def test_a_polite_kill_ends_all_workers() -> None:
    workers: list[int] = []

    def heard(steps: Sequence[int]) -> None:
        if all(steps) and not workers:
            workers.extend(steps)
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        in_processes(waits, [0, 1], 2, heard)
    assert len(workers) == 2
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_thread_beside_the_main_one_may_have_workers() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(in_processes(squared, [2], 1)))
    thread.start()
    thread.join(30)
    assert found == [4]
