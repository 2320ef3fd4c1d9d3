"""The groups of a job, each recorded by a process of its own; half files are removed, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.offline.errors import OfflineError
from simulator.offline.files import remove_parts, told
from simulator.offline.groups import Group
from simulator.offline.job import Job
from simulator.offline.processes import cores, in_processes
from simulator.offline.recorder import Rows, Tell, record

__all__ = ["cores", "record_all"]

Progress = Callable[[int], None]  # hears steps of the whole fleet's jars: jars times steps


@dataclass(frozen=True)
class _Task:
    job: Job
    group: Group
    out: Path


def record_all(job: Job, out: Path, processes: int, progress: Progress) -> Rows:
    """Write all files of a job, `processes` groups at a time; gives the rows of each file, by path."""
    groups = job.groups

    def heard(steps: Sequence[int]) -> None:
        progress(sum(done * group.jars for done, group in zip(steps, groups, strict=True)))

    try:
        parts = in_processes(_record, [_Task(job, group, out) for group in groups], processes, heard)
    finally:
        remove_parts(out)
    return dict(sorted((path, rows) for part in parts for path, rows in part.items()))


def _record(task: _Task, tell: Tell) -> Rows:
    try:
        return record(task.job, task.group, task.out, tell)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OfflineError(str(told(error, task.out))) from None
