"""The Simulation methods (I7, S4): scenarios on a copy of the plant, for engineers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import structlog
from asyncua import ua

from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs
from server.simulations import SimulationFailed, Simulations
from simulator import scenarios
from simulator.scenarios import Scenario

log = structlog.get_logger(__name__)

S = ua.StatusCodes
VT = ua.VariantType
Result = TypeVar("Result")

_CODES: Final[dict[type[scenarios.ScenarioError], int]] = {
    scenarios.BadParameter: S.BadOutOfRange,
    scenarios.TooManyScenarios: S.BadTooManyOperations,
    scenarios.UnknownSimulation: S.BadNotFound,
    SimulationFailed: S.BadInternalError,
}
# Arguments of Start that name what there is not: their position, and what is wrong with them.
_ARGUMENTS: Final[dict[type[scenarios.ScenarioError], tuple[int, int]]] = {
    scenarios.UnknownScenario: (0, S.BadNotFound),
    scenarios.UnknownTarget: (1, S.BadNodeIdUnknown),
}


class SimulationMethods:
    """Start, Stop, Adjust and List."""

    def __init__(self, simulations: Simulations) -> None:
        self._simulations = simulations

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Simulation object."""
        for name, profile, function in (
            ("Start", Profile.CALL_ENGINEER, self._start),
            ("Stop", Profile.CALL_ENGINEER, self._stop),
            ("Adjust", Profile.CALL_ENGINEER, self._adjust),
            ("List", Profile.CALL_OPEN, self._list),
        ):
            methods.add(node_id(f"Simulation.{name}"), profile, function)

    def _start(self, call: Invocation) -> Outputs:
        scenario, target, duration, names, values = call.values
        parameters = _parameters(names, values)
        act = self._simulations.start
        new = _guarded(lambda: act(scenario, target, duration, parameters, call.user.name))
        return (ua.Variant(new.id, VT.String),)

    def _stop(self, call: Invocation) -> Outputs:
        (number,) = call.values
        call.old = _brief(self._simulations.find(number))
        _guarded(lambda: self._simulations.stop(number, call.user.name))
        return ()

    def _adjust(self, call: Invocation) -> Outputs:
        number, names, values = call.values
        parameters = _parameters(names, values)
        call.old = _brief(self._simulations.find(number))
        _guarded(lambda: self._simulations.adjust(number, parameters, call.user.name))
        return ()

    def _list(self, _call: Invocation) -> Outputs:
        found = self._simulations.running()
        columns = ([s.id for s in found], [s.scenario for s in found], [s.target for s in found])
        return [ua.Variant(column, VT.String, is_array=True) for column in columns]


def _guarded(act: Callable[[], Result]) -> Result:
    try:
        return act()
    except scenarios.ScenarioError as error:
        log.info("simulation refused", reason=str(error))
        if type(error) in _ARGUMENTS:
            raise ArgumentError(*_ARGUMENTS[type(error)], str(error)) from None
        raise MethodError(int(_CODES[type(error)]), str(error)) from None


def _parameters(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    if len(names) != len(values):
        raise MethodError(S.BadInvalidArgument, "as many values as names of parameters are needed")
    if len(set(names)) != len(names):
        raise MethodError(S.BadInvalidArgument, "a parameter is named twice")
    return dict(zip(names, values, strict=True))


def _brief(scenario: Scenario | None) -> str | None:
    """A simulation for the audit trail."""
    return None if scenario is None else f"{scenario.scenario} {scenario.target} {_told(scenario.parameters)}"


def _told(parameters: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in parameters.items())
