"""The FileType objects of exports (Part 20, 4.2): nobody finds them by browsing from elsewhere (4.4.1).

A file's object has the NodeId that Export gives, its properties that and their names after a dot; its methods
are those of the type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from server.exports.exports import Exports
from server.exports.file import ExportFile
from server.protocol.stack import NodeData
from server.protocol.wire import now_ticks
from server.space import nodes
from server.space.addressspace import OWN_NAMESPACE, AddressSpace
from server.space.nodes import HAS_COMPONENT, HAS_PROPERTY, VT

Ids = ua.ObjectIds

FILE_METHODS: Final = ("Open", "Close", "Read", "Write", "GetPosition", "SetPosition")
_FILE_TYPE: Final = ua.NodeId(Ids.FileType)
_PROPERTIES: Final[dict[str, tuple[ua.VariantType, int, Callable[[ExportFile], Any]]]] = {
    "Size": (VT.UInt64, Ids.UInt64, lambda file: file.size),
    "Writable": (VT.Boolean, Ids.Boolean, lambda file: False),
    "UserWritable": (VT.Boolean, Ids.Boolean, lambda file: False),
    "OpenCount": (VT.UInt16, Ids.UInt16, lambda file: file.handles),
    "MimeType": (VT.String, Ids.String, lambda file: file.media),
}


def node_id(file: ExportFile) -> ua.NodeId:
    """The NodeId of a file's object."""
    return ua.NodeId(file.name, OWN_NAMESPACE)


class FileNodes:
    """Makes the nodes of files whenever somebody asks for one; `others` makes other passing nodes."""

    def __init__(self, space: AddressSpace, exports: Exports) -> None:
        self._space = space
        self._exports = exports
        self._others = space.passing
        space.passing = self.make

    def make(self, wanted: ua.NodeId) -> NodeData | None:
        """The node, or None where there is none."""
        name, _, part = str(wanted.Identifier).partition(".")
        file = self._exports.find(name)
        if file is None or wanted.NamespaceIndex != OWN_NAMESPACE:
            return self._others(wanted)
        if not part:
            return self._object(file)
        return self._property(file, part) if part in _PROPERTIES else None

    def _object(self, file: ExportFile) -> NodeData:
        node = _bare(file)
        node.references.append(nodes.typed(_FILE_TYPE, ua.NodeClass.ObjectType))
        for name in _PROPERTIES:
            part = _variable(file, name)
            node.references.append(nodes.reference(HAS_PROPERTY, part, True, nodes.PROPERTY_TYPE))
        for name in FILE_METHODS:
            method = self._space.get(ua.NodeId(getattr(Ids, f"FileType_{name}")))
            assert method is not None
            node.references.append(nodes.reference(HAS_COMPONENT, method, True))
        return node

    def _property(self, file: ExportFile, name: str) -> NodeData:
        node = _variable(file, name)
        node.references.append(nodes.typed(nodes.PROPERTY_TYPE, ua.NodeClass.VariableType))
        node.references.append(nodes.reference(HAS_PROPERTY, _bare(file), False, _FILE_TYPE))
        return node


def _bare(file: ExportFile) -> NodeData:
    return nodes.object_node(node_id(file), ua.QualifiedName(file.path.name, OWN_NAMESPACE))


def _variable(file: ExportFile, name: str) -> NodeData:
    kind, data_type, read = _PROPERTIES[name]

    def value() -> ua.DataValue:
        now = ua.win_epoch_to_datetime(now_ticks())
        return ua.DataValue(ua.Variant(read(file), kind), ua.StatusCode(), now, now)

    return nodes.variable_node(
        ua.NodeId(f"{file.name}.{name}", OWN_NAMESPACE),
        ua.QualifiedName(name, 0),
        ua.NodeId(data_type),
        nodes.live(value),
    )
