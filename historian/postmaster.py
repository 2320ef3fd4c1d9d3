"""Whether a data directory is in use: a lock that dies with its holder, and a pid that must prove itself.

PostgreSQL believes any process that has the number in `postmaster.pid`, so after a power cut or in a
container a stranger with that number stops it from starting for ever. Here a number counts only when
the process is a `postgres` on this very data directory. The lock is `flock`: the kernel lets go of it
when the holder dies, however it dies, and it works between containers that share the folder.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from historian.errors import AlreadyRunning

PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
PID_FILE = "postmaster.pid"
_LEFT_BEHIND = (PID_FILE, f"{SOCKET}.lock", SOCKET)


def lock(path: Path) -> int:
    """A descriptor that holds the lock file at `path`; `AlreadyRunning` if another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunning(
            f"Another Voltkeep (process {holder}) already uses the home {path.parent}. "
            "Stop it first, or give this one a home of its own with --home."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def running(data: Path) -> int | None:
    """Process id of the server that runs on `data`, or None."""
    try:
        pid = int((data / PID_FILE).read_text().split("\n", 1)[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        directory = os.fsdecode(words[words.index(b"-D") + 1])
        same = os.path.basename(words[0]) == b"postgres" and os.path.samefile(directory, data)
    except (OSError, ValueError, IndexError):
        return None
    return pid if same else None


def clear(data: Path) -> None:
    """Remove what a server that is no more has left behind."""
    for name in _LEFT_BEHIND:
        (data / name).unlink(missing_ok=True)
