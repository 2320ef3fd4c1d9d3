"""XML encoding of the values that a NodeSet carries (Part 6, 5.3): ranges, units, texts and arguments."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from nodeset import units
from nodeset.datatypes import DataType
from nodeset.methods.method import ArgumentDef
from nodeset.structures import StructureDef

SCHEMA: Final = "http://opcfoundation.org/UA/2008/02/Types.xsd"
# NodeIds of the default XML encodings.
_ARGUMENT, _RANGE, _EU_INFORMATION = "i=297", "i=885", "i=888"


def eu_range(low: float, high: float) -> ET.Element:
    """A Range."""
    value, body = _extension_object(_RANGE, "Range")
    _text(body, "Low", f"{low:.10g}")
    _text(body, "High", f"{high:.10g}")
    return _rooted(value)


def eu_information(unit: units.Unit) -> ET.Element:
    """An EUInformation by the UNECE code (Part 8, 5.6.4.3)."""
    value, body = _extension_object(_EU_INFORMATION, "EUInformation")
    _text(body, "NamespaceUri", units.NAMESPACE)
    _text(body, "UnitId", str(unit.unit_id))
    _text(ET.SubElement(body, "DisplayName"), "Text", unit.symbol)
    _text(ET.SubElement(body, "Description"), "Text", unit.name)
    return _rooted(value)


def localized_texts(texts: tuple[str, ...]) -> ET.Element:
    """An array of LocalizedText without locale."""
    value = ET.Element("ListOfLocalizedText")
    for text in texts:
        _text(ET.SubElement(value, "LocalizedText"), "Text", text)
    return _rooted(value)


def arguments(definitions: tuple[ArgumentDef, ...]) -> ET.Element:
    """An array of Argument (Part 3, 8.6)."""
    value = ET.Element("ListOfExtensionObject")
    for definition in definitions:
        item, body = _extension_object(_ARGUMENT, "Argument")
        value.append(item)
        _text(body, "Name", definition.name)
        _text(ET.SubElement(body, "DataType"), "Identifier", _data_type(definition.data_type))
        _text(body, "ValueRank", "1" if definition.array else "-1")
        dimensions = ET.SubElement(body, "ArrayDimensions")
        if definition.array:
            _text(dimensions, "UInt32", "0")
        _text(ET.SubElement(body, "Description"), "Text", definition.description)
    return _rooted(value)


def _data_type(of: DataType | StructureDef) -> str:
    """Its NodeId in the NodeSet, whose own namespace is the first after the standard's."""
    return f"ns=1;s={of.name}" if isinstance(of, StructureDef) else f"i={of.value}"


def _extension_object(type_id: str, name: str) -> tuple[ET.Element, ET.Element]:
    value = ET.Element("ExtensionObject")
    _text(ET.SubElement(value, "TypeId"), "Identifier", type_id)
    return value, ET.SubElement(ET.SubElement(value, "Body"), name)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _rooted(value: ET.Element) -> ET.Element:
    value.set("xmlns", SCHEMA)
    return value
