"""The scenarios that run: which there are, and which requests are refused and why.

This module keeps the books; scenariokinds.py says what there is, effects.py makes it felt. Errors:

ScenarioError
├── UnknownScenario      no such kind
├── UnknownTarget        no such path, or a path of a kind that the scenario cannot apply to
├── BadParameter         unknown name, or a value or duration out of range
├── TooManyScenarios     five run already
└── UnknownSimulation    no such simulation id
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from types import MappingProxyType
from typing import Final

from nodeset.fleet import AssetType, Fleet
from simulator.calendar import SECOND
from simulator.scenariokinds import KINDS, Parameter, ScenarioKind, StepDef

MOST: Final = 5
LONGEST: Final = 366 * 86_400.0  # s
EVERY: Final = "*"  # in a step's target: every part of that level

Values = Mapping[str, float]


class ScenarioError(Exception):
    """A request about scenarios that cannot be met; the text is meant for the operator."""


class UnknownScenario(ScenarioError):
    """There is no such kind of scenario."""


class UnknownTarget(ScenarioError):
    """There is no such asset, or the scenario cannot apply to it."""


class BadParameter(ScenarioError):
    """A parameter that the scenario does not have, or a value out of its range."""


class TooManyScenarios(ScenarioError):
    """As many scenarios run as may."""


class UnknownSimulation(ScenarioError):
    """No simulation with this id runs."""


@dataclass(frozen=True)
class Phase:
    """All parameters of a step from `since` [µs] on, until the next phase."""

    since: int
    parameters: Values


@dataclass(frozen=True)
class Step:
    """One kind of disturbance on one asset, from `begin` to `end` [µs; None = until stopped].

    `number` counts the steps of its scenario from 1; a step with `*` in its target stands once an asset.
    """

    number: int
    kind: str
    target: str
    begin: int
    end: int | None
    phases: tuple[Phase, ...]

    def holds(self, time: int) -> bool:
        """Whether it is in force at `time` [µs]."""
        return self.begin <= time and (self.end is None or time < self.end)


@dataclass(frozen=True)
class Scenario:
    """A running scenario; `until` is None when it runs until stopped. Times in µs."""

    id: str
    scenario: str
    target: str
    started: int
    until: int | None
    parameters: Values
    steps: tuple[Step, ...]


@dataclass
class Scenarios:
    """The running scenarios of a fleet. Times are given with each call: there is no clock here."""

    fleet: Fleet
    kinds: Mapping[str, ScenarioKind] = field(default_factory=lambda: KINDS)
    _running: dict[str, Scenario] = field(default_factory=dict)
    _number: int = 0

    def start(self, scenario: str, target: str, duration: float, parameters: Values, now: int) -> Scenario:
        """Begin a scenario for `duration` [s, 0 = until stopped] at `now` [µs]."""
        kind = self._kind(scenario)
        self._check_target(kind, target)
        if not 0.0 <= duration <= LONGEST:
            raise BadParameter(f"Duration must be 0 (until stopped) to {LONGEST:.0f} s, not {duration:g}")
        values = {p.name: p.default for p in kind.parameters} | _checked(kind, parameters)
        until = now + round(duration * SECOND) if duration else None
        steps = tuple(self._steps(kind, target, now, until, values))
        if len(self._running) >= MOST:
            raise TooManyScenarios(f"{MOST} simulations run already; stop one first")
        new = Scenario(self._new_id(now), scenario, target, now, until, MappingProxyType(values), steps)
        self._running[new.id] = new
        return new

    def _new_id(self, now: int) -> str:
        """An id that no other simulation has had, not even before a restart: its start (UTC) and a number."""
        self._number += 1
        start = dt.datetime.fromtimestamp(now // SECOND, dt.UTC)
        return f"SIM-{start:%Y%m%dT%H%M%SZ}-{self._number}"

    def stop(self, simulation: str) -> Scenario:
        """End a scenario and give back what it was."""
        found = self._find(simulation)
        del self._running[simulation]
        return found

    def adjust(self, simulation: str, parameters: Values, now: int) -> Scenario:
        """Change parameters of a running scenario as from `now` [µs]; ramps begin anew."""
        found = self._find(simulation)
        kind = self._kind(found.scenario)
        values = dict(found.parameters) | _checked(kind, parameters)
        steps = tuple(_adjusted(step, _of_step(kind, step.number, values), now) for step in found.steps)
        self._running[simulation] = replace(found, parameters=MappingProxyType(values), steps=steps)
        return self._running[simulation]

    def running(self) -> tuple[Scenario, ...]:
        """What runs now, oldest first."""
        return tuple(self._running.values())

    def over(self, now: int) -> tuple[Scenario, ...]:
        """Scenarios whose duration is over."""
        return tuple(s for s in self._running.values() if s.until is not None and s.until <= now)

    def _kind(self, scenario: str) -> ScenarioKind:
        if scenario not in self.kinds:
            raise UnknownScenario(f"there is no scenario '{scenario}' (known: {', '.join(self.kinds)})")
        return self.kinds[scenario]

    def _find(self, simulation: str) -> Scenario:
        if simulation not in self._running:
            raise UnknownSimulation(f"no simulation '{simulation}' runs")
        return self._running[simulation]

    def _check_target(self, kind: ScenarioKind, target: str) -> None:
        found = self.fleet.index_of.get(target)
        if found is None:
            raise UnknownTarget(f"there is no '{target}' in the fleet")
        if found[0] not in kind.targets:
            allowed = ", ".join(asset.value.lower() for asset in kind.targets)
            raise UnknownTarget(
                f"{kind.name} applies to a {allowed}; '{target}' is a {found[0].value.lower()}"
            )

    def _steps(
        self, kind: ScenarioKind, target: str, now: int, until: int | None, values: Values
    ) -> Iterator[Step]:
        for number, step in enumerate(kind.steps or (StepDef(kind.name),), start=1):
            begin = now + round(step.begin * SECOND)
            end = begin + round(step.duration * SECOND) if step.duration else None
            end = min((t for t in (end, until) if t is not None), default=None)
            phase = Phase(begin, MappingProxyType(_of_step(kind, number, values)))
            for path in self._parts(step, target, number):
                yield Step(number, step.kind, path, begin, end, (phase,))

    def _parts(self, step: StepDef, target: str, number: int) -> list[str]:
        """Paths of the assets that a step means when its scenario runs on `target`."""
        paths = [target]
        for name in step.target.split("/") if step.target else ():
            paths = [path for parent in paths for path in _children(self.fleet, parent, name)]
        if not paths:
            raise UnknownTarget(f"step {number} ({step.kind}): there is no '{step.target}' in {target}")
        for path in paths:
            self._check_target(self._kind(step.kind), path)
        return paths


def _children(fleet: Fleet, parent: str, name: str) -> list[str]:
    """The part `name` of an asset, or every part of it."""
    if name != EVERY:
        path = f"{parent}/{name}"
        return [path] if path in fleet.index_of else []
    asset, i = fleet.index_of[parent]
    if asset is AssetType.SITE:
        return [system.path for system in fleet.systems[fleet.sites[i].systems]]
    if asset is AssetType.SYSTEM:
        return [string.path for string in fleet.strings[fleet.systems[i].strings]]
    if asset is AssetType.STRING:
        return [jar.path for jar in fleet.jars[fleet.strings[i].jars]]
    return []


def _of_step(kind: ScenarioKind, number: int, values: Values) -> dict[str, float]:
    """A step's own parameters among those of its scenario, which calls them `2.Rate`."""
    if not kind.steps:
        return dict(values)
    prefix = f"{number}."
    return {name.removeprefix(prefix): v for name, v in values.items() if name.startswith(prefix)}


def _adjusted(step: Step, values: dict[str, float], now: int) -> Step:
    if dict(step.phases[-1].parameters) == values:
        return step
    since = max(now, step.begin)
    kept = tuple(phase for phase in step.phases if phase.since < since)
    return replace(step, phases=(*kept, Phase(since, MappingProxyType(values))))


def _checked(kind: ScenarioKind, parameters: Values) -> dict[str, float]:
    known = {parameter.name: parameter for parameter in kind.parameters}
    for name, value in parameters.items():
        if name not in known:
            names = ", ".join(known) or "it has none"
            raise BadParameter(f"{kind.name} has no parameter '{name}' (known: {names})")
        if (fault := misfit(known[name], value)) is not None:
            raise BadParameter(f"{name} {fault}")
    return dict(parameters)


def misfit(parameter: Parameter, value: float) -> str | None:
    """Why a value does not fit a parameter, None when it does."""
    inside = isfinite(value) and parameter.low <= value <= parameter.high
    if inside and (not parameter.whole or value == round(value)):
        return None
    kind_of_number = "a whole number from " if parameter.whole else ""
    span = f"{kind_of_number}{parameter.low:g} to {parameter.high:g} {parameter.unit}".rstrip()
    return f"must be {span}, not {value:g}"
