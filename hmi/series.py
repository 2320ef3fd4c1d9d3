"""Trends of any historised variable over any span of time, and what there is to choose from.

A span of a day or less is shown as it was stored; a longer one in whole hours or days, so that the server
answers from its roll-ups and a picture has some hundreds of points. Times in µs since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.topology import FLEET, Topology
from hmi.trend import DAY, HOUR, Range

STORED_UP_TO: Final = DAY  # as it was stored; longer spans are averages
POINTS: Final = 500  # at most, of a longer span
LONGEST: Final = 12 * 365 * DAY
_STEPS: Final = (HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_A: Final = ua.AttributeIds
_NUMBERS: Final = frozenset(ua.NodeId(number) for number in range(ua.ObjectIds.Boolean, ua.ObjectIds.String))


@dataclass(frozen=True)
class Variable:
    """One that can be drawn: unit, and names of its states where it has them."""

    name: str
    unit: str
    states: tuple[str, ...]


def span_of(start: int, end: int) -> Range:
    """How a span from `start` to `end` is read; ValueError where it is none or too long."""
    length = end - start
    if not 0 < length <= LONGEST or start < 0:
        raise ValueError("no span of time")
    if length <= STORED_UP_TO:
        return Range(length, 0, 5.0)
    step = next((step for step in _STEPS if length <= POINTS * step), _STEPS[-1])
    return Range(-(-length // step) * step, step, 60.0)


def identifier(topology: Topology, variable: str) -> str:
    """The NodeId text of `path.Name`; KeyError for what the fleet does not have."""
    path, _, name = variable.rpartition(".")
    if (path != FLEET and path not in topology.by_path) or not _NAME.fullmatch(name):
        raise KeyError(variable)
    return variable


async def variables(client: Client, topology: Topology, path: str) -> list[Variable]:
    """The historised variables of an asset, in the server's order."""
    asset = path or FLEET
    names = await _names(client, topology.node(asset))
    nodes = [topology.node(f"{asset}.{name}") for name in names]
    kept = await client.uaclient.read_attributes(nodes, _A.Historizing)
    types = await client.uaclient.read_attributes(nodes, _A.DataType)
    found = [name for name, *data in zip(names, kept, types, strict=True) if _can_be_drawn(*data)]
    return await described(client, topology, [f"{asset}.{name}" for name in found])


async def described(client: Client, topology: Topology, identifiers: Sequence[str]) -> list[Variable]:
    """Unit and states of variables, as their properties tell them (Part 8, 5.3)."""
    nodes = [
        topology.node(f"{each}.{p}") for each in identifiers for p in ("EngineeringUnits", "EnumStrings")
    ]
    values = await client.uaclient.read_attributes(nodes, _A.Value) if nodes else []
    told = [data.Value.Value if data.Value is not None else None for data in values]
    return [
        Variable(each.rpartition(".")[2], _unit(unit), tuple(state.Text or "" for state in states or ()))
        for each, unit, states in zip(identifiers, told[::2], told[1::2], strict=True)
    ]


def _can_be_drawn(kept: ua.DataValue, data_type: ua.DataValue) -> bool:
    """Whether a variable has a history, and of numbers: names have no trend."""
    kind = data_type.Value.Value if data_type.Value else None
    return bool(kept.Value and kept.Value.Value and kind in _NUMBERS)


def _unit(information: Any) -> str:
    return "" if information is None else information.DisplayName.Text or ""


async def _names(client: Client, node: ua.NodeId) -> list[str]:
    description = ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasComponent),
        IncludeSubtypes=True,
        NodeClassMask=ua.NodeClass.Variable,
        ResultMask=ua.BrowseResultMask.BrowseName,
    )
    parameters = ua.BrowseParameters(View=ua.ViewDescription(), NodesToBrowse=[description])
    (result,) = await client.uaclient.browse(parameters)
    result.StatusCode.check()
    return [reference.BrowseName.Name for reference in result.References or ()]
