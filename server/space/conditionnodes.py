"""The nodes of conditions, made when somebody looks: `…/J07#TemperatureHigh`, its states and limits.

Members are those of `conditionmembers`; a member's value is what the condition's event would tell now.
Methods are those of the types: a client calls them on the instance (Part 9, 5.5.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from asyncua import ua

from nodeset.fleet import AssetType
from server.alarms.definition import AlarmDef
from server.alarms.events import ConditionEvent
from server.alarms.standardtypes import TYPE_OF
from server.alarms.table import AlarmTable
from server.events.event import NULL, Path
from server.protocol.stack import NodeData
from server.protocol.wire import now_ticks, now_us
from server.space import conditionmembers as cm
from server.space import nodes
from server.space.assetnodes import AssetNodes, to_type
from server.space.links import Link, LinkedNode, Shape, View, link
from server.space.nodes import HAS_COMPONENT, HAS_CONDITION

S = ua.StatusCodes
NodeClass = ua.NodeClass

# What a condition that is disabled does not know (Part 9, 5.5.2).
_EVALUATED: Final = frozenset({"ActiveState", "AckedState", "ConfirmedState", "LimitState", "Quality"})
_UNSHELVE_TIME: Final = (*cm.SHELVING_STATE, "UnshelveTime")


class ConditionNodes:
    """Makes nodes of the conditions of `assets`; `event` tells what a condition's event would be now.

    None says that there is nothing to tell, and that the condition is as good as disabled.
    """

    def __init__(
        self, table: AlarmTable, assets: AssetNodes, event: Callable[[int], ConditionEvent | None]
    ) -> None:
        self._index = table.index
        self._assets = assets
        self._event = event
        self._shapes: dict[tuple[ua.NodeId, tuple[Path, ...], Path], Shape] = {}

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier with a `#`, or None where there is none."""
        found = self._find(identifier)
        if found is None:
            return None
        row, path = found
        node = self._bare_member(row, path) if path else self._bare(row)
        return LinkedNode.of(node, lambda: self._view(identifier, row, path).structures())

    def view(self, identifier: str) -> View | None:
        """The references of an identifier's node, or None where there is none."""
        found = self._find(identifier)
        return None if found is None else self._view(identifier, *found)

    def _find(self, identifier: str) -> tuple[int, Path] | None:
        """Row of the condition that an identifier is of, and browse path of its member."""
        asset, hash_sign, rest = identifier.partition("#")
        at = self._assets.at
        if not hash_sign or not asset.startswith(at):
            return None
        condition, _, member = rest.partition(".")
        row = self._index.row(asset.removeprefix(at), condition)
        if row is None:
            return None
        path = tuple(member.split(".")) if member else ()
        if path and path not in cm.all_members(self._index.locate(row)[0]):
            return None
        return row, path

    def links_from(self, asset: AssetType) -> list[Link]:
        """HasCondition links of an asset of a type to its conditions."""
        return [
            link(
                HAS_CONDITION, True, f"#{d.name}", self._qualified(d.name), NodeClass.Object, TYPE_OF[d.type]
            )
            for d in self._index.defs
            if d.asset is asset
        ]

    # -- references

    def _qualified(self, name: str) -> ua.QualifiedName:
        return ua.QualifiedName(name, self._assets.node_id("").NamespaceIndex)

    def _view(self, identifier: str, row: int, path: Path) -> View:
        definition, i = self._index.locate(row)
        shape = self._shape(definition, path)
        if not path:
            above = self._assets.to_asset(HAS_CONDITION, definition.asset, i)
            return View(shape, identifier.encode(), (above,))
        condition = identifier[: identifier.index("#")] + f"#{definition.name}"
        own = [self._to_owner(definition, condition, path), *self._to_states(definition, condition, path)]
        return View(shape, identifier.encode(), own)

    def _to_owner(self, definition: AlarmDef, condition: str, path: Path) -> Link:
        """From a member to what it is part of."""
        reference, above = cm.reference(path), path[:-1]
        if not above:
            target, name = self._assets.node_id(condition), self._qualified(definition.name)
            return link(reference, False, target, name, NodeClass.Object, TYPE_OF[definition.type])
        return self._to_member(reference, False, condition, above)

    def _to_states(self, definition: AlarmDef, condition: str, path: Path) -> Iterator[Link]:
        for forward, other in cm.sub_states(path, cm.all_members(definition)):
            yield self._to_member(cm.HAS_TRUE_SUB_STATE, forward, condition, other)

    def _to_member(self, reference: ua.NodeId, forward: bool, condition: str, path: Path) -> Link:
        target, name = self._assets.node_id(".".join((condition, *path))), ua.QualifiedName(path[-1], 0)
        return link(reference, forward, target, name, _node_class(path), cm.type_definition(path))

    def _shape(self, definition: AlarmDef, path: Path) -> Shape:
        """Type, members and methods: alike for all conditions with the same."""
        kind, paths = TYPE_OF[definition.type], cm.all_members(definition)
        found = self._shapes.get((kind, paths, path))
        if found is None:
            shape = Shape(self._links(definition, paths, path), self._assets.prefix)
            found = self._shapes[kind, paths, path] = shape
        return found

    def _links(self, definition: AlarmDef, paths: tuple[Path, ...], path: Path) -> Iterator[Link]:
        kind = NodeClass.ObjectType if cm.is_object(path) else NodeClass.VariableType
        yield to_type(cm.type_definition(path) if path else TYPE_OF[definition.type], kind)
        for longer in paths:
            if len(longer) == len(path) + 1 and longer[:-1] == path:
                name, type_id = ua.QualifiedName(longer[-1], 0), cm.type_definition(longer)
                yield link(cm.reference(longer), True, f".{longer[-1]}", name, _node_class(longer), type_id)
        for name, method in cm.methods(definition, path).items():
            yield link(HAS_COMPONENT, True, ua.NodeId(method), ua.QualifiedName(name, 0), NodeClass.Method)

    # -- nodes

    def _bare(self, row: int) -> NodeData:
        definition, _ = self._index.locate(row)
        node_id = self._assets.node_id(self._assets.at + self._index.identifier(row))
        return nodes.object_node(node_id, self._qualified(definition.name), definition.advice)

    def _bare_member(self, row: int, path: Path) -> NodeData:
        identifier = f"{self._assets.at}{self._index.identifier(row)}.{'.'.join(path)}"
        node_id, name = self._assets.node_id(identifier), ua.QualifiedName(path[-1], 0)
        if cm.is_object(path):
            return nodes.object_node(node_id, name)
        value = nodes.live(lambda: self._read(row, path))
        return nodes.variable_node(node_id, name, cm.data_type(path), value, rank=cm.rank(path))

    def _read(self, row: int, path: Path) -> ua.DataValue:
        """A member's value now; since when it is so is the time of the condition's last event."""
        now = ua.win_epoch_to_datetime(now_ticks())
        event = self._event(row)
        if event is None or (path[0] in _EVALUATED and not event.state.enabled):
            return ua.DataValue(None, ua.StatusCode(S.BadConditionDisabled), now, now)
        if path[0] == "LimitState" and not event.state.level:  # of a state that is not (Part 16, 4.4.6)
            return ua.DataValue(NULL, ua.StatusCode(S.BadStateNotActive), now, now)
        if path == _UNSHELVE_TIME:
            return ua.DataValue(event.unshelve_time(now_us()), ua.StatusCode(), now, now)
        return ua.DataValue(event.value(path), ua.StatusCode(), now, now)


def _node_class(path: Path) -> ua.NodeClass:
    """NodeClass of a member."""
    return NodeClass.Object if cm.is_object(path) else NodeClass.Variable
