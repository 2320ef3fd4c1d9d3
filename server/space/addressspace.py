"""All nodes of the server: the standard ones, our types, the few fixed objects, and the virtual fleet.

A node exists only while somebody looks at it, plus a little longer in a cache: a standard one is unpacked
from the `NodeStore`, one of the fleet is made by whoever can make nodes from its identifier (`AssetNodes`,
the conditions). The few that are changed at run time are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Any, Final, Protocol

from asyncua import ua

from nodeset.methods import METHODS
from nodeset.methods.method import ArgumentDef, MethodDef
from nodeset.structures import StructureDef
from nodeset.types import (
    ALARM_MANAGEMENT_TYPE,
    ANALYTICS_TYPE,
    AUDIT_TYPE,
    HISTORIAN_TYPE,
    MAINTENANCE_TYPE,
    SIMULATION_TYPE,
)
from server.protocol.decoder import node_id as node_id_of
from server.protocol.stack import Buffer, NodeData, nodeid_from_binary, nodeid_to_binary
from server.security.users import Role
from server.space import nodes
from server.space.assetnodes import AssetNodes
from server.space.links import NO_SHAPE, View, link_of
from server.space.nodes import A
from server.space.nodestore import NodeStore

Ids = ua.ObjectIds
# Takes a value that a client writes; the StatusCode of the outcome.
Writer = Callable[[Any], int]
# The same from a user, of a variable that is made when somebody looks.
SettingWriter = Callable[[Any, str], Awaitable[int]]

OWN_NAMESPACE: Final = 1  # of the server itself (Part 3, 8.2.2)
CACHED_NODES: Final = 4096
CACHED_LINKS: Final = 256
_OBJECTS: Final = {
    "Alarms": ALARM_MANAGEMENT_TYPE,
    "Simulation": SIMULATION_TYPE,
    "Analytics": ANALYTICS_TYPE,
    "Maintenance": MAINTENANCE_TYPE,
    "Audit": AUDIT_TYPE,
    "Historian": HISTORIAN_TYPE,
}


class Source(Protocol):
    """Makes nodes of the fleet's namespace by their identifiers, and tells their references."""

    def make(self, identifier: str) -> NodeData | None:
        """The node, or None where there is none."""

    def view(self, identifier: str) -> View | None:
        """Its references, or None where there is none."""


class _KeptNodes(dict[ua.NodeId, NodeData]):
    """Nodes that stay as they are, because somebody has changed them or might; others are made anew."""

    def __init__(self, store: NodeStore) -> None:
        super().__init__()
        self._store = store
        self.encoded: set[bytes] = set()  # their NodeIds

    def __setitem__(self, key: ua.NodeId, node: NodeData) -> None:
        super().__setitem__(key, node)
        self.encoded.add(nodeid_to_binary(key))

    def __delitem__(self, key: ua.NodeId) -> None:
        super().__delitem__(key)
        self.encoded.discard(nodeid_to_binary(key))

    def __missing__(self, key: ua.NodeId) -> NodeData:
        node = self._store.node(key)
        if node is None:
            raise KeyError(key)
        self[key] = node
        return node


class AddressSpace:
    """Nodes by their id. What `get` gives is for reading; whoever changes a node takes it from `nodes`."""

    def __init__(self, store: NodeStore, assets: AssetNodes, sources: Iterable[Source]) -> None:
        self._store = store
        self._made: OrderedDict[ua.NodeId, NodeData] = OrderedDict()
        self._links: OrderedDict[ua.NodeId, View] = OrderedDict()
        self._sources: list[Source] = [assets, *sources]
        self._assets = assets
        self._namespace = assets.node_id("").NamespaceIndex
        # Makes nodes of the server's own namespace, which come and go: they are never kept.
        self.passing: Callable[[ua.NodeId], NodeData | None] = lambda node_id: None
        self.executable: set[ua.NodeId] = set()  # methods that somebody answers
        self.writers: dict[ua.NodeId, Writer] = {}
        # Who takes what engineers write to a variable of the fleet's namespace with this identifier.
        self.setting_writer: Callable[[str], SettingWriter | None] = lambda identifier: None
        # Variables whose value depends on the role of who reads them.
        self.role_readers: dict[ua.NodeId, Callable[[Role], ua.DataValue]] = {}
        self.nodes: dict[ua.NodeId, NodeData] = (kept := _KeptNodes(store))
        self._kept = kept.encoded
        # The text that a registered node's number stands for.
        self.registered: Callable[[int], str | None] = lambda number: None
        self.is_subtype = cache(self._is_subtype)
        self.subtypes = cache(self._subtypes)
        self._add_fixed_objects()

    def get(self, node_id: ua.NodeId) -> NodeData | None:
        """The node, or None."""
        kept = dict.get(self.nodes, node_id)
        if kept is not None:
            return kept
        if node_id.NamespaceIndex == OWN_NAMESPACE:
            return self._store.node(node_id) or self.passing(node_id)
        made = self._made.get(node_id)
        if made is not None:
            self._made.move_to_end(node_id)
            return made
        node = self._make(node_id)
        if node is not None:
            self._made[node_id] = node
            if len(self._made) > CACHED_NODES:
                self._made.popitem(last=False)
        return node

    def _make(self, node_id: ua.NodeId) -> NodeData | None:
        if node_id.NamespaceIndex != self._namespace:
            return self._store.node(node_id)
        identifier = self._identifier(node_id)
        if identifier is None:
            return None
        if identifier is not node_id.Identifier:
            return self.get(self._assets.node_id(identifier))
        found = (source.make(identifier) for source in self._sources)
        return next((node for node in found if node is not None), None)

    def _identifier(self, node_id: ua.NodeId) -> str | None:
        """Text of a NodeId of the fleet's namespace, or of the node that a number is registered for."""
        identifier = node_id.Identifier
        if isinstance(identifier, int):
            return self.registered(identifier)
        return identifier if isinstance(identifier, str) else None

    def __contains__(self, node_id: ua.NodeId) -> bool:
        return self.view(node_id) is not None

    def setting(self, node_id: ua.NodeId) -> SettingWriter | None:
        """Who takes what engineers write to a variable; None where it is no setting."""
        identifier = node_id.Identifier
        if node_id.NamespaceIndex != self._namespace or not isinstance(identifier, str):
            return None
        return self.setting_writer(identifier)

    # -- references

    def view(self, node_id: ua.NodeId) -> View | None:
        """The references of a node, or None where there is no such node."""
        kept = dict.get(self.nodes, node_id)
        if kept is not None:
            return View(NO_SHAPE, b"", [link_of(ref) for ref in kept.references])
        if node_id.NamespaceIndex == OWN_NAMESPACE:
            node = self.get(node_id)
            return None if node is None else View(NO_SHAPE, b"", [link_of(ref) for ref in node.references])
        if node_id.NamespaceIndex != self._namespace:
            return self._stored(node_id)
        identifier = self._identifier(node_id)
        if identifier is None:
            return None
        if identifier is not node_id.Identifier:
            return self.view(self._assets.node_id(identifier))
        return self._virtual(identifier)

    def _virtual(self, identifier: str) -> View | None:
        for source in self._sources:
            view = source.view(identifier)
            if view is not None:
                return view
        return None

    def view_at(self, node_id: bytes) -> View | None:
        """The references of the node of an encoded NodeId; raises `UnicodeDecodeError`."""
        if node_id.startswith(self._assets.prefix) and node_id not in self._kept:
            return self._virtual(node_id[7:].decode())
        return self.view(node_id_of(node_id))

    def _stored(self, node_id: ua.NodeId) -> View | None:
        view = self._links.get(node_id)
        if view is None:
            links = self._store.links(node_id)
            if links is None:
                return None
            view = self._links[node_id] = View(NO_SHAPE, b"", links)
            if len(self._links) > CACHED_LINKS:
                self._links.popitem(last=False)
        return view

    def targets(self, node_id: ua.NodeId, kind: ua.NodeId, subtypes: bool) -> list[ua.NodeId]:
        """Where forward references of a type lead from a node; an unknown node has none."""
        view = self.view(node_id)
        kinds = {kind} | (self.subtypes(kind) if subtypes else frozenset())
        if view is None:
            return []
        return [
            nodeid_from_binary(Buffer(target))
            for one, target in view.targets()
            if one.forward and one.kind in kinds
        ]

    # -- types

    def reference_types(self, kind: ua.NodeId, subtypes: bool) -> frozenset[ua.NodeId] | None:
        """What a request means by a type of reference: None for all, empty for one that does not exist."""
        if kind.is_null():
            return None
        node = self.get(kind)
        if node is None or node.attributes[A.NodeClass].value.Value.Value != ua.NodeClass.ReferenceType:
            return frozenset()
        return frozenset({kind}) | (self.subtypes(kind) if subtypes else frozenset())

    def _is_subtype(self, kind: ua.NodeId, base: ua.NodeId) -> bool:
        return kind == base or kind in self.subtypes(base)

    def _subtypes(self, base: ua.NodeId) -> frozenset[ua.NodeId]:
        """All types below `base`."""
        found: set[ua.NodeId] = set()
        open_types = [base]
        while open_types:
            view = self.view(open_types.pop())
            for one, target in view.targets() if view is not None else ():
                if one.forward and one.kind == nodes.HAS_SUBTYPE:
                    subtype = nodeid_from_binary(Buffer(target))
                    if subtype not in found:
                        found.add(subtype)
                        open_types.append(subtype)
        return frozenset(found)

    # -- fixed objects

    def _add_fixed_objects(self) -> None:
        """Fleet under Objects and under the Server as notifier; the objects that carry methods."""
        fleet = self._assets.make("Fleet")
        assert fleet is not None
        fleet_type = self._assets.type_id("FleetType")
        for parent, kind in ((Ids.ObjectsFolder, nodes.ORGANIZES), (Ids.Server, nodes.HAS_NOTIFIER)):
            nodes.connect(self.nodes[ua.NodeId(parent)], kind, fleet, fleet_type)
        server = self.nodes[ua.NodeId(Ids.Server)]
        server.attributes[A.EventNotifier] = nodes.constant(nodes.TELLS_EVENTS, nodes.VT.Byte)
        for name, type_name in _OBJECTS.items():
            node = nodes.object_node(
                self._assets.node_id(name), ua.QualifiedName(name, self._types_namespace)
            )
            kind = self._assets.type_id(type_name)
            nodes.connect(node, nodes.HAS_TYPE, self.nodes[kind])
            nodes.connect(fleet, nodes.HAS_COMPONENT, node, kind)
            for method in METHODS:
                if method.owner == name:
                    self._add_method(node, method)
            self._keep(node)
        self._keep(fleet)

    @property
    def _types_namespace(self) -> int:
        return int(self._assets.type_id("").NamespaceIndex)

    def _add_method(self, owner: NodeData, definition: MethodDef) -> None:
        identifier = f"{definition.owner}.{definition.name}"
        name = ua.QualifiedName(definition.name, self._types_namespace)
        method = nodes.method_node(self._assets.node_id(identifier), name, definition.description)
        nodes.connect(owner, nodes.HAS_COMPONENT, method)
        for part, arguments in (
            ("InputArguments", definition.inputs),
            ("OutputArguments", definition.outputs),
        ):
            if arguments:
                prop = self._arguments(f"{identifier}.{part}", part, arguments)
                nodes.connect(method, nodes.HAS_PROPERTY, prop, nodes.PROPERTY_TYPE)
                self._keep(prop)
        self._keep(method)

    def _arguments(self, identifier: str, name: str, arguments: tuple[ArgumentDef, ...]) -> NodeData:
        value = ua.Variant([self._argument(a) for a in arguments], nodes.VT.ExtensionObject)
        node = nodes.variable_node(
            self._assets.node_id(identifier),
            ua.QualifiedName(name, 0),
            ua.NodeId(Ids.Argument),
            nodes.fixed(ua.DataValue(value)),
            rank=1,
        )
        nodes.connect(node, nodes.HAS_TYPE, self.nodes[nodes.PROPERTY_TYPE])
        return node

    def _argument(self, definition: ArgumentDef) -> ua.Argument:
        kind = definition.data_type
        argument = ua.Argument()
        argument.Name = definition.name
        if isinstance(kind, StructureDef):
            argument.DataType = self._assets.type_id(kind.name)
        else:
            argument.DataType = ua.NodeId(kind.value)
        argument.ValueRank = 1 if definition.array else -1
        argument.ArrayDimensions = [0] if definition.array else []
        argument.Description = ua.LocalizedText(definition.description)
        return argument

    def _keep(self, node: NodeData) -> None:
        self.nodes[node.nodeid] = node

    def remove(self, node_id: ua.NodeId) -> None:
        """Leave out an optional standard node, with its properties and the references to it."""
        for ref in self.nodes[node_id].references:
            if ref.IsForward and ref.ReferenceTypeId == nodes.HAS_PROPERTY:
                self.remove(ref.NodeId)
            elif not ref.IsForward:
                above = self.nodes[ref.NodeId]
                above.references = [other for other in above.references if other.NodeId != node_id]
        del self.nodes[node_id]
        self._store.forget(node_id)

    def set_reader(self, node_id: int, read: nodes.Reader) -> None:
        """Let a standard variable be worked out whenever it is read."""
        self.nodes[ua.NodeId(node_id)].attributes[A.Value] = nodes.live(read)

    def set_writer(self, node_id: int, write: Writer) -> None:
        """Let clients write a standard variable; `write` gets values of its data type and rank."""
        self.writers[ua.NodeId(node_id)] = write

    def set_value(self, node_id: int, value: Any, kind: ua.VariantType) -> None:
        """Give a standard variable its value."""
        self.nodes[ua.NodeId(node_id)].attributes[A.Value] = nodes.constant(value, kind)
