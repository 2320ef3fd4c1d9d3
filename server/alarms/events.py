"""The event of a condition: its state at one moment as the fields of ExclusiveLevelAlarmType (Part 9, 5.8).

A field is worked out when it is first asked for and then kept, so that subscribers share it. ConfirmedState
is optional and null: conditions cannot be confirmed yet. The advice for the operator is the Description
attribute of the condition (an empty browse path).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final

from asyncua import ua

from server.alarms.definition import LIMIT_LEVELS, AlarmDef, ConditionClass, Level
from server.alarms.state import Change, Transitions
from server.alarms.table import AlarmTable
from server.events.event import FALSE, NULL, TRUE, Path, Type, date, node_id, severity, string, text

ALARM_TYPE: Final = ua.NodeId(ua.ObjectIds.ExclusiveLevelAlarmType)
_MILLISECOND: Final = 1000

_NO_BRANCH: Final = node_id(ua.NodeId())
_ENABLED: Final = {True: text("Enabled"), False: text("Disabled")}
_ACKED: Final = {True: text("Acknowledged"), False: text("Unacknowledged")}
_ACTIVE: Final = {True: text("Active"), False: text("Inactive")}
_EFFECTIVE: Final = {level: text(f"Active/{level.label}" if level else "Inactive") for level in Level}
_LIMIT_STATES: Final = {
    Level.HIGH_HIGH: ua.ObjectIds.ExclusiveLimitStateMachineType_HighHigh,
    Level.HIGH: ua.ObjectIds.ExclusiveLimitStateMachineType_High,
    Level.LOW: ua.ObjectIds.ExclusiveLimitStateMachineType_Low,
    Level.LOW_LOW: ua.ObjectIds.ExclusiveLimitStateMachineType_LowLow,
}
# Without an entry for NONE: an inactive condition has no current limit state.
_STATE_NAME: Final = {level: text(level.label) for level in _LIMIT_STATES}
_STATE_ID: Final = {level: node_id(ua.NodeId(number)) for level, number in _LIMIT_STATES.items()}
_CLASS_ID: Final = {
    ConditionClass.PROCESS: node_id(ua.NodeId(ua.ObjectIds.ProcessConditionClassType)),
    ConditionClass.MAINTENANCE: node_id(ua.NodeId(ua.ObjectIds.MaintenanceConditionClassType)),
    ConditionClass.SYSTEM: node_id(ua.NodeId(ua.ObjectIds.SystemConditionClassType)),
}
# By the severity bits of the input's StatusCode.
_INPUT: Final = ("", "; the input is uncertain", "; the input is bad", "; the input is bad")
_CLASS_NAME: Final = {kind: text(f"{kind.capitalize()}ConditionClassType") for kind in ConditionClass}


@dataclass(frozen=True, slots=True)
class ConditionState:
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

    @property
    def retain(self) -> bool:
        """Whether the condition is of interest to a client."""
        return self.enabled and (self.level != 0 or not self.acked)


_COLUMNS: Final = tuple(f.name for f in fields(ConditionState))


@dataclass(frozen=True)
class ConditionEvent:
    """What a condition told; `namespace` is the index of the fleet's namespace."""

    definition: AlarmDef
    source: str
    namespace: int
    event_id: bytes
    change: Change
    state: ConditionState
    _known: dict[Path, ua.Variant] = field(default_factory=dict, compare=False, repr=False)

    @property
    def type(self) -> ua.NodeId:
        """Every condition is an ExclusiveLevelAlarmType."""
        return ALARM_TYPE

    @property
    def condition(self) -> ua.NodeId:
        """NodeId of the condition: the ConditionId."""
        return self.node(f"{self.source}#{self.definition.name}")

    def node(self, identifier: str) -> ua.NodeId:
        """A NodeId of the fleet."""
        return ua.NodeId(identifier, self.namespace)

    def value(self, path: Path) -> ua.Variant:
        """Value of a field."""
        known = self._known.get(path)
        if known is None:
            get = _FIELDS.get(path)
            known = self._known[path] = get(self) if get else NULL
        return known

    def attribute(self, attribute: int) -> ua.Variant:
        """An attribute of the condition's node."""
        get = _ATTRIBUTES.get(attribute)
        return get(self) if get else NULL


def condition_events(table: AlarmTable, transitions: Transitions, namespace: int) -> list[ConditionEvent]:
    """The events that transitions make, in their order."""
    index = table.index
    columns = [getattr(transitions.state, name).tolist() for name in _COLUMNS]
    events = []
    for row, change, *values in zip(
        transitions.rows.tolist(), transitions.change.tolist(), *columns, strict=True
    ):
        definition, asset = index.locate(row)
        path = index.fleet.assets(definition.asset)[asset].path
        state = ConditionState(*values)
        event_id = table.event_id(row, state.event) if state.event else b""
        events.append(ConditionEvent(definition, path, namespace, event_id, Change(change), state))
    return events


def message(event: ConditionEvent) -> str:
    """What the operator reads: the condition, what happened, the value and the limit."""
    d, state = event.definition, event.state
    unit = f" {d.tag.unit.symbol}" if d.tag.unit else ""
    level = Level(state.level)
    if event.change & Change.DISABLED:
        return f"{d.message}: disabled by {state.user}"
    if event.change & Change.ENABLED:
        return f"{d.message}: enabled by {state.user}"
    if level:
        limit = d.limits[LIMIT_LEVELS.index(level)]
        now = f"{state.value:.2f}{unit}, {level.label} limit {limit:g}{unit}"
    else:
        now = f"no longer, {state.value:.2f}{unit}"
    by = f", acknowledged by {state.user}" if event.change & Change.ACKNOWLEDGED else ""
    return f"{d.message}: {now}{_INPUT[state.quality >> 30]}{by}"


def _bool(value: bool) -> ua.Variant:
    return TRUE if value else FALSE


def _limit(column: int) -> Callable[[ConditionEvent], ua.Variant]:
    def get(event: ConditionEvent) -> ua.Variant:
        limit = event.definition.limits[column]
        return NULL if limit != limit else ua.Variant(limit, Type.Double)

    return get


def _delay(microseconds: int) -> ua.Variant:
    """A Duration [ms]."""
    return ua.Variant(microseconds / _MILLISECOND, Type.Double)


def _status(code: int) -> ua.Variant:
    return ua.Variant(ua.StatusCode(code), Type.StatusCode)


_GETTERS: Final[dict[str, Callable[[ConditionEvent], ua.Variant]]] = {
    # A condition that never told anything has none.
    "EventId": lambda e: ua.Variant(e.event_id or None, Type.ByteString),
    "EventType": lambda e: node_id(e.type),
    "SourceNode": lambda e: node_id(e.node(e.source)),
    "SourceName": lambda e: string(e.source),
    "Time": lambda e: date(e.state.time),
    "ReceiveTime": lambda e: date(e.state.time),
    "Message": lambda e: text(message(e)),
    "Severity": lambda e: severity(e.state.severity),
    "ConditionClassId": lambda e: _CLASS_ID[e.definition.kind],
    "ConditionClassName": lambda e: _CLASS_NAME[e.definition.kind],
    "ConditionName": lambda e: string(e.definition.name),
    "BranchId": lambda e: _NO_BRANCH,
    "Retain": lambda e: _bool(e.state.retain),
    "EnabledState": lambda e: _ENABLED[e.state.enabled],
    "EnabledState/Id": lambda e: _bool(e.state.enabled),
    "EnabledState/TransitionTime": lambda e: date(e.state.enabled_time),
    "Quality": lambda e: _status(e.state.quality),
    "Quality/SourceTimestamp": lambda e: date(e.state.quality_time),
    "LastSeverity": lambda e: severity(e.state.last_severity),
    "LastSeverity/SourceTimestamp": lambda e: date(e.state.severity_time),
    "Comment": lambda e: text(e.state.comment),
    "Comment/SourceTimestamp": lambda e: date(e.state.comment_time),
    "ClientUserId": lambda e: string(e.state.user),
    "AckedState": lambda e: _ACKED[e.state.acked],
    "AckedState/Id": lambda e: _bool(e.state.acked),
    "AckedState/TransitionTime": lambda e: date(e.state.acked_time),
    "ActiveState": lambda e: _ACTIVE[e.state.level != 0],
    "ActiveState/Id": lambda e: _bool(e.state.level != 0),
    "ActiveState/EffectiveDisplayName": lambda e: _EFFECTIVE[Level(e.state.level)],
    "ActiveState/TransitionTime": lambda e: date(e.state.active_time),
    "SuppressedOrShelved": lambda e: FALSE,
    "InputNode": lambda e: node_id(e.node(f"{e.source}.{e.definition.tag.name}")),
    "OnDelay": lambda e: _delay(e.definition.on_delay),
    "OffDelay": lambda e: _delay(e.definition.off_delay),
    "LimitState/CurrentState": lambda e: _STATE_NAME.get(Level(e.state.level), NULL),
    "LimitState/CurrentState/Id": lambda e: _STATE_ID.get(Level(e.state.level), NULL),
    **{f"{level.label}Limit": _limit(column) for column, level in enumerate(LIMIT_LEVELS)},
}
_FIELDS: Final = {tuple(name.split("/")): get for name, get in _GETTERS.items()}

_ATTRIBUTES: Final[dict[int, Callable[[ConditionEvent], ua.Variant]]] = {
    ua.AttributeIds.NodeId: lambda e: node_id(e.condition),
    ua.AttributeIds.NodeClass: lambda e: ua.Variant(int(ua.NodeClass.Object), Type.Int32),
    ua.AttributeIds.BrowseName: lambda e: ua.Variant(
        ua.QualifiedName(e.definition.name, e.namespace), Type.QualifiedName
    ),
    ua.AttributeIds.DisplayName: lambda e: text(e.definition.name),
    ua.AttributeIds.Description: lambda e: text(e.definition.advice),
}


def fields_of_conditions() -> tuple[Path, ...]:
    """Browse paths of all fields that a condition has."""
    return tuple(_FIELDS)
