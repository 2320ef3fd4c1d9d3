"""The nodes of diagnostics (Part 5, 6.3.3): the standard ones, and an object a session while it lives.

A session's object has the session's own NodeId (`ns=1;s=session-5`), its variables and their fields have that
NodeId and their names after a dot. Who may see them is what `Permissions` say of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from asyncua import ua

from server.protocol.sessions import Session
from server.protocol.stack import NodeData
from server.protocol.wire import now_ticks
from server.security.permissions import Permissions, Profile
from server.services.diagnostics import Diagnostics
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.nodes import HAS_COMPONENT, VT

Ids = ua.ObjectIds
S = ua.StatusCodes

_SERVER: Final = "Server_ServerDiagnostics"
_SUMMARY: Final = f"{_SERVER}_SessionsDiagnosticsSummary"
_OBJECT_TYPE: Final = ua.NodeId(Ids.SessionDiagnosticsObjectType)
_SESSION_ID: Final = re.compile(r"session-[0-9]+")
_DIAGNOSTICS, _SECURITY, _SUBSCRIPTIONS = (
    "SessionDiagnostics",
    "SessionSecurityDiagnostics",
    "SubscriptionDiagnosticsArray",
)
# Members of a session's object: type of the variable, its data type, whether it is an array.
_MEMBERS: Final = {
    _DIAGNOSTICS: (Ids.SessionDiagnosticsVariableType, Ids.SessionDiagnosticsDataType, False),
    _SECURITY: (Ids.SessionSecurityDiagnosticsType, Ids.SessionSecurityDiagnosticsDataType, False),
    _SUBSCRIPTIONS: (Ids.SubscriptionDiagnosticsArrayType, Ids.SubscriptionDiagnosticsDataType, True),
}
# Variant and data type of a field, by its annotation.
_KINDS: Final = {
    "UInt32": (VT.UInt32, Ids.UInt32),
    "Byte": (VT.String, Ids.String),  # Encoding, which asyncua takes for a Byte
    "String": (VT.String, Ids.String),
    "ByteString": (VT.ByteString, Ids.ByteString),
    "NodeId": (VT.NodeId, Ids.NodeId),
    "Duration": (VT.Double, Ids.Duration),
    "UtcTime": (VT.DateTime, Ids.UtcTime),
    "LocaleId": (VT.String, Ids.LocaleId),
    "MessageSecurityMode": (VT.Int32, Ids.MessageSecurityMode),
    "ServiceCounterDataType": (VT.ExtensionObject, Ids.ServiceCounterDataType),
    "ApplicationDescription": (VT.ExtensionObject, Ids.ApplicationDescription),
}


class _Field:
    """A field of a structure as a variable: how it is encoded."""

    def __init__(self, annotation: str) -> None:
        self.array = annotation.startswith("list[")
        name = annotation.removeprefix("list[").rstrip("]").removeprefix("ua.")
        self.variant, self.data_type = _KINDS[name]


def _fields_of(structure: Any) -> dict[str, _Field]:
    return {field.name: _Field(str(field.type).strip("'")) for field in fields(structure)}


_FIELDS: Final = {
    _DIAGNOSTICS: _fields_of(ua.SessionDiagnosticsDataType),
    _SECURITY: _fields_of(ua.SessionSecurityDiagnosticsDataType),
    _SUBSCRIPTIONS: {},
}


class _Summary(NodeData):  # type: ignore[misc]
    """The object that has a component a session, as many as there are at the moment."""

    def __init__(self, known: NodeData, sessions: Callable[[], list[ua.ReferenceDescription]]) -> None:
        self._sessions = sessions
        super().__init__(known.nodeid)  # which sets no references
        self.attributes = known.attributes
        self._fixed: list[ua.ReferenceDescription] = list(known.references)

    @property
    def references(self) -> list[ua.ReferenceDescription]:
        """All references."""
        return self._fixed + self._sessions()

    @references.setter
    def references(self, fixed: list[ua.ReferenceDescription]) -> None:
        self._fixed = fixed


class DiagnosticNodes:
    """Fills in the standard nodes, and makes those of sessions when somebody looks."""

    def __init__(self, space: AddressSpace, diagnostics: Diagnostics, permissions: Permissions) -> None:
        self._space = space
        self._diagnostics = diagnostics
        permissions.declare_all(_profile)
        permissions.declare(ua.NodeId(Ids.Server_ServerDiagnostics_EnabledFlag), Profile.ADMIN_WRITES)
        space.passing = self.make
        self._describe()

    def _describe(self) -> None:
        space, diagnostics = self._space, self._diagnostics
        self._put(f"{_SERVER}_ServerDiagnosticsSummary", lambda: _structure(diagnostics.summary()))
        for name, field in _fields_of(ua.ServerDiagnosticsSummaryDataType).items():
            self._put(f"{_SERVER}_ServerDiagnosticsSummary_{name}", self._summary_field(name, field))
        self._put(f"{_SERVER}_SubscriptionDiagnosticsArray", self._subscriptions)
        self._put(f"{_SUMMARY}_SessionDiagnosticsArray", lambda: self._all(diagnostics.session))
        self._put(
            f"{_SUMMARY}_SessionSecurityDiagnosticsArray", lambda: self._all(diagnostics.security_structure)
        )
        flag = Ids.Server_ServerDiagnostics_EnabledFlag
        space.set_reader(flag, lambda: _reading(ua.Variant(diagnostics.enabled, VT.Boolean)))
        space.set_writer(flag, self._enable)
        space.remove(ua.NodeId(Ids.Server_ServerDiagnostics_SamplingIntervalDiagnosticsArray))
        summary = ua.NodeId(getattr(Ids, _SUMMARY))
        space.nodes[summary] = _Summary(space.nodes[summary], self._to_sessions)

    def _enable(self, enabled: Any) -> int:
        self._diagnostics.enabled = bool(enabled)
        return 0

    def _put(self, name: str, read: Callable[[], ua.Variant]) -> None:
        def reading() -> ua.DataValue:
            """Part 5, 6.3.3: nothing can be read while diagnostics are off."""
            if not self._diagnostics.enabled:
                return ua.DataValue(ua.Variant(), ua.StatusCode(S.BadNotReadable))
            return _reading(read())

        self._space.set_reader(getattr(Ids, name), reading)

    def _summary_field(self, name: str, field: _Field) -> Callable[[], ua.Variant]:
        return lambda: ua.Variant(getattr(self._diagnostics.summary(), name), field.variant)

    def _subscriptions(self) -> ua.Variant:
        diagnostics = self._diagnostics
        return _structures([diagnostics.subscription(each) for each in diagnostics.subscriptions()])

    def _all(self, of: Callable[[Session], Any]) -> ua.Variant:
        return _structures([of(session) for session in self._diagnostics.sessions()])

    # -- a session's nodes

    def _to_sessions(self) -> list[ua.ReferenceDescription]:
        return [
            nodes.reference(HAS_COMPONENT, _object(session), True, _OBJECT_TYPE)
            for session in self._diagnostics.sessions()
        ]

    def make(self, node_id: ua.NodeId) -> NodeData | None:
        """The node of a session's diagnostics, or None where there is none."""
        if node_id.NamespaceIndex != 1 or not isinstance(node_id.Identifier, str):
            return None
        name, *path = node_id.Identifier.split(".")
        if not _SESSION_ID.fullmatch(name):
            return None
        known = ua.NodeId(name, 1)
        session = next((s for s in self._diagnostics.sessions() if s.id == known), None)
        if session is None:
            return None
        if not path:
            return self._session(session)
        if path[0] not in _MEMBERS:
            return None
        if len(path) == 1:
            return self._member(session, path[0])
        known_field = len(path) == 2 and path[1] in _FIELDS[path[0]]
        return self._field(session, path[0], path[1]) if known_field else None

    def _session(self, session: Session) -> NodeData:
        node = _object(session)
        node.references.append(nodes.typed(_OBJECT_TYPE, ua.NodeClass.ObjectType))
        above = self._space.nodes[ua.NodeId(getattr(Ids, _SUMMARY))]
        node.references.append(nodes.reference(HAS_COMPONENT, above, False))
        for name, (kind, _, _) in _MEMBERS.items():
            member = self._bare_member(session, name)
            node.references.append(nodes.reference(HAS_COMPONENT, member, True, ua.NodeId(kind)))
        return node

    def _member(self, session: Session, name: str) -> NodeData:
        node = self._bare_member(session, name)
        node.references.append(nodes.typed(ua.NodeId(_MEMBERS[name][0]), ua.NodeClass.VariableType))
        node.references.append(nodes.reference(HAS_COMPONENT, _object(session), False, _OBJECT_TYPE))
        for field in _FIELDS[name]:
            part = self._bare_field(session, name, field)
            node.references.append(nodes.reference(HAS_COMPONENT, part, True, nodes.VARIABLE_TYPE))
        return node

    def _field(self, session: Session, member: str, name: str) -> NodeData:
        node = self._bare_field(session, member, name)
        node.references.append(nodes.typed(nodes.VARIABLE_TYPE, ua.NodeClass.VariableType))
        node.references.append(
            nodes.reference(
                HAS_COMPONENT, self._bare_member(session, member), False, ua.NodeId(_MEMBERS[member][0])
            )
        )
        return node

    def _bare_member(self, session: Session, name: str) -> NodeData:
        _, data_type, array = _MEMBERS[name]
        read = {
            _DIAGNOSTICS: lambda: _structure(self._diagnostics.session(session)),
            _SECURITY: lambda: _structure(self._diagnostics.security_structure(session)),
            _SUBSCRIPTIONS: lambda: _structures(
                [self._diagnostics.subscription(each) for each in session.subscriptions.values()]
            ),
        }[name]
        return self._variable(session, name, data_type, read, array)

    def _bare_field(self, session: Session, member: str, name: str) -> NodeData:
        field = _FIELDS[member][name]

        def read() -> ua.Variant:
            if member == _SECURITY:
                return ua.Variant(self._diagnostics.security(session)[name], field.variant)
            return ua.Variant(getattr(self._diagnostics.session(session), name), field.variant)

        return self._variable(session, f"{member}.{name}", field.data_type, read, field.array)

    def _variable(
        self, session: Session, path: str, data_type: int, read: Callable[[], ua.Variant], array: bool
    ) -> NodeData:
        def reading() -> ua.DataValue:
            """A node that is still watched when its session has ended tells no more."""
            if session.closed or not self._diagnostics.enabled:
                return ua.DataValue(ua.Variant(), ua.StatusCode(S.BadNodeIdUnknown))
            return _reading(read())

        return nodes.variable_node(
            ua.NodeId(f"{session.id.Identifier}.{path}", 1),
            ua.QualifiedName(path.rpartition(".")[2], 0),
            ua.NodeId(data_type),
            nodes.live(reading),
            rank=1 if array else -1,
        )


def _profile(node_id: ua.NodeId) -> Profile | None:
    """Sessions are for administrators, and each for itself (Part 5, 6.3.5)."""
    identifier = node_id.Identifier
    if node_id.NamespaceIndex != 1 or not isinstance(identifier, str):
        return None
    return Profile.ADMIN_ONLY if _SESSION_ID.match(identifier) else None


def _object(session: Session) -> NodeData:
    return nodes.object_node(session.id, ua.QualifiedName(session.name, 1))


def _structure(value: Any) -> ua.Variant:
    return ua.Variant(value, VT.ExtensionObject)


def _structures(values: list[Any]) -> ua.Variant:
    return ua.Variant(values, VT.ExtensionObject, is_array=True)


def _reading(value: ua.Variant) -> ua.DataValue:
    now = ua.win_epoch_to_datetime(now_ticks())
    return ua.DataValue(value, ua.StatusCode(), now, now)
