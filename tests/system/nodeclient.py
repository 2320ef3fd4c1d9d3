"""node-opcua-client, which shares no code with Voltkeep: steps of node/client.mjs against a program."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

from program import Voltkeep

NODE_TESTS = Path(__file__).parent / "node"


class Step(Protocol):
    """Run a step against a program; what it saw."""

    def __call__(self, program: Voltkeep, step: str, limit: float = 60, **options: Any) -> Any: ...


def installed() -> bool:
    """Whether there is Node.js, with the client."""
    return bool(shutil.which("node")) and (NODE_TESTS / "node_modules" / "node-opcua-client").exists()


def run_step(directory: Path, program: Voltkeep, step: str, limit: float, options: dict[str, Any]) -> Any:
    """Run a step in a process of its own, with what it keeps in `directory`; what it saw."""
    output = directory / "seen.json"
    options |= {
        "endpoint": program.endpoint,
        "user": "admin",
        "password": program.admin_password,
        "directory": str(directory),
        "trusted": str(program.home / "pki" / "trusted" / "certs"),
        "output": str(output),
    }
    done = subprocess.run(
        ["node", "client.mjs", step, json.dumps(options)],
        cwd=NODE_TESTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
    return json.loads(output.read_text())
