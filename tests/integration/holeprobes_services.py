"""Probes of holes in Read, Write, Browse and Call; each asserts what a server must do."""

from __future__ import annotations

from asyncua import Client, ua
from holetargets import Target, call, code_of
from opcuaserver import answer, read_request, request

S = ua.StatusCodes
Ids = ua.ObjectIds
A = ua.AttributeIds
MAX_NODES = ua.NodeId(Ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)
SESSIONS = ua.NodeId(Ids.Server_ServerDiagnostics_ServerDiagnosticsSummary_CurrentSessionCount)


async def read(client: Client, wanted: ua.ReadValueId, timestamps: int = 2) -> ua.DataValue:
    """One value."""
    response = await answer(client, ua.ReadResponse, read_request([wanted], timestamps))
    found: ua.DataValue = response.Results[0]
    return found


async def an_index_range_takes_a_part(target: Target) -> None:
    async with target.server.client() as client:
        whole = await read(client, ua.ReadValueId(target.array, A.Value))
        part = await read(client, ua.ReadValueId(target.array, A.Value, "1:2"))
        assert part.Value.Value == whole.Value.Value[1:3]


async def timestamps_are_those_asked_for(target: Target) -> None:
    async with target.server.client() as client:
        none = await read(client, ua.ReadValueId(target.number, A.Value), timestamps=3)
        server = await read(client, ua.ReadValueId(target.number, A.Value), timestamps=1)
        assert (none.SourceTimestamp, none.ServerTimestamp) == (None, None)
        assert server.SourceTimestamp is None
        assert server.ServerTimestamp is not None


async def what_may_not_be_read_is_not(target: Target) -> None:
    async with target.server.client() as client:
        found = await read(client, ua.ReadValueId(target.unreadable, A.Value))
        assert found.StatusCode.value in (S.BadNotReadable, S.BadUserAccessDenied)


async def the_limit_of_a_read_is_true(target: Target) -> None:
    async with target.server.client() as client:
        limit = (await read(client, ua.ReadValueId(MAX_NODES, A.Value))).Value.Value
        assert limit
        # Attributes that are short, and more of them than the limit says.
        sent = read_request([ua.ReadValueId(target.number, A.NodeClass)] * (limit + 1))
        assert await code_of(answer(client, ua.ReadResponse, sent)) == S.BadTooManyOperations


async def an_array_is_not_written_to_a_scalar(target: Target) -> None:
    async with target.user() as client:
        made = ua.WriteValue()
        made.NodeId, made.AttributeId = target.others[0], A.Value
        made.Value = ua.DataValue(ua.Variant([1.0, 2.0], ua.VariantType.Double))
        sent = request(ua.WriteRequest, NodesToWrite=[made])
        (code,) = (await answer(client, ua.WriteResponse, sent)).Results
        assert code.value in (S.BadTypeMismatch, S.BadNotWritable)


async def a_browse_keeps_to_its_limit(target: Target) -> None:
    async with target.server.client() as client:
        assert len((await _browse(client, 2)).References) == 2


async def a_browse_goes_on_to_its_end(target: Target) -> None:
    async with target.server.client() as client:
        assert await _pages(client) > 1


async def _pages(client: Client) -> int:
    """Browse the Server object two references at a time; the number of answers it takes."""
    wanted = [ref.NodeId for ref in (await _browse(client, 0)).References]
    result = await _browse(client, 2)
    found, pages = list(result.References), 1
    while result.ContinuationPoint:
        points = [result.ContinuationPoint]
        sent = request(ua.BrowseNextRequest, ContinuationPoints=points, ReleaseContinuationPoints=False)
        try:
            response = await answer(client, ua.BrowseNextResponse, sent)
        except ua.UaStatusCodeError as error:
            raise AssertionError("no BrowseNext") from error
        (result,) = response.Results if hasattr(response, "Results") else response.Parameters.Results
        found += result.References
        pages += 1
    assert [ref.NodeId for ref in found] == wanted
    return pages


async def _browse(client: Client, most: int) -> ua.BrowseResult:
    wanted = ua.BrowseDescription()
    wanted.NodeId = ua.NodeId(Ids.Server)
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.IncludeSubtypes = True
    wanted.ResultMask = 63
    sent = request(ua.BrowseRequest, NodesToBrowse=[wanted], RequestedMaxReferencesPerNode=most)
    result: ua.BrowseResult = (await answer(client, ua.BrowseResponse, sent)).Results[0]
    return result


async def a_registered_node_has_a_handle(target: Target) -> None:
    async with target.server.client() as client:
        (handle,) = await client.uaclient.register_nodes([target.number])
        assert handle != target.number
        found = await read(client, ua.ReadValueId(handle, A.Value))
        assert found.Value == (await read(client, ua.ReadValueId(target.number, A.Value))).Value


async def role_permissions_can_be_read(target: Target) -> None:
    async with target.user() as client:
        found = await read(client, ua.ReadValueId(target.number, A.RolePermissions))
        assert found.StatusCode.is_good()
        assert found.Value.Value


async def sessions_are_counted(target: Target) -> None:
    async with target.server.client() as client:
        one = (await read(client, ua.ReadValueId(SESSIONS, A.Value))).Value.Value
        async with target.server.client():
            two = (await read(client, ua.ReadValueId(SESSIONS, A.Value))).Value.Value
        assert (one or 0) + 1 == two


# -- methods


async def a_method_that_is_not_executable_is_not_called(target: Target) -> None:
    async with target.user() as client:
        result = await call(client, target.not_executable)
        # Part 4, 5.12.2; arguments may be looked at before.
        # One that nobody may call need not be shown at all.
        assert result.StatusCode.value in (S.BadNotExecutable, S.BadUserAccessDenied, S.BadMethodInvalid)


async def arguments_are_checked(target: Target) -> None:
    async with target.server.client() as client:
        wrong = ua.Variant(True, ua.VariantType.Boolean)
        missing = await call(client, target.method)
        many = await call(client, target.method, wrong, wrong)
        type_ = await call(client, target.method, wrong)
        assert missing.StatusCode.value == S.BadArgumentsMissing
        assert many.StatusCode.value == S.BadTooManyArguments
        assert type_.StatusCode.value == S.BadInvalidArgument
        assert [code.value for code in type_.InputArgumentResults] == [S.BadTypeMismatch]


PROBES = [
    an_index_range_takes_a_part,
    timestamps_are_those_asked_for,
    what_may_not_be_read_is_not,
    the_limit_of_a_read_is_true,
    an_array_is_not_written_to_a_scalar,
    a_browse_keeps_to_its_limit,
    a_browse_goes_on_to_its_end,
    a_registered_node_has_a_handle,
    role_permissions_can_be_read,
    sessions_are_counted,
    a_method_that_is_not_executable_is_not_called,
    arguments_are_checked,
]
