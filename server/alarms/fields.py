"""The fields of conditions by alarm type (Part 9, 5.5 to 5.8): each as a value and as bytes.

A field is named by its browse path, `EnabledState/Id`. ConfirmedState is null where a condition is not to
be confirmed, a limit where there is none. Nothing here changes an event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from asyncua import ua

from nodeset.index import MIRROR
from nodeset.types import TYPES_URI
from server.alarms import encoding
from server.alarms.definition import LIMIT_LEVELS, AlarmDef, AlarmType, Level, MeasureKind
from server.alarms.messages import message
from server.alarms.standardtypes import (
    CLASS_OF,
    LIMIT_STATE_OF,
    LIMIT_TYPES,
    OFF_NORMAL_TYPES,
    SHELVING_NAME_OF,
    SHELVING_STATE_OF,
    TYPE_OF,
)
from server.alarms.state import Shelving
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

if TYPE_CHECKING:
    from server.alarms.events import ConditionEvent

Get = Callable[["ConditionEvent"], Any]
Key = TypeVar("Key")
_MILLISECOND: Final = 1000


class Field(NamedTuple):
    """One field: its value in an event, and the same as it goes over the wire."""

    value: Callable[[ConditionEvent], ua.Variant]
    encoded: Callable[[ConditionEvent], bytes]


def _any(value: Callable[[ConditionEvent], ua.Variant]) -> Field:
    """A field that few select."""
    return Field(value, lambda e: bytes(variant_to_binary(value(e))))


def _one_of(key: Callable[[ConditionEvent], Key], values: Mapping[Key, ua.Variant]) -> Field:
    """A field with few values, null for a key that has none."""
    encoded = {each: bytes(variant_to_binary(value)) for each, value in values.items()}
    return Field(lambda e: values.get(key(e), NULL), lambda e: encoded.get(key(e), ENCODED_NULL))


def _flag(get: Get) -> Field:
    return _one_of(get, {True: TRUE, False: FALSE})


def _named(get: Get, yes: str, no: str) -> Field:
    """The names of the two states of a TwoStateVariableType."""
    return _one_of(get, {True: text(yes), False: text(no)})


def _date(get: Get) -> Field:
    return Field(lambda e: date(get(e)), lambda e: encoding.date(get(e)))


def _text(get: Get) -> Field:
    return Field(lambda e: text(get(e)), lambda e: encoding.text(get(e)))


def _string(get: Get) -> Field:
    return Field(lambda e: string(get(e)), lambda e: encoding.string(get(e)))


def _severity(get: Get) -> Field:
    return Field(lambda e: severity(get(e)), lambda e: encoding.severity(get(e)))


def _node(get: Get) -> Field:
    """A node of the fleet, by its identifier."""
    return Field(lambda e: node_id(e.node(get(e))), lambda e: encoding.node_id(get(e), e.namespace))


def _double(get: Get) -> Field:
    """A Double; null for NaN."""

    def value(event: ConditionEvent) -> ua.Variant:
        found = get(event)
        return ua.Variant(found, Type.Double) if found == found else NULL

    return _any(value)


def _duration(get: Get) -> Field:
    """A Duration [ms] from µs."""
    return Field(
        lambda e: ua.Variant(get(e) / _MILLISECOND, Type.Double),
        lambda e: encoding.double(get(e) / _MILLISECOND),
    )


@lru_cache(maxsize=512)
def _effective(level: int, limits: bool, acked: bool, confirmed: bool, hidden: tuple[str, ...]) -> ua.Variant:
    """All states of an enabled condition in one line (Part 9, 5.2)."""
    active = ("Active" + (f"/{Level(level).label}" if limits else "")) if level else "Inactive"
    asks = () if acked and confirmed else ("Unconfirmed" if acked else "Unacknowledged",)
    return text(" | ".join((active, *asks, *hidden)))


def effective_state(event: ConditionEvent) -> ua.Variant:
    """EffectiveDisplayName of the EnabledState."""
    state = event.state
    if not state.enabled:
        return _DISABLED
    hidden = (
        *((SHELVING_NAME_OF[Shelving(state.shelved)],) if state.shelved else ()),
        *(("Suppressed",) if state.suppressed else ()),
        *(("Out of Service",) if state.out_of_service else ()),
    )
    limits = event.definition.type in LIMIT_TYPES
    return _effective(state.level, limits, state.acked, state.confirmed, hidden)


def _two_states(name: str, get: Get, time: Get, yes: str, no: str) -> dict[str, Field]:
    """A TwoStateVariableType with the members that each of ours has."""
    return {
        name: _named(get, yes, no),
        f"{name}/Id": _flag(get),
        f"{name}/TransitionTime": _date(time),
    }


def _dated(name: str, value: Field, time: Get) -> dict[str, Field]:
    """A ConditionVariableType."""
    return {name: value, f"{name}/SourceTimestamp": _date(time)}


_DISABLED: Final = text("Disabled")
_TESTING: Final = "TestingConditionClassType"
# Of conditions that are simulated; others have no sub-class (Part 9, 5.5.2).
_TESTING_ID: Final = ua.Variant(
    [ua.NodeId(ua.ObjectIds.TestingConditionClassType)], Type.NodeId, is_array=True
)
_TESTING_NAME: Final = ua.Variant([ua.LocalizedText(_TESTING, LOCALE)], Type.LocalizedText, is_array=True)
_NO_NODE: Final = node_id(ua.NodeId())
_NO_NODE_BYTES: Final = bytes(variant_to_binary(_NO_NODE))
_BRANCH: Final = Field(
    lambda e: node_id(e.branch) if e.state.branch else _NO_NODE,
    lambda e: bytes(variant_to_binary(node_id(e.branch))) if e.state.branch else _NO_NODE_BYTES,
)

_EVENT: Final[dict[str, Field]] = {
    # A condition that never told anything has none.
    "EventId": Field(
        lambda e: ua.Variant(e.event_id or None, Type.ByteString), lambda e: encoding.byte_string(e.event_id)
    ),
    "EventType": _one_of(lambda e: e.definition.type, {k: node_id(v) for k, v in TYPE_OF.items()}),
    "SourceNode": _node(lambda e: e.source),
    "SourceName": _string(lambda e: e.source),
    "Time": _date(lambda e: e.state.time),
    "ReceiveTime": _date(lambda e: e.state.time),
    "Message": _text(message),
    "Severity": _severity(lambda e: e.state.severity),
}
_CONDITION: Final[dict[str, Field]] = {
    "ConditionClassId": _one_of(lambda e: e.definition.kind, {k: node_id(v) for k, v in CLASS_OF.items()}),
    "ConditionClassName": _one_of(
        lambda e: e.definition.kind, {k: text(f"{k.capitalize()}ConditionClassType") for k in CLASS_OF}
    ),
    "ConditionSubClassId": _one_of(lambda e: e.simulated, {True: _TESTING_ID}),
    "ConditionSubClassName": _one_of(lambda e: e.simulated, {True: _TESTING_NAME}),
    "ConditionName": _string(lambda e: e.definition.name),
    "BranchId": _BRANCH,
    "Retain": _flag(lambda e: e.state.retain),
    **_two_states(
        "EnabledState", lambda e: e.state.enabled, lambda e: e.state.enabled_time, "Enabled", "Disabled"
    ),
    "EnabledState/EffectiveDisplayName": _any(effective_state),
    **_dated(
        "Quality",
        Field(
            lambda e: ua.Variant(ua.StatusCode(e.state.quality), Type.StatusCode),
            lambda e: encoding.status(e.state.quality),
        ),
        lambda e: e.state.quality_time,
    ),
    **_dated("LastSeverity", _severity(lambda e: e.state.last_severity), lambda e: e.state.severity_time),
    **_dated("Comment", _text(lambda e: e.state.comment), lambda e: e.state.comment_time),
    "ClientUserId": _string(lambda e: e.state.user),
}
_ACKNOWLEDGEABLE: Final = _two_states(
    "AckedState", lambda e: e.state.acked, lambda e: e.state.acked_time, "Acknowledged", "Unacknowledged"
)
# Without a key, and so null, where a condition is not to be confirmed.
_CONFIRMED: Final = _two_states(
    "ConfirmedState",
    lambda e: e.state.confirmed if e.definition.confirm else None,
    lambda e: e.state.confirmed_time if e.definition.confirm else 0,
    "Confirmed",
    "Unconfirmed",
)
_LABELS: Final = {int(level): text(f"Active/{level.label}" if level else "Inactive") for level in Level}
_ALARM: Final[dict[str, Field]] = {
    **_two_states(
        "ActiveState", lambda e: e.state.level != 0, lambda e: e.state.active_time, "Active", "Inactive"
    ),
    "InputNode": _node(lambda e: f"{e.source}.{e.definition.tag.name}"),
    **_two_states(
        "SuppressedState",
        lambda e: e.state.suppressed != 0,
        lambda e: e.state.suppressed_time,
        "Suppressed",
        "Unsuppressed",
    ),
    **_two_states(
        "OutOfServiceState",
        lambda e: e.state.out_of_service,
        lambda e: e.state.service_time,
        "Out of Service",
        "In Service",
    ),
    "ShelvingState/CurrentState": _one_of(
        lambda e: e.state.shelved, {int(k): text(v) for k, v in SHELVING_NAME_OF.items()}
    ),
    "ShelvingState/CurrentState/Id": _one_of(
        lambda e: e.state.shelved, {int(k): node_id(v) for k, v in SHELVING_STATE_OF.items()}
    ),
    "ShelvingState/UnshelveTime": _duration(lambda e: e.shelved_for(e.state.time)),
    "SuppressedOrShelved": _flag(lambda e: e.state.hidden),
    "MaxTimeShelved": _duration(lambda e: e.definition.shelve_max),
    "OnDelay": _duration(lambda e: e.limits.on_delay),
    "OffDelay": _duration(lambda e: e.limits.off_delay),
}
_LIMIT_NAMES: Final = tuple(level.label for level in LIMIT_LEVELS)


def _limit_names(label: str) -> tuple[str, str, str]:
    """The properties of a limit."""
    return f"{label}Limit", f"Severity{label}", f"{label}Deadband"


def _limit(column: int, label: str) -> dict[str, Field]:
    """What there is of one limit; null where there is none."""

    def has(event: ConditionEvent) -> bool:
        limit = event.limits.values[column]
        return limit == limit

    limit, grade, deadband = _limit_names(label)
    return {
        limit: _double(lambda e: e.limits.values[column]),
        grade: _any(lambda e: severity(e.limits.severities[column]) if has(e) else NULL),
        deadband: _double(lambda e: e.limits.hysteresis if has(e) else _NONE),
    }


_NONE: Final = float("nan")
_HIGH: Final = LIMIT_LEVELS.index(Level.HIGH)
_MINUTE: Final = 60_000_000  # µs
_NOT_LISTED: Final = -1  # UnitId of what no list of units has (Part 8, 5.6.4.3)


def _set_point(event: ConditionEvent) -> ua.NodeId:
    """What the input deviates from, where that is a variable."""
    kind = event.definition.measure.kind
    if kind is MeasureKind.FROM_BASELINE:
        return event.node(f"{event.source}.BaselineResistance")
    if kind is MeasureKind.FLOAT_COMPENSATED:
        at = MIRROR if event.source.startswith(MIRROR) else ""
        site, system, *_ = event.source.removeprefix(at).split("/")
        return event.node(f"{at}{site}/{system}.FloatVoltageSetpoint")
    return ua.NodeId()


def _unit_of_change(event: ConditionEvent) -> ua.Variant:
    """EngineeringUnits of a rate of change: what a window is, the standard's list of units does not know."""
    definition = event.definition
    symbol = f"{definition.unit} in {definition.measure.window / _MINUTE:g} min"
    unit = ua.EUInformation(TYPES_URI, _NOT_LISTED, ua.LocalizedText(symbol), ua.LocalizedText(symbol))
    return ua.Variant(unit, Type.ExtensionObject)


_LIMIT: Final[dict[str, Field]] = {
    "ActiveState/EffectiveDisplayName": _one_of(lambda e: e.state.level, _LABELS),
    "LimitState/CurrentState": _one_of(
        lambda e: e.state.level, {int(level): text(level.label) for level in LIMIT_STATE_OF}
    ),
    "LimitState/CurrentState/Id": _one_of(
        lambda e: e.state.level, {int(level): node_id(each) for level, each in LIMIT_STATE_OF.items()}
    ),
    **{k: v for column, name in enumerate(_LIMIT_NAMES) for k, v in _limit(column, name).items()},
}
_OWN: Final[dict[AlarmType, dict[str, Field]]] = {
    AlarmType.DEVIATION: {"SetpointNode": _any(lambda e: node_id(_set_point(e)))},
    AlarmType.RATE_OF_CHANGE: {"EngineeringUnits": _any(_unit_of_change)},
    AlarmType.DISCREPANCY: {
        # What the twin expects is no variable of its own: null.
        "TargetValueNode": _any(lambda e: _NO_NODE),
        "ExpectedTime": _duration(lambda e: e.limits.on_delay),
        "Tolerance": _double(lambda e: e.limits.values[_HIGH]),
    },
    # Nor is the value that is normal (Part 9, 5.8.23.2).
    **{kind: {"NormalState": _any(lambda e: _NO_NODE)} for kind in OFF_NORMAL_TYPES},
}


def _of_type(kind: AlarmType) -> dict[Path, Field]:
    limit = _LIMIT if kind in LIMIT_TYPES else {}
    known = {
        **_EVENT,
        **_CONDITION,
        **_ACKNOWLEDGEABLE,
        **_CONFIRMED,
        **_ALARM,
        **limit,
        **_OWN.get(kind, {}),
    }
    return {tuple(name.split("/")): found for name, found in known.items()}


# By alarm type and browse path.
FIELDS: Final = {kind: _of_type(kind) for kind in AlarmType}

# What has members and no value of its own.
OBJECTS: Final = {
    kind: frozenset(path[:1] for path in known) - frozenset(known) for kind, known in FIELDS.items()
}


def members(definition: AlarmDef) -> tuple[Path, ...]:
    """Browse paths of the variables that a condition has: its fields, without those that are always null."""
    exceeded = {
        level.label for level, limit in zip(LIMIT_LEVELS, definition.limits, strict=True) if limit == limit
    }
    return _members(definition.type, definition.confirm, frozenset(exceeded))


@lru_cache(maxsize=256)
def _members(kind: AlarmType, confirm: bool, limits: frozenset[str]) -> tuple[Path, ...]:
    absent = {name for label in set(_LIMIT_NAMES) - limits for name in _limit_names(label)}
    if not confirm:
        absent.add("ConfirmedState")
    return tuple(path for path in FIELDS[kind] if path[0] not in absent)
