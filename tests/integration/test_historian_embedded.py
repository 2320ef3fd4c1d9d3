"""The embedded database against the accidents of real machines."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from historian.embedded import Embedded
from historian.errors import AlreadyRunning, HistorianError
from historian.launch import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
from historian.postmaster import PID_FILE, SOCKET, running

Until = Callable[[Callable[[], bool]], Awaitable[None]]

PARENT = """
import asyncio, sys
from pathlib import Path
from historian.embedded import Embedded
async def main():
    server = Embedded(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the database as somebody else")


def status_of(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def answers(server: Embedded) -> bool:
    with psycopg.connect(server.conninfo) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has collected yet counts."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def test_first_start_second_start_and_stop(home: Path) -> None:
    said: list[str] = []
    server = Embedded(home, said.append)
    await server.start()
    assert answers(server)
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700
    pid = server.pid
    assert pid is not None
    await server.stop()
    assert gone(pid)
    await server.start()
    assert answers(server)
    await server.stop()
    assert len(said) == 1
    assert "first start" in said[0]
    assert set(os.listdir(home)) == {"postgres", "postgres.lock", "postgres.log"}


async def test_a_home_with_a_path_too_long_for_a_socket(home: Path) -> None:
    server = Embedded(home / ("deep" * 30))
    await server.start()
    assert answers(server)
    await server.stop()


async def test_a_second_start_beside_a_running_one(prepared_home: Path) -> None:
    server = Embedded(prepared_home)
    await server.start()
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*already uses the home"):
        await Embedded(prepared_home).start()
    assert answers(server)
    await server.stop()


async def test_a_killed_parent_takes_the_database_along(prepared_home: Path) -> None:
    words = (sys.executable, "-c", PARENT, str(prepared_home))
    parent = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert running(prepared_home / "postgres") == pid
    parent.kill()
    await parent.wait()
    server = Embedded(prepared_home)
    await server.start()  # waits for the orphan's shutdown
    assert gone(pid)
    assert server.pid != pid
    assert answers(server)
    await server.stop()


async def test_a_stale_pid_of_a_living_stranger_is_not_believed(prepared_home: Path) -> None:
    server = Embedded(prepared_home)
    await server.start()
    await server.stop()
    stranger = f"{os.getppid()}\n{prepared_home}/postgres\n{int(time.time())}\n5432\n.\n\n  0 0\nready\n"
    (prepared_home / "postgres" / PID_FILE).write_text(stranger)
    (prepared_home / "postgres" / f"{SOCKET}.lock").write_text(stranger)
    await server.start()
    assert answers(server)
    await server.stop()


async def test_an_interrupted_first_start_leaves_nothing_half_done(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = Embedded(home)
    await server.start()
    assert answers(server)
    await server.stop()


async def test_a_database_that_cannot_start_says_why_and_what_to_do(prepared_home: Path) -> None:
    server = Embedded(prepared_home)
    await server.start()
    await server.stop()
    (prepared_home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(HistorianError) as caught:
        await server.start()
    text = str(caught.value)
    assert "could not find the database system" in text  # PostgreSQL's own words, from the log
    assert str(prepared_home / "postgres.log") in text
    assert "historian.url" in text
    assert "\n" not in text


async def test_a_database_of_another_version(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(HistorianError, match="made by PostgreSQL 17"):
        await Embedded(home).start()


@pytest.fixture
def closed_home(home: Path) -> Path:
    """A home under a folder that is root's alone, as /root is."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    return closed / "home"


@as_root
async def test_root_with_a_home_that_only_root_may_enter(closed_home: Path) -> None:
    words = (sys.executable, "-c", PARENT, str(closed_home))
    parent = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    status = dict(line.split(":\t") for line in status_of(pid).splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {str(closed_home.joinpath("postgres").stat().st_uid)} != {"0"}
    assert int(status["CapEff"], 16) in (1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE)  # and nothing else
    assert closed_home.parent.stat().st_mode & 0o777 == 0o700
    parent.kill()  # a capability does not loosen the bond
    await parent.wait()
    async with asyncio.timeout(10):
        while not gone(pid):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
async def test_root_without_that_power_is_told_what_to_do(closed_home: Path) -> None:
    less = ("setpriv", "--bounding-set=-dac_read_search,-dac_override")
    words = (*less, sys.executable, "-c", PARENT, str(closed_home))
    parent = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    _, error = await parent.communicate()
    assert f"may not enter {closed_home.parent}. " in error.decode()
    assert f"chmod o+x {closed_home.parent}" in error.decode()


async def test_ctrl_c_of_the_terminal_does_not_reach_the_database(prepared_home: Path, until: Until) -> None:
    server = Embedded(prepared_home)
    await server.start()
    assert server.pid is not None
    assert os.getpgid(server.pid) != os.getpgrp()
    os.kill(server.pid, signal.SIGINT)  # while the supervisor's own signal does end it
    await until(lambda: not server.running)
    await server.stop()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own on `folder`, where the machine allows it."""
    folder.mkdir(exist_ok=True)
    words = ("mount", "-t", "tmpfs", "-o", f"mode=711,{options}", "tmpfs", str(folder))
    if subprocess.run(words, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(("mount", "-o", f"remount,{options}", str(folder)), check=True)


def copied(prepared_home: Path) -> Path:
    """The same home on the disk that is mounted in it."""
    home = prepared_home / "disk" / "home"
    home.mkdir(mode=0o711)
    subprocess.run(("cp", "-a", prepared_home / "postgres", home), check=True)
    return home


@as_root
async def test_a_disk_that_is_full_at_the_first_start(home: Path) -> None:
    with mounted(home / "disk", "size=20m"):
        with pytest.raises(HistorianError) as caught:
            await Embedded(home / "disk" / "home").start()
        left = os.listdir(home / "disk" / "home")
    assert "No space left on device" in str(caught.value)
    assert "Check free disk space" in str(caught.value)
    assert "postgres" not in left


@as_root
async def test_a_disk_that_is_full_while_the_database_runs(prepared_home: Path) -> None:
    with mounted(prepared_home / "disk", "size=150m"):
        home = copied(prepared_home)
        server = Embedded(home)
        await server.start()
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
            with pytest.raises(psycopg.Error, match=r"No space left on device|terminat|closed"):
                connection.execute(
                    "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 200000)"
                )
        await server.stop()
        remount(home.parent, "size=400m")  # somebody makes room
        await server.start()
        with psycopg.connect(server.conninfo) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
        await server.stop()


@as_root
async def test_a_directory_that_may_only_be_read(home: Path) -> None:
    with mounted(home / "disk", "ro"), pytest.raises(HistorianError) as caught:
        await Embedded(home / "disk" / "home").start()
    assert f"cannot use the home {home}/disk/home: Read-only file system. Make it a folder" in str(
        caught.value
    )
    assert "--home" in str(caught.value)


@as_root
async def test_a_directory_that_became_one_to_read_only(prepared_home: Path) -> None:
    with mounted(prepared_home / "disk", "size=150m"):
        home = copied(prepared_home)
        remount(home.parent, "ro")
        with pytest.raises(HistorianError, match=r"Read-only file system.*may write to"):
            await Embedded(home).start()
