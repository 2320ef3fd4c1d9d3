"""Condition events of the server: what the HMI asks for (an EventFilter) and what it makes of the answer.

Fields follow Part 9: ConditionType, AcknowledgeableConditionType, AlarmConditionType, and the limit state
of an exclusive limit alarm; what a condition does not have is null. `ConditionId` is the NodeId attribute of
the ConditionType (Part 9, 5.5.2.13).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from asyncua import Client, ua

from hmi.alarms import AlarmList, Condition

FIELDS: Final = (
    "EventId",
    "EventType",
    "SourceNode",
    "Time",
    "Message",
    "Severity",
    "ConditionName",
    "Retain",
    "ActiveState/Id",
    "ActiveState/TransitionTime",
    "AckedState/Id",
    "ConfirmedState/Id",
    "ConditionClassName",
    "LimitState/CurrentState",
    "HighHighLimit",
    "HighLimit",
    "LowLimit",
    "LowLowLimit",
    "ShelvingState/CurrentState/Id",
    "ShelvingState/UnshelveTime",
    "SuppressedState/Id",
    "OutOfServiceState/Id",
    "Comment",
    "ClientUserId",
    "BranchId",
    "ConditionSubClassId",
)
TESTING: Final = ua.NodeId(ua.ObjectIds.TestingConditionClassType)  # sub-class of simulated conditions
REFRESH_START: Final = ua.NodeId(ua.ObjectIds.RefreshStartEventType)
REFRESH_END: Final = ua.NodeId(ua.ObjectIds.RefreshEndEventType)
# After either the list may lack something: a refresh has all of it.
INCOMPLETE: Final = frozenset(
    {
        ua.NodeId(ua.ObjectIds.RefreshRequiredEventType),
        ua.NodeId(ua.ObjectIds.EventQueueOverflowEventType),
    }
)
SHELVED: Final = {
    ua.NodeId(ua.ObjectIds.ShelvedStateMachineType_TimedShelved): "timed",
    ua.NodeId(ua.ObjectIds.ShelvedStateMachineType_OneShotShelved): "once",
}
CLASS: Final = "ConditionClassType"  # how the names of the standard's classes end


def event_filter() -> ua.EventFilter:
    """Every event, with the fields that an alarm list shows, and last the ConditionId."""
    return ua.EventFilter(SelectClauses=[*(clause(field) for field in FIELDS), condition_id()])


def clause(field: str, namespace: int = 0) -> ua.SimpleAttributeOperand:
    """The operand for a field of whatever type has it, by its name in a namespace."""
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.ObjectIds.BaseEventType),
        BrowsePath=[ua.QualifiedName(name, namespace) for name in field.split("/")],
        AttributeId=ua.AttributeIds.Value,
    )


def condition_id() -> ua.SimpleAttributeOperand:
    """The operand for the ConditionId."""
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.ObjectIds.ConditionType),
        BrowsePath=[],
        AttributeId=ua.AttributeIds.NodeId,
    )


def take(alarms: AlarmList, fields: list[ua.Variant]) -> bool:
    """Take one event into the list; True where the server asks for a refresh."""
    field = dict(zip((*FIELDS, "ConditionId"), (variant.Value for variant in fields), strict=False))
    kind = field["EventType"]
    if kind == REFRESH_START:
        alarms.begin_refresh()
    elif kind == REFRESH_END:
        alarms.end_refresh()
    elif kind in INCOMPLETE:
        return True
    elif field.get("ConditionId") is not None:
        alarms.take(_condition(field))
    return False


async def refresh(client: Client, subscription: int) -> None:
    """Ask for all retained conditions (Part 9, 5.5.7)."""
    request = ua.CallMethodRequest()
    request.ObjectId = ua.NodeId(ua.ObjectIds.ConditionType)
    request.MethodId = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
    request.InputArguments = [ua.Variant(subscription, ua.VariantType.UInt32)]
    result = (await client.uaclient.call([request]))[0]
    result.StatusCode.check()


def _condition(field: dict[str, Any]) -> Condition:
    branch, limit = field["BranchId"], text(field["LimitState/CurrentState"])
    time = milliseconds(field["Time"])
    return Condition(
        id=str(field["ConditionId"].Identifier),
        event=(field["EventId"] or b"").hex(),
        source=str(field["SourceNode"].Identifier) if field["SourceNode"] else "",
        name=field["ConditionName"] or "",
        message=text(field["Message"]),
        severity=int(field["Severity"] or 0),
        time=time,
        since=milliseconds(field["ActiveState/TransitionTime"]),
        kind=text(field["ConditionClassName"]).removesuffix(CLASS),
        active=bool(field["ActiveState/Id"]),
        # A condition that cannot be acknowledged does not wait for it.
        acknowledged=field["AckedState/Id"] is not False,
        retain=field["Retain"] is not False,
        limit=limit,
        bound=field.get(f"{limit}Limit"),
        confirmed=field["ConfirmedState/Id"] is not False,
        confirmable=field["ConfirmedState/Id"] is not None,
        shelved=SHELVED.get(field["ShelvingState/CurrentState/Id"], ""),
        until=time + round(field["ShelvingState/UnshelveTime"] or 0),
        suppressed=bool(field["SuppressedState/Id"]),
        out_of_service=bool(field["OutOfServiceState/Id"]),
        comment=text(field["Comment"]),
        user=field["ClientUserId"] or "",
        branch="" if branch is None or branch.is_null() else str(branch.Identifier),
        simulated=TESTING in (field["ConditionSubClassId"] or ()),
    )


def text(value: ua.LocalizedText | None) -> str:
    """A text of the server, empty where there is none."""
    return (value.Text or "") if value is not None else ""


def milliseconds(time: dt.datetime | None) -> int:
    """ms since 1970, 0 where there is no time."""
    if time is None:
        return 0
    aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return round(aware.timestamp() * 1000)
