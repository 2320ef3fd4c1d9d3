"""The event of a condition: its state at one moment as the fields of its alarm type (Part 9, 5.8).

A field is worked out when it is first asked for and then kept, so that subscribers share it; `encoding` has
the fields that most of them select as bytes, as thousands of conditions may tell at once. ConfirmedState
is optional and null: conditions cannot be confirmed yet. The advice for the operator is the Description
attribute of the condition (an empty browse path). Events of simulated conditions say so in their message and
by the standard's sub-class for what is tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from asyncua import ua

from nodeset.status import UNCERTAIN_SIMULATED_VALUE
from server.alarms import encoding
from server.alarms.definition import LIMIT_LEVELS, AlarmDef, AlarmType, ConditionClass, Level
from server.alarms.limits import ConditionLimits
from server.alarms.state import Change, Transitions
from server.alarms.table import AlarmTable
from server.events.event import (
    ENCODED_NULL,
    FALSE,
    LOCALE,
    NULL,
    TRUE,
    Path,
    Type,
    date,
    node_id,
    severity,
    string,
    text,
)
from server.protocol.stack import variant_to_binary

# The ObjectType of a condition, and so of its events.
TYPE_OF: Final = {
    AlarmType.LEVEL: ua.NodeId(ua.ObjectIds.ExclusiveLevelAlarmType),
    AlarmType.DEVIATION: ua.NodeId(ua.ObjectIds.ExclusiveDeviationAlarmType),
    AlarmType.RATE_OF_CHANGE: ua.NodeId(ua.ObjectIds.ExclusiveRateOfChangeAlarmType),
    AlarmType.OFF_NORMAL: ua.NodeId(ua.ObjectIds.OffNormalAlarmType),
    AlarmType.SYSTEM: ua.NodeId(ua.ObjectIds.SystemOffNormalAlarmType),
    AlarmType.INSTRUMENT: ua.NodeId(ua.ObjectIds.InstrumentDiagnosticAlarmType),
    AlarmType.DISCREPANCY: ua.NodeId(ua.ObjectIds.DiscrepancyAlarmType),
}
Key = TypeVar("Key")
_TYPE: Final = {kind: node_id(value) for kind, value in TYPE_OF.items()}
_MILLISECOND: Final = 1000

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
    ConditionClass.SAFETY: node_id(ua.NodeId(ua.ObjectIds.SafetyConditionClassType)),
    ConditionClass.SYSTEM: node_id(ua.NodeId(ua.ObjectIds.SystemConditionClassType)),
}
# By the severity bits of the input's StatusCode.
_INPUT: Final = ("", "; the input is uncertain", "; the input is bad", "; the input is bad")
# Plain numbers: arithmetic on an IntFlag or an IntEnum is slow.
_DISABLED_NOW, _ENABLED_NOW, _ACKED_NOW = int(Change.DISABLED), int(Change.ENABLED), int(Change.ACKNOWLEDGED)
_COLUMN: Final = {int(level): column for column, level in enumerate(LIMIT_LEVELS)}
_LABEL: Final = {int(level): level.label for level in LIMIT_LEVELS}
_CLASS_NAME: Final = {kind: text(f"{kind.capitalize()}ConditionClassType") for kind in ConditionClass}
# Of conditions that are simulated; others have no sub-class (Part 9, 5.5.2).
_TESTING: Final = ua.NodeId(ua.ObjectIds.TestingConditionClassType)
_TESTING_ID: Final = ua.Variant([_TESTING], Type.NodeId, is_array=True)
_TESTING_NAME: Final = ua.Variant(
    [ua.LocalizedText("TestingConditionClassType", LOCALE)], Type.LocalizedText, is_array=True
)
SIMULATION: Final = "SIMULATION: "  # before the message of a simulated condition


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
            get = _FIELDS.get(path)
            known = self._known[path] = get(self) if get else NULL
        return known

    def attribute(self, attribute: int) -> ua.Variant:
        """An attribute of the condition's node."""
        get = _ATTRIBUTES.get(attribute)
        return get(self) if get else NULL

    def member(self, path: Path) -> ua.Variant:
        """NodeId of an object that is part of the condition; null where it has none at that path."""
        return (
            node_id(self.node(f"{self.source}#{self.definition.name}.{'.'.join(path)}"))
            if path in _OBJECTS
            else NULL
        )

    def encoded(self, path: Path) -> bytes:
        """Value of a field as it goes over the wire."""
        known = self._encoded.get(path)
        if known is None:
            encode = _ENCODED.get(path)
            known = encode(self) if encode else bytes(variant_to_binary(self.value(path)))
            self._encoded[path] = known
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


def message(event: ConditionEvent) -> str:
    """What the operator reads: the condition, what happened, the value and the limit."""
    if event.said:
        return event.said
    d, state = event.definition, event.state
    subject = f"{SIMULATION}{d.message}" if event.simulated else d.message
    unit = f" {d.unit}" if d.unit else ""
    level = state.level
    if event.change & _DISABLED_NOW:
        return f"{subject}: disabled by {state.user}"
    if event.change & _ENABLED_NOW:
        return f"{subject}: enabled by {state.user}"
    if level:
        limit = event.limits.values[_COLUMN[level]]
        now = f"{state.value:.2f}{unit}, {_LABEL[level]} limit {limit:g}{unit}"
    else:
        now = f"no longer, {state.value:.2f}{unit}"
    by = f", acknowledged by {state.user}" if event.change & _ACKED_NOW else ""
    status = state.quality
    quality = _INPUT[status >> 30] if status and status != UNCERTAIN_SIMULATED_VALUE else ""
    return f"{subject}: {now}{quality}{by}"


def _bool(value: bool) -> ua.Variant:
    return TRUE if value else FALSE


def _limit(column: int) -> Callable[[ConditionEvent], ua.Variant]:
    def get(event: ConditionEvent) -> ua.Variant:
        limit = event.limits.values[column]
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
    "EventType": lambda e: _TYPE[e.definition.type],
    "SourceNode": lambda e: node_id(e.node(e.source)),
    "SourceName": lambda e: string(e.source),
    "Time": lambda e: date(e.state.time),
    "ReceiveTime": lambda e: date(e.state.time),
    "Message": lambda e: text(message(e)),
    "Severity": lambda e: severity(e.state.severity),
    "ConditionClassId": lambda e: _CLASS_ID[e.definition.kind],
    "ConditionClassName": lambda e: _CLASS_NAME[e.definition.kind],
    "ConditionSubClassId": lambda e: _TESTING_ID if e.simulated else NULL,
    "ConditionSubClassName": lambda e: _TESTING_NAME if e.simulated else NULL,
    "ConditionName": lambda e: string(e.definition.name),
    "BranchId": lambda e: node_id(e.branch),
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
    "OnDelay": lambda e: _delay(e.limits.on_delay),
    "OffDelay": lambda e: _delay(e.limits.off_delay),
    "LimitState/CurrentState": lambda e: _STATE_NAME.get(Level(e.state.level), NULL),
    "LimitState/CurrentState/Id": lambda e: _STATE_ID.get(Level(e.state.level), NULL),
    **{f"{level.label}Limit": _limit(column) for column, level in enumerate(LIMIT_LEVELS)},
}
_FIELDS: Final = {tuple(name.split("/")): get for name, get in _GETTERS.items()}
# What has members and no value of its own.
_OBJECTS: Final = frozenset(path[:1] for path in _FIELDS) - frozenset(_FIELDS)


def _constants(values: Mapping[Key, ua.Variant]) -> dict[Key, bytes]:
    return {key: bytes(variant_to_binary(value)) for key, value in values.items()}


_T, _F = (bytes(variant_to_binary(value)) for value in (TRUE, FALSE))
_TYPE_BYTES: Final = _constants(_TYPE)
_NO_BRANCH_BYTES: Final = bytes(variant_to_binary(node_id(ua.NodeId())))
_ENABLED_BYTES, _ACKED_BYTES, _ACTIVE_BYTES = (_constants(each) for each in (_ENABLED, _ACKED, _ACTIVE))
_EFFECTIVE_BYTES: Final = _constants(_EFFECTIVE)
_STATE_NAME_BYTES, _STATE_ID_BYTES = _constants(_STATE_NAME), _constants(_STATE_ID)
_TESTING_ID_BYTES, _TESTING_NAME_BYTES = (
    bytes(variant_to_binary(value)) for value in (_TESTING_ID, _TESTING_NAME)
)
_CLASS_ID_BYTES, _CLASS_NAME_BYTES = _constants(_CLASS_ID), _constants(_CLASS_NAME)

_ENCODERS: Final[dict[str, Callable[[ConditionEvent], bytes]]] = {
    "EventId": lambda e: encoding.byte_string(e.event_id),
    "EventType": lambda e: _TYPE_BYTES[e.definition.type],
    "SourceNode": lambda e: encoding.node_id(e.source, e.namespace),
    "SourceName": lambda e: encoding.string(e.source),
    "Time": lambda e: encoding.date(e.state.time),
    "ReceiveTime": lambda e: encoding.date(e.state.time),
    "Message": lambda e: encoding.text(message(e)),
    "Severity": lambda e: encoding.severity(e.state.severity),
    "ConditionClassId": lambda e: _CLASS_ID_BYTES[e.definition.kind],
    "ConditionClassName": lambda e: _CLASS_NAME_BYTES[e.definition.kind],
    "ConditionSubClassId": lambda e: _TESTING_ID_BYTES if e.simulated else ENCODED_NULL,
    "ConditionSubClassName": lambda e: _TESTING_NAME_BYTES if e.simulated else ENCODED_NULL,
    "ConditionName": lambda e: encoding.string(e.definition.name),
    "BranchId": lambda e: bytes(variant_to_binary(node_id(e.branch))) if e.state.branch else _NO_BRANCH_BYTES,
    "Retain": lambda e: _T if e.state.retain else _F,
    "EnabledState": lambda e: _ENABLED_BYTES[e.state.enabled],
    "EnabledState/Id": lambda e: _T if e.state.enabled else _F,
    "EnabledState/TransitionTime": lambda e: encoding.date(e.state.enabled_time),
    "Quality": lambda e: encoding.status(e.state.quality),
    "Quality/SourceTimestamp": lambda e: encoding.date(e.state.quality_time),
    "LastSeverity": lambda e: encoding.severity(e.state.last_severity),
    "LastSeverity/SourceTimestamp": lambda e: encoding.date(e.state.severity_time),
    "Comment": lambda e: encoding.text(e.state.comment),
    "Comment/SourceTimestamp": lambda e: encoding.date(e.state.comment_time),
    "ClientUserId": lambda e: encoding.string(e.state.user),
    "AckedState": lambda e: _ACKED_BYTES[e.state.acked],
    "AckedState/Id": lambda e: _T if e.state.acked else _F,
    "AckedState/TransitionTime": lambda e: encoding.date(e.state.acked_time),
    "ActiveState": lambda e: _ACTIVE_BYTES[e.state.level != 0],
    "ActiveState/Id": lambda e: _T if e.state.level else _F,
    "ActiveState/EffectiveDisplayName": lambda e: _EFFECTIVE_BYTES[Level(e.state.level)],
    "ActiveState/TransitionTime": lambda e: encoding.date(e.state.active_time),
    "SuppressedOrShelved": lambda e: _F,
    "InputNode": lambda e: encoding.node_id(f"{e.source}.{e.definition.tag.name}", e.namespace),
    "LimitState/CurrentState": lambda e: _STATE_NAME_BYTES.get(Level(e.state.level), ENCODED_NULL),
    "LimitState/CurrentState/Id": lambda e: _STATE_ID_BYTES.get(Level(e.state.level), ENCODED_NULL),
}
_ENCODED: Final = {tuple(name.split("/")): encode for name, encode in _ENCODERS.items()}

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
