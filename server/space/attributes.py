"""The attributes of a node for the session that asks (Part 3, 5): those it keeps, and those worked out.

What depends on the user, and what every node has alike, is in no node: thousands of them stay small.
"""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from server.protocol.datavalues import bad
from server.protocol.sessions import Session
from server.protocol.stack import NodeData
from server.security.permissions import Permission, Permissions, Profile
from server.space.addressspace import AddressSpace
from server.space.typedefinitions import definition
from server.space.writablerows import WritableRows

S = ua.StatusCodes
A = ua.AttributeIds
VT = ua.VariantType
Ids = ua.ObjectIds
NodeClass = ua.NodeClass

# Bits of AccessLevelType (Part 3, 8.57).
_READ: Final = 1 << 0
_WRITE: Final = 1 << 1
_HISTORY_READ: Final = 1 << 2
_HISTORY_WRITE: Final = 1 << 3
_RIGHTS: Final = (
    (_READ, Permission.READ),
    (_WRITE, Permission.WRITE),
    (_HISTORY_READ, Permission.READ_HISTORY),
    (_HISTORY_WRITE, Permission.INSERT_HISTORY | Permission.MODIFY_HISTORY | Permission.DELETE_HISTORY),
)
# Attributes of all classes (Part 3, 5.2) and of one.
_EVERYWHERE: Final = frozenset(
    {
        A.WriteMask,
        A.UserWriteMask,
        A.RolePermissions,
        A.UserRolePermissions,
        A.AccessRestrictions,
    }
)
_LEVELS: Final = frozenset({A.AccessLevel, A.UserAccessLevel, A.AccessLevelEx})
_EXECUTION: Final = frozenset({A.Executable, A.UserExecutable})
# Optional attributes of types, which asyncua keeps as a null.
_OPTIONAL: Final = {
    NodeClass.VariableType: frozenset({A.Value, A.ArrayDimensions}),
    NodeClass.ReferenceType: frozenset({A.InverseName}),
}


class Attributes:
    """Reads attributes."""

    def __init__(self, space: AddressSpace, permissions: Permissions, set_points: WritableRows) -> None:
        self._space = space
        self._permissions = permissions
        self._set_points = set_points

    def read(self, node: NodeData, attribute: int, session: Session) -> ua.DataValue:
        """The value of an attribute, or the StatusCode with which it is refused (Part 4, 5.11.2.4)."""
        node_class = class_of(node)
        if attribute == A.Value and node_class is NodeClass.Variable:
            code = self.read_refusal(node, session)
            if code:
                return bad(code)
            by_role = self._space.role_readers.get(node.nodeid)
            return _kept(node, A.Value) if by_role is None else by_role(session.user.role)
        if attribute in _EVERYWHERE:
            return self._common(node, node_class, attribute, session)
        if attribute in _LEVELS and node_class is NodeClass.Variable:
            return self._access_level(node, attribute, session)
        if attribute in _EXECUTION and node_class is NodeClass.Method:
            return self._execution(node, attribute, session)
        if attribute == A.DataTypeDefinition and node_class is NodeClass.DataType:
            return _data_type_definition(node)
        return _plain(node, node_class, attribute)

    def has(self, node: NodeData, attribute: int) -> bool:
        """Whether nodes of this one's class can have an attribute."""
        node_class = class_of(node)
        return (
            attribute in node.attributes
            or attribute in _EVERYWHERE
            or (attribute in _LEVELS and node_class is NodeClass.Variable)
        )

    def read_refusal(self, node: NodeData, session: Session) -> int:
        """The StatusCode with which a session may not read a variable's value, or 0."""
        if not _level(node) & _READ:
            return int(S.BadNotReadable)
        profile = self._permissions.profile_for(node.nodeid, session)
        return self._permissions.refusal(profile, session, Permission.READ)

    def write_refusal(self, node: NodeData, session: Session) -> int:
        """The StatusCode with which a session may not write a variable's value, or 0."""
        if class_of(node) is not NodeClass.Variable or not self.access_level(node) & _WRITE:
            return int(S.BadNotWritable)
        profile = self._permissions.profile(node.nodeid)
        return self._permissions.refusal(profile, session, Permission.WRITE)

    def access_level(self, node: NodeData) -> int:
        """AccessLevel of a variable: only what somebody takes values for can be written."""
        level = _level(node)
        settable = (
            node.nodeid in self._space.writers
            or self._set_points.row(node.nodeid) is not None
            or self._space.setting(node.nodeid) is not None
        )
        return level | _WRITE if settable else level & ~_WRITE

    def _access_level(self, node: NodeData, attribute: int, session: Session) -> ua.DataValue:
        level = self.access_level(node)
        if attribute == A.UserAccessLevel:
            granted = self._granted(self._permissions.profile_for(node.nodeid, session), session)
            for bit, permission in _RIGHTS:
                if not granted & permission:
                    level &= ~bit
        return _value(level, VT.UInt32 if attribute == A.AccessLevelEx else VT.Byte)

    def _execution(self, node: NodeData, attribute: int, session: Session) -> ua.DataValue:
        """A method that nobody answers is not executable."""
        executable = node.nodeid in self._space.executable
        if attribute == A.UserExecutable and executable:
            profile = self._permissions.profile(node.nodeid)
            executable = bool(self._granted(profile, session) & Permission.CALL)
        return _value(executable, VT.Boolean)

    def _common(
        self, node: NodeData, node_class: ua.NodeClass, attribute: int, session: Session
    ) -> ua.DataValue:
        if attribute in (A.WriteMask, A.UserWriteMask):  # no attribute but Value can be written
            return _value(0, VT.UInt32)
        permissions, profile = self._permissions, self._permissions.profile(node.nodeid)
        if attribute == A.AccessRestrictions:
            return _value(int(permissions.restriction(profile)), VT.UInt16)
        if attribute == A.UserRolePermissions:
            role, profile = session.user.role, permissions.profile_for(node.nodeid, session)
            return _structures(permissions.user_role_permissions(profile, node_class, role))
        if not self._granted(profile, session) & Permission.READ_ROLE_PERMISSIONS:
            return bad(S.BadUserAccessDenied)
        return _structures(permissions.role_permissions(profile, node_class))

    def _granted(self, profile: Profile, session: Session) -> Permission:
        return self._permissions.granted(profile, session.user.role)


def class_of(node: NodeData) -> ua.NodeClass:
    """The class of a node."""
    return ua.NodeClass(node.attributes[A.NodeClass].value.Value.Value)


def _level(node: NodeData) -> int:
    """AccessLevel as the node keeps it: who takes values is asked where that matters."""
    return int(node.attributes[A.AccessLevel].value.Value.Value)


def _kept(node: NodeData, attribute: int) -> ua.DataValue:
    kept = node.attributes[A(attribute)]
    if kept.value_callback is not None:
        return kept.value_callback(node.nodeid, A(attribute))
    assert kept.value is not None
    return kept.value


def _plain(node: NodeData, node_class: ua.NodeClass, attribute: int) -> ua.DataValue:
    if attribute not in node.attributes:
        return bad(S.BadAttributeIdInvalid)
    value = _kept(node, attribute)
    if attribute in _OPTIONAL.get(node_class, ()) and _is_null(value.Value.Value):
        return bad(S.BadAttributeIdInvalid)
    return value


def _is_null(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, ua.LocalizedText) and value.Text is None)


def _data_type_definition(node: NodeData) -> ua.DataValue:
    kept = node.attributes.get(A.DataTypeDefinition)
    if kept is not None and kept.value is not None and kept.value.Value.Value is not None:
        return kept.value
    found = definition(node.nodeid)
    return bad(S.BadAttributeIdInvalid) if found is None else _value(found, VT.ExtensionObject)


def _value(value: Any, kind: ua.VariantType) -> ua.DataValue:
    return ua.DataValue(ua.Variant(value, kind))


def _structures(values: list[Any]) -> ua.DataValue:
    return ua.DataValue(ua.Variant(values, VT.ExtensionObject, is_array=True))
