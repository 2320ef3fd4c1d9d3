"""The two servers that are compared: ours as its users run it, and stock asyncua."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cryptography import x509

from benchmarks.process import Process, free_ports, running
from benchmarks.securing import Identity
from server.security.certificates import Application, own_certificate

_PASSWORD: Final = "Benchmark-13.65-volt"
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
        "VOLTKEEP_ADMIN_PASSWORD": _PASSWORD,
    }
    with running(opcua, folder / "server.log", ["-c", _PROGRAM, "server"], environment) as process:
        yield process


def identity(folder: Path) -> Identity:
    """The administrator, with a certificate for the client and the one of the server of that home."""
    application = Application("urn:voltkeep:benchmarks", "benchmarks", "localhost")
    own = own_certificate(folder / "client", application)
    shutil.copy(folder / "client" / "own.der", folder / "pki" / "trusted" / "certs" / "benchmarks.der")
    server = x509.load_der_x509_certificate((folder / "pki" / "own" / "own.der").read_bytes())
    return Identity(own.certificate, own.key, server, "admin", _PASSWORD)


@contextmanager
def stock(folder: Path) -> Iterator[Process]:
    """Stock asyncua with as many variables, all written each second."""
    (port,) = free_ports(1)
    with running(port, folder / "stock.log", ["-m", "benchmarks.stock", str(port)], {}) as process:
        yield process
