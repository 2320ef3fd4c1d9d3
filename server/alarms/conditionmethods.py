"""Methods of conditions (Part 9, 5.5.4 to 5.8.17): who may call them, what they do, and their audit trail.

A client names the condition, or its ShelvingState for shelving, and the method of the type: conditions have
no method nodes of their own (docs/decisions/0018-methods-of-conditions.md). Every call is audited, whatever
comes of it, with the states before and after.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from asyncua import ua

from nodeset.index import MIRROR
from server.alarms.conditions import Conditions
from server.alarms.errors import AlarmError
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.fields import effective_state
from server.alarms.state import Change, Transitions
from server.alarms.table import AlarmTable
from server.events.event import Path, node_id, string
from server.security.permissions import Profile
from server.services.method import Fields, Function, Invocation, MethodError, MethodService, Outputs
from server.space import conditionmembers as cm

S = ua.StatusCodes
Ids = ua.ObjectIds

# What is done to a row of a table, with the values of the arguments, by a user, at a time.
Act = Callable[[AlarmTable, int, list[Any], str, int], Transitions]

_SHELVING: Final = f".{cm.SHELVING_STATE[0]}"
_EVENT_ID, _COMMENT, _TIME = ("ConditionEventId",), ("Comment",), ("ShelvingTime",)
_LONGEST: Final = 1e15  # ms: no condition may be shelved for as long
_BY_USER: Final = np.uint32(Change.BY_USER)


class _Method(NamedTuple):
    """A method: NodeIds it is called by, who may, its audit event, and its arguments as fields of that."""

    name: str
    nodes: tuple[int, ...]
    profile: Profile
    audit: int
    arguments: tuple[Path, ...]
    act: Act


def comment_text(comment: Any) -> str | None:
    """A comment without locale and text leaves the one that is there: None; one without text clears it."""
    text, locale = (getattr(comment, name, None) or "" for name in ("Text", "Locale"))
    return str(text) if text or locale else None


def _duration(milliseconds: float | None) -> int:
    """A Duration in µs; 0, which is refused, for what is none."""
    if milliseconds is None or math.isnan(milliseconds):
        return 0
    return round(min(max(milliseconds, 0.0), _LONGEST) * 1000)


def _of_event(name: str, audit: int, node: int, act: Callable[..., Transitions]) -> _Method:
    """A method with an EventId and a comment."""

    def call(table: AlarmTable, row: int, values: list[Any], user: str, time: int) -> Transitions:
        return act(table, row, values[0] or b"", comment_text(values[1]), user, time)

    return _Method(name, (node,), Profile.CALL_OPERATOR, audit, (_EVENT_ID, _COMMENT), call)


def _switch(name: str, node: int, act: Callable[..., Transitions]) -> _Method:
    """Enable or Disable."""

    def call(table: AlarmTable, row: int, _values: list[Any], user: str, time: int) -> Transitions:
        return act(table, row, user, time)

    return _Method(name, (node,), Profile.CALL_ENGINEER, Ids.AuditConditionEnableEventType, (), call)


def _hiding(name: str, audit: int, act: Callable[..., Transitions]) -> tuple[_Method, _Method]:
    """Suppression or service: a method, and the same with a comment."""

    def call(table: AlarmTable, row: int, values: list[Any], user: str, time: int) -> Transitions:
        return act(table, row, comment_text(values[0]) if values else None, user, time)

    plain, more = (getattr(Ids, f"AlarmConditionType_{each}") for each in (name, f"{name}2"))
    return (
        _Method(name, (plain,), Profile.CALL_ENGINEER, audit, (), call),
        _Method(f"{name}2", (more,), Profile.CALL_ENGINEER, audit, (_COMMENT,), call),
    )


def _shelving(name: str, act: Callable[..., Transitions], *arguments: Path) -> tuple[_Method, _Method]:
    """A method of ShelvingState, by its NodeId there and in the state machine's type, and with a comment."""

    def call(table: AlarmTable, row: int, values: list[Any], user: str, time: int) -> Transitions:
        first = [_duration(values[0])] if arguments else []
        comment = comment_text(values[len(first)]) if len(values) > len(first) else None
        return act(table, row, *first, comment, user, time)

    audit, who = Ids.AuditConditionShelvingEventType, Profile.CALL_OPERATOR
    declared = getattr(Ids, f"AlarmConditionType_ShelvingState_{name}")
    plain, more = (getattr(Ids, f"ShelvedStateMachineType_{each}") for each in (name, f"{name}2"))
    return (
        _Method(name, (declared, plain), who, audit, arguments, call),
        _Method(f"{name}2", (more,), who, audit, (*arguments, _COMMENT), call),
    )


_SUPPRESSION: Final = Ids.AuditConditionSuppressionEventType
_SERVICE: Final = Ids.AuditConditionOutOfServiceEventType
_METHODS: Final[tuple[_Method, ...]] = (
    _switch("Enable", Ids.ConditionType_Enable, AlarmTable.enable),
    _switch("Disable", Ids.ConditionType_Disable, AlarmTable.disable),
    _of_event(
        "AddComment", Ids.AuditConditionCommentEventType, Ids.ConditionType_AddComment, AlarmTable.add_comment
    ),
    _of_event(
        "Acknowledge",
        Ids.AuditConditionAcknowledgeEventType,
        Ids.AcknowledgeableConditionType_Acknowledge,
        AlarmTable.acknowledge,
    ),
    _of_event(
        "Confirm",
        Ids.AuditConditionConfirmEventType,
        Ids.AcknowledgeableConditionType_Confirm,
        AlarmTable.confirm,
    ),
    *_hiding("Suppress", _SUPPRESSION, AlarmTable.suppress),
    *_hiding("Unsuppress", _SUPPRESSION, AlarmTable.unsuppress),
    *_hiding("RemoveFromService", _SERVICE, AlarmTable.remove_from_service),
    *_hiding("PlaceInService", _SERVICE, AlarmTable.place_in_service),
    *_shelving("TimedShelve", AlarmTable.timed_shelve, _TIME),
    *_shelving("OneShotShelve", AlarmTable.one_shot_shelve),
    *_shelving("Unshelve", AlarmTable.unshelve),
)


class ConditionMethods:
    """Lets clients act on conditions, of the plant and of what is simulated beside it."""

    def __init__(self, conditions: Conditions, namespace: int, clock: Callable[[], int]) -> None:
        self._conditions = conditions
        self._index = conditions.table.index
        self._namespace = namespace
        self._clock = clock

    def register(self, methods: MethodService) -> None:
        """Take on the methods."""
        for method in _METHODS:
            for number in method.nodes:
                methods.add(
                    ua.NodeId(number),
                    method.profile,
                    self._function(method),
                    method.audit,
                    method.name,
                    self._fields(method),
                    self._is_condition,
                )

    def _function(self, method: _Method) -> Function:
        return lambda call: self._act(method, call)

    def _fields(self, method: _Method) -> Fields:
        """What the audit event says besides (Part 9, 5.10.2): the condition, whatever object was named."""

        def fields(wanted: ua.CallMethodRequest) -> dict[Path, ua.Variant]:
            condition = ua.NodeId(self._identifier(wanted.ObjectId), wanted.ObjectId.NamespaceIndex)
            found = {("SourceNode",): node_id(condition), ("SourceName",): string(f"Method/{method.name}")}
            return found | dict(zip(method.arguments, wanted.InputArguments, strict=False))

        return fields

    def _identifier(self, object_id: ua.NodeId) -> Any:
        """Of the condition itself, where its ShelvingState is named."""
        identifier = object_id.Identifier
        return identifier.removesuffix(_SHELVING) if isinstance(identifier, str) else identifier

    def _row(self, object_id: ua.NodeId) -> int | None:
        """Row of the condition that an object is, or is part of."""
        identifier = self._identifier(object_id)
        if object_id.NamespaceIndex != self._namespace or not isinstance(identifier, str):
            return None
        return self._index.row_of_id(identifier.removeprefix(MIRROR))

    def _is_condition(self, object_id: ua.NodeId) -> bool:
        """Whether an object is a condition; methods of its ShelvingState can be called on it (5.8.17.4)."""
        return self._row(object_id) is not None and self._identifier(object_id) == object_id.Identifier

    def _find(self, method: _Method, object_id: ua.NodeId) -> tuple[AlarmTable, int, str]:
        """Table and row of the condition that is meant, and what stands before its path."""
        row = self._row(object_id)
        if row is None:
            raise MethodError(S.BadNodeIdInvalid)
        definition, _ = self._index.locate(row)
        if method.name not in cm.methods(definition, ()) | cm.methods(definition, cm.SHELVING_STATE):
            raise MethodError(S.BadMethodInvalid)
        at = MIRROR if str(object_id.Identifier).startswith(MIRROR) else ""
        table = self._conditions.table_of(row, at)
        if table is None:
            raise MethodError(S.BadConditionDisabled)
        return table, row, at

    def _act(self, method: _Method, call: Invocation) -> Outputs:
        table, row, at = self._find(method, call.object_id)
        call.old = self._line(row, at)
        try:
            made = method.act(table, row, call.values, call.user.name, self._clock())
        except AlarmError as error:
            raise MethodError(error.status) from None
        call.new = _lines(table, made) or call.old
        self._conditions.tell(table, replace(made, change=made.change | _BY_USER), at)
        return ()

    def _line(self, row: int, at: str) -> str:
        """The states of a condition before, for the audit trail."""
        event = self._conditions.mirrored_event(row) if at else self._conditions.event(row)
        return "" if event is None else _states(event)


def _lines(table: AlarmTable, made: Transitions) -> str:
    """The states that a call has made, those of branches by their names."""
    events = condition_events(table, made, 0)
    return "; ".join((f"{e.branch.Identifier}: " if e.state.branch else "") + _states(e) for e in events)


def _states(event: ConditionEvent) -> str:
    comment = event.state.comment
    return f"{effective_state(event).Value.Text}" + (f" ({comment})" if comment else "")
