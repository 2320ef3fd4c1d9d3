"""Event types of a NodeSet that a user loads (N5): fields are selected and filtered by as the standard's."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncua import ua

from server.events.event import PlainEvent, string
from server.events.filter import compile_filter
from server.events.types import EventTypes
from server.space.nodecache import open_nodes

URI = "urn:example:pumps"
NODES = f"""<?xml version="1.0" encoding="utf-8"?>
<UANodeSet xmlns="http://opcfoundation.org/UA/2011/03/UANodeSet.xsd">
  <NamespaceUris><Uri>{URI}</Uri></NamespaceUris>
  <Models><Model ModelUri="{URI}"/></Models>
  <Aliases>
    <Alias Alias="HasSubtype">i=45</Alias><Alias Alias="HasProperty">i=46</Alias>
    <Alias Alias="HasComponent">i=47</Alias><Alias Alias="HasTypeDefinition">i=40</Alias>
    <Alias Alias="HasModellingRule">i=37</Alias>
  </Aliases>
  <UAObjectType NodeId="ns=1;i=1" BrowseName="1:PumpEventType">
    <DisplayName>PumpEventType</DisplayName>
    <References><Reference ReferenceType="HasSubtype" IsForward="false">i=2041</Reference></References>
  </UAObjectType>
  <UAObjectType NodeId="ns=1;i=2" BrowseName="1:SealEventType">
    <DisplayName>SealEventType</DisplayName>
    <References><Reference ReferenceType="HasSubtype" IsForward="false">ns=1;i=1</Reference></References>
  </UAObjectType>
  <UAObject NodeId="ns=1;i=3" BrowseName="1:Drive" ParentNodeId="ns=1;i=1">
    <DisplayName>Drive</DisplayName>
    <References>
      <Reference ReferenceType="HasComponent" IsForward="false">ns=1;i=1</Reference>
      <Reference ReferenceType="HasTypeDefinition">i=58</Reference>
      <Reference ReferenceType="HasModellingRule">i=78</Reference>
    </References>
  </UAObject>
  <UAVariable NodeId="ns=1;i=4" BrowseName="1:Maker" ParentNodeId="ns=1;i=3" DataType="String">
    <DisplayName>Maker</DisplayName>
    <References>
      <Reference ReferenceType="HasProperty" IsForward="false">ns=1;i=3</Reference>
      <Reference ReferenceType="HasTypeDefinition">i=68</Reference>
      <Reference ReferenceType="HasModellingRule">i=78</Reference>
    </References>
  </UAVariable>
</UANodeSet>
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[EventTypes, int]:
    """The types of the standard and of the file, and the file's namespace."""
    folder: Path = tmp_path_factory.mktemp("nodes")
    (folder / "pumps.xml").write_text(NODES)
    store = open_nodes(folder / "cache", [folder / "pumps.xml"])

    def references(node_id: ua.NodeId) -> list[ua.ReferenceDescription]:
        node = store.node(node_id)
        return [] if node is None else list(node.references)

    return EventTypes(references), store.namespaces.index(URI)


def clause(kind: ua.NodeId, ns: int, *names: str, attribute: int = 13) -> ua.SimpleAttributeOperand:
    return ua.SimpleAttributeOperand(kind, [ua.QualifiedName(name, ns) for name in names], attribute)


def test_its_fields_by_path_and_type(loaded: tuple[EventTypes, int]) -> None:
    types, ns = loaded
    pump, seal, base = ua.NodeId(1, ns), ua.NodeId(2, ns), ua.NodeId(2041)
    clauses = [
        (clause(pump, ns, "Drive", "Maker"), "Good"),
        (clause(seal, ns, "Drive", "Maker"), "Good"),
        (clause(base, ns, "Drive", "Maker"), "Good"),
        (clause(pump, 0, "Severity"), "Good"),
        (clause(pump, ns, "Drive", attribute=1), "Good"),
        (clause(pump, 0, "Drive", "Maker"), "BadNodeIdUnknown"),
        (clause(pump, ns, "Maker"), "BadNodeIdUnknown"),
        (clause(ua.NodeId(2782), ns, "Drive", "Maker"), "BadNodeIdUnknown"),
        (clause(ua.NodeId(3, ns), ns, "Maker"), "BadTypeDefinitionInvalid"),
    ]
    of_pumps = ua.ContentFilterElement(ua.FilterOperator.OfType, [ua.LiteralOperand(ua.Variant(pump))])
    wanted = ua.EventFilter([each for each, _ in clauses], ua.ContentFilter([of_pumps]))
    compiled, result = compile_filter(wanted, types)
    assert compiled is not None
    assert [code.name for code in result.SelectClauseResults] == [code for _, code in clauses]
    path = (f"{ns}:Drive", f"{ns}:Maker")
    leak = PlainEvent(seal, 1, "A seal leaks", 500, more={path: string("Grundfos")})
    assert compiled.matches(leak)
    assert [field.Value for field in compiled.fields(leak)][:4] == ["Grundfos", "Grundfos", "Grundfos", 500]
    assert not compiled.matches(PlainEvent(base, 1, "Something else", 500))
