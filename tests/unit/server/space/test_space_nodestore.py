"""Packed nodes: what goes in comes out, and what was tampered with is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncua import ua

from server.errors import StartError
from server.protocol.stack import NodeData
from server.space import nodecache, nodes
from server.space.facets import served
from server.space.nodestore import NodeStore, PackError, pack

VT = ua.VariantType
Ids = ua.ObjectIds


def some_nodes() -> list[NodeData]:
    above = nodes.object_node(ua.NodeId("Above", 1), ua.QualifiedName("Above", 1), "Über")
    kinds: list[tuple[ua.NodeId, object, ua.VariantType]] = [
        (ua.NodeId(7, 2), 1.5, VT.Double),
        (ua.NodeId(70_000, 2), [1, 2], VT.Int32),
        (ua.NodeId(b"\x00\x01", 2), ua.Range(1, 2), VT.ExtensionObject),
    ]
    made = [above]
    for i, (node_id, value, kind) in enumerate(kinds):
        node = nodes.variable_node(
            node_id, ua.QualifiedName(f"V{i}", 2), ua.NodeId(Ids.Double), nodes.constant(value, kind)
        )
        nodes.connect(above, nodes.HAS_COMPONENT, node)
        made.append(node)
    return made


def test_nodes_come_out_as_they_went_in() -> None:
    made = some_nodes()
    store = NodeStore(pack(made, ["a", "bé"]))
    assert store.namespaces == ["a", "bé"]
    assert list(store) == [node.nodeid for node in made]
    for node in made:
        found = store.node(node.nodeid)
        assert found is not None
        assert found.references == node.references
        assert {k: v.value for k, v in found.attributes.items()} == {
            k: v.value for k, v in node.attributes.items()
        }
        links = store.links(node.nodeid)
        assert links is not None
        assert [one.name for one in links] == [
            (ref.BrowseName.NamespaceIndex, ref.BrowseName.Name) for ref in node.references
        ]
    assert store.node(ua.NodeId("Below", 1)) is None
    assert store.links(ua.NodeId("Below", 1)) is None


@pytest.mark.parametrize("spoil", [0, 20, 60, -1])
def test_a_spoilt_pack_is_refused(spoil: int) -> None:
    data = bytearray(pack(some_nodes(), ["a"]))
    data[spoil] ^= 1
    with pytest.raises(PackError):
        NodeStore(bytes(data))


@pytest.mark.parametrize("length", [0, 30, 100])
def test_a_cut_pack_is_refused(length: int) -> None:
    with pytest.raises(PackError):
        NodeStore(pack(some_nodes(), ["a"])[:length])


def test_a_facet_goes_with_all_that_belongs_to_it() -> None:
    above = nodes.object_node(ua.NodeId(Ids.Server), ua.QualifiedName("Server"))
    facet = nodes.object_node(ua.NodeId(Ids.PublishSubscribe), ua.QualifiedName("PublishSubscribe"))
    part = nodes.object_node(ua.NodeId(Ids.PublishSubscribe_Status), ua.QualifiedName("Status"))
    nodes.connect(above, nodes.HAS_COMPONENT, facet)
    nodes.connect(facet, nodes.HAS_COMPONENT, part)
    assert served({node.nodeid: node for node in (above, facet, part)}) == [above]
    assert above.references == []


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were built, by a builder that takes no time."""
    files: list[Path] = []

    def build(file: Path, _node_sets: list[Path]) -> None:
        file.write_bytes(pack(some_nodes(), ["a"]))
        files.append(file)

    monkeypatch.setattr(nodecache, "_build", build)
    return files


def test_nodes_are_built_once_and_again_when_a_file_changes(tmp_path: Path, built: list[Path]) -> None:
    cache, source = tmp_path / "cache", tmp_path / "a.xml"
    for text, times in (("<UANodeSet/>", 1), ("<UANodeSet/>", 1), ("<UANodeSet />", 2)):
        source.write_text(text)
        assert len(nodecache.open_nodes(cache, [source])) == len(some_nodes())
        assert len(built) == times
    assert [each.name for each in cache.iterdir()] == [built[-1].name]


def test_a_spoilt_file_is_built_again(tmp_path: Path, built: list[Path]) -> None:
    nodecache.open_nodes(tmp_path, [])
    built[0].write_bytes(b"planted")
    nodecache.open_nodes(tmp_path, [])
    assert len(built) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "No such file"), ("<html/>", "no NodeSet2 file"), ("<UANodeSet", "unclosed token")],
)
def test_a_wrong_file_stops_the_start_by_name(tmp_path: Path, text: str | None, reason: str) -> None:
    """N5."""
    source = tmp_path / "plant.xml"
    if text is not None:
        source.write_text(text)
    with pytest.raises(StartError, match=r"plant\.xml cannot be loaded") as refused:
        nodecache.open_nodes(tmp_path / "cache", [source])
    assert reason in str(refused.value)
    assert "nodeset.import" in str(refused.value)
