"""Custom scenarios as methods of the Simulation object: define, remove and describe; kept over a restart.

Describe tells a client all that it needs to offer scenarios: kinds, parameters with unit and range, steps.
A scenario that runs is neither changed nor removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import structlog
from asyncua import ua

from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs
from server.simulations import Simulations
from server.statefiles import read_text, write_text
from simulator.compositions import BadDefinition, Catalogue
from simulator.scenariokinds import ScenarioKind

log = structlog.get_logger(__name__)

S = ua.StatusCodes
VT = ua.VariantType

STATE_FILE: Final = "scenarios.json"
_PARAMETERS: Final = 6  # position of Define's argument


class CustomScenarios:
    """The methods on a catalogue, whose defined scenarios live in the file at `path`."""

    def __init__(self, simulations: Simulations, catalogue: Catalogue, path: Path) -> None:
        self._simulations, self._catalogue, self._path = simulations, catalogue, path
        self._writing = asyncio.Lock()

    def load(self) -> None:
        """Take up what was defined before a restart."""
        text = read_text(self._path)
        if text is None:
            return
        try:
            self._catalogue.take_up(text)
        except BadDefinition as error:
            log.warning("saved scenarios cannot be read and are left out", reason=str(error))

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods."""
        for name, profile, function in (
            ("Define", Profile.CALL_ENGINEER, self._define),
            ("Remove", Profile.CALL_ENGINEER, self._remove),
            ("Describe", Profile.CALL_OPEN, self._describe),
        ):
            methods.add(node_id(f"Simulation.{name}"), profile, function)

    async def _define(self, call: Invocation) -> Outputs:
        name, description, *columns = call.values
        if len({len(column) for column in columns}) != 1:
            raise MethodError(S.BadInvalidArgument, "all arrays need one element a step")
        steps = [_step(*row) for row in zip(*columns, strict=True)]
        self._refuse_running(name)
        _guarded(self._catalogue.define, name, {"description": description, "steps": steps})
        log.warning("scenario defined", scenario=name, by=call.user.name)
        await self._save()
        return ()

    async def _remove(self, call: Invocation) -> Outputs:
        (name,) = call.values
        self._refuse_running(name)
        _guarded(self._catalogue.remove, name)
        log.warning("scenario removed", scenario=name, by=call.user.name)
        await self._save()
        return ()

    def _describe(self, _call: Invocation) -> Outputs:
        kinds = list(self._catalogue.values())
        return [*_of_kinds(kinds, self._catalogue), *_of_parameters(kinds), *_of_steps(kinds)]

    def _refuse_running(self, name: str) -> None:
        if any(scenario.scenario == name for scenario in self._simulations.running()):
            raise MethodError(S.BadInvalidState, f"{name} runs; stop it first")

    async def _save(self) -> None:
        async with self._writing:
            try:
                await asyncio.to_thread(write_text, self._path, self._catalogue.dump())
            except OSError as error:
                log.error("scenarios cannot be saved", reason=str(error))


def _guarded(act: Callable[..., Any], *arguments: Any) -> None:
    try:
        act(*arguments)
    except BadDefinition as error:
        log.info("scenario refused", reason=str(error))
        raise MethodError(S.BadInvalidArgument, str(error)) from None


def _step(kind: str, target: str, begin: float, duration: float, parameters: str) -> dict[str, Any]:
    """A step as the scenario file has it."""
    values = _values(parameters)
    return {
        "scenario": kind,
        "target": target or "",
        "begin": begin,
        "duration": duration,
        "parameters": values,
    }


def _values(text: str | None) -> dict[str, float]:
    """`Rate=4;Ceiling=40` as a mapping."""
    values: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in (text or "").split(";"))):
        name, _, value = part.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise ArgumentError(_PARAMETERS, S.BadOutOfRange, f"'{part}' is not NAME=NUMBER") from None
        if values.setdefault(name.strip(), number) is not number:
            raise ArgumentError(_PARAMETERS, S.BadOutOfRange, f"{name.strip()} stands twice")
    return values


def _of_kinds(kinds: Sequence[ScenarioKind], catalogue: Catalogue) -> list[ua.Variant]:
    return [
        _strings(kind.name for kind in kinds),
        _strings(kind.description for kind in kinds),
        _strings(" ".join(target.value for target in kind.targets) for kind in kinds),
        ua.Variant([catalogue.removable(kind.name) for kind in kinds], VT.Boolean, is_array=True),
    ]


def _of_parameters(kinds: Sequence[ScenarioKind]) -> list[ua.Variant]:
    found = [(kind, parameter) for kind in kinds for parameter in kind.parameters]
    return [
        _strings(kind.name for kind, _ in found),
        _strings(p.name for _, p in found),
        _strings(p.unit for _, p in found),
        _strings(p.description for _, p in found),
        _doubles(p.default for _, p in found),
        _doubles(p.low for _, p in found),
        _doubles(p.high for _, p in found),
        ua.Variant([p.whole for _, p in found], VT.Boolean, is_array=True),
    ]


def _of_steps(kinds: Sequence[ScenarioKind]) -> list[ua.Variant]:
    found = [(kind, step) for kind in kinds for step in kind.steps]
    return [
        _strings(kind.name for kind, _ in found),
        _strings(step.kind for _, step in found),
        _strings(step.target for _, step in found),
        _doubles(step.begin for _, step in found),
        _doubles(step.duration for _, step in found),
    ]


def _strings(texts: Any) -> ua.Variant:
    return ua.Variant(list(texts), VT.String, is_array=True)


def _doubles(numbers: Any) -> ua.Variant:
    return ua.Variant([float(number) for number in numbers], VT.Double, is_array=True)
