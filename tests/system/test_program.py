"""The program as its user meets it: start, wrong input, a second start, a restart, Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from asyncua import Client, ua
from program import CHECKOUT, Start, Voltkeep, command, environment

FLEET_URI = "urn:voltkeep:fleet"
VOLTAGE = "Bangrak/UPS-1/S03/J07.Voltage"


def run(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A program that ends by itself."""
    return subprocess.run(
        command(*arguments),
        cwd=CHECKOUT,
        env=environment(home, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wrong_fleet(tmp_path: Path) -> Path:
    text = (CHECKOUT / "config" / "fleet.yaml").read_text(encoding="utf-8")
    file = tmp_path / "fleet.yaml"
    file.write_text(text + "  Atlantis/UPS-1/S01/J01:\n    serial: X-1\n", encoding="utf-8")
    return file


def processes_of(home: Path) -> list[str]:
    """Command lines of the processes that work in or for `home`, by directory, arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            where = os.readlink(process / "cwd")
        except OSError:
            continue  # it has just ended, or is another user's
        if where.startswith(str(home)) or f"{home}".encode() in told:
            found.append(told.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def left_of(home: Path) -> list[str]:
    """The same, once those that end by themselves when their parent does have had the time to."""
    for _ in range(50):
        if not processes_of(home):
            break
        time.sleep(0.1)
    return processes_of(home)


async def history(endpoint: str, start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, float]]:
    async with Client(endpoint) as client:
        ns = await client.get_namespace_index(FLEET_URI)
        node = client.get_node(ua.NodeId(VOLTAGE, ns))
        values = await node.read_raw_history(start, end)
    # asyncua also asks for the bounds, before and after.
    return [(v.SourceTimestamp, v.Value.Value) for v in values if start < v.SourceTimestamp < end]


def pages_of(program: Voltkeep) -> int:
    """The process of a program's HMI."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == program.process.pid and (process / "cmdline").read_bytes().endswith(
                b"-m\0hmi\0"
            ):
                return int(process.name)
    raise AssertionError("there is no HMI")


def the_hmi_comes_back(program: Voltkeep) -> None:
    """A killed HMI is started again by itself; the server goes on meanwhile."""
    os.kill(pages_of(program), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert program.process.poll() is None, program.log
        try:
            with urllib.request.urlopen(f"{program.hmi_url}/ready", timeout=5):
                break
        except OSError:  # also what is not ready yet
            time.sleep(0.2)
    else:
        pytest.fail(f"the HMI did not come back:\n{program.log}")
    assert "the HMI is started again" in program.log


def test_it_says_when_it_is_ready_and_answers(voltkeep: Voltkeep) -> None:
    assert voltkeep.log.count("\nready: ") == 1
    for url in (voltkeep.hmi_url, voltkeep.metrics_url):
        with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
            assert answer.status == 200
            assert json.load(answer)
    with urllib.request.urlopen(f"{voltkeep.metrics_url}/metrics", timeout=10) as answer:
        assert b"# TYPE voltkeep_" in answer.read()


@pytest.mark.parametrize("setting", ["opcua", "hmi", "metrics"])
def test_a_port_in_use_is_named_with_what_to_do(home: Path, setting: str) -> None:
    variable = f"VOLTKEEP_{setting.upper()}_PORT"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(home, "run", **{variable: str(port)})
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert str(port) in said
    assert variable in said or f"{setting}.port" in said
    assert "Traceback" not in said


def test_a_wrong_fleet_file_stops_the_start(tmp_path: Path) -> None:
    file = wrong_fleet(tmp_path)
    line = len(file.read_text(encoding="utf-8").splitlines()) - 1
    done = run(tmp_path / "home", "run", VOLTKEEP_FLEET=str(file))
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{file}:{line}: jars.Atlantis/UPS-1/S01/J01: unknown site 'Atlantis'" in said
    assert "Traceback" not in said
    assert not (tmp_path / "home").exists()


def test_a_database_that_does_not_answer_stops_the_start(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    url = f"postgresql://plant:hidden-word@127.0.0.1:{port}/voltkeep"
    done = run(home, "run", VOLTKEEP_HISTORIAN_URL=url)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "127.0.0.1" in said
    assert str(port) in said
    assert "hidden-word" not in said
    assert "Traceback" not in said


def test_check_accepts_what_ships_and_refuses_a_wrong_file(tmp_path: Path) -> None:
    good = run(tmp_path / "home", "check")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "1,944" in good.stdout or "1944" in good.stdout
    wrong = run(tmp_path / "home", "check", VOLTKEEP_FLEET=str(wrong_fleet(tmp_path)))
    assert wrong.returncode != 0
    assert "unknown site 'Atlantis'" in wrong.stdout + wrong.stderr
    assert not (tmp_path / "home").exists()


def test_a_second_program_on_the_same_home_is_refused(voltkeep: Voltkeep) -> None:
    done = run(voltkeep.home, "run")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert str(voltkeep.home) in said
    assert "Traceback" not in said
    assert voltkeep.process.poll() is None


async def test_history_outlives_a_restart_and_an_end_leaves_nothing_behind(
    start_voltkeep: Start, home: Path
) -> None:
    begin = dt.datetime.now(dt.UTC)
    with start_voltkeep(home) as first:
        await asyncio.sleep(6)
        before = await history(first.endpoint, begin, dt.datetime.now(dt.UTC))
        assert len(before) >= 3
        # Ctrl-C in a terminal reaches every process of the group.
        os.killpg(first.process.pid, signal.SIGINT)
        assert await asyncio.to_thread(first.process.wait, 30) == 0, first.log
        assert "Traceback" not in first.log
    assert left_of(home) == []

    started = time.monotonic()
    with start_voltkeep(home) as second:
        assert time.monotonic() - started < 15
        after = await history(second.endpoint, begin, dt.datetime.now(dt.UTC))
        assert after[: len(before)] == before
        await asyncio.to_thread(the_hmi_comes_back, second)
        second.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(second.process.wait, 30) == 0, second.log
    assert left_of(home) == []
