"""Processes under measurement: free ports, their start, CPU time and memory, and an end without leftovers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
ROOT: Final = Path(__file__).parents[1]
START_LIMIT: Final = 600.0  # s
STOP_LIMIT: Final = 30.0  # s


@dataclass(frozen=True)
class Process:
    """A server that listens on `port`; `start_s` is what it took from its launch to the first connection."""

    pid: int
    port: int
    start_s: float
    log: Path

    def cpu(self) -> float:
        """CPU time used so far by the threads there are, user and system [s], to the microsecond."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> float:
        """Resident memory [MB]."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def free_run(count: int) -> int:
    """The first of `count` consecutive ports that nobody listens on."""
    for _ in range(200):
        (first,) = free_ports(1)
        if first + count < 65_536 and all(_is_free(first + i) for i in range(count)):
            return first
    raise RuntimeError("no run of free ports")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def running(port: int, log: Path, arguments: list[str], environment: dict[str, str]) -> Iterator[Process]:
    """`python arguments` in a process of its own from when it listens on `port`; it is ended afterwards."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("VOLTKEEP_")}
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=inherited | environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_port(process, port, log)
        yield Process(process.pid, port, time.perf_counter() - began, log)
    finally:
        _end(process)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        with closing(socket.socket()) as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"no server on port {port}:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
