"""The nodes that do not depend on the fleet: built once for a set of NodeSet files, then read from a pack.

asyncua takes seconds and 50 MB to build its address space, so a process of its own does it, on the first
start and whenever the version of asyncua or a NodeSet file has changed. See decision 0008.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog

from historian.aggregation import Aggregate
from server.errors import StartError
from server.protocol.stack import NodeSetError, load_nodes
from server.space.aggregatefolders import fill_folders
from server.space.facets import NOT_SERVED, served
from server.space.nodestore import MAGIC, NodeStore, PackError, pack

log = structlog.get_logger(__name__)

_PATIENCE: Final = 600.0  # s
_ROOT: Final = b"UANodeSet"
_WRONG_FILE: Final = 3  # exit status


def open_nodes(folder: Path, node_sets: Sequence[Path]) -> NodeStore:
    """The standard nodes with those of `node_sets`, which are kept in `folder`; blocks.

    A file that cannot be loaded is a `StartError` that names it.
    """
    file = folder / f"nodes-{_key(node_sets)}.pack"
    try:
        return NodeStore(file.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, PackError) as error:
        log.warning("kept nodes cannot be used: they are made anew", file=str(file), reason=str(error))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("nodes-*.pack"):
        old.unlink()
    _build(file, node_sets)
    return NodeStore(file.read_bytes())


def _key(node_sets: Sequence[Path]) -> str:
    """Changes with whatever the nodes are made of."""
    left_out = ",".join(sorted(str(node.Identifier) for node in NOT_SERVED))
    put_in = ",".join(str(int(aggregate)) for aggregate in Aggregate)
    digest = hashlib.sha256(MAGIC + f"{version('asyncua')} {left_out} {put_in}".encode())
    for path in node_sets:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StartError(_refusal(path, error.strerror or str(error))) from None
        if _ROOT not in content:
            raise StartError(_refusal(path, "it is no NodeSet2 file: it has no UANodeSet"))
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:32]


def _build(file: Path, node_sets: Sequence[Path]) -> None:
    command = [sys.executable, "-m", __name__, str(file), *map(str, node_sets)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode == _WRONG_FILE:
        raise StartError(done.stderr.strip())
    if done.returncode != 0:
        raise StartError(f"The address space cannot be made:\n{done.stderr.strip()}")


def _refusal(path: Path, reason: str) -> str:
    return (
        f"The NodeSet file {path} cannot be loaded: {reason}\n"
        "Correct the file, or take it out of nodeset.import."
    )


def main(file: Path, node_sets: Sequence[Path]) -> int:
    """Build the nodes and write their pack; the exit status."""
    try:
        nodes, namespaces = asyncio.run(load_nodes(node_sets))
    except NodeSetError as error:
        print(_refusal(error.path, error.reason), file=sys.stderr)
        return _WRONG_FILE
    fill_folders(nodes)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        output.write(pack(served(nodes), namespaces))
    new.replace(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
