"""The variables of an object of ours whose values are worked out whenever somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asyncua import ua

from nodeset.types import VariableDef
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.assetnodes import AssetNodes
from server.space.nodes import HAS_COMPONENT, HAS_TYPE


def add_variables(
    space: AddressSpace,
    assets: AssetNodes,
    name: str,
    definitions: Iterable[VariableDef],
    reader: Callable[[VariableDef], nodes.Reader],
) -> None:
    """Give the object `s=<name>` its variables."""
    owner = space.nodes[assets.node_id(name)]
    for definition in definitions:
        node = nodes.variable_node(
            assets.node_id(f"{name}.{definition.name}"),
            ua.QualifiedName(definition.name, assets.type_id("").NamespaceIndex),
            ua.NodeId(definition.data_type.value),
            nodes.live(reader(definition)),
            definition.description,
            rank=1 if definition.array else -1,
        )
        nodes.connect(node, HAS_TYPE, space.nodes[nodes.VARIABLE_TYPE])
        nodes.connect(owner, HAS_COMPONENT, node, nodes.VARIABLE_TYPE)
        space.nodes[node.nodeid] = node
