"""The nodes of conditions, made when somebody looks: `…/J07#TemperatureHigh`, its states and limits.

Members are those of `server.alarms.events`; a member's value is what the condition's event would tell
now. Methods are those of the types: a client calls them on the instance (Part 9, 5.5.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asyncua import ua

from nodeset.fleet import AssetType
from server.alarms.events import ALARM_TYPE, ConditionEvent, fields_of_conditions
from server.alarms.table import AlarmTable
from server.events.event import Path, Type
from server.protocol.stack import NodeData
from server.protocol.wire import now_ticks
from server.space import nodes
from server.space.assetnodes import AssetNodes
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
# Data types by the member's name; what is not here is a LocalizedText.
_TYPES: Final = {
    **dict.fromkeys(("EventId",), Type.ByteString),
    **dict.fromkeys(("EventType", "SourceNode", "ConditionClassId", "BranchId", "InputNode"), Type.NodeId),
    **dict.fromkeys(("SourceName", "ConditionName", "ClientUserId"), Type.String),
    **dict.fromkeys(("Time", "ReceiveTime", "TransitionTime", "SourceTimestamp"), Type.DateTime),
    **dict.fromkeys(("Severity", "LastSeverity"), Type.UInt16),
    **dict.fromkeys(("Retain", "SuppressedOrShelved", "Id"), Type.Boolean),
    **dict.fromkeys(("OnDelay", "OffDelay"), Type.Double),
    **dict.fromkeys(("HighHighLimit", "HighLimit", "LowLimit", "LowLowLimit"), Type.Double),
    "Quality": Type.StatusCode,
}


class ConditionNodes:
    """Makes nodes of conditions; `event` tells what a condition's event would be now."""

    def __init__(self, table: AlarmTable, assets: AssetNodes, event: Callable[[int], ConditionEvent]) -> None:
        self._index = table.index
        self._table = table
        self._assets = assets
        self._event = event
        self._paths = (*fields_of_conditions(), (_LIMIT_STATE,))

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier with a `#`, or None where there is none."""
        name, hash_sign, rest = identifier.partition("#")
        if not hash_sign:
            return None
        condition, _, member = rest.partition(".")
        row = self._index.row(name, condition)
        if row is None:
            return None
        if not member:
            return self._condition(row)
        path = tuple(member.split("."))
        return self._member(row, path) if path in self._paths else None

    def references_from(self, asset: AssetType, i: int) -> list[ua.ReferenceDescription]:
        """HasCondition references of an asset to its conditions."""
        path = self._index.fleet.assets(asset)[i].path
        refs = []
        for name in self._index.names_of(asset):
            row = self._index.row(path, name)
            assert row is not None
            refs.append(nodes.reference(HAS_CONDITION, self._bare(row), True, ALARM_TYPE))
        return refs

    def _bare(self, row: int) -> NodeData:
        definition, _ = self._index.locate(row)
        name = ua.QualifiedName(definition.name, self._assets.node_id("").NamespaceIndex)
        return nodes.object_node(self._assets.node_id(self._index.identifier(row)), name, definition.advice)

    def _condition(self, row: int) -> NodeData:
        node = self._bare(row)
        definition, i = self._index.locate(row)
        node.references = [
            nodes.typed(ALARM_TYPE, ua.NodeClass.ObjectType),
            nodes.reference(HAS_CONDITION, self._assets.asset_only(definition.asset, i), False),
        ]
        node.references += [self._to_member(row, path) for path in self._paths if len(path) == 1]
        for name, method in METHODS.items():
            qualified = ua.QualifiedName(name, 0)
            target = nodes.method_node(ua.NodeId(method), qualified)
            node.references.append(nodes.reference(HAS_COMPONENT, target, True))
        return node

    def _member(self, row: int, path: Path) -> NodeData:
        node = self._bare_member(row, path)
        is_object = path == (_LIMIT_STATE,)
        node_class = ua.NodeClass.ObjectType if is_object else ua.NodeClass.VariableType
        node.references.append(nodes.typed(_type_definition(path), node_class))
        parent = self._bare(row) if len(path) == 1 else self._bare_member(row, path[:-1])
        node.references.append(nodes.reference(_reference(path), parent, False))
        for longer in self._paths:
            if len(longer) == len(path) + 1 and longer[:-1] == path:
                node.references.append(self._to_member(row, longer))
        return node

    def _bare_member(self, row: int, path: Path) -> NodeData:
        node_id = self._assets.node_id(f"{self._index.identifier(row)}.{'.'.join(path)}")
        name = ua.QualifiedName(path[-1], 0)
        if path == (_LIMIT_STATE,):
            return nodes.object_node(node_id, name)
        kind = _TYPES.get(path[-1], Type.LocalizedText)
        if path[-2:] == ("CurrentState", "Id"):
            kind = Type.NodeId
        return nodes.variable_node(
            node_id, name, ua.NodeId(kind.value), nodes.live(lambda: self._read(row, path))
        )

    def _read(self, row: int, path: Path) -> ua.DataValue:
        now = ua.win_epoch_to_datetime(now_ticks())
        return ua.DataValue(self._event(row).value(path), ua.StatusCode(), now, now)

    def _to_member(self, row: int, path: Path) -> ua.ReferenceDescription:
        member = self._bare_member(row, path)
        return nodes.reference(_reference(path), member, True, _type_definition(path))


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
