"""Become a PostgreSQL program that cannot outlive its parent: `launch.py PARENT UID GID COMMAND...`.

Run as a script of its own between fork and exec, because what it does to itself (drop root, ask the
kernel for SIGINT when the parent dies) is unsafe in a forked copy of a threaded program. The order
matters: a change of user clears the parent-death signal.

PostgreSQL refuses to run as root, so root becomes `UID`. Where that user may not enter a folder on the
way to the program or its data (a checkout under /root), it keeps the one capability to search folders
(capabilities(7)) rather than have their modes changed. Exit code 77 means that not even that was to be
had; the folder is the last line of standard error.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

NO_ENTRY = 77

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2  # or access(2), which PostgreSQL asks, would not count the capability
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x2008_0522

_libc = ctypes.CDLL(None)


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Drop to `uid`, tie our life to `parent`'s, and become `command`."""
    if os.geteuid() == 0:
        _drop_root(uid, gid, command)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() == parent:  # otherwise it died before we could ask
        os.execv(command[0], command)


def _drop_root(uid: int, gid: int, command: list[str]) -> None:
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)
    closed = _closed_folder(command)
    os.seteuid(0)
    if closed is not None:
        _libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if closed is not None and not (_keep(CAP_DAC_READ_SEARCH) or _keep(CAP_DAC_OVERRIDE)):
        print(closed, file=sys.stderr)
        sys.exit(NO_ENTRY)


def _closed_folder(command: list[str]) -> Path | None:
    """The topmost folder on the way to the program or its data that our effective user may not enter."""
    for word in command:
        if word.startswith("/"):
            for folder in reversed(Path(word).parents):
                if not os.access(folder, os.X_OK, effective_ids=True):
                    return folder
    return None


def _keep(capability: int) -> bool:
    """Keep this capability, through exec as well, and no other."""
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit)  # effective, permitted, inheritable; upper halves 0
    if _libc.capset(header, sets) != 0:
        return False
    return bool(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
