"""All nodes of the server: the standard ones, our types, the few fixed objects, and the virtual fleet.

A node of the fleet exists only while somebody looks at it, plus a little longer in a cache. Whoever
can make nodes from an identifier (`AssetNodes`, the conditions) is asked in turn.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from asyncua import ua

from nodeset.methods import METHODS, ArgumentDef, MethodDef
from nodeset.types import ANALYTICS_TYPE, AUDIT_TYPE, SIMULATION_TYPE
from server.protocol.stack import NodeData, NodeTable
from server.space import nodes
from server.space.assetnodes import AssetNodes
from server.space.nodes import A

Ids = ua.ObjectIds
Maker = Callable[[str], NodeData | None]
# Takes a value that a client writes; the StatusCode of the outcome.
Writer = Callable[[Any], int]

CACHED_NODES: Final = 4096
_OBJECTS: Final = {"Simulation": SIMULATION_TYPE, "Analytics": ANALYTICS_TYPE, "Audit": AUDIT_TYPE}


class AddressSpace:
    """Nodes by their id."""

    def __init__(
        self, standard: dict[ua.NodeId, NodeData], assets: AssetNodes, makers: Iterable[Maker]
    ) -> None:
        self._cache: OrderedDict[str, NodeData] = OrderedDict()
        self._makers = [assets.make, *makers]
        self._assets = assets
        self._namespace = assets.node_id("").NamespaceIndex
        self.executable: set[ua.NodeId] = set()  # methods that somebody answers
        self.writers: dict[ua.NodeId, Writer] = {}
        self.nodes = NodeTable(standard, self._resolve)
        self.is_subtype = cache(self._is_subtype)
        self.subtypes = cache(self._subtypes)
        self._add_fixed_objects()

    def get(self, node_id: ua.NodeId) -> NodeData | None:
        """The node, or None."""
        node: NodeData | None = self.nodes.get(node_id)
        return node

    def _resolve(self, node_id: ua.NodeId) -> NodeData | None:
        if node_id.NamespaceIndex != self._namespace or not isinstance(node_id.Identifier, str):
            return None
        identifier = node_id.Identifier
        node = self._cache.get(identifier)
        if node is not None:
            self._cache.move_to_end(identifier)
            return node
        for make in self._makers:
            node = make(identifier)
            if node is not None:
                break
        if node is None:
            return None
        self._cache[identifier] = node
        if len(self._cache) > CACHED_NODES:
            self._cache.popitem(last=False)
        return node

    # -- types

    def _is_subtype(self, kind: ua.NodeId, base: ua.NodeId) -> bool:
        return kind == base or kind in self.subtypes(base)

    def _subtypes(self, base: ua.NodeId) -> frozenset[ua.NodeId]:
        """All types below `base`."""
        found: set[ua.NodeId] = set()
        open_types = [base]
        while open_types:
            node = self.get(open_types.pop())
            for ref in node.references if node is not None else ():
                subtype = ref.IsForward and ref.ReferenceTypeId.Identifier == Ids.HasSubtype
                if subtype and ref.NodeId not in found:
                    found.add(ref.NodeId)
                    open_types.append(ref.NodeId)
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
        server.attributes[A.EventNotifier] = nodes.constant(nodes.SUBSCRIBE_TO_EVENTS, nodes.VT.Byte)
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
        value = ua.Variant([_argument(a) for a in arguments], nodes.VT.ExtensionObject)
        node = nodes.variable_node(
            self._assets.node_id(identifier),
            ua.QualifiedName(name, 0),
            ua.NodeId(Ids.Argument),
            nodes.fixed(ua.DataValue(value)),
            rank=1,
        )
        nodes.connect(node, nodes.HAS_TYPE, self.nodes[nodes.PROPERTY_TYPE])
        return node

    def _keep(self, node: NodeData) -> None:
        dict.__setitem__(self.nodes, node.nodeid, node)

    def set_reader(self, node_id: int, read: nodes.Reader) -> None:
        """Let a standard variable be worked out whenever it is read."""
        self.nodes[ua.NodeId(node_id)].attributes[A.Value] = nodes.live(read)

    def set_writer(self, node_id: int, write: Writer) -> None:
        """Let clients write a standard variable; `write` gets values of its data type and rank."""
        self.writers[ua.NodeId(node_id)] = write

    def set_value(self, node_id: int, value: Any, kind: ua.VariantType) -> None:
        """Give a standard variable its value."""
        self.nodes[ua.NodeId(node_id)].attributes[A.Value] = nodes.constant(value, kind)


def _argument(definition: ArgumentDef) -> ua.Argument:
    argument = ua.Argument()
    argument.Name = definition.name
    argument.DataType = ua.NodeId(definition.data_type.value)
    argument.ValueRank = 1 if definition.array else -1
    argument.ArrayDimensions = [0] if definition.array else []
    argument.Description = ua.LocalizedText(definition.description)
    return argument
