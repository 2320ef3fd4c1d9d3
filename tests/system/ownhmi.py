"""An HMI in a process of its own, as on another machine than the server, and a link that a test can cut."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from program import CHECKOUT, environment, free_ports

START_LIMIT = 180.0  # s


@dataclass(frozen=True)
class OwnHmi:
    """A running HMI."""

    process: subprocess.Popen[bytes]
    url: str
    log_file: Path

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def own_hmi(home: Path, opcua_port: int, port: int = 0, **settings: str) -> Iterator[OwnHmi]:
    """`python -m hmi` with the certificates of a server's home, until it answers; ended afterwards."""
    port = port or free_ports(1)[0]
    ports = {"VOLTKEEP_HMI_PORT": str(port), "VOLTKEEP_OPCUA_PORT": str(opcua_port)}
    scheme = "https" if "VOLTKEEP_HMI_TLS_KEY" in settings else "http"
    log_file = home.with_suffix(f".hmi.{time.time_ns()}.log")
    with (
        log_file.open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "hmi"],
            cwd=CHECKOUT,
            env=environment(home, **ports, **settings) | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        hmi = OwnHmi(process, f"{scheme}://127.0.0.1:{port}", log_file)
        try:
            until_ready(hmi)
            yield hmi
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def until_ready(hmi: OwnHmi) -> None:
    """Wait until live data comes in."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        assert hmi.process.poll() is None, hmi.log
        with suppress(OSError), urllib.request.urlopen(f"{hmi.url}/ready", timeout=2, context=context):
            return
        time.sleep(0.05)
    raise AssertionError(f"the HMI was not ready after {START_LIMIT:g} s:\n{hmi.log}")


class Link:
    """A network between two programs: passes on what they say, delays it, holds it back, or breaks off."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.delay = 0.0  # s, before what the far side says is passed on
        self._open = threading.Event()
        self._open.set()
        self._lines: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._open.clear()

    def mend(self) -> None:
        """What was held back gets through."""
        self._open.set()

    def break_off(self) -> None:
        """End all connections there are."""
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """For good."""
        self._listener.close()
        self.mend()
        self.break_off()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._open.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self.to), timeout=5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        self._lines |= {near, far}
        answers = threading.Thread(target=self._pass_on, args=(far, near, True), daemon=True)
        answers.start()
        self._pass_on(near, far, False)
        answers.join()
        self._lines -= {near, far}
        near.close()
        far.close()

    def _pass_on(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if slow and self.delay:
                    time.sleep(self.delay)
                self._open.wait()
                target.sendall(data)
        for line in (source, target):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
