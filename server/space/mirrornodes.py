"""Where the mirror hangs in the address space: below the Simulation object, which tells its events (S6)."""

from __future__ import annotations

from asyncua import ua

from nodeset.fleet import AssetType
from nodeset.types import SIMULATION_TYPE, type_of
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.assetnodes import AssetNodes
from server.space.links import link
from server.space.nodes import HAS_COMPONENT, HAS_NOTIFIER


def connect_mirror(space: AddressSpace, assets: AssetNodes, mirror: AssetNodes) -> None:
    """Both ends of the references between the Simulation object and the mirror as a whole."""
    simulation = space.nodes[assets.node_id("Simulation")]
    name, kind = simulation.attributes[nodes.A.BrowseName].value.Value.Value, assets.type_id(SIMULATION_TYPE)
    whole = mirror.asset_only(AssetType.FLEET, 0)
    fleet_type = assets.type_id(type_of(AssetType.FLEET))
    for reference in (HAS_COMPONENT, HAS_NOTIFIER):
        simulation.references.append(nodes.reference(reference, whole, True, fleet_type))
    mirror.root_links = tuple(
        link(reference, False, simulation.nodeid, name, ua.NodeClass.Object, kind)
        for reference in (HAS_COMPONENT, HAS_NOTIFIER)
    )
