"""Custom scenarios: kinds of scenario composed of others, from a file and defined while the server runs.

`Catalogue` holds all kinds that can be started. A composition is checked in full before it becomes one: its
steps are kinds that Voltkeep has (no compositions again), their parameters fit, and there is a kind of
asset that all steps can start from. Its own parameters are those of its steps, called `2.Rate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from config.scenariofile import CustomScenario, ScenarioFile, Step
from config.yamlfile import ConfigurationError, Loc, check, load
from nodeset.fleet import AssetType
from simulator.scenariokinds import KINDS, Parameter, ScenarioKind, StepDef
from simulator.scenarios import ScenarioError, misfit

MOST_CUSTOM: Final = 100
_LEVELS: Final = (AssetType.SITE, AssetType.SYSTEM, AssetType.STRING, AssetType.JAR)


class BadDefinition(ScenarioError):
    """A custom scenario that cannot be; the text names every fault."""


class Catalogue(Mapping[str, ScenarioKind]):
    """The kinds of scenario by name: Voltkeep's own, those of the scenario file, and those defined later."""

    def __init__(self, configured: Mapping[str, CustomScenario] | None = None) -> None:
        """`configured` has been checked by `read_scenario_file`."""
        self._fixed = dict(KINDS)
        for name, scenario in (configured or {}).items():
            self._fixed[name] = composed(name, scenario)
        self._defined: dict[str, ScenarioKind] = {}

    def __getitem__(self, name: str) -> ScenarioKind:
        return self._fixed[name] if name in self._fixed else self._defined[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._fixed
        yield from self._defined

    def __len__(self) -> int:
        return len(self._fixed) + len(self._defined)

    def removable(self, name: str) -> bool:
        """Whether it was defined while the server ran."""
        return name in self._defined

    def define(self, name: str, scenario: Mapping[str, Any]) -> ScenarioKind:
        """Add a custom scenario, or put it in the place of one defined before; its keys are the file's."""
        if name in self._fixed:
            raise BadDefinition(f"{name} is there already, and not to be changed")
        if name not in self._defined and len(self._defined) >= MOST_CUSTOM:
            raise BadDefinition(f"{MOST_CUSTOM} scenarios are defined already; remove one first")
        self._defined[name] = composed(name, _checked({name: scenario})[name])
        return self._defined[name]

    def remove(self, name: str) -> None:
        """Forget a scenario that was defined while the server ran."""
        if name not in self._defined:
            text = "is not one that was defined here" if name in self._fixed else "is not there"
            raise BadDefinition(f"{name} {text}")
        del self._defined[name]

    def dump(self) -> str:
        """The scenarios defined while the server ran, as text for `take_up`."""
        return json.dumps({name: _plain(kind) for name, kind in self._defined.items()}, ensure_ascii=False)

    def take_up(self, text: str) -> None:
        """Define what `dump` gave; `BadDefinition` when it cannot be read."""
        try:
            saved = json.loads(text)
        except ValueError:
            raise BadDefinition("not JSON") from None
        for name, scenario in _checked(saved).items():
            if name not in self._fixed:
                self._defined[name] = composed(name, scenario)


def read_scenario_file(path: Path) -> Mapping[str, CustomScenario]:
    """Read and check a scenario file."""
    source = load(path)
    file = check(source, ScenarioFile)
    faults = [source.error(loc, text) for loc, text in _faults(file)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return file.scenarios


def composed(name: str, scenario: CustomScenario) -> ScenarioKind:
    """The kind of scenario that a checked definition makes."""
    steps = tuple(StepDef(s.scenario, s.target, s.begin, s.duration, s.parameters) for s in scenario.steps)
    parameters = tuple(
        _of_step(number, step, parameter)
        for number, step in enumerate(steps, start=1)
        for parameter in KINDS[step.kind].parameters
    )
    return ScenarioKind(name, scenario.description, _targets(scenario), parameters, steps)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the scenario file, with the kinds there are and their parameters."""
    schema = ScenarioFile.model_json_schema()
    step = schema["$defs"]["Step"]
    step["properties"]["scenario"]["enum"] = list(KINDS)
    step["properties"]["parameters"].pop("additionalProperties")
    step["allOf"] = [
        {
            "if": {"properties": {"scenario": {"const": kind.name}}},
            "then": {"properties": {"parameters": _schema_of(kind)}},
        }
        for kind in KINDS.values()
    ]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Voltkeep custom scenarios"}
    return head | schema


def _schema_of(kind: ScenarioKind) -> dict[str, Any]:
    properties = {
        p.name: {
            "type": "integer" if p.whole else "number",
            "minimum": p.low,
            "maximum": p.high,
            "default": p.default,
            "description": f"{p.description} [{p.unit}]" if p.unit else p.description,
        }
        for p in kind.parameters
    }
    return {"properties": properties, "additionalProperties": False}


def _of_step(number: int, step: StepDef, parameter: Parameter) -> Parameter:
    """A step's parameter as one of its scenario."""
    return Parameter(
        f"{number}.{parameter.name}",
        parameter.unit,
        step.parameters.get(parameter.name, parameter.default),
        parameter.low,
        parameter.high,
        f"{step.kind}: {parameter.description}",
        parameter.whole,
    )


def _targets(scenario: CustomScenario) -> tuple[AssetType, ...]:
    """The kinds of asset from which every step finds one that it can apply to."""
    return tuple(root for root in _LEVELS if all(_reaches(root, step) for step in scenario.steps))


def _reaches(root: AssetType, step: Step) -> bool:
    level = _LEVELS.index(root) + (len(step.target.split("/")) if step.target else 0)
    return level < len(_LEVELS) and _LEVELS[level] in KINDS[step.scenario].targets


def _faults(file: ScenarioFile) -> Iterator[tuple[Loc, str]]:
    """What the schema cannot say."""
    for name, scenario in file.scenarios.items():
        if name in KINDS:
            yield ("scenarios", name), "Voltkeep has a scenario of this name"
        faults = list(_step_faults(scenario))
        for loc, text in faults:
            yield ("scenarios", name, "steps", *loc), text
        if not faults and not _targets(scenario):
            yield ("scenarios", name, "steps"), "there is no kind of asset that all steps could start from"


def _step_faults(scenario: CustomScenario) -> Iterator[tuple[Loc, str]]:
    for i, step in enumerate(scenario.steps):
        kind = KINDS.get(step.scenario)
        if kind is None:
            yield (i, "scenario"), f"unknown scenario '{step.scenario}' (known: {', '.join(KINDS)})"
            continue
        known = {parameter.name: parameter for parameter in kind.parameters}
        for name, value in step.parameters.items():
            if name not in known:
                text = f"unknown parameter of {kind.name} (known: {', '.join(known)})"
                yield (i, "parameters", name), text
            elif (fault := misfit(known[name], value)) is not None:
                yield (i, "parameters", name), fault


def _checked(scenarios: Any) -> Mapping[str, CustomScenario]:
    """Definitions that did not come from a file."""
    try:
        file = ScenarioFile.model_validate({"scenarios": scenarios})
    except ValidationError as error:
        rows = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise BadDefinition("; ".join(rows)) from None
    faults = [f"{_place(loc)}: {text}" for loc, text in _faults(file)]
    if faults:
        raise BadDefinition("; ".join(faults))
    return file.scenarios


def _place(loc: tuple[str | int, ...]) -> str:
    """Where a fault is, steps counted from 1 as a client counts them."""
    names = [
        str(key + 1) if isinstance(key, int) else key for key in loc if key not in ("scenarios", "[key]")
    ]
    return ".".join(names) or "definition"


def _plain(kind: ScenarioKind) -> dict[str, Any]:
    steps = [
        {
            "scenario": step.kind,
            "target": step.target,
            "begin": step.begin,
            "duration": step.duration,
            "parameters": dict(step.parameters),
        }
        for step in kind.steps
    ]
    return {"description": kind.description, "steps": steps}
