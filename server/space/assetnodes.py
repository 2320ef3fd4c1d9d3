"""The nodes of assets, live variables and their properties, made when somebody looks (I5, N2-N4).

A node is worked out from its identifier: `Bangrak/UPS-1/S03/J07` is a jar, `….Voltage` its live
variable, `….Voltage.EURange` a property of that, `….SerialNumber` a property of the nameplate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from asyncua import ua

from nodeset.fleet import AssetType, Fleet
from nodeset.nameplate import NameplateDef, nameplate_of
from nodeset.tags import Kind, TagDef, tags_of
from nodeset.types import type_of
from nodeset.units import NAMESPACE, Unit
from server.livetable import LiveTable
from server.protocol.stack import NodeData
from server.space import nodes
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY, VT

Ids = ua.ObjectIds
MoreReferences = Callable[[AssetType, int], list[ua.ReferenceDescription]]

_CHILD: Final = {
    AssetType.FLEET: AssetType.SITE,
    AssetType.SITE: AssetType.SYSTEM,
    AssetType.SYSTEM: AssetType.STRING,
    AssetType.STRING: AssetType.JAR,
}
_VARIABLE_TYPE: Final = {
    Kind.ANALOG: ua.NodeId(Ids.AnalogUnitRangeType),
    Kind.STATE: ua.NodeId(Ids.MultiStateDiscreteType),
    Kind.COUNT: ua.NodeId(Ids.BaseDataVariableType),
    Kind.QUARTER: ua.NodeId(Ids.BaseDataVariableType),
    Kind.JAR: ua.NodeId(Ids.BaseDataVariableType),
}
_DATA_TYPE: Final = {
    Kind.ANALOG: ua.NodeId(Ids.Double),
    Kind.COUNT: ua.NodeId(Ids.Double),
    Kind.STATE: ua.NodeId(Ids.UInt32),
    Kind.QUARTER: ua.NodeId(Ids.String),
    Kind.JAR: ua.NodeId(Ids.String),
}
_VARIANT: Final = {Kind.ANALOG: VT.Double, Kind.COUNT: VT.Double, Kind.STATE: VT.UInt32}
_LIVE_ACCESS: Final = nodes.READABLE | nodes.HISTORY_READABLE


class AssetNodes:
    """Makes the virtual nodes of a fleet. `types` and `fleet` are namespace indices."""

    def __init__(self, table: LiveTable, types: int, fleet: int, scan_period: float) -> None:
        self._table = table
        self._fleet: Fleet = table.index.fleet
        self._types = types
        self._ns = fleet
        self._interval = scan_period * 1000
        # References of an asset to nodes that others make: its conditions.
        self.more_references: MoreReferences = lambda asset, i: []

    # -- identifiers

    def node_id(self, identifier: str) -> ua.NodeId:
        """A NodeId of the fleet's namespace."""
        return ua.NodeId(identifier, self._ns, ua.NodeIdType.String)

    def type_id(self, name: str) -> ua.NodeId:
        """A NodeId of the types' namespace."""
        return ua.NodeId(name, self._types, ua.NodeIdType.String)

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier, or None where there is none."""
        path, *members = identifier.split(".")
        found = self._fleet.index_of.get(path)
        if found is None or len(members) > 2:
            return None
        asset, i = found
        if not members:
            return self._asset(asset, i)
        tag = next((tag for tag in tags_of(asset) if tag.name == members[0]), None)
        if tag is None:
            plate = next((p for p in nameplate_of(asset) if p.name == members[0]), None)
            return self._nameplate(asset, i, plate) if plate and len(members) == 1 else None
        if len(members) == 1:
            return self._variable(tag, i)
        return self._properties(tag, i).get(members[1])

    # -- assets

    def asset_only(self, asset: AssetType, i: int) -> NodeData:
        """An asset's node without its references."""
        part: Any = self._fleet.assets(asset)[i]
        name = part.path if asset is AssetType.FLEET else part.name
        notifier = 0 if asset is AssetType.JAR else nodes.SUBSCRIBE_TO_EVENTS
        return nodes.object_node(self.node_id(part.path), ua.QualifiedName(name, self._ns), notifier=notifier)

    def _asset(self, asset: AssetType, i: int) -> NodeData:
        node = self.asset_only(asset, i)
        refs = node.references
        refs.append(nodes.typed(self.type_id(type_of(asset)), ua.NodeClass.ObjectType))
        refs += self._parent_references(asset, i)
        refs += self._child_references(asset, i)
        for plate in nameplate_of(asset):
            refs.append(self._to_member(HAS_PROPERTY, asset, i, plate.name, nodes.PROPERTY_TYPE))
        for tag in tags_of(asset):
            kind = _VARIABLE_TYPE[tag.kind]
            refs.append(self._to_member(HAS_COMPONENT, asset, i, tag.name, kind))
        refs += self.more_references(asset, i)
        return node

    def _parent_references(self, asset: AssetType, i: int) -> list[ua.ReferenceDescription]:
        parent = self._parent(asset, i)
        if parent is None:
            return []
        return [
            self._to_asset(reference, *parent, forward=False)
            for reference in (HAS_COMPONENT, self._event_reference(asset))
        ]

    def _child_references(self, asset: AssetType, i: int) -> list[ua.ReferenceDescription]:
        child = _CHILD.get(asset)
        if child is None:
            return []
        return [
            self._to_asset(reference, child, k, forward=True)
            for reference in (HAS_COMPONENT, self._event_reference(child))
            for k in self._children(asset, i)
        ]

    def _to_asset(
        self, reference: ua.NodeId, asset: AssetType, i: int, forward: bool
    ) -> ua.ReferenceDescription:
        """A reference to an asset, without making its node."""
        part: Any = self._fleet.assets(asset)[i]
        name = part.path if asset is AssetType.FLEET else part.name
        return ua.ReferenceDescription(
            reference,
            forward,
            self.node_id(part.path),
            ua.QualifiedName(name, self._ns),
            ua.LocalizedText(name),
            ua.NodeClass.Object,
            self.type_id(type_of(asset)),
        )

    @staticmethod
    def _event_reference(child: AssetType) -> ua.NodeId:
        return nodes.HAS_EVENT_SOURCE if child is AssetType.JAR else nodes.HAS_NOTIFIER

    def _parent(self, asset: AssetType, i: int) -> tuple[AssetType, int] | None:
        fleet = self._fleet
        if asset is AssetType.JAR:
            return AssetType.STRING, fleet.jars[i].string
        if asset is AssetType.STRING:
            return AssetType.SYSTEM, fleet.strings[i].system
        if asset is AssetType.SYSTEM:
            return AssetType.SITE, fleet.systems[i].site
        return (AssetType.FLEET, 0) if asset is AssetType.SITE else None

    def _children(self, asset: AssetType, i: int) -> range:
        fleet = self._fleet
        if asset is AssetType.FLEET:
            return range(len(fleet.sites))
        span = {
            AssetType.SITE: lambda: fleet.sites[i].systems,
            AssetType.SYSTEM: lambda: fleet.systems[i].strings,
            AssetType.STRING: lambda: fleet.strings[i].jars,
        }[asset]()
        return range(span.start, span.stop)

    def _path(self, asset: AssetType, i: int) -> str:
        return self._fleet.assets(asset)[i].path

    # -- variables

    def _to_member(
        self, reference: ua.NodeId, asset: AssetType, i: int, name: str, kind: ua.NodeId
    ) -> ua.ReferenceDescription:
        """A reference to a variable or property of an asset, without making its node."""
        return ua.ReferenceDescription(
            reference,
            True,
            self.node_id(f"{self._path(asset, i)}.{name}"),
            ua.QualifiedName(name, self._types),
            ua.LocalizedText(name),
            ua.NodeClass.Variable,
            kind,
        )

    def _variable(self, tag: TagDef, i: int) -> NodeData:
        row = self._table.index.slice(tag.asset, tag.name).start + i
        node = nodes.variable_node(
            self.node_id(f"{self._path(tag.asset, i)}.{tag.name}"),
            ua.QualifiedName(tag.name, self._types),
            _DATA_TYPE[tag.kind],
            nodes.live(lambda: self.value(row)),
            tag.description,
            _LIVE_ACCESS | (nodes.WRITABLE if tag.writable else 0),
            interval=self._interval,
        )
        parent = self.asset_only(tag.asset, i)
        node.references = [
            nodes.typed(_VARIABLE_TYPE[tag.kind], ua.NodeClass.VariableType),
            nodes.reference(HAS_COMPONENT, parent, False, self.type_id(type_of(tag.asset))),
        ]
        node.references += [
            nodes.reference(HAS_PROPERTY, member, True, nodes.PROPERTY_TYPE)
            for member in self._properties(tag, i).values()
        ]
        return node

    def value(self, row: int) -> ua.DataValue:
        """A live value as a structure."""
        line = self._table.rows[row]
        tag, _ = self._table.index.locate(row)
        number = float(line["value"])
        kind = _VARIANT.get(tag.kind)
        if kind is None:
            variant = ua.Variant(self._table.text(row), VT.String)
        else:
            usable = number == number  # NaN is no state
            variant = ua.Variant(number if kind is VT.Double else int(number) if usable else 0, kind)
        return ua.DataValue(
            variant,
            ua.StatusCode(int(line["status"])),
            ua.win_epoch_to_datetime(int(line["source"])),
            ua.win_epoch_to_datetime(int(line["server"])),
        )

    def _properties(self, tag: TagDef, i: int) -> dict[str, NodeData]:
        values: dict[str, tuple[Any, int, int]] = {}
        if tag.kind is Kind.ANALOG and tag.unit is not None:
            span = ua.Range(tag.low, tag.high)
            values["EURange"] = (ua.Variant(span, VT.ExtensionObject), Ids.Range, -1)
            unit = ua.Variant(_eu_information(tag.unit), VT.ExtensionObject)
            values["EngineeringUnits"] = (unit, Ids.EUInformation, -1)
        if tag.kind is Kind.STATE:
            texts = ua.Variant([ua.LocalizedText(s) for s in tag.states], VT.LocalizedText)
            values["EnumStrings"] = (texts, Ids.LocalizedText, 1)
        owner = f"{self._path(tag.asset, i)}.{tag.name}"
        variable = self._to_member(HAS_PROPERTY, tag.asset, i, tag.name, _VARIABLE_TYPE[tag.kind])
        made = {}
        for name, (variant, data_type, rank) in values.items():
            made[name] = nodes.variable_node(
                self.node_id(f"{owner}.{name}"),
                ua.QualifiedName(name, 0),
                ua.NodeId(data_type),
                nodes.fixed(ua.DataValue(variant)),
                rank=rank,
            )
            made[name].references = [
                nodes.typed(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType),
                replace(variable, IsForward=False),
            ]
        return made

    def _nameplate(self, asset: AssetType, i: int, plate: NameplateDef[Any]) -> NodeData:
        value = plate.get(self._fleet.assets(asset)[i])
        node = nodes.variable_node(
            self.node_id(f"{self._path(asset, i)}.{plate.name}"),
            ua.QualifiedName(plate.name, self._types),
            ua.NodeId(plate.data_type.value),
            nodes.constant(value, ua.VariantType(plate.data_type.value)),
            plate.description,
        )
        node.references = [
            nodes.typed(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType),
            self._to_asset(HAS_PROPERTY, asset, i, forward=False),
        ]
        return node


def _eu_information(unit: Unit) -> ua.EUInformation:
    return ua.EUInformation(
        NAMESPACE, unit.unit_id, ua.LocalizedText(unit.symbol), ua.LocalizedText(unit.name)
    )
