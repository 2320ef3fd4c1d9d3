"""The peer: a stock asyncua server with as many variables as our fleet, under the same names.

`python -m benchmarks.stock PORT FLEETFILE WRITTEN FOLDER` serves all variables of the fleet, in a folder an
asset, with the same string NodeIds and types, and writes a new value to the first WRITTEN of them a second.
It prints the CPU time of each such round [ms]. The nodes are put in as one AddNodes request: one by one takes
longer, and all in one folder takes many minutes, for every new reference is compared with all that there are.
Its certificate goes to FOLDER.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from asyncua import Server, ua

from benchmarks.fleet import index_of
from benchmarks.process import HOST
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Kind
from nodeset.types import TYPES_URI
from server.security.certificates import Application, own_certificate

FLEET_URI: Final = "urn:voltkeep:fleet"
APPLICATION_URI: Final = "urn:voltkeep:benchmarks:stock"
PERIOD: Final = 1.0  # s


def value(kind: Kind, round_number: int) -> ua.Variant:
    """A value of a variable that differs from that of the round before."""
    if kind is Kind.STATE:
        return ua.Variant(round_number % 3, ua.VariantType.UInt32)
    if kind in (Kind.QUARTER, Kind.JAR):
        return ua.Variant(f"{2026 + round_number % 10}-Q1", ua.VariantType.String)
    return ua.Variant(13.5 + round_number % 10 * 0.01, ua.VariantType.Double)


async def build(server: Server, index: TagIndex) -> list[tuple[ua.NodeId, Kind]]:
    """Add all variables; their NodeIds and kinds."""
    await server.register_namespace(TYPES_URI)
    namespace = await server.register_namespace(FLEET_URI)
    top = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    items = [_folder(asset.path, namespace, top) for kind in AssetType for asset in index.fleet.assets(kind)]
    variables = []
    for row in range(index.size):
        tag, _ = index.locate(row)
        node_id = ua.NodeId(index.identifier(row), namespace)
        variables.append((node_id, tag.kind))
        items.append(_variable(node_id, ua.NodeId(index.path(row), namespace), tag.kind, tag.name))
    await server.iserver.isession.add_nodes(items)
    return variables


def _folder(path: str, namespace: int, top: ua.NodeId) -> ua.AddNodesItem:
    above = "Fleet" if "/" not in path else path.rpartition("/")[0]
    parent = top if path == "Fleet" else ua.NodeId(above, namespace)
    item = _item(ua.NodeId(path, namespace), parent, path.rpartition("/")[2])
    item.TypeDefinition = ua.NodeId(ua.ObjectIds.FolderType)
    item.NodeClass = ua.NodeClass.Object
    item.NodeAttributes = ua.ObjectAttributes()
    item.NodeAttributes.DisplayName = ua.LocalizedText(path)
    return item


def _variable(node_id: ua.NodeId, parent: ua.NodeId, kind: Kind, name: str) -> ua.AddNodesItem:
    item = _item(node_id, parent, name)
    item.TypeDefinition = ua.NodeId(ua.ObjectIds.BaseDataVariableType)
    item.NodeClass = ua.NodeClass.Variable
    attributes = item.NodeAttributes = ua.VariableAttributes()
    attributes.DisplayName = ua.LocalizedText(name)
    attributes.Value = value(kind, 0)
    attributes.DataType = ua.NodeId(attributes.Value.VariantType.value)
    return item


def _item(node_id: ua.NodeId, parent: ua.NodeId, name: str) -> ua.AddNodesItem:
    item = ua.AddNodesItem()
    item.RequestedNewNodeId, item.ParentNodeId = node_id, parent
    item.ReferenceTypeId = ua.NodeId(ua.ObjectIds.Organizes)
    item.BrowseName = ua.QualifiedName(name, node_id.NamespaceIndex)
    return item


async def serve(port: int, fleet: Path, written: int, folder: Path) -> None:
    """Serve until interrupted."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{HOST}:{port}/")
    own_certificate(folder, Application(APPLICATION_URI, "stock asyncua", "localhost"))
    await server.set_application_uri(APPLICATION_URI)
    await server.load_certificate(folder / "own.der")
    await server.load_private_key(folder / "own.key.pem")
    policies = ua.SecurityPolicyType
    server.set_security_policy([policies.NoSecurity, policies.Basic256Sha256_SignAndEncrypt])
    variables = (await build(server, index_of(fleet)))[:written]
    async with server:
        round_number, due = 0, time.monotonic()
        while True:
            round_number += 1
            began = time.process_time()
            await _write_all(server, variables, round_number)
            print(f"{1000 * (time.process_time() - began):.1f}")
            due = max(due + PERIOD, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


async def _write_all(server: Server, variables: list[tuple[ua.NodeId, Kind]], round_number: int) -> None:
    now = datetime.now(UTC)
    values = {
        kind: ua.DataValue(value(kind, round_number), SourceTimestamp=now, ServerTimestamp=now)
        for kind in Kind
    }
    for node_id, kind in variables:
        await server.write_attribute_value(node_id, values[kind])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
