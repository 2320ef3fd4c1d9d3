"""Events of simulations: one that was started, and one that was stopped or has ended (S4).

They come from the Simulation object and are told there, at the fleet and at the server.
"""

from __future__ import annotations

from typing import Final

from asyncua import ua

from historian.simulations import SimulationEnd, SimulationStart
from nodeset.types import SIMULATION_STARTED, SIMULATION_STOPPED
from server.events.event import Path, PlainEvent, string
from server.history.journal import Journal
from server.services.monitoreditem import SERVER_NOTIFIER
from server.services.subscription import SubscriptionService
from simulator.scenarios import Scenario

SIMULATION: Final = "Simulation"
_NOTIFIERS: Final = frozenset({SIMULATION, "Fleet", SERVER_NOTIFIER})
_SEVERITY_STARTED, _SEVERITY_STOPPED, _SEVERITY_FAILED = 400, 300, 600


class SimulationEvents:
    """Tells subscribers and the journal; `types` and `fleet` are namespace indices."""

    def __init__(self, subscriptions: SubscriptionService, journal: Journal, types: int, fleet: int) -> None:
        self._subscriptions = subscriptions
        self._journal = journal
        self._types = types
        self._source = ua.NodeId(SIMULATION, fleet)

    def started(self, scenario: Scenario, user: str, time: int) -> None:
        """A simulation was started."""
        message = f"SIMULATION: {scenario.scenario} on {scenario.target} was started by {user}"
        self._tell(SIMULATION_STARTED, scenario, user, message, _SEVERITY_STARTED, time)
        start = SimulationStart(
            scenario.id, scenario.scenario, scenario.target, scenario.parameters, time, scenario.until, user
        )
        self._journal.offer(start)

    def stopped(self, scenario: Scenario, user: str, time: int) -> None:
        """A simulation was stopped by somebody."""
        message = f"SIMULATION: {scenario.scenario} on {scenario.target} was stopped by {user}"
        self._tell(SIMULATION_STOPPED, scenario, user, message, _SEVERITY_STOPPED, time)
        self._journal.offer(SimulationEnd(scenario.id, time, user, "it was stopped"))

    def over(self, scenario: Scenario, reason: str, time: int) -> None:
        """A simulation has ended without anybody's doing."""
        message = f"SIMULATION: {scenario.scenario} on {scenario.target} has ended: {reason}"
        self._tell(SIMULATION_STOPPED, scenario, "", message, _SEVERITY_STOPPED, time)
        self._journal.offer(SimulationEnd(scenario.id, time, "", reason))

    def failed(self, scenario: Scenario, time: int) -> None:
        """A simulation could not go on."""
        message = f"SIMULATION: {scenario.scenario} on {scenario.target} has failed and was ended"
        self._tell(SIMULATION_STOPPED, scenario, "", message, _SEVERITY_FAILED, time)
        self._journal.offer(SimulationEnd(scenario.id, time, "", "it has failed"))

    def _tell(self, kind: str, scenario: Scenario, user: str, message: str, level: int, time: int) -> None:
        fields = {
            "SimulationId": scenario.id,
            "Scenario": scenario.scenario,
            "Target": scenario.target,
            "User": user,
        }
        more: dict[Path, ua.Variant] = {(f"{self._types}:{n}",): string(v) for n, v in fields.items()}
        event = PlainEvent(ua.NodeId(kind, self._types), time, message, level, SIMULATION, self._source, more)
        self._journal.keep(event)
        self._subscriptions.listeners().offer(event, _NOTIFIERS)
