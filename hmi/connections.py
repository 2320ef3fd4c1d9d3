"""The server itself and who is connected to it: ServerStatus, diagnostics (Part 5, 6.3 and 7)."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from asyncua import Client, ua

from hmi.subscription import microseconds

_Ids = ua.ObjectIds
_SUMMARY: Final = tuple(
    name for name in ua.ServerDiagnosticsSummaryDataType.__annotations__ if not name.startswith("_")
)

_SECURITY: Final = ("ClientUserIdOfSession", "SecurityMode", "SecurityPolicyUri")
_MODES: Final = {1: "None", 2: "Sign", 3: "SignAndEncrypt"}


async def read(client: Client) -> dict[str, Any]:
    """Facts of the server, its counters, and sessions: all of them to an administrator, else none."""
    nodes = [
        _Ids.Server_ServerStatus_StartTime,
        _Ids.Server_ServerStatus_BuildInfo_ProductName,
        _Ids.Server_ServerStatus_BuildInfo_SoftwareVersion,
        _Ids.Server_ServiceLevel,
        _Ids.Server_ServerDiagnostics_ServerDiagnosticsSummary,
        _Ids.Server_ServerDiagnostics_SessionsDiagnosticsSummary_SessionDiagnosticsArray,
    ]
    found = await client.uaclient.read_attributes(list(map(ua.NodeId, nodes)), ua.AttributeIds.Value)
    started, product, version, level, summary, sessions = map(_value, found)
    security = {} if sessions is None else await _security(client, [each.SessionId for each in sessions])
    return {
        "started": 0 if started is None else microseconds(started) // 1000,
        "product": product,
        "version": version,
        "level": level,
        "counters": [] if summary is None else [(name, getattr(summary, name)) for name in _SUMMARY],
        "sessions": None
        if sessions is None
        else [_session(each, *security[each.SessionId]) for each in sessions],
    }


def _value(data: ua.DataValue) -> Any:
    good = data.StatusCode is None or data.StatusCode.is_good()
    return data.Value.Value if good and data.Value is not None else None


async def _security(client: Client, sessions: list[ua.NodeId]) -> dict[ua.NodeId, list[str]]:
    """User, mode and policy of each session, from its own object: asyncua cannot decode the array of all."""
    nodes = [
        ua.NodeId(f"{each.Identifier}.SessionSecurityDiagnostics.{name}", each.NamespaceIndex)
        for each in sessions
        for name in _SECURITY
    ]
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    told = iter([_value(data) for data in values])
    return {
        each: [user or "", _MODES.get(mode, ""), (policy or "").rpartition("#")[2]]
        for each, user, mode, policy in zip(sessions, told, told, told, strict=True)
    }


def _session(each: Any, user: str, mode: str, policy: str) -> dict[str, Any]:
    return {
        "user": user,
        "mode": f"{mode} {policy}",
        "name": each.SessionName or "",
        "application": each.ClientDescription.ApplicationUri or "",
        "since": _milliseconds(each.ClientConnectionTime),
        "last": _milliseconds(each.ClientLastContactTime),
        "subscriptions": each.CurrentSubscriptionsCount,
        "items": each.CurrentMonitoredItemsCount,
        "requests": each.TotalRequestCount.TotalCount,
        "errors": each.TotalRequestCount.ErrorCount,
    }


def _milliseconds(time: dt.datetime | None) -> int:
    return 0 if time is None else microseconds(time) // 1000
