"""Write (Part 4, 5.11.4): what can be written by whom, and the StatusCode of everything else."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

from server.security.audit import AuditEntry
from server.security.permissions import Profile
from server.space.addressspace import AddressSpace

pytestmark = pytest.mark.asyncio(loop_scope="module")

A = ua.AttributeIds
S = ua.StatusCodes
Ids = ua.ObjectIds
VT = ua.VariantType
SET_POINT = "Bangrak/UPS-1.FloatVoltageSetpoint"
MEASURED = "Bangrak/UPS-1.BusVoltage"
NOW = ua.win_epoch_to_datetime(133_000_000_000_000_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    async with server.admin(client_home) as client:
        yield client


async def write(client: Client, *items: ua.WriteValue) -> list[int]:
    sent = request(ua.WriteRequest, NodesToWrite=list(items))
    return [code.value for code in (await answer(client, ua.WriteResponse, sent)).Results]


def double(value: float) -> ua.Variant:
    return ua.Variant(value, VT.Double)


def item(
    node_id: ua.NodeId, value: ua.Variant | ua.DataValue, text: str | None = None, attribute: int = A.Value
) -> ua.WriteValue:
    return ua.WriteValue(
        node_id, attribute, text, value if isinstance(value, ua.DataValue) else ua.DataValue(value)
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (ua.Variant(2.26, VT.Float), S.BadTypeMismatch),
        (ua.Variant(2, VT.Int32), S.BadTypeMismatch),
        (ua.Variant("2.26", VT.String), S.BadTypeMismatch),
        (ua.Variant([2.26], VT.Double), S.BadTypeMismatch),
        (ua.Variant(None, VT.Double, is_array=True), S.BadTypeMismatch),
        (ua.Variant([[2.26]], VT.Double), S.BadTypeMismatch),
        (ua.Variant(), S.BadTypeMismatch),
        (double(2.0), S.BadOutOfRange),
        (double(2.36), S.BadOutOfRange),
        (double(math.nan), S.BadOutOfRange),
        (double(math.inf), S.BadOutOfRange),
        (double(-math.inf), S.BadOutOfRange),
        (ua.DataValue(double(2.26), SourceTimestamp=NOW), S.BadWriteNotSupported),
        (ua.DataValue(double(2.26), ServerTimestamp=NOW), S.BadWriteNotSupported),
        (ua.DataValue(double(2.26), ua.StatusCode(S.UncertainInitialValue)), S.BadWriteNotSupported),
        (ua.DataValue(ua.Variant(), ua.StatusCode(S.BadNoCommunication)), S.BadWriteNotSupported),
        (double(2.25), S.Good),
    ],
)
async def test_a_set_point_takes_numbers_of_its_range(
    admin: Client, server: OpcUaTestServer, value: Any, code: int
) -> None:
    assert await write(admin, item(server.node_id(SET_POINT), value)) == [code]


@pytest.mark.parametrize(
    ("identifier", "attribute", "text", "code"),
    [
        ("nowhere", A.Value, None, S.BadNodeIdUnknown),
        (MEASURED, A.Value, None, S.BadNotWritable),
        (f"{SET_POINT}.EURange", A.Value, None, S.BadNotWritable),
        ("Bangrak/UPS-1", A.Value, None, S.BadAttributeIdInvalid),
        (SET_POINT, A.IsAbstract, None, S.BadAttributeIdInvalid),
        (SET_POINT, 0, None, S.BadAttributeIdInvalid),
        (SET_POINT, 99, None, S.BadAttributeIdInvalid),
        (SET_POINT, A.DisplayName, None, S.BadNotWritable),
        (SET_POINT, A.RolePermissions, None, S.BadNotWritable),
        (SET_POINT, A.AccessLevelEx, None, S.BadNotWritable),
        (SET_POINT, A.Value, "0", S.BadIndexRangeNoData),
        (SET_POINT, A.Value, "0,1", S.BadIndexRangeNoData),
        (SET_POINT, A.Value, "1:0", S.BadIndexRangeInvalid),
        (SET_POINT, A.Value, "x", S.BadIndexRangeInvalid),
    ],
)
async def test_nothing_else_is_written(
    admin: Client, server: OpcUaTestServer, identifier: str, attribute: int, text: str | None, code: int
) -> None:
    wrong = item(server.node_id(identifier), double(2.26), text, attribute)
    assert await write(admin, wrong) == [code]


async def test_anonymous_writes_nothing(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        found = await write(
            client,
            item(server.node_id(SET_POINT), double(2.26)),
            item(server.node_id(MEASURED), double(1.0)),
            item(ua.NodeId(Ids.Server_ServerDiagnostics_EnabledFlag), ua.Variant(True, VT.Boolean)),
        )
    assert found[:2] == [S.BadUserAccessDenied, S.BadNotWritable]
    assert found[2] in (S.BadUserAccessDenied, S.BadNotWritable)


async def test_a_written_value_is_read_back_from_the_plant(
    admin: Client, server: OpcUaTestServer, until: Any
) -> None:
    node_id = server.node_id(SET_POINT)
    row = server.app._opcua._table.index.row_of_id(SET_POINT)
    for value in (2.3, 2.25):
        assert await write(admin, item(node_id, double(value))) == [S.Good]
        await until(lambda value=value: server.app._opcua._table.rows["value"][row] == value)
    assert await admin.get_node(node_id).read_value() == 2.25


async def test_writes_of_a_request_are_done_in_order(admin: Client, server: OpcUaTestServer) -> None:
    node_id = server.node_id(SET_POINT)
    wanted = [item(node_id, double(value)) for value in (2.3, 9.9, 2.25)]
    assert await write(admin, *wanted) == [S.Good, S.BadOutOfRange, S.Good]


async def test_a_write_is_audited_whatever_its_outcome(
    admin: Client, server: OpcUaTestServer, entries: list[AuditEntry]
) -> None:
    node_id = server.node_id(SET_POINT)
    await write(admin, item(node_id, double(2.25)), item(node_id, double(77.0)))
    done, refused = [e for e in entries if e.kind == Ids.AuditWriteUpdateEventType][:2]
    assert (done.status, refused.status) == (S.Good, S.BadOutOfRange)
    assert (refused.user, refused.new, refused.target) == ("admin", "77.0", node_id.to_string())
    fields = {path[0]: value.Value for path, value in refused.fields.items()}
    assert fields["AttributeId"] == A.Value
    assert fields["NewValue"] == 77.0
    assert 2.2 <= fields["OldValue"] <= 2.35
    assert fields["IndexRange"] is None


async def test_no_write_at_all_is_refused(admin: Client) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await write(admin)
    assert refused.value.code == S.BadNothingToDo


# -- standard variables that somebody takes values for


class Taken:
    """A standard variable that takes whatever is written."""

    def __init__(self, server: OpcUaTestServer, node_id: int) -> None:
        type_id = Ids.WriteRequest_Encoding_DefaultBinary
        handler = server.app._opcua.dispatcher._secured[int(type_id)]
        self.space: AddressSpace = handler.__self__._space  # type: ignore[attr-defined]
        self.node_id = ua.NodeId(node_id)
        self.values: list[Any] = []
        permissions = server.app._opcua.permissions
        self.declared = permissions._declared

        def take() -> None:
            self.space.set_writer(node_id, self.write)
            permissions.declare(self.node_id, Profile.ADMIN_WRITES)

        server.inside(take)

    def write(self, value: Any) -> int:
        self.values.append(value)
        return int(S.Good)

    def leave(self) -> None:
        self.space.writers.pop(self.node_id)
        self.declared.pop(self.node_id)


@pytest.fixture
def array(server: OpcUaTestServer) -> Iterator[Taken]:
    taken = Taken(server, Ids.Server_NamespaceArray)
    yield taken
    taken.leave()


@pytest.mark.parametrize(
    ("value", "text", "code"),
    [
        (["new"], "1", S.Good),
        (["a", "b"], "0:1", S.Good),
        (["a", "b"], "1", S.BadIndexRangeDataMismatch),
        (["a"], "0:1", S.BadIndexRangeDataMismatch),
        (["a"], "99", S.BadIndexRangeNoData),
        ("a", "1", S.BadIndexRangeDataMismatch),
        ("a", None, S.BadTypeMismatch),
        ([], None, S.Good),
    ],
)
async def test_elements_of_an_array(
    admin: Client, array: Taken, value: Any, text: str | None, code: int
) -> None:
    before = await admin.get_node(array.node_id).read_value()
    variant = ua.Variant(value, VT.String, is_array=isinstance(value, list))
    assert await write(admin, item(array.node_id, variant, text)) == [code]
    if code != S.Good:
        assert array.values == []
    elif text is None:
        assert array.values == [value]
    else:
        low = int(text.partition(":")[0])
        assert array.values == [[*before[:low], *value, *before[low + len(value) :]]]


async def test_numbers_are_not_texts(admin: Client, array: Taken) -> None:
    numbers = ua.Variant([1], VT.Int32)
    assert await write(admin, item(array.node_id, numbers, "1")) == [S.BadTypeMismatch]
    assert await write(admin, item(array.node_id, numbers)) == [S.BadTypeMismatch]


async def test_who_may_write_it_is_told(admin: Client, array: Taken, server: OpcUaTestServer) -> None:
    assert await admin.get_node(array.node_id).read_attribute(A.UserAccessLevel) is not None
    levels = []
    async with server.client() as anonymous:
        for client in (admin, anonymous):
            node = client.get_node(array.node_id)
            levels.append((await node.read_attribute(A.UserAccessLevel)).Value.Value)
        names = ua.Variant(["x"], VT.String)
        assert await write(anonymous, item(array.node_id, names)) == [S.BadUserAccessDenied]
    assert levels == [3, 1]


async def test_a_defect_costs_only_its_own_answer(
    admin: Client, array: Taken, server: OpcUaTestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_value: Any) -> int:
        raise RuntimeError("broken")

    monkeypatch.setitem(array.space.writers, array.node_id, broken)
    found = await write(
        admin,
        item(array.node_id, ua.Variant(["x"], VT.String)),
        item(server.node_id(SET_POINT), double(2.25)),
    )
    assert found == [S.BadInternalError, S.Good]
