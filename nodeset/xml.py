"""The NodeSet2 XML of `urn:voltkeep:types` (Part 6, Annex F): a pure function of `nodeset.types.TYPES`.

`nodeset_xml()` gives the same text every time; `python -m nodeset` writes it to `NODESET_FILE`, from
where the server and other tools load it. Every hierarchical reference is written at both of its ends.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from nodeset import values
from nodeset.datatypes import DataType
from nodeset.methods.method import MethodDef
from nodeset.nameplate import NameplateDef
from nodeset.structures import STRUCTURES, StructureDef
from nodeset.tags import Kind, TagDef
from nodeset.types import TYPES, TYPES_URI, PartDef, PropertyDef, Rule, TypeDef, VariableDef

NODESET_FILE: Final = Path(__file__).parent / "voltkeep.NodeSet2.xml"
VERSION: Final = "0.1.0"
PUBLISHED: Final = "2026-11-21T00:00:00Z"

UA_URI: Final = "http://opcfoundation.org/UA/"
SCHEMA: Final = "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"
# The first edition of the standard's own NodeSet that has AnalogUnitRangeType.
UA_MODEL: Final = {"ModelUri": UA_URI, "Version": "1.04", "PublicationDate": "2018-05-15T00:00:00Z"}

ALIASES: Final = {
    "Boolean": 1,
    "UInt32": 7,
    "Double": 11,
    "DateTime": 13,
    "String": 12,
    "LocalizedText": 21,
    "HasModellingRule": 37,
    "HasEncoding": 38,
    "HasTypeDefinition": 40,
    "GeneratesEvent": 41,
    "HasSubtype": 45,
    "HasProperty": 46,
    "HasComponent": 47,
    "Argument": 296,
    "Range": 884,
    "EUInformation": 887,
}
_DATA_TYPE: Final = {
    DataType.BOOLEAN: "Boolean",
    DataType.UINT32: "UInt32",
    DataType.DOUBLE: "Double",
    DataType.STRING: "String",
    DataType.DATE_TIME: "DateTime",
}
_OF_ONE_DIMENSION: Final = {"ValueRank": "1", "ArrayDimensions": "0"}
_CAN_BE_WRITTEN: Final = {"AccessLevel": "3"}  # CurrentRead and CurrentWrite (Part 3, 8.57)
_BASE_DATA_VARIABLE, _PROPERTY, _MULTI_STATE, _ANALOG_UNIT_RANGE = 63, 68, 2376, 17570
_STRUCTURE, _DATA_TYPE_ENCODING = 22, 76
_TYPES: Final = frozenset({"UAObjectType", "UADataType"})  # have no parent, only a type above them
_TAG_TYPE: Final = {
    Kind.ANALOG: (_ANALOG_UNIT_RANGE, DataType.DOUBLE),
    Kind.COUNT: (_BASE_DATA_VARIABLE, DataType.DOUBLE),
    Kind.STATE: (_MULTI_STATE, DataType.UINT32),
    Kind.QUARTER: (_BASE_DATA_VARIABLE, DataType.STRING),
    Kind.JAR: (_BASE_DATA_VARIABLE, DataType.STRING),
}


@dataclass(frozen=True)
class Node:
    """A node and the nodes below it; `link` is its parent's reference to it."""

    element: str
    identifier: str
    browse_name: str
    link: str
    rule: Rule | None = Rule.MANDATORY
    type_definition: str = ""
    description: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    value: ET.Element | None = None
    definition: ET.Element | None = None
    children: tuple[Node, ...] = ()
    references: tuple[tuple[str, str], ...] = ()


def nodeset_xml() -> str:
    """The whole file."""
    root = ET.Element("UANodeSet", {"xmlns": SCHEMA, "LastModified": PUBLISHED})
    ET.SubElement(ET.SubElement(root, "NamespaceUris"), "Uri").text = TYPES_URI
    model = {"ModelUri": TYPES_URI, "Version": VERSION, "PublicationDate": PUBLISHED}
    ET.SubElement(ET.SubElement(ET.SubElement(root, "Models"), "Model", model), "RequiredModel", UA_MODEL)
    aliases = ET.SubElement(root, "Aliases")
    for name, number in ALIASES.items():
        ET.SubElement(aliases, "Alias", {"Alias": name}).text = f"i={number}"
    for structure in STRUCTURES:
        root.extend(_elements(_data_type(structure), f"i={_STRUCTURE}"))
    for definition in TYPES:
        root.extend(_elements(_type(definition), f"i={definition.base}"))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _data_type(structure: StructureDef) -> Node:
    """A structure and its encoding (Part 6, F.12 and F.13)."""
    encoding = Node(
        "UAObject",
        structure.encoding,
        "Default Binary",
        "HasEncoding",
        rule=None,
        type_definition=f"i={_DATA_TYPE_ENCODING}",
        attributes={"SymbolicName": "DefaultBinary"},
    )
    definition = ET.Element("Definition", {"Name": f"1:{structure.name}"})
    for one in structure.fields:
        attributes = {"Name": one.name, "DataType": _DATA_TYPE[one.data_type]}
        field_ = ET.SubElement(definition, "Field", attributes | (_OF_ONE_DIMENSION if one.array else {}))
        ET.SubElement(field_, "Description").text = one.description
    return Node(
        "UADataType",
        structure.name,
        f"1:{structure.name}",
        "HasSubtype",
        rule=None,
        description=structure.description,
        definition=definition,
        children=(encoding,),
    )


def _type(definition: TypeDef) -> Node:
    name = definition.name
    return Node(
        "UAObjectType",
        name,
        f"1:{name}",
        "HasSubtype",
        rule=None,
        description=definition.description,
        children=(
            *(_nameplate(name, prop) for prop in definition.properties),
            *(_tag(name, tag) for tag in definition.tags),
            *(_variable(name, variable) for variable in definition.variables),
            *(_method(name, method) for method in definition.methods),
            *(_part(name, part) for part in definition.parts),
        ),
        references=tuple(("GeneratesEvent", _event_type(kind)) for kind in definition.raises),
    )


def _event_type(kind: int | str) -> str:
    return f"i={kind}" if isinstance(kind, int) else f"ns=1;s={kind}"


def _part(parent: str, part: PartDef) -> Node:
    identifier = f"{parent}.{part.name}"
    return Node(
        "UAObject",
        identifier,
        f"1:{part.name}",
        "HasComponent",
        rule=part.rule,
        type_definition=f"ns=1;s={part.type_name}",
        children=(
            *(_variable(identifier, variable) for variable in part.variables),
            *(_method(identifier, method, part.type_name) for method in part.methods),
        ),
    )


def _tag(parent: str, tag: TagDef) -> Node:
    identifier = f"{parent}.{tag.name}"
    type_definition, data_type = _TAG_TYPE[tag.kind]
    return Node(
        "UAVariable",
        identifier,
        f"1:{tag.name}",
        "HasComponent",
        type_definition=f"i={type_definition}",
        description=tag.description,
        attributes={"DataType": _DATA_TYPE[data_type]} | (_CAN_BE_WRITTEN if tag.writable else {}),
        children=tuple(_tag_properties(identifier, tag)),
    )


def _variable(parent: str, variable: VariableDef) -> Node:
    attributes = {"DataType": _DATA_TYPE[variable.data_type]}
    return Node(
        "UAVariable",
        f"{parent}.{variable.name}",
        f"1:{variable.name}",
        "HasComponent",
        type_definition=f"i={_BASE_DATA_VARIABLE}",
        description=variable.description,
        attributes=attributes | (_OF_ONE_DIMENSION if variable.array else {}),
    )


def _tag_properties(parent: str, tag: TagDef) -> Iterator[Node]:
    if tag.kind is Kind.ANALOG:
        yield _property(parent, "EURange", "Range", values.eu_range(tag.low, tag.high))
    if tag.unit is not None:
        yield _property(parent, "EngineeringUnits", "EUInformation", values.eu_information(tag.unit))
    if tag.kind is Kind.STATE:
        yield _property(parent, "EnumStrings", "LocalizedText", values.localized_texts(tag.states))


def _method(parent: str, method: MethodDef, declared_by: str = "") -> Node:
    identifier = f"{parent}.{method.name}"
    sides = (("InputArguments", method.inputs), ("OutputArguments", method.outputs))
    return Node(
        "UAMethod",
        identifier,
        f"1:{method.name}",
        "HasComponent",
        description=method.description,
        attributes={"MethodDeclarationId": f"ns=1;s={declared_by}.{method.name}"} if declared_by else {},
        children=tuple(
            _property(identifier, name, "Argument", values.arguments(arguments))
            for name, arguments in sides
            if arguments
        ),
    )


def _nameplate(parent: str, definition: PropertyDef | NameplateDef[Any]) -> Node:
    node = _property(parent, f"1:{definition.name}", _DATA_TYPE[definition.data_type])
    return replace(node, description=definition.description)


def _property(parent: str, browse_name: str, data_type: str, value: ET.Element | None = None) -> Node:
    attributes = {"DataType": data_type}
    if value is not None and value.tag.startswith("ListOf"):
        attributes |= {"ValueRank": "1", "ArrayDimensions": str(len(value))}
    return Node(
        "UAVariable",
        f"{parent}.{browse_name.removeprefix('1:')}",
        browse_name,
        "HasProperty",
        type_definition=f"i={_PROPERTY}",
        attributes=attributes,
        value=value,
    )


def _elements(node: Node, parent: str) -> Iterator[ET.Element]:
    """A node's element and those of the nodes below it, parents first."""
    identifier = f"ns=1;s={node.identifier}"
    attributes = {"NodeId": identifier, "BrowseName": node.browse_name} | node.attributes
    if node.element not in _TYPES and node.link != "HasEncoding":
        attributes["ParentNodeId"] = parent
    element = ET.Element(node.element, attributes)
    ET.SubElement(element, "DisplayName").text = node.browse_name.removeprefix("1:")
    if node.description:
        ET.SubElement(element, "Description").text = node.description
    _references(element, node, parent)
    if node.value is not None:
        ET.SubElement(element, "Value").append(node.value)
    if node.definition is not None:
        element.append(node.definition)
    yield element
    for child in node.children:
        yield from _elements(child, identifier)


def _references(element: ET.Element, node: Node, parent: str) -> None:
    references = ET.SubElement(element, "References")

    def add(kind: str, target: str) -> None:
        ET.SubElement(references, "Reference", {"ReferenceType": kind}).text = target

    if node.type_definition:
        add("HasTypeDefinition", node.type_definition)
    if node.rule is not None:
        add("HasModellingRule", f"i={node.rule.value}")
    for kind, target in node.references:
        add(kind, target)
    for child in node.children:
        add(child.link, f"ns=1;s={child.identifier}")
    inverse = {"ReferenceType": node.link, "IsForward": "false"}
    ET.SubElement(references, "Reference", inverse).text = parent
