"""`voltkeep export` as a user calls it: beside a database that runs, and without one."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from config.settings import Historian as Settings
from historian.historian import Historian
from nodeset.frame import first_frame
from nodeset.index import TagIndex

JAR = "Bangrak/UPS-1/S01/J02"
START = 1_790_000_000_000_000  # µs
RANGE = ("--from", "2026-09-21", "--to", "2026-09-22")


async def fill(home: Path, index: TagIndex, until: Any) -> Historian:
    """A historian that runs and has stored three scans."""
    historian = await Historian.start(Settings(), home, index, lambda text: None)
    frame = first_frame(index, START)
    for i in range(3):
        frame = frame.next(START + i * 1_000_000)
        frame.value[:] = 13.5 + i
        frame.status[:] = 0
        historian.offer(frame.freeze())
    await until(lambda: historian.stats.scans_written == 3)
    return historian


def run(home: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "server", "export", *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, timeout=60, **more)


@pytest.fixture
async def filled_home(prepared_home: Path, small_index: TagIndex, until: Any) -> Path:
    """A home with history whose server has ended."""
    await (await fill(prepared_home, small_index, until)).close()
    return prepared_home


def snapshot(home: Path) -> set[str]:
    return {each.name for each in home.iterdir()}


async def test_it_works_with_and_without_a_server_and_leaves_nothing_behind(
    prepared_home: Path, small_index: TagIndex, until: Any, tmp_path: Path
) -> None:
    historian = await fill(prepared_home, small_index, until)
    words = (f"{JAR}.Voltage", *RANGE, "-o", "-")
    beside = await asyncio.to_thread(run, prepared_home, *words)
    await historian.close()
    assert beside.returncode == 0, beside.stderr
    rows = list(csv.reader(io.StringIO(beside.stdout.decode())))
    assert rows[0] == ["Time", "Voltage [V]", "Status"]
    assert [row[1:] for row in rows[1:]] == [["13.5", "Good"], ["14.5", "Good"], ["15.5", "Good"]]
    before = snapshot(prepared_home)
    out = tmp_path / "jar.xlsx"
    alone = await asyncio.to_thread(run, prepared_home, f"{JAR}.Voltage", *RANGE, "-o", str(out))
    assert alone.returncode == 0, alone.stderr
    assert b"Exporting" in alone.stderr
    assert alone.stdout == b""
    assert out.read_bytes()[:2] == b"PK"
    assert snapshot(prepared_home) == before
    assert not (prepared_home / "postgres" / "postmaster.pid").exists()
    assert snapshot(tmp_path) == {"jar.xlsx"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Nowhere.Voltage", "-o", "a.csv"], "There is no history in"),
        (["X.Voltage"], "Say where to"),
        (["X.Voltage", "-o", "a.doc"], "'doc' is no format"),
        (["X.Voltage", "-o", "a.csv", "--from", "yesterday"], "'yesterday' is no time"),
        (["X.Voltage", "-o", "a.csv", "--step", "weekly"], "'weekly' is no step"),
        (["X.Voltage", "-o", "-", "--format", "xlsx"], "There is no history in"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, words: list[str], said: str) -> None:
    done = run(tmp_path, *words, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.glob("*"))


def test_interrupted_it_leaves_no_half_file(filled_home: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server", "export", "**.*", *RANGE, "-o", str(tmp_path / "all.csv")]
    process = subprocess.Popen([*command, "--home", str(filled_home)], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not (filled_home / "postgres" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert not snapshot(tmp_path)
    assert not (filled_home / "postgres" / "postmaster.pid").exists()
