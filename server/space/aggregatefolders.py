"""The AggregateFunctions folders of the standard's address space (Part 13, 4.2.2): all that there are.

They are filled when the standard nodes are packed, so that they cost nothing at a start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from asyncua import ua

from historian.aggregation import Aggregate
from server.protocol.stack import NodeData
from server.space.nodes import ORGANIZES, connect

Ids = ua.ObjectIds

FOLDERS: Final = (
    Ids.Server_ServerCapabilities_AggregateFunctions,
    Ids.HistoryServerCapabilities_AggregateFunctions,
    Ids.DefaultHAConfiguration_AggregateFunctions,
)


def fill_folders(nodes: Mapping[ua.NodeId, NodeData]) -> None:
    """Let each of the folders organize the functions of the aggregates that there are."""
    for folder in FOLDERS:
        for aggregate in Aggregate:
            connect(nodes[ua.NodeId(folder)], ORGANIZES, nodes[ua.NodeId(int(aggregate))])
