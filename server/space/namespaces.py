"""NamespaceMetadata of every namespace (Part 5, 6.3.13): whose it is, which nodes are the same everywhere."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from asyncua import ua

from nodeset.types import FLEET_URI, TYPES_URI
from server.protocol.stack import APPLICATION_URI, NodeData
from server.security.permissions import Permissions, Profile
from server.security.users import Role
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.nodes import A

Ids = ua.ObjectIds
VT = ua.VariantType
Value = tuple[Any, ua.VariantType, int, int]  # value, its type, data type and rank

_OURS: Final = (APPLICATION_URI, TYPES_URI, FLEET_URI)
_LOCAL: Final = 1  # namespace of nodes of this server alone (Part 3, 8.2.2)
_ANY_STRING: Final = "%"
_DEFAULTS: Final[dict[str, Value]] = {
    "DefaultRolePermissions": ([], VT.ExtensionObject, Ids.RolePermissionType, 1),
    "DefaultUserRolePermissions": ([], VT.ExtensionObject, Ids.RolePermissionType, 1),
    "DefaultAccessRestrictions": (0, VT.UInt16, Ids.AccessRestrictionType, -1),
}
_NULL_TIME: Final = ua.win_epoch_to_datetime(0)


def describe(space: AddressSpace, namespaces: list[str], permissions: Permissions) -> None:
    """An object for each namespace, with what asyncua does not say of those of imported NodeSets."""
    folder = space.nodes[ua.NodeId(Ids.Server_Namespaces)]
    known = {ref.BrowseName.Name: ref.NodeId for ref in folder.references if ref.IsForward}
    for index, uri in enumerate(namespaces):
        entry = space.nodes[known[uri]] if uri in known else _entry(space, index, uri, folder)
        for name, value in (_DEFAULTS | (_static(uri) if uri in _OURS else {})).items():
            _set(space, entry, f"Namespaces.{uri}.{name}", name, value)
        _tell_permissions(space, entry, index, permissions)


def _tell_permissions(space: AddressSpace, entry: NodeData, index: int, permissions: Permissions) -> None:
    """What its nodes allow that say nothing themselves: all roles to administrators, one's own to all."""
    members = {ref.BrowseName.Name: ref.NodeId for ref in entry.references if ref.IsForward}
    everybody, own = members["DefaultRolePermissions"], members["DefaultUserRolePermissions"]
    permissions.declare(everybody, Profile.ADMIN_ONLY)

    def told(role: Role) -> ua.DataValue:
        entries = permissions.default_role_permissions(index, role)
        return ua.DataValue(ua.Variant(entries, VT.ExtensionObject, is_array=True))

    space.role_readers |= {everybody: told, own: told}


def _static(uri: str) -> dict[str, Value]:
    """Nodes of the types are the same in all servers; those of a fleet are its own."""
    static = uri == TYPES_URI
    values: dict[str, Value] = {
        "NamespaceUri": (uri, VT.String, Ids.String, -1),
        "IsNamespaceSubset": (False, VT.Boolean, Ids.Boolean, -1),
        "StaticNodeIdTypes": ([int(ua.IdType.String)] if static else [], VT.Int32, Ids.IdType, 1),
        "StaticNumericNodeIdRange": ([], VT.String, Ids.NumericRange, 1),
        "StaticStringNodeIdPattern": (_ANY_STRING if static else "", VT.String, Ids.String, -1),
    }
    if not static:  # the NodeSet says it of the types
        values["NamespaceVersion"] = (version("voltkeep"), VT.String, Ids.String, -1)
        values["NamespacePublicationDate"] = (_NULL_TIME, VT.DateTime, Ids.DateTime, -1)
    return values


def _entry(space: AddressSpace, index: int, uri: str, folder: NodeData) -> NodeData:
    node = nodes.object_node(ua.NodeId(f"Namespaces.{uri}", _LOCAL), ua.QualifiedName(uri, index))
    kind = ua.NodeId(Ids.NamespaceMetadataType)
    node.references.append(nodes.typed(kind, ua.NodeClass.ObjectType))
    nodes.connect(folder, nodes.HAS_COMPONENT, node, kind)
    space.nodes[node.nodeid] = node
    return node


def _set(space: AddressSpace, entry: NodeData, identifier: str, name: str, value: Value) -> None:
    """Give a property its value, and make it where there is none."""
    data, kind, data_type, rank = value
    for ref in entry.references:
        if ref.IsForward and ref.BrowseName.Name == name:
            space.nodes[ref.NodeId].attributes[A.Value] = nodes.constant(data, kind)
            return
    node = nodes.variable_node(
        ua.NodeId(identifier, _LOCAL),
        ua.QualifiedName(name, 0),
        ua.NodeId(data_type),
        nodes.constant(data, kind),
        rank=rank,
    )
    node.references.append(nodes.typed(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType))
    nodes.connect(entry, nodes.HAS_PROPERTY, node, nodes.PROPERTY_TYPE)
    space.nodes[node.nodeid] = node
