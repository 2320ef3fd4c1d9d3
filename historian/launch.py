"""Become a PostgreSQL program that cannot outlive its parent: `launch.py PARENT UID GID COMMAND...`.

Run as a script of its own between fork and exec, because what it does to itself (drop root, ask the
kernel for SIGINT when the parent dies) is unsafe in a forked copy of a threaded program. The order
matters: a change of user clears the parent-death signal. Exit code 77 means that the user may not
enter a folder; its path is the last line of standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
NO_ENTRY = 77


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Drop to `uid`, tie our life to `parent`'s, and become `command`."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    closed = _closed_folder(command)
    if closed is not None:
        print(closed, file=sys.stderr)
        sys.exit(NO_ENTRY)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() == parent:  # otherwise it died before we could ask
        os.execv(command[0], command)


def _closed_folder(command: list[str]) -> Path | None:
    """The topmost folder on the way to the program or its data that this user may not enter."""
    for word in command:
        if word.startswith("/"):
            for folder in reversed(Path(word).parents):
                if not os.access(folder, os.X_OK):
                    return folder
    return None


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
