"""How variables are historised (Part 11, 5.2): a HA Configuration for each kind of them.

All tags whose values hold until the next share one object, all others another. Both are made when somebody
looks. There is no reference back to the variables, of which there are tens of thousands.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from asyncua import ua

from historian.aggregation import SERVER_DEFAULTS
from server.protocol.stack import NodeData
from server.space import nodes
from server.space.links import NO_SHAPE, Link, View, link, link_of
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY, VT, typed

Ids = ua.ObjectIds

HAS_CONFIGURATION: Final = ua.NodeId(Ids.HasHistoricalConfiguration)
_NAME: Final = ua.QualifiedName("HA Configuration", 0)
_IDENTIFIERS: Final = {True: "HAConfiguration.Stepped", False: "HAConfiguration.Sampled"}  # by Stepped
_TYPE: Final = ua.NodeId(Ids.HistoricalDataConfigurationType)
_AGGREGATE_TYPE: Final = ua.NodeId(Ids.AggregateConfigurationType)
_DAY: Final = 86_400_000.0  # ms

# Value, type of Variant and data type of a property by its name.
Properties = dict[str, tuple[Any, ua.VariantType, int]]


def to_configuration(stepped: bool, node_id: Callable[[str], ua.NodeId]) -> Link:
    """The link of a variable to its configuration."""
    target = node_id(_IDENTIFIERS[stepped])
    return link(HAS_CONFIGURATION, True, target, _NAME, ua.NodeClass.Object, _TYPE)


def aggregate_configuration() -> Properties:
    """The properties of an AggregateConfiguration: the server's defaults (Part 13, 4.2.1.2)."""
    return {
        "TreatUncertainAsBad": (SERVER_DEFAULTS.treat_uncertain_as_bad, VT.Boolean, Ids.Boolean),
        "PercentDataBad": (SERVER_DEFAULTS.percent_data_bad, VT.Byte, Ids.Byte),
        "PercentDataGood": (SERVER_DEFAULTS.percent_data_good, VT.Byte, Ids.Byte),
        "UseSlopedExtrapolation": (SERVER_DEFAULTS.use_sloped_extrapolation, VT.Boolean, Ids.Boolean),
    }


def configuration(stepped: bool, scan_period: float, raw_days: int) -> Properties:
    """The properties of a HA Configuration: every scan of `scan_period` [s] is kept for `raw_days`."""
    period = (scan_period * 1000, VT.Double, Ids.Duration)
    return {
        "Stepped": (stepped, VT.Boolean, Ids.Boolean),
        "MinTimeInterval": period,
        "MaxTimeInterval": period,
        "MaxTimeStoredValues": (raw_days * _DAY, VT.Double, Ids.Duration),
        "ServerTimestampSupported": (False, VT.Boolean, Ids.Boolean),
    }


class HistoryNodes:
    """Makes the nodes of both configurations in the fleet's namespace."""

    def __init__(self, node_id: Callable[[str], ua.NodeId], scan_period: float, raw_days: int) -> None:
        self._node_id = node_id
        self._scan_period = scan_period
        self._raw_days = raw_days

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier, or None where there is none."""
        return self._nodes.get(identifier) if identifier.startswith("HAConfiguration.") else None

    def view(self, identifier: str) -> View | None:
        """The references of an identifier's node, or None where there is none."""
        node = self.make(identifier)
        return None if node is None else View(NO_SHAPE, b"", [link_of(ref) for ref in node.references])

    @cached_property
    def _nodes(self) -> dict[str, NodeData]:
        made: dict[str, NodeData] = {}
        for stepped, identifier in _IDENTIFIERS.items():
            whole = self._object(made, identifier, _NAME, _TYPE)
            self._describe(made, whole, configuration(stepped, self._scan_period, self._raw_days))
            name = ua.QualifiedName("AggregateConfiguration", 0)
            part = self._object(made, f"{identifier}.{name.Name}", name, _AGGREGATE_TYPE)
            nodes.connect(whole, HAS_COMPONENT, part, _AGGREGATE_TYPE)
            self._describe(made, part, aggregate_configuration())
        return made

    def _object(
        self, made: dict[str, NodeData], identifier: str, name: ua.QualifiedName, kind: ua.NodeId
    ) -> NodeData:
        node = made[identifier] = nodes.object_node(self._node_id(identifier), name)
        node.references.append(typed(kind, ua.NodeClass.ObjectType))
        return node

    def _describe(self, made: dict[str, NodeData], owner: NodeData, properties: Properties) -> None:
        for name, (value, kind, data_type) in properties.items():
            identifier = f"{owner.nodeid.Identifier}.{name}"
            node = made[identifier] = nodes.variable_node(
                self._node_id(identifier),
                ua.QualifiedName(name, 0),
                ua.NodeId(data_type),
                nodes.constant(value, kind),
            )
            node.references.append(typed(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType))
            nodes.connect(owner, HAS_PROPERTY, node, nodes.PROPERTY_TYPE)
