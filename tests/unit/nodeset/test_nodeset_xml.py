"""The NodeSet that ships is the one the tags make, is sound in itself, and other tools can load it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import extensionobject_from_binary, extensionobject_to_binary

from config.fleetfile import RESERVED
from nodeset.__main__ import main
from nodeset.fleet import AssetType
from nodeset.methods import METHODS
from nodeset.nameplate import nameplate_of
from nodeset.structures import RUL_PREDICTION
from nodeset.tags import TAGS, Kind
from nodeset.types import TYPES_URI
from nodeset.xml import NODESET_FILE, nodeset_xml

NS = {"ua": "http://opcfoundation.org/UA/2011/03/UANodeSet.xsd"}
# The encoding of a structure is below it as a component is below an object.
DOWNWARD = {"HasComponent", "HasProperty", "HasSubtype", "HasEncoding"}


@pytest.fixture(scope="module")
def nodes() -> dict[str, ET.Element]:
    root = ET.parse(NODESET_FILE).getroot()
    found = [node for node in root if "NodeId" in node.attrib]
    by_id = {node.attrib["NodeId"]: node for node in found}
    assert len(by_id) == len(found)
    return by_id


def references(node: ET.Element) -> list[tuple[str, bool, str]]:
    return [
        (ref.attrib["ReferenceType"], ref.get("IsForward") != "false", ref.text or "")
        for ref in node.iterfind("ua:References/ua:Reference", NS)
    ]


def test_the_file_is_up_to_date() -> None:
    assert NODESET_FILE.read_text(encoding="utf-8") == nodeset_xml()


def test_check_tells_a_changed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "types.xml"
    monkeypatch.setattr("nodeset.__main__.NODESET_FILE", file)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    file.write_text(file.read_text().replace("Voltage", "Voltages", 1))
    assert main(["--check"]) == 1
    assert "out of date: run `python -m nodeset`" in capsys.readouterr().err
    assert main(["--chekc"]) == 2


def test_every_tag_stands_once_in_its_type(nodes: dict[str, ET.Element]) -> None:
    # Instance declarations under the types, by name.
    below = Counter(
        (node.attrib["ParentNodeId"], node.attrib["BrowseName"])
        for node in nodes.values()
        if "ParentNodeId" in node.attrib
    )
    for tag in TAGS:
        assert below[f"ns=1;s={tag.asset}Type", f"1:{tag.name}"] == 1, tag.key
    assert max(below.values()) == 1


def test_parents_exist_and_hierarchical_references_have_both_ends(nodes: dict[str, ET.Element]) -> None:
    ends = {(source, *ref) for source, node in nodes.items() for ref in references(node)}
    for source, kind, forward, target in ends:
        if not target.startswith("ns=1;"):
            continue
        assert target in nodes, (source, kind, target)
        if kind in DOWNWARD:
            assert (target, kind, not forward, source) in ends, (source, kind, target)
    for identifier, node in nodes.items():
        upward = [target for kind, forward, target in references(node) if kind in DOWNWARD and not forward]
        assert len(upward) == 1, identifier
        assert node.get("ParentNodeId", upward[0]) == upward[0], identifier


def test_only_namespace_zero_is_required() -> None:
    root = ET.parse(NODESET_FILE).getroot()
    uris = [uri.text for uri in root.iterfind("ua:NamespaceUris/ua:Uri", NS)]
    required = [m.attrib["ModelUri"] for m in root.iterfind("ua:Models/ua:Model/ua:RequiredModel", NS)]
    assert uris == [TYPES_URI]
    assert required == ["http://opcfoundation.org/UA/"]


def test_numeric_node_ids_are_those_of_the_standard(nodes: dict[str, ET.Element]) -> None:
    root = ET.parse(NODESET_FILE).getroot()
    aliases = {alias.attrib["Alias"]: alias.text for alias in root.iterfind("ua:Aliases/ua:Alias", NS)}
    for name, node_id in aliases.items():
        assert node_id == f"i={getattr(ua.ObjectIds, name)}"
    used = {node.attrib["DataType"] for node in nodes.values() if "DataType" in node.attrib}
    used |= {kind for node in nodes.values() for kind, _, _ in references(node)}
    assert used <= set(aliases)
    definitions = {
        target
        for node in nodes.values()
        for kind, _, target in references(node)
        if kind == "HasTypeDefinition"
    }
    names = (
        "BaseDataVariableType",
        "PropertyType",
        "MultiStateDiscreteType",
        "AnalogUnitRangeType",
        "DataTypeEncodingType",
    )
    assert {target for target in definitions if target.startswith("i=")} == {
        f"i={getattr(ua.ObjectIds, name)}" for name in names
    }


async def test_asyncua_imports_it_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    server = Server()
    await server.init()
    caplog.clear()
    await server.import_xml(NODESET_FILE)
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == []

    ns = await server.get_namespace_index(TYPES_URI)

    async def read(identifier: str) -> Any:
        return await server.get_node(ua.NodeId(identifier, ns)).read_value()

    assert await read("JarType.Voltage.EURange") == ua.Range(0.0, 20.0)
    unit = await read("JarType.Voltage.EngineeringUnits")
    assert (unit.UnitId, unit.DisplayName.Text) == (5655636, "V")
    states = await read("SystemType.OperatingMode.EnumStrings")
    assert [state.Text for state in states] == ["Float", "Discharge", "Recharge", "Equalise", "Offline"]
    for asset, others in (("Jar", 0), ("String", 0), ("System", 0), ("Site", 1), ("Fleet", 1)):
        node = server.get_node(ua.NodeId(f"{asset}Type", ns))
        told = [ref.NodeId.Identifier for ref in await node.get_references(ua.ObjectIds.GeneratesEvent)]
        assert told[0] == ua.ObjectIds.AlarmConditionType
        assert len(told) == 1 + others


async def test_methods_have_the_arguments_of_the_interface() -> None:
    server = Server()
    await server.init()
    await server.import_xml(NODESET_FILE)
    ns = await server.get_namespace_index(TYPES_URI)
    for owner in ("SimulationType", "FleetType.Simulation"):
        node = server.get_node(ua.NodeId(f"{owner}.Start.InputArguments", ns))
        given = [(a.Name, a.DataType.Identifier, a.ValueRank) for a in await node.read_value()]
        assert given == [
            ("Scenario", ua.ObjectIds.String, -1),
            ("Target", ua.ObjectIds.String, -1),
            ("Duration", ua.ObjectIds.Double, -1),
            ("ParameterNames", ua.ObjectIds.String, 1),
            ("ParameterValues", ua.ObjectIds.Double, 1),
        ]
    outputs = server.get_node(ua.NodeId("AnalyticsType.PredictRul.OutputArguments", ns))
    assert [a.Name for a in await outputs.read_value()] == [
        "Days", "LowerDays", "UpperDays", "Confidence", "Factors", "Shares", "ModelVersion",
    ]  # fmt: skip


async def test_structures_have_their_definition_and_encoding() -> None:
    server = Server()
    await server.init()
    await server.import_xml(NODESET_FILE)
    ns = await server.get_namespace_index(TYPES_URI)
    node = server.get_node(ua.NodeId("RulPredictionType", ns))
    definition = await node.read_data_type_definition()
    assert definition.BaseDataType == ua.NodeId(ua.ObjectIds.Structure)
    assert definition.DefaultEncodingId == ua.NodeId("RulPredictionType.DefaultBinary", ns)
    assert definition.StructureType == ua.StructureType.Structure
    assert [(f.Name, f.DataType.Identifier, f.ValueRank) for f in definition.Fields] == [
        (f.name, f.data_type.value, 1 if f.array else -1) for f in RUL_PREDICTION.fields
    ]
    await server.load_data_type_definitions()
    made = ua.RulPredictionType(Jar="Bangrak/UPS-1/S03/J07", Days=100.0, Factors=["Age"], Shares=[1.0])
    read = extensionobject_from_binary(Buffer(extensionobject_to_binary(made)))
    assert (read.Jar, read.Days, read.Factors) == ("Bangrak/UPS-1/S03/J07", 100.0, ["Age"])
    for owner in ("AnalyticsType", "FleetType.Analytics"):
        outputs = server.get_node(ua.NodeId(f"{owner}.PredictFleet.OutputArguments", ns))
        last = (await outputs.read_value())[-1]
        assert (last.Name, last.DataType, last.ValueRank) == ("Predictions", node.nodeid, 1)


def test_what_is_declared_once_has_unique_names() -> None:
    assert len({(method.owner, method.name) for method in METHODS}) == len(METHODS)
    for asset in AssetType:
        names = [p.name for p in nameplate_of(asset)] + [t.name for t in TAGS if t.asset is asset]
        assert len(set(names)) == len(names)


def test_analogue_tags_have_a_range_and_a_unit() -> None:
    for tag in TAGS:
        assert (tag.unit is not None) == (tag.kind is Kind.ANALOG), tag.key
        if tag.kind is Kind.ANALOG:
            assert tag.low < tag.high, tag.key


def test_no_site_can_have_the_name_of_an_object_with_methods() -> None:
    assert {method.owner for method in METHODS} <= RESERVED
