"""The Simulation methods (I7, S4): scenarios of the plant simulator, for engineers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from asyncua import ua

from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs
from simulator import scenarios
from simulator.shadow import Shadow

log = structlog.get_logger(__name__)

S = ua.StatusCodes
VT = ua.VariantType

_CODES: Final[dict[type[scenarios.ScenarioError], int]] = {
    scenarios.BadParameter: S.BadOutOfRange,
    scenarios.TooManyScenarios: S.BadTooManyOperations,
    scenarios.UnknownSimulation: S.BadNotFound,
}
# Arguments of Start that name what there is not: their position, and what is wrong with them.
_ARGUMENTS: Final[dict[type[scenarios.ScenarioError], tuple[int, int]]] = {
    scenarios.UnknownScenario: (0, S.BadNotFound),
    scenarios.UnknownTarget: (1, S.BadNodeIdUnknown),
}


class SimulationMethods:
    """Start, Stop, Adjust and List of scenarios; without a simulated plant they say that there is none."""

    def __init__(self, shadow: Shadow | None, now: Callable[[], int]) -> None:
        self._shadow, self._now = shadow, now

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Simulation object."""
        for name, profile, function in (
            ("Start", Profile.CALL_ENGINEER, self._start),
            ("Stop", Profile.CALL_ENGINEER, self._stop),
            ("Adjust", Profile.CALL_ENGINEER, self._adjust),
            ("List", Profile.CALL_OPEN, self._list),
        ):
            methods.add(node_id(f"Simulation.{name}"), profile, function)

    def _there(self) -> Shadow:
        if self._shadow is None:
            raise MethodError(S.BadNotSupported, "the plant is not simulated in this server")
        return self._shadow

    def _start(self, call: Invocation) -> Outputs:
        scenario, target, duration, names, values = call.values
        shadow, parameters = self._there(), _parameters(names, values)
        new = _guarded(shadow.start, scenario, target, duration, parameters, self._now())
        log.warning("simulation started", id=new.id, scenario=scenario, target=target, by=_who(call))
        return (ua.Variant(new.id, VT.String),)

    def _stop(self, call: Invocation) -> Outputs:
        (number,) = call.values
        _guarded(self._there().stop, number)
        log.warning("simulation stopped", id=number, by=_who(call))
        return ()

    def _adjust(self, call: Invocation) -> Outputs:
        number, names, values = call.values
        _guarded(self._there().adjust, number, _parameters(names, values), self._now())
        log.warning("simulation adjusted", id=number, by=_who(call))
        return ()

    def _list(self, _call: Invocation) -> Outputs:
        found = self._shadow.running() if self._shadow is not None else ()
        columns = ([s.id for s in found], [s.scenario for s in found], [s.target for s in found])
        return [ua.Variant(column, VT.String, is_array=True) for column in columns]


def _guarded(act: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return act(*arguments)
    except scenarios.ScenarioError as error:
        log.info("simulation refused", reason=str(error))
        if type(error) in _ARGUMENTS:
            raise ArgumentError(*_ARGUMENTS[type(error)], str(error)) from None
        raise MethodError(int(_CODES[type(error)]), str(error)) from None


def _parameters(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    if len(names) != len(values):
        raise MethodError(S.BadInvalidArgument, "as many values as names of parameters are needed")
    return dict(zip(names, values, strict=True))


def _who(call: Invocation) -> str:
    return call.user.name
