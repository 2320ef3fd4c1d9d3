"""Simulated Modbus gateways in a process of their own, for tests of masters and of the whole program."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from program import CHECKOUT, command, environment

SITES = 9


@contextmanager
def serving(home: Path, last_port: int, *arguments: str, **settings: str) -> Iterator[None]:
    """`voltkeep` with these arguments, once it listens on `last_port`, and a clean end."""
    with subprocess.Popen(
        command(*arguments),
        cwd=CHECKOUT,
        env=environment(home, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            _wait_until_open(process, last_port)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                said, _ = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0, said
    assert "Traceback" not in said


def simulator(home: Path, first: int) -> ExitStack:
    """Nine gateways from port `first`."""
    stack = ExitStack()
    stack.enter_context(serving(home, first + SITES - 1, "simulator", VOLTKEEP_MODBUS_PORT=str(first)))
    return stack


def consecutive_ports(count: int) -> int:
    """The first of so many free ports."""
    for first in range(21_000, 29_000, count):
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("no free ports")


def _wait_until_open(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"the gateways do not answer: {process.communicate()[0]}")
