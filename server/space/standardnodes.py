"""What the standard's Server object says about this server: capabilities and limits (Part 5, 6.3).

A limit is declared where it is enforced; here it is only told.
"""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from config.settings import OpcUa, Settings
from historian.reader import MAX_VALUES
from nodeset.types import FLEET_URI
from server.events import filter as eventfilter
from server.history import events as historyevents
from server.history import points as historypoints
from server.history import service as historyservice
from server.history import updatedetails
from server.protocol import decoder, sessions
from server.protocol.stack import APPLICATION_URI
from server.protocol.transport import Limits
from server.services import attribute as attributeservice
from server.services import method as methodservice
from server.services import view as viewservice
from server.space.addressspace import AddressSpace
from server.space.historynodes import aggregate_configuration, configuration
from server.subscriptions import limits as subscriptionlimits

Ids = ua.ObjectIds
VT = ua.VariantType

# Operations in one request; 0 where there is no such service.
OPERATION_LIMITS: Final = {
    "MaxNodesPerRead": attributeservice.MAX_NODES,
    "MaxNodesPerWrite": attributeservice.MAX_WRITES,
    "MaxNodesPerBrowse": viewservice.MAX_NODES,
    "MaxNodesPerTranslateBrowsePathsToNodeIds": viewservice.MAX_NODES,
    "MaxNodesPerRegisterNodes": viewservice.MAX_NODES,
    "MaxNodesPerMethodCall": methodservice.MAX_CALLS,
    "MaxNodesPerHistoryReadData": historyservice.MAX_NODES,
    "MaxNodesPerHistoryReadEvents": historyservice.MAX_NODES,
    "MaxNodesPerHistoryUpdateData": updatedetails.MAX_NODES,
    "MaxNodesPerHistoryUpdateEvents": 0,
    "MaxNodesPerNodeManagement": 0,
    "MaxMonitoredItemsPerCall": subscriptionlimits.MAX_ITEMS_PER_CALL,
}
_PROFILE: Final = "http://opcfoundation.org/UA-Profile"
PROFILES: Final = (
    f"{_PROFILE}/Server/StandardUA2017",
    f"{_PROFILE}/Server/DataAccess",
    f"{_PROFILE}/Server/StandardEventSubscription",
    f"{_PROFILE}/Server/Methods",
    f"{_PROFILE}/Server/ACBaseCondition",
    f"{_PROFILE}/Server/ACRefresh2",
    f"{_PROFILE}/Server/ACAddressSpaceInstance",
    f"{_PROFILE}/Server/ACEnable",
    f"{_PROFILE}/Server/ACAlarm",
    f"{_PROFILE}/Server/ACAckAlarm",
    f"{_PROFILE}/Server/ACExclusiveAlarming",
    f"{_PROFILE}/Server/ACPreviousInstances",
    f"{_PROFILE}/Server/HistoricalRawData",
    f"{_PROFILE}/Server/HistoricalDataAtTime",
    f"{_PROFILE}/Server/HistoricalModifiedData",
    f"{_PROFILE}/Server/AggregateHistorical",
    f"{_PROFILE}/Server/BaseHistoricalEvent",
    f"{_PROFILE}/Transport/uatcp-uasc-uabinary",
)
_HISTORY: Final = {
    "AccessHistoryDataCapability": (True, VT.Boolean),
    "MaxReturnDataValues": (min(MAX_VALUES, historyservice.MAX_VALUES), VT.UInt32),
    "AccessHistoryEventsCapability": (True, VT.Boolean),
    "MaxReturnEventValues": (historyevents.MAX_EVENTS, VT.UInt32),
    **dict.fromkeys(
        (
            "InsertDataCapability",
            "ReplaceDataCapability",
            "UpdateDataCapability",
            "DeleteRawCapability",
            "DeleteAtTimeCapability",
            "InsertAnnotationCapability",
        ),
        (True, VT.Boolean),
    ),
    **dict.fromkeys(
        (
            "InsertEventCapability",
            "ReplaceEventCapability",
            "UpdateEventCapability",
            "DeleteEventCapability",
            "ServerTimestampSupported",
        ),
        (False, VT.Boolean),
    ),
}


def describe(space: AddressSpace, namespaces: list[str], settings: Settings) -> None:
    """Fill in the Server object, but for what changes while it runs."""
    values: dict[str, tuple[Any, ua.VariantType]] = {
        "Server_NamespaceArray": ([*namespaces], VT.String),
        "Server_ServerArray": ([APPLICATION_URI], VT.String),
        "Server_Auditing": (True, VT.Boolean),
        "Server_ServerRedundancy_RedundancySupport": (int(ua.RedundancySupport.None_), VT.Int32),
    }
    values |= {f"Server_ServerCapabilities_{k}": v for k, v in _capabilities(settings.opcua).items()}
    values |= {
        f"Server_ServerCapabilities_OperationLimits_{name}": (limit, VT.UInt32)
        for name, limit in OPERATION_LIMITS.items()
    }
    values |= {f"HistoryServerCapabilities_{name}": told for name, told in _HISTORY.items()}
    values |= {
        f"DefaultHAConfiguration_{name}": told for name, told in _default_configuration(settings).items()
    }
    values["ConditionType_SupportsFilteredRetain"] = (False, VT.Boolean)
    for name, (value, kind) in values.items():
        space.set_value(getattr(Ids, name), value, kind)


def _default_configuration(settings: Settings) -> dict[str, tuple[Any, ua.VariantType]]:
    """Of history, as far as variables do not say otherwise (Part 11, 5.2.4)."""
    found = configuration(False, settings.scan.period, settings.historian.raw_days)
    rules = aggregate_configuration()
    found |= {f"AggregateConfiguration_{name}": told for name, told in rules.items()}
    return {name: (value, kind) for name, (value, kind, _) in found.items()}


def _capabilities(settings: OpcUa) -> dict[str, tuple[Any, ua.VariantType]]:
    longest = Limits().message  # nothing in a request is longer than the request
    numbers = {
        "MaxArrayLength": decoder.PIECES,
        "MaxStringLength": longest,
        "MaxByteStringLength": longest,
        "MaxSessions": settings.max_sessions,
        "MaxSubscriptions": settings.max_subscriptions,
        "MaxSubscriptionsPerSession": subscriptionlimits.MAX_SUBSCRIPTIONS_PER_SESSION,
        "MaxMonitoredItems": 0,  # as many as memory takes, which their queues share
        "MaxMonitoredItemsPerSubscription": settings.max_monitored_items,
        "MaxMonitoredItemsQueueSize": subscriptionlimits.MAX_EVENT_QUEUE,
        "MaxSelectClauseParameters": eventfilter.MAX_SELECT_CLAUSES,
        "MaxWhereClauseParameters": eventfilter.MAX_ELEMENTS,
    }
    points = {
        "MaxBrowseContinuationPoints": sessions.MAX_POINTS,
        "MaxHistoryContinuationPoints": historypoints.MAX_POINTS,
        "MaxQueryContinuationPoints": 0,
    }
    return {
        "ServerProfileArray": ([*PROFILES], VT.String),
        "LocaleIdArray": (["en"], VT.String),
        "MinSupportedSampleRate": (settings.min_publishing_interval, VT.Double),
        "SoftwareCertificates": ([], VT.ExtensionObject),
        "ConformanceUnits": ([], VT.QualifiedName),
        **{name: (number, VT.UInt32) for name, number in numbers.items()},
        **{name: (number, VT.UInt16) for name, number in points.items()},
    }


def with_fleet(namespaces: list[str]) -> tuple[list[str], int]:
    """The namespace array with the fleet's, and its index."""
    return [*namespaces, FLEET_URI], len(namespaces)
