"""What the audit trail tells of HistoryUpdate: who changed what, and what it was (Part 11, 5.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asyncua import ua

from server.events.event import NULL, date
from server.history.updatedetails import DeleteRange, DeleteTimes, Details, Refused, UpdateValues
from server.protocol.dispatch import Call
from server.security.audit import Audit

Ids = ua.ObjectIds
VT = ua.VariantType

_MOST: Final = 1000  # values in an event
_SHOWN: Final = 10  # in the trail
_BAD: Final = 0x8000_0000
_ACTIONS: Final = {1: "insert", 2: "replace", 3: "update", 4: "remove"}
_Fields = dict[tuple[str, ...], ua.Variant]


class UpdateAudit:
    """Records each change of a node's history, done or refused."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def tell(
        self, call: Call, details: Details, status: int, codes: Sequence[int], old: Sequence[Any]
    ) -> None:
        """Tell of `details`; `old` are DataValues, or Annotations, that are no more."""
        if codes and all(code & _BAD for code in codes):
            status = status or codes[0]
        kind, action, target, type_id = Ids.AuditHistoryUpdateEventType, "unknown", "", ua.NodeId()
        new: list[Any] = []
        more: _Fields = {}
        if isinstance(details, Refused):
            type_id = details.type_id
        else:
            kind, action, new, more = _change(details, old)
            target, type_id = details.node_id.to_string(), _type_of(details)
        self._audit.record(
            int(kind),
            f"history: {action}",
            status=status,
            call=call,
            target=target,
            old=_text(old),
            new=_text(new),
            fields={("ParameterDataTypeId",): ua.Variant(type_id, VT.NodeId), **more},
        )


def _type_of(details: UpdateValues | DeleteRange | DeleteTimes) -> ua.NodeId:
    if isinstance(details, UpdateValues):
        return ua.NodeId(Ids.UpdateStructureDataDetails if details.structured else Ids.UpdateDataDetails)
    is_range = isinstance(details, DeleteRange)
    return ua.NodeId(Ids.DeleteRawModifiedDetails if is_range else Ids.DeleteAtTimeDetails)


def _change(
    details: UpdateValues | DeleteRange | DeleteTimes, old: Sequence[Any]
) -> tuple[int, str, list[Any], _Fields]:
    """Event type, what was done, the new values, and the fields of the type."""
    updated: _Fields = {("UpdatedNode",): ua.Variant(details.node_id, VT.NodeId)}
    if isinstance(details, UpdateValues):
        return _update(details, old, updated)
    olds: _Fields = {("OldValues",): _list(old, VT.DataValue)}
    if isinstance(details, DeleteTimes):
        times = [date(time).Value for time in details.times[:_MOST]]
        more = {("ReqTimes",): ua.Variant(times, VT.DateTime, is_array=True)}
        return Ids.AuditHistoryAtTimeDeleteEventType, "delete at times", [], updated | olds | more
    more = {
        ("IsDeleteModified",): ua.Variant(details.modified, VT.Boolean),
        ("StartTime",): NULL if details.start is None else date(details.start),
        ("EndTime",): NULL if details.end is None else date(details.end),
    }
    return Ids.AuditHistoryRawModifyDeleteEventType, "delete a range", [], updated | olds | more


def _update(
    details: UpdateValues, old: Sequence[Any], updated: _Fields
) -> tuple[int, str, list[Any], _Fields]:
    action = _ACTIONS.get(details.action, "unknown")
    performed: _Fields = {("PerformInsertReplace",): ua.Variant(details.action, VT.Int32)}
    if not details.structured:
        new: list[Any] = details.values
        lists = {("NewValues",): _list(new, VT.DataValue), ("OldValues",): _list(old, VT.DataValue)}
        return Ids.AuditHistoryValueUpdateEventType, action, new, updated | performed | lists
    found = [each.Value.Value for each in details.values if each.Value is not None]
    notes = [each for each in found if isinstance(each, ua.Annotation)]
    lists = {
        ("NewValues",): NULL if action == "remove" else _list(notes, VT.ExtensionObject),
        ("OldValues",): _list(old, VT.ExtensionObject),
    }
    kind = Ids.AuditHistoryAnnotationUpdateEventType
    return kind, f"{action} annotations", notes, updated | performed | lists


def _list(values: Sequence[Any], kind: ua.VariantType) -> ua.Variant:
    return ua.Variant(list(values[:_MOST]), kind, is_array=True) if values else NULL


def _text(values: Sequence[Any]) -> str | None:
    """The first values, for people."""
    if not values:
        return None
    shown = "; ".join(_brief(value) for value in values[:_SHOWN])
    return f"{shown}; and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown


def _brief(value: Any) -> str:
    if isinstance(value, ua.Annotation):
        return f"{value.UserName or ''}: {value.Message or ''}"
    time = "" if value.SourceTimestamp is None else value.SourceTimestamp.isoformat()
    number = None if value.Value is None else value.Value.Value
    status = 0 if value.StatusCode is None else int(value.StatusCode.value)
    return f"{time} {number}" + (f" (0x{status:08X})" if status else "")
