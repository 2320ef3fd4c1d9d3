"""How far a scenario's step has come: parameters that build up over its `Ramp`, also after adjustments; pure.

A step begins at a neutral value and moves in a straight line to its parameter within the ramp of that
phase; an adjustment begins a new phase from wherever the last one was.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.calendar import SECOND
from simulator.scenarios import Phase, Step

_MINUTE = 60.0  # s


def level(step: Step, name: str, neutral: float, now: int) -> float:
    """What a parameter amounts to at `now` [µs]."""
    value = neutral
    for phase, lasted in _phases(step, now):
        value += (phase.parameters[name] - value) * _share(phase, lasted)
    return value


def share(step: Step, now: int) -> float:
    """How much of the first ramp has passed at `now` [µs], 0 to 1; 1 for a step without."""
    return _share(step.phases[-1], (now - step.begin) / SECOND)


def climbed(step: Step, rate: str, ceiling: str, start: float, now: int) -> float:
    """Where a quantity is at `now` [µs] that began at `start` and climbs at a rate [1/h] up to a ceiling.

    It never falls: a ceiling below what has been reached holds it.
    """
    value, speed = start, 0.0
    for phase, lasted in _phases(step, now):
        goal, ramp = phase.parameters[rate], phase.parameters["Ramp"] * _MINUTE
        within = min(lasted, ramp)
        reached = speed + (goal - speed) * _share(phase, lasted)
        gained = (speed + reached) / 2.0 * within + goal * (lasted - within)
        value = max(value, min(value + gained / 3600.0, phase.parameters[ceiling]))
        speed = reached
    return value


def _phases(step: Step, now: int) -> Iterator[tuple[Phase, float]]:
    """The phases that have begun, each with how long it has lasted [s]."""
    ends = [*(phase.since for phase in step.phases[1:]), now]
    for phase, end in zip(step.phases, ends, strict=True):
        if phase.since <= now:
            yield phase, (min(end, now) - phase.since) / SECOND


def _share(phase: Phase, lasted: float) -> float:
    ramp = phase.parameters["Ramp"] * _MINUTE
    return min(max(lasted, 0.0) / ramp, 1.0) if ramp > 0.0 else 1.0
