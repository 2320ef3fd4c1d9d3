"""The two servers that are compared: ours as its users run it, and stock asyncua."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.process import Process, free_ports, running

_PROGRAM: Final = "import sys; from server.cli import main; sys.exit(main())"


@contextmanager
def home() -> Iterator[Path]:
    """An empty home, which the unprivileged user may enter as whom PostgreSQL runs under root."""
    folder = Path(tempfile.mkdtemp(prefix="voltkeep-bench-"))
    os.chmod(folder, 0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def voltkeep(folder: Path) -> Iterator[Process]:
    """`voltkeep server` with the simulated fleet, historian and all, scanning each second."""
    opcua, metrics = free_ports(2)
    environment = {
        "VOLTKEEP_HOME": str(folder),
        "VOLTKEEP_DEMO": "1",
        "VOLTKEEP_SCAN_PERIOD": "1",
        "VOLTKEEP_OPCUA_PORT": str(opcua),
        "VOLTKEEP_METRICS_PORT": str(metrics),
        "VOLTKEEP_LOG_LEVEL": "warning",
    }
    with running(opcua, folder / "server.log", ["-c", _PROGRAM, "server"], environment) as process:
        yield process


@contextmanager
def stock(folder: Path) -> Iterator[Process]:
    """Stock asyncua with as many variables, all written each second."""
    (port,) = free_ports(1)
    with running(port, folder / "stock.log", ["-m", "benchmarks.stock", str(port)], {}) as process:
        yield process
