"""The nodes of conditions, made when somebody looks: `…/J07#TemperatureHigh`, its states and limits.

Members are those of `server.alarms.events`; a member's value is what the condition's event would tell
now. Methods are those of the types: a client calls them on the instance (Part 9, 5.5.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from asyncua import ua

from nodeset.fleet import AssetType
from server.alarms.definition import AlarmType
from server.alarms.events import TYPE_OF, ConditionEvent, fields_of_conditions
from server.alarms.table import AlarmTable
from server.events.event import Path, Type
from server.protocol.stack import NodeData
from server.protocol.wire import now_ticks
from server.space import nodes
from server.space.assetnodes import AssetNodes, to_type
from server.space.links import Link, LinkedNode, Shape, View, link
from server.space.nodes import HAS_COMPONENT, HAS_CONDITION, HAS_PROPERTY

Ids = ua.ObjectIds

METHODS: Final = {
    "Enable": Ids.ConditionType_Enable,
    "Disable": Ids.ConditionType_Disable,
    "AddComment": Ids.ConditionType_AddComment,
    "Acknowledge": Ids.AcknowledgeableConditionType_Acknowledge,
}
_LIMIT_STATE: Final = "LimitState"
_STATES: Final = frozenset({"EnabledState", "AckedState", "ActiveState"})
_CONDITION_VARIABLES: Final = frozenset({"Quality", "LastSeverity", "Comment"})
_ARRAYS: Final = frozenset({"ConditionSubClassId", "ConditionSubClassName"})
# Data types by the member's name; what is not here is a LocalizedText.
_TYPES: Final = {
    **dict.fromkeys(("EventId",), Type.ByteString),
    **dict.fromkeys(("EventType", "SourceNode", "ConditionClassId", "BranchId", "InputNode"), Type.NodeId),
    "ConditionSubClassId": Type.NodeId,
    **dict.fromkeys(("SourceName", "ConditionName", "ClientUserId"), Type.String),
    **dict.fromkeys(("Time", "ReceiveTime", "TransitionTime", "SourceTimestamp"), Type.DateTime),
    **dict.fromkeys(("Severity", "LastSeverity"), Type.UInt16),
    **dict.fromkeys(("Retain", "SuppressedOrShelved", "Id"), Type.Boolean),
    **dict.fromkeys(("OnDelay", "OffDelay"), Type.Double),
    **dict.fromkeys(("HighHighLimit", "HighLimit", "LowLimit", "LowLowLimit"), Type.Double),
    "Quality": Type.StatusCode,
}


class ConditionNodes:
    """Makes nodes of the conditions of `assets`; `event` tells what a condition's event would be now.

    None says that there is nothing to tell, and that the condition is as good as disabled.
    """

    def __init__(
        self, table: AlarmTable, assets: AssetNodes, event: Callable[[int], ConditionEvent | None]
    ) -> None:
        self._index = table.index
        self._table = table
        self._assets = assets
        self._event = event
        self._shapes: dict[tuple[AlarmType, Path], Shape] = {}
        self._paths = (*fields_of_conditions(), (_LIMIT_STATE,))

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier with a `#`, or None where there is none."""
        name, hash_sign, rest = identifier.partition("#")
        if not hash_sign:
            return None
        condition, _, member = rest.partition(".")
        row = self._row(name, condition)
        if row is None:
            return None
        path = tuple(member.split(".")) if member else ()
        if path and path not in self._paths:
            return None
        node = self._bare_member(row, path) if path else self._bare(row)
        return LinkedNode.of(node, lambda: self._view(identifier, row, path).structures())

    def view(self, identifier: str) -> View | None:
        """The references of an identifier's node, or None where there is none."""
        name, hash_sign, rest = identifier.partition("#")
        condition, _, member = rest.partition(".")
        row = self._row(name, condition) if hash_sign else None
        path = tuple(member.split(".")) if member else ()
        if row is None or (path and path not in self._paths):
            return None
        return self._view(identifier, row, path)

    def _row(self, path: str, condition: str) -> int | None:
        at = self._assets.at
        return self._index.row(path.removeprefix(at), condition) if path.startswith(at) else None

    def links_from(self, asset: AssetType) -> list[Link]:
        """HasCondition links of an asset of a type to its conditions."""
        return [
            link(
                HAS_CONDITION,
                True,
                f"#{d.name}",
                self._qualified(d.name),
                ua.NodeClass.Object,
                TYPE_OF[d.type],
            )
            for d in self._index.defs
            if d.asset is asset
        ]

    def _qualified(self, name: str) -> ua.QualifiedName:
        return ua.QualifiedName(name, self._assets.node_id("").NamespaceIndex)

    def _view(self, identifier: str, row: int, path: Path) -> View:
        definition, i = self._index.locate(row)
        if not path:
            up = self._assets.to_asset(HAS_CONDITION, definition.asset, i)
        else:
            owner = self._assets.node_id(identifier.rpartition(".")[0])
            name = ua.QualifiedName(path[-2], 0) if len(path) > 1 else self._qualified(definition.name)
            kind = _type_definition(path[:-1]) if len(path) > 1 else TYPE_OF[definition.type]
            up = link(_reference(path), False, owner, name, _node_class(path[:-1]), kind)
        return View(self._shape(definition.type, path), identifier.encode(), (up,))

    def _shape(self, kind: AlarmType, path: Path) -> Shape:
        """Type, members and methods: alike for all conditions of a type."""
        found = self._shapes.get((kind, path))
        if found is None:
            found = self._shapes[kind, path] = Shape(self._links(TYPE_OF[kind], path), self._assets.prefix)
        return found

    def _links(self, alarm: ua.NodeId, path: Path) -> Iterator[Link]:
        is_object = _node_class(path) is ua.NodeClass.Object
        kind = ua.NodeClass.ObjectType if is_object else ua.NodeClass.VariableType
        yield to_type(_type_definition(path) if path else alarm, kind)
        for longer in self._paths:
            if len(longer) == len(path) + 1 and longer[:-1] == path:
                name = ua.QualifiedName(longer[-1], 0)
                yield link(
                    _reference(longer),
                    True,
                    f".{longer[-1]}",
                    name,
                    _node_class(longer),
                    _type_definition(longer),
                )
        for name, method in METHODS.items() if not path else ():
            qualified = ua.QualifiedName(name, 0)
            yield link(HAS_COMPONENT, True, ua.NodeId(method), qualified, ua.NodeClass.Method)

    def _bare(self, row: int) -> NodeData:
        definition, _ = self._index.locate(row)
        node_id = self._assets.node_id(self._assets.at + self._index.identifier(row))
        return nodes.object_node(node_id, self._qualified(definition.name), definition.advice)

    def _bare_member(self, row: int, path: Path) -> NodeData:
        identifier = f"{self._assets.at}{self._index.identifier(row)}.{'.'.join(path)}"
        node_id = self._assets.node_id(identifier)
        name = ua.QualifiedName(path[-1], 0)
        if path == (_LIMIT_STATE,):
            return nodes.object_node(node_id, name)
        kind = _TYPES.get(path[-1], Type.LocalizedText)
        if path[-2:] == ("CurrentState", "Id"):
            kind = Type.NodeId
        value = nodes.live(lambda: self._read(row, path))
        rank = 1 if path[-1] in _ARRAYS else -1
        return nodes.variable_node(node_id, name, ua.NodeId(kind.value), value, rank=rank)

    def _read(self, row: int, path: Path) -> ua.DataValue:
        now = ua.win_epoch_to_datetime(now_ticks())
        event = self._event(row)
        if event is None:  # Part 9, 5.5.2, of the EnabledState
            return ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadConditionDisabled), now, now)
        return ua.DataValue(event.value(path), ua.StatusCode(), now, now)


def _node_class(path: Path) -> ua.NodeClass:
    """NodeClass of a member; of the condition itself where the path is empty."""
    return ua.NodeClass.Object if not path or path == (_LIMIT_STATE,) else ua.NodeClass.Variable


def _type_definition(path: Path) -> ua.NodeId:
    if path == (_LIMIT_STATE,):
        return ua.NodeId(Ids.ExclusiveLimitStateMachineType)
    if path[-1] == "CurrentState":
        return ua.NodeId(Ids.FiniteStateVariableType)
    if len(path) == 1 and path[0] in _STATES:
        return ua.NodeId(Ids.TwoStateVariableType)
    if len(path) == 1 and path[0] in _CONDITION_VARIABLES:
        return ua.NodeId(Ids.ConditionVariableType)
    return ua.NodeId(Ids.PropertyType)


def _reference(path: Path) -> ua.NodeId:
    is_property = _type_definition(path).Identifier == Ids.PropertyType
    return HAS_PROPERTY if is_property else HAS_COMPONENT
