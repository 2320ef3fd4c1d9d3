"""Attributes of every class of node, for every role: what there is, what it says, who may read it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from opcuaserver import OpcUaTestServer

from server.protocol.dispatch import Call
from server.protocol.sessions import Session
from server.protocol.turns import Work
from server.protocol.wire import RequestHeader
from server.security.permissions import WELL_KNOWN_ROLES, Permission, Permissions, Profile
from server.security.users import Role, User
from server.services.attribute import AttributeService
from server.services.method import MethodService

A = ua.AttributeIds
S = ua.StatusCodes
Ids = ua.ObjectIds
VT = ua.VariantType
NONE, SIGN, ENCRYPT = 1, 2, 3
JAR = "Bangrak/UPS-1/S01/J02"
SET_POINT = "Bangrak/UPS-1.FloatVoltageSetpoint"

COMMON = {
    A.NodeId: VT.NodeId,
    A.NodeClass: VT.Int32,
    A.BrowseName: VT.QualifiedName,
    A.DisplayName: VT.LocalizedText,
    A.Description: VT.LocalizedText,
    A.WriteMask: VT.UInt32,
    A.UserWriteMask: VT.UInt32,
    A.RolePermissions: VT.ExtensionObject,
    A.UserRolePermissions: VT.ExtensionObject,
    A.AccessRestrictions: VT.UInt16,
}
VARIABLE = {
    A.DataType: VT.NodeId,
    A.ValueRank: VT.Int32,
    A.AccessLevel: VT.Byte,
    A.UserAccessLevel: VT.Byte,
    A.AccessLevelEx: VT.UInt32,
    A.MinimumSamplingInterval: VT.Double,
    A.Historizing: VT.Boolean,
}
METHOD = {A.Executable: VT.Boolean, A.UserExecutable: VT.Boolean}
NODES: list[tuple[int | str, dict[ua.AttributeIds, ua.VariantType]]] = [
    (Ids.Server, {A.EventNotifier: VT.Byte}),
    (JAR, {A.EventNotifier: VT.Byte}),
    (f"{JAR}#TemperatureHigh", {A.EventNotifier: VT.Byte}),
    (f"{JAR}.Voltage", VARIABLE | {A.Value: VT.Double}),
    (f"{JAR}.Voltage.EURange", VARIABLE | {A.Value: VT.ExtensionObject}),
    (f"{JAR}.SerialNumber", VARIABLE | {A.Value: VT.String}),
    (SET_POINT, VARIABLE | {A.Value: VT.Double}),
    (Ids.Server_NamespaceArray, VARIABLE | {A.Value: VT.String, A.ArrayDimensions: VT.UInt32}),
    ("Simulation.Start", METHOD),
    (Ids.AcknowledgeableConditionType_Acknowledge, METHOD),
    (Ids.BaseObjectType, {A.IsAbstract: VT.Boolean}),
    (Ids.AnalogUnitRangeType, {A.IsAbstract: VT.Boolean, A.DataType: VT.NodeId, A.ValueRank: VT.Int32}),
    (
        Ids.HasComponent,
        {A.IsAbstract: VT.Boolean, A.Symmetric: VT.Boolean, A.InverseName: VT.LocalizedText},
    ),
    (Ids.ServerStatusDataType, {A.IsAbstract: VT.Boolean, A.DataTypeDefinition: VT.ExtensionObject}),
    (Ids.ServerState, {A.IsAbstract: VT.Boolean, A.DataTypeDefinition: VT.ExtensionObject}),
    (Ids.Double, {A.IsAbstract: VT.Boolean}),
]


def session(role: Role, mode: int = ENCRYPT) -> Session:
    connection = SimpleNamespace(channel=SimpleNamespace(mode=mode), peer="test")
    made = SimpleNamespace(user=User(role.title, role), connection=connection)
    return cast(Session, made)


def handler(server: OpcUaTestServer, request: str) -> Any:
    type_id = int(getattr(Ids, f"{request}_Encoding_DefaultBinary"))
    return server.app._opcua.dispatcher._secured[type_id].__self__  # type: ignore[attr-defined]


class Reader:
    """Reads attributes for anybody, without a log-in."""

    def __init__(self, server: OpcUaTestServer, service: AttributeService) -> None:
        self._server = server
        self.service = service

    def node_id(self, identifier: int | str) -> ua.NodeId:
        return ua.NodeId(identifier) if isinstance(identifier, int) else self._server.node_id(identifier)

    def read(
        self, identifier: int | str, attribute: int, role: Role = Role.ADMIN, mode: int = ENCRYPT
    ) -> ua.DataValue:
        item = ua.ReadValueId(self.node_id(identifier), attribute)
        return self._server.inside(lambda: self.service.read_one(item, session(role, mode)))

    def value(self, identifier: int | str, attribute: int, role: Role = Role.ADMIN) -> Any:
        found = self.read(identifier, attribute, role)
        assert found.StatusCode.is_good(), found
        return found.Value.Value

    def code(
        self, identifier: int | str, attribute: int, role: Role = Role.ADMIN, mode: int = ENCRYPT
    ) -> int:
        return int(self.read(identifier, attribute, role, mode).StatusCode.value)


@pytest.fixture
def reader(server: OpcUaTestServer) -> Reader:
    return Reader(server, handler(server, "ReadRequest"))


@pytest.fixture
def strict(server: OpcUaTestServer) -> Reader:
    """Of a server that is no demo."""
    there: AttributeService = handler(server, "ReadRequest")
    permissions = Permissions(demo=False)
    permissions.declare_all(there._set_points.profile)
    made = AttributeService(
        there._space,
        there._table,
        there._parser,
        permissions,
        there._set_points,
        there._types,
        there._audit,
    )
    return Reader(server, made)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("identifier", "own"), NODES, ids=[str(each) for each, _ in NODES])
def test_a_node_has_the_attributes_of_its_class(
    reader: Reader, identifier: int | str, own: dict[ua.AttributeIds, ua.VariantType], role: Role
) -> None:
    expected = COMMON | own
    for attribute in range(30):
        found = reader.read(identifier, attribute, role)
        code, kind = found.StatusCode.value, found.Value.VariantType
        if attribute not in expected:
            assert (attribute, code) == (attribute, S.BadAttributeIdInvalid)
        elif attribute == A.RolePermissions and role is not Role.ADMIN:
            assert code == S.BadUserAccessDenied
        else:
            assert (attribute, code, kind) == (attribute, S.Good, expected[A(attribute)])
            struct_to_binary(found)


@pytest.mark.parametrize(
    ("identifier", "least"),
    [
        ("Simulation.Start", Role.ENGINEER),
        ("Simulation.List", Role.ANONYMOUS),
        ("Analytics.PredictRul", Role.ANONYMOUS),
        (Ids.AcknowledgeableConditionType_Acknowledge, Role.OPERATOR),
        (Ids.ConditionType_ConditionRefresh, Role.ANONYMOUS),
    ],
)
def test_methods_are_executable_from_a_role_on(reader: Reader, identifier: int | str, least: Role) -> None:
    assert reader.value(identifier, A.Executable)
    assert [reader.value(identifier, A.UserExecutable, role) for role in Role] == [
        role >= least for role in Role
    ]
    for role in Role:
        entries = reader.value(identifier, A.UserRolePermissions, role)
        assert any(each.Permissions & Permission.CALL for each in entries) == (role >= least)


def test_a_method_that_nobody_answers_is_not_executable(reader: Reader) -> None:
    """There are hundreds in the standard's NodeSet."""
    assert reader.value(Ids.TrustListType_OpenWithMasks, A.Executable) is False
    assert reader.value(Ids.TrustListType_OpenWithMasks, A.UserExecutable) is False


def test_set_points_are_writable_for_engineers(reader: Reader) -> None:
    assert reader.value(SET_POINT, A.AccessLevel) == 15
    assert reader.value(SET_POINT, A.AccessLevelEx) == 15
    assert [reader.value(SET_POINT, A.UserAccessLevel, role) for role in Role] == [5, 5, 5, 15, 15]


def test_history_is_corrected_by_engineers_and_annotated_by_operators(reader: Reader) -> None:
    voltage, annotations = f"{JAR}.Voltage", f"{JAR}.Voltage.Annotations"
    assert reader.value(voltage, A.AccessLevel) == 13
    assert [reader.value(voltage, A.UserAccessLevel, role) for role in Role] == [5, 5, 5, 13, 13]
    assert [reader.value(annotations, A.UserAccessLevel, role) for role in Role] == [4, 4, 12, 12, 12]
    bits = {
        node: [int(reader.value(node, A.UserRolePermissions, role)[-1].Permissions) & 0x700 for role in Role]
        for node in (voltage, annotations)
    }
    assert bits == {voltage: [0, 0, 0, 0x700, 0x700], annotations: [0, 0, 0x700, 0x700, 0x700]}


def test_nothing_says_that_it_is_writable_and_is_not(reader: Reader) -> None:
    """The standard's NodeSet says so of role settings that nobody here takes."""
    assert reader.value(Ids.WellKnownRole_Observer_EndpointsExclude, A.AccessLevel) == 1


def test_role_permissions_name_every_role(reader: Reader) -> None:
    entries = {
        each.RoleId.Identifier: int(each.Permissions) for each in reader.value(SET_POINT, A.RolePermissions)
    }
    assert set(entries) == {number for numbers in WELL_KNOWN_ROLES.values() for number in numbers}
    look = int(Permission.BROWSE | Permission.READ | Permission.READ_HISTORY)
    assert entries[Ids.WellKnownRole_Observer] == look
    assert entries[Ids.WellKnownRole_Operator] == look
    correct = Permission.INSERT_HISTORY | Permission.MODIFY_HISTORY | Permission.DELETE_HISTORY
    assert entries[Ids.WellKnownRole_Engineer] == look | Permission.WRITE | correct
    admin = look | Permission.WRITE | correct | Permission.READ_ROLE_PERMISSIONS
    assert entries[Ids.WellKnownRole_SecurityAdmin] == admin


@pytest.mark.parametrize("role", Role)
def test_user_role_permissions_are_of_the_roles_of_the_session(reader: Reader, role: Role) -> None:
    entries = reader.value(f"{JAR}.Voltage", A.UserRolePermissions, role)
    mine = [number for each in Role if each <= role for number in WELL_KNOWN_ROLES[each]]
    assert [each.RoleId.Identifier for each in entries] == mine


@pytest.mark.parametrize(
    "node",
    [
        Ids.Server_ServerDiagnostics_SubscriptionDiagnosticsArray,
        Ids.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray,
        Ids.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionSecurityDiagnosticsArray,
        Ids.WellKnownRole_Engineer_Identities,
    ],
)
def test_what_tells_about_others_is_for_administrators_over_encrypted_channels(
    reader: Reader, node: int
) -> None:
    for role in Role:
        assert reader.code(node, A.BrowseName, role, NONE) == S.Good
        denied = role is not Role.ADMIN
        assert reader.code(node, A.Value, role) == (S.BadUserAccessDenied if denied else S.Good)
        assert reader.value(node, A.UserAccessLevel, role) & 1 == (not denied)
    for mode in (NONE, SIGN):
        assert reader.code(node, A.Value, Role.ADMIN, mode) == S.BadSecurityModeInsufficient
    assert reader.value(node, A.AccessRestrictions) == 3


def test_set_points_are_for_signed_channels_where_there_are_others(strict: Reader, reader: Reader) -> None:
    assert strict.value(SET_POINT, A.AccessRestrictions) == 1
    assert strict.code(SET_POINT, A.Value, Role.ENGINEER, NONE) == S.BadSecurityModeInsufficient
    assert strict.code(SET_POINT, A.Value, Role.ENGINEER, SIGN) == S.Good
    assert reader.value(SET_POINT, A.AccessRestrictions) == 0
    assert reader.code(SET_POINT, A.Value, Role.ANONYMOUS, NONE) == S.Good


def test_who_must_first_change_the_password_sees_the_server_only(strict: Reader) -> None:
    stranger = Role.ANONYMOUS
    assert strict.code(Ids.Server_ServerStatus_State, A.Value, stranger) == S.Good
    for identifier in (f"{JAR}.Voltage", f"{JAR}.SerialNumber", SET_POINT, f"{JAR}#TemperatureHigh.Severity"):
        assert strict.code(identifier, A.Value, stranger) == S.BadUserAccessDenied
        assert strict.code(identifier, A.BrowseName, stranger) == S.Good
        assert strict.value(identifier, A.UserAccessLevel, stranger) == 0
    assert strict.service.event_refusal(ua.NodeId(Ids.Server), session(stranger)) == S.BadUserAccessDenied
    assert strict.service.event_refusal(ua.NodeId(Ids.Server), session(Role.VIEWER)) == S.Good


def _finished(answer: bytes | Work) -> bytes:
    """An answer, also where it is one that is worked on in turns."""
    while not isinstance(answer, bytes):
        try:
            next(answer)
        except StopIteration as stop:
            answer = stop.value
    return answer


@pytest.mark.parametrize("tags", [["Voltage"], ["Voltage", "HealthStatus", "ReplacementQuarter"]])
def test_the_fast_path_asks_for_the_user_each_time(
    server: OpcUaTestServer, strict: Reader, tags: list[str]
) -> None:
    """The same bytes from two sessions: what one may read is not given to the other."""
    params = ua.ReadParameters()
    params.TimestampsToReturn = ua.TimestampsToReturn.Both
    params.NodesToRead = [ua.ReadValueId(server.node_id(f"{JAR}.{tag}"), A.Value) for tag in tags]
    data = struct_to_binary(params)

    def read(role: Role) -> list[int]:
        call = Call(cast(Any, None), 1, RequestHeader(b"", 1, None, 0, 0), session(role), data)
        answer = server.inside(lambda: _finished(strict.service._read(call)))
        response = struct_from_binary(ua.ReadResponse, Buffer(answer))
        return [value.StatusCode.value for value in response.Results]

    for _ in range(2):
        assert read(Role.VIEWER) == [S.Good] * len(tags)
        assert read(Role.ANONYMOUS) == [S.BadUserAccessDenied] * len(tags)


def test_default_permissions_of_a_namespace_are_those_of_its_nodes(reader: Reader) -> None:
    permissions = Permissions(demo=False)
    for namespace, profile in ((0, Profile.PUBLIC), (2, Profile.OPEN), (3, Profile.OPEN)):
        assert permissions.profile(ua.NodeId("x", namespace)) is profile
        entries = permissions.default_role_permissions(namespace)
        for each in entries:
            (role,) = [role for role in Role if each.RoleId.Identifier in WELL_KNOWN_ROLES[role]]
            assert int(each.Permissions) == permissions.granted(profile, role)
    assert len(permissions.default_role_permissions(0, Role.ANONYMOUS)) == 1


def test_the_standard_namespace_tells_its_defaults(reader: Reader) -> None:
    every, mine = (
        Ids.OPCUANamespaceMetadata_DefaultRolePermissions,
        Ids.OPCUANamespaceMetadata_DefaultUserRolePermissions,
    )
    assert reader.code(every, A.Value, Role.ENGINEER) == S.BadUserAccessDenied
    assert len(reader.value(every, A.Value)) == sum(map(len, WELL_KNOWN_ROLES.values()))
    assert [len(reader.value(mine, A.Value, role)) for role in Role] == [1, 3, 4, 5, 7]
    assert reader.value(Ids.OPCUANamespaceMetadata_DefaultAccessRestrictions, A.Value) == 0


def test_data_types_are_defined(reader: Reader) -> None:
    status = reader.value(Ids.ServerStatusDataType, A.DataTypeDefinition)
    assert status.DefaultEncodingId == ua.NodeId(Ids.ServerStatusDataType_Encoding_DefaultBinary)
    assert [(f.Name, f.DataType.Identifier) for f in status.Fields][:3] == [
        ("StartTime", Ids.UtcTime),
        ("CurrentTime", Ids.UtcTime),
        ("State", Ids.ServerState),
    ]
    state = reader.value(Ids.ServerState, A.DataTypeDefinition)
    assert [(f.Name, f.Value) for f in state.Fields][:2] == [("Running", 0), ("Failed", 1)]
    argument = reader.value(Ids.Argument, A.DataTypeDefinition)
    assert [f.ValueRank for f in argument.Fields] == [-1, -1, -1, 1, -1]
    permission = reader.value(Ids.PermissionType, A.DataTypeDefinition)
    assert ("Call", 12) in [(f.Name, f.Value) for f in permission.Fields]
    security = reader.value(Ids.SessionSecurityDiagnosticsDataType, A.DataTypeDefinition)
    assert ("Encoding", Ids.String) in [(f.Name, f.DataType.Identifier) for f in security.Fields]


def test_every_method_has_a_profile_for_calling(server: OpcUaTestServer) -> None:
    """One that was forgotten would be open to whoever may look."""
    methods: MethodService = handler(server, "CallRequest")
    for method_id in methods._methods:
        assert methods._permissions.profile(method_id).name.startswith("CALL_"), method_id
