"""What the standard's Server object says about this server: status, capabilities and limits (Part 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from asyncua import ua

from nodeset.types import FLEET_URI
from server.protocol.stack import APPLICATION_URI
from server.protocol.wire import now_ticks
from server.services import attribute as attributeservice
from server.services import history as historyservice
from server.services import method as methodservice
from server.services import view as viewservice
from server.services.discovery import PRODUCT_URI
from server.space.addressspace import AddressSpace
from server.subscriptions.limits import MAX_ITEMS_PER_CALL

Ids = ua.ObjectIds
VT = ua.VariantType

_LIMITS: Final = {
    "MaxNodesPerRead": attributeservice.MAX_NODES,
    "MaxNodesPerWrite": attributeservice.MAX_NODES,
    "MaxNodesPerBrowse": viewservice.MAX_NODES,
    "MaxNodesPerTranslateBrowsePathsToNodeIds": viewservice.MAX_NODES,
    "MaxNodesPerRegisterNodes": viewservice.MAX_NODES,
    "MaxNodesPerMethodCall": methodservice.MAX_CALLS,
    "MaxNodesPerHistoryReadData": historyservice.MAX_NODES,
    "MaxNodesPerHistoryReadEvents": 0,
    "MaxNodesPerHistoryUpdateData": 0,
    "MaxNodesPerHistoryUpdateEvents": 0,
    "MaxNodesPerNodeManagement": 0,
    "MaxMonitoredItemsPerCall": MAX_ITEMS_PER_CALL,
}


def describe(
    space: AddressSpace, namespaces: list[str], min_interval: float, level: Callable[[], int]
) -> None:
    """Fill in the Server object; `level` gives the ServiceLevel."""
    started = _now()
    build = ua.BuildInfo()
    build.ProductUri = PRODUCT_URI
    build.ManufacturerName = "Voltkeep"
    build.ProductName = "Voltkeep"
    build.SoftwareVersion = version("voltkeep")
    build.BuildDate = started
    _describe_status(space, started, build)
    space.set_value(Ids.Server_NamespaceArray, [*namespaces], VT.String)
    space.set_value(Ids.Server_Auditing, True, VT.Boolean)
    space.set_value(Ids.Server_ServerArray, [APPLICATION_URI], VT.String)
    space.set_reader(Ids.Server_ServiceLevel, lambda: _reading(ua.Variant(level(), VT.Byte)))
    for name, limit in _LIMITS.items():
        node = getattr(Ids, f"Server_ServerCapabilities_OperationLimits_{name}")
        space.set_value(node, limit, VT.UInt32)
    space.set_value(Ids.Server_ServerCapabilities_MinSupportedSampleRate, min_interval, VT.Double)


def _describe_status(space: AddressSpace, started: dt.datetime, build: ua.BuildInfo) -> None:
    def status() -> ua.DataValue:
        value = ua.ServerStatusDataType()
        value.StartTime, value.CurrentTime = started, _now()
        value.State, value.BuildInfo = ua.ServerState.Running, build
        return _reading(ua.Variant(value, VT.ExtensionObject))

    space.set_reader(Ids.Server_ServerStatus, status)
    space.set_reader(Ids.Server_ServerStatus_CurrentTime, lambda: _reading(ua.Variant(_now(), VT.DateTime)))
    space.set_value(Ids.Server_ServerStatus_StartTime, started, VT.DateTime)
    space.set_value(Ids.Server_ServerStatus_State, int(ua.ServerState.Running), VT.Int32)
    space.set_value(Ids.Server_ServerStatus_BuildInfo, build, VT.ExtensionObject)
    for name in ("ProductUri", "ManufacturerName", "ProductName", "SoftwareVersion"):
        node = getattr(Ids, f"Server_ServerStatus_BuildInfo_{name}")
        space.set_value(node, getattr(build, name), VT.String)
    space.set_value(Ids.Server_ServerStatus_BuildInfo_BuildDate, started, VT.DateTime)


def with_fleet(namespaces: list[str]) -> tuple[list[str], int]:
    """The namespace array with the fleet's, and its index."""
    return [*namespaces, FLEET_URI], len(namespaces)


def _now() -> dt.datetime:
    moment: dt.datetime = ua.win_epoch_to_datetime(now_ticks())
    return moment


def _reading(value: ua.Variant) -> ua.DataValue:
    now = _now()
    return ua.DataValue(value, ua.StatusCode(), now, now)
