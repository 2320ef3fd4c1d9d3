"""A lock that ends with its holder, and pids that are not taken at their word."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from historian.errors import AlreadyRunning
from historian.postmaster import PID_FILE, SOCKET, clear, lock, running


@contextmanager
def process(name: str, *words: str) -> Iterator[int]:
    """A process that calls itself `name` and only waits."""
    script = "import time; print(flush=True); time.sleep(60)"
    child = subprocess.Popen([name, "-c", script, *words], executable=sys.executable, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    yield child.pid
    child.kill()
    child.wait()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    held = lock(tmp_path / "lock")
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        lock(tmp_path / "lock")
    os.close(held)
    os.close(lock(tmp_path / "lock"))


def test_a_stranger_with_the_number_is_not_the_server(tmp_path: Path) -> None:
    with process("sleep") as pid:
        (tmp_path / PID_FILE).write_text(f"{pid}\n{tmp_path}\n")
        assert running(tmp_path) is None


def test_a_server_on_this_very_directory_is(tmp_path: Path) -> None:
    with process("/usr/bin/postgres", "-D", str(tmp_path)) as pid:
        (tmp_path / PID_FILE).write_text(f"{pid}\n")
        assert running(tmp_path) == pid


def test_a_server_on_another_directory_is_not(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with process("/usr/bin/postgres", "-D", str(other)) as pid:
        (tmp_path / PID_FILE).write_text(f"{pid}\n")
        assert running(tmp_path) is None


@pytest.mark.parametrize("content", [None, "", "no number\n", "4194305\n"])
def test_nothing_and_nonsense(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / PID_FILE).write_text(content)
    assert running(tmp_path) is None


def test_what_is_left_behind_goes_and_data_stays(tmp_path: Path) -> None:
    for name in (PID_FILE, SOCKET, f"{SOCKET}.lock", "PG_VERSION"):
        (tmp_path / name).touch()
    clear(tmp_path)
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["PG_VERSION"]
