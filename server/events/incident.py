"""Events of incidents: one that was opened, has changed or was closed (A6).

They come from the site, and are told there, at the fleet and at the server, and kept in the journal.
"""

from __future__ import annotations

from typing import Final

from asyncua import ua

from nodeset.types import INCIDENT_EVENT
from server.alarms.conditions import notifiers
from server.alarms.management.incidents import Step
from server.alarms.management.report import Report
from server.alarms.messages import SIMULATION
from server.events.event import FALSE, TRUE, Path, PlainEvent, Type, date, string
from server.history.journal import Journal
from server.services.subscription import SubscriptionService

_MINUTE: Final = 60_000_000


class IncidentEvents:
    """Tells subscribers and the journal; `types` and `fleet` are namespace indices."""

    def __init__(self, subscriptions: SubscriptionService, journal: Journal, types: int, fleet: int) -> None:
        self._subscriptions = subscriptions
        self._journal = journal
        self._types = types
        self._fleet = fleet

    def tell(self, step: Step, report: Report) -> None:
        """Something has happened to an incident."""
        event = PlainEvent(
            ua.NodeId(INCIDENT_EVENT, self._types),
            report.time,
            incident_message(step, report),
            report.severity,
            report.site,
            ua.NodeId(report.site, self._fleet),
            self._fields(report),
            simulated=report.simulated,
        )
        self._journal.keep(event)
        self._subscriptions.listeners().offer(event, notifiers(report.site))

    def _fields(self, report: Report) -> dict[Path, ua.Variant]:
        values = {
            "IncidentId": string(report.id),
            "Cause": string(report.cause),
            "State": string(report.state),
            "FirstOut": string(report.first_out),
            "Opened": date(report.opened),
            "Closed": date(report.closed),
            "Members": _number(report.members),
            "Active": _number(report.active),
            "Peak": _number(report.peak),
            "Suppressed": _number(report.suppressed),
            "Unacknowledged": _number(report.unacknowledged),
            "Simulated": TRUE if report.simulated else FALSE,
        }
        return {(f"{self._types}:{name}",): value for name, value in values.items()}


def incident_message(step: Step, report: Report) -> str:
    """What the operator reads: what began it, how far it has spread, and what is left to do."""
    mark = SIMULATION if report.simulated else ""
    members = f"{report.members} condition{'s' if report.members != 1 else ''}"
    subject = f"{mark}{report.cause} at {report.site}"
    if step is Step.CLOSED:
        minutes = max((report.closed - report.opened) / _MINUTE, 0)
        waits = f", {report.unacknowledged} to acknowledge" if report.unacknowledged else ""
        return f"{subject}: incident closed after {minutes:.4g} min; {members}, {report.peak} at once{waits}"
    spread = f"{members}, {report.active} active, {report.suppressed} suppressed"
    return f"{subject}: incident {step.value}; first {report.first_out}; {spread}"


def _number(value: int) -> ua.Variant:
    return ua.Variant(value, Type.UInt32)
