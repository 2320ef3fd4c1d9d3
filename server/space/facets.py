"""Instances of the standard's address space that this server does not serve, and therefore does not show.

The standard NodeSet has an instance of everything. Of what is left, a method that nobody answers is not
executable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from asyncua import ua

from server.protocol.stack import NodeData

Ids = ua.ObjectIds

NOT_SERVED: Final = frozenset(
    ua.NodeId(identifier)
    for identifier in (
        Ids.PublishSubscribe,
        Ids.Resources,
        Ids.ServerLog,
        Ids.Aliases,
        Ids.Locations,
        Ids.Dictionaries,
        Ids.Quantities,
        Ids.DefaultHAConfiguration_Definition,
        Ids.DefaultHAConfiguration_ExceptionDeviation,
        Ids.DefaultHAConfiguration_ExceptionDeviationFormat,
        Ids.DefaultHAConfiguration_MaxCountStoredValues,
        Ids.DefaultHAConfiguration_StartOfArchive,
        Ids.DefaultHAConfiguration_StartOfOnlineArchive,
        Ids.DefaultHEConfiguration,
        Ids.ServerConfiguration_ConfigurationFile,
        Ids.ServerConfiguration_TransactionDiagnostics,
        Ids.ServerConfiguration_CertificateGroups_DefaultHttpsGroup,
        Ids.ServerConfiguration_CertificateGroups_DefaultUserTokenGroup,
        Ids.KeyCredentialConfiguration,
        Ids.AuthorizationServices,
    )
)
_OWNING: Final = frozenset({Ids.HasComponent, Ids.HasProperty, Ids.HasOrderedComponent})


def served(nodes: Mapping[ua.NodeId, NodeData]) -> list[NodeData]:
    """The nodes without the instances of what is not served, and without references to those."""
    gone = _below(nodes, NOT_SERVED)
    kept = [node for node_id, node in nodes.items() if node_id not in gone]
    for node in kept:
        node.references = [ref for ref in node.references if ref.NodeId not in gone]
    return kept


def _below(nodes: Mapping[ua.NodeId, NodeData], roots: frozenset[ua.NodeId]) -> set[ua.NodeId]:
    """Some nodes with all that belongs to them."""
    found = {root for root in roots if root in nodes}
    open_nodes = list(found)
    while open_nodes:
        for ref in nodes[open_nodes.pop()].references:
            if not ref.IsForward or ref.NodeId in found or ref.ReferenceTypeId.NamespaceIndex:
                continue
            if ref.ReferenceTypeId.Identifier in _OWNING and ref.NodeId in nodes:
                found.add(ref.NodeId)
                open_nodes.append(ref.NodeId)
    return found
