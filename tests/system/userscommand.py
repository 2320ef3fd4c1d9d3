"""`voltkeep user` as a command, for the tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlparse

from program import CHECKOUT, Voltkeep, command, environment

ONE_TIME = re.compile(r"^One-time password of user (\S+): (\S+)$", re.MULTILINE)


def user(voltkeep: Voltkeep, *arguments: str, password: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `voltkeep user` for the server of a running program."""
    port = str(urlparse(voltkeep.endpoint).port)
    return run_user(voltkeep.home, *arguments, VOLTKEEP_OPCUA_PORT=port, VOLTKEEP_PASSWORD=password, **more)


def run_user(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `voltkeep user` with a home; it never asks, and never shows a traceback."""
    done = subprocess.run(
        command("user", *arguments),
        cwd=CHECKOUT,
        env=environment(home, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def one_time(done: subprocess.CompletedProcess[str]) -> str:
    """The password that was shown."""
    found = ONE_TIME.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[2]
