"""The state of simulations as variables of the Simulation object, which tells their events (S4)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from nodeset.types import SIMULATION_STATUS, SIMULATION_TYPE, VariableDef
from server.protocol.wire import now_ticks, ticks
from server.simulations import Simulations
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.assetnodes import AssetNodes
from server.space.declaredvariables import add_variables
from server.space.nodes import HAS_NOTIFIER, VT, A
from simulator.scenarios import Scenario

SIMULATION: Final = "Simulation"
_NULL_TIME: Final = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


class SimulationNodes:
    """What `simulations` run, whenever somebody reads it."""

    def __init__(self, simulations: Simulations) -> None:
        self._simulations = simulations
        self._read: dict[str, Callable[[], Any]] = {
            "Simulated": lambda: bool(simulations.running()),
            "RunningSimulations": lambda: len(simulations.running()),
            "SimulationIds": lambda: [each.id for each in simulations.running()],
            "Scenarios": lambda: [each.scenario for each in simulations.running()],
            "Targets": lambda: [each.target for each in simulations.running()],
            "StartTimes": lambda: [_date(each.started) for each in simulations.running()],
            "EndTimes": lambda: [_date(each.until) for each in simulations.running()],
            "Progress": lambda: [_progress(each, simulations.now()) for each in simulations.running()],
        }

    def describe(self, space: AddressSpace, assets: AssetNodes) -> None:
        """Give the Simulation object its variables, and let it tell events."""
        simulation, fleet = (space.nodes[assets.node_id(name)] for name in (SIMULATION, "Fleet"))
        simulation.attributes[A.EventNotifier] = nodes.constant(nodes.TELLS_EVENTS, VT.Byte)
        nodes.connect(fleet, HAS_NOTIFIER, simulation, assets.type_id(SIMULATION_TYPE))
        add_variables(space, assets, SIMULATION, SIMULATION_STATUS, self._reader)

    def _reader(self, definition: VariableDef) -> nodes.Reader:
        read, kind = self._read[definition.name], ua.VariantType(definition.data_type.value)

        def value() -> ua.DataValue:
            variant = ua.Variant(read(), kind, is_array=definition.array)
            now = ua.win_epoch_to_datetime(now_ticks())
            since = now if definition.name == "Progress" else _date(self._simulations.changed)
            return ua.DataValue(variant, ua.StatusCode(), since, now)

        return value


def _date(time: int | None) -> dt.datetime:
    """µs since 1970; null for None."""
    moment: dt.datetime = _NULL_TIME if time is None else ua.win_epoch_to_datetime(ticks(time))
    return moment


def _progress(scenario: Scenario, now: int) -> float:
    """Share of the duration that is over [%]."""
    if scenario.until is None:
        return math.nan
    return min(max(100.0 * (now - scenario.started) / (scenario.until - scenario.started), 0.0), 100.0)
