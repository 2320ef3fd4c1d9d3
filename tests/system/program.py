"""A real `voltkeep` in a process of its own: free ports, a home of its own, and an end without leftovers."""

from __future__ import annotations

import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ADMIN_PASSWORD = "Float-at-13.65-volt"
READY = re.compile(r"^ready: (opc\.tcp://\S+) (http://\S+)$", re.MULTILINE)
START_LIMIT = 90.0  # s
STOP_LIMIT = 30.0  # s


@dataclass(frozen=True)
class Voltkeep:
    """A running program that answers."""

    process: subprocess.Popen[bytes]
    home: Path
    log_file: Path
    endpoint: str
    hmi_url: str
    metrics_url: str
    admin_password: str
    ready: dt.datetime

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_file.read_text(errors="replace")

    def stop(self) -> int:
        """End it as `kill -INT` does; its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_LIMIT)


Start = Callable[..., AbstractContextManager[Voltkeep]]


def command(*arguments: str) -> list[str]:
    """The command line of `voltkeep`, installed or from the checkout."""
    installed = Path(sys.executable).with_name("voltkeep")
    if installed.exists():
        return [str(installed), *arguments]
    return [sys.executable, "-c", "import sys; from server.cli import main; sys.exit(main())", *arguments]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a program of its own: nothing of the caller's Voltkeep or pytest, and free ports."""
    opcua, hmi, metrics = free_ports(3)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("VOLTKEEP_", "PYTEST_"))}
    return inherited | {
        "VOLTKEEP_HOME": str(home),
        "VOLTKEEP_OPCUA_PORT": str(opcua),
        "VOLTKEEP_HMI_PORT": str(hmi),
        "VOLTKEEP_METRICS_PORT": str(metrics),
        "VOLTKEEP_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "VOLTKEEP_DEMO": "1",
        "VOLTKEEP_SCAN_PERIOD": "1",
        "VOLTKEEP_SIMULATOR_PAST_DAYS": "1",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }


@contextmanager
def running(home: Path, *arguments: str, **settings: str) -> Iterator[Voltkeep]:
    """`voltkeep run`, ready; killed with all its children where a test leaves it running."""
    env = environment(home, **settings)
    log_file = home.with_suffix(f".{time.time_ns()}.log")
    with (
        log_file.open("wb") as log,
        subprocess.Popen(
            command("run", *arguments),
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            endpoint, hmi_url = _wait_until_ready(process, log_file)
            metrics_url = f"http://127.0.0.1:{env['VOLTKEEP_METRICS_PORT']}"
            now = dt.datetime.now(dt.UTC)
            yield Voltkeep(process, home, log_file, endpoint, hmi_url, metrics_url, ADMIN_PASSWORD, now)
        finally:
            _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], log_file: Path) -> tuple[str, str]:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        text = log_file.read_text(errors="replace")
        if found := READY.search(text):
            return found[1], found[2]
        if process.poll() is not None:
            pytest.fail(f"voltkeep run ended with status {process.returncode}:\n{text}", pytrace=False)
        time.sleep(0.05)
    pytest.fail(f"voltkeep run was not ready after {START_LIMIT:g} s:\n{text}", pytrace=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
