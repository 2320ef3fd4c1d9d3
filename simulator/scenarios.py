"""The scenarios of a plant: which run now, and which requests are refused and why.

This module keeps the books; scenariokinds.py says what there is, effects.py makes it felt. Errors:

ScenarioError
├── UnknownScenario      no such kind
├── UnknownTarget        no such path, or a path of a kind that the scenario cannot apply to
├── BadParameter         unknown name, or a value or duration out of range
├── TooManyScenarios     five run already
└── UnknownSimulation    no such simulation id
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from types import MappingProxyType
from typing import Final

from nodeset.fleet import Fleet
from simulator.calendar import SECOND
from simulator.scenariokinds import KINDS, Parameter, ScenarioKind

MOST: Final = 5
LONGEST: Final = 366 * 86_400.0  # s


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
class Scenario:
    """A running scenario; `until` is None when it runs until stopped. Times in µs."""

    id: str
    scenario: str
    target: str
    started: int
    until: int | None
    parameters: Mapping[str, float]


@dataclass
class Scenarios:
    """The running scenarios of a plant. `now` is given with each call: there is no clock here."""

    fleet: Fleet
    _running: dict[str, Scenario] = field(default_factory=dict)
    _number: int = 0

    def start(
        self, scenario: str, target: str, duration: float, parameters: Mapping[str, float], now: int
    ) -> Scenario:
        """Begin a scenario for `duration` [s, 0 = until stopped]."""
        kind = _kind(scenario)
        self._check_target(kind, target)
        if not 0.0 <= duration <= LONGEST:
            raise BadParameter(f"Duration must be 0 (until stopped) to {LONGEST:.0f} s, not {duration:g}")
        values = {p.name: p.default for p in kind.parameters} | _checked(kind, parameters)
        if len(self._running) >= MOST:
            raise TooManyScenarios(f"{MOST} simulations run already; stop one first")
        self._number += 1
        until = now + round(duration * SECOND) if duration else None
        new = Scenario(f"SIM-{self._number:04d}", scenario, target, now, until, MappingProxyType(values))
        self._running[new.id] = new
        return new

    def stop(self, simulation: str) -> Scenario:
        """End a scenario and give back what it was."""
        found = self._find(simulation)
        del self._running[simulation]
        return found

    def adjust(self, simulation: str, parameters: Mapping[str, float]) -> Scenario:
        """Change parameters of a running scenario."""
        found = self._find(simulation)
        values = dict(found.parameters) | _checked(_kind(found.scenario), parameters)
        self._running[simulation] = replace(found, parameters=MappingProxyType(values))
        return self._running[simulation]

    def running(self) -> tuple[Scenario, ...]:
        """What runs now, oldest first."""
        return tuple(self._running.values())

    def over(self, now: int) -> tuple[Scenario, ...]:
        """Scenarios whose duration is over."""
        return tuple(s for s in self._running.values() if s.until is not None and s.until <= now)

    def next_end(self) -> int | None:
        """When the next scenario ends by itself [µs]."""
        return min((s.until for s in self._running.values() if s.until is not None), default=None)

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


def _kind(scenario: str) -> ScenarioKind:
    if scenario not in KINDS:
        raise UnknownScenario(f"there is no scenario '{scenario}' (known: {', '.join(KINDS)})")
    return KINDS[scenario]


def _checked(kind: ScenarioKind, parameters: Mapping[str, float]) -> dict[str, float]:
    known = {parameter.name: parameter for parameter in kind.parameters}
    for name, value in parameters.items():
        if name not in known:
            names = ", ".join(known) or "it has none"
            raise BadParameter(f"{kind.name} has no parameter '{name}' (known: {names})")
        if not _fits(known[name], value):
            low, high, unit = known[name].low, known[name].high, known[name].unit
            kind_of_number = "a whole number from " if known[name].whole else ""
            span = f"{kind_of_number}{low:g} to {high:g} {unit}".rstrip()
            raise BadParameter(f"{name} must be {span}, not {value:g}")
    return dict(parameters)


def _fits(parameter: Parameter, value: float) -> bool:
    inside = isfinite(value) and parameter.low <= value <= parameter.high
    return inside and (not parameter.whole or value == round(value))
