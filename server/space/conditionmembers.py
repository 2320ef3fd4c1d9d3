"""What the members of a condition are as nodes: class, type, data type, and the references between them.

A member is named by its browse path below the condition. The standard's types say all of it (Part 9, 5.2 to
5.8); here it stands for the members that ours have, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from asyncua import ua

from server.alarms.definition import AlarmDef
from server.alarms.fields import members
from server.alarms.standardtypes import LIMIT_TYPES
from server.events.event import Path
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY

Ids = ua.ObjectIds

HAS_TRUE_SUB_STATE: Final = ua.NodeId(Ids.HasTrueSubState)
LIMIT_STATE: Final[Path] = ("LimitState",)
SHELVING_STATE: Final[Path] = ("ShelvingState",)

_OBJECTS: Final = {
    LIMIT_STATE: ua.NodeId(Ids.ExclusiveLimitStateMachineType),
    SHELVING_STATE: ua.NodeId(Ids.ShelvedStateMachineType),
}
_TWO_STATES: Final = frozenset(
    {"EnabledState", "AckedState", "ConfirmedState", "ActiveState", "SuppressedState", "OutOfServiceState"}
)
_DATED: Final = frozenset({"Quality", "LastSeverity", "Comment"})
_VARIABLE_TYPES: Final = {
    **dict.fromkeys(_TWO_STATES, ua.NodeId(Ids.TwoStateVariableType)),
    **dict.fromkeys(_DATED, ua.NodeId(Ids.ConditionVariableType)),
    "CurrentState": ua.NodeId(Ids.FiniteStateVariableType),
}
_PROPERTY: Final = ua.NodeId(Ids.PropertyType)
_ARRAYS: Final = frozenset({"ConditionSubClassId", "ConditionSubClassName"})
# What a state is a sub-state of while that is true (Part 9, 5.7.2 and 5.8.2, 5.8.19.3).
_SUPER_STATE: Final[dict[str, str]] = {
    "AckedState": "EnabledState",
    "ConfirmedState": "EnabledState",
    "ActiveState": "EnabledState",
    "SuppressedState": "EnabledState",
    "OutOfServiceState": "EnabledState",
    "ShelvingState": "EnabledState",
    "LimitState": "ActiveState",
}
_LIMITS: Final = tuple(
    f"{level}{kind}" for level in ("HighHigh", "High", "Low", "LowLow") for kind in ("Limit", "Deadband")
)
# Data types by the member's name; what is not here is a LocalizedText.
_DATA_TYPES: Final[dict[str, int]] = {
    "EventId": Ids.ByteString,
    **dict.fromkeys(
        (
            *("EventType", "SourceNode", "ConditionClassId", "ConditionSubClassId", "BranchId", "InputNode"),
            *("SetpointNode", "NormalState", "TargetValueNode"),
        ),
        Ids.NodeId,
    ),
    **dict.fromkeys(("SourceName", "ConditionName", "ClientUserId"), Ids.String),
    **dict.fromkeys(("Time", "ReceiveTime", "TransitionTime", "SourceTimestamp"), Ids.UtcTime),
    **dict.fromkeys(("Severity", "LastSeverity"), Ids.UInt16),
    **dict.fromkeys((f"Severity{level}" for level in ("HighHigh", "High", "Low", "LowLow")), Ids.UInt16),
    **dict.fromkeys(("Retain", "SuppressedOrShelved", "Id"), Ids.Boolean),
    **dict.fromkeys(("OnDelay", "OffDelay", "UnshelveTime", "MaxTimeShelved", "ExpectedTime"), Ids.Duration),
    **dict.fromkeys((*_LIMITS, "Tolerance"), Ids.Double),
    "Quality": Ids.StatusCode,
    "EngineeringUnits": Ids.EUInformation,
}

METHODS: Final = {
    "Enable": Ids.ConditionType_Enable,
    "Disable": Ids.ConditionType_Disable,
    "AddComment": Ids.ConditionType_AddComment,
    "Acknowledge": Ids.AcknowledgeableConditionType_Acknowledge,
    **{
        name: getattr(Ids, f"AlarmConditionType_{name}")
        for verb in ("Suppress", "Unsuppress", "RemoveFromService", "PlaceInService")
        for name in (verb, f"{verb}2")
    },
}
_CONFIRM: Final = {"Confirm": Ids.AcknowledgeableConditionType_Confirm}
# Those of ShelvingState: as AlarmConditionType declares them, as far as it does.
_SHELVING: Final = {
    "TimedShelve": Ids.AlarmConditionType_ShelvingState_TimedShelve,
    "TimedShelve2": Ids.ShelvedStateMachineType_TimedShelve2,
    "OneShotShelve": Ids.AlarmConditionType_ShelvingState_OneShotShelve,
    "OneShotShelve2": Ids.ShelvedStateMachineType_OneShotShelve2,
    "Unshelve": Ids.AlarmConditionType_ShelvingState_Unshelve,
    "Unshelve2": Ids.ShelvedStateMachineType_Unshelve2,
}


def methods(definition: AlarmDef, path: Path) -> dict[str, int]:
    """NodeIds of the methods of a condition, or of one of its members: those of the types (Part 9, 5.5.4)."""
    if path:
        return _SHELVING if path == SHELVING_STATE else {}
    return METHODS | _CONFIRM if definition.confirm else METHODS


def all_members(definition: AlarmDef) -> tuple[Path, ...]:
    """Browse paths of the variables and objects that a condition has."""
    return _with_objects(members(definition), definition.type in LIMIT_TYPES)


@lru_cache(maxsize=256)
def _with_objects(variables: tuple[Path, ...], has_limits: bool) -> tuple[Path, ...]:
    return (*variables, SHELVING_STATE, *((LIMIT_STATE,) if has_limits else ()))


def is_object(path: Path) -> bool:
    """Whether a member is an Object; the condition itself is one."""
    return not path or path in _OBJECTS


def type_definition(path: Path) -> ua.NodeId:
    """The type of a member."""
    found = _OBJECTS.get(path)
    return _VARIABLE_TYPES.get(path[-1], _PROPERTY) if found is None else found


def reference(path: Path) -> ua.NodeId:
    """The type of the reference to a member from what it is part of."""
    return HAS_PROPERTY if type_definition(path) == _PROPERTY else HAS_COMPONENT


def data_type(path: Path) -> ua.NodeId:
    """The data type of a variable."""
    if path[-2:] == ("CurrentState", "Id"):
        return ua.NodeId(Ids.NodeId)
    return ua.NodeId(_DATA_TYPES.get(path[-1], Ids.LocalizedText))


def rank(path: Path) -> int:
    """The ValueRank of a variable."""
    return 1 if path[-1] in _ARRAYS else -1


def sub_states(path: Path, among: tuple[Path, ...]) -> Iterator[tuple[bool, Path]]:
    """HasTrueSubState references of a state: whether they go forward, and to which member."""
    if len(path) != 1:
        return
    above = _SUPER_STATE.get(path[0])
    if above is not None:
        yield False, (above,)
    for name, super_state in _SUPER_STATE.items():
        if super_state == path[0] and (name,) in among:
            yield True, (name,)
