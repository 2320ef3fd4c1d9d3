"""How a process that makes a file for a server behaves: what it tells, what it may use, and when it ends.

Standard output tells, a line each, the share that is done, then `done` or `error:` and why not. When standard
input ends, so does the process: whoever asked is gone.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable
from typing import Final

from historian.errors import HistorianError
from historian.export.lines import Progress

NICENESS: Final = 10


def make(write: Callable[[Progress], None], limit: int) -> int:
    """Have a file written of so many bytes at most; the exit code."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        write(_tell)
    except HistorianError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"The file cannot be written: {error.strerror or error}.")
    print("done", flush=True)
    return 0


def _fail(reason: str) -> int:
    print("error:", " ".join(reason.split()), flush=True)
    return 1


def _tell(share: float) -> None:
    print(f"{share:.4f}", flush=True)


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)
