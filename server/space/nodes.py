"""Building blocks of nodes: attributes and references in the form that the services read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from server.protocol.stack import AttributeValue, NodeData

A = ua.AttributeIds
VT = ua.VariantType
Ids = ua.ObjectIds

HAS_COMPONENT: Final = ua.NodeId(Ids.HasComponent)
HAS_PROPERTY: Final = ua.NodeId(Ids.HasProperty)
HAS_TYPE: Final = ua.NodeId(Ids.HasTypeDefinition)
HAS_SUBTYPE: Final = ua.NodeId(Ids.HasSubtype)
HAS_NOTIFIER: Final = ua.NodeId(Ids.HasNotifier)
HAS_EVENT_SOURCE: Final = ua.NodeId(Ids.HasEventSource)
HAS_CONDITION: Final = ua.NodeId(Ids.HasCondition)
ORGANIZES: Final = ua.NodeId(Ids.Organizes)
PROPERTY_TYPE: Final = ua.NodeId(Ids.PropertyType)
VARIABLE_TYPE: Final = ua.NodeId(Ids.BaseDataVariableType)

SUBSCRIBE_TO_EVENTS: Final = 1
READABLE: Final = 1
WRITABLE: Final = 2
HISTORY_READABLE: Final = 4
HISTORY_WRITABLE: Final = 8
TELLS_EVENTS: Final = SUBSCRIBE_TO_EVENTS | HISTORY_READABLE

Reader = Callable[[], ua.DataValue]


def constant(value: Any, kind: ua.VariantType) -> AttributeValue:
    """An attribute that does not change."""
    return fixed(ua.DataValue(ua.Variant(value, kind)))


def fixed(value: ua.DataValue) -> AttributeValue:
    """An attribute that does not change, from a finished value."""
    return AttributeValue(value)


def live(read: Reader) -> AttributeValue:
    """An attribute that is worked out whenever it is read."""
    attribute = AttributeValue(None)
    attribute.value_callback = lambda _node, _attribute: read()
    return attribute


def _base(node_id: ua.NodeId, node_class: ua.NodeClass, name: ua.QualifiedName, description: str) -> NodeData:
    node = NodeData(node_id)
    node.attributes = {
        A.NodeId: constant(node_id, VT.NodeId),
        A.NodeClass: constant(node_class, VT.Int32),
        A.BrowseName: constant(name, VT.QualifiedName),
        A.DisplayName: constant(ua.LocalizedText(name.Name), VT.LocalizedText),
        A.Description: constant(ua.LocalizedText(description or None), VT.LocalizedText),
        A.WriteMask: constant(0, VT.UInt32),
        A.UserWriteMask: constant(0, VT.UInt32),
    }
    return node


def object_node(
    node_id: ua.NodeId, name: ua.QualifiedName, description: str = "", notifier: int = 0
) -> NodeData:
    """An Object."""
    node = _base(node_id, ua.NodeClass.Object, name, description)
    node.attributes[A.EventNotifier] = constant(notifier, VT.Byte)
    return node


def variable_node(
    node_id: ua.NodeId,
    name: ua.QualifiedName,
    data_type: ua.NodeId,
    value: AttributeValue,
    description: str = "",
    access: int = READABLE,
    rank: int = -1,
    interval: float = 0.0,
) -> NodeData:
    """A Variable; `interval` [ms] is how often its value can change, 0 for whenever."""
    node = _base(node_id, ua.NodeClass.Variable, name, description)
    node.attributes |= {
        A.Value: value,
        A.DataType: constant(data_type, VT.NodeId),
        A.ValueRank: constant(rank, VT.Int32),
        A.AccessLevel: constant(access, VT.Byte),
        A.UserAccessLevel: constant(access, VT.Byte),
        A.MinimumSamplingInterval: constant(interval, VT.Double),
        A.Historizing: constant(bool(access & HISTORY_READABLE), VT.Boolean),
    }
    if rank == 1:
        node.attributes[A.ArrayDimensions] = AttributeValue(ua.DataValue(ua.Variant([0], VT.UInt32)))
    return node


def method_node(node_id: ua.NodeId, name: ua.QualifiedName, description: str = "") -> NodeData:
    """A Method."""
    node = _base(node_id, ua.NodeClass.Method, name, description)
    node.attributes |= {
        A.Executable: constant(True, VT.Boolean),
        A.UserExecutable: constant(True, VT.Boolean),
    }
    return node


def reference(
    kind: ua.NodeId, target: NodeData, forward: bool, type_definition: ua.NodeId | None = None
) -> ua.ReferenceDescription:
    """A reference to `target` as it is browsed."""
    attributes = target.attributes
    return ua.ReferenceDescription(
        kind,
        forward,
        target.nodeid,
        attributes[A.BrowseName].value.Value.Value,
        attributes[A.DisplayName].value.Value.Value,
        ua.NodeClass(attributes[A.NodeClass].value.Value.Value),
        type_definition or _type_definition(target),
    )


def _type_definition(node: NodeData) -> ua.NodeId:
    for ref in node.references:
        if ref.ReferenceTypeId == HAS_TYPE and ref.IsForward:
            return ref.NodeId
    return ua.NodeId()


def typed(target: ua.NodeId, node_class: ua.NodeClass) -> ua.ReferenceDescription:
    """The reference of a node to its type, of the standard or of ours, whose identifier is its name."""
    standard = target.NamespaceIndex == 0
    name = ua.ObjectIdNames[target.Identifier] if standard else str(target.Identifier)
    return ua.ReferenceDescription(
        HAS_TYPE,
        True,
        target,
        ua.QualifiedName(name, target.NamespaceIndex),
        ua.LocalizedText(name),
        node_class,
        ua.NodeId(),
    )


def connect(
    parent: NodeData, kind: ua.NodeId, child: NodeData, type_definition: ua.NodeId | None = None
) -> None:
    """Both ends of a reference between two kept nodes."""
    parent.references.append(reference(kind, child, True, type_definition))
    child.references.append(reference(kind, parent, False))
