"""The two servers that are compared: ours as its users run it, and stock asyncua."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.login import PASSWORD, identity_in
from benchmarks.process import Process, free_ports, running
from benchmarks.securechannel import Identity

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


def trusted(folder: Path) -> Identity:
    """A client's certificate, made and trusted in the home `folder`."""
    identity = identity_in(folder / "client")
    trust = folder / "pki" / "trusted" / "certs"
    trust.mkdir(mode=0o700, parents=True, exist_ok=True)
    (trust / "benchmarks.der").write_bytes(identity.certificate.public_bytes(Encoding.DER))
    return identity


@contextmanager
def voltkeep(folder: Path, fleet: Path, **settings: str) -> Iterator[Process]:
    """`voltkeep server` with a simulated fleet, historian and all, scanning each second; `settings` win."""
    opcua, metrics = free_ports(2)
    environment = {
        "VOLTKEEP_HOME": str(folder),
        "VOLTKEEP_FLEET": str(fleet),
        "VOLTKEEP_DEMO": "1",
        "VOLTKEEP_ADMIN_PASSWORD": PASSWORD,
        "VOLTKEEP_SCAN_PERIOD": "1",
        "VOLTKEEP_SIMULATOR_PAST_DAYS": "0",
        "VOLTKEEP_OPCUA_PORT": str(opcua),
        "VOLTKEEP_METRICS_PORT": str(metrics),
        "VOLTKEEP_LOG_LEVEL": "warning",
        **settings,
    }
    with running(opcua, folder / "server.log", ["-c", _PROGRAM, "server"], environment) as process:
        yield process


@contextmanager
def stock(folder: Path, fleet: Path, written: int) -> Iterator[Process]:
    """Stock asyncua with as many variables, of which the first `written` are written each second."""
    (port,) = free_ports(1)
    arguments = ["-m", "benchmarks.stock", str(port), str(fleet), str(written), str(folder / "stock")]
    with running(port, folder / "stock.log", arguments, {}) as process:
        yield process
