"""What became of the jars of several simulated fleets: each part of a fleet by a process of its own.

The rows are the same in the same order however many processes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.outcomes import Outcomes
from server.learning.outcomesof import joined, outcomes_of
from server.learning.plantyears import PlantYears, Tell, record_of
from simulator.offline.groups import Group
from simulator.offline.processes import in_processes

NICE: Final = 10
TELL_EVERY: Final = 10  # days


@dataclass(frozen=True)
class _Task:
    """A part of a fleet."""

    years: PlantYears
    group: Group
    brief: float


def outcomes_of_plants(
    plants: Sequence[PlantYears],
    brief: float,
    processes: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Outcomes:
    """Outcomes of plants, a share `brief` of the rows with a short history.

    `progress` hears what share of the days is simulated. Must be called by a process that may have children;
    `KeyboardInterrupt` ends them.
    """
    tasks = [_Task(years, group, brief) for years in plants for group in years.groups]
    days = sum(task.years.after - task.years.first for task in tasks)
    parts = in_processes(_outcomes, tasks, processes, lambda steps: progress(sum(steps) / days), NICE)
    return joined(parts)


def _outcomes(task: _Task, tell: Tell) -> Outcomes:
    def sometimes(days: int) -> None:
        if days % TELL_EVERY == 0 or days == task.years.after - task.years.first:
            tell(days)

    return outcomes_of(task.years, record_of(task.years, task.group, sometimes), task.brief)
