"""The historised variables that a trend can show, and what each is: unit, states, how the pages call it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi import display
from hmi.topology import FLEET, Topology

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_A: Final = ua.AttributeIds
_WORD: Final = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
# Of several names the last one wins: that of the page of a jar.
_NAMED: Final = (
    display.STRING,
    display.SYSTEM,
    display.GATEWAY,
    display.SITE,
    display.HISTORIAN,
    display.JAR,
    display.JAR_DETAIL,
)
_LABELS: Final = {column.tag: column.label for columns in _NAMED for column in columns}
_NUMBERS: Final = frozenset(ua.NodeId(number) for number in range(ua.ObjectIds.Boolean, ua.ObjectIds.String))


@dataclass(frozen=True)
class Variable:
    """One that can be drawn: unit, and names of its states where it has them; `label` is to be translated."""

    name: str
    label: str
    unit: str
    states: tuple[str, ...]


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
    names = [each.rpartition(".")[2] for each in identifiers]
    told = [data.Value.Value if data.Value is not None else None for data in values]
    return [
        Variable(name, label(name), _unit(unit), tuple(state.Text or "" for state in states or ()))
        for name, unit, states in zip(names, told[::2], told[1::2], strict=True)
    ]


def label(name: str) -> str:
    """What pages call a variable: by its own name where none of them shows it."""
    return _LABELS.get(name) or _WORD.sub(lambda found: f" {found[0].lower()}", name)


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
