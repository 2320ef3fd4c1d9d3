"""Names and values as the journal keeps them, over changes of the namespace array."""

from __future__ import annotations

import datetime as dt
import json
import math
import uuid
from typing import Any

import pytest
from asyncua import ua

from server.history.nametexts import NameTexts

VT = ua.VariantType
URIS = ["http://opcfoundation.org/UA/", "urn:own", "http://example.org/a;b/%2F", "urn:voltkeep:fleet"]
MOVED = [URIS[0], "urn:new", URIS[3], URIS[2]]
NOW = dt.datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "node",
    [
        ua.NodeId(2253),
        ua.NodeId(7, 2),
        ua.NodeId("Bangrak/UPS-1;s=odd", 3),
        ua.NodeId(uuid.UUID(int=5), 2),
        ua.NodeId(b"\x00\xff", 3),
    ],
)
def test_a_node_is_found_where_its_namespace_has_moved(node: ua.NodeId) -> None:
    text = NameTexts(URIS).node_id(node)
    moved = NameTexts(MOVED).as_node_id(text)
    assert moved.Identifier == node.Identifier
    assert MOVED[moved.NamespaceIndex] == URIS[node.NamespaceIndex]
    assert NameTexts(URIS).as_node_id(text) == node


def test_texts_are_as_the_standard_writes_them() -> None:
    names = NameTexts(URIS)
    assert names.node_id(ua.NodeId(2253)) == "i=2253"
    assert names.node_id(ua.NodeId("Fleet", 3)) == "nsu=urn:voltkeep:fleet;s=Fleet"
    assert names.path(("EnabledState", "Id")) == "EnabledState/Id"
    assert names.path(("3:Scenario",)) == "nsu=urn:voltkeep:fleet;Scenario"


@pytest.mark.parametrize(
    "path", [("Time",), ("A", "B"), ("3:Scenario", "Id"), ("2:a/b;c%", "2:d"), ("odd:name",)]
)
def test_a_path_comes_back(path: tuple[str, ...]) -> None:
    assert NameTexts(URIS).as_path(NameTexts(URIS).path(path)) == path


def test_a_namespace_that_is_known_no_more_is_none_that_there_is() -> None:
    kept = NameTexts(URIS).node_id(ua.NodeId("Fleet", 3))
    assert NameTexts(URIS[:3]).as_node_id(kept).NamespaceIndex == 0xFFFF


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, VT.Boolean),
        (-5, VT.Int64),
        (2**64 - 1, VT.UInt64),
        (1.25, VT.Double),
        (math.inf, VT.Double),
        ("ไทย", VT.String),
        (None, VT.String),
        (NOW, VT.DateTime),
        (b"\x00\xff", VT.ByteString),
        (ua.NodeId("Fleet", 3), VT.NodeId),
        (ua.StatusCode(0x80B0_0000), VT.StatusCode),
        (ua.LocalizedText("Hot", "en"), VT.LocalizedText),
        (ua.LocalizedText(None, None), VT.LocalizedText),
        (ua.QualifiedName("Fleet", 3), VT.QualifiedName),
        (uuid.UUID(int=7), VT.Guid),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_value_comes_back_with_its_type(value: Any, kind: ua.VariantType, several: bool) -> None:
    given = ua.Variant([value, value], kind, is_array=True) if several else ua.Variant(value, kind)
    names = NameTexts(URIS)
    back = names.as_value(json.loads(json.dumps(names.value(given), allow_nan=False)))
    assert (back.Value, back.VariantType, bool(back.is_array)) == (given.Value, kind, several)


def test_null_and_an_empty_array_come_back() -> None:
    names = NameTexts(URIS)
    assert names.as_value(names.value(ua.Variant())).VariantType is VT.Null
    empty = names.as_value(names.value(ua.Variant([], VT.String, is_array=True)))
    assert (empty.Value, empty.is_array) == ([], True)
