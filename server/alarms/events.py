"""The event of a condition: its state at one moment, with the fields of its alarm type (Part 9, 5.8).

A field is worked out when it is first asked for and then kept, so that subscribers share it; most have bytes
of their own making, as thousands of conditions may tell at once. The advice for the operator is the
Description attribute of the condition (an empty browse path). Events of simulated conditions say so in their
message and by the standard's sub-class for what is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from asyncua import ua

from server.alarms import encoding
from server.alarms.definition import AlarmDef
from server.alarms.fields import FIELDS, OBJECTS
from server.alarms.limits import ConditionLimits
from server.alarms.standardtypes import TYPE_OF
from server.alarms.state import Transitions
from server.alarms.table import AlarmTable
from server.events.event import ENCODED_NULL, NULL, Path, Type, node_id, text
from server.protocol.stack import variant_to_binary


class ConditionState(NamedTuple):
    """One row of `AlarmState` as plain numbers; times in µs since 1970."""

    enabled: bool
    level: int
    acked: bool
    severity: int
    last_severity: int
    quality: int
    value: float
    event: int
    time: int
    active_time: int
    acked_time: int
    enabled_time: int
    quality_time: int
    severity_time: int
    comment_time: int
    comment: str
    user: str
    confirmed: bool = True
    confirmed_time: int = 0
    shelved: int = 0
    shelved_time: int = 0
    shelved_until: int = 0
    suppressed: int = 0
    suppressed_time: int = 0
    out_of_service: bool = False
    service_time: int = 0
    branch: int = 0
    branches: int = 0

    @property
    def retain(self) -> bool:
        """Whether the condition is of interest to a client."""
        return self.enabled and (self.level != 0 or not self.acked or not self.confirmed or self.branches > 0)

    @property
    def hidden(self) -> bool:
        """Whether operators are not to be bothered: SuppressedOrShelved (Part 9, 5.8.2)."""
        return bool(self.shelved or self.suppressed or self.out_of_service)


@dataclass(slots=True)
class ConditionEvent:
    """What a condition told; `namespace` is the index of the fleet's namespace."""

    definition: AlarmDef
    source: str
    namespace: int
    event_id: bytes
    change: int  # `Change` bits
    state: ConditionState
    limits: ConditionLimits
    simulated: bool = False
    said: str = ""  # its message, where it was told before
    _known: dict[Path, ua.Variant] = field(default_factory=dict, compare=False, repr=False)
    _encoded: dict[Path, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def type(self) -> ua.NodeId:
        """The ObjectType of the condition."""
        return TYPE_OF[self.definition.type]

    @property
    def condition(self) -> ua.NodeId:
        """NodeId of the condition: the ConditionId."""
        return self.node(f"{self.source}#{self.definition.name}")

    def unshelve_time(self, time: int) -> ua.Variant:
        """UnshelveTime at a moment: how long the condition is still shelved; 0 where it is not."""
        return ua.Variant(self.shelved_for(time) / 1000, Type.Double)

    def shelved_for(self, time: int) -> int:
        """How long from `time` on the condition is still shelved [µs]; 0 where it is not."""
        return max(self.state.shelved_until - time, 0) if self.state.shelved else 0

    @property
    def branch(self) -> ua.NodeId:
        """NodeId of the branch that the event is of; null for the condition itself (Part 9, 5.5.2)."""
        number = self.state.branch
        return self.node(f"{self.source}#{self.definition.name}@{number}") if number else ua.NodeId()

    def node(self, identifier: str) -> ua.NodeId:
        """A NodeId of the fleet."""
        return ua.NodeId(identifier, self.namespace)

    def value(self, path: Path) -> ua.Variant:
        """Value of a field."""
        known = self._known.get(path)
        if known is None:
            found = FIELDS[self.definition.type].get(path)
            known = self._known[path] = found.value(self) if found else NULL
        return known

    def attribute(self, attribute: int) -> ua.Variant:
        """An attribute of the condition's node."""
        get = _ATTRIBUTES.get(attribute)
        return get(self) if get else NULL

    def member(self, path: Path) -> ua.Variant:
        """NodeId of an object that is part of the condition; null where it has none at that path."""
        if path not in OBJECTS[self.definition.type]:
            return NULL
        return node_id(self.node(f"{self.source}#{self.definition.name}.{'.'.join(path)}"))

    def encoded(self, path: Path) -> bytes:
        """Value of a field as it goes over the wire."""
        known = self._encoded.get(path)
        if known is None:
            found = FIELDS[self.definition.type].get(path)
            known = self._encoded[path] = found.encoded(self) if found else ENCODED_NULL
        return known

    def encoded_attribute(self, attribute: int) -> bytes:
        """An attribute as it goes over the wire."""
        if attribute == ua.AttributeIds.NodeId:
            return encoding.node_id(f"{self.source}#{self.definition.name}", self.namespace)
        return bytes(variant_to_binary(self.attribute(attribute)))


def condition_events(
    table: AlarmTable, transitions: Transitions, namespace: int, at: str = ""
) -> list[ConditionEvent]:
    """The events that transitions make, in their order; `at` stands before the paths of their sources."""
    index = table.index
    assets = index.fleet.assets
    columns = [getattr(transitions.state, name).tolist() for name in ConditionState._fields]
    states = map(ConditionState._make, zip(*columns, strict=True))
    events, simulated = [], table.simulated
    limits = table.limits.of_rows(transitions.rows)
    for row, change, state, own in zip(
        transitions.rows.tolist(), transitions.change.tolist(), states, limits, strict=True
    ):
        definition, asset = index.locate(row)
        path = assets(definition.asset)[asset].path
        event_id = _event_id(table, f"{path}#{definition.name}", state)
        source = at + path
        events.append(ConditionEvent(definition, source, namespace, event_id, change, state, own, simulated))
    return events


def _event_id(table: AlarmTable, identifier: str, state: ConditionState) -> bytes:
    """No bytes where nothing has been told yet."""
    return table.event_id_of(identifier, state.event, state.branch) if state.event else b""


_ATTRIBUTES: Final[dict[int, Callable[[ConditionEvent], ua.Variant]]] = {
    ua.AttributeIds.NodeId: lambda e: node_id(e.condition),
    ua.AttributeIds.NodeClass: lambda e: ua.Variant(int(ua.NodeClass.Object), Type.Int32),
    ua.AttributeIds.BrowseName: lambda e: ua.Variant(
        ua.QualifiedName(e.definition.name, e.namespace), Type.QualifiedName
    ),
    ua.AttributeIds.DisplayName: lambda e: text(e.definition.name),
    ua.AttributeIds.Description: lambda e: text(e.definition.advice),
}
