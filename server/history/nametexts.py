"""Names that outlive the namespace array: NodeIds, names and values as text and JSON with namespace URIs.

The index of a namespace may be another after a restart with other NodeSets; its URI never is. A URI that is
known no more gives an index that no namespace has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncua import ua

from server.events.event import Path
from server.protocol.stack import Buffer, variant_from_binary, variant_to_binary

_UNKNOWN: Final = 0xFFFF
# Within a name that stands between others.
_ESCAPES: Final = (("%", "%25"), (";", "%3B"), ("/", "%2F"))
_URI: Final = "nsu="
Type = ua.VariantType
_AS_THEY_ARE: Final = frozenset(
    {
        *(Type.Boolean, Type.SByte, Type.Byte, Type.Int16, Type.UInt16, Type.Int32, Type.UInt32),
        *(Type.Int64, Type.UInt64, Type.String),
    }
)


class NameTexts:
    """Texts for names in the namespaces of `uris`, by their index."""

    def __init__(self, uris: Sequence[str]) -> None:
        self._uris = uris
        self._numbers = {uri: i for i, uri in enumerate(uris)}
        self._values: dict[ua.VariantType, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
            **dict.fromkeys(_AS_THEY_ARE, (lambda value: value, lambda kept: kept)),
            **dict.fromkeys((Type.Float, Type.Double), (_finite, float)),
            Type.DateTime: (lambda value: value.isoformat(), dt.datetime.fromisoformat),
            Type.ByteString: (bytes.hex, bytes.fromhex),
            Type.NodeId: (self.node_id, self.as_node_id),
            Type.StatusCode: (lambda value: int(value.value), ua.StatusCode),
            Type.LocalizedText: (
                lambda value: [value.Locale, value.Text],
                lambda kept: ua.LocalizedText(kept[1], kept[0]),
            ),
        }

    def node_id(self, node: ua.NodeId) -> str:
        """A NodeId: `i=2253`, `nsu=urn:voltkeep:types;s=JarType`."""
        text = str(ua.NodeId(node.Identifier, node.NamespaceIndex).to_string())
        if not node.NamespaceIndex:
            return text
        return f"{_URI}{_escaped(self._uris[node.NamespaceIndex])};{text.partition(';')[2]}"

    def as_node_id(self, text: str) -> ua.NodeId:
        """What `node_id` made a text of."""
        if text.startswith(_URI):
            uri, _, identifier = text.removeprefix(_URI).partition(";")
            text = f"ns={self._number(uri)};{identifier}"
        parsed = ua.NodeId.from_string(text)
        return ua.NodeId(parsed.Identifier, parsed.NamespaceIndex)  # in its shortest encoding

    def path(self, path: Path) -> str:
        """A browse path: `EnabledState/Id`, `nsu=urn:voltkeep:types;Scenario`."""
        return "/".join(map(self._name, path))

    def as_path(self, text: str) -> Path:
        """What `path` made a text of."""
        return tuple(map(self._as_name, text.split("/")))

    def value(self, value: ua.Variant) -> list[Any]:
        """A value as JSON: type and content, and True behind an array; under type 0 its encoding."""
        codec = self._values.get(value.VariantType)
        if codec is None or value.Dimensions:
            return [0, variant_to_binary(value).hex()]
        to_json = codec[0]
        if value.is_array:
            inner = [None if each is None else to_json(each) for each in value.Value or ()]
            return [value.VariantType.value, inner, True]
        return [value.VariantType.value, None if value.Value is None else to_json(value.Value)]

    def as_value(self, kept: list[Any]) -> ua.Variant:
        """What `value` made JSON of."""
        number, inner, *is_array = kept
        if number == 0:
            return variant_from_binary(Buffer(bytes.fromhex(inner)))
        kind = Type(number)
        of_json = self._values[kind][1]
        if is_array:
            values = [None if each is None else of_json(each) for each in inner]
            return ua.Variant(values, kind, is_array=True)
        return ua.Variant(None if inner is None else of_json(inner), kind)

    def _number(self, uri: str) -> int:
        return self._numbers.get(_plain(uri), _UNKNOWN)

    def _name(self, name: str) -> str:
        index, colon, plain = name.partition(":")
        if not colon or not index.isdigit():
            return _escaped(name)
        return f"{_URI}{_escaped(self._uris[int(index)])};{_escaped(plain)}"

    def _as_name(self, text: str) -> str:
        if not text.startswith(_URI):
            return _plain(text)
        uri, _, name = text.removeprefix(_URI).partition(";")
        return f"{self._number(uri)}:{_plain(name)}"


def _finite(value: float) -> float | str:
    return value if abs(value) < float("inf") else repr(value)


def _escaped(text: str) -> str:
    for char, escape in _ESCAPES:
        text = text.replace(char, escape)
    return text


def _plain(text: str) -> str:
    for char, escape in reversed(_ESCAPES):
        text = text.replace(escape, char)
    return text
