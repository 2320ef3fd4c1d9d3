"""`voltkeep simulate` as a user runs it: files, progress, refusals, Ctrl-C and a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from smallfleets import file_of

ROOT = Path(__file__).parents[2]
TIMEOUT = 120


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet file of two groups: the first site has as many jars as a group holds."""
    large = {"UPS-1": (50.0, {f"S{i:02d}": 50 for i in range(1, 23)})}
    file = file_of({"Bangrak": large, "Phuket": {"UPS-1": (5.0, {"S01": 6})}})
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    path.write_text(yaml.safe_dump(json.loads(file.model_dump_json())))
    return path


def _command(fleet: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "server", "simulate", "--seed", "7", "--fleet", str(fleet), *words]


def _run(fleet: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = _command(fleet, *words)
    return subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True, timeout=TIMEOUT
    )


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def _files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_one_process_or_two_write_the_same_and_the_second_time_must_be_asked_for(
    fleet: Path, tmp_path: Path
) -> None:
    words = ("--days", "0.2", "--step", "300", "--out")
    first = _run(fleet, *words, str(tmp_path / "a"), "--processes", "2")
    assert first.returncode == 0, first.stderr
    assert "58 steps of 2 sites" in first.stdout
    assert "100 %" in first.stdout
    again = _run(fleet, *words, str(tmp_path / "a"))
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    whole = _files(tmp_path / "a")
    (tmp_path / "a" / "raw" / "jar" / "Phuket" / "2023-01.parquet").write_bytes(b"of an earlier, longer run")
    assert _run(fleet, *words, str(tmp_path / "a"), "--overwrite", "--processes", "1").returncode == 0
    assert _files(tmp_path / "a") == whole
    assert pq.read_table(tmp_path / "a/raw/jar/Bangrak/2024-01.parquet").num_rows == 1100 * 58


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--out FOLDER, --into historian, or both"),
        (("--out", "x", "--step", "0.1"), "--step 0.1: must be from 1 to 3600 s"),
        (("--out", "x", "--sites", "Atlantis"), "unknown site 'Atlantis' (known: Bangrak, Phuket)"),
        (("--out", "x", "--no-raw", "--no-hourly", "--no-events"), "nothing to write"),
        (("--out", "/dev/null/x", "--days", "1"), "cannot be used: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_plain_words(fleet: Path, words: tuple[str, ...], said: str) -> None:
    done = _run(fleet, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_whole_months_and_no_process(fleet: Path, tmp_path: Path, sign: signal.Signals) -> None:
    out = tmp_path / "out"
    run = _started(fleet, out)
    try:
        workers = _await_first_month(run, out)
        run.send_signal(sign)
        _, said = run.communicate(timeout=30)
    finally:
        run.kill()
    assert run.returncode == 130
    assert "Traceback" not in said
    assert not [name for name in _files(out) if name.endswith(".part")]
    assert "manifest.json" not in _files(out)
    assert pq.read_table(out / "raw/site/Phuket/2024-01.parquet").num_rows == 24
    _await_end(workers)


def test_workers_end_when_their_parent_is_killed(fleet: Path, tmp_path: Path) -> None:
    run = _started(fleet, tmp_path)
    workers = _await_first_month(run, tmp_path)
    run.kill()
    run.communicate(timeout=30)
    _await_end(workers)


def _started(fleet: Path, out: Path) -> subprocess.Popen[str]:
    """A run that takes minutes, but its first month, which is a day, does not."""
    command = _command(fleet, "--start", "2024-01-31", "--years", "5", "--step", "3600", "--out", str(out))
    return subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _await_first_month(run: subprocess.Popen[str], out: Path) -> list[int]:
    """The workers of a run that has written its first month."""
    deadline = time.monotonic() + TIMEOUT
    while not (out / "raw/site/Phuket/2024-01.parquet").exists():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]


def _await_end(processes: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(map(_alive, processes)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    """Whether a process is there, and not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
