"""The methods of the Alarms object (A6, I7): incidents, nuisances and figures, with plain types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final

from asyncua import ua

from nodeset.index import MIRROR
from server.alarms.conditions import Conditions
from server.alarms.management.incident import Incident
from server.events.event import date
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType

FLEET: Final = "Fleet"
_NULL_TIME: Final = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)


class AlarmMethods:
    """What alarm management knows of the conditions."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._management = conditions.management

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Alarms object."""
        for name, profile, function in (
            ("ListIncidents", Profile.CALL_OPEN, self._incidents),
            ("IncidentMembers", Profile.CALL_OPEN, self._members),
            ("AcknowledgeIncident", Profile.CALL_OPERATOR, self._acknowledge),
            ("ListStanding", Profile.CALL_OPEN, self._standing),
            ("ListChattering", Profile.CALL_OPEN, self._chattering),
            ("BadActors", Profile.CALL_OPEN, self._bad_actors),
            ("Performance", Profile.CALL_OPEN, self._performance),
        ):
            methods.add(node_id(f"Alarms.{name}"), profile, function)

    def _incidents(self, call: Invocation) -> Outputs:
        (only_open,) = call.values
        found = [each for each in self._management.reports() if not (only_open and each.closed)]
        return (
            _strings(each.id for each in found),
            _strings(each.site for each in found),
            _strings(each.cause for each in found),
            _strings(each.first_out for each in found),
            _dates(each.opened for each in found),
            _dates(each.closed for each in found),
            _numbers(each.members for each in found),
            _numbers(each.active for each in found),
            _numbers(each.peak for each in found),
            _numbers(each.suppressed for each in found),
            _numbers(each.unacknowledged for each in found),
            _numbers(each.severity for each in found),
            _strings(each.state for each in found),
            _flags(each.simulated for each in found),
        )

    def _members(self, call: Invocation) -> Outputs:
        found = self._management.members(self._find(call))
        return (
            _strings(each.condition for each in found),
            _dates(each.first for each in found),
            _dates(each.last for each in found),
            _numbers(each.activations for each in found),
            _numbers(each.severity for each in found),
            _flags(each.active for each in found),
            _flags(each.acknowledged for each in found),
            _flags(each.suppressed for each in found),
        )

    async def _acknowledge(self, call: Invocation) -> Outputs:
        incident, comment = self._find(call), call.values[1]
        place = MIRROR if incident.simulated and self._management.place else ""
        call.old = incident.id
        done = await self._conditions.acknowledge_all(
            incident.rows.tolist(), place, comment or None, call.user.name, simulated=incident.simulated
        )
        return (ua.Variant(done, VT.UInt32),)

    def _standing(self, _call: Invocation) -> Outputs:
        rows, since = self._management.plant.standing()
        severity = self._conditions.table.state.severity[rows].tolist()
        return _strings(self._management.identifiers(rows)), _dates(since.tolist()), _numbers(severity)

    def _chattering(self, _call: Invocation) -> Outputs:
        plant = self._management.plant
        rows = plant.chatters()
        since, count = plant.chattering.since[rows].tolist(), plant.chattering.count[rows].tolist()
        return _strings(self._management.identifiers(rows)), _dates(since), _numbers(count)

    def _bad_actors(self, _call: Invocation) -> Outputs:
        plant = self._management.plant
        rows, counts, _ = plant.bad_actors()
        total = max(int(plant.record.by_row.sum()), 1)
        shares = [100.0 * count / total for count in counts.tolist()]
        return _strings(self._management.identifiers(rows)), _numbers(counts.tolist()), _doubles(shares)

    def _performance(self, call: Invocation) -> Outputs:
        (asset,) = call.values
        sites = self._management.sites
        if asset and asset not in sites:
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no site '{asset}'")
        site = None if not asset or asset == FLEET else sites.index(asset)
        found = self._management.plant.figures(site)
        return (
            _strings(each.name for each in found),
            _doubles(each.value for each in found),
            _doubles(each.target for each in found),
            _doubles(each.maximum for each in found),
        )

    def _find(self, call: Invocation) -> Incident:
        found = self._management.find(call.values[0] or "")
        if found is None:
            raise ArgumentError(0, S.BadNotFound, f"there is no incident '{call.values[0]}'")
        return found


def _array(values: Iterable[Any], kind: ua.VariantType) -> ua.Variant:
    return ua.Variant([*values], kind, is_array=True)


def _strings(values: Iterable[str]) -> ua.Variant:
    return _array(values, VT.String)


def _numbers(values: Iterable[int]) -> ua.Variant:
    return _array(values, VT.UInt32)


def _doubles(values: Iterable[float]) -> ua.Variant:
    return _array(values, VT.Double)


def _flags(values: Iterable[bool]) -> ua.Variant:
    return _array(values, VT.Boolean)


def _dates(values: Iterable[int]) -> ua.Variant:
    """Of µs since 1970; null for 0."""
    return _array((date(value).Value if value else _NULL_TIME for value in values), VT.DateTime)
