"""The nodes of assets, live variables and their properties, made when somebody looks (I5, N2-N4).

A node is worked out from its identifier: `Bangrak/UPS-1/S03/J07` is a jar, `….Voltage` its live
variable, `….Voltage.EURange` a property of that, `….SerialNumber` a property of the nameplate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from asyncua import ua

from nodeset.fleet import AssetType, Fleet, Jar
from nodeset.nameplate import NameplateDef, nameplate_of
from nodeset.tags import Kind, TagDef, tags_of
from nodeset.types import type_of
from nodeset.units import NAMESPACE, Unit
from server.livetable import LiveTable
from server.protocol.stack import NodeData
from server.space import nodes
from server.space.historynodes import to_configuration
from server.space.links import Link, LinkedNode, Shape, View, link
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY, HAS_TYPE, VT

Ids = ua.ObjectIds
MoreLinks = Callable[[AssetType], Sequence[Link]]
Member = TagDef | NameplateDef[Any]


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a live variable."""

    value: ua.Variant
    data_type: int
    rank: int = -1
    access: int = nodes.READABLE


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
_KEPT_PARENTS: Final = 1024
_LIVE_ACCESS: Final = nodes.READABLE | nodes.HISTORY_READABLE
_NOTED: Final = nodes.HISTORY_READABLE | nodes.HISTORY_WRITABLE


@dataclass(frozen=True, slots=True)
class _Leaf:
    """References of the nodes of a name below assets of a type; a property's are told from its variable."""

    shape: Shape
    is_component: bool = False
    tail: int = 0  # characters of a property's identifier behind its variable's


class AssetNodes:
    """Makes the virtual nodes of a fleet. `types` and `fleet` are namespace indices.

    `at` is what stands before the assets' paths: nothing, or `MIRROR` for the nodes of the table's mirror.
    """

    def __init__(self, table: LiveTable, types: int, fleet: int, scan_period: float, at: str = "") -> None:
        self._table = table
        self._fleet: Fleet = table.index.fleet
        # The jars that stand in their places now: those of the fleet, until they are replaced.
        self.jars: Sequence[Jar] = self._fleet.jars
        self.at = at
        places = self._fleet.index_of
        self._places = {at + path: place for path, place in places.items()} if at else places
        # Links of the whole to what it is part of, where that is no asset.
        self.root_links: tuple[Link, ...] = ()
        self._types = types
        self._ns = fleet
        self._interval = scan_period * 1000
        # Links of an asset to nodes that others make: its conditions.
        self.more_links: MoreLinks = lambda asset: ()
        self.prefix: Final = b"\x03" + fleet.to_bytes(2, "little")
        self._members = {asset: _members(asset) for asset in AssetType}
        # Nobody corrects what a scenario shows, nor writes notes on it.
        self._access = _LIVE_ACCESS if at else _LIVE_ACCESS | nodes.HISTORY_WRITABLE
        self._properties = properties_of if at else historised_properties_of
        self._shapes: dict[AssetType, Shape] = {}
        self._leaves: dict[AssetType, dict[str, _Leaf]] = {asset: {} for asset in AssetType}
        self._to_parent = lru_cache(_KEPT_PARENTS)(self._parent_links)
        self._to_owner = lru_cache(_KEPT_PARENTS)(self._owner_links)

    # -- identifiers

    def node_id(self, identifier: str) -> ua.NodeId:
        """A NodeId of the fleet's namespace."""
        return ua.NodeId(identifier, self._ns, ua.NodeIdType.String)

    def type_id(self, name: str) -> ua.NodeId:
        """A NodeId of the types' namespace."""
        return ua.NodeId(name, self._types, ua.NodeIdType.String)

    def make(self, identifier: str) -> NodeData | None:
        """The node of an identifier, or None where there is none."""
        place = self._place(identifier)
        if place is None:
            return None
        asset, i, member, prop = place
        if member is None:
            node = self.asset_only(asset, i)
        elif prop is not None:
            assert isinstance(member, TagDef)
            node = self._property(identifier, prop, self._properties(member)[prop])
        elif isinstance(member, TagDef):
            node = self._variable(identifier, member, i)
        else:
            node = self._nameplate(identifier, asset, i, member)
        return LinkedNode.of(node, lambda: self._structures(identifier))

    def view(self, identifier: str) -> View | None:
        """The references of an identifier's node, or None where there is none."""
        path, _, rest = identifier.partition(".")
        found = self._places.get(path)
        if found is None:
            return None
        if path == identifier:
            return self._asset_view(path, *found)
        leaf = self._leaves[found[0]].get(rest) or self._leaf(found[0], rest)
        if leaf is None:
            return None
        if leaf.tail:
            return View(leaf.shape, identifier[: -leaf.tail].encode(), ())
        return View(leaf.shape, identifier.encode(), self._to_owner(leaf.is_component, path))

    def _structures(self, identifier: str) -> list[ua.ReferenceDescription]:
        view = self.view(identifier)
        return [] if view is None else view.structures()

    def _place(self, identifier: str) -> tuple[AssetType, int, Member | None, str | None] | None:
        """Asset type, index, tag or nameplate, and property of it, that an identifier stands for."""
        path, *names = identifier.split(".")
        found = self._places.get(path)
        if found is None:
            return None
        if not names:
            return *found, None, None
        member = self._members[found[0]].get(names[0])
        if member is None or len(names) > 2:
            return None
        if len(names) == 1:
            return *found, member, None
        known = isinstance(member, TagDef) and names[1] in self._properties(member)
        return (*found, member, names[1]) if known else None

    # -- references

    def _asset_view(self, path: str, asset: AssetType, i: int) -> View:
        shape = self._shapes.get(asset)
        if shape is None:
            shape = self._shapes[asset] = Shape(self._asset_links(asset), self.prefix)
        parent = self._parent(asset, i)
        up = self.root_links if parent is None else self._to_parent(asset, *parent)
        return View(shape, path.encode(), (*up, *self._child_links(asset, i)) if asset in _CHILD else up)

    def _leaf(self, asset: AssetType, rest: str) -> _Leaf | None:
        """What the variables and properties alike have that are called `rest` on assets of a type."""
        name, dot, prop = rest.partition(".")
        member = self._members[asset].get(name)
        if member is None:
            return None
        if not dot:
            leaf = _Leaf(Shape(self._member_links(member), self.prefix), isinstance(member, TagDef))
        elif isinstance(member, TagDef) and prop in self._properties(member):
            leaf = _Leaf(Shape(self._property_links(member), self.prefix), tail=len(dot + prop))
        else:
            return None
        self._leaves[asset][rest] = leaf
        return leaf

    def _asset_links(self, asset: AssetType) -> Iterator[Link]:
        yield to_type(self.type_id(type_of(asset)), ua.NodeClass.ObjectType)
        for name, member in self._members[asset].items():
            yield link(
                HAS_COMPONENT if isinstance(member, TagDef) else HAS_PROPERTY,
                True,
                f".{name}",
                ua.QualifiedName(name, self._types),
                ua.NodeClass.Variable,
                _VARIABLE_TYPE[member.kind] if isinstance(member, TagDef) else nodes.PROPERTY_TYPE,
            )
        yield from self.more_links(asset)

    def _member_links(self, member: Member) -> Iterator[Link]:
        if not isinstance(member, TagDef):
            yield to_type(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType)
            return
        yield to_type(_VARIABLE_TYPE[member.kind], ua.NodeClass.VariableType)
        for name in self._properties(member):
            qualified = ua.QualifiedName(name, 0)
            yield link(HAS_PROPERTY, True, f".{name}", qualified, ua.NodeClass.Variable, nodes.PROPERTY_TYPE)
        yield to_configuration(member.stepped, self.node_id)

    def _property_links(self, tag: TagDef) -> Iterator[Link]:
        """Those of a property, seen from its variable."""
        yield to_type(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType)
        name, kind = ua.QualifiedName(tag.name, self._types), _VARIABLE_TYPE[tag.kind]
        yield link(HAS_PROPERTY, False, "", name, ua.NodeClass.Variable, kind)

    def _owner_links(self, is_component: bool, path: str) -> tuple[Link]:
        """From a variable or property of the nameplate to its asset."""
        kind = HAS_COMPONENT if is_component else HAS_PROPERTY
        return (self.to_asset(kind, *self._places[path]),)

    def _parent_links(self, child: AssetType, asset: AssetType, i: int) -> tuple[Link, ...]:
        """From an asset of type `child` to the asset above it."""
        return tuple(
            self._to_asset(reference, asset, i, forward=False)
            for reference in (HAS_COMPONENT, self._event_reference(child))
        )

    def _child_links(self, asset: AssetType, i: int) -> list[Link]:
        child = _CHILD.get(asset)
        if child is None:
            return []
        return [
            self._to_asset(reference, child, k, forward=True)
            for reference in (HAS_COMPONENT, self._event_reference(child))
            for k in self._children(asset, i)
        ]

    def _to_asset(self, reference: ua.NodeId, asset: AssetType, i: int, forward: bool) -> Link:
        node_id, name, kind = *self._identity(asset, i), self.type_id(type_of(asset))
        return link(reference, forward, node_id, name, ua.NodeClass.Object, kind)

    def _identity(self, asset: AssetType, i: int) -> tuple[ua.NodeId, ua.QualifiedName]:
        """NodeId and BrowseName of an asset; the mirror as a whole is called as all that is in it."""
        part: Any = self._fleet.assets(asset)[i]
        whole = self.at.rstrip("/") or part.path
        name = whole if asset is AssetType.FLEET else part.name
        return self.node_id(self.at + part.path), ua.QualifiedName(name, self._ns)

    def to_asset(self, reference: ua.NodeId, asset: AssetType, i: int) -> Link:
        """The inverse reference of a node to the asset that it belongs to."""
        return self._to_asset(reference, asset, i, forward=False)

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

    # -- attributes

    def asset_only(self, asset: AssetType, i: int) -> NodeData:
        """An asset's node without its references."""
        notifier = 0 if asset is AssetType.JAR else nodes.TELLS_EVENTS
        return nodes.object_node(*self._identity(asset, i), notifier=notifier)

    def _variable(self, identifier: str, tag: TagDef, i: int) -> NodeData:
        index = self._table.index
        row = index.slice(tag.asset, tag.name).start + i + ((index.first_mirrored or 0) if self.at else 0)
        writable = tag.writable and not self.at
        return nodes.variable_node(
            self.node_id(identifier),
            ua.QualifiedName(tag.name, self._types),
            _DATA_TYPE[tag.kind],
            nodes.live(lambda: self.value(row)),
            tag.description,
            self._access | (nodes.WRITABLE if writable else 0),
            interval=self._interval,
        )

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

    def _property(self, identifier: str, name: str, prop: Property) -> NodeData:
        return nodes.variable_node(
            self.node_id(identifier),
            ua.QualifiedName(name, 0),
            ua.NodeId(prop.data_type),
            nodes.fixed(ua.DataValue(prop.value)),
            access=prop.access,
            rank=prop.rank,
        )

    def _nameplate(self, identifier: str, asset: AssetType, i: int, plate: NameplateDef[Any]) -> NodeData:
        def read() -> ua.DataValue:
            installed = self.jars if asset is AssetType.JAR else self._fleet.assets(asset)
            return ua.DataValue(ua.Variant(plate.get(installed[i]), ua.VariantType(plate.data_type.value)))

        return nodes.variable_node(
            self.node_id(identifier),
            ua.QualifiedName(plate.name, self._types),
            ua.NodeId(plate.data_type.value),
            nodes.live(read),
            plate.description,
        )


def _members(asset: AssetType) -> dict[str, Member]:
    """Tags and nameplate properties of an asset type by name."""
    plates: dict[str, Member] = {plate.name: plate for plate in nameplate_of(asset)}
    return plates | {tag.name: tag for tag in tags_of(asset)}


@cache
def properties_of(tag: TagDef) -> dict[str, Property]:
    """The properties of any live variable by name."""
    values: dict[str, Property] = {}
    if tag.kind is Kind.ANALOG and tag.unit is not None:
        span = ua.Range(tag.low, tag.high)
        values["EURange"] = Property(ua.Variant(span, VT.ExtensionObject), Ids.Range)
        unit = ua.Variant(_eu_information(tag.unit), VT.ExtensionObject)
        values["EngineeringUnits"] = Property(unit, Ids.EUInformation)
    if tag.kind is Kind.STATE:
        texts = ua.Variant([ua.LocalizedText(s) for s in tag.states], VT.LocalizedText)
        values["EnumStrings"] = Property(texts, Ids.LocalizedText, rank=1)
    return values


@cache
def historised_properties_of(tag: TagDef) -> dict[str, Property]:
    """Those of a variable whose history people correct and annotate.

    Annotations has a history and no value (Part 11, 5.1.2).
    """
    return {**properties_of(tag), "Annotations": Property(ua.Variant(), Ids.Annotation, access=_NOTED)}


def to_type(target: ua.NodeId, node_class: ua.NodeClass) -> Link:
    """The link of a node to its type, of the standard or of ours, whose identifier is its name."""
    standard = target.NamespaceIndex == 0
    name = ua.ObjectIdNames[target.Identifier] if standard else str(target.Identifier)
    return link(HAS_TYPE, True, target, ua.QualifiedName(name, target.NamespaceIndex), node_class)


def _eu_information(unit: Unit) -> ua.EUInformation:
    return ua.EUInformation(
        NAMESPACE, unit.unit_id, ua.LocalizedText(unit.symbol), ua.LocalizedText(unit.name)
    )
